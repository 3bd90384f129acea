/* SPDX-License-Identifier: GPL-2.0 */
/* The fields of an event by the names that people use: in filters, as columns of CSV and
 * of SQL. One table; what is in it is everywhere. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ledger/row.h"

enum am_field_type {
	AM_FIELD_INVALID = 0,
	AM_FIELD_TEXT,
	AM_FIELD_LIST,		/* names with commas between */
	AM_FIELD_WORD,		/* one of a few words that we make */
	AM_FIELD_NUMBER,
	AM_FIELD_WHO,		/* a user's name, or the number where there is none */
	AM_FIELD_DEST,		/* an address, or what else data went to */
	AM_FIELD_TIME,		/* CLOCK_REALTIME, ns */
	AM_FIELD_FLAG,		/* yes, no */
	AM_FIELD_ID,		/* event/id.h */
	AM_FIELD_GROUPS,	/* event/groups.h: each by its name or number */
	AM_FIELD_CONTAINER,	/* base/container.h: of the cgroup */
};

struct am_field {
	const char *name;
	enum am_field_type type;
	uint8_t size;		/* of a number in a row: 4, 8 */
	bool positive;		/* of a number: 0 is none */
	bool (*has)(const struct am_row *row);	/* of a number: whether the row has it; NULL: it does */
	uint16_t offset;	/* in am_row: of the number, or of the text */
	uint16_t number;	/* AM_FIELD_WHO: of the number, 4 bytes */
	const char *(*word)(const struct am_row *row);	/* AM_FIELD_WORD */
	const char *(*words)(size_t i);	/* what it may be, query/word.h; NULL: anything */
	uint64_t columns;	/* of the ledger that it is made of, ledger/scan.h */
	const char *help;
};

enum { AM_FIELD_TEXT_MAX = 96 };	/* of a text that is made, not kept */

/* All of them; the order is that of columns. */
const struct am_field *am_fields(size_t *ret_n);

/* NULL: there is none. */
const struct am_field *am_field_find(const char *name, size_t len);

/* Whether the row has it, and the number: of AM_FIELD_NUMBER, AM_FIELD_TIME, AM_FIELD_FLAG,
 * AM_FIELD_WHO. ~0 of 32 bits is no user and no session. */
bool am_field_number(const struct am_field *f, const struct am_row *row, int64_t *ret);

/* As text, "" if the row does not have it; may lie in `buf`. Times: 2026-11-26T14:02:07.113Z */
const char *am_field_text(const struct am_field *f, const struct am_row *row,
			  char buf[AM_FIELD_TEXT_MAX]);
