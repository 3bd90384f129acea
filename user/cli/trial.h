/* SPDX-License-Identifier: GPL-2.0 */
/* What became of techniques that were tried, without an agent and with one: the lines that the
 * runner tells (tests/evasion/main.c), held against the events between its fences. The rules are
 * those of tests/evasion/README.md. Lines are untrusted: what is no line of theirs is refused. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/cleanup.h"

struct am_trials;

enum am_outcome {
	AM_OUTCOME_ABSENT = 1,	/* does not work here without an agent either */
	AM_OUTCOME_BLOCKED,
	AM_OUTCOME_DETECTED,
	AM_OUTCOME_OPEN,
	AM_OUTCOME_MAX_,
};

struct am_trial {
	const char *family, *name;	/* borrowed from the trials */
	enum am_outcome outcome;
	bool harmed;		/* who may was refused, by the agent */
	const char *why_harmed;	/* as known; NULL: not known, or not harmed */
	const char *why_open;	/* as known; NULL: not known, or not open */
};

struct am_trials *am_trials_new(void);
void am_trials_free(struct am_trials *t);
AM_DEFINE_AUTO(am_trials);

/* One line of the runner, without its end: 0; -EBADMSG; -E2BIG: more than there is room for;
 * -ENOMEM. */
int am_trials_run(struct am_trials *t, const char *line);

/* One event as JSON. Those since the last fence belong to the run that the next one closes. */
void am_trials_event(struct am_trials *t, const char *json);

/* They come once more, from the first. */
void am_trials_rewind(struct am_trials *t);

/* Whether the last fence that the runner has told has been heard of as an event. */
bool am_trials_complete(const struct am_trials *t);

/* One line of the list of what is known to be open; `here` is KERNEL/FLAVOUR. Lines of other
 * kernels, comments and empty ones are let by. 0; -EBADMSG; -ENOMEM. */
int am_trials_known(struct am_trials *t, const char *line, const char *here);

size_t am_trials_count(const struct am_trials *t);
struct am_trial am_trials_at(const struct am_trials *t, size_t index);

const char *am_outcome_name(enum am_outcome outcome);
