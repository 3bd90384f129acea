// SPDX-License-Identifier: GPL-2.0
#include "cli/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "cli/args.h"
#include "cli/grid.h"
#include "cli/look.h"
#include "cli/past.h"
#include "cli/source.h"
#include "cli/veil.h"
#include "cli/words.h"
#include "query/cursor.h"
#include "query/recorded.h"
#include "query/sum.h"

struct replay {
	const char *dir, *since, *until, *sum, *policy, *history;
	bool json, csv, as_was, veiled;
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

/* The next row that is to be shown: 1; 0 at the end; -errno. */
static int next_row(struct replay *r, struct am_cursor *c, const struct am_row **ret)
{
	const struct am_row *row;
	int err = am_cursor_next(c, &row);

	if (err <= 0)
		return err;
	*ret = row;
	if (r->veil) {
		am_pseudonym_row(r->veil, row, &r->row);
		*ret = &r->row;
	}
	return err;
}

/* ---- line by line --------------------------------------------------------------------- */

static int write_row(const struct replay *r, const struct am_cursor *c, const struct am_row *row)
{
	struct am_decoded event;
	struct am_event_names names;
	bool is_event = am_recorded_event(row, &event, &names);
	struct am_host_id host = *am_cursor_host(c);
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

static int each_row(struct replay *r, struct am_cursor *c, uint64_t *ret_rows)
{
	const struct am_row *row;
	int err = 0;

	while (!err && (err = next_row(r, c, &row)) > 0) {
		err = write_row(r, c, row);
		++*ret_rows;
	}
	return err;
}

/* ---- CSV: every field ------------------------------------------------------------------- */

static int csv_rows(struct replay *r, struct am_cursor *c, uint64_t *ret_rows)
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
	while (!err && (err = next_row(r, c, &row)) > 0) {
		for (i = 0; i < n; i++)
			cells[i].text = am_field_text(&fields[i], row, made[i]);
		err = am_grid_row(grid, cells);
		++*ret_rows;
	}
	return err;
}

/* ---- sums --------------------------------------------------------------------------------- */

enum { SUM_COLUMNS = 4 };

static int show_group(struct am_grid *grid, const struct am_sum_group *g, size_t n)
{
	struct am_cell cells[AM_SUM_FIELDS_MAX + SUM_COLUMNS] = { 0 };
	char accesses[24], refused[24], first[AM_WHEN_TEXT], last[AM_WHEN_TEXT];
	size_t i;

	for (i = 0; i < n; i++)
		cells[i].text = *g->values[i] ? g->values[i] : NULL;
	(void)snprintf(accesses, sizeof(accesses), "%" PRIu64, g->accesses);
	(void)snprintf(refused, sizeof(refused), "%" PRIu64, g->refused);
	am_look_time(g->first_ns, first);
	am_look_time(g->last_ns, last);
	cells[n] = (struct am_cell){ accesses, true };
	cells[n + 1] = (struct am_cell){ refused, true };
	cells[n + 2].text = first;
	cells[n + 3].text = last;
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
	err = am_grid_open(r->out, r->json ? AM_GRID_JSON : r->csv ? AM_GRID_CSV : AM_GRID_TEXT, names,
			   n_fields + SUM_COLUMNS, &grid);
	for (i = 0; !err && i < n; i++)
		err = show_group(grid, &groups[i], n_fields);
	if (am_sum_left_out(sum))
		(void)fprintf(r->err, "note: %" PRIu64 " rows are left out: there are more than %d groups\n",
			      am_sum_left_out(sum), AM_SUM_GROUPS_MAX);
	return err ? err : am_grid_end(grid);
}

static int sum_rows(struct replay *r, struct am_cursor *c, struct am_sum *sum, uint64_t *ret_rows)
{
	const struct am_row *row;
	int err;

	while ((err = next_row(r, c, &row)) > 0) {
		err = am_sum_add(sum, row);
		if (err)
			return err;
		++*ret_rows;
	}
	return err ? err : show_sum(r, sum);
}

/* "by=user,store", as it is shown in the help, or without "by=". */
static int read_sum(const struct replay *r, struct am_sum **ret)
{
	const char *by = strncmp(r->sum, "by=", 3) ? r->sum : r->sum + 3, *bad = by;
	int err = am_sum_new(by, &bad, ret);

	if (!err)
		return AM_ARGS_GO;
	(void)fprintf(r->err, "error: there is no field '%.*s' to sum by\n  hint: ",
		      (int)strcspn(bad, ","), bad);
	(void)fprintf(r->err, "At most %d of those that 'amanat replay --fields' lists.\n",
		      AM_SUM_FIELDS_MAX);
	return AM_EXIT_USAGE;
}

/* ---- all ------------------------------------------------------------------------------------ */

/* Nothing found is an answer too, and not the one that was hoped for. */
static int conclude(const struct replay *r, const struct am_cursor *c, int err, uint64_t rows)
{
	struct am_scan_counts counts;

	if (err == -EPIPE)
		return AM_EXIT_YES;
	if (err < 0) {
		(void)fprintf(r->err, "error: cannot replay: %s\n", strerror(-err));
		return AM_EXIT_MISSING;
	}
	am_cursor_counts(c, &counts);
	if (counts.bad_segments)
		(void)fprintf(r->err, "note: %" PRIu64 " segments are damaged; 'amanat verify' tells where\n",
			      counts.bad_segments);
	if (!rows)
		(void)fputs("note: nothing in the record passes the filter\n", r->err);
	return rows ? AM_EXIT_YES : AM_EXIT_NO;
}

static int decide_again(const struct replay *r, struct am_cursor *c)
{
	const struct am_past_wish wish = {
		.history = r->history, .policy = r->policy, .foreign = r->dir,
		.json = r->json, .out = r->out, .err = r->err,
	};

	return am_cli_past(&wish, c);
}

/* What cannot be asked for at once, or alone. */
static int check_options(const struct replay *r)
{
	const char *wrong = NULL;

	if (r->policy && r->as_was)
		wrong = "'--policy' and '--as-was' are two questions";
	else if ((r->policy || r->as_was) && (r->csv || r->sum))
		wrong = "'--policy' and '--as-was' are answered as text or JSON";
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
	am_auto(am_cursor) struct am_cursor *c = NULL;
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
	err = am_cursor_open(r->fd, r->filter, AM_COLUMNS_ALL, &c);
	if (err < 0) {
		(void)fprintf(r->err, "error: cannot read the ledger: %s\n", strerror(-err));
		return AM_EXIT_MISSING;
	}
	if (r->policy || r->as_was)
		return decide_again(r, c);
	if (sum)
		err = sum_rows(r, c, sum, &rows);
	else
		err = r->csv ? csv_rows(r, c, &rows) : each_row(r, c, &rows);
	return conclude(r, c, err, rows);
}

int am_cli_replay(const struct am_cmd_line *line)
{
	__attribute__((cleanup(done))) struct replay r = { .line = line, .out = line->out, .err = line->err,
							   .fd = -1 };
	bool fields = false;
	const struct am_arg items[] = {
		{ "--since", &r.since, NULL, false },
		{ "--until", &r.until, NULL, false },
		{ "--sum", &r.sum, NULL, false },
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
	r.color = am_look_wants_color(line->out);
	return replay(&r);
}
