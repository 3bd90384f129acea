/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "cli/cmd.h"

/* `amanat sql`: questions to the ledger in SQL, from the command line or one by one. */
int am_cli_sql(const struct am_cmd_line *line);

#define AM_USAGE_SQL "amanat sql [--ledger DIR] [--json | --csv] [QUERY]"
