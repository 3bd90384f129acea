// SPDX-License-Identifier: GPL-2.0
/* Why, and what would change it. A decision is about the store or about one label; only
 * that part of the question is looked at further. */
#include <string.h>

#include "base/array.h"
#include "policy/ask.h"
#include "policy/rule.h"
#include "policy/set.h"

static const struct am_model *model_of(const struct am_space *space)
{
	return space->models[0];
}

/* ---- what decided ----------------------------------------------------------- */

static bool is_about_labels(unsigned reason)
{
	return reason == AM_REASON_LABEL_DENIES || reason == AM_REASON_LABEL_NO_RULE ||
	       reason == AM_REASON_SPILL;
}

static struct am_access part_of(const struct am_ask *ask, int label)
{
	struct am_access part = ask->access;

	part.labels = label < 0 ? 0 : 1ULL << label;
	if (label >= 0)
		part.store = -1;
	return part;
}

/* The label that refuses; of an access that is allowed and is to no store, the first. */
static int find_label(const struct am_space *space, const struct am_ask *ask,
		      const struct am_decision *d)
{
	for (size_t i = 0; i < model_of(space)->n_labels; i++) {
		bool culprit = d->culprits >> space->labels[0][i] & 1;

		if (ask->access.labels >> i & 1 &&
		    (is_about_labels(d->reason) ? culprit : ask->access.store < 0))
			return i;
	}
	return -1;
}

/* ---- what would change it --------------------------------------------------- */

/* Kinds of which a task has one value. */
static const enum am_fact single_kinds[] = {
	AM_FACT_EXE, AM_FACT_USER, AM_FACT_LOGIN, AM_FACT_SCRIPT, AM_FACT_PURPOSE,
};

enum { CGROUPS = AM_COUNT(single_kinds) };	/* behind them in a choice what to drop */

/* A rule being tried. */
struct approach {
	const struct am_space *space;
	const struct am_ask *ask;
	struct am_access access;	/* the part of it */
	const struct am_model_rule *rule;
	struct am_who needed;		/* facts that the rule's subject needs */
	struct am_near best;
};

static bool has_value(const struct am_who_fact *facts, unsigned n, const struct am_space_value *v)
{
	for (unsigned i = 0; i < n; i++)
		if (facts[i].value == v)
			return true;
	return false;
}

/* Takes on what is needed, and drops what is not and was chosen for it. The number of
 * changes. */
static unsigned change_single(const struct approach *a, unsigned drops, struct am_who *who)
{
	unsigned n = 0;

	for (size_t i = 0; i < AM_COUNT(single_kinds); i++) {
		enum am_fact kind = single_kinds[i];
		const struct am_space_value *need = a->needed.facts[kind].value;

		if (!need && !(drops >> i & 1))
			continue;
		if (who->facts[kind].value == need)
			continue;
		who->facts[kind] = (struct am_who_fact){ .value = need };
		n++;
	}
	return n;
}

static unsigned change_cgroups(const struct approach *a, bool drop, struct am_who *who)
{
	bool fits = true;

	for (unsigned i = 0; i < a->needed.n_cgroups; i++)
		fits &= has_value(who->cgroups, who->n_cgroups, a->needed.cgroups[i].value);
	if (fits && !(drop && who->n_cgroups))
		return 0;
	memcpy(who->cgroups, a->needed.cgroups, sizeof(who->cgroups));
	who->n_cgroups = a->needed.n_cgroups;
	return 1;
}

static unsigned join_groups(const struct approach *a, struct am_who *who)
{
	unsigned n = 0;

	for (unsigned i = 0; i < a->needed.n_groups; i++) {
		if (has_value(who->groups, who->n_groups, a->needed.groups[i].value) ||
		    who->n_groups == AM_COUNT(who->groups))
			continue;
		who->groups[who->n_groups++] = a->needed.groups[i];
		n++;
	}
	return n;
}

/* Leaves the groups that make a denied subject; which is all that can be done about one
 * that mentions a group. */
static unsigned leave_groups(const struct approach *a, const struct am_set *denied,
			     struct am_who *who)
{
	const struct am_set *unlisted = am_space_unlisted(a->space, 0, AM_FACT_GROUP);
	unsigned kept = 0, n = who->n_groups;
	struct am_set bits;

	am_space_bits(a->space, 0, who, &bits);
	am_set_keep(&bits, denied);
	for (unsigned i = 0; i < n; i++) {
		const struct am_space_value *v = who->groups[i].value;
		bool leave = false;

		AM_SET_EACH(subject, &bits)
			leave |= v && am_set_has(&v->set[0], subject) &&
				 !am_set_has(unlisted, subject);
		if (!leave)
			who->groups[kept++] = who->groups[i];
	}
	who->n_groups = kept;
	return n - kept;
}

static void try_drops(struct approach *a, unsigned drops, const struct am_place *place,
		      const struct am_set *denied)
{
	struct am_near near = { .rule = a->rule, .who = a->ask->who, .changes = place != NULL };
	struct am_access access = a->access;
	struct am_decision decision;

	near.place = place;
	near.who.unknown = false;
	near.changes += a->ask->who.unknown;
	near.changes += change_single(a, drops, &near.who);
	near.changes += change_cgroups(a, drops >> CGROUPS & 1, &near.who);
	near.changes += join_groups(a, &near.who);
	near.changes += leave_groups(a, denied, &near.who);
	if (a->best.rule && near.changes >= a->best.changes)
		return;
	if (place)
		access.place = place;
	am_access_decide(a->space, 0, &access, &near.who, &decision);
	if (decision.verdict == AM_VERDICT_ALLOW)
		a->best = near;
}

static bool is_copy(const struct am_access *access)
{
	return access->op == AM_OP_READ && access->store < 0;
}

/* The purposes under which the rule opens copies; 0: any. */
static uint64_t copy_purposes(const struct approach *a)
{
	const struct am_space *space = a->space;
	unsigned label = space->labels[0][__builtin_ctzll(a->access.labels)];
	uint64_t purposes = 0;

	for (size_t i = 0; i < model_of(space)->n_stores; i++) {
		const struct am_store *s = space->stores[0][i];

		if (!(s->labels >> label & 1) ||
		    !am_rule_speaks_of(a->rule->stores, a->rule->n_stores, i))
			continue;
		if (!s->purposes)
			return 0;
		purposes |= s->purposes;
	}
	return purposes;
}

static unsigned find_droppable(const struct approach *a)
{
	unsigned bits = a->ask->who.n_cgroups ? 1U << CGROUPS : 0;

	for (size_t i = 0; i < AM_COUNT(single_kinds); i++)
		if (a->ask->who.facts[single_kinds[i]].value &&
		    !a->needed.facts[single_kinds[i]].value)
			bits |= 1U << i;
	return bits;
}

/* The rule at one destination; `place` is NULL for the one that was asked about. */
static void try_place(struct approach *a, const struct am_place *place)
{
	struct am_goal goal = { 0 };
	struct am_access access = a->access;
	unsigned drops = 0, droppable;
	struct am_lock lock;

	if (place)
		access.place = place;
	am_access_lock(a->space, 0, &access, &lock);
	am_set_add(&goal.is[0], am_rule_subject(a->rule));
	goal.is_not[0] = lock.grant.deny;
	goal.purposes[0] = is_copy(&access) ? copy_purposes(a) : lock.purposes;
	if (!am_space_find(a->space, &goal, &a->needed))
		return;
	/* Every choice out of what the task has and the rule does not need. */
	droppable = find_droppable(a);
	do {
		try_drops(a, drops, place, &lock.grant.deny);
		drops = (drops - droppable) & droppable;
	} while (drops);
}

static bool speaks_of_part(const struct approach *a)
{
	struct am_access anywhere = a->access;
	struct am_place everywhere = { .kind = AM_PLACE_INVALID };

	if (a->access.op == AM_OP_SEND) {
		memset(everywhere.in, 0xff, sizeof(everywhere.in));
		anywhere.place = &everywhere;
	}
	return !a->rule->deny && am_access_concerns(a->space, 0, &anywhere, a->rule);
}

static void try_rule(struct approach *a)
{
	if (!speaks_of_part(a))
		return;
	if (am_access_concerns(a->space, 0, &a->access, a->rule)) {
		try_place(a, NULL);
		return;
	}
	for (size_t i = 0; i < a->space->n_places; i++) {
		const struct am_place *place = &a->space->places[i];
		struct am_access there = a->access;

		there.place = place;
		if (am_access_concerns(a->space, 0, &there, a->rule))
			try_place(a, place);
	}
}

static void find_near(const struct am_space *space, const struct am_ask *ask,
		      const struct am_answer *answer, struct am_near *ret)
{
	struct approach a = { .space = space, .ask = ask, .access = answer->part };
	const struct am_model *m = model_of(space);

	for (size_t i = 0; i < m->n_rules; i++) {
		a.rule = &m->rules[i];
		try_rule(&a);
	}
	*ret = a.best;
}

/* ---- the answer ------------------------------------------------------------- */

void am_answer_find(const struct am_space *space, const struct am_ask *ask, struct am_answer *ret)
{
	struct am_answer answer = { .label = -1 };
	unsigned reason;

	am_access_decide(space, 0, &ask->access, &ask->who, &answer.decision);
	reason = answer.decision.reason;
	answer.label = find_label(space, ask, &answer.decision);
	answer.part = part_of(ask, answer.label);
	if (reason == AM_REASON_RULE_ALLOWS || reason == AM_REASON_RULE_DENIES ||
	    reason == AM_REASON_LABEL_DENIES)
		answer.rule = am_access_rule(space, 0, &answer.part, &ask->who,
					     reason != AM_REASON_RULE_ALLOWS);
	if (answer.decision.verdict == AM_VERDICT_DENY && reason != AM_REASON_SPILL)
		find_near(space, ask, &answer, &answer.near);
	*ret = answer;
}
