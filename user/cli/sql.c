// SPDX-License-Identifier: GPL-2.0
/* Nothing can be written: not by a statement (the authorizer), not by a function (there are
 * none that do), and the ledger's table has no such methods. */
#include "cli/sql.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/text.h"
#include "base/when.h"
#include "cli/args.h"
#include "cli/grid.h"
#include "cli/source.h"
#include "query/field.h"
#include "query/table.h"

struct shell {
	sqlite3 *db;
	enum am_grid_form form;
	FILE *out;
	FILE *err;
};

/* ---- one query ------------------------------------------------------------------ */

static int complain(const struct shell *s, const char *sql)
{
	int at = sqlite3_error_offset(s->db);
	const char *line = sql;

	(void)fputs("error: ", s->err);
	am_text_print(s->err, sqlite3_errmsg(s->db));
	(void)fputc('\n', s->err);
	/* One line of the statement and a caret, where the place is known and the line is plain. */
	while (at >= 0 && memchr(line, '\n', (size_t)at)) {
		size_t len = strcspn(line, "\n") + 1;

		line += len;
		at -= (int)len;
	}
	if (at >= 0)
		(void)fprintf(s->err, "  %.*s\n  %*s^\n", (int)strcspn(line, "\n"), line, at, "");
	return sqlite3_errcode(s->db) == SQLITE_IOERR ? AM_EXIT_MISSING : AM_EXIT_NO;
}

static int show_row(sqlite3_stmt *q, struct am_grid *grid, struct am_cell *cells)
{
	int i, n = sqlite3_column_count(q);

	for (i = 0; i < n; i++) {
		int type = sqlite3_column_type(q, i);

		cells[i].number = type == SQLITE_INTEGER;
		cells[i].text = (const char *)sqlite3_column_text(q, i);
	}
	return am_grid_row(grid, cells);
}

static int show_rows(const struct shell *s, sqlite3_stmt *q, struct am_grid *grid)
{
	am_autofree struct am_cell *cells =
		calloc((size_t)sqlite3_column_count(q) + 1, sizeof(*cells));
	int r = cells ? 0 : -ENOMEM, step = SQLITE_DONE;

	while (!r && (step = sqlite3_step(q)) == SQLITE_ROW)
		r = show_row(q, grid, cells);
	if (!r && step != SQLITE_DONE)
		return complain(s, "");
	if (!r)
		r = am_grid_end(grid);
	if (!r || r == -EPIPE)
		return AM_EXIT_YES;
	(void)fprintf(s->err, "error: cannot write the answer: %s\n", strerror(-r));
	return AM_EXIT_NO;
}

static int answer(const struct shell *s, sqlite3_stmt *q)
{
	size_t i, n = (size_t)sqlite3_column_count(q);
	am_autofree const char **names = calloc(n + 1, sizeof(*names));
	am_auto(am_grid) struct am_grid *grid = NULL;

	for (i = 0; names && i < n; i++)
		names[i] = sqlite3_column_name(q, (int)i);
	if (!names || am_grid_open(s->out, s->form, names, n, &grid) < 0) {
		(void)fputs("error: there is not enough memory\n", s->err);
		return AM_EXIT_NO;
	}
	return show_rows(s, q, grid);
}

/* All statements of `sql`, up to the first that fails. */
static int ask(const struct shell *s, const char *sql)
{
	int code = AM_EXIT_YES;

	while (code == AM_EXIT_YES && *sql) {
		sqlite3_stmt *q = NULL;
		const char *rest = NULL;

		if (sqlite3_prepare_v2(s->db, sql, -1, &q, &rest) != SQLITE_OK) {
			(void)complain(s, sql);
			return AM_EXIT_USAGE;
		}
		if (q)	/* not a comment only */
			code = answer(s, q);
		(void)sqlite3_finalize(q); /* its failure was told */
		sql = rest;
	}
	return code;
}

/* ---- one by one ------------------------------------------------------------------- */

static void print_schema(FILE *out)
{
	size_t n, i;
	const struct am_field *fields = am_fields(&n);

	for (i = 0; i < n; i++)
		(void)fprintf(out, "  %-12s %s\n", fields[i].name, fields[i].help);
	(void)fputs("  time_ns      of time, nanoseconds of the epoch\n"
		    "  uid          of user, the number\n"
		    "  login_uid    of login, the number\n"
		    "\nmoment('-2h') is a moment as since= of a filter has it: WHERE time >= moment('yesterday')\n",
		    out);
}

static void greet(const struct shell *s)
{
	(void)fputs("The ledger is the table 'events'. End a query with ';', and this with Ctrl-D.\n"
		    "'.schema' lists the columns.\n", s->err);
}

static void prompt(const struct shell *s, bool more)
{
	if (!isatty(STDIN_FILENO))
		return;
	(void)fputs(more ? "   ...> " : "amanat> ", s->err);
	(void)fflush(s->err);
}

static bool add_line(char **text, const char *line)
{
	size_t before = *text ? strlen(*text) : 0, len = strlen(line);
	char *longer = realloc(*text, before + len + 1);

	if (!longer)
		return false;
	memcpy(longer + before, line, len + 1);
	*text = longer;
	return true;
}

/* Reads statements up to the end of the input. The exit code of the last one. */
static int converse(const struct shell *s)
{
	am_autofree char *line = NULL, *text = NULL;
	int code = AM_EXIT_YES;
	size_t room = 0;

	if (isatty(STDIN_FILENO))
		greet(s);
	for (prompt(s, false); getline(&line, &room, stdin) >= 0; prompt(s, text)) {
		if (!text && !strcmp(line, ".schema\n")) {
			print_schema(s->out);
			continue;
		}
		if (!add_line(&text, line))
			return AM_EXIT_NO;
		if (!sqlite3_complete(text))
			continue;
		code = ask(s, text);
		free(AM_TAKE_PTR(text));
	}
	if (isatty(STDIN_FILENO))
		(void)fputc('\n', s->err);
	return text ? ask(s, text) : code;
}

/* ---- start ---------------------------------------------------------------------- */

static int only_reading(void *ctx, int action, const char *a, const char *b, const char *c,
			const char *d)
{
	(void)ctx, (void)a, (void)b, (void)c, (void)d;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_FUNCTION:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	default:
		return SQLITE_DENY;
	}
}

/* moment('-2h'): as since= has it, in the form of the column `time`. */
static void moment(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	const char *text = (const char *)sqlite3_value_text(argv[0]);
	const struct am_when here = am_when_here();
	char utc[AM_WHEN_TEXT];
	int64_t ns;

	(void)argc;
	if (!text || am_when_parse(text, strlen(text), &here, &ns)) {
		am_autofree char *what = NULL;

		if (asprintf(&what, "'%.40s' is no moment, such as %s", text ? text : "",
			     am_when_forms) < 0)
			sqlite3_result_error_nomem(ctx);
		else
			sqlite3_result_error(ctx, what, -1);
		return;
	}
	am_when_utc(ns, utc);
	sqlite3_result_text(ctx, utc, -1, SQLITE_TRANSIENT);
}

static int open_db(int fd, sqlite3 **ret)
{
	int r;

	if (sqlite3_open(":memory:", ret) != SQLITE_OK)
		return -ENOMEM;
	r = am_table_open(*ret, fd);
	/* SQLite makes its own note of a table at the first use of it: that is not asked for. */
	if (!r && sqlite3_exec(*ret, "SELECT 1 FROM events LIMIT 0", NULL, NULL, NULL) != SQLITE_OK)
		r = -EIO;
	if (!r && sqlite3_create_function(*ret, "moment", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
					  moment, NULL, NULL) != SQLITE_OK)
		r = -ENOMEM;
	if (!r)
		(void)sqlite3_set_authorizer(*ret, only_reading, NULL); /* cannot fail */
	return r;
}

static int run(const struct shell *given, int fd, const char *query)
{
	struct shell s = *given;
	int code = AM_EXIT_NO, r = open_db(fd, &s.db);

	if (r < 0)
		(void)fprintf(s.err, "error: cannot read the ledger: %s\n", strerror(-r));
	else
		code = query ? ask(&s, query) : converse(&s);
	(void)sqlite3_close(s.db); /* in memory: nothing is lost */
	return code;
}

int am_cli_sql(const struct am_cmd_line *line)
{
	const char *dir = NULL;
	bool json = false, csv = false;
	const struct am_arg items[] = {
		{ "--ledger", &dir, NULL, false },
		{ "--json", NULL, &json, false },
		{ "--csv", NULL, &csv, false },
	};
	const struct am_args args = { AM_USAGE_SQL, items, AM_COUNT(items), NULL };
	struct am_words words;
	struct shell s = { .out = line->out, .err = line->err };
	am_autoclose int fd = -1;
	int code;

	code = am_args_parse_words(&args, line->argc, line->argv, &words);
	if (code != AM_ARGS_GO)
		return code;
	if (words.count > 1) {
		(void)fputs("error: there is more than one query\n"
			    "  hint: Put the query in quotes, as one word.\n", line->err);
		return AM_EXIT_USAGE;
	}
	s.form = json ? AM_GRID_JSON : csv ? AM_GRID_CSV : AM_GRID_TEXT;
	fd = am_source_borrow(line, dir);
	return fd < 0 ? AM_EXIT_MISSING : run(&s, fd, words.count ? words.items[0] : NULL);
}
