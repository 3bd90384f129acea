// SPDX-License-Identifier: GPL-2.0
#include "cli/grid.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "event/json.h"

enum {
	LOOK_AHEAD = 100,	/* rows that decide how wide columns are */
	WIDTH_MAX = 60,
};

struct kept {
	char *text;		/* owned or NULL */
	bool number;
};

struct am_grid {
	FILE *out;		/* borrowed */
	enum am_grid_form form;
	char **names;		/* owned */
	size_t n;
	size_t *widths;		/* owned */
	struct kept *rows;	/* owned: up to LOOK_AHEAD of n cells */
	size_t n_rows;
	bool fixed;		/* the widths are known, rows are not kept any more */
};

static int stream_error(const struct am_grid *g)
{
	return ferror(g->out) ? errno ? -errno : -EIO : 0;
}

/* ---- text ----------------------------------------------------------------------- */

static size_t width_of(const char *text)
{
	size_t n = 0, len = strlen(text);

	while (len) {
		uint32_t c;
		size_t used = am_text_char(text, len, &c);

		n += used && !am_text_is_control(c) ? 1 : 4 * (used ? used : 1);
		text += used ? used : 1;
		len -= used ? used : 1;
	}
	return n;
}

static void write_text(const struct am_grid *g, size_t i, const char *text, bool number)
{
	size_t width = width_of(text), pad = width < g->widths[i] ? g->widths[i] - width : 0;
	bool last = i + 1 == g->n;

	if (number)
		(void)fprintf(g->out, "%*s", (int)pad, "");
	am_text_print(g->out, text);
	if (!number && !last)
		(void)fprintf(g->out, "%*s", (int)pad, "");
	(void)fputs(last ? "\n" : "  ", g->out);
}

static void widen(struct am_grid *g, size_t i, const char *text)
{
	size_t width = width_of(text);

	if (width > WIDTH_MAX)
		width = WIDTH_MAX;
	if (width > g->widths[i])
		g->widths[i] = width;
}

static const char *shown(const char *text)
{
	return text && *text ? text : "-";
}

static void write_kept(struct am_grid *g)
{
	size_t i;

	g->fixed = true;
	for (i = 0; i < g->n; i++)
		write_text(g, i, g->names[i], g->n_rows && g->rows[i].number);
	for (i = 0; i < g->n_rows * g->n; i++)
		write_text(g, i % g->n, shown(g->rows[i].text), g->rows[i].number);
}

static int keep_row(struct am_grid *g, const struct am_cell *cells)
{
	struct kept *row = g->rows + g->n_rows * g->n;
	size_t i;

	g->n_rows++;	/* its cells are NULL until they are there */
	for (i = 0; i < g->n; i++) {
		row[i].number = cells[i].number;
		row[i].text = strdup(shown(cells[i].text));
		if (!row[i].text)
			return -ENOMEM;
		widen(g, i, row[i].text);
	}
	if (g->n_rows == LOOK_AHEAD)
		write_kept(g);
	return 0;
}

static int text_row(struct am_grid *g, const struct am_cell *cells)
{
	size_t i;

	if (!g->fixed)
		return keep_row(g, cells);
	for (i = 0; i < g->n; i++)
		write_text(g, i, shown(cells[i].text), cells[i].number);
	return 0;
}

/* ---- CSV ------------------------------------------------------------------------- */

static void csv_value(FILE *out, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		(void)fputs(text, out);
		return;
	}
	(void)fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			(void)fputc('"', out);
		(void)fputc(*text, out);
	}
	(void)fputc('"', out);
}

static void csv_end(const struct am_grid *g, size_t i)
{
	(void)fputs(i + 1 == g->n ? "\r\n" : ",", g->out);
}

static void csv_row(const struct am_grid *g, const struct am_cell *cells)
{
	size_t i;

	for (i = 0; i < g->n; i++) {
		csv_value(g->out, cells[i].text ? cells[i].text : "");
		csv_end(g, i);
	}
}

static void csv_names(const struct am_grid *g)
{
	size_t i;

	for (i = 0; i < g->n; i++) {
		csv_value(g->out, g->names[i]);
		csv_end(g, i);
	}
}

/* ---- JSON ------------------------------------------------------------------------ */

/* Beyond what readers of JSON can hold, a number is text. */
static void json_cell(struct am_json *j, const char *name, const struct am_cell *cell)
{
	static const int64_t exact = INT64_C(1) << 53;
	char *end = NULL;
	int64_t n;

	errno = 0;
	n = cell->number && cell->text ? strtoll(cell->text, &end, 10) : 0;
	if (end && end != cell->text && !*end && !errno && n <= exact && n >= -exact)
		am_json_int(j, name, n);
	else
		am_json_text(j, name, cell->text);
}

static int json_row(const struct am_grid *g, const struct am_cell *cells)
{
	struct am_json j;
	size_t i;

	am_json_init(&j, g->out);
	am_json_object(&j, NULL);
	for (i = 0; i < g->n; i++)
		json_cell(&j, g->names[i], &cells[i]);
	return am_json_done(&j);
}

/* ---- all --------------------------------------------------------------------------- */

static int copy_names(struct am_grid *g, const char *const *names)
{
	size_t i;

	for (i = 0; i < g->n; i++) {
		g->names[i] = strdup(names[i]);
		if (!g->names[i])
			return -ENOMEM;
		widen(g, i, names[i]);
	}
	return 0;
}

int am_grid_open(FILE *out, enum am_grid_form form, const char *const *names, size_t n,
		 struct am_grid **ret)
{
	am_auto(am_grid) struct am_grid *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->out = out;
	g->form = form;
	g->n = n;
	g->names = calloc(n + 1, sizeof(*g->names));
	g->widths = calloc(n + 1, sizeof(*g->widths));
	g->rows = calloc(LOOK_AHEAD * n + 1, sizeof(*g->rows));
	if (!g->names || !g->widths || !g->rows || copy_names(g, names) < 0)
		return -ENOMEM;
	if (form == AM_GRID_CSV)
		csv_names(g);
	*ret = AM_TAKE_PTR(g);
	return 0;
}

int am_grid_row(struct am_grid *g, const struct am_cell *cells)
{
	int r = 0;

	errno = 0;
	if (g->form == AM_GRID_TEXT)
		r = text_row(g, cells);
	else if (g->form == AM_GRID_CSV)
		csv_row(g, cells);
	else
		r = json_row(g, cells);
	return r ? r : stream_error(g);
}

int am_grid_end(struct am_grid *g)
{
	if (g->form == AM_GRID_TEXT && !g->fixed)
		write_kept(g);
	return stream_error(g);
}

void am_grid_free(struct am_grid *g)
{
	size_t i;

	if (!g)
		return;
	for (i = 0; g->names && i < g->n; i++)
		free(g->names[i]);
	for (i = 0; g->rows && i < g->n_rows * g->n; i++)
		free(g->rows[i].text);
	free(g->names);
	free(g->widths);
	free(g->rows);
	free(g);
}
