/* SPDX-License-Identifier: GPL-2.0 */
/* Findings for a person about something that a person wrote: where, one factual
 * sentence, and a hint that is a full sentence. A list of them is what a failed
 * parse or check leaves behind; it also holds warnings of one that succeeded. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/cleanup.h"

enum am_severity {
	AM_SEVERITY_INVALID = 0,
	AM_SEVERITY_ERROR,
	AM_SEVERITY_WARNING,
	AM_SEVERITY_MAX_,
};

/* A place in a file. `line` and `column` count from 1; 0 is the file as a whole. */
struct am_pos {
	const char *file;	/* borrowed; outlives what refers to it */
	unsigned line;
	unsigned column;
};

struct am_diag {
	enum am_severity severity;
	char *file;		/* owned */
	unsigned line;
	unsigned column;
	char *fact;		/* owned: one sentence without a full stop */
	char *hint;		/* owned or NULL: what to do, a full sentence */
};

struct am_diags {
	struct am_diag *items;	/* owned */
	size_t count;
	size_t errors;
	bool lost;		/* some could not be kept for lack of memory, or were too many */
};

enum { AM_DIAGS_MAX = 100 };	/* findings kept; a file with more needs no more */

void am_diags_init(struct am_diags *d);
void am_diags_done(struct am_diags *d);

const char *am_severity_name(enum am_severity severity);	/* error, warning */

/* Adds a finding; `hint` may be NULL. Cannot fail: sets d->lost instead, and
 * still counts the error, so that a caller never takes a failure for success. */
void am_diags_add(struct am_diags *d, enum am_severity severity, struct am_pos pos,
		  const char *hint, const char *fact, ...) __attribute__((format(printf, 5, 6)));
void am_diags_addv(struct am_diags *d, enum am_severity severity, struct am_pos pos,
		   const char *hint, const char *fact, va_list args)
	__attribute__((format(printf, 5, 0)));

/* The fact of the first error, with its file and line, cut to `size`; "" if there is none. */
void am_diags_first_error(const struct am_diags *d, char *ret, size_t size);

/* Orders the findings by file and their place in it; equal places keep their order. */
void am_diags_sort(struct am_diags *d);

/* `FILE:LINE:COLUMN: error: FACT` and, below it, `  hint: HINT`, for each. Control
 * characters are escaped: what is quoted was written by whoever wrote the file. */
void am_diags_print(const struct am_diags *d, FILE *out);
