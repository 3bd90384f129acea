/* SPDX-License-Identifier: GPL-2.0 */
/* A filter as it is typed: words, each a term or several. */
#pragma once

#include <stdio.h>

#include "cli/args.h"
#include "query/filter.h"

/* Reads them as one filter: AM_ARGS_GO; AM_EXIT_USAGE after the error, with its caret, on
 * `err`. *ret_text and *ret are owned. `since` and `until` may be NULL. */
int am_words_filter(const struct am_words *words, const char *since, const char *until, FILE *err,
		    char **ret_text, struct am_filter **ret);
