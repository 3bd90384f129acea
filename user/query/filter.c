// SPDX-License-Identifier: GPL-2.0
#include "query/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "base/text.h"
#include "event/groups.h"
#include "query/glob.h"
#include "query/term.h"

/* ---- one value --------------------------------------------------------------- */

static bool is_text(const struct am_term_value *v, const char *text)
{
	if (v->none)
		return !*text;
	return v->pattern ? am_glob_matches(v->text, text) : !strcmp(v->text, text);
}

/* One of the names in "cnic,health". */
static bool is_listed(const struct am_term_value *v, const char *list)
{
	char name[AM_FIELD_TEXT_MAX];

	if (v->none)
		return !*list;
	while (*list) {
		size_t len = strcspn(list, ",");

		if (len < sizeof(name)) {
			memcpy(name, list, len);
			name[len] = '\0';
			if (is_text(v, name))
				return true;
		}
		list += len + (list[len] == ',');
	}
	return false;
}

/* One of the groups in "27:sudo,100". */
static bool is_grouped(const struct am_term_value *v, const char *groups)
{
	struct am_group group;

	if (v->none)
		return !*groups;
	while (am_groups_next(&groups, &group))
		if (v->is_number ? group.gid == v->number : is_text(v, group.name))
			return true;
	return false;
}

static bool is_number(const struct am_term *term, const struct am_term_value *v,
		      const struct am_row *row)
{
	int64_t n;
	bool has = am_field_number(term->field, row, &n);

	if (v->none)
		return !has;
	return has && v->is_number && n == v->number;
}

/* A number is one, a name is the other. */
static bool is_who(const struct am_term *term, const struct am_term_value *v,
		   const struct am_row *row)
{
	char buf[AM_FIELD_TEXT_MAX];

	if (v->none || v->is_number)
		return is_number(term, v, row);
	return is_text(v, am_field_text(term->field, row, buf));
}

static bool is_dest(const struct am_term *term, const struct am_term_value *v,
		    const struct am_row *row)
{
	char buf[AM_FIELD_TEXT_MAX];

	if (v->is_net)
		return row->deed.op == AM_OP_SEND && am_term_net_holds(&v->net, &row->dest);
	return is_text(v, am_field_text(term->field, row, buf));
}

/* The first digits of an ID are enough, as many as managers show. */
static bool is_container(const struct am_term_value *v, const char *container)
{
	enum { SHOWN = 12 };

	if (is_text(v, container))
		return true;
	return !v->none && !v->pattern && strlen(v->text) >= SHOWN &&
	       !strncmp(container, v->text, strlen(v->text));
}

static bool is_value(const struct am_term *term, const struct am_term_value *v,
		     const struct am_row *row)
{
	char buf[AM_FIELD_TEXT_MAX];

	switch (term->field->type) {
	case AM_FIELD_LIST:
		return is_listed(v, am_field_text(term->field, row, buf));
	case AM_FIELD_GROUPS:
		return is_grouped(v, am_field_text(term->field, row, buf));
	case AM_FIELD_CONTAINER:
		return is_container(v, am_field_text(term->field, row, buf));
	case AM_FIELD_NUMBER:
	case AM_FIELD_FLAG:
		return is_number(term, v, row);
	case AM_FIELD_WHO:
		return is_who(term, v, row);
	case AM_FIELD_DEST:
		return is_dest(term, v, row);
	default:
		return is_text(v, am_field_text(term->field, row, buf));
	}
}

/* ---- a term ------------------------------------------------------------------- */

static bool is_any(const struct am_term *term, const struct am_row *row)
{
	size_t i;

	for (i = 0; i < term->n_values; i++)
		if (is_value(term, &term->values[i], row))
			return true;
	return false;
}

bool am_term_matches(const struct am_term *term, const struct am_row *row)
{
	int64_t n, limit = term->values[0].number;

	if (term->op == AM_TERM_IS)
		return is_any(term, row);
	if (term->op == AM_TERM_IS_NOT)
		return !is_any(term, row);
	if (!am_field_number(term->field, row, &n))
		return false;
	switch (term->op) {
	case AM_TERM_BELOW:
		return n < limit;
	case AM_TERM_AT_MOST:
		return n <= limit;
	case AM_TERM_ABOVE:
		return n > limit;
	default:
		return n >= limit;
	}
}

bool am_filter_matches(const struct am_filter *f, const struct am_row *row)
{
	size_t i;

	if (row->wall_ns < f->from_ns || row->wall_ns >= f->until_ns)
		return false;
	if (row->deed.kind == AM_EVENT_PROCESS && !f->births)
		return false;
	for (i = 0; i < f->n_terms; i++)
		if (!am_term_matches(&f->terms[i], row))
			return false;
	return true;
}

void am_filter_take_births(struct am_filter *f)
{
	f->births = true;
}

/* ---- what others can use of it ------------------------------------------------ */

void am_filter_span(const struct am_filter *f, int64_t *ret_from_ns, int64_t *ret_until_ns)
{
	*ret_from_ns = f->from_ns;
	*ret_until_ns = f->until_ns;
}

int am_filter_moments(const struct am_filter *f, bool since, struct am_filter **ret)
{
	struct am_filter *moments = calloc(1, sizeof(*moments));

	if (!moments)
		return -ENOMEM;
	moments->from_ns = since ? f->from_ns : INT64_MIN;
	moments->until_ns = f->until_ns;
	moments->births = true;
	*ret = moments;
	return 0;
}

/* The one value that a term asks for. */
static const struct am_term_value *only_value(const struct am_filter *f, const char *field)
{
	size_t i;

	for (i = 0; i < f->n_terms; i++) {
		const struct am_term *t = &f->terms[i];

		if (!strcmp(t->field->name, field) && t->op == AM_TERM_IS && t->n_values == 1 &&
		    !t->values[0].none && !t->values[0].pattern)
			return &t->values[0];
	}
	return NULL;
}

const char *am_filter_text(const struct am_filter *f, const char *field)
{
	const struct am_term_value *v = only_value(f, field);

	return v && !v->is_number && !v->is_net ? v->text : NULL;
}

bool am_filter_number(const struct am_filter *f, const char *field, int64_t *ret)
{
	const struct am_term_value *v = only_value(f, field);

	if (!v || !v->is_number)
		return false;
	*ret = v->number;
	return true;
}

uint64_t am_filter_columns(const struct am_filter *f)
{
	bool timed = f->from_ns != INT64_MIN || f->until_ns != INT64_MAX;
	uint64_t columns = timed ? am_field_find("time", 4)->columns : 0;
	size_t i;

	if (!f->births)
		columns |= am_field_find("kind", 4)->columns;
	for (i = 0; i < f->n_terms; i++)
		columns |= f->terms[i].field->columns;
	return columns;
}

void am_filter_free(struct am_filter *f)
{
	size_t i, j;

	if (!f)
		return;
	for (i = 0; i < f->n_terms; i++) {
		for (j = 0; j < f->terms[i].n_values; j++)
			free(f->terms[i].values[j].text);
		free(f->terms[i].values);
	}
	free(f->terms);
	free(f);
}

/* ---- for people ---------------------------------------------------------------- */

/* As many columns as the bytes before `at` take when shown. */
static size_t columns(const char *text, size_t at)
{
	size_t n = 0, used = 0;

	while (used < at && text[used]) {
		uint32_t c;
		size_t len = am_text_char(text + used, strlen(text + used), &c);

		n += len && !am_text_is_control(c) ? 1 : 4 * (len ? len : 1);
		used += len ? len : 1;
	}
	return n;
}

void am_filter_complain(FILE *out, const char *text, const struct am_filter_error *err)
{
	(void)fputs("error: ", out);
	am_text_print(out, err->fact);
	(void)fputs("\n  ", out);
	am_text_print(out, text);
	(void)fprintf(out, "\n  %*s^\n", (int)columns(text, err->at), "");
	if (!err->hint[0])
		return;
	(void)fputs("  hint: ", out);
	am_text_print(out, err->hint);
	(void)fputc('\n', out);
}

enum { HELP_WIDTH = 76 };	/* of a line of words */

static void list_words(FILE *out, const struct am_field *field)
{
	const char *word;
	size_t i, width = HELP_WIDTH;

	(void)fprintf(out, "\n'%s' is one of", field->name);
	for (i = 0; (word = field->words(i)); i++) {
		if (!*word)
			continue;
		width += strlen(word) + 1;
		if (width > HELP_WIDTH)
			(void)fputs("\n ", out);
		if (width > HELP_WIDTH)
			width = strlen(word) + 1;
		(void)fprintf(out, " %s", word);
	}
	(void)fputc('\n', out);
}

void am_filter_help(FILE *out)
{
	size_t n, i;
	const struct am_field *fields = am_fields(&n);

	(void)fputs("A filter is FIELD=VALUE[,VALUE ...] terms, all of which must hold; != is none of\n"
		    "them, numbers can be compared by < <= > >=, 'none' is what an event lacks.\n\n", out);
	for (i = 0; i < n; i++)
		(void)fprintf(out, "  %-12s %s\n", fields[i].name, fields[i].help);
	(void)fprintf(out, "  %-12s from this moment on: %s\n", "since", am_when_forms);
	(void)fprintf(out, "  %-12s before this moment\n", "until");
	for (i = 0; i < n; i++)
		if (fields[i].words)
			list_words(out, &fields[i]);
}
