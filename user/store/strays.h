/* SPDX-License-Identifier: GPL-2.0 */
/* The strays on disk: labels of files that no labelled folder vouches for, so
 * that they outlive the agent and the host's next boot.
 *
 * The file `strays` in the state directory, in this host's byte order:
 *
 *    offset  bytes
 *         0      8  "AMSTRAYS"
 *         8      4  version, 2
 *        12      4  n, the number of entries
 *        16   64 n  entries: struct am_inode_key (40), struct am_tag (24), as in abi.h
 *   16+64 n      8  FNV-1a (64 bit) of all bytes before
 *
 * It is valid if its length is exactly that, the version is 2 and the sum is
 * right; else it is refused whole: half of the labels would look like all. */
#pragma once

#include <stddef.h>

#include "abi.h"

enum { AM_STRAYS_MAX = 1 << 20 };

struct am_stray {
	struct am_inode_key key;
	struct am_tag tag;
};

/* 0, and no entries when there is no file; -EBADMSG when it is not valid; another
 * errno. *ret is owned. */
int am_strays_load(int dirfd, struct am_stray **ret, size_t *ret_n);

/* 0 or -errno; then the old file is as it was. May wait for the disk. */
int am_strays_save(int dirfd, const struct am_stray *strays, size_t n);

/* The sum that the file of these entries has: equal sums, nothing to save. */
__u64 am_strays_sum(const struct am_stray *strays, size_t n);
