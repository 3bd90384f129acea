/* SPDX-License-Identifier: GPL-2.0 */
/* Which events a person asks for: one language for those that come in and those of the past.
 *
 *     store=citizen-registry verdict=deny user!=root dest=10.0.0.0/8 since=-2h
 *
 * Terms with blanks between; all must hold. A term is a field (query/field.h), an operator
 * and values with commas between:
 *
 *     FIELD=A,B     it is one of them; of a list, one of them is in it
 *     FIELD!=A,B    it is none of them
 *     FIELD<N  FIELD<=N  FIELD>N  FIELD>=N     of numbers
 *     since=MOMENT  until=MOMENT               base/when.h
 *
 * In texts `*` stands for any text and `?` for any letter. A value with blanks, commas or
 * quotes is put in "..." where \ stands before " and \. `none` is a field that a row does
 * not have. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/when.h"
#include "ledger/row.h"
#include "query/field.h"

enum {
	AM_FILTER_LEN_MAX = 4096,
	AM_TAIL_FILTER_MAX = 1024,	/* of a client of the agent, which tries it on every event */
	AM_FILTER_TERMS_MAX = 64,
	AM_FILTER_VALUES_MAX = 256,	/* of a term */
};

struct am_filter;

struct am_filter_error {
	size_t at;		/* byte of the text */
	char fact[192];
	char hint[192];		/* a full sentence, or empty */
};

/* 0; -EINVAL and *err; -ENOMEM. An empty text is a filter that everything passes. *ret is
 * owned. */
int am_filter_parse(const char *text, const struct am_when *from, struct am_filter_error *err,
		    struct am_filter **ret);

void am_filter_free(struct am_filter *f);
AM_DEFINE_AUTO(am_filter);

bool am_filter_matches(const struct am_filter *f, const struct am_row *row);

/* Processes that begin (kind=process) are no accesses. They match only where a term asks for a
 * kind, an act, an id or a row, or after this. */
void am_filter_take_births(struct am_filter *f);

/* One that asks for the same moments, without its beginning if not `since`, and for nothing
 * else: also with processes that begin. *ret is owned. 0 or -ENOMEM. */
int am_filter_moments(const struct am_filter *f, bool since, struct am_filter **ret);

/* What the filter asks of a field, for whoever can pass over what it does not fit: */

/* Rows outside of these moments (the first that fits, the first that does not) do not match. */
void am_filter_span(const struct am_filter *f, int64_t *ret_from_ns, int64_t *ret_until_ns);

/* Only rows whose field has just this text match; NULL: nothing so simple is asked. Borrowed. */
const char *am_filter_text(const struct am_filter *f, const char *field);

/* Likewise, a number. */
bool am_filter_number(const struct am_filter *f, const char *field, int64_t *ret);

/* The columns of the ledger (ledger/scan.h) that it looks at. */
uint64_t am_filter_columns(const struct am_filter *f);

/* The error, the text and below it a caret, and the hint. */
void am_filter_complain(FILE *out, const char *text, const struct am_filter_error *err);

/* A line per field: the table of the help. */
void am_filter_help(FILE *out);
