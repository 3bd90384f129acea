/* SPDX-License-Identifier: GPL-2.0 */
/* The past decided again: from what a row holds (who the task was to the policy, what the
 * data carried, where it went) and the text of the policy of its generation, by the function
 * that decided in the kernel. What comes out must be what was recorded.
 *
 * Some rows do not hold all that the kernel knew. They are not guessed at, but counted by
 * what is missing. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "decide.h"
#include "ledger/row.h"
#include "query/past.h"

enum am_aswas {
	AM_ASWAS_INVALID = 0,
	AM_ASWAS_EQUAL,
	AM_ASWAS_DIFFERS,
	AM_ASWAS_NO_DECISION,	/* a repeat, a gap, a mark */
	/* Not recomputed: */
	AM_ASWAS_NOT_KEPT,	/* the policy of its generation is not kept */
	AM_ASWAS_UNKNOWN_FACT,	/* a fact was not known then, and the record does not say so */
	AM_ASWAS_PURPOSE,	/* the purpose decided, which old rows do not hold */
	AM_ASWAS_NO_NAME,	/* a label or store has no name in the record, or not in the policy */
	AM_ASWAS_MAX_,
};

struct am_aswas_counts {
	uint64_t n[AM_ASWAS_MAX_];
};

struct am_again;

/* `past` is borrowed. *ret is owned. 0 or -ENOMEM. */
int am_again_new(struct am_past *past, struct am_again **ret);

/* Recomputes the row; of AM_ASWAS_EQUAL and _DIFFERS *ret is the decision. -ENOMEM. */
int am_again_decide(struct am_again *a, const struct am_row *row, enum am_aswas *ret_kind,
		    struct am_decision *ret);

void am_again_free(struct am_again *a);
AM_DEFINE_AUTO(am_again);

/* Why it is not recomputed, in words. */
const char *am_aswas_words(enum am_aswas kind);
