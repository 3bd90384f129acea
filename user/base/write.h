/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <stddef.h>

/* Writes all of it to a file: 0 or -errno, with a part of it written. */
int am_write_all(int fd, const void *bytes, size_t len);
