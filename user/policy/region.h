/* SPDX-License-Identifier: GPL-2.0 */
/* Files, as far as two policies tell them apart: by the store that they are in under each.
 * Private to policy/. */
#pragma once

#include "policy/space.h"

enum { AM_BEFORE, AM_AFTER };	/* the policies of a space that compares two */

/* A path that one of the policies names. It and all below it, up to the next such path,
 * belong to these stores. */
struct am_region {
	const char *path;		/* borrowed */
	int store[AM_SPACE_POLICIES];	/* index, -1: none */
};

struct am_regions {
	struct am_region *items;	/* owned by the caller */
	size_t count;
};

/* Every pair of stores that some file is in, once, with the first such path. 0 or -ENOMEM;
 * *ret is the caller's either way. */
int am_regions_list(const struct am_space *space, struct am_regions *ret);

/* The store's name if that is what it was and will be; else the path as well. The
 * caller's; NULL for lack of memory. */
char *am_region_text(const struct am_space *space, const struct am_region *r);
