/* SPDX-License-Identifier: GPL-2.0 */
/* `amanat policy ...` */
#pragma once

#include "event/findings.h"

/* argv[0] is "policy", `run` the agent's run directory. An am_exit: 0 yes, 1 no, 2 usage or
 * nothing to decide, 3 no agent. */
int am_cli_policy(const char *run, int argc, char **argv);

/* ---- its verbs; argv[0] is the verb ----------------------------------------- */

#define AM_USAGE_CHECK "amanat policy check FILE [--host] [--json]"
#define AM_USAGE_TEST "amanat policy test FILE [TESTS ...] [--json]"
#define AM_USAGE_DIFF "amanat policy diff BEFORE AFTER [--json]"
#define AM_USAGE_EXPLAIN                                                                    \
	"amanat policy explain FILE [--as FACT=VALUE ...] read|write STORE|PATH [carrying " \
	"LABEL,...] [--json]\n"                                                             \
	"       amanat policy explain FILE [--as FACT=VALUE ...] send LABEL,... to "        \
	"ADDRESS:PORT/PROTOCOL [--json]\n"                                                  \
	"       amanat policy explain FILE [--as FACT=VALUE ...] use PURPOSE [--json]"

/* Whether the agent would take the policy, and whether its invariants hold. */
int am_cli_policy_check(int argc, char **argv);

/* Whether the policy decides as its tests expect. */
int am_cli_policy_test(int argc, char **argv);

/* Who gains or loses which access; 0 if nobody does, 1 if somebody. */
int am_cli_policy_diff(int argc, char **argv);

/* The verdict on one access and why; 0 if it is allowed, 1 if it is denied. */
int am_cli_policy_explain(int argc, char **argv);

/* ---- shared by them --------------------------------------------------------- */

/* Makes sure that the answer is out: `code`, or AM_EXIT_NO with an error said. `err` is that of
 * the stream so far. */
int am_cli_answered(int code, int err);
