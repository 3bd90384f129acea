// SPDX-License-Identifier: GPL-2.0
/* Answers in the words of a person. */
#include "base/text.h"
#include "policy/ask.h"
#include "policy/set.h"

static const struct am_model *model_of(const struct am_space *space)
{
	return space->models[0];
}

static const char *subject_name(const struct am_space *space, const struct am_model_rule *rule)
{
	return rule->subject == AM_RULE_ANYBODY ? "anyone"
						: model_of(space)->subjects[rule->subject].name;
}

static size_t rule_number(const struct am_space *space, const struct am_model_rule *rule)
{
	return rule - model_of(space)->rules + 1;
}

static void print_atoms(const struct am_space *space, const struct am_model_rule *rule, FILE *out)
{
	const struct am_model_subject *s;
	const char *gap = "";

	if (rule->subject == AM_RULE_ANYBODY) {
		fputs("it is about anyone", out);
		return;
	}
	s = &model_of(space)->subjects[rule->subject];
	for (enum am_fact kind = AM_FACT_EXE; kind < AM_FACT_PORT; kind++) {
		const char *atom = am_subject_atom(s, kind);

		if (!atom)
			continue;
		fprintf(out, "%s%s=%s", gap, s->unit && kind == AM_FACT_CGROUP ? "unit" :
			am_fact_word(kind), atom);
		gap = " ";
	}
	fprintf(out, *gap ? " is %s" : "everybody is %s", s->name);
}

static void print_purposes(const struct am_space *space, const struct am_ask *ask, FILE *out)
{
	const struct am_model_store *s = &model_of(space)->stores[ask->access.store];
	const struct am_who_fact *mine = &ask->who.facts[AM_FACT_PURPOSE];

	fprintf(out, "%s is open for ", s->name);
	for (size_t i = 0; i < s->n_purposes; i++)
		fprintf(out, "%s%s", i ? ", " : "", model_of(space)->purposes[s->purposes[i]].name);
	fputs(" only, and the purpose is ", out);
	am_text_print(out, mine->said ? mine->said : mine->value ? mine->value->text : "none");
}

static void print_zones(const struct am_space *space, const struct am_place *place, FILE *out)
{
	const char *comma = "";

	AM_SET_EACH(zone, &place->in[0]) {
		if (zone == AM_ZONE_ANYWHERE && am_set_count(&place->in[0]) > 1)
			continue;
		fprintf(out, "%s%s", comma, am_model_zone_name(model_of(space), zone));
		comma = ", ";
	}
}

void am_answer_print_fact(const struct am_space *space, const struct am_ask *ask,
			  const struct am_answer *answer, FILE *out)
{
	const struct am_access *part = &answer->part;
	char place[AM_PLACE_TEXT];

	if (answer->decision.reason == AM_REASON_PURPOSE) {
		print_purposes(space, ask, out);
		return;
	}
	if (answer->rule) {
		print_atoms(space, answer->rule, out);
	} else {
		am_who_print(space, &ask->who, AM_WHO_FULL, out);
		fprintf(out, " is nobody whom a rule lets %s ", am_access_word(part->op));
		am_access_print_object(space, 0, part, out);
	}
	if (part->op != AM_OP_SEND)
		return;
	am_place_format(part->place, place);
	fprintf(out, "; %s lies in ", place);
	print_zones(space, part->place, out);
}

/* The changes one after the other. */
struct changes {
	FILE *out;
	const char *comma;
};

static void print_change(struct changes *c, const char *not, const char *word, const char *text)
{
	fprintf(c->out, "%s%s%s=", c->comma, not, word);
	am_text_print(c->out, text);
	c->comma = ", ";
}

static bool has_value(const struct am_who_fact *facts, unsigned n, const struct am_space_value *v)
{
	for (unsigned i = 0; i < n; i++)
		if (facts[i].value == v)
			return true;
	return !v;
}

/* What the one has and the other has not. */
static void print_missing(struct changes *c, const char *not, enum am_fact kind,
			  const struct am_who_fact *facts, unsigned n,
			  const struct am_who_fact *others, unsigned n_others)
{
	for (unsigned i = 0; i < n; i++) {
		const struct am_space_value *v = facts[i].value;

		if (!has_value(others, n_others, v))
			print_change(c, not, v->is_unit ? "unit" : am_fact_word(kind), v->text);
	}
}

static void print_who_changes(struct changes *c, const struct am_who *from,
			      const struct am_who *to)
{
	for (enum am_fact kind = AM_FACT_EXE; kind < AM_FACT_PORT; kind++) {
		const struct am_space_value *v = to->facts[kind].value;

		if (v != from->facts[kind].value)
			print_change(c, "", am_fact_word(kind), v ? v->text : "any other");
	}
	print_missing(c, "", AM_FACT_GROUP, to->groups, to->n_groups, from->groups,
		      from->n_groups);
	print_missing(c, "not ", AM_FACT_GROUP, from->groups, from->n_groups, to->groups,
		      to->n_groups);
	print_missing(c, "", AM_FACT_CGROUP, to->cgroups, to->n_cgroups, from->cgroups,
		      from->n_cgroups);
	print_missing(c, "not ", AM_FACT_CGROUP, from->cgroups, from->n_cgroups, to->cgroups,
		      to->n_cgroups);
}

void am_answer_print_changes(const struct am_space *space, const struct am_ask *ask,
			     const struct am_near *near, FILE *out)
{
	struct changes c = { .out = out, .comma = "" };
	char place[AM_PLACE_TEXT];

	print_who_changes(&c, &ask->who, &near->who);
	if (ask->who.unknown) {
		fprintf(out, "%severy fact to be established", c.comma);
		c.comma = ", ";
	}
	if (!near->place)
		return;
	am_place_format(near->place, place);
	fprintf(out, "%sa destination in ", c.comma);
	print_zones(space, near->place, out);
	fprintf(out, ", such as %s", place);
}

static void print_refusal(const struct am_space *space, const struct am_ask *ask,
			  const struct am_answer *answer, FILE *out)
{
	const struct am_access *part = &answer->part;
	const struct am_near *near = &answer->near;

	fputs("no rule lets ", out);
	am_who_print(space, &ask->who, AM_WHO_FULL, out);
	fprintf(out, " %s ", am_access_word(part->op));
	am_access_print_object(space, 0, part, out);
	if (!near->rule)
		return;
	fprintf(out, "; rule %zu lets %s, which needs ", rule_number(space, near->rule),
		subject_name(space, near->rule));
	am_answer_print_changes(space, ask, near, out);
}

static void print_rule(const struct am_space *space, const struct am_ask *ask,
		       const struct am_answer *answer, FILE *out)
{
	bool allowed = answer->decision.verdict == AM_VERDICT_ALLOW;

	if (!answer->rule) {
		fputs(ask->access.op == AM_OP_SEND ?
		      "a terminal is open, and no rule denies it" :
		      "what is written to takes over the labels", out);
		return;
	}
	fprintf(out, "rule %zu: %s is %s", rule_number(space, answer->rule),
		subject_name(space, answer->rule), allowed ? "allowed" : "denied");
	if (answer->label >= 0)
		fprintf(out, " for %s%s", model_of(space)->labels[answer->label].name,
			allowed && ask->access.labels & (ask->access.labels - 1) ?
			", and every other label by some rule" : "");
}

void am_answer_print(const struct am_space *space, const struct am_ask *ask,
		     const struct am_answer *answer, FILE *out)
{
	bool allowed = answer->decision.verdict == AM_VERDICT_ALLOW;

	switch (answer->decision.reason) {
	case AM_REASON_RULE_ALLOWS:
	case AM_REASON_RULE_DENIES:
	case AM_REASON_LABEL_DENIES:
		print_rule(space, ask, answer, out);
		break;
	case AM_REASON_NO_RULE:
	case AM_REASON_LABEL_NO_RULE:
		print_refusal(space, ask, answer, out);
		break;
	case AM_REASON_PURPOSE:
		print_purposes(space, ask, out);
		break;
	case AM_REASON_SPILL:
		fprintf(out, "%s may not be written outside the stores that have it (spill: deny)",
			answer->label < 0 ? "what it carries"
					  : model_of(space)->labels[answer->label].name);
		break;
	case AM_REASON_UNKNOWN_FACT:
		fprintf(out, "who asks could not be established, and on-error is %s",
			allowed ? "allow" : "deny");
		break;
	default:
		fputs("nothing that the policy protects", out);
	}
}
