/* SPDX-License-Identifier: GPL-2.0 */
/* `--pseudonymise` and `--pseudonym-key FILE`, of commands that export rows. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "query/pseudonym.h"

/* AM_ARGS_GO, and *ret is owned (NULL: not wanted); AM_EXIT_USAGE after a line on `err`. */
int am_veil_open(bool wanted, const char *key_file, FILE *err, struct am_pseudonym **ret);
