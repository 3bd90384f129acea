/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "cli/cmd.h"

#define AM_WORDS_REPLAY \
	"[FILTER ...] [--since T] [--until T] [--file PATH] [--children] " \
	"[--sum by=FIELD,... | --tree | --policy FILE | --as-was] " \
	"[--json | --csv] [--ledger DIR] [--history DIR] " \
	"[--pseudonymise [--pseudonym-key FILE]]"
#define AM_USAGE_REPLAY "amanat replay " AM_WORDS_REPLAY

/* `amanat replay`: the past, filtered: line by line as `tail` would have shown it, summed,
 * or as a tree of processes. */
int am_cli_replay(const struct am_cmd_line *line);

#define AM_USAGE_SHOW "amanat show ID [--json] [--ledger DIR]"

/* `amanat show`: one event of the record, in full. */
int am_cli_show(const struct am_cmd_line *line);
