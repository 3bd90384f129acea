// SPDX-License-Identifier: GPL-2.0
/* Rules are taken away one by one, from the last to the first. One whose absence changes
 * no verdict of any task is idle and stays away, so that of two equal rules the later one
 * is reported, and the rules that are left all matter. */
#include "policy/reach.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "policy/access.h"
#include "policy/rule.h"
#include "policy/set.h"

/* What one grant is about: an operation to a store, a label and a zone, or a purpose. How
 * many of the rules that are still there put each subject into it. */
struct cell {
	struct am_grant grant;
	uint64_t purposes;	/* under which the store is open; 0: whatever */
	uint16_t (*counts)[AM_SUBJECTS_MAX];	/* [0] allow, [1] deny; NULL: no rule yet */
};

struct reach {
	const struct am_model *model;
	struct am_diags *diags;
	struct am_space *space;		/* owned */
	struct cell *stores;		/* owned: [store * 2 + (op - AM_OP_READ)] */
	struct cell *sends;		/* owned: [label * AM_ZONES_MAX + zone] */
	struct cell *uses;		/* owned: [purpose] */
	struct am_points points[AM_SUBJECTS_MAX];	/* of those that rules are about */
};

static size_t count_sends(const struct am_model *m)
{
	return m->n_labels * AM_ZONES_MAX;
}

static void done_reach(struct reach *r)
{
	for (size_t i = 0; r->stores && i < r->model->n_stores * 2; i++)
		free(r->stores[i].counts);
	for (size_t i = 0; r->sends && i < count_sends(r->model); i++)
		free(r->sends[i].counts);
	for (size_t i = 0; r->uses && i < r->model->n_purposes; i++)
		free(r->uses[i].counts);
	for (size_t i = 0; i < AM_SUBJECTS_MAX; i++)
		free(r->points[i].bits);
	free(r->stores);
	free(r->sends);
	free(r->uses);
	am_space_free(r->space);
}

/* ---- what a rule is about --------------------------------------------------- */

static struct cell *store_cell(struct reach *r, unsigned store, unsigned op)
{
	return &r->stores[store * 2 + (op - AM_OP_READ)];
}

static struct cell *send_cell(struct reach *r, unsigned label, unsigned zone)
{
	return &r->sends[label * AM_ZONES_MAX + zone];
}

/* The cells of a rule one after the other. */
struct walk {
	struct reach *reach;
	const struct am_model_rule *rule;
	size_t at;
};

static struct cell *next_cell(struct walk *w)
{
	const struct am_model_rule *rule = w->rule;
	const struct am_model *m = w->reach->model;
	size_t n_stores = am_rule_count(rule->stores, rule->n_stores, m->n_stores);
	size_t n_labels = am_rule_count(rule->labels, rule->n_labels, m->n_labels);

	for (; w->at < n_stores * 2; w->at++)
		if (am_rule_does(rule, AM_OP_READ + w->at % 2)) {
			unsigned store = am_rule_item(rule->stores, w->at / 2);

			return store_cell(w->reach, store, AM_OP_READ + w->at++ % 2);
		}
	if (w->at < n_labels * rule->n_zones) {
		unsigned label = am_rule_item(rule->labels, w->at / rule->n_zones);

		return send_cell(w->reach, label, rule->zones[w->at++ % rule->n_zones]);
	}
	if (w->at < am_rule_count(rule->purposes, rule->n_purposes, m->n_purposes))
		return &w->reach->uses[am_rule_item(rule->purposes, w->at++)];
	return NULL;
}

static void take_out(struct cell *c, const struct am_model_rule *rule)
{
	unsigned subject = am_rule_subject(rule);

	if (!--c->counts[rule->deny][subject])
		am_set_drop(rule->deny ? &c->grant.deny : &c->grant.allow, subject);
}

static int put_in(struct cell *c, const struct am_model_rule *rule)
{
	unsigned subject = am_rule_subject(rule);

	if (!c->counts)
		c->counts = calloc(2, sizeof(*c->counts));
	if (!c->counts)
		return -ENOMEM;
	c->counts[rule->deny][subject]++;
	am_set_add(rule->deny ? &c->grant.deny : &c->grant.allow, subject);
	return 0;
}

static int put_rule(struct reach *r, const struct am_model_rule *rule)
{
	struct walk w = { r, rule, 0 };
	struct cell *c;

	while ((c = next_cell(&w)))
		if (put_in(c, rule))
			return -ENOMEM;
	return 0;
}

static void take_rule(struct reach *r, const struct am_model_rule *rule)
{
	struct walk w = { r, rule, 0 };
	struct cell *c;

	while ((c = next_cell(&w)))
		take_out(c, rule);
}

/* ---- whether it matters ----------------------------------------------------- */

/* Whether a task that is the subject can be none of `others`, under one of the purposes. */
static bool can_avoid(const struct reach *r, unsigned subject, const struct am_set *others,
		      uint64_t purposes)
{
	struct am_goal goal = { .is_not = { *others }, .purposes = { purposes } };
	const struct am_points *points = &r->points[subject];
	struct am_who who;

	/* Asked of every rule and store: what does not depend on it has been looked up. */
	for (size_t i = 0; !purposes && i < points->count; i++)
		if (!am_set_meets(&points->bits[i], others))
			return true;
	am_set_add(&goal.is[0], subject);
	return purposes && am_space_find(r->space, &goal, &who);
}

/* An allow matters to a task that no other allow lets in and no deny keeps out; a deny to
 * one that no other deny keeps out, whatever its purpose, since denies come first. */
static bool matters_to(const struct reach *r, const struct am_model_rule *rule,
		       const struct am_grant *rest, uint64_t purposes)
{
	struct am_set others = rest->deny;

	if (!rule->deny)
		am_set_join(&others, &rest->allow);
	return can_avoid(r, am_rule_subject(rule), &others, rule->deny ? 0 : purposes);
}

static struct am_grant grant_at(struct reach *r, unsigned label, const struct am_place *place)
{
	struct am_grant all = { { { 0 } }, { { 0 } } };

	AM_SET_EACH(zone, &place->in[0]) {
		const struct am_grant *g = &send_cell(r, label, zone)->grant;

		am_set_join(&all.allow, &g->allow);
		am_set_join(&all.deny, &g->deny);
	}
	return all;
}

static bool is_about(const struct am_model_rule *rule, const struct am_place *place)
{
	for (size_t i = 0; i < rule->n_zones; i++)
		if (am_set_has(&place->in[0], rule->zones[i]))
			return true;
	return false;
}

/* Of the destinations in its zones, one where it makes a difference. */
static bool matters_to_sends(struct reach *r, const struct am_model_rule *rule)
{
	size_t n = am_rule_count(rule->labels, rule->n_labels, r->model->n_labels);

	for (size_t i = 0; i < r->space->n_places; i++) {
		const struct am_place *place = &r->space->places[i];

		if (!is_about(rule, place))
			continue;
		for (size_t j = 0; j < n; j++) {
			struct am_grant rest = grant_at(r, am_rule_item(rule->labels, j), place);

			/* Terminals are open without a rule. */
			if (!rule->deny && place->kind == AM_PLACE_TERMINAL)
				continue;
			if (matters_to(r, rule, &rest, 0))
				return true;
		}
	}
	return false;
}

/* For a rule that has been taken out. Copies go with their stores: who is let read or kept
 * from a copy by the rule alone is so with the store. */
static bool matters(struct reach *r, const struct am_model_rule *rule)
{
	struct walk w = { r, rule, 0 };
	struct cell *c;

	if (am_rule_does(rule, AM_OP_SEND))
		return matters_to_sends(r, rule);
	while ((c = next_cell(&w)))
		if (matters_to(r, rule, &c->grant, c->purposes))
			return true;
	return false;
}

/* Whether denies, or the purposes of the stores, keep out everybody whom the rule lets in;
 * it need not be there. */
static bool is_denied(struct reach *r, const struct am_model_rule *rule)
{
	struct walk w = { r, rule, 0 };
	struct cell *c;

	if (!am_rule_does(rule, AM_OP_SEND)) {
		while ((c = next_cell(&w)))
			if (can_avoid(r, am_rule_subject(rule), &c->grant.deny, c->purposes))
				return false;
		return true;
	}
	for (size_t i = 0; i < r->space->n_places; i++) {
		size_t n = am_rule_count(rule->labels, rule->n_labels, r->model->n_labels);

		for (size_t j = 0; is_about(rule, &r->space->places[i]) && j < n; j++) {
			struct am_grant all = grant_at(r, am_rule_item(rule->labels, j),
						       &r->space->places[i]);

			if (can_avoid(r, am_rule_subject(rule), &all.deny, 0))
				return false;
		}
	}
	return true;
}

/* ---- setting out ------------------------------------------------------------ */

static int set_out(struct reach *r)
{
	const struct am_model *m = r->model;
	int err;

	r->stores = calloc(m->n_stores * 2 + 1, sizeof(*r->stores));
	r->sends = calloc(count_sends(m) + 1, sizeof(*r->sends));
	r->uses = calloc(m->n_purposes + 1, sizeof(*r->uses));
	if (!r->stores || !r->sends || !r->uses)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_stores * 2; i++)
		r->stores[i].purposes = r->space->stores[0][i / 2]->purposes;
	for (size_t i = 0; i < m->n_rules; i++) {
		unsigned subject = am_rule_subject(&m->rules[i]);

		err = put_rule(r, &m->rules[i]);
		if (!err && !r->points[subject].bits)
			err = am_space_points(r->space, subject, &r->points[subject]);
		if (err)
			return err;
	}
	return 0;
}

/* ---- what is said ----------------------------------------------------------- */

static bool is_subset(const int *list, size_t n, const int *of, size_t n_of)
{
	for (size_t i = 0; i < n; i++)
		if (!am_rule_speaks_of(of, n_of, list[i]) &&
		    !(list[i] == AM_RULE_EVERYTHING && n_of && of[0] == AM_RULE_EVERYTHING))
			return false;
	return true;
}

static bool is_same_list(const int *a, size_t n_a, const int *b, size_t n_b)
{
	return is_subset(a, n_a, b, n_b) && is_subset(b, n_b, a, n_a);
}

static bool has_same_scope(const struct am_model_rule *a, const struct am_model_rule *b)
{
	return a->subject == b->subject && a->ops == b->ops &&
	       is_same_list(a->stores, a->n_stores, b->stores, b->n_stores) &&
	       is_same_list(a->labels, a->n_labels, b->labels, b->n_labels) &&
	       is_same_list(a->purposes, a->n_purposes, b->purposes, b->n_purposes) &&
	       is_same_list(a->zones, a->n_zones, b->zones, b->n_zones);
}

/* The first other rule that says the same, or with `deny` the opposite; 0 if none, else
 * its number. */
static size_t find_alike(const struct am_model *m, const struct am_model_rule *rule, bool deny)
{
	for (size_t i = 0; i < m->n_rules; i++)
		if (&m->rules[i] != rule && m->rules[i].deny == deny &&
		    has_same_scope(&m->rules[i], rule))
			return i + 1;
	return 0;
}

static bool is_terminal_only(const struct am_model_rule *rule)
{
	return rule->n_zones == 1 && rule->zones[0] == AM_ZONE_TERMINAL;
}

/* Whether no deny is needed for it: the stores are open for other purposes only. */
static bool is_purposeless(struct reach *r, const struct am_model_rule *rule)
{
	static const struct am_set nobody;
	struct walk w = { r, rule, 0 };
	struct cell *c;

	if (!rule->n_stores)
		return false;
	while ((c = next_cell(&w)))
		if (can_avoid(r, am_rule_subject(rule), &nobody, c->purposes))
			return false;
	return true;
}

static void warn_of_allow(struct reach *r, const struct am_model_rule *rule, size_t number)
{
	size_t opposite = find_alike(r->model, rule, true);
	size_t same = find_alike(r->model, rule, false);

	if (is_purposeless(r, rule))
		am_diags_add(r->diags, AM_SEVERITY_WARNING, rule->pos,
			     "Add the subject's purpose to those of the store, or remove the rule.",
			     "rule %zu allows nothing: its stores are open for other purposes only",
			     number);
	else if (opposite)
		am_diags_add(r->diags, AM_SEVERITY_WARNING, rule->pos,
			     "Deny wins over allow; remove one of the two.",
			     "rule %zu allows only what rule %zu denies", number, opposite);
	else if (is_denied(r, rule))
		am_diags_add(r->diags, AM_SEVERITY_WARNING, rule->pos,
			     "Deny wins over allow; remove this rule or narrow the deny.",
			     "rule %zu allows only what other rules deny", number);
	else if (same)
		am_diags_add(r->diags, AM_SEVERITY_WARNING, rule->pos, "Keep one of the two.",
			     "rule %zu says what rule %zu says", number, same);
	else if (is_terminal_only(rule))
		am_diags_add(r->diags, AM_SEVERITY_WARNING, rule->pos,
			     "Remove it, or deny those who must not.",
			     "rule %zu has no effect: a terminal is open unless a rule denies it",
			     number);
	else
		am_diags_add(r->diags, AM_SEVERITY_WARNING, rule->pos,
			     "Remove it, unless the others are to go.",
			     "rule %zu has no effect: other rules allow or deny all of it", number);
}

static void warn_of_deny(struct reach *r, const struct am_model_rule *rule, size_t number)
{
	size_t same = find_alike(r->model, rule, true);

	if (same)
		am_diags_add(r->diags, AM_SEVERITY_WARNING, rule->pos, "Keep one of the two.",
			     "rule %zu says what rule %zu says", number, same);
	else
		am_diags_add(r->diags, AM_SEVERITY_WARNING, rule->pos,
			     "Remove it, unless the others are to go.",
			     "rule %zu has no effect: other rules deny all of it", number);
}

static int check_rules(struct reach *r)
{
	for (size_t i = r->model->n_rules; i > 0; i--) {
		const struct am_model_rule *rule = &r->model->rules[i - 1];
		int err;

		take_rule(r, rule);
		if (matters(r, rule)) {
			err = put_rule(r, rule);
			if (err)
				return err;
		} else if (rule->deny) {
			warn_of_deny(r, rule, i);
		} else {
			warn_of_allow(r, rule, i);
		}
	}
	return 0;
}

static bool is_open(const struct reach *r, const struct cell *c)
{
	AM_SET_EACH(subject, &c->grant.allow)
		if (can_avoid(r, subject, &c->grant.deny, c->purposes))
			return true;
	return false;
}

static void check_stores(struct reach *r)
{
	for (size_t i = 0; i < r->model->n_stores; i++)
		if (!is_open(r, store_cell(r, i, AM_OP_READ)))
			am_diags_add(r->diags, AM_SEVERITY_WARNING, r->model->stores[i].pos,
				     "Unless that is meant, add a rule: allow SUBJECT to read this "
				     "store.",
				     "nobody may read the store '%s'", r->model->stores[i].name);
}

static bool is_asked_for(const struct am_model *m, unsigned purpose)
{
	for (size_t i = 0; i < m->n_subjects; i++)
		if (m->subjects[i].purpose &&
		    !strcmp(m->subjects[i].purpose, m->purposes[purpose].name))
			return true;
	for (size_t i = 0; i < m->n_stores; i++)
		for (size_t j = 0; j < m->stores[i].n_purposes; j++)
			if (m->stores[i].purposes[j] == purpose)
				return true;
	return false;
}

static void check_purposes(struct reach *r)
{
	for (size_t i = 0; i < r->model->n_purposes; i++) {
		const struct am_model_purpose *p = &r->model->purposes[i];

		if (!is_asked_for(r->model, i))
			am_diags_add(r->diags, AM_SEVERITY_WARNING, p->pos,
				     "Give it to a store or a subject, or remove it.",
				     "nothing asks for the purpose '%s'", p->name);
		else if (!is_open(r, &r->uses[i]))
			am_diags_add(r->diags, AM_SEVERITY_WARNING, p->pos,
				     "Add a rule: allow SUBJECT to use this purpose.",
				     "nobody may take on the purpose '%s'", p->name);
	}
}

/* What does not compile is refused elsewhere, with reasons. */
static int make_space(const struct am_model *model, struct am_space **ret)
{
	struct am_diags refused;
	int err;

	am_diags_init(&refused);
	err = am_space_new(&model, 1, NULL, &refused, ret);
	am_diags_done(&refused);
	return err == -EINVAL ? 0 : err;
}

int am_reach_check(const struct am_model *model, struct am_diags *diags)
{
	__attribute__((cleanup(done_reach))) struct reach r = { .model = model, .diags = diags };
	int err;

	err = make_space(model, &r.space);
	if (err || !r.space)
		return err;
	err = set_out(&r);
	if (!err)
		err = check_rules(&r);
	if (err)
		return err;
	check_stores(&r);
	check_purposes(&r);
	return 0;
}
