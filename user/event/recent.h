/* SPDX-License-Identifier: GPL-2.0 */
/* The last events, to be asked about. Findings and allowed accesses have a ring each, so
 * that a storm of the one cannot crowd out the other. At its bound a ring forgets the oldest. */
#pragma once

#include "base/cleanup.h"
#include "event/event.h"
#include "event/id.h"

struct am_recent;

struct am_recent_item {
	struct am_event_id id;
	int64_t wall_ns;	/* CLOCK_REALTIME of the event */
	struct am_event raw;
	char *path;		/* as in am_decoded, owned; "" for none */
	char *exe;
	char *script;
	uint32_t *groups;	/* owned: supplementary ones */
	unsigned n_groups;
};

/* Room for so many findings, and so many others. 0 or -ENOMEM; *ret is owned. */
int am_recent_new(size_t findings, size_t others, struct am_recent **ret);

/* Keeps a copy. 0; -ENOMEM, and it is as if it were too old. */
int am_recent_add(struct am_recent *r, const struct am_decoded *e, const struct am_event_id *id,
		  int64_t wall_ns);

/* Borrowed until the next am_recent_add(); NULL when it is not there (any more). */
const struct am_recent_item *am_recent_find(const struct am_recent *r,
					    const struct am_event_id *id);

/* Which finding is meant by "the last". */
struct am_recent_wish {
	bool has_pid, has_uid;
	uint32_t pid, uid;
};

/* The latest finding that fits; NULL if there is none. Borrowed likewise. */
const struct am_recent_item *am_recent_last(const struct am_recent *r,
					    const struct am_recent_wish *wish);

/* Whether some event that is kept was decided by this generation. */
bool am_recent_uses(const struct am_recent *r, uint32_t generation);

/* The parent that the process had when it was first heard of; 0 when it was not. */
uint32_t am_recent_parent(const struct am_recent *r, uint32_t tgid, uint64_t start_ticks);

/* How far back a ring goes: the oldest that it keeps; NULL when it is empty. */
const struct am_recent_item *am_recent_oldest(const struct am_recent *r, bool finding);

void am_recent_free(struct am_recent *r);
AM_DEFINE_AUTO(am_recent);
