/* SPDX-License-Identifier: GPL-2.0 */
/* The verbs of `amanat policy` that ask the agent. `run` is its run directory, argv[0] the
 * verb. Each returns an am_exit. */
#pragma once

#define AM_USAGE_PUSH "amanat policy push BUNDLE [--dry-run] [--json]"
#define AM_USAGE_HISTORY "amanat policy history [--show GENERATION] [--json]"
#define AM_USAGE_ROLLBACK                                                                   \
	"amanat policy rollback -k SECRETKEY [--to SERIAL] [--password-file FILE] "         \
	"[--keys DIR] [--dry-run] [--json]\n"                                               \
	"       amanat policy rollback -o BUNDLE [--to SERIAL] [--keys DIR]"

/* Gives the agent a signed bundle: itself, or with BUNDLE.minisig beside it. */
int am_cli_policy_push(const char *run, int argc, char **argv);

/* Which policy was in force from when to when; or the text of one of them. */
int am_cli_policy_history(const char *run, int argc, char **argv);

/* Takes the bundle in force back: the one before is signed as a rollback and pushed; or
 * written to be signed elsewhere. */
int am_cli_policy_rollback(const char *run, int argc, char **argv);
