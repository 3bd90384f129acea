/* SPDX-License-Identifier: GPL-2.0 */
/* Which policy governs, and how the next one takes over: whole, or not at all. */
#pragma once

#include "agent/force.h"
#include "agent/recall.h"
#include "agent/sealer.h"
#include "policy/annals.h"

struct am_engine;
struct am_publisher;

struct am_governor {
	const char *path;		/* of the policy file; borrowed */
	const char *keys;		/* folder of trusted keys; borrowed */
	struct am_annals annals;
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
int am_governor_init(struct am_governor *g, const char *path, const char *keys, int state_fd);

/* From here on policies can be put in force. */
int am_governor_start(struct am_governor *g, struct am_engine *e, struct am_sealer *sealer,
		      struct am_recall *recall);

/* The names that a next policy builds on. Borrowed. */
const struct am_registry *am_governor_registry(const struct am_governor *g);

/* Reads what governs: the last bundle or, if there never was one, the policy file. *ret is
 * owned. */
int am_governor_read(const struct am_governor *g, enum am_road road, struct am_diags *diags,
		     struct am_force **ret);

/* Puts `f` in force and takes it. On failure, with an error in `diags`, `f` is still the
 * caller's and what was in force still is. 1: in force, but the next start will be with
 * the bundle before. */
int am_governor_put(struct am_governor *g, struct am_force *f, struct am_diags *diags);

/* The agent ends, and with it what is in force. */
void am_governor_end(struct am_governor *g);

void am_governor_done(struct am_governor *g);
