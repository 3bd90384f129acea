// SPDX-License-Identifier: GPL-2.0
/* Facts about a task in the words of a person. */
#include <errno.h>

#include "base/array.h"
#include "base/text.h"
#include "policy/value.h"

/* All that are around it; a cgroup that no subject mentions may lie in one that some does. */
static int say_cgroup(const struct am_space *space, struct am_who *who, const char *text)
{
	unsigned before = who->n_cgroups;

	for (size_t i = 0; i < space->n_values; i++) {
		if (!am_cgroup_holds(&space->values[i], text))
			continue;
		if (who->n_cgroups == AM_COUNT(who->cgroups))
			return -ERANGE;
		who->cgroups[who->n_cgroups++].value = &space->values[i];
	}
	if (who->n_cgroups == before && before < AM_COUNT(who->cgroups))
		who->cgroups[who->n_cgroups++].said = text;
	return 0;
}

int am_who_say(const struct am_space *space, struct am_who *who, enum am_fact kind,
	       const char *text)
{
	struct am_who_fact fact = { am_space_value(space, kind, text, NULL), text };

	if (kind == AM_FACT_CGROUP)
		return say_cgroup(space, who, text);
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
	for (unsigned i = 0; i < who->n_cgroups; i++)
		n += who->cgroups[i].value != NULL;
	return n;
}

static bool has_fact(const struct am_who_fact *facts, unsigned n, const struct am_space_value *v)
{
	for (unsigned i = 0; i < n; i++)
		if (facts[i].value == v)
			return true;
	return !v;
}

bool am_who_contains(const struct am_who *who, const struct am_who *part)
{
	for (unsigned kind = 0; kind < AM_FACT_MAX_; kind++)
		if (!has_fact(&who->facts[kind], 1, part->facts[kind].value))
			return false;
	for (unsigned i = 0; i < part->n_groups; i++)
		if (!has_fact(who->groups, who->n_groups, part->groups[i].value))
			return false;
	for (unsigned i = 0; i < part->n_cgroups; i++)
		if (!has_fact(who->cgroups, who->n_cgroups, part->cgroups[i].value))
			return false;
	return true;
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

/* Of two kinds people expect to be told; of others, what is not told is any. */
static bool says_other(const struct printer *p, enum am_fact kind)
{
	return p->style == AM_WHO_FULL && (kind == AM_FACT_USER || kind == AM_FACT_EXE) &&
	       is_mentioned(p->space, kind);
}

static const char *word_of(enum am_fact kind, const struct am_space_value *v, const char *text)
{
	if (kind == AM_FACT_CGROUP && (v ? v->is_unit : text && text[0] != '/'))
		return "unit";
	return am_fact_word(kind);
}

static void print_fact(struct printer *p, enum am_fact kind, const struct am_who_fact *fact)
{
	const struct am_space_value *v = fact ? fact->value : NULL;
	const char *text = fact && fact->said ? fact->said : v ? v->text : NULL;

	if (!v && !text && !says_other(p, kind))
		return;
	fprintf(p->out, "%s%s=", p->gap, word_of(kind, v, text));
	p->gap = " ";
	if (text)
		am_text_print(p->out, text);
	else
		fputs("any other", p->out);
	if (v && v->sha256)	/* as much of it as people compare */
		fprintf(p->out, " sha256=%02x%02x%02x%02x...", v->sha256[0], v->sha256[1],
			v->sha256[2], v->sha256[3]);
}

static void print_several(struct printer *p, enum am_fact kind, const struct am_who_fact *facts,
			  unsigned n)
{
	if (!n)
		print_fact(p, kind, NULL);
	for (unsigned i = 0; i < n; i++)
		print_fact(p, kind, &facts[i]);
}

void am_who_print(const struct am_space *space, const struct am_who *who, enum am_who_style style,
		  FILE *out)
{
	/* Whom people think of first comes first. */
	static const enum am_fact order[] = {
		AM_FACT_USER, AM_FACT_EXE, AM_FACT_SCRIPT, AM_FACT_GROUP, AM_FACT_LOGIN,
		AM_FACT_CGROUP, AM_FACT_PURPOSE,
	};
	struct printer p = { space, style, out, "" };

	for (size_t i = 0; i < AM_COUNT(order); i++) {
		if (order[i] == AM_FACT_GROUP)
			print_several(&p, order[i], who->groups, who->n_groups);
		else if (order[i] == AM_FACT_CGROUP)
			print_several(&p, order[i], who->cgroups, who->n_cgroups);
		else
			print_fact(&p, order[i], &who->facts[order[i]]);
	}
	if (style == AM_WHO_FULL && !*p.gap)
		fputs(who->unknown ? "anyone " : "anyone", out);
	if (who->unknown)
		fprintf(out, "%swith a fact that cannot be established", p.gap);
}
