// SPDX-License-Identifier: GPL-2.0
#include "policy/differ.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "policy/set.h"

/* ---- what has been found before --------------------------------------------- */

enum {
	ANSWERS_MAX = 4096,
	KEPT_MAX = 65536,	/* tasks, of all answers; beyond these it is found anew */
};

struct answer {
	struct am_lock from, to;
	struct am_differents found;	/* owned */
};

struct am_differ_memo {
	struct answer *items;	/* owned */
	size_t count;
	size_t kept;
};

int am_differ_memo_new(struct am_differ_memo **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void am_differ_memo_free(struct am_differ_memo *memo)
{
	if (!memo)
		return;
	for (size_t i = 0; i < memo->count; i++)
		free(memo->items[i].found.items);
	free(memo->items);
	free(memo);
}

static bool is_same_lock(const struct am_lock *a, const struct am_lock *b)
{
	return !memcmp(&a->grant, &b->grant, sizeof(a->grant)) && a->open == b->open &&
	       a->purposes == b->purposes;
}

/* The last answers first: neighbours ask the same. */
static const struct answer *recall(const struct am_differ_memo *memo, const struct am_lock *from,
				   const struct am_lock *to)
{
	for (size_t i = memo->count; i > 0; i--) {
		const struct answer *a = &memo->items[i - 1];

		if (is_same_lock(&a->from, from) && is_same_lock(&a->to, to))
			return a;
	}
	return NULL;
}

static int copy_list(const struct am_differents *list, struct am_differents *ret)
{
	struct am_different *items = calloc(list->count + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	if (list->count)
		memcpy(items, list->items, list->count * sizeof(*items));
	*ret = (struct am_differents){ items, list->count };
	return 0;
}

static int memorize(struct am_differ_memo *memo, const struct am_lock *from,
		    const struct am_lock *to, const struct am_differents *found)
{
	struct answer new = { .from = *from, .to = *to };
	int err;

	if (memo->count == ANSWERS_MAX || memo->kept + found->count > KEPT_MAX)
		return 0;
	err = copy_list(found, &new.found);
	if (!err)
		err = AM_APPEND(memo->items, memo->count, new);
	if (err) {
		free(new.found.items);
		return err;
	}
	memo->kept += found->count;
	return 0;
}

/* ---- who -------------------------------------------------------------------- */

static struct am_lock lock_of(const struct am_differ *d, unsigned policy,
			      const struct am_access *access)
{
	struct am_lock lock = { .open = false };

	if (access)
		am_access_lock(d->space, policy, access, &lock);
	return lock;
}

struct attempt {
	const struct am_space *space;
	struct am_who best;
	bool found;
};

static void attempt(struct attempt *a, const struct am_goal *goal)
{
	struct am_who who;

	if (!am_space_find(a->space, goal, &who) ||
	    (a->found && am_who_count(&a->best) <= am_who_count(&who)))
		return;
	a->best = who;
	a->found = true;
}

/* A task as in `goal` that the other policy refuses: no rule allows it, or one denies it, or
 * its purpose is none of the store's. */
static bool find_refused(const struct am_differ *d, const struct am_goal *goal,
			 const struct am_lock *lock, struct am_who *ret)
{
	struct attempt a = { .space = d->space };
	struct am_goal way = *goal;

	if (!lock->open) {
		am_set_join(&way.is_not[d->lacks], &lock->grant.allow);
		attempt(&a, &way);
	}
	AM_SET_EACH(subject, &lock->grant.deny) {
		way = *goal;
		am_set_add(&way.is[d->lacks], subject);
		attempt(&a, &way);
	}
	if (lock->purposes) {
		way = *goal;
		way.purposes[d->lacks] = ~lock->purposes;
		attempt(&a, &way);
	}
	if (a.found)
		*ret = a.best;
	return a.found;
}

static int keep_fewest(struct am_differents *list, const struct am_different *new)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		if (am_who_contains(&new->who, &list->items[i].who))
			return 0;
	for (size_t i = 0; i < list->count; i++)
		if (!am_who_contains(&list->items[i].who, &new->who))
			list->items[kept++] = list->items[i];
	if (kept < list->count) {
		list->items[kept] = *new;
		list->count = kept + 1;
		return 0;
	}
	return AM_APPEND(list->items, list->count, *new);
}

/* The function that decides in the kernel must agree. */
static void confirm(const struct am_differ *d, const struct am_access *has,
		    const struct am_access *lacks, const struct am_who *who)
{
	struct am_decision decision;

	am_access_decide(d->space, d->has, has, who, &decision);
	assert(decision.verdict == AM_VERDICT_ALLOW);
	if (lacks)
		am_access_decide(d->space, d->lacks, lacks, who, &decision);
	assert(!lacks || decision.verdict == AM_VERDICT_DENY);
}

static int find_all(const struct am_differ *d, const struct am_lock *from,
		    const struct am_lock *to, struct am_differents *ret)
{
	struct am_goal goal = { 0 };
	int err = 0;

	goal.is_not[d->has] = from->grant.deny;
	goal.purposes[d->has] = from->purposes;
	for (unsigned subject = 0; !err && subject <= AM_SUBJECTS_MAX; subject++) {
		struct am_different new = { .subject = subject };
		struct am_goal one = goal;

		if (subject < AM_SUBJECTS_MAX ? !am_set_has(&from->grant.allow, subject)
					      : !from->open)
			continue;
		if (subject < AM_SUBJECTS_MAX)
			am_set_add(&one.is[d->has], subject);
		if (find_refused(d, &one, to, &new.who))
			err = keep_fewest(ret, &new);
	}
	return err;
}

int am_differ_find(const struct am_differ *d, const struct am_access *has,
		   const struct am_access *lacks, struct am_differents *ret)
{
	struct am_lock from = lock_of(d, d->has, has), to = lock_of(d, d->lacks, lacks);
	const struct answer *known = recall(d->memo, &from, &to);
	int err;

	*ret = (struct am_differents){ 0 };
	if (known) {
		err = copy_list(&known->found, ret);
	} else {
		err = find_all(d, &from, &to, ret);
		if (!err)
			err = memorize(d->memo, &from, &to, ret);
	}
	for (size_t i = 0; !err && i < ret->count; i++)
		confirm(d, has, lacks, &ret->items[i].who);
	return err;
}

/* ---- in words --------------------------------------------------------------- */

static unsigned count_atoms(const struct am_model_subject *s)
{
	unsigned n = 0;

	for (enum am_fact kind = AM_FACT_EXE; kind < AM_FACT_PORT; kind++)
		n += am_subject_atom(s, kind) != NULL;
	return n;
}

/* The subject that these facts are the conditions of, in the policy; NULL if there is none. */
static const char *find_namesake(const struct am_space *space, unsigned policy,
				 const struct am_who *who)
{
	const struct am_model *m = space->models[policy];
	struct am_set bits;

	am_space_bits(space, policy, who, &bits);
	for (size_t i = 0; i < m->n_subjects; i++)
		if (am_set_has(&bits, i) && count_atoms(&m->subjects[i]) == am_who_count(who))
			return m->subjects[i].name;
	return NULL;
}

/* The subject of the model that the bit stands for; n_subjects and more: none. */
static unsigned subject_behind(const struct am_differ *d, unsigned bit)
{
	const struct am_image *image = d->space->images[d->has];

	for (size_t i = 0; i < image->n_narrows; i++)
		if (image->narrows[i].bit == bit)
			return image->narrows[i].subject;
	return bit;
}

static const char *name_of(const struct am_differ *d, const struct am_different *who)
{
	const struct am_model *m = d->space->models[d->has];
	unsigned subject = subject_behind(d, who->subject);
	const char *name;

	if (!am_who_count(&who->who))
		return "anyone";
	if (subject < m->n_subjects &&
	    count_atoms(&m->subjects[subject]) == am_who_count(&who->who))
		return m->subjects[subject].name;
	name = find_namesake(d->space, d->has, &who->who);
	if (!name)
		name = find_namesake(d->space, d->lacks, &who->who);
	if (!name && subject < m->n_subjects)
		name = m->subjects[subject].name;
	return name ? name : "anyone";
}

static char *facts_of(const struct am_differ *d, const struct am_who *who)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	am_who_print(d->space, who, AM_WHO_SHORT, out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* A loss of anyone spares who may still, a gain of anyone leaves out who is denied: their
 * names, "" for none; NULL for lack of memory. */
static char *exceptions(const struct am_differ *d, const struct am_access *has,
			const struct am_access *lacks)
{
	bool gain = d->kind == AM_CHANGE_GAIN;
	unsigned policy = gain ? d->has : d->lacks;
	struct am_lock lock = lock_of(d, policy, gain ? has : lacks);
	const struct am_set *set = gain ? &lock.grant.deny : &lock.grant.allow;
	const char *comma = "";
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (size_t i = 0; i < d->space->models[policy]->n_subjects; i++) {
		if (!am_set_has(set, i))
			continue;
		fprintf(out, "%s%s", comma, d->space->models[policy]->subjects[i].name);
		comma = ", ";
	}
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* ---- changes ---------------------------------------------------------------- */

static bool is_same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool is_alike(const struct am_change *a, const struct am_change *b)
{
	return a->kind == b->kind && !strcmp(a->who, b->who) && !strcmp(a->facts, b->facts) &&
	       !strcmp(a->op, b->op) && is_same_text(a->to, b->to) && is_same_text(a->but, b->but);
}

/* Puts `what` behind that of a change that is the same else. 1 if there is none. */
static int join_alike(struct am_diff *diff, const struct am_change *new)
{
	for (size_t i = 0; i < diff->count; i++) {
		struct am_change *c = &diff->items[i];
		char *joined;

		if (!is_alike(c, new))
			continue;
		if (asprintf(&joined, "%s, %s", c->what, new->what) < 0)
			return -ENOMEM;
		free(c->what);
		c->what = joined;
		return 0;
	}
	return 1;
}

void am_change_done(struct am_change *c)
{
	free(c->who);
	free(c->facts);
	free(c->what);
	free(c->to);
	free(c->but);
}

int am_differ_add(const struct am_differ *d, const struct am_different *who,
		  const struct am_access *has, const struct am_access *lacks, const char *what,
		  const char *to)
{
	__attribute__((cleanup(am_change_done))) struct am_change new = {
		.kind = d->kind,
		.who = strdup(name_of(d, who)),
		.facts = facts_of(d, &who->who),
		.op = am_access_word(has->op),
		.what = strdup(what),
		.to = to ? strdup(to) : NULL,
		.but = am_who_count(&who->who) ? strdup("") : exceptions(d, has, lacks),
	};
	int r;

	if (!new.who || !new.facts || !new.what || (to && !new.to) || !new.but)
		return -ENOMEM;
	r = join_alike(d->diff, &new);
	if (r <= 0)
		return r;
	r = AM_APPEND(d->diff->items, d->diff->count, new);
	if (!r)
		new = (struct am_change){ 0 };	/* taken */
	return r;
}

void am_diff_free(struct am_diff *diff)
{
	if (!diff)
		return;
	for (size_t i = 0; i < diff->count; i++)
		am_change_done(&diff->items[i]);
	free(diff->items);
	free(diff);
}
