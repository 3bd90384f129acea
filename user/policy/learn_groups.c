// SPDX-License-Identifier: GPL-2.0
/* Fewer subjects: users who did the same, and have a group in common, become one by it. */
#include <string.h>

#include "policy/lesson.h"

static bool is_free(const struct am_lesson_subject *s)
{
	return !s->dropped && s->known < 0 && !s->n_users;
}

/* Neither may more than the other, nor differs in anything but the user. */
static bool is_alike(const struct am_lesson *l, size_t a, size_t b)
{
	const struct am_lesson_subject *x = &l->subjects[a], *y = &l->subjects[b];

	return is_free(y) && !strcmp(x->exe, y->exe) && am_lesson_is_same_text(x->unit, y->unit) &&
	       am_lesson_is_same_text(x->script, y->script) &&
	       am_lesson_is_same_text(x->purpose, y->purpose) &&
	       am_lesson_needs_no_more(l, a, b) && am_lesson_needs_no_more(l, b, a);
}

static bool has_group(const struct am_lesson_subject *s, uint32_t gid)
{
	for (unsigned i = 0; i < s->n_groups; i++)
		if (s->groups[i].gid == gid)
			return true;
	return false;
}

static unsigned count_alike(const struct am_lesson *l, size_t a, uint32_t gid)
{
	unsigned n = 0;

	for (size_t b = 0; b < l->n_subjects; b++)
		n += has_group(&l->subjects[b], gid) && is_alike(l, a, b);
	return n;
}

static unsigned count_all(const struct am_lesson *l, uint32_t gid)
{
	unsigned n = 0;

	for (size_t b = 0; b < l->n_subjects; b++)
		n += has_group(&l->subjects[b], gid);
	return n;
}

/* The group that most of those like `a` have, and of several the one that the fewest others
 * have. NULL: too few have one in common. */
static const struct am_group *best_group(const struct am_lesson *l, size_t a, unsigned *ret_users)
{
	const struct am_lesson_subject *s = &l->subjects[a];
	unsigned most = AM_LESSON_GROUP_LEAST - 1, others = 0;
	const struct am_group *best = NULL;

	for (unsigned i = 0; i < s->n_groups; i++) {
		unsigned n = count_alike(l, a, s->groups[i].gid);
		unsigned all = n >= most ? count_all(l, s->groups[i].gid) : 0;

		if (n < most || (n == most && (!best || all >= others)))
			continue;
		best = &s->groups[i];
		most = n;
		others = all;
	}
	*ret_users = most;
	return best;
}

static void join(struct am_lesson *l, size_t a, struct am_group group, unsigned n_users)
{
	for (size_t b = 0; b < l->n_subjects; b++)
		if (b != a && has_group(&l->subjects[b], group.gid) && is_alike(l, a, b))
			am_lesson_cover(l, b, a);
	l->subjects[a].groups[0] = group;
	l->subjects[a].n_groups = 1;
	l->subjects[a].n_users = n_users;
	l->subjects[a].login = UINT32_MAX;
}

void am_lesson_join_users(struct am_lesson *l)
{
	for (size_t a = 0; a < l->n_subjects; a++) {
		unsigned n_users;
		const struct am_group *group = is_free(&l->subjects[a]) ?
			best_group(l, a, &n_users) : NULL;

		if (group)
			join(l, a, *group, n_users);
	}
}
