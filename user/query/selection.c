// SPDX-License-Identifier: GPL-2.0
#include "query/selection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/host.h"
#include "query/family.h"

#define COL(name) AM_COLUMN_BIT(AM_COL_##name)
#define COLUMNS_OF_FILE (COL(INO) | COL(DEV) | COL(IGEN) | COL(PATH))
#define COLUMNS_OF_PROCESS \
	(COL(KIND) | COL(ACT) | COL(WALL) | COL(BOOT) | COL(PID) | COL(PPID) | COL(START) | COL(UID) | \
	 COL(LOGIN) | COL(SESSION) | COL(CGROUP) | COL(EXE_INO) | COL(EXE_DEV))

struct file {
	uint64_t ino;	/* all of it is the key */
	uint32_t dev, igen;
};

struct am_selection {
	int dirfd;			/* borrowed */
	struct am_selection_wish wish;
	struct am_filter *moments;	/* owned, as what follows */
	struct am_filter *until;
	struct am_tally files;
	bool is_told;			/* the file, by its name */
	struct am_family family;
	struct am_cursor *cursor;
};

/* ---- the file ------------------------------------------------------------------------ */

static struct file file_of(const struct am_row *row)
{
	return (struct file){ row->object.ino, row->object.dev, row->object.igen };
}

static bool has_name(const struct am_selection *s, const struct am_row *row)
{
	return row->object.path && !strcmp(row->object.path, s->wish.file);
}

/* In the whole record: a file that was touched before the time that is asked for has told its
 * name then, and one that got this name later is the same. */
static int find_files(struct am_selection *s)
{
	const struct am_query query = { .path = s->wish.file };
	am_auto(am_scan) struct am_scan *scan = NULL;
	struct am_row row;
	uint32_t i;
	int r = am_scan_open(s->dirfd, &query, COLUMNS_OF_FILE, &scan);

	while (!r && (r = am_scan_next(scan, &row)) > 0) {
		const struct file file = file_of(&row);

		s->is_told = true;
		r = file.ino ? am_tally_add(&s->files, &file, &i) : 0;
		if (r == -ENOSPC)
			r = 0;
	}
	return r;
}

static bool is_file(const struct am_selection *s, const struct am_row *row)
{
	const struct file file = file_of(row);
	uint32_t i;

	if (!s->wish.file)
		return true;
	return file.ino ? !am_tally_find(&s->files, &file, &i) : has_name(s, row);
}

/* ---- the processes ---------------------------------------------------------------------- */

static int add_all(struct am_selection *s)
{
	am_auto(am_cursor) struct am_cursor *c = NULL;
	const struct am_row *row;
	uint32_t i;
	int r = am_cursor_open(s->dirfd, s->until, COLUMNS_OF_PROCESS, &c);

	while (!r && (r = am_cursor_next(c, &row)) > 0)
		r = am_family_add(&s->family, row, am_cursor_host(c)->boot, &i);
	return r;
}

static int choose(struct am_selection *s)
{
	am_auto(am_cursor) struct am_cursor *c = NULL;
	const struct am_row *row;
	uint32_t i;
	int r = am_cursor_open(s->dirfd, s->wish.filter, COLUMNS_OF_PROCESS | COLUMNS_OF_FILE, &c);

	while (!r && (r = am_cursor_next(c, &row)) > 0) {
		r = 0;
		if (is_file(s, row) && am_family_find(&s->family, row, am_cursor_host(c)->boot, &i))
			AM_FAMILY_PROCESS(&s->family, i)->chosen = true;
	}
	return r;
}

static int find_processes(struct am_selection *s)
{
	int r = am_filter_moments(s->wish.filter, false, &s->until);

	if (!r)
		r = add_all(s);
	if (!r)
		r = am_family_solve(&s->family);
	if (!r)
		r = choose(s);
	if (!r)
		am_family_choose_children(&s->family);
	return r;
}

static bool is_chosen(struct am_selection *s, const struct am_row *row)
{
	uint32_t i;

	return am_family_find(&s->family, row, am_cursor_host(s->cursor)->boot, &i) &&
	       AM_FAMILY_PROCESS(&s->family, i)->chosen;
}

/* ---- all ---------------------------------------------------------------------------------- */

int am_selection_open(int dirfd, const struct am_selection_wish *wish, uint64_t columns,
		      struct am_selection **ret)
{
	am_auto(am_selection) struct am_selection *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->dirfd = dirfd;
	s->wish = *wish;
	s->files = AM_TALLY(struct file, sizeof(struct file), AM_SELECTION_FILES_MAX);
	am_family_init(&s->family);
	r = am_filter_moments(wish->filter, true, &s->moments);
	if (!r && wish->file)
		r = find_files(s);
	if (!r && wish->children)
		r = find_processes(s);
	if (wish->file)
		columns |= COLUMNS_OF_FILE;
	if (wish->children)
		columns |= COLUMNS_OF_PROCESS;
	if (!r)
		r = am_cursor_open(dirfd, wish->children ? s->moments : wish->filter, columns,
				   &s->cursor);
	if (r < 0)
		return r;
	*ret = AM_TAKE_PTR(s);
	return 0;
}

int am_selection_next(struct am_selection *s, const struct am_row **ret)
{
	int r;

	while ((r = am_cursor_next(s->cursor, ret)) > 0)
		if (s->wish.children ? is_chosen(s, *ret) : is_file(s, *ret))
			break;
	return r;
}

const struct am_host_id *am_selection_host(const struct am_selection *s)
{
	return am_cursor_host(s->cursor);
}

void am_selection_counts(const struct am_selection *s, struct am_scan_counts *ret)
{
	am_cursor_counts(s->cursor, ret);
}

bool am_selection_knows_file(const struct am_selection *s)
{
	return s->is_told;
}

uint64_t am_selection_left_out(const struct am_selection *s)
{
	return s->files.left_out + s->family.processes.left_out + s->family.selves.left_out;
}

void am_selection_free(struct am_selection *s)
{
	if (!s)
		return;
	am_cursor_free(s->cursor);
	am_family_done(&s->family);
	am_tally_done(&s->files);
	am_filter_free(s->until);
	am_filter_free(s->moments);
	free(s);
}
