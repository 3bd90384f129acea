/* SPDX-License-Identifier: GPL-2.0 */
/* Where commands that look into the past find the ledger. */
#pragma once

#include <stdio.h>

#define AM_LEDGER_DIR "/var/lib/amanat/ledger"

/* Opens the ledger in `dir` (NULL: this host's). The descriptor, or -errno after one line on
 * `err`. */
int am_source_open(const char *dir, FILE *err);

struct am_cmd_line;

/* The same for a command: without `dir` it asks the agent for the ledger, which records that
 * it is read and by whom. Where no agent runs, or for root when it cannot, the folder is
 * opened. */
int am_source_borrow(const struct am_cmd_line *line, const char *dir);
