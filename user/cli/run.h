/* SPDX-License-Identifier: GPL-2.0 */
/* `amanat run --purpose NAME -- COMMAND ...`: asks the agent for the purpose, for this very
 * process, and becomes the command. */
#pragma once

#include "cli/cmd.h"

/* Returns an am_exit, or 126 or 127 where the command cannot be run; else never. */
int am_cli_run(const struct am_cmd_line *line);

/* What SIGPIPE did before this program took it over: the command has it so again. */
void am_cli_run_sigpipe(void (*before)(int));
