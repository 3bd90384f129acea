/* SPDX-License-Identifier: GPL-2.0 */
/* amanatd: the agent, in the foreground. */
#include <stdio.h>

#include "agent/agent.h"
#include "base/version.h"

int main(int argc, char *argv[])
{
	struct am_config config;

	if (am_config_parse(argc, argv, stderr, &config) < 0)
		return AM_EXIT_USAGE;
	switch (config.action) {
	case AM_CONFIG_HELP:
		am_config_help(stdout);
		return AM_EXIT_OK;
	case AM_CONFIG_VERSION:
		printf("amanatd %s\n", AM_VERSION);
		return AM_EXIT_OK;
	default:
		return am_agent_run(&config);
	}
}
