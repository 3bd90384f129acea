/* SPDX-License-Identifier: GPL-2.0 */
/* What the agent consists of, and what its files do with it:
 *   agent.c     the loop: what is done when something has happened, and at each tick
 *   bringup.c   how it starts, in which order, and how it ends
 *   change.c    another policy comes into force, or is refused
 *   vitals.c    whether the hooks still run, what was lost, what `status` says
 * Nobody else includes this. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "abi.h"
#include "agent/config.h"
#include "agent/deputy.h"
#include "agent/governor.h"
#include "agent/health.h"
#include "agent/holders.h"
#include "agent/inbox.h"
#include "agent/intake.h"
#include "agent/keeper.h"
#include "agent/loop.h"
#include "agent/programs.h"
#include "agent/recall.h"
#include "agent/sealer.h"

struct am_control_ask;

enum {
	AM_RING_BUDGET = 512,	/* records between two looks at everything else */
	AM_RING_ROWS = AM_RING_BUDGET * (1 + AM_ANCESTORS),	/* that may come of them */
	AM_BUSY_MS = 2,		/* how long records wait in the ring for the ledger's disk */
};

struct am_agent {
	const struct am_config *config;
	struct am_instance *instance;
	struct am_engine *engine;
	struct am_governor governor;
	struct am_intake intake;
	struct am_inbox inbox;
	struct am_sealer sealer;
	struct am_recall recall;
	struct am_holders holders;
	struct am_keeper keeper;
	int64_t sweep_ms;		/* when repeats are to be told next */
	struct am_ring *ring;
	struct am_names *names;
	struct am_control *control;
	struct am_door *door;
	struct am_pipeline *pipeline;
	struct am_programs programs;
	struct am_recorder *recorder;
	struct am_witness *witness;
	struct am_deputies deputies;
	struct am_loop loop;
	struct am_source signals;	/* fd is owned, as the next one's */
	struct am_source timer;
	struct am_source records;	/* fd is the ring's */
	bool records_wait;
	uint64_t skips;			/* runs of hooks that there should have been */
	bool held;			/* they do not wake the loop now */
	bool told_sealed;
	uint64_t missed;		/* tags, when this policy came */
	struct am_refusal refusal;
	bool answers;
	uint64_t lost;			/* events, already told */
	int64_t probe_ms;
	int64_t watchdog_ms;		/* interval; 0: none */
	int64_t alive_ms;		/* when the service manager was last told */
	bool stop;
};

/* ---- bringup.c */

/* Up to the policy in force. An exit code; failures have been told on standard error. */
int am_agent_start(struct am_agent *a);

/* Whatever has begun ends, also after a start that failed. */
void am_agent_finish(struct am_agent *a);

/* ---- agent.c: calls of the loop; ctx is the agent */

void am_agent_signals(void *ctx, uint32_t events);
void am_agent_tick(void *ctx, uint32_t events);
void am_agent_records(void *ctx, uint32_t events);

/* ---- change.c: where ctx is the agent, it is a call of somebody's */

/* What is in force, and where it is from. */
void am_agent_tell_policy(struct am_agent *a);

/* An am_intake's. */
int am_agent_take_over(void *ctx, struct am_force *f, struct am_diags *diags);
void am_agent_refused(void *ctx, const char *what, const char *why);

/* Of what fails the old policy stays in force, and it has been told. */
void am_agent_reload(struct am_agent *a);

/* An am_control's. */
int am_agent_answer_policy(void *ctx, const struct am_control_ask *ask, FILE *out, FILE *err);

/* Tags that there was no room for so far; UINT64_MAX: not known. */
uint64_t am_agent_missed_tags(const struct am_agent *a);

/* ---- vitals.c */

/* Whether the kernel runs the hooks now: told when that changes. */
void am_agent_probe(struct am_agent *a);

/* Events that were lost since: to who follows, and to the record. */
void am_agent_tell_losses(struct am_agent *a);

/* To the service manager, if it wants to know. */
void am_agent_tell_alive(struct am_agent *a, int64_t now_ms);

/* An am_control's. */
bool am_agent_status(void *ctx, bool json, FILE *out);
bool am_agent_is_ready(void *ctx);
