// SPDX-License-Identifier: GPL-2.0
/* What is wrong, or likely not meant, only when the policy is seen as a whole. */
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "decide.h"
#include "policy/path.h"
#include "policy/reader.h"
#include "policy/rule.h"

/* ---- one path, one store ---------------------------------------------------- */

struct place {
	const struct am_model_path *path;
	const struct am_model_store *store;
};

static int by_path(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int order = am_path_compare(x->path->path, y->path->path);

	if (order)
		return order;
	if (x->path->pos.line != y->path->pos.line)
		return x->path->pos.line < y->path->pos.line ? -1 : 1;
	return x->path->pos.column < y->path->pos.column ? -1 : 1;
}

static int list_places(const struct am_model *m, struct place **ret)
{
	struct place *places = calloc(m->n_paths ? m->n_paths : 1, sizeof(*places));
	size_t n = 0;

	if (!places)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_stores; i++)
		for (size_t j = 0; j < m->stores[i].n_paths; j++)
			places[n++] = (struct place){ &m->stores[i].paths[j], &m->stores[i] };
	qsort(places, n, sizeof(*places), by_path);
	*ret = places;
	return 0;
}

static int check_paths(struct am_reader *r)
{
	am_autofree struct place *places = NULL;
	int err;

	err = list_places(r->model, &places);
	if (err)
		return err;
	for (size_t i = 1; i < r->model->n_paths; i++) {
		const struct place *a = &places[i - 1], *b = &places[i];

		if (strcmp(a->path->path, b->path->path))
			continue;
		am_reader_error(r, b->path->pos,
				"A path belongs to one store; remove it here or there.",
				"the path is already in the store '%s', line %u", a->store->name,
				a->path->pos.line);
	}
	return 0;
}

/* ---- what the rules reach --------------------------------------------------- */

/* Which subjects are denied what, and what is named at all. A deny for anyone sets
 * every bit. */
struct reach {
	const struct am_model *model;
	struct am_set *denied_stores[AM_OP_SEND];	/* AM_OP_READ, AM_OP_WRITE: per store */
	struct am_set *denied_labels;			/* [label * AM_ZONES_MAX + zone] */
	bool *readable;					/* per store: some rule allows it */
	struct am_set subjects, zones;			/* that rules name */
};

static void done_reach(struct reach *r)
{
	free(r->denied_stores[AM_OP_READ]);
	free(r->denied_stores[AM_OP_WRITE]);
	free(r->denied_labels);
	free(r->readable);
}

static int init_reach(struct reach *r, const struct am_model *m)
{
	size_t n = m->n_stores + 1;

	r->model = m;
	r->denied_stores[AM_OP_READ] = calloc(n, sizeof(struct am_set));
	r->denied_stores[AM_OP_WRITE] = calloc(n, sizeof(struct am_set));
	r->denied_labels = calloc(AM_LABELS_MAX * AM_ZONES_MAX, sizeof(struct am_set));
	r->readable = calloc(n, sizeof(*r->readable));
	return r->denied_stores[AM_OP_READ] && r->denied_stores[AM_OP_WRITE] &&
	       r->denied_labels && r->readable ? 0 : -ENOMEM;
}

static void add_subject(struct am_set *set, int subject)
{
	if (subject == AM_RULE_ANYBODY)
		memset(set, 0xff, sizeof(*set));
	else
		set->w[subject / 64] |= 1ULL << (subject % 64);
}

static bool holds_subject(const struct am_set *set, int subject)
{
	static const struct am_set all = { { ~0ULL, ~0ULL, ~0ULL, ~0ULL } };

	return subject == AM_RULE_ANYBODY ? !memcmp(set, &all, sizeof(all))
					  : am_set_has(set, subject);
}

static size_t count_stores(const struct am_model *m, const struct am_model_rule *rule)
{
	return am_rule_count(rule->stores, rule->n_stores, m->n_stores);
}

static size_t count_labels(const struct am_model *m, const struct am_model_rule *rule)
{
	return am_rule_count(rule->labels, rule->n_labels, m->n_labels);
}

static void add_deny(struct reach *r, const struct am_model_rule *rule)
{
	for (size_t i = 0; i < count_stores(r->model, rule); i++)
		for (unsigned op = AM_OP_READ; op < AM_OP_SEND; op++)
			if (am_rule_does(rule, op))
				add_subject(&r->denied_stores[op][am_rule_item(rule->stores, i)],
					    rule->subject);
	for (size_t i = 0; i < count_labels(r->model, rule); i++)
		for (size_t j = 0; j < rule->n_zones; j++)
			add_subject(&r->denied_labels[am_rule_item(rule->labels, i) *
						      AM_ZONES_MAX + rule->zones[j]],
				    rule->subject);
}

static void add_rule(struct reach *r, const struct am_model_rule *rule)
{
	if (rule->subject != AM_RULE_ANYBODY)
		add_subject(&r->subjects, rule->subject);
	for (size_t i = 0; i < rule->n_zones; i++)
		add_subject(&r->zones, rule->zones[i]);	/* numbered alike */
	if (rule->deny)
		add_deny(r, rule);
	else if (am_rule_does(rule, AM_OP_READ))
		for (size_t i = 0; i < count_stores(r->model, rule); i++)
			r->readable[am_rule_item(rule->stores, i)] = true;
}

/* Whether deny rules refuse everything that an allow rule allows. */
static bool is_dead(const struct reach *r, const struct am_model_rule *rule)
{
	for (size_t i = 0; i < count_stores(r->model, rule); i++)
		for (unsigned op = AM_OP_READ; op < AM_OP_SEND; op++)
			if (am_rule_does(rule, op) &&
			    !holds_subject(&r->denied_stores[op][am_rule_item(rule->stores, i)],
					   rule->subject))
				return false;
	for (size_t i = 0; i < count_labels(r->model, rule); i++) {
		const struct am_set *denied =
			&r->denied_labels[am_rule_item(rule->labels, i) * AM_ZONES_MAX];

		for (size_t j = 0; j < rule->n_zones; j++)
			if (!holds_subject(&denied[rule->zones[j]], rule->subject) &&
			    !holds_subject(&denied[AM_ZONE_ANYWHERE], rule->subject))
				return false;
	}
	return true;
}

/* ---- warnings --------------------------------------------------------------- */

static void warn_of_stores(struct am_reader *r, const struct reach *reach)
{
	const struct am_model *m = r->model;

	if (!m->n_stores)
		am_reader_warning(r, (struct am_pos){ .file = m->file },
				  "Declare under 'stores' what it is about.",
				  "the policy has no stores and protects nothing");
	for (size_t i = 0; i < m->n_stores; i++) {
		const struct am_model_store *s = &m->stores[i];

		if (!reach->readable[i])
			am_reader_warning(r, s->pos,
					  "Unless that is meant, add a rule: "
					  "allow SUBJECT to read this store.",
					  "nobody may read the store '%s'", s->name);
		if (s->strict)
			am_reader_warning(r, s->pos,
					  "What cannot be recorded is counted as lost, and not "
					  "denied.",
					  "strict has no effect yet on the store '%s'", s->name);
	}
}

static void warn_of_labels(struct am_reader *r)
{
	const struct am_model *m = r->model;
	bool used[AM_LABELS_MAX] = { false };

	for (size_t i = 0; i < m->n_stores; i++)
		for (size_t j = 0; j < m->stores[i].n_labels; j++)
			used[m->stores[i].labels[j]] = true;
	for (size_t i = 0; i < m->n_labels; i++)
		if (!used[i])
			am_reader_warning(r, m->labels[i].pos, "Give it to a store, or remove it.",
					  "no store has the label '%s'", m->labels[i].name);
}

static void warn_of_subjects(struct am_reader *r, const struct reach *reach)
{
	const struct am_model *m = r->model;

	for (size_t i = 0; i < m->n_subjects; i++) {
		const struct am_model_subject *s = &m->subjects[i];

		if (!s->exe && !s->user && !s->group)
			am_reader_warning(r, s->pos,
					  "Say who it is by exe, user or group, "
					  "or write anyone in the rules.",
					  "the subject '%s' has no condition and is everybody",
					  s->name);
		else if (!am_set_has(&reach->subjects, i))
			am_reader_warning(r, s->pos, "Name it in a rule, or remove it.",
					  "no rule names the subject '%s'", s->name);
	}
}

static void warn_of_zones(struct am_reader *r, const struct reach *reach)
{
	const struct am_model *m = r->model;

	for (size_t i = 0; i < m->n_zones; i++)
		if (!am_set_has(&reach->zones, AM_ZONE_FIRST_USER + i))
			am_reader_warning(r, m->zones[i].pos, "Name it in a rule, or remove it.",
					  "no rule names the zone '%s'", m->zones[i].name);
}

static void warn_of_rules(struct am_reader *r, const struct reach *reach)
{
	const struct am_model *m = r->model;

	for (size_t i = 0; i < m->n_rules; i++)
		if (!m->rules[i].deny && is_dead(reach, &m->rules[i]))
			am_reader_warning(r, m->rules[i].pos,
					  "Deny wins over allow; remove this rule or narrow the "
					  "deny.",
					  "rule %zu allows only what other rules deny", i + 1);
}

static int check_reach(struct am_reader *r)
{
	__attribute__((cleanup(done_reach))) struct reach reach = { 0 };
	int err;

	err = init_reach(&reach, r->model);
	if (err)
		return err;
	for (size_t i = 0; i < r->model->n_rules; i++)
		add_rule(&reach, &r->model->rules[i]);
	warn_of_stores(r, &reach);
	warn_of_labels(r);
	warn_of_subjects(r, &reach);
	warn_of_zones(r, &reach);
	warn_of_rules(r, &reach);
	return 0;
}

int am_check_policy(struct am_reader *r)
{
	int err = check_paths(r);

	/* Of a policy that is wrong, what is missing says nothing. */
	return err || r->diags->errors ? err : check_reach(r);
}
