/* SPDX-License-Identifier: GPL-2.0 */
/* What processes touched, in sum: of each store, outside of stores, and of each destination,
 * how often, how much of it at most, and how often it was denied. */
#pragma once

#include <stdbool.h>

#include "ledger/row.h"
#include "query/handed.h"
#include "query/pool.h"
#include "query/tally.h"

enum {
	AM_TOUCHES_MAX = 1 << 19,
	AM_TOUCH_FILES_MAX = 1 << 20,
	AM_TOUCH_COPY = 16,	/* beside am_op: an object outside that has gained labels */
};

struct am_touched {
	uint32_t process, op;	/* the key, with `target` */
	uint32_t target;	/* of the pool: a store, "" for outside of stores; of a send its destination */
	uint32_t zero;
	uint64_t done;		/* a repeat counts as many as it stands for */
	uint64_t breaches;	/* of these, though the policy denies: observe mode */
	uint64_t refused;	/* that were not done */
	uint64_t files;		/* not of sends; of what was done */
	uint64_t bytes;		/* of these, each once by its largest size */
	uint64_t unsized;	/* files whose size nobody told */
	struct am_handed handed;	/* to sends that were done */
	int64_t first_ns, last_ns;
};

struct am_touches {
	struct am_pool *pool;	/* borrowed */
	struct am_tally touches, files, sockets;
};

void am_touches_init(struct am_touches *t, struct am_pool *pool);
void am_touches_done(struct am_touches *t);

/* An event of a process, known by a number. 0 or -ENOMEM. */
int am_touches_add(struct am_touches *t, uint32_t process, const struct am_row *row);

/* When all are added: those of a process, *ret_n of them, by what was done and how often.
 * Borrowed. */
void am_touches_sort(struct am_touches *t);
const struct am_touched *am_touches_of(const struct am_touches *t, uint32_t process, size_t *ret_n);

uint64_t am_touches_left_out(const struct am_touches *t);
