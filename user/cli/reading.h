/* SPDX-License-Identifier: GPL-2.0 */
/* The ledger as the agent lends it (and records that it does). */
#pragma once

#include "cli/cmd.h"

/* A descriptor that am_cursor_open() and am_table_open() take; or
 *   -ENOENT, -ECONNREFUSED   no agent runs
 *   -EACCES                  it does not lend it, and has said why on line->err
 *   another negative errno   and nothing was said
 * What was typed is what the agent records. */
int am_reading_borrow(const struct am_cmd_line *line);
