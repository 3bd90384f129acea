/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "cli/cmd.h"

#define AM_WORDS_TAIL "[FILTER ...] [--json] [--reconnect]"
#define AM_USAGE_TAIL "amanat tail " AM_WORDS_TAIL

/* Blocks SIGINT, SIGTERM and SIGHUP for as long as it runs: they end it in good order. */
int am_cli_tail(const struct am_cmd_line *line);
