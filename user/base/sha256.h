/* SPDX-License-Identifier: GPL-2.0 */
/* The SHA-256 digest of a file as it is now, through a descriptor, so that the file that
 * was looked at is the file that is used. */
#pragma once

#include <stdint.h>

enum { AM_SHA256_LEN = 32 };

/* From its beginning, wherever the descriptor stands; that place stays. 0 or -errno. */
int am_sha256_file(int fd, uint8_t ret[AM_SHA256_LEN]);
