/* SPDX-License-Identifier: GPL-2.0 */
/* `amanat doctor --selftest`: the harmless ones of tests/evasion on this very host, against a
 * scratch store that an agent of its own guards for the time. An agent that runs is not touched. */
#pragma once

#include <stdbool.h>

#include "cli/cmd.h"

/* An am_exit: no if a technique is open that is not known to be. */
int am_cli_selftest(const struct am_cmd_line *line, bool json);
