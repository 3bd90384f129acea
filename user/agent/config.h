/* SPDX-License-Identifier: GPL-2.0 */
/* What the agent was started with. Strings are borrowed from the arguments. */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "agent/keeping.h"
#include "base/flavour.h"

enum am_config_action {
	AM_CONFIG_INVALID = 0,
	AM_CONFIG_RUN,
	AM_CONFIG_HELP,
	AM_CONFIG_VERSION,
};

struct am_config {
	enum am_config_action action;
	const char *policy;	/* file */
	const char *state;	/* directory of what outlives the agent */
	const char *ledger;	/* directory of the record; NULL: `ledger` in the state's */
	struct am_keeping_words keeping_words;
	struct am_keeping keeping;	/* of the record */
	const char *run;	/* directory of what does not */
	const char *keys;	/* directory of the keys whose bundles are taken */
	const char *bundles;	/* directory that is watched for bundles */
	const char *group;	/* whose members may ask the agent; NULL: only root */
	const char *hooks;	/* as it was written: */
	enum am_flavour flavour;
	const char *room;	/* likewise; NULL: fits the host's memory */
	uint32_t tags;		/* labelled files in memory at once, where that has a bound; 0: fits */
	const char *stray_room;	/* likewise; NULL: the usual */
	uint32_t strays;	/* labelled files outside of stores; 0: the usual */
};

/* 0; -EINVAL after one line on `err`. */
int am_config_parse(int argc, char *const argv[], FILE *err, struct am_config *ret);

void am_config_help(FILE *out);
