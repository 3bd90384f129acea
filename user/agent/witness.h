/* SPDX-License-Identifier: GPL-2.0 */
/* What the agent remembers, and answers from: the last events with the policies that decided
 * them, where the labels of processes came from, and what was refused, counted for
 * `policy learn`.
 *
 * Bounds: the last AM_WITNESS_FINDINGS findings and AM_WITNESS_OTHERS other events;
 * AM_WITNESS_POLICIES policies; see event/origins.h and store/observed.h for the tables.
 * What is beyond them is told as too old, or counted. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"

struct am_decoded;
struct am_engine;
struct am_force;
struct am_names;
struct am_witness;

enum {
	AM_WITNESS_FINDINGS = 4096,
	AM_WITNESS_OTHERS = 4096,
	AM_WITNESS_POLICIES = 8,
};

/* `state_fd`, `names` and `engine` are borrowed. A damaged table of what was refused is told
 * on standard error, and begins anew. 0 or -errno. *ret is owned. */
int am_witness_new(int state_fd, struct am_names *names, struct am_engine *engine,
		   struct am_witness **ret);

/* The policy in force from here on. Kept for as long as it is needed. */
void am_witness_force(struct am_witness *w, struct am_force *now);

/* The number of this run of the agent, as in events' ids. */
uint32_t am_witness_run(const struct am_witness *w);

/* Takes note of an event. */
void am_witness_take(struct am_witness *w, const struct am_decoded *e, int64_t wall_ns);

/* Saves what is to outlive the agent if it is time to and something has changed. May wait for
 * the disk; the rings hold what happens meanwhile. */
void am_witness_tick(struct am_witness *w, int64_t now_ms);

/* Answers `explain ...` and `learn ...`: data to `out`, one sentence to `err` where there is
 * none. An exit code of `amanat`. */
int am_witness_answer(struct am_witness *w, const char *const *words, int n, FILE *out, FILE *err);

/* Saves, and lets go of everything. */
void am_witness_free(struct am_witness *w);
AM_DEFINE_AUTO(am_witness);
