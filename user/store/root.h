/* SPDX-License-Identifier: GPL-2.0 */
/* The roots of the stores: each a folder, with all that is below it, or one file.
 *
 * Always true of a set of them: each exists, was no symbolic link, and is held
 * open, so that the kernel does not forget its label; no two stores share one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

/* What to open. Borrowed. */
struct am_root_spec {
	const char *path;
	struct am_pos pos;
	uint32_t store;		/* id */
};

struct am_root {
	char *path;		/* as the policy writes it */
	char *real;		/* without links above it, as the kernel writes it */
	char *inner;		/* from the root of its file system; NULL when not known */
	uint32_t store;
	int fd;			/* O_PATH */
	uint64_t dev;
	uint64_t ino;
	bool is_dir;
};

struct am_roots {
	struct am_root *items;	/* in the order of the specs */
	size_t count;
	size_t *by_inode;	/* indices of items, ordered by (dev, ino) */
};

/* Opens them all. 0; -EINVAL with errors in `diags`; -ENOMEM. *ret is owned. */
int am_roots_open(const struct am_root_spec *specs, size_t n, struct am_diags *diags,
		  struct am_roots **ret);

/* The root that is this inode, as stat() tells; NULL if none is. Borrowed. */
const struct am_root *am_roots_find(const struct am_roots *roots, uint64_t dev, uint64_t ino);

/* The part of `path` below a root of `store`, without a leading slash ("" for a folder that is
 * the root, the last component for a file that is); NULL if it is below none. `inner`:
 * the path starts at the root of the file system. Borrowed from `path`. */
const char *am_roots_within(const struct am_roots *roots, uint32_t store, const char *path,
			    bool inner);

/* Holds them open no more: only names can be asked for from here on. */
void am_roots_close(struct am_roots *roots);

void am_roots_free(struct am_roots *roots);
AM_DEFINE_AUTO(am_roots);
