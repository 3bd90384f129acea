/* SPDX-License-Identifier: GPL-2.0 */
/* The executables and scripts that a policy names. The inode of each carries an id and
 * is held open, or the kernel would forget the id with the inode.
 *
 * Always true of a set of them: one item per inode; a file that is pinned to a digest
 * is in it only if it had that digest. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "policy/image.h"

struct am_exe {
	const char *path;	/* borrowed from the image: one of its names */
	uint64_t dev;
	uint64_t ino;
	uint32_t id;
	int fd;
	struct timespec mtime, ctime;
	struct am_set set;	/* of AM_FACT_EXE */
	struct am_set script;	/* of AM_FACT_SCRIPT */
	bool pinned;
	uint8_t sha256[AM_SHA256_BYTES];
};

struct am_exes {
	struct am_exe *items;	/* owned */
	size_t count;
};

/* Opens what `image` names; what does not exist, or has not the digest, is a warning. Items
 * have no id yet. 0 or -errno. */
int am_exes_open(const struct am_image *image, struct am_diags *diags, struct am_exes *ret);

/* NULL when there is none. */
struct am_exe *am_exes_find(const struct am_exes *exes, uint64_t dev, uint64_t ino);

/* Whether the path still leads to the same file, which has not been written since. */
bool am_exe_is_current(const struct am_exe *exe);

/* Whether the open file is pinned, has changed since it was looked at, and does not have its
 * digest any more. */
bool am_exe_is_forged(struct am_exe *exe);

void am_exes_close(struct am_exes *exes);
