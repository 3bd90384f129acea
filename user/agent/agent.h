/* SPDX-License-Identifier: GPL-2.0 */
/* The agent: puts the policy in force, sees to it that the stores are sealed, and
 * passes on what the kernel side tells. Everything it loaded goes with it. */
#pragma once

#include "agent/config.h"

/* Exit codes of the program. */
enum {
	AM_EXIT_OK = 0,
	AM_EXIT_CANNOT = 1,	/* the policy is refused, a directory is in use ... */
	AM_EXIT_USAGE = 2,
	AM_EXIT_KERNEL = 3,	/* the kernel lacks what it takes */
};

/* Runs until SIGTERM or SIGINT. An exit code; failures have been told on standard error. */
int am_agent_run(const struct am_config *config);
