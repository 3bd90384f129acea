/* SPDX-License-Identifier: GPL-2.0 */
/* Why a process carries a label: of each process and label, the first event that gave it.
 * Bounded; when a row of the table is full, its oldest entry goes and is counted. */
#pragma once

#include "base/cleanup.h"
#include "event/event.h"
#include "event/id.h"

struct am_origins;

enum { AM_ORIGIN_PATH = 256 };	/* bytes of a path that are kept, its end */

struct am_label_origin {
	struct am_event_id id;
	int64_t wall_ns;
	uint64_t start_ticks;	/* of the process, with `tgid`: see am_start_ticks() */
	uint64_t boottime_ns;	/* of the event */
	uint32_t tgid;
	uint32_t ppid;
	uint32_t store;		/* id; 0: what was read is in no store */
	unsigned label;		/* bit */
	bool cut;		/* `path` lacks its upper end */
	char path[AM_ORIGIN_PATH];
	char comm[AM_COMM_LEN];
};

/* When a process began, as /proc/PID/stat tells it too: in hundredths of a second. */
static inline uint64_t am_start_ticks(uint64_t start_ns)
{
	return start_ns / 10000000;
}

int am_origins_new(struct am_origins **ret);

/* Takes note of an event that gives its process labels; others are left alone. */
void am_origins_take(struct am_origins *o, const struct am_decoded *e,
		     const struct am_event_id *id, int64_t wall_ns);

/* Why the process carries the label; NULL: not by an event that is known. Borrowed until
 * the next am_origins_take(). */
const struct am_label_origin *am_origins_find(const struct am_origins *o, uint32_t tgid,
					uint64_t start_ticks, unsigned label);

/* Entries that had to go. */
uint64_t am_origins_forgotten(const struct am_origins *o);

void am_origins_free(struct am_origins *o);
AM_DEFINE_AUTO(am_origins);
