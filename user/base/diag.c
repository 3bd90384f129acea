// SPDX-License-Identifier: GPL-2.0
#include "base/diag.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

void am_diags_init(struct am_diags *d)
{
	*d = (struct am_diags){ 0 };
}

static void free_diag(struct am_diag *d)
{
	free(d->file);
	free(d->fact);
	free(d->hint);
}

void am_diags_done(struct am_diags *d)
{
	for (size_t i = 0; i < d->count; i++)
		free_diag(&d->items[i]);
	free(d->items);
	am_diags_init(d);
}

const char *am_severity_name(enum am_severity severity)
{
	switch (severity) {
	case AM_SEVERITY_ERROR:
		return "error";
	case AM_SEVERITY_WARNING:
		return "warning";
	default:
		return "?";
	}
}

/* Gives up the last warning: no number of them may keep an error from being seen. */
static bool drop_warning(struct am_diags *d)
{
	for (size_t i = d->count; i > 0; i--) {
		if (d->items[i - 1].severity != AM_SEVERITY_WARNING)
			continue;
		free_diag(&d->items[i - 1]);
		memmove(&d->items[i - 1], &d->items[i], (d->count - i) * sizeof(*d->items));
		d->count--;
		d->lost = true;
		return true;
	}
	return false;
}

static bool make_room(struct am_diags *d, enum am_severity severity)
{
	struct am_diag *items;

	if (d->count >= AM_DIAGS_MAX)
		return severity == AM_SEVERITY_ERROR && drop_warning(d);
	items = realloc(d->items, (d->count + 1) * sizeof(*items));
	if (!items)
		return false;
	d->items = items;
	return true;
}

void am_diags_addv(struct am_diags *d, enum am_severity severity, struct am_pos pos,
		   const char *hint, const char *fact, va_list args)
{
	struct am_diag new = { .severity = severity, .line = pos.line, .column = pos.column };

	if (severity == AM_SEVERITY_ERROR)
		d->errors++;
	if (!make_room(d, severity)) {
		d->lost = true;
		return;
	}

	if (vasprintf(&new.fact, fact, args) < 0)
		new.fact = NULL; /* its value is undefined on failure */
	new.file = strdup(pos.file ? pos.file : "");
	new.hint = hint ? strdup(hint) : NULL;

	if (!new.fact || !new.file || (hint && !new.hint)) {
		free_diag(&new);
		d->lost = true;
		return;
	}
	d->items[d->count++] = new;
}

void am_diags_add(struct am_diags *d, enum am_severity severity, struct am_pos pos,
		  const char *hint, const char *fact, ...)
{
	va_list args;

	va_start(args, fact);
	am_diags_addv(d, severity, pos, hint, fact, args);
	va_end(args);
}

static bool comes_after(const struct am_diag *a, const struct am_diag *b)
{
	int order = strcmp(a->file, b->file);

	if (order)
		return order > 0;
	return a->line != b->line ? a->line > b->line : a->column > b->column;
}

/* By insertion: there are few, nearly all in place, and equal ones must not move. */
void am_diags_sort(struct am_diags *d)
{
	for (size_t i = 1; i < d->count; i++) {
		struct am_diag moved = d->items[i];
		size_t j = i;

		for (; j > 0 && comes_after(&d->items[j - 1], &moved); j--)
			d->items[j] = d->items[j - 1];
		d->items[j] = moved;
	}
}

static void print_diag(const struct am_diag *d, FILE *out)
{
	am_text_print(out, d->file);
	if (d->line)
		fprintf(out, ":%u:%u", d->line, d->column);
	fprintf(out, ": %s: ", am_severity_name(d->severity));
	am_text_print(out, d->fact);
	fputc('\n', out);
	if (d->hint) {
		fputs("  hint: ", out);
		am_text_print(out, d->hint);
		fputc('\n', out);
	}
}

void am_diags_print(const struct am_diags *d, FILE *out)
{
	for (size_t i = 0; i < d->count; i++)
		print_diag(&d->items[i], out);
	if (d->lost)
		fputs("more findings than these were left out\n", out);
}

void am_diags_first_error(const struct am_diags *d, char *ret, size_t size)
{
	size_t i;

	ret[0] = '\0';
	for (i = 0; i < d->count; i++) {
		const struct am_diag *item = &d->items[i];

		if (item->severity != AM_SEVERITY_ERROR)
			continue;
		if (item->line)
			(void)snprintf(ret, size, "%s:%u: %s", item->file, item->line, item->fact);
		else
			(void)snprintf(ret, size, "%s", item->fact);
		return;
	}
}
