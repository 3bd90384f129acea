/* SPDX-License-Identifier: GPL-2.0 */
/* Purposes that processes have taken on. A grant is one purpose for one set of facts about
 * who asked; processes carry its number and pass it on, the kernel side looks up whether
 * it holds. So a new policy, which decides each grant again by the facts of then, reaches
 * all who have inherited it at once.
 *
 * Bound: AM_GRANTS_MAX grants. From half of that on, those that no process carries any more
 * are looked for and forgotten. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "kernel/task_facts.h"

struct am_engine;
struct am_grants;

/* Whether the policy that is asked grants the purpose to who had these facts. */
struct am_grants_judge {
	bool (*grants)(void *ctx, const struct am_task_facts *facts, uint32_t purpose);
	void *ctx;
};

/* *ret is owned and must not outlive the engine. */
int am_grants_new(struct am_engine *e, struct am_grants **ret);
void am_grants_free(struct am_grants *g);
AM_DEFINE_AUTO(am_grants);

/* What a process runs under. */
struct am_grant_state {
	uint32_t number;	/* 0: none */
	uint32_t purpose;	/* 0: not known any more */
	bool holds;
};

/* 0 or -errno (-ESRCH: the process is gone). */
int am_grants_of(const struct am_grants *g, int pidfd, struct am_grant_state *ret);

/* Puts the process of `pidfd` under the purpose; from the next subject epoch on it counts.
 * 0; -ENOSPC when there are as many grants as are kept; -ESRCH; another -errno. */
int am_grants_give(struct am_grants *g, int pidfd, const struct am_task_facts *facts,
		   uint32_t purpose);

/* Before a policy goes live: takes away what it does not grant. */
void am_grants_narrow(struct am_grants *g, const struct am_grants_judge *next);

/* Once it is live, or the one before still is: gives back what it grants. */
void am_grants_settle(struct am_grants *g, const struct am_grants_judge *now);

/* A grant that ended and was not told yet; false: there is none. */
bool am_grants_next_ended(struct am_grants *g, struct am_task_facts *ret_facts,
			  uint32_t *ret_purpose);

/* Looks for grants that nobody carries, a piece at a time, if there are many. */
void am_grants_tick(struct am_grants *g);

size_t am_grants_count(const struct am_grants *g);
