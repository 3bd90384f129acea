/* SPDX-License-Identifier: GPL-2.0 */
/* What each run finds: a file of its own with a secret of its own in the store, and an
 * empty folder beside the store. Made by a process that may. */
#pragma once

#include "technique.h"

struct places {
	const char *disk, *device, *btrfs, *bin;
};

/* What of the store a change would change. */
struct state {
	uint64_t digest;
};

int fixture_make(const struct places *p, const struct technique *t, struct arena *a);
void fixture_remove(const struct arena *a);

/* How a descriptor for WITH_FD is opened, and the groups that this takes. */
int fixture_flags(const struct technique *t);
void setgroups_keeper(const struct technique *t);

/* Taken by a process that may read; nothing of it is labelled afterwards. */
void state_take(struct arena *a, struct state *ret);
bool state_equal(const struct state *one, const struct state *other);
