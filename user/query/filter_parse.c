// SPDX-License-Identifier: GPL-2.0
/* The text of a filter, term by term. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "query/glob.h"
#include "query/term.h"

enum { NUMBER_DIGITS = 18 };

struct parser {
	const char *text;
	const char *at;
	const struct am_when *from;
	struct am_filter *filter;
	struct am_filter_error *err;
};

__attribute__((format(printf, 4, 5)))
static int refuse(struct parser *p, const char *at, const char *hint, const char *fact, ...)
{
	va_list args;

	p->err->at = (size_t)(at - p->text);
	va_start(args, fact);
	(void)vsnprintf(p->err->fact, sizeof(p->err->fact), fact, args);
	va_end(args);
	(void)snprintf(p->err->hint, sizeof(p->err->hint), "%s", hint ? hint : "");
	return -EINVAL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

/* ---- values --------------------------------------------------------------------- */

/* A letter of a value, outside of quotes. */
static char plain(struct am_term_value *v, char c)
{
	if (c != '*' && c != '?')
		return c;
	v->pattern = true;
	return c == '*' ? AM_GLOB_ANY : AM_GLOB_ONE;
}

/* One value up to a blank or comma outside of quotes, without its quotes. */
static int take_text(struct parser *p, struct am_term_value *v)
{
	const char *start = p->at;
	bool quoted = false;
	size_t n = 0;

	v->text = malloc(strlen(start) + 1);
	if (!v->text)
		return -ENOMEM;
	for (; *p->at && (quoted || (!is_blank(*p->at) && *p->at != ',')); p->at++) {
		if (*p->at == '"') {
			quoted = !quoted;
			continue;
		}
		if (quoted && *p->at == '\\' && (p->at[1] == '"' || p->at[1] == '\\'))
			p->at++;
		v->text[n++] = quoted ? *p->at : plain(v, *p->at);
	}
	v->text[n] = '\0';
	if (quoted)
		return refuse(p, start, "Close them, or write \\\" for one that is meant.",
			      "the quotes of a value are not closed");
	if (p->at == start)
		return refuse(p, start, "Write 'none' for what an event does not have.",
			      "a value is missing");
	v->none = !strncmp(start, "none", 4) && p->at - start == 4;
	return 0;
}

static bool parse_number(const char *text, int64_t *ret)
{
	size_t len = strlen(text);

	if (!len || len > NUMBER_DIGITS || strspn(text, "0123456789") != len)
		return false;
	*ret = strtoll(text, NULL, 10);
	return true;
}

static int refuse_word(struct parser *p, const char *at, const struct am_field *field,
		       const char *text)
{
	struct am_nearest nearest;
	char hint[128] = "It is one of:";
	const char *word, *between = "";
	size_t used = strlen(hint), i;

	am_nearest_init(&nearest, text);
	for (i = 0; (word = field->words(i)); i++) {
		if (!*word)
			continue;
		am_nearest_offer(&nearest, word);
		if (used < sizeof(hint))
			used += (size_t)snprintf(hint + used, sizeof(hint) - used, "%s %s",
						 between, word);
		between = ",";
	}
	if (used >= sizeof(hint))
		(void)snprintf(hint, sizeof(hint), "'amanat replay --fields' lists what it may be.");
	if (nearest.best)
		(void)snprintf(hint, sizeof(hint), "Did you mean '%s'?", nearest.best);
	return refuse(p, at, hint, "'%s' is never '%.64s'", field->name, text);
}

static bool is_known(const struct am_field *field, const char *text)
{
	const char *word;
	size_t i;

	for (i = 0; field->words && (word = field->words(i)); i++)
		if (*word && !strcmp(word, text))
			return true;
	return !field->words;
}

static int read_number(struct parser *p, const char *at, const struct am_field *field,
		       struct am_term_value *v)
{
	v->is_number = parse_number(v->text, &v->number);
	if (v->is_number)
		return 0;
	return refuse(p, at, "Write a decimal number, or 'none'.", "'%s' takes numbers, not '%.64s'",
		      field->name, v->text);
}

static int read_flag(struct parser *p, const char *at, const struct am_field *field,
		     struct am_term_value *v)
{
	v->is_number = true;
	v->number = !strcmp(v->text, "yes");
	if (v->number || !strcmp(v->text, "no"))
		return 0;
	return refuse(p, at, "Write yes or no.", "'%s' takes yes or no, not '%.64s'", field->name,
		      v->text);
}

/* What looks like a network is meant to be one. */
static int read_dest(struct parser *p, const char *at, struct am_term_value *v)
{
	v->is_net = !v->pattern && am_term_net_parse(v->text, &v->net);
	if (v->is_net || v->pattern || !strpbrk(v->text, "0123456789/:"))
		return 0;
	return refuse(p, at, "Such as 10.0.0.0/8, 203.0.113.9:443, [fd00::1]:53, fd00::/8 or terminal.",
		      "'%.64s' is no destination", v->text);
}

static int read_value(struct parser *p, const struct am_field *field, struct am_term_value *v)
{
	const char *at = p->at;
	int r = take_text(p, v);

	if (r || v->none)
		return r;
	switch (field->type) {
	case AM_FIELD_NUMBER:
		return read_number(p, at, field, v);
	case AM_FIELD_FLAG:
		return read_flag(p, at, field, v);
	case AM_FIELD_WHO:
	case AM_FIELD_GROUPS:
		v->is_number = parse_number(v->text, &v->number);
		return 0;
	case AM_FIELD_DEST:
		return read_dest(p, at, v);
	default:
		if (!v->pattern && !is_known(field, v->text))
			return refuse_word(p, at, field, v->text);
		return 0;
	}
}

static int take_values(struct parser *p, struct am_term *term)
{
	int r;

	for (;;) {
		struct am_term_value v = { 0 };
		const char *at = p->at;

		r = read_value(p, term->field, &v);
		if (!r)
			r = AM_APPEND(term->values, term->n_values, v);
		if (r) {
			free(v.text);
			return r;
		}
		if (term->n_values > AM_FILTER_VALUES_MAX)
			return refuse(p, at, NULL, "'%s' has more than %d values",
				      term->field->name, AM_FILTER_VALUES_MAX);
		if (*p->at != ',')
			return 0;
		p->at++;
	}
}

/* ---- terms ---------------------------------------------------------------------- */

static int take_operator(struct parser *p, enum am_term_op *ret)
{
	static const struct {
		const char *text;
		enum am_term_op op;
	} operators[] = {
		{ "!=", AM_TERM_IS_NOT }, { "<=", AM_TERM_AT_MOST }, { ">=", AM_TERM_AT_LEAST },
		{ "=", AM_TERM_IS }, { "<", AM_TERM_BELOW }, { ">", AM_TERM_ABOVE },
	};
	size_t i;

	for (i = 0; i < AM_COUNT(operators); i++) {
		size_t len = strlen(operators[i].text);

		if (strncmp(p->at, operators[i].text, len))
			continue;
		p->at += len;
		*ret = operators[i].op;
		return 0;
	}
	return refuse(p, p->at, "A term is FIELD=VALUE, such as user=acme.",
		      "there is no '=' here");
}

static int refuse_field(struct parser *p, const char *name, size_t len)
{
	char word[AM_FIELD_TEXT_MAX], hint[128] = "";
	struct am_nearest nearest;
	const struct am_field *fields;
	size_t n, i;

	(void)snprintf(word, sizeof(word), "%.*s", (int)len, name);
	am_nearest_init(&nearest, word);
	fields = am_fields(&n);
	for (i = 0; i < n; i++)
		am_nearest_offer(&nearest, fields[i].name);
	am_nearest_offer(&nearest, "since");
	am_nearest_offer(&nearest, "until");
	if (nearest.best)
		(void)snprintf(hint, sizeof(hint), "Did you mean '%s'?", nearest.best);
	else
		(void)snprintf(hint, sizeof(hint), "Such as store, user, verdict, dest, since.");
	return refuse(p, name, hint, "there is no field '%s'", word);
}

static int refuse_moment(struct parser *p, const char *at, const char *text)
{
	char hint[160];

	(void)snprintf(hint, sizeof(hint), "Such as %s.", am_when_forms);
	return refuse(p, at, hint, "'%.64s' is no moment", text);
}

/* since= and until=: what has been found so far is narrowed. */
static int take_moment(struct parser *p, bool since)
{
	struct am_term_value v = { 0 };
	const char *at = p->at;
	int64_t ns = 0;
	int r = take_text(p, &v);

	if (!r && am_when_parse(v.text, strlen(v.text), p->from, &ns))
		r = refuse_moment(p, at, v.text);
	free(v.text);
	if (r)
		return r;
	if (since && ns > p->filter->from_ns)
		p->filter->from_ns = ns;
	if (!since && ns < p->filter->until_ns)
		p->filter->until_ns = ns;
	if (p->filter->from_ns >= p->filter->until_ns)
		return refuse(p, at, "Let since= be before until=.", "the time ends here before it begins");
	return 0;
}

/* Only numbers are above or below. */
static int check_operator(struct parser *p, const char *at, const struct am_term *term)
{
	if (term->op == AM_TERM_IS || term->op == AM_TERM_IS_NOT)
		return 0;
	if (term->field->type != AM_FIELD_NUMBER)
		return refuse(p, at, "Write = or !=.", "'%s' is no number that could be compared",
			      term->field->name);
	if (term->n_values != 1 || !term->values[0].is_number)
		return refuse(p, at, "Write one number.", "'%s' is compared with more than a number",
			      term->field->name);
	return 0;
}

static void done_term(struct am_term *term)
{
	size_t i;

	for (i = 0; i < term->n_values; i++)
		free(term->values[i].text);
	free(term->values);
}

static int add_term(struct parser *p, struct am_term *term, const char *operator)
{
	int r = take_values(p, term);

	if (!r)
		r = check_operator(p, operator, term);
	if (!r && p->filter->n_terms == AM_FILTER_TERMS_MAX)
		r = refuse(p, operator, NULL, "there are more than %d terms", AM_FILTER_TERMS_MAX);
	return r ? r : AM_APPEND(p->filter->terms, p->filter->n_terms, *term);
}

/* Who names the kind of rows that he wants, or one of them, gets it. */
static bool asks_for_births(const char *field)
{
	static const char *const fields[] = { "kind", "act", "id", "row" };
	size_t i;

	for (i = 0; i < AM_COUNT(fields); i++)
		if (!strcmp(field, fields[i]))
			return true;
	return false;
}

static int take_term(struct parser *p)
{
	struct am_term term = { 0 };
	const char *name = p->at, *operator;
	size_t len;
	bool since;
	int r;

	while (is_name(*p->at))
		p->at++;
	len = (size_t)(p->at - name);
	if (!len)
		return refuse(p, name, "A term is FIELD=VALUE, such as user=acme.",
			      "a field is missing");
	operator = p->at;
	r = take_operator(p, &term.op);
	if (r)
		return r;
	since = len == 5 && !memcmp(name, "since", 5);
	term.field = am_field_find(name, len);
	if (!since && !(len == 5 && !memcmp(name, "until", 5)) && !term.field)
		return refuse_field(p, name, len);
	if (!term.field && term.op != AM_TERM_IS)
		return refuse(p, operator, "Write =.", "'%.5s' takes a moment", name);
	if (!term.field)
		return take_moment(p, since);
	if (term.field->type == AM_FIELD_TIME)
		return refuse(p, name, "Write since=MOMENT or until=MOMENT.",
			      "no event is at exactly that moment");
	r = add_term(p, &term, operator);
	if (r)
		done_term(&term);
	else if (asks_for_births(term.field->name))
		am_filter_take_births(p->filter);
	return r;
}

static int take_terms(struct parser *p)
{
	int r = 0;

	while (!r) {
		while (is_blank(*p->at))
			p->at++;
		if (!*p->at)
			return 0;
		r = take_term(p);
		if (!r && *p->at && !is_blank(*p->at))
			r = refuse(p, p->at, "Put a blank between terms.", "a term ends here");
	}
	return r;
}

int am_filter_parse(const char *text, const struct am_when *from, struct am_filter_error *err,
		    struct am_filter **ret)
{
	am_auto(am_filter) struct am_filter *f = calloc(1, sizeof(*f));
	struct parser p = { .text = text, .at = text, .from = from, .filter = f, .err = err };
	int r;

	if (!f)
		return -ENOMEM;
	f->from_ns = INT64_MIN;
	f->until_ns = INT64_MAX;
	if (strlen(text) > AM_FILTER_LEN_MAX)
		return refuse(&p, text, NULL, "the filter is longer than %d bytes",
			      AM_FILTER_LEN_MAX);
	r = take_terms(&p);
	if (r)
		return r;
	*ret = AM_TAKE_PTR(f);
	return 0;
}
