/* SPDX-License-Identifier: GPL-2.0 */
/* Which policy governs, and how the next one takes over: whole, or not at all. */
#pragma once

#include "agent/force.h"
#include "agent/recall.h"
#include "agent/sealer.h"

struct am_engine;
struct am_publisher;

struct am_governor {
	const char *path;		/* of the policy file; borrowed */
	int state_fd;			/* borrowed */
	struct am_registry *stored;	/* the names before the first policy */
	uint32_t generation;		/* of the last policy in force, also in earlier runs */
	struct am_engine *engine;	/* borrowed */
	struct am_publisher *publisher;
	struct am_sealer *sealer;	/* borrowed */
	struct am_recall *recall;	/* borrowed */
	struct am_force *now;
	struct am_force *before;	/* late events are explained by it */
	char why[512];			/* the last policy was refused; "" if it was not */
};

/* Reads what earlier runs have left in `state_fd`. 0; -errno after one line on standard error. */
int am_governor_init(struct am_governor *g, const char *path, int state_fd);

/* From here on policies can be put in force. */
int am_governor_start(struct am_governor *g, struct am_engine *e, struct am_sealer *sealer,
		      struct am_recall *recall);

/* Reads the policy file; what is found in it goes to standard error. *ret is owned. */
int am_governor_read(struct am_governor *g, struct am_force **ret);

/* Puts `f` in force and takes it. On failure, told on standard error, `f` is still the
 * caller's and what was in force still is. */
int am_governor_put(struct am_governor *g, struct am_force *f);

void am_governor_done(struct am_governor *g);
