// SPDX-License-Identifier: GPL-2.0
/* The search through a space, as space.h argues for it. */
#include <errno.h>

#include "base/array.h"
#include "policy/set.h"
#include "policy/value.h"

/* ---- the subjects of a task ------------------------------------------------- */

static void join_all(const struct am_space *space, unsigned p, enum am_fact kind,
		     const struct am_who_fact *facts, unsigned n, struct am_set *ret)
{
	*ret = *am_space_unlisted(space, p, kind);
	for (unsigned i = 0; i < n; i++)
		if (facts[i].value)
			am_set_join(ret, &facts[i].value->set[p]);
}

static void set_of(const struct am_space *space, unsigned p, const struct am_who *who,
		   enum am_fact kind, struct am_set *ret)
{
	const struct am_space_value *v = who->facts[kind].value;

	if (kind == AM_FACT_GROUP)
		join_all(space, p, kind, who->groups, who->n_groups, ret);
	else if (kind == AM_FACT_CGROUP)
		join_all(space, p, kind, who->cgroups, who->n_cgroups, ret);
	else
		*ret = v ? v->set[p] : *am_space_unlisted(space, p, kind);
}

void am_space_bits(const struct am_space *space, unsigned policy, const struct am_who *who,
		   struct am_set *ret)
{
	*ret = space->images[policy]->policy->live;
	for (enum am_fact kind = AM_FACT_EXE; kind < AM_FACT_PORT; kind++) {
		struct am_set set;

		set_of(space, policy, who, kind, &set);
		am_set_keep(ret, &set);
	}
}

/* ---- the search ------------------------------------------------------------- */

/* Kind by kind; `who` is the choice so far. */
struct search {
	const struct am_space *space;
	const struct am_goal *goal;
	struct am_who who;
	struct am_who best;
	bool found;
	struct am_points *points;	/* all ways are wanted, and go here; NULL: the best is */
};

static void try_kind(struct search *q, enum am_fact kind);

/* NULL stands for any other value. */
static bool suits_purpose(const struct search *q, const struct am_space_value *v)
{
	for (unsigned p = 0; p < q->space->n_policies; p++) {
		uint64_t wanted = q->goal->purposes[p];

		if (wanted && !(wanted >> (v ? v->purpose[p] : 0) & 1))
			return false;
	}
	return true;
}

static bool suits(const struct search *q, enum am_fact kind, const struct am_space_value *v)
{
	for (unsigned p = 0; p < q->space->n_policies; p++)
		if (!am_set_contains(v ? &v->set[p] : am_space_unlisted(q->space, p, kind),
				     &q->goal->is[p]))
			return false;
	return kind != AM_FACT_PURPOSE || suits_purpose(q, v);
}

/* A way that makes a task all that another makes it says nothing new. */
static void add_point(struct am_points *points, const struct am_set *bits)
{
	for (size_t i = 0; i < points->count; i++)
		if (am_set_contains(bits, &points->bits[i]))
			return;
	points->lost |= AM_APPEND(points->bits, points->count, *bits) != 0;
}

static void try_who(struct search *q)
{
	struct am_set bits = { { 0 } };

	for (unsigned p = 0; p < q->space->n_policies; p++) {
		am_space_bits(q->space, p, &q->who, &bits);
		if (!am_set_contains(&bits, &q->goal->is[p]) ||
		    am_set_meets(&bits, &q->goal->is_not[p]))
			return;
	}
	if (q->points) {
		add_point(q->points, &bits);
		return;
	}
	if (q->found && am_who_count(&q->best) <= am_who_count(&q->who))
		return;
	q->best = q->who;
	q->found = true;
}

/* A kind of which a task has one value. */
static void try_values(struct search *q, enum am_fact kind)
{
	if (suits(q, kind, NULL)) {
		try_kind(q, kind + 1);
		return;
	}
	for (size_t i = 0; i < q->space->n_values; i++) {
		const struct am_space_value *v = &q->space->values[i];

		if (v->kind != kind || !suits(q, kind, v))
			continue;
		q->who.facts[kind].value = v;
		try_kind(q, kind + 1);
	}
	q->who.facts[kind].value = NULL;
}

/* ---- kinds of which a task has several -------------------------------------- */

struct several {
	enum am_fact kind;
	struct am_who_fact *facts;
	unsigned *count;
	unsigned room;
};

static struct several several_of(struct am_who *who, enum am_fact kind)
{
	if (kind == AM_FACT_GROUP)
		return (struct several){ kind, who->groups, &who->n_groups,
					 AM_COUNT(who->groups) };
	return (struct several){ kind, who->cgroups, &who->n_cgroups, AM_COUNT(who->cgroups) };
}

/* The first wanted subject that the values so far do not make; with its policy. */
static bool find_missing(const struct search *q, enum am_fact kind, unsigned *ret_policy,
			 unsigned *ret_subject)
{
	for (unsigned p = 0; p < q->space->n_policies; p++) {
		struct am_set set;

		set_of(q->space, p, &q->who, kind, &set);
		AM_SET_EACH(i, &q->goal->is[p]) {
			if (am_set_has(&set, i))
				continue;
			*ret_policy = p;
			*ret_subject = i;
			return true;
		}
	}
	return false;
}

static bool can_join(const struct several *s, const struct am_space_value *v)
{
	for (unsigned i = 0; s->kind == AM_FACT_CGROUP && i < *s->count; i++)
		if (!am_cgroups_can_nest(s->facts[i].value, v))
			return false;
	return *s->count < s->room;
}

/* Any one value that makes the subject is enough; which one matters for the others. */
static void try_several(struct search *q, enum am_fact kind)
{
	struct several s = several_of(&q->who, kind);
	unsigned p, subject;

	if (!find_missing(q, kind, &p, &subject)) {
		try_kind(q, kind + 1);
		return;
	}
	for (size_t i = 0; i < q->space->n_values; i++) {
		const struct am_space_value *v = &q->space->values[i];

		if (v->kind != kind || !am_set_has(&v->set[p], subject) || !can_join(&s, v))
			continue;
		s.facts[(*s.count)++].value = v;
		try_several(q, kind);
		s.facts[--*s.count].value = NULL;
	}
}

static void try_kind(struct search *q, enum am_fact kind)
{
	if (kind == AM_FACT_PORT)
		try_who(q);
	else if (kind == AM_FACT_GROUP || kind == AM_FACT_CGROUP)
		try_several(q, kind);
	else
		try_values(q, kind);
}

bool am_space_find(const struct am_space *space, const struct am_goal *goal, struct am_who *ret)
{
	struct search q = { .space = space, .goal = goal };

	try_kind(&q, AM_FACT_EXE);
	if (q.found)
		*ret = q.best;
	return q.found;
}

int am_space_points(const struct am_space *space, unsigned subject, struct am_points *ret)
{
	struct am_goal goal = { .is = { { { 0 } } } };
	struct search q = { .space = space, .goal = &goal, .points = ret };

	*ret = (struct am_points){ 0 };
	am_set_add(&goal.is[0], subject);
	try_kind(&q, AM_FACT_EXE);
	return ret->lost ? -ENOMEM : 0;
}
