/* SPDX-License-Identifier: GPL-2.0 */
/* `amanat verify` and `amanat ledger`: the record, offline; neither needs the agent. */
#pragma once

#include "cli/cmd.h"

int am_cli_verify(const struct am_cmd_line *line);
int am_cli_ledger(const struct am_cmd_line *line);
