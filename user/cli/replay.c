// SPDX-License-Identifier: GPL-2.0
#include "cli/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/host.h"
#include "base/text.h"
#include "cli/args.h"
#include "cli/grid.h"
#include "cli/look.h"
#include "cli/past.h"
#include "cli/source.h"
#include "cli/tree.h"
#include "cli/veil.h"
#include "cli/words.h"
#include "query/cursor.h"
#include "query/recorded.h"
#include "query/selection.h"
#include "query/sum.h"

struct replay {
	const char *dir, *since, *until, *sum, *policy, *history, *file;
	bool json, csv, as_was, veiled, tree, children;
	const char *veil_key;
	const struct am_cmd_line *line;
	FILE *out, *err;
	bool color;
	char *text;			/* owned: the filter as one */
	struct am_filter *filter;	/* owned */
	struct am_pseudonym *veil;	/* owned; NULL: rows are shown as they are */
	struct am_row row;		/* the last one, veiled */
	int fd;				/* owned */
};

static void done(struct replay *r)
{
	free(r->text);
	am_filter_free(r->filter);
	am_pseudonym_free(r->veil);
	if (r->fd >= 0)
		(void)close(r->fd); /* read only */
}

static const struct am_row *veiled(struct replay *r, const struct am_row *row)
{
	if (!r->veil)
		return row;
	am_pseudonym_row(r->veil, row, &r->row);
	return &r->row;
}

/* The next row that is to be shown: 1; 0 at the end; -errno. */
static int next_row(struct replay *r, struct am_selection *s, const struct am_row **ret)
{
	const struct am_row *row;
	int err = am_selection_next(s, &row);

	if (err > 0)
		*ret = veiled(r, row);
	return err;
}

/* ---- line by line --------------------------------------------------------------------- */

static int write_row(const struct replay *r, const struct am_selection *s, const struct am_row *row)
{
	struct am_decoded event;
	struct am_event_names names;
	bool is_event = am_recorded_event(row, &event, &names);
	struct am_host_id host = *am_selection_host(s);
	char day[AM_WHEN_TEXT];

	if (r->veil)
		am_pseudonym_host(r->veil, &host, &host);
	names.host = &host;
	if (r->json)	/* OCSF has no class for what the ledger says of itself */
		return is_event ? am_event_json(r->out, &event, &names) : 0;
	am_look_day(row->wall_ns, day);
	(void)fprintf(r->out, "%s ", day);
	return is_event ? am_event_text(r->out, &event, &names, r->color)
			: am_recorded_note(r->out, row, r->color);
}

static int each_row(struct replay *r, struct am_selection *s, uint64_t *ret_rows)
{
	const struct am_row *row;
	int err = 0;

	while (!err && (err = next_row(r, s, &row)) > 0) {
		err = write_row(r, s, row);
		++*ret_rows;
	}
	return err;
}

/* ---- CSV: every field ------------------------------------------------------------------- */

static int csv_rows(struct replay *r, struct am_selection *s, uint64_t *ret_rows)
{
	size_t n, i;
	const struct am_field *fields = am_fields(&n);
	am_autofree const char **names = calloc(n, sizeof(*names));
	am_autofree struct am_cell *cells = calloc(n, sizeof(*cells));
	am_autofree char (*made)[AM_FIELD_TEXT_MAX] = calloc(n, sizeof(*made));
	am_auto(am_grid) struct am_grid *grid = NULL;
	const struct am_row *row;
	int err;

	if (!names || !cells || !made)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		names[i] = fields[i].name;
	err = am_grid_open(r->out, AM_GRID_CSV, names, n, &grid);
	while (!err && (err = next_row(r, s, &row)) > 0) {
		for (i = 0; i < n; i++)
			cells[i].text = am_field_text(&fields[i], row, made[i]);
		err = am_grid_row(grid, cells);
		++*ret_rows;
	}
	return err;
}

/* ---- sums --------------------------------------------------------------------------------- */

enum { SUM_COLUMNS = 6 };

static int show_group(struct am_grid *grid, const struct am_sum *sum, const struct am_sum_group *g,
		      size_t n)
{
	struct am_cell cells[AM_SUM_FIELDS_MAX + SUM_COLUMNS] = { 0 };
	char accesses[24], refused[24], first[AM_WHEN_TEXT], last[AM_WHEN_TEXT];
	char bytes[24], unsized[24];
	size_t i;

	for (i = 0; i < n; i++) {
		const char *text = am_sum_text(sum, g->values[i]);

		cells[i].text = *text ? text : NULL;
	}
	(void)snprintf(accesses, sizeof(accesses), "%" PRIu64, g->accesses);
	(void)snprintf(refused, sizeof(refused), "%" PRIu64, g->refused);
	am_look_time(g->first_ns, first);
	am_look_time(g->last_ns, last);
	cells[n] = (struct am_cell){ accesses, true };
	cells[n + 1] = (struct am_cell){ refused, true };
	cells[n + 2].text = first;
	cells[n + 3].text = last;
	(void)snprintf(bytes, sizeof(bytes), "%" PRIu64, g->handed.bytes);
	(void)snprintf(unsized, sizeof(unsized), "%" PRIu64, g->handed.unsized);
	cells[n + 4] = (struct am_cell){ g->sends ? bytes : NULL, true };
	cells[n + 5] = (struct am_cell){ g->sends ? unsized : NULL, true };
	return am_grid_row(grid, cells);
}

static int show_sum(const struct replay *r, struct am_sum *sum)
{
	const char *names[AM_SUM_FIELDS_MAX + SUM_COLUMNS];
	am_auto(am_grid) struct am_grid *grid = NULL;
	size_t n_fields, n, i;
	const struct am_field *const *fields = am_sum_fields(sum, &n_fields);
	const struct am_sum_group *groups = am_sum_groups(sum, &n);
	int err;

	for (i = 0; i < n_fields; i++)
		names[i] = fields[i]->name;
	names[n_fields] = "accesses";
	names[n_fields + 1] = "refused";
	names[n_fields + 2] = "first";
	names[n_fields + 3] = "last";
	names[n_fields + 4] = "bytes";
	names[n_fields + 5] = "unsized";
	err = am_grid_open(r->out, r->json ? AM_GRID_JSON : r->csv ? AM_GRID_CSV : AM_GRID_TEXT, names,
			   n_fields + SUM_COLUMNS, &grid);
	for (i = 0; !err && i < n; i++)
		err = show_group(grid, sum, &groups[i], n_fields);
	if (am_sum_left_out(sum))
		(void)fprintf(r->err, "note: %" PRIu64 " rows are left out: there are too many groups\n",
			      am_sum_left_out(sum));
	return err ? err : am_grid_end(grid);
}

static int sum_rows(struct replay *r, struct am_selection *s, struct am_sum *sum,
		    uint64_t *ret_rows)
{
	const struct am_row *row;
	int err;

	while ((err = next_row(r, s, &row)) > 0) {
		err = am_sum_add(sum, row);
		if (err)
			return err;
		++*ret_rows;
	}
	return err ? err : show_sum(r, sum);
}

static void refuse_sum(const struct replay *r, const char *bad)
{
	struct am_nearest nearest;
	char word[32];
	size_t n, i;
	const struct am_field *fields = am_fields(&n);

	(void)snprintf(word, sizeof(word), "%.*s", (int)strcspn(bad, ","), bad);
	am_nearest_init(&nearest, word);
	for (i = 0; i < n; i++)
		am_nearest_offer(&nearest, fields[i].name);
	if (!*word) {
		(void)fputs("error: a field to sum by is missing\n", r->err);
	} else if (am_field_find(word, strlen(word))) {
		(void)fprintf(r->err, "error: more than %d fields to sum by\n", AM_SUM_FIELDS_MAX);
	} else {
		(void)fputs("error: there is no field '", r->err);
		am_text_print(r->err, word);
		(void)fputs("' to sum by\n", r->err);
	}
	if (nearest.best && strcmp(nearest.best, word) != 0)
		(void)fprintf(r->err, "  hint: Did you mean '%s'?\n", nearest.best);
	else
		(void)fputs("  hint: Such as by=user,store; 'amanat replay --fields' lists them.\n", r->err);
}

/* "by=user,store", as it is shown in the help, or without "by=". */
static int read_sum(const struct replay *r, struct am_sum **ret)
{
	const char *by = strncmp(r->sum, "by=", 3) ? r->sum : r->sum + 3, *bad = by;
	int err = am_sum_new(by, &bad, ret);

	if (!err)
		return AM_ARGS_GO;
	if (err == -EINVAL)
		refuse_sum(r, bad);
	else
		(void)fprintf(r->err, "error: %s\n", strerror(-err));
	return AM_EXIT_USAGE;
}

/* ---- the tree of processes -------------------------------------------------------------------- */

struct tree {
	struct am_family family;
	struct am_touches touches;
};

static void init_tree(struct tree *t)
{
	am_family_init(&t->family);
	am_touches_init(&t->touches, &t->family.pool);
}

static void done_tree(struct tree *t)
{
	am_touches_done(&t->touches);
	am_family_done(&t->family);
}

/* Everybody up to the end of the time that is asked for: parents may have done nothing in it,
 * or nothing that passes the filter. */
static int add_everybody(struct replay *r, struct tree *t)
{
	am_auto(am_filter) struct am_filter *until = NULL;
	am_auto(am_cursor) struct am_cursor *c = NULL;
	const struct am_row *row;
	uint32_t i;
	int err = am_filter_moments(r->filter, false, &until);

	if (!err)
		err = am_cursor_open(r->fd, until, AM_COLUMNS_ALL, &c);
	while (!err && (err = am_cursor_next(c, &row)) > 0)
		err = am_family_add(&t->family, veiled(r, row), am_cursor_host(c)->boot, &i);
	return err;
}

static int add_touches(struct replay *r, struct tree *t, struct am_selection *s, uint64_t *ret_rows)
{
	const struct am_row *row;
	uint32_t i;
	int err = 0;

	while (!err && (err = next_row(r, s, &row)) > 0) {
		err = 0;
		if (!am_family_find(&t->family, row, am_selection_host(s)->boot, &i))
			continue;	/* a gap, a mark, or one that had no room */
		AM_FAMILY_PROCESS(&t->family, i)->chosen = true;
		err = am_touches_add(&t->touches, i, row);
		++*ret_rows;
	}
	return err;
}

static uint64_t tree_left_out(const struct tree *t)
{
	return t->family.processes.left_out + t->family.selves.left_out +
	       am_touches_left_out(&t->touches);
}

static int tree_rows(struct replay *r, struct am_selection *s, uint64_t *ret_rows)
{
	__attribute__((cleanup(done_tree))) struct tree t;
	int err;

	init_tree(&t);
	err = add_everybody(r, &t);
	if (!err)
		err = am_family_solve(&t.family);
	if (!err)
		err = add_touches(r, &t, s, ret_rows);
	if (err < 0)
		return err;
	am_touches_sort(&t.touches);
	am_family_show(&t.family);
	if (tree_left_out(&t))
		(void)fprintf(r->err, "note: %" PRIu64 " rows found no room in the tree\n",
			      tree_left_out(&t));
	return am_tree_print(r->out, &t.family, &t.touches, r->json);
}

/* ---- all ------------------------------------------------------------------------------------ */

static void note_no_file(const struct replay *r)
{
	(void)fputs("note: the record tells of no file '", r->err);
	am_text_print(r->err, r->file);
	(void)fputs("'\n", r->err);
	if (r->file[0] != '/')
		(void)fputs("  hint: Write all of its path, from '/' on.\n", r->err);
}

/* Nothing found is an answer too, and not the one that was hoped for. */
static int conclude(const struct replay *r, const struct am_selection *s, int err, uint64_t rows)
{
	struct am_scan_counts counts;

	if (err == -EPIPE)
		return AM_EXIT_YES;
	if (err < 0) {
		(void)fprintf(r->err, "error: cannot replay: %s\n", strerror(-err));
		return AM_EXIT_MISSING;
	}
	am_selection_counts(s, &counts);
	if (counts.bad_segments)
		(void)fprintf(r->err, "note: %" PRIu64 " segments are damaged; 'amanat verify' tells where\n",
			      counts.bad_segments);
	if (am_selection_left_out(s))
		(void)fprintf(r->err, "note: %" PRIu64 " rows are left out: there are too many processes "
			      "or files\n", am_selection_left_out(s));
	if (r->file && !am_selection_knows_file(s))
		note_no_file(r);
	else if (!rows)
		(void)fputs("note: nothing in the record passes the filter\n", r->err);
	return rows ? AM_EXIT_YES : AM_EXIT_NO;
}

static int cannot_read(const struct replay *r, int err)
{
	(void)fprintf(r->err, "error: cannot read the ledger: %s\n", strerror(-err));
	return AM_EXIT_MISSING;
}

static int decide_again(const struct replay *r)
{
	am_auto(am_cursor) struct am_cursor *c = NULL;
	int err = am_cursor_open(r->fd, r->filter, AM_COLUMNS_ALL, &c);
	const struct am_past_wish wish = {
		.history = r->history, .policy = r->policy, .foreign = r->dir,
		.json = r->json, .out = r->out, .err = r->err,
	};

	return err < 0 ? cannot_read(r, err) : am_cli_past(&wish, c);
}

/* What cannot be asked for at once, or alone. */
static int check_options(const struct replay *r)
{
	const char *wrong = NULL;

	if (r->policy && r->as_was)
		wrong = "'--policy' and '--as-was' are two questions";
	else if ((r->policy || r->as_was) && (r->csv || r->sum || r->tree || r->file || r->children))
		wrong = "'--policy' and '--as-was' are answered as text or JSON, of a filter alone";
	else if (r->tree && (r->csv || r->sum))
		wrong = "'--tree' is text or JSON, and a sum of its own";
	else if (r->csv && r->json)
		wrong = "'--csv' and '--json' are two forms";
	else if (r->veiled && (r->policy || r->as_was))
		wrong = "what '--policy' and '--as-was' tell is not pseudonymised";
	else if (r->history && !r->policy && !r->as_was)
		wrong = "'--history' goes with '--policy' or '--as-was'";
	if (!wrong)
		return AM_ARGS_GO;
	(void)fprintf(r->err, "error: %s\nusage: %s\n", wrong, AM_USAGE_REPLAY);
	return AM_EXIT_USAGE;
}

static int replay(struct replay *r)
{
	const struct am_selection_wish wish = { r->filter, r->file, r->children };
	am_auto(am_selection) struct am_selection *s = NULL;
	am_auto(am_sum) struct am_sum *sum = NULL;
	uint64_t rows = 0;
	int err;

	if (r->sum) {
		int code = read_sum(r, &sum);

		if (code != AM_ARGS_GO)
			return code;
	}
	r->fd = am_source_borrow(r->line, r->dir);
	if (r->fd < 0)
		return AM_EXIT_MISSING;
	if (r->policy || r->as_was)
		return decide_again(r);
	err = am_selection_open(r->fd, &wish, AM_COLUMNS_ALL, &s);
	if (err < 0)
		return cannot_read(r, err);
	if (sum)
		err = sum_rows(r, s, sum, &rows);
	else if (r->tree)
		err = tree_rows(r, s, &rows);
	else
		err = r->csv ? csv_rows(r, s, &rows) : each_row(r, s, &rows);
	return conclude(r, s, err, rows);
}

int am_cli_replay(const struct am_cmd_line *line)
{
	__attribute__((cleanup(done))) struct replay r = { .line = line, .out = line->out, .err = line->err,
							   .fd = -1 };
	bool fields = false;
	const struct am_arg items[] = {
		{ "--since", &r.since, NULL, false },
		{ "--until", &r.until, NULL, false },
		{ "--file", &r.file, NULL, false },
		{ "--children", NULL, &r.children, false },
		{ "--sum", &r.sum, NULL, false },
		{ "--tree", NULL, &r.tree, false },
		{ "--ledger", &r.dir, NULL, false },
		{ "--policy", &r.policy, NULL, false },
		{ "--as-was", NULL, &r.as_was, false },
		{ "--history", &r.history, NULL, false },
		{ "--pseudonymise", NULL, &r.veiled, false },
		{ "--pseudonym-key", &r.veil_key, NULL, false },
		{ "--json", NULL, &r.json, false },
		{ "--csv", NULL, &r.csv, false },
		{ "--fields", NULL, &fields, false },
	};
	const struct am_args args = { AM_USAGE_REPLAY, items, AM_COUNT(items), NULL };
	struct am_words words;
	int code = am_args_parse_words(&args, line->argc, line->argv, &words);

	if (code != AM_ARGS_GO)
		return code;
	if (fields) {
		am_filter_help(line->out);
		return AM_EXIT_YES;
	}
	code = check_options(&r);
	if (code == AM_ARGS_GO)
		code = am_veil_open(r.veiled, r.veil_key, r.err, &r.veil);
	if (code == AM_ARGS_GO)
		code = am_words_filter(&words, r.since, r.until, r.err, &r.text, &r.filter);
	if (code != AM_ARGS_GO)
		return code;
	if (r.tree || r.children)
		am_filter_take_births(r.filter);
	r.color = am_look_wants_color(line->out);
	return replay(&r);
}
