/* SPDX-License-Identifier: GPL-2.0 */
/* Where commands that look into the past find the ledger. */
#pragma once

#include <stdio.h>

#define AM_LEDGER_DIR "/var/lib/amanat/ledger"

/* Opens the ledger in `dir` (NULL: this host's). The descriptor, or -errno after one line on
 * `err`. */
int am_source_open(const char *dir, FILE *err);
