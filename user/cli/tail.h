/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "cli/cmd.h"

#define AM_WORDS_TAIL "[FILTER ...] [--json] [--reconnect]"
#define AM_USAGE_TAIL "amanat tail " AM_WORDS_TAIL

/* Blocks SIGINT, SIGTERM and SIGHUP for as long as it runs: they end it in good order, with
 * AM_EXIT_YES, even while its reader does not read. What that one has not taken by then is lost, and
 * its last line may be a part of one. */
int am_cli_tail(const struct am_cmd_line *line);
