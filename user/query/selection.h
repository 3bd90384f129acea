/* SPDX-License-Identifier: GPL-2.0 */
/* Rows that a person asks for: those that pass a filter; of them those of one file, whatever
 * it was called; or instead all that their processes and the descendants of these did.
 *
 * A file is known by its inode and generation. The kernel tells a file's name at the first
 * touch only, so a filter by path misses what came then; a selection by file does not. */
#pragma once

#include "query/cursor.h"

enum { AM_SELECTION_FILES_MAX = 1 << 16 };	/* that had the name one after the other */

struct am_selection_wish {	/* borrowed for as long as the selection lives */
	const struct am_filter *filter;
	const char *file;	/* absolute, a name that it has or had; NULL: any */
	bool children;
};

struct am_selection;

/* Reads the record once for `file` and twice for `children`. `columns` as of a cursor; `dirfd`
 * is borrowed. *ret is owned. 0 or -errno. */
int am_selection_open(int dirfd, const struct am_selection_wish *wish, uint64_t columns,
		      struct am_selection **ret);

/* 1 with a row, borrowed until the next call; 0 at the end; -errno. */
int am_selection_next(struct am_selection *s, const struct am_row **ret);

/* Where the last row was recorded: borrowed until the next. */
const struct am_host_id *am_selection_host(const struct am_selection *s);

void am_selection_counts(const struct am_selection *s, struct am_scan_counts *ret);

/* Whether the record tells of the file at all. */
bool am_selection_knows_file(const struct am_selection *s);

/* Rows that found no room in the tables of processes and files. */
uint64_t am_selection_left_out(const struct am_selection *s);

void am_selection_free(struct am_selection *s);
AM_DEFINE_AUTO(am_selection);
