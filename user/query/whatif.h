/* SPDX-License-Identifier: GPL-2.0 */
/* What another policy would have made of the past: who would have gained or lost which
 * access, and what would have been blocked. Rows of the record are put to it, their labels
 * and stores by name, and what was asked of both is decided by the function of the kernel.
 *
 * What the record does not hold is not guessed: such rows are counted by what is missing.
 * Accesses to what no policy protected left no rows, and are no part of any answer. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "event/id.h"
#include "ledger/row.h"

struct am_model;
struct am_past;
struct am_diags;

enum am_whatif_kind {
	AM_WHATIF_INVALID = 0,
	AM_WHATIF_GAIN,		/* was refused, or noted; would be allowed */
	AM_WHATIF_LOSS,		/* was allowed; would be denied */
	AM_WHATIF_BLOCK,	/* denied by both; was observed, would be blocked */
	AM_WHATIF_UNBLOCK,	/* the other way round */
	AM_WHATIF_SAME,
	AM_WHATIF_NO_DECISION,	/* not asked: gaps, marks, what followed from a decision */
	/* Cannot be told: */
	AM_WHATIF_FACTS,	/* something decides that is not recorded */
	AM_WHATIF_NOBODY,	/* the facts do not lead to what the kernel found */
	AM_WHATIF_UNKNOWN_FACT,	/* a fact was not known then */
	AM_WHATIF_UNRECORDED,	/* it was refused since it could not be recorded */
	AM_WHATIF_NO_NAME,	/* a label or store has no name, or a file no whole path */
	AM_WHATIF_NOT_KEPT,	/* what the data carried, only the policy of then would tell */
	AM_WHATIF_REPEAT,	/* a repeat of an access that was not looked at */
	AM_WHATIF_MAX_,
};

enum {
	AM_WHATIF_GROUPS_MAX = 4096,
	AM_WHATIF_EXAMPLES = 3,
};

/* Accesses that differ alike. Texts are owned. */
struct am_whatif_group {
	enum am_whatif_kind kind;	/* GAIN to UNBLOCK */
	char *who;		/* user=acme exe=/usr/bin/psql unit=ssh.service */
	unsigned op;
	char *what;		/* a store, or labels */
	char *to;		/* of a send; else empty */
	char *why;		/* of the new policy: its rule, or the lack of one */
	bool blocks;		/* LOSS: the new policy would block it, not observe */
	uint64_t count;		/* accesses, repeats as well */
	int64_t first_ns, last_ns;
	struct am_event_id examples[AM_WHATIF_EXAMPLES];
	unsigned n_examples;
};

struct am_whatif;

/* `past` (NULL: nothing is known of it) and `model` are borrowed. 0; -EINVAL with errors in
 * `diags` if the model does not compile; -ENOMEM. *ret is owned. */
int am_whatif_new(struct am_past *past, const struct am_model *model, struct am_diags *diags,
		  struct am_whatif **ret);

/* 0 or -ENOMEM. */
int am_whatif_add(struct am_whatif *w, const struct am_row *row);

/* The most first, gains before losses; borrowed. */
const struct am_whatif_group *am_whatif_groups(struct am_whatif *w, size_t *ret_n);

/* Accesses by what came of them. */
uint64_t am_whatif_count(const struct am_whatif *w, enum am_whatif_kind kind);

/* Accesses that differ, and are in no group since there are too many. */
uint64_t am_whatif_left_out(const struct am_whatif *w);

/* Why it cannot be told, in words. */
const char *am_whatif_words(enum am_whatif_kind kind);

void am_whatif_free(struct am_whatif *w);
AM_DEFINE_AUTO(am_whatif);
