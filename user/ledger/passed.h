/* SPDX-License-Identifier: GPL-2.0 */
/* A ledger whose directory one may not open: its segments as descriptors that somebody
 * passed. It goes by a descriptor of its own, that of a list in memory, wherever readers
 * (ledger/scan.h) take one of a directory. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "ledger/file.h"

enum { AM_PASSED_MAX = 800 };	/* segments; with them a process has still room for others */

struct am_passed {
	uint64_t segment;
	int32_t fd;
	uint32_t pad;
};

/* The list, ordered by number; the descriptors in it stay open as long as the caller leaves
 * them so. An owned descriptor, or -errno. */
int am_passed_new(struct am_passed *items, size_t n);

/* Whether `fd` is such a list, and no directory. */
bool am_passed_is(int fd);

/* As am_listing_read(). -EBADMSG if it is no list. */
int am_passed_listing(int fd, struct am_listing *ret);

/* A segment's own descriptor, to be closed; -ENOENT. */
int am_passed_open(int fd, uint64_t segment);
