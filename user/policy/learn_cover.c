// SPDX-License-Identifier: GPL-2.0
/* Fewer subjects: one that another one covers, and that may nothing else, is left out. */
#include <string.h>

#include "policy/lesson.h"

static bool is_left_open(const char *in_a, const char *in_b)
{
	return !in_b || am_lesson_is_same_text(in_a, in_b);
}

static bool is_among(const struct am_lesson_subject *a, const struct am_lesson_subject *b)
{
	if (!b->n_users)
		return !a->n_users && a->uid == b->uid;
	for (unsigned i = 0; i < a->n_groups && (!a->n_users || !i); i++)
		if (a->groups[i].gid == b->groups[0].gid)
			return true;
	return false;
}

/* Whether everybody who is `a` is `b`: the same but for conditions that b leaves open. */
static bool is_within(const struct am_lesson_subject *a, const struct am_lesson_subject *b)
{
	return a->known < 0 && b->known < 0 && !strcmp(a->exe, b->exe) && is_among(a, b) &&
	       is_left_open(a->unit, b->unit) && is_left_open(a->script, b->script) &&
	       is_left_open(a->purpose, b->purpose) &&
	       (b->login == UINT32_MAX || a->login == b->login);
}

static bool has_grant(const struct am_lesson *l, size_t subject, const struct am_lesson_grant *like)
{
	struct am_lesson_grant g = *like;

	g.subject = subject;
	for (size_t i = 0; i < l->n_grants; i++)
		if (am_lesson_is_same_grant(&l->grants[i], &g) &&
		    !(g.labels & ~l->grants[i].labels))
			return true;
	return false;
}

bool am_lesson_needs_no_more(const struct am_lesson *l, size_t a, size_t b)
{
	for (size_t i = 0; i < l->n_grants; i++)
		if (l->grants[i].subject == a && !has_grant(l, b, &l->grants[i]))
			return false;
	return true;
}

static void hand_over(struct am_lesson *l, const struct am_lesson_grant *g, size_t subject)
{
	struct am_lesson_grant like = *g;

	like.subject = subject;
	for (size_t i = 0; i < l->n_grants; i++)
		if (am_lesson_is_same_grant(&l->grants[i], &like))
			am_lesson_join_evidence(&l->grants[i].evidence, &g->evidence);
}

/* The evidence goes with the grants. */
void am_lesson_cover(struct am_lesson *l, size_t a, size_t b)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n_grants; i++)
		if (l->grants[i].subject == a)
			hand_over(l, &l->grants[i], b);
	for (size_t i = 0; i < l->n_grants; i++)
		if (l->grants[i].subject != a)
			l->grants[kept++] = l->grants[i];
	l->n_grants = kept;
	l->subjects[a].dropped = true;
}

/* Those whose every grant was beyond the bound. */
static void drop_idle(struct am_lesson *l)
{
	for (size_t i = 0; i < l->n_subjects; i++)
		l->subjects[i].dropped = true;
	for (size_t i = 0; i < l->n_grants; i++)
		l->subjects[l->grants[i].subject].dropped = false;
}

void am_lesson_drop_covered(struct am_lesson *l)
{
	for (size_t a = 0; a < l->n_subjects; a++)
		for (size_t b = 0; b < l->n_subjects && !l->subjects[a].dropped; b++)
			if (a != b && !l->subjects[b].dropped &&
			    is_within(&l->subjects[a], &l->subjects[b]) &&
			    am_lesson_needs_no_more(l, a, b))
				am_lesson_cover(l, a, b);
	drop_idle(l);
}
