/* SPDX-License-Identifier: GPL-2.0 */
/* Reading a ledger: rows in order, filtered. What a block says about itself decides
 * whether it is read at all, and of a block only the columns are decoded that are asked
 * about or wanted. Memory is bounded by one block. Works beside a running writer.
 *
 * Bytes are never trusted, but neither are they proved: whether they are what was
 * written is for am_verify(). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "ledger/row.h"

#define AM_COLUMNS_ALL ((1ULL << AM_COL_MAX_) - 1)
#define AM_COLUMN_BIT(column) (1ULL << (column))
#define AM_COLUMNS_INDEXES (AM_COLUMN_BIT(AM_COL_DEED + 1) - 1)	/* of the parts of a row */

/* What rows must be like; what is zero (or NULL) does not matter. Texts are borrowed for
 * as long as the scan lives. */
struct am_query {
	int64_t since_ns;	/* CLOCK_REALTIME, from here on */
	int64_t until_ns;	/* before this */
	uint64_t first_row;	/* from this row on */
	uint64_t last_row;	/* up to this one */
	uint64_t kinds;		/* bits of kinds */
	uint32_t verdicts;	/* bits of verdicts */
	uint32_t ops;		/* bits of ops */
	const char *store;
	const char *user;
	const char *exe;
	const char *unit;
	const char *path;
	bool has_pid;
	bool has_uid;
	uint32_t pid;
	uint32_t uid;
};

struct am_scan_counts {
	uint64_t segments;
	uint64_t blocks;	/* met */
	uint64_t skipped;	/* not read, by their skip data */
	uint64_t bad_segments;	/* not a segment, or damaged: read up to there */
};

struct am_host_id;
struct am_scan;

/* Rows of the directory `dirfd` (or of the list `dirfd`, ledger/passed.h; borrowed) that match, with the columns of the set filled
 * in; a text that is not wanted is NULL, a number 0. *ret is owned and borrows `query`. 0 or
 * -errno. */
int am_scan_open(int dirfd, const struct am_query *query, uint64_t columns, struct am_scan **ret);

/* 1 with a row, whose texts are borrowed until the next call; 0 at the end; -errno. What
 * is damaged is passed over and counted: no reason not to show the rest. */
int am_scan_next(struct am_scan *s, struct am_row *ret);

/* Matching rows, counted without making any: 0 or -errno. */
int am_scan_count(struct am_scan *s, uint64_t *ret);

/* Where the last row was recorded: borrowed until the next. */
const struct am_host_id *am_scan_host(const struct am_scan *s);

void am_scan_counts(const struct am_scan *s, struct am_scan_counts *ret);

void am_scan_free(struct am_scan *s);
AM_DEFINE_AUTO(am_scan);
