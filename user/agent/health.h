/* SPDX-License-Identifier: GPL-2.0 */
/* How the agent and its stores are, for `amanat status`. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "agent/control.h"
#include "agent/door.h"
#include "agent/force.h"
#include "agent/governor.h"
#include "agent/holders.h"
#include "agent/keeper.h"
#include "agent/pipeline.h"
#include "agent/recall.h"
#include "agent/recorder.h"
#include "agent/sealer.h"

/* What should have come into force and did not, since the policy in force did. */
struct am_refusal {
	int64_t at_s;		/* since 1970; 0: nothing was refused */
	char what[256];		/* a bundle, or the policy file */
	char why[512];
};

/* What there is to tell. All borrowed. */
struct am_health {
	const struct am_force *force;
	const struct am_refusal *refusal;
	const struct am_sealer *sealer;
	const struct am_recall *recall;
	const struct am_holders *holders;
	const struct am_keeper *keeper;
	struct am_engine *engine;
	const struct am_control *control;
	const struct am_door *door;
	const struct am_pipeline *pipeline;
	struct am_recorder *recorder;
	bool answers;		/* the kernel runs the hooks */
	const struct am_governor *governor;	/* for its executables and grants */
};

/* Whether every store is sealed and its policy carried out by the kernel. */
bool am_health_ready(const struct am_health *h);

/* For a person, and as one line of JSON. 0 or -errno. */
int am_health_text(const struct am_health *h, FILE *out);
int am_health_json(const struct am_health *h, FILE *out);
