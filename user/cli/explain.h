/* SPDX-License-Identifier: GPL-2.0 */
/* What a running agent is asked about decisions and processes. */
#pragma once

#include "cli/cmd.h"

#define AM_USAGE_EXPLAIN_EVENT                                                    \
	"amanat explain ID [--json]\n"                                            \
	"       amanat explain last [--pid N] [--user USER] [--json]\n"           \
	"       amanat explain --pid N [--json]"

#define AM_USAGE_LEARN                                                             \
	"amanat policy learn [--store STORE] [--since 2h|3d|2026-11-30[T14:00]] [--json]"

/* An am_exit: 0 explained, 1 it is not known (any more). */
int am_cli_explain(const struct am_cmd_line *line);

/* argv[0] is "learn"; `run` the agent's run directory. An am_exit: 0 something is proposed,
 * 1 there is nothing to propose. */
int am_cli_policy_learn(const char *run, int argc, char **argv);
