/* SPDX-License-Identifier: GPL-2.0 */
/* What has to happen to strays, and to what the kernel side keeps of roots:
 *
 * A policy may give a store another id. Once it is in force, what is kept with the old id gets
 * the new one; until then the kernel side knows which is meant (am_stray_id() in bpf/label.h).
 *
 * Strays that are in the kernel's cache then get their labels: after the agent's
 * start, as labels on inodes went with the agent before, and when their store has
 * another id. Those that are not in the cache get theirs when they enter it. In
 * steps, as there may be many. A stray is found by its inode number, without a path.
 * That takes a file system whose identity and file handles can be told from user
 * space: ext4, xfs, btrfs, and from kernel 6.9 on tmpfs. */
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
	struct am_stray *strays;		/* owned: kept before; then those to recall */
	size_t n_strays;
	size_t count;		/* to recall; while there are any, the kernel side climbs */
	size_t next;
	uint64_t unreachable;	/* strays of file systems that are not mounted or not supported */
};

void am_recall_init(struct am_recall *r, struct am_engine *e);

/* Lists what is kept before `policy` goes into force. What was under way is given up. 0 or
 * -errno. */
int am_recall_prepare(struct am_recall *r, const struct am_policy *policy);

/* The policy is in force and its roots are labelled: forgets what is no root any more, gives
 * what is kept of stores that have another id that id, and begins to recall it; with `all`,
 * every stray. Until that is done untagged files climb. 0 or -errno, of the first that failed. */
int am_recall_begin(struct am_recall *r, bool all);

/* Goes on for a moment. Whether there is more to do. */
bool am_recall_step(struct am_recall *r);

bool am_recall_is_done(const struct am_recall *r);

void am_recall_done(struct am_recall *r);
