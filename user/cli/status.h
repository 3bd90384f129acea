/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "cli/cmd.h"

/* The places of its options in the table. */
enum { AM_STATUS_WAIT, AM_STATUS_JSON };

int am_cli_status(const struct am_cmd_line *line);
