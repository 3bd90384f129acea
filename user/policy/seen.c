// SPDX-License-Identifier: GPL-2.0
#include "policy/seen.h"

#include <stdio.h>
#include <string.h>

#include "policy/set.h"

/* ---- from the kernel's sets --------------------------------------------------- */

static void add_atom(struct am_seen *seen, enum am_fact kind, const char *text)
{
	for (size_t i = 0; i < seen->n_atoms; i++)
		if (seen->atoms[i].kind == kind && !strcmp(seen->atoms[i].text, text))
			return;
	/* Beyond that the point is not whole, which am_who_is() tells. */
	if (seen->n_atoms < AM_SEEN_ATOMS)
		seen->atoms[seen->n_atoms++] = (struct am_seen_atom){ kind, text };
}

void am_seen_infer(struct am_seen *seen, const struct am_view *view, const struct am_set *bits)
{
	for (size_t i = 0; i < view->model->n_subjects; i++) {
		if (!am_set_has(bits, i))
			continue;
		for (enum am_fact kind = AM_FACT_EXE; kind < AM_FACT_PORT; kind++) {
			const char *atom = am_subject_atom(&view->model->subjects[i], kind);

			if (atom)
				add_atom(seen, kind, atom);
		}
	}
}

bool am_who_is(const struct am_view *view, const struct am_who *who, const struct am_set *bits)
{
	struct am_set mine;

	am_space_bits(view->space, 0, who, &mine);
	for (size_t i = 0; i < view->model->n_subjects; i++)
		if (am_set_has(&mine, i) != am_set_has(bits, i))
			return false;
	return true;
}

/* ---- numbers of the host ------------------------------------------------------ */

/* The words by which some subject of the policy means this number. */
static const char *account_atom(const struct am_view *view, enum am_fact kind, uint32_t number)
{
	const struct am_set *set = am_image_fact_set(view->image, kind, number);

	for (size_t i = 0; i < view->model->n_subjects; i++) {
		const char *atom = am_subject_atom(&view->model->subjects[i], kind);

		if (atom && am_set_has(set, i))
			return atom;
	}
	return NULL;
}

static struct am_who_fact account(const struct am_view *view, enum am_fact kind, uint32_t number,
				  const char *said)
{
	const char *atom = account_atom(view, kind, number);

	return (struct am_who_fact){
		.value = atom ? am_space_value(view->space, kind, atom, NULL) : NULL,
		.said = said,
	};
}

static void add_group(struct am_who *who, struct am_who_fact fact)
{
	for (unsigned i = 0; i < who->n_groups; i++)
		if (who->groups[i].value == fact.value)
			return;
	if (fact.value && who->n_groups < AM_GROUPS_MAX)
		who->groups[who->n_groups++] = fact;
}

/* Those that the policy speaks of; a process has many that nobody asks about. */
static void meet_groups(const struct am_seen *seen, const struct am_view *view, struct am_who *who)
{
	for (size_t i = 0; i < seen->n_gids; i++)
		add_group(who, account(view, AM_FACT_GROUP, seen->gids[i], NULL));
}

static bool is_around(const struct am_who *who, const struct am_space_value *v)
{
	for (unsigned i = 0; i < who->n_cgroups; i++)
		if (who->cgroups[i].value == v)
			return true;
	return false;
}

static void meet_atom(const struct am_view *view, const struct am_seen_atom *atom,
		      struct am_who *who)
{
	struct am_who_fact fact = { am_space_value(view->space, atom->kind, atom->text, NULL),
				    NULL };

	if (!fact.value)
		return;
	if (atom->kind == AM_FACT_GROUP)
		add_group(who, fact);
	else if (atom->kind != AM_FACT_CGROUP)
		who->facts[atom->kind] = fact;
	else if (!is_around(who, fact.value))	/* a full list makes it less, never more */
		(void)am_who_say(view->space, who, atom->kind, atom->text);
}

static void write_numbers(struct am_seen *seen)
{
	snprintf(seen->uid_text, sizeof(seen->uid_text), "%u", seen->uid);
	snprintf(seen->login_text, sizeof(seen->login_text), "%u", seen->login);
}

void am_seen_who(struct am_seen *seen, const struct am_view *view, struct am_who *ret)
{
	*ret = (struct am_who){ 0 };
	write_numbers(seen);
	if (seen->exe)
		(void)am_who_say(view->space, ret, AM_FACT_EXE, seen->exe);
	ret->facts[AM_FACT_USER] = account(view, AM_FACT_USER, seen->uid,
					   seen->user ? seen->user : seen->uid_text);
	if (seen->login != UINT32_MAX)
		ret->facts[AM_FACT_LOGIN] = account(view, AM_FACT_LOGIN, seen->login,
						    seen->login_name ? seen->login_name
								     : seen->login_text);
	meet_groups(seen, view, ret);
	if (seen->cgroup)	/* a full list of them makes the task less, never more */
		(void)am_who_say(view->space, ret, AM_FACT_CGROUP, seen->cgroup);
	if (seen->purpose)
		(void)am_who_say(view->space, ret, AM_FACT_PURPOSE, seen->purpose);
	if (seen->script)
		(void)am_who_say(view->space, ret, AM_FACT_SCRIPT, seen->script);
	for (size_t i = 0; i < seen->n_atoms; i++)
		meet_atom(view, &seen->atoms[i], ret);
}
