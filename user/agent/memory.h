/* SPDX-License-Identifier: GPL-2.0 */
/* The insides of the witness. Private to witness.c, explainer.c and learner.c. */
#pragma once

#include "agent/force.h"
#include "agent/witness.h"
#include "event/origins.h"
#include "event/recent.h"
#include "policy/person.h"
#include "store/observed.h"

/* A policy, and its space, which is made when it is asked about first. */
struct am_witness_policy {
	struct am_force *force;	/* kept: am_force_keep() */
	struct am_space *space;	/* owned */
	struct am_view view;
};

struct am_witness {
	int state_fd;			/* borrowed, like the next two */
	struct am_names *names;
	struct am_engine *engine;
	uint32_t run;
	struct am_recent *recent;
	struct am_origins *origins;
	struct am_observed *observed;
	struct am_witness_policy policies[AM_WITNESS_POLICIES];	/* the one in force is the last */
	size_t n_policies;
	int64_t save_ms;		/* not before */
	bool save_now;			/* what is on disk is of no use */
	int save_error;			/* of the last try: -errno */
};

/* The policy of the generation, to look through; NULL when it is not kept any more, or for
 * lack of memory. Borrowed until the next am_witness_force(). */
const struct am_view *am_witness_view(struct am_witness *w, uint32_t generation);
const struct am_view *am_witness_now(struct am_witness *w);
const struct am_force *am_witness_policy(const struct am_witness *w, uint32_t generation);

/* ---- answers; exit codes of `amanat` ------------------------------------------- */

enum { AM_ANSWER_YES = 0, AM_ANSWER_NO = 1, AM_ANSWER_USAGE = 2 };

/* words[0] is the request's. */
int am_explainer_answer(struct am_witness *w, const char *const *words, int n, FILE *out,
			FILE *err);
int am_learner_answer(struct am_witness *w, const char *const *words, int n, FILE *out, FILE *err);

/* Counts the event if it is a refusal. */
void am_learner_take(struct am_witness *w, const struct am_decoded *e, int64_t wall_ns);
