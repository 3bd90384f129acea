/* SPDX-License-Identifier: GPL-2.0 */
/* A small file of the state directory, read and written whole. A reader sees the
 * old bytes or the new ones, never a mixture, also after a power cut. */
#pragma once

#include <stddef.h>

/* Replaces `name` in `dirfd`: temporary file, fsync, rename, fsync of the directory. On
 * failure the old file is as it was. 0 or -errno. May wait for the disk. */
int am_file_replace(int dirfd, const char *name, const void *bytes, size_t len);

/* Reads `name` in `dirfd`. 0; -ENOENT; -EFBIG beyond `max` bytes; another errno. *ret is
 * owned and has a NUL byte behind its *ret_len bytes. */
int am_file_read(int dirfd, const char *name, size_t max, char **ret, size_t *ret_len);
