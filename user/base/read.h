/* SPDX-License-Identifier: GPL-2.0 */
/* All bytes of a file, whatever its size was said to be: files of the kernel say 0. */
#pragma once

#include <sys/types.h>

/* Reads up to the end of the file, or `size` bytes: how many, or a negative errno. Blocks
 * as long as the file does. */
ssize_t am_read_all(int fd, void *buf, size_t size);
