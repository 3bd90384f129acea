// SPDX-License-Identifier: GPL-2.0
/* Facts about a task in the words of a person. */
#include <errno.h>
#include <inttypes.h>

#include "base/array.h"
#include "base/text.h"
#include "policy/space.h"

int am_who_say(const struct am_space *space, struct am_who *who, enum am_fact kind,
	       const char *text)
{
	struct am_who_fact fact = { am_space_value(space, kind, text), text };

	if (kind != AM_FACT_GROUP) {
		who->facts[kind] = fact;
		return 0;
	}
	if (who->n_groups == AM_COUNT(who->groups))
		return -ERANGE;
	who->groups[who->n_groups++] = fact;
	return 0;
}

unsigned am_who_count(const struct am_who *who)
{
	unsigned n = 0;

	for (enum am_fact kind = AM_FACT_EXE; kind < AM_FACT_PORT; kind++)
		n += who->facts[kind].value != NULL;
	for (unsigned i = 0; i < who->n_groups; i++)
		n += who->groups[i].value != NULL;
	return n;
}

/* ---- text ------------------------------------------------------------------- */

struct printer {
	const struct am_space *space;
	enum am_who_style style;
	FILE *out;
	const char *gap;
};

static bool is_mentioned(const struct am_space *space, enum am_fact kind)
{
	for (size_t i = 0; i < space->n_values; i++)
		if (space->values[i].kind == kind)
			return true;
	return false;
}

static void print_fact(struct printer *p, enum am_fact kind, const struct am_who_fact *fact)
{
	const struct am_space_value *v = fact ? fact->value : NULL;
	const char *text = fact && fact->said ? fact->said : v ? v->text : NULL;

	if (!v && !text && (p->style == AM_WHO_SHORT || !is_mentioned(p->space, kind)))
		return;
	fprintf(p->out, "%s%s=", p->gap, am_fact_word(kind));
	p->gap = " ";
	if (text)
		am_text_print(p->out, text);
	else if (v)
		fprintf(p->out, "%" PRIu64, v->number);
	else
		fputs("any other", p->out);
}

static void print_groups(struct printer *p, const struct am_who *who)
{
	if (!who->n_groups)
		print_fact(p, AM_FACT_GROUP, NULL);
	for (unsigned i = 0; i < who->n_groups; i++)
		print_fact(p, AM_FACT_GROUP, &who->groups[i]);
}

void am_who_print(const struct am_space *space, const struct am_who *who, enum am_who_style style,
		  FILE *out)
{
	/* Whom people think of first comes first. */
	static const enum am_fact order[] = {
		AM_FACT_USER, AM_FACT_EXE, AM_FACT_GROUP, AM_FACT_LOGIN, AM_FACT_CGROUP,
		AM_FACT_PURPOSE,
	};
	struct printer p = { space, style, out, "" };

	for (size_t i = 0; i < AM_COUNT(order); i++) {
		if (order[i] == AM_FACT_GROUP)
			print_groups(&p, who);
		else
			print_fact(&p, order[i], &who->facts[order[i]]);
	}
	if (style == AM_WHO_FULL && !*p.gap)
		fputs(who->unknown ? "anyone " : "anyone", out);
	if (who->unknown)
		fprintf(out, "%swith a fact that cannot be established", p.gap);
}
