/* SPDX-License-Identifier: GPL-2.0 */
/* What one policy lets happen that another does not: not the lines that differ, but who
 * gains or loses which access. Decided over the space of both policies (space.h): every
 * file that either of them protects, every label, every destination that they tell apart.
 * So "no difference" is a proof, and whatever differs is told with the facts of a task
 * that it makes a difference to. */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "policy/model.h"

enum am_change_kind {
	AM_CHANGE_INVALID = 0,
	AM_CHANGE_GAIN,
	AM_CHANGE_LOSS,
	AM_CHANGE_SETTING,	/* decides no access by itself: modes, invariants ... */
	AM_CHANGE_MAX_,
};

/* All strings owned. */
struct am_change {
	enum am_change_kind kind;
	char *who;		/* GAIN, LOSS: a subject's name, anyone, or the facts again */
	char *facts;		/* GAIN, LOSS: user=acme ..., empty for nobody in particular */
	const char *op;		/* GAIN, LOSS: read, write, send, use; static */
	char *what;		/* the stores, labels or purposes; SETTING: which, in words */
	char *to;		/* send: where to, else NULL; SETTING: before and after */
	char *but;		/* who is no part of it though `who` is anyone; or NULL */
};

struct am_diff {
	struct am_change *items;
	size_t count;
};

/* 0; -EINVAL with errors in `diags` if one does not compile; -ENOMEM. */
int am_diff_make(const struct am_model *before, const struct am_model *after,
		 struct am_diags *diags, struct am_diff **ret);

void am_diff_free(struct am_diff *diff);
AM_DEFINE_AUTO(am_diff);

/* One line each: `+ desk (user=desk) may now read citizen-registry`. */
void am_diff_print(const struct am_diff *diff, FILE *out);
