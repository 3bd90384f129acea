// SPDX-License-Identifier: GPL-2.0
/* What is wrong, or likely not meant, only when the policy is seen as a whole. */
#include <errno.h>
#include <string.h>

#include "policy/path.h"
#include "policy/reach.h"
#include "policy/reader.h"
#include "policy/rule.h"
#include "policy/set.h"

/* ---- one path, one store ---------------------------------------------------- */

struct place {
	const struct am_model_path *path;
	const struct am_model_store *store;
};

static int by_path(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int order = am_path_compare(x->path->path, y->path->path);

	if (!order)	/* files are in the order of their names */
		order = strcmp(x->path->pos.file, y->path->pos.file);
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
		char where[AM_PLACE_LEN];

		if (strcmp(a->path->path, b->path->path))
			continue;
		am_reader_error(r, b->path->pos,
				"A path belongs to one store; remove it here or there.",
				"the path is already in the store '%s', %s", a->store->name,
				am_reader_place(a->path->pos, b->path->pos, where,
						sizeof(where)));
	}
	return 0;
}

/* ---- what is named ---------------------------------------------------------- */

struct named {
	struct am_set subjects, zones;
};

static void note_invariant(const struct am_model *m, const struct am_model_invariant *inv,
			   struct named *ret)
{
	for (size_t i = 0; i < inv->n_subjects; i++)
		am_set_add(&ret->subjects, inv->subjects[i]);
	for (size_t i = 0; inv->who == AM_NEVER_THIRD_PARTY && i < m->n_subjects; i++)
		if (m->subjects[i].third_party)
			am_set_add(&ret->subjects, i);
	for (size_t i = 0; i < inv->n_zones; i++)
		am_set_add(&ret->zones, inv->zones[i]);
}

/* By rules and invariants. */
static void note_names(const struct am_model *m, struct named *ret)
{
	for (size_t i = 0; i < m->n_invariants; i++)
		note_invariant(m, &m->invariants[i], ret);
	for (size_t i = 0; i < m->n_rules; i++) {
		const struct am_model_rule *rule = &m->rules[i];

		if (rule->subject != AM_RULE_ANYBODY)
			am_set_add(&ret->subjects, rule->subject);
		for (size_t j = 0; j < rule->n_zones; j++)
			am_set_add(&ret->zones, rule->zones[j]);	/* numbered alike */
	}
}

/* ---- warnings --------------------------------------------------------------- */

static void warn_of_stores(struct am_reader *r)
{
	const struct am_model *m = r->model;

	if (!m->n_stores)
		am_reader_warning(r, (struct am_pos){ .file = m->file },
				  "Declare under 'stores' what it is about.",
				  "the policy has no stores and protects nothing");
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

static bool has_condition(const struct am_model_subject *s)
{
	for (unsigned kind = AM_FACT_INVALID + 1; kind < AM_FACT_MAX_; kind++)
		if (am_subject_atom(s, kind))
			return true;
	return false;
}

static void warn_of_subjects(struct am_reader *r, const struct named *named)
{
	const struct am_model *m = r->model;

	for (size_t i = 0; i < m->n_subjects; i++) {
		const struct am_model_subject *s = &m->subjects[i];

		if (!has_condition(s))
			am_reader_warning(r, s->pos,
					  "Say who it is, by exe, user, unit and so on, "
					  "or write anyone in the rules.",
					  "the subject '%s' has no condition and is everybody",
					  s->name);
		else if (!am_set_has(&named->subjects, i))
			am_reader_warning(r, s->pos, "Name it in a rule, or remove it.",
					  "no rule names the subject '%s'", s->name);
	}
}

/* Who asks for a purpose is the program that asks, not the one that it will become. */
static const char *unmet_by_asking(const struct am_model_subject *s)
{
	const char *slash = s->exe ? strrchr(s->exe, '/') : NULL;

	if (s->script)
		return "script";
	return slash && strcmp(slash + 1, "amanat") ? "exe" : NULL;
}

static void warn_of_use(struct am_reader *r)
{
	const struct am_model *m = r->model;

	for (size_t i = 0; i < m->n_rules; i++) {
		const struct am_model_rule *rule = &m->rules[i];
		const struct am_model_subject *s;

		if (!am_rule_does(rule, AM_OP_USE) || rule->subject == AM_RULE_ANYBODY)
			continue;
		s = &m->subjects[rule->subject];
		if (unmet_by_asking(s))
			am_reader_warning(r, rule->pos,
					  "Name a subject by user, group, login or unit for those "
					  "who may take it on.",
					  "the subject '%s' needs its %s, and who asks for a purpose "
					  "is 'amanat run', so this holds only for programs that "
					  "ask by themselves", s->name, unmet_by_asking(s));
	}
}

static void warn_of_zones(struct am_reader *r, const struct named *named)
{
	const struct am_model *m = r->model;

	for (size_t i = 0; i < m->n_zones; i++)
		if (!am_set_has(&named->zones, AM_ZONE_FIRST_USER + i))
			am_reader_warning(r, m->zones[i].pos, "Name it in a rule, or remove it.",
					  "no rule names the zone '%s'", m->zones[i].name);
}

static int check_whole(struct am_reader *r)
{
	struct named named = { { { 0 } }, { { 0 } } };

	note_names(r->model, &named);
	warn_of_stores(r);
	warn_of_labels(r);
	warn_of_subjects(r, &named);
	warn_of_zones(r, &named);
	warn_of_use(r);
	return am_reach_check(r->model, r->diags);
}

int am_check_policy(struct am_reader *r)
{
	int err = check_paths(r);

	/* Of a policy that is wrong, what is missing says nothing. */
	return err || r->diags->errors ? err : check_whole(r);
}
