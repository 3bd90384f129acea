// SPDX-License-Identifier: GPL-2.0
#include "policy/invariant.h"

#include <errno.h>

#include "base/array.h"
#include "policy/access.h"
#include "policy/reader.h"
#include "policy/rule.h"
#include "policy/set.h"

/* An invariant being tried: the first access of the first task that breaks it. */
struct trial {
	const struct am_space *space;
	const struct am_model *model;
	const struct am_model_invariant *inv;
	struct am_diags *diags;
	struct am_access access;
	struct am_who who;
	bool broken;
};

/* ---- who is meant ----------------------------------------------------------- */

static bool is_meant(const struct am_model *m, const struct am_model_invariant *inv, size_t subject)
{
	if (inv->who == AM_NEVER_THIRD_PARTY)
		return m->subjects[subject].third_party;
	return inv->who == AM_NEVER_SUBJECT && inv->subjects[0] == (int)subject;
}

/* Each way to be somebody who is meant, as a goal; `nth` counts from 0. */
static bool next_goal(const struct trial *t, size_t *nth, struct am_goal *ret)
{
	struct am_goal goal = { 0 };

	if (t->inv->who == AM_NEVER_ANYONE || t->inv->who == AM_NEVER_ANYONE_BUT) {
		for (size_t i = 0; i < t->inv->n_subjects; i++)
			am_set_add(&goal.is_not[0], t->inv->subjects[i]);
		*ret = goal;
		return !(*nth)++;
	}
	while (*nth < t->model->n_subjects && !is_meant(t->model, t->inv, *nth))
		++*nth;
	if (*nth == t->model->n_subjects)
		return false;
	am_set_add(&goal.is[0], (*nth)++);
	*ret = goal;
	return true;
}

/* ---- one access ------------------------------------------------------------- */

/* With an unknown fact on-error decides, and no rule: anybody who is meant will do. */
static bool find_unknown(const struct trial *t, const struct am_access *access,
			 const struct am_goal *goal, struct am_who *ret)
{
	struct am_lock lock;

	am_access_lock(t->space, 0, access, &lock);
	if (!lock.error_open || !am_space_find(t->space, goal, ret))
		return false;
	ret->unknown = true;
	return true;
}

static void try_access(struct trial *t, const struct am_access *access)
{
	struct am_goal goal;
	size_t nth = 0;

	while (!t->broken && next_goal(t, &nth, &goal)) {
		struct am_who who;

		t->broken = am_access_find(t->space, 0, access, &goal, &who) ||
			    find_unknown(t, access, &goal, &who);
		if (!t->broken)
			continue;
		t->who = who;
		t->access = *access;
	}
}

/* ---- all that an invariant speaks of ---------------------------------------- */

static void try_stores(struct trial *t)
{
	const struct am_model_invariant *inv = t->inv;
	size_t n = am_rule_count(inv->stores, inv->n_stores, t->model->n_stores);

	for (size_t i = 0; i < n; i++)
		for (unsigned op = AM_OP_READ; op <= AM_OP_WRITE; op++)
			if (inv->ops >> op & 1)
				try_access(t, &(struct am_access){
					.op = op, .store = am_rule_item(inv->stores, i) });
}

/* Data that carries the label: the stores that give it, and copies outside of them. */
static void try_readers(struct trial *t, unsigned label)
{
	for (size_t i = 0; i < t->model->n_stores; i++)
		if (t->space->stores[0][i]->labels >> t->space->labels[0][label] & 1)
			try_access(t, &(struct am_access){ .op = AM_OP_READ, .store = i });
	try_access(t, &(struct am_access){
		.op = AM_OP_READ, .store = -1, .labels = 1ULL << label });
}

static bool is_in(const struct am_place *place, const struct am_model_invariant *inv)
{
	for (size_t i = 0; i < inv->n_zones; i++)
		if (am_set_has(&place->in[0], inv->zones[i]))
			return true;
	return false;
}

static void try_senders(struct trial *t, unsigned label)
{
	for (size_t i = 0; i < t->space->n_places; i++)
		if (is_in(&t->space->places[i], t->inv))
			try_access(t, &(struct am_access){
				.op = AM_OP_SEND, .store = -1, .labels = 1ULL << label,
				.place = &t->space->places[i] });
}

static void try_users(struct trial *t)
{
	const struct am_model_invariant *inv = t->inv;
	size_t n = am_rule_count(inv->purposes, inv->n_purposes, t->model->n_purposes);

	for (size_t i = 0; i < n; i++)
		try_access(t, &(struct am_access){
			.op = AM_OP_USE, .store = -1,
			.purpose = am_rule_item(inv->purposes, i) });
}

static void try_all(struct trial *t)
{
	const struct am_model_invariant *inv = t->inv;
	size_t n = am_rule_count(inv->labels, inv->n_labels, t->model->n_labels);

	try_stores(t);
	try_users(t);
	for (size_t i = 0; i < n; i++) {
		if (inv->ops >> AM_OP_SEND & 1)
			try_senders(t, am_rule_item(inv->labels, i));
		else
			try_readers(t, am_rule_item(inv->labels, i));
	}
}

/* ---- what is said ----------------------------------------------------------- */

static void say_hint(const struct trial *t, FILE *out)
{
	const struct am_model_rule *rule = am_access_rule(t->space, 0, &t->access, &t->who,
							  false);
	char place[AM_PLACE_LEN];

	if (t->who.unknown)
		fputs("It is what on-error: allow means; write on-error: deny for the store, or "
		      "drop the invariant.", out);
	else if (rule)
		fprintf(out, "Rule %zu on %s lets them: %s.",
			(size_t)(rule - t->model->rules) + 1,
			am_reader_place(rule->pos, t->inv->pos, place, sizeof(place)), rule->text);
	else
		fputs("A terminal is open unless a rule denies it; deny it to them.", out);
}

static void say_fact(const struct trial *t, FILE *out)
{
	fputs("the invariant does not hold: ", out);
	am_who_print(t->space, &t->who, AM_WHO_FULL, out);
	fprintf(out, " may %s ", am_access_word(t->access.op));
	am_access_print_object(t->space, 0, &t->access, out);
}

static int print_to_text(void (*say)(const struct trial *t, FILE *out), const struct trial *t,
			 char **ret)
{
	size_t len;
	FILE *out = open_memstream(ret, &len);

	if (!out)
		return -errno;
	say(t, out);
	return fclose(out) ? -ENOMEM : 0;
}

static int report(const struct trial *t)
{
	am_autofree char *fact = NULL, *hint = NULL;
	int err = print_to_text(say_fact, t, &fact);

	if (!err)
		err = print_to_text(say_hint, t, &hint);
	if (!err)
		am_diags_add(t->diags, AM_SEVERITY_ERROR, t->inv->pos, hint, "%s", fact);
	return err;
}

/* ---- what an invariant does not come to ------------------------------------- */

static bool has_third_party(const struct am_model *m)
{
	for (size_t i = 0; i < m->n_subjects; i++)
		if (m->subjects[i].third_party)
			return true;
	return false;
}

/* A verdict is proved either way; in a store that only observes it stops nobody. */
static void warn_of_mode(const struct trial *t)
{
	const struct am_model_invariant *inv = t->inv;

	for (size_t i = 0; t->model->mode == AM_MODE_ENFORCE && i < t->model->n_stores; i++) {
		const struct am_model_store *s = &t->model->stores[i];

		if (s->mode == AM_MODE_OBSERVE &&
		    am_rule_speaks_of(inv->stores, inv->n_stores, i))
			am_diags_add(t->diags, AM_SEVERITY_WARNING, inv->pos,
				     "Set its mode to enforce to have it blocked.",
				     "what the invariant forbids is logged only: the store '%s' is "
				     "in observe mode", s->name);
	}
}

static int check(const struct am_space *space, const struct am_model_invariant *inv,
		 struct am_diags *diags)
{
	struct trial t = { .space = space, .model = space->models[0], .inv = inv, .diags = diags };

	if (inv->who == AM_NEVER_THIRD_PARTY && !has_third_party(t.model))
		am_diags_add(diags, AM_SEVERITY_WARNING, inv->pos,
			     "Give the subjects of other companies the key third-party.",
			     "the invariant is about nobody: no subject is a third party");
	warn_of_mode(&t);
	try_all(&t);
	return t.broken ? report(&t) : 0;
}

int am_invariants_check_in(const struct am_space *space, struct am_diags *diags)
{
	const struct am_model *m = space->models[0];
	size_t errors = diags->errors;

	for (size_t i = 0; i < m->n_invariants; i++) {
		int err = check(space, &m->invariants[i], diags);

		if (err)
			return err;
	}
	am_diags_sort(diags);
	return diags->errors != errors ? -EINVAL : 0;
}

int am_invariants_check(const struct am_model *model, struct am_diags *diags)
{
	am_auto(am_space) struct am_space *space = NULL;
	int err;

	if (!model->n_invariants)
		return 0;
	err = am_space_new(&model, 1, NULL, diags, &space);
	return err ? err : am_invariants_check_in(space, diags);
}
