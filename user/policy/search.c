// SPDX-License-Identifier: GPL-2.0
/* The search through a space, as space.h argues for it. */
#include <errno.h>

#include "base/array.h"
#include "policy/set.h"
#include "policy/space.h"

/* ---- the subjects of a task ------------------------------------------------- */

static void join_groups(const struct am_space *space, unsigned p, const struct am_who *who,
			struct am_set *ret)
{
	*ret = *am_space_unlisted(space, p, AM_FACT_GROUP);
	for (unsigned i = 0; i < who->n_groups; i++)
		if (who->groups[i].value)
			am_set_join(ret, &who->groups[i].value->set[p]);
}

void am_space_bits(const struct am_space *space, unsigned policy, const struct am_who *who,
		   struct am_set *ret)
{
	struct am_set groups;

	*ret = space->images[policy]->policy->live;
	for (enum am_fact kind = AM_FACT_EXE; kind < AM_FACT_PORT; kind++) {
		const struct am_space_value *v = who->facts[kind].value;

		if (kind != AM_FACT_GROUP)
			am_set_keep(ret, v ? &v->set[policy] : am_space_unlisted(space, policy, kind));
	}
	join_groups(space, policy, who, &groups);
	am_set_keep(ret, &groups);
}

/* ---- the search ------------------------------------------------------------- */

/* Kind by kind; `who` is the choice so far. */
struct search {
	const struct am_space *space;
	const struct am_goal *goal;
	struct am_who who;
	void (*visit)(struct search *q);	/* of each way to meet the goal */
	void *ctx;
	struct am_who best;
	bool found;
};

static bool suits(const struct search *q, const struct am_space_value *v)
{
	for (unsigned p = 0; p < q->space->n_policies; p++)
		if (!am_set_contains(&v->set[p], &q->goal->is[p]))
			return false;
	return true;
}

static bool is_free(const struct search *q, enum am_fact kind)
{
	for (unsigned p = 0; p < q->space->n_policies; p++)
		if (!am_set_contains(am_space_unlisted(q->space, p, kind), &q->goal->is[p]))
			return false;
	return true;
}

static void try_who(struct search *q)
{
	for (unsigned p = 0; p < q->space->n_policies; p++) {
		struct am_set bits;

		am_space_bits(q->space, p, &q->who, &bits);
		if (!am_set_contains(&bits, &q->goal->is[p]) ||
		    am_set_meets(&bits, &q->goal->is_not[p]))
			return;
	}
	q->visit(q);
}

static void try_kind(struct search *q, enum am_fact kind);

/* The first wanted subject that the groups so far do not make; with its policy. */
static bool find_groupless(const struct search *q, unsigned *ret_policy, unsigned *ret_subject)
{
	for (unsigned p = 0; p < q->space->n_policies; p++) {
		struct am_set groups;

		join_groups(q->space, p, &q->who, &groups);
		AM_SET_EACH(i, &q->goal->is[p]) {
			if (am_set_has(&groups, i))
				continue;
			*ret_policy = p;
			*ret_subject = i;
			return true;
		}
	}
	return false;
}

/* Any one group that makes the subject is enough; which one matters for the others. */
static void try_groups(struct search *q)
{
	unsigned p, subject;

	if (!find_groupless(q, &p, &subject)) {
		try_kind(q, AM_FACT_GROUP + 1);
		return;
	}
	if (q->who.n_groups == AM_COUNT(q->who.groups))
		return;
	for (size_t i = 0; i < q->space->n_values; i++) {
		const struct am_space_value *v = &q->space->values[i];

		if (v->kind != AM_FACT_GROUP || !am_set_has(&v->set[p], subject))
			continue;
		q->who.groups[q->who.n_groups++].value = v;
		try_groups(q);
		q->who.groups[--q->who.n_groups].value = NULL;
	}
}

static void try_kind(struct search *q, enum am_fact kind)
{
	if (kind == AM_FACT_PORT) {
		try_who(q);
	} else if (kind == AM_FACT_GROUP) {
		try_groups(q);
	} else if (is_free(q, kind)) {
		try_kind(q, kind + 1);
	} else {
		for (size_t i = 0; i < q->space->n_values; i++) {
			if (q->space->values[i].kind != kind || !suits(q, &q->space->values[i]))
				continue;
			q->who.facts[kind].value = &q->space->values[i];
			try_kind(q, kind + 1);
		}
		q->who.facts[kind].value = NULL;
	}
}

static void keep_smaller(struct search *q)
{
	if (q->found && am_who_count(&q->best) <= am_who_count(&q->who))
		return;
	q->best = q->who;
	q->found = true;
}

bool am_space_find(const struct am_space *space, const struct am_goal *goal, struct am_who *ret)
{
	struct search q = { .space = space, .goal = goal, .visit = keep_smaller };

	try_kind(&q, AM_FACT_EXE);
	if (q.found)
		*ret = q.best;
	return q.found;
}

static void keep_bits(struct search *q)
{
	struct am_points *points = q->ctx;
	struct am_set bits;

	am_space_bits(q->space, 0, &q->who, &bits);
	points->lost |= AM_APPEND(points->bits, points->count, bits) != 0;
}

int am_space_points(const struct am_space *space, unsigned subject, struct am_points *ret)
{
	struct am_points points = { 0 };
	struct am_goal goal = { 0 };
	struct search q = { .space = space, .goal = &goal, .visit = keep_bits, .ctx = &points };

	am_set_add(&goal.is[0], subject);
	try_kind(&q, AM_FACT_EXE);
	*ret = points;
	return points.lost ? -ENOMEM : 0;
}
