/* SPDX-License-Identifier: GPL-2.0 */
/* Rows of a ledger that pass a filter. What the filter asks for simply is passed over block
 * by block, the rest is tried row by row. */
#pragma once

#include "ledger/scan.h"
#include "query/filter.h"

struct am_cursor;

/* `columns`: what the caller will look at, beside what the filter does. `dirfd` and `filter`
 * (NULL: everything) are borrowed. *ret is owned. 0 or -errno. */
int am_cursor_open(int dirfd, const struct am_filter *filter, uint64_t columns,
		   struct am_cursor **ret);

/* 1 with a row, borrowed until the next call; 0 at the end; -errno. */
int am_cursor_next(struct am_cursor *c, const struct am_row **ret);

/* Where the last row was recorded: borrowed until the next. */
const struct am_host_id *am_cursor_host(const struct am_cursor *c);

void am_cursor_counts(const struct am_cursor *c, struct am_scan_counts *ret);

void am_cursor_free(struct am_cursor *c);
AM_DEFINE_AUTO(am_cursor);
