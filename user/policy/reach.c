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

/* What one grant is about: an operation to a store, or a label and a zone. How many of
 * the rules that are still there put each subject into it. */
struct cell {
	struct am_grant grant;
	uint16_t (*counts)[AM_SUBJECTS_MAX];	/* [0] allow, [1] deny; NULL: no rule yet */
};

struct reach {
	const struct am_model *model;
	struct am_diags *diags;
	struct am_space *space;		/* owned */
	struct cell *stores;		/* owned: [store * 2 + (op - AM_OP_READ)] */
	struct cell *sends;		/* owned: [label * AM_ZONES_MAX + zone] */
	struct am_points points[AM_SUBJECTS_MAX];
	bool *idle;			/* owned: per rule */
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
	for (size_t i = 0; i < AM_SUBJECTS_MAX; i++)
		free(r->points[i].bits);
	free(r->stores);
	free(r->sends);
	free(r->idle);
	am_space_free(r->space);
}

static unsigned subject_of(const struct am_model_rule *rule)
{
	return rule->subject == AM_RULE_ANYBODY ? (unsigned)AM_SUBJECT_ANYONE
						: (unsigned)rule->subject;
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
	return NULL;
}

static void take_out(struct cell *c, const struct am_model_rule *rule)
{
	unsigned subject = subject_of(rule);

	if (!--c->counts[rule->deny][subject])
		am_set_drop(rule->deny ? &c->grant.deny : &c->grant.allow, subject);
}

static int put_in(struct cell *c, const struct am_model_rule *rule)
{
	unsigned subject = subject_of(rule);

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

/* Whether a task that is the subject can be none of `others`. */
static bool can_avoid(const struct reach *r, unsigned subject, const struct am_set *others)
{
	const struct am_points *p = &r->points[subject];

	for (size_t i = 0; i < p->count; i++)
		if (!am_set_meets(&p->bits[i], others))
			return true;
	return false;
}

/* An allow matters to a task that no other allow lets in and no deny keeps out; a deny to
 * one that no other deny keeps out. */
static bool matters_to(const struct reach *r, const struct am_model_rule *rule,
		       const struct am_grant *rest)
{
	struct am_set others = rest->deny;

	if (!rule->deny)
		am_set_join(&others, &rest->allow);
	return can_avoid(r, subject_of(rule), &others);
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
			if (matters_to(r, rule, &rest))
				return true;
		}
	}
	return false;
}

/* For a rule that has been taken out. */
static bool matters(struct reach *r, const struct am_model_rule *rule)
{
	struct walk w = { r, rule, 0 };
	struct cell *c;

	if (am_rule_does(rule, AM_OP_SEND))
		return matters_to_sends(r, rule);
	while ((c = next_cell(&w)))
		if (matters_to(r, rule, &c->grant))
			return true;
	return false;
}

/* Whether denies keep out everybody whom the rule lets in; it need not be there. */
static bool is_denied(struct reach *r, const struct am_model_rule *rule)
{
	struct walk w = { r, rule, 0 };
	struct cell *c;

	if (!am_rule_does(rule, AM_OP_SEND)) {
		while ((c = next_cell(&w)))
			if (can_avoid(r, subject_of(rule), &c->grant.deny))
				return false;
		return true;
	}
	for (size_t i = 0; i < r->space->n_places; i++) {
		size_t n = am_rule_count(rule->labels, rule->n_labels, r->model->n_labels);

		for (size_t j = 0; is_about(rule, &r->space->places[i]) && j < n; j++) {
			struct am_grant all = grant_at(r, am_rule_item(rule->labels, j),
						       &r->space->places[i]);

			if (can_avoid(r, subject_of(rule), &all.deny))
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
	r->idle = calloc(m->n_rules + 1, sizeof(*r->idle));
	if (!r->stores || !r->sends || !r->idle)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_rules; i++) {
		unsigned subject = subject_of(&m->rules[i]);

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

static void warn(struct reach *r, const struct am_model_rule *rule, const char *hint,
		 const char *fact, size_t other)
{
	char text[160];

	snprintf(text, sizeof(text), fact, (size_t)(rule - r->model->rules) + 1, other);
	am_diags_add(r->diags, AM_SEVERITY_WARNING, rule->pos, hint, "%s", text);
}
