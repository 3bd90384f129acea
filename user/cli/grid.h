/* SPDX-License-Identifier: GPL-2.0 */
/* Rows of named values for a person, a spreadsheet or a program: columns as wide as what is in
 * them, CSV (RFC 4180), or JSON, one object a line. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/cleanup.h"

enum am_grid_form {
	AM_GRID_TEXT,
	AM_GRID_CSV,
	AM_GRID_JSON,
};

struct am_cell {
	const char *text;	/* NULL: there is no value */
	bool number;		/* JSON: without quotes; text: to the right */
};

struct am_grid;

/* `names` are copied. *ret is owned. 0 or -ENOMEM. */
int am_grid_open(FILE *out, enum am_grid_form form, const char *const *names, size_t n,
		 struct am_grid **ret);

/* One row of as many cells as names. 0; -ENOMEM; -errno of the stream. */
int am_grid_row(struct am_grid *g, const struct am_cell *cells);

/* Writes what is still kept. 0 or -errno of the stream. */
int am_grid_end(struct am_grid *g);

void am_grid_free(struct am_grid *g);
AM_DEFINE_AUTO(am_grid);
