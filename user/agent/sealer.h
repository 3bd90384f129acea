/* SPDX-License-Identifier: GPL-2.0 */
/* When the stores are walked: after each policy, whenever the kernel side asks (a
 * folder came into a store), and again where files could not be labelled.
 *
 * The kernel side's am_sealing counts the walks that are due. A walk pays for those
 * that were due when it began, and only if it labelled all it found. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/seal.h"

struct am_engine;

struct am_sealer {
	struct am_engine *engine;	/* borrowed */
	struct am_seal *seal;		/* owned; NULL before the first policy */
	bool walking;
	uint64_t paying;		/* for so many, when the walk under way is done */
	int64_t asked;			/* events received and not yet paid for */
	uint32_t store;			/* all of them asked for this one; 0: for several */
	int64_t retry_ms;		/* not before */
};

void am_sealer_init(struct am_sealer *s, struct am_engine *e);
void am_sealer_done(struct am_sealer *s);

/* Takes `seal`, of a policy that has just come into force and whose publisher has raised
 * am_sealing, and begins to walk it; what was under way is given up. */
void am_sealer_take(struct am_sealer *s, struct am_seal *seal);

/* A RESEAL event for `store`. */
void am_sealer_ask(struct am_sealer *s, uint32_t store);

/* Begins a walk that is due. To be called now and then. */
void am_sealer_tick(struct am_sealer *s, int64_t now_ms);

/* Goes on for a moment. Whether there is more to do. */
bool am_sealer_step(struct am_sealer *s, int64_t now_ms);

/* Whether every file of every store is labelled. */
bool am_sealer_is_sealed(const struct am_sealer *s);
