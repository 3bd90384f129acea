// SPDX-License-Identifier: GPL-2.0
#include "query/point.h"

#include <stdio.h>
#include <string.h>

#include "event/groups.h"
#include "query/facts.h"

enum {
	OPTIONS = 64,	/* of one kind */
	SEVERAL = 12,	/* groups or cgroups that a task may be in or not */
};

struct options {
	const struct am_space_value *items[OPTIONS];	/* NULL: any that no subject mentions */
	unsigned n;
	bool many;
};

/* Kinds of which a task has one value. */
enum { EXE, USER, LOGIN, PURPOSE, SCRIPT, SINGLES };

static const enum am_fact kinds[SINGLES] = {
	AM_FACT_EXE, AM_FACT_USER, AM_FACT_LOGIN, AM_FACT_PURPOSE, AM_FACT_SCRIPT,
};

struct search {
	const struct am_space *space;
	const struct am_row *row;
	const struct am_access *accesses;
	struct options single[SINGLES];
	struct options groups, cgroups;	/* that it may be in, beside those in `who` */
	struct am_who who;
	struct am_point found;
	unsigned tried, fitting;
	bool differ, many;
};

static void add(struct options *o, const struct am_space_value *v)
{
	if (o->n < OPTIONS)
		o->items[o->n++] = v;
	else
		o->many = true;
}

static void add_all(const struct am_space *space, enum am_fact kind, struct options *o)
{
	size_t i;

	for (i = 0; i < space->n_values; i++)
		if (space->values[i].kind == kind)
			add(o, &space->values[i]);
	add(o, NULL);
}

/* ---- what the row holds ---------------------------------------------------------------- */

/* The file of this path, with any content that some policy asks for, or another. */
static void options_exe(struct search *s, struct options *o)
{
	const char *exe = s->row->actor.exe;
	bool pinned = false, any = false;
	size_t i;

	if (am_facts_are_whole(s->row) && !am_facts_is_itself(s->row)) {
		add(o, NULL);
		return;
	}
	if (s->row->deed.flags & AM_EVENT_EXE_CUT) {
		add_all(s->space, AM_FACT_EXE, o);
		return;
	}
	for (i = 0; exe && *exe && i < s->space->n_values; i++) {
		const struct am_space_value *v = &s->space->values[i];

		if (v->kind != AM_FACT_EXE || strcmp(v->text, exe))
			continue;
		add(o, v);
		pinned |= v->sha256 != NULL;
		any |= !v->sha256;
	}
	if (!o->n || (pinned && !any))
		add(o, NULL);
}

/* Policies name an account or write its number; here they are two values, of which a task is
 * both, so that neither alone is the truth where both are there: then both are tried. */
static void options_account(struct search *s, enum am_fact kind, uint32_t number, const char *name,
			    struct options *o)
{
	const struct am_space_value *by_number, *by_name;
	char text[12];

	(void)snprintf(text, sizeof(text), "%u", number);
	by_number = am_space_value(s->space, kind, text, NULL);
	by_name = name && *name ? am_space_value(s->space, kind, name, NULL) : NULL;
	if (by_name && by_name != by_number)
		add(o, by_name);
	if (by_number || !by_name)
		add(o, by_number);
}

static void options_login(struct search *s, struct options *o)
{
	const struct am_row_actor *a = &s->row->actor;
	const char *name = a->login_user && *a->login_user ? a->login_user :
			   a->login == a->uid ? a->user : NULL;

	if (a->login == UINT32_MAX)
		add(o, NULL);
	else if (a->login && (!name || !*name))
		add_all(s->space, AM_FACT_LOGIN, o);	/* its name was not recorded */
	else
		options_account(s, AM_FACT_LOGIN, a->login, name, o);
}

static void options_script(struct search *s, struct options *o)
{
	const char *script = s->row->actor.script;
	unsigned flags = s->row->deed.flags;

	if (!am_facts_are_whole(s->row) || flags & (AM_EVENT_SCRIPT_LOST | AM_EVENT_SCRIPT_CUT))
		add_all(s->space, AM_FACT_SCRIPT, o);
	else if (am_facts_is_itself(s->row) && script && *script)
		add(o, am_space_value(s->space, AM_FACT_SCRIPT, script, NULL));
	else
		add(o, NULL);
}

static void options_purpose(struct search *s, struct options *o)
{
	const char *purpose = s->row->actor.purpose;

	if (!am_facts_are_whole(s->row))
		add_all(s->space, AM_FACT_PURPOSE, o);
	else if (purpose && *purpose)
		add(o, am_space_value(s->space, AM_FACT_PURPOSE, purpose, NULL));
	else
		add(o, NULL);
}

static bool names_group(const struct am_space_value *v, const struct am_group *group)
{
	char number[12];

	(void)snprintf(number, sizeof(number), "%u", group->gid);
	return !strcmp(v->text, number) || (group->name[0] && !strcmp(v->text, group->name));
}

static bool is_in_group(const struct am_row *row, const struct am_space_value *v)
{
	const char *text = row->actor.groups ? row->actor.groups : "";
	struct am_group group;

	while (am_groups_next(&text, &group))
		if (names_group(v, &group))
			return true;
	return false;
}

static void join_group(struct search *s, const struct am_space_value *v)
{
	if (s->who.n_groups < AM_GROUPS_MAX)
		s->who.groups[s->who.n_groups++] = (struct am_who_fact){ v, NULL };
}

/* Of old rows the effective one is known, by its number only. */
static void options_groups(struct search *s)
{
	bool whole = am_facts_are_whole(s->row);
	size_t i;

	for (i = 0; i < s->space->n_values; i++) {
		const struct am_space_value *v = &s->space->values[i];

		if (v->kind != AM_FACT_GROUP)
			continue;
		if (whole ? is_in_group(s->row, v) : v->number == s->row->actor.gid)
			join_group(s, v);
		else if (!whole || s->row->deed.flags & AM_EVENT_GROUPS_CUT)
			add(&s->groups, v);
	}
}

static bool is_around(const struct am_who *who, const struct am_space_value *v)
{
	unsigned i;

	for (i = 0; i < who->n_cgroups; i++)
		if (who->cgroups[i].value == v)
			return true;
	return false;
}

/* A path says all that is around it; a unit may lie in any slice, and in a user's manager. */
static void options_cgroups(struct search *s)
{
	const char *path = s->row->actor.cgroup_path;
	const char *unit = path && *path ? path : s->row->actor.unit;
	size_t i;

	if (unit && *unit)
		(void)am_who_say(s->space, &s->who, AM_FACT_CGROUP, unit); /* a full list is less */
	if (unit && *unit == '/')
		return;
	for (i = 0; i < s->space->n_values; i++) {
		const struct am_space_value *v = &s->space->values[i];

		if (v->kind != AM_FACT_CGROUP || is_around(&s->who, v))
			continue;
		if (!unit || !*unit || !v->is_unit || !strncmp(v->text, "user@", 5))
			add(&s->cgroups, v);
	}
}

static void gather(struct search *s)
{
	options_exe(s, &s->single[EXE]);
	options_account(s, AM_FACT_USER, s->row->actor.uid, s->row->actor.user, &s->single[USER]);
	options_login(s, &s->single[LOGIN]);
	options_purpose(s, &s->single[PURPOSE]);
	options_script(s, &s->single[SCRIPT]);
	options_groups(s);
	options_cgroups(s);
}

/* ---- one combination --------------------------------------------------------------------- */

/* Whether the policy of then makes of it what the kernel did. */
static bool fits(const struct search *s)
{
	const struct am_space *space = s->space;
	struct am_decision d;
	struct am_set mine, theirs;
	size_t i;

	if (space->n_policies == 1)
		return true;
	am_space_bits(space, 0, &s->who, &mine);
	am_facts_bits(s->row, &theirs);
	for (i = 0; i < space->models[0]->n_subjects; i++)
		if (am_set_has(&mine, i) != am_set_has(&theirs, i))
			return false;
	am_access_decide(space, 0, &s->accesses[0], &s->who, &d);
	return d.verdict == s->row->deed.verdict && d.reason == s->row->deed.reason;
}

static bool blocks(const struct am_decision *d)
{
	return d->verdict == AM_VERDICT_DENY && d->enforce;
}

static void try_who(struct search *s)
{
	unsigned last = s->space->n_policies - 1;
	struct am_decision d;

	s->many |= ++s->tried > AM_POINTS_MAX;
	if (s->many || !fits(s))
		return;
	am_access_decide(s->space, last, &s->accesses[last], &s->who, &d);
	if (!s->fitting++)
		s->found = (struct am_point){ s->who, d };
	s->differ |= d.verdict != s->found.decision.verdict || blocks(&d) != blocks(&s->found.decision);
}

/* ---- all of them ---------------------------------------------------------------------------- */

static void try_cgroups(struct search *s, unsigned chosen)
{
	unsigned before = s->who.n_cgroups, i;

	for (i = 0; i < s->cgroups.n; i++)
		if (chosen >> i & 1 && s->who.n_cgroups < AM_CGROUP_DEPTH)
			s->who.cgroups[s->who.n_cgroups++] =
				(struct am_who_fact){ s->cgroups.items[i], NULL };
	try_who(s);
	s->who.n_cgroups = before;
}

static void try_groups(struct search *s, unsigned chosen)
{
	unsigned before = s->who.n_groups, i;

	for (i = 0; i < s->groups.n; i++)
		if (chosen >> i & 1 && s->who.n_groups < AM_GROUPS_MAX)
			s->who.groups[s->who.n_groups++] =
				(struct am_who_fact){ s->groups.items[i], NULL };
	for (i = 0; i < 1u << s->cgroups.n && !s->many && !s->differ; i++)
		try_cgroups(s, i);
	s->who.n_groups = before;
}

static void try_single(struct search *s, unsigned at)
{
	unsigned i;

	if (at == SINGLES) {
		for (i = 0; i < 1u << s->groups.n && !s->many && !s->differ; i++)
			try_groups(s, i);
		return;
	}
	for (i = 0; i < s->single[at].n && !s->many && !s->differ; i++) {
		s->who.facts[kinds[at]].value = s->single[at].items[i];
		try_single(s, at + 1);
	}
}

static bool is_too_wide(const struct search *s)
{
	unsigned i;

	for (i = 0; i < SINGLES; i++)
		if (s->single[i].many)
			return true;
	return s->groups.n > SEVERAL || s->cgroups.n > SEVERAL || s->groups.many ||
	       s->cgroups.many;
}

enum am_pointed am_point_find(const struct am_space *space, const struct am_row *row,
			      const struct am_access *accesses, struct am_point *ret)
{
	struct search s = { .space = space, .row = row, .accesses = accesses };

	gather(&s);
	if (is_too_wide(&s))
		return AM_POINTED_TOO_MANY;
	try_single(&s, 0);
	/* A file that was replaced is not what its path says, and one that has several names may
	 * be in the policy by another. */
	if (!s.many && !s.fitting) {
		s.single[EXE] = s.single[SCRIPT] = (struct options){ .n = 0 };
		add_all(space, AM_FACT_EXE, &s.single[EXE]);
		add_all(space, AM_FACT_SCRIPT, &s.single[SCRIPT]);
		try_single(&s, 0);
	}
	if (s.many)
		return AM_POINTED_TOO_MANY;
	if (!s.fitting)
		return AM_POINTED_NOBODY;
	if (s.differ)
		return AM_POINTED_OPEN;
	*ret = s.found;
	return AM_POINTED_TOLD;
}
