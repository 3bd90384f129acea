/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "cli/cmd.h"

/* The places of its options in the table. */
enum { AM_TAIL_JSON };

/* Blocks SIGINT, SIGTERM and SIGHUP for as long as it runs: they end it in good order. */
int am_cli_tail(const struct am_cmd_line *line);
