/* SPDX-License-Identifier: GPL-2.0 */
/* Strays that are in the kernel's cache already get their labels back: after the
 * agent's start, since labels on inodes went with the agent before, and after a
 * policy that gave their store another id. Those that are not in the cache get
 * theirs when they enter it. In steps, as there may be many.
 *
 * A stray is found by its inode number, without a path. That takes a file system
 * whose identity and file handles can be told from user space: ext4, xfs, btrfs,
 * and from kernel 6.9 on tmpfs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/strays.h"

struct am_engine;
struct am_recall_mounts;

struct am_recall {
	struct am_engine *engine;		/* borrowed */
	const struct am_policy *policy;		/* borrowed */
	struct am_recall_mounts *mounts;	/* owned */
	struct am_stray *strays;		/* owned; those that are due */
	size_t count;
	size_t next;
	uint64_t unreachable;	/* strays of file systems that are not mounted or not supported */
};

void am_recall_init(struct am_recall *r, struct am_engine *e);

/* Gives strays of stores that have a new id in `policy` that id, and begins to recall
 * these; with `all`, every one. Folders that are no roots any more are forgotten. What was
 * under way is given up. 0 or -errno. */
int am_recall_begin(struct am_recall *r, const struct am_policy *policy, bool all);

/* Goes on for a moment. Whether there is more to do. */
bool am_recall_step(struct am_recall *r);

bool am_recall_is_done(const struct am_recall *r);

void am_recall_done(struct am_recall *r);
