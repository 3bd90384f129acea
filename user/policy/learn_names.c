// SPDX-License-Identifier: GPL-2.0
/* Names for what is new in a lesson. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/lesson.h"
#include "policy/reader.h"

enum { NAME_ROOM = 48 };	/* of AM_NAME_LEN_MAX: a number may follow */

/* Characters of names only, at most NAME_ROOM of them. */
static void clean(const char *text, char ret[NAME_ROOM + 1])
{
	size_t len = 0;

	for (; *text && len < NAME_ROOM; text++) {
		bool good = isascii((unsigned char)*text) && isalnum((unsigned char)*text);

		if (good || (len && (*text == '.' || *text == '_' || *text == '-')))
			ret[len++] = *text;
		else if (len && ret[len - 1] != '-')
			ret[len++] = '-';
	}
	while (len && !isalnum((unsigned char)ret[len - 1]))
		len--;
	ret[len] = '\0';
}

static bool has_name(const struct am_lesson *l, const char *name)
{
	for (enum am_named named = AM_NAMED_LABEL; named < AM_NAMED_POLICY; named++)
		if (am_model_find(l->view->model, named, name) >= 0)
			return true;
	for (size_t i = 0; i < l->n_subjects; i++)
		if (l->subjects[i].name && !strcmp(l->subjects[i].name, name))
			return true;
	for (size_t i = 0; i < l->n_zones; i++)
		if (l->zones[i].name && !strcmp(l->zones[i].name, name))
			return true;
	return false;
}

int am_lesson_name(const struct am_lesson *l, const char *wish, char **ret)
{
	char base[NAME_ROOM + 1], name[NAME_ROOM + 16];

	clean(wish, base);
	snprintf(name, sizeof(name), "%s", base[0] ? base : "learned");
	for (unsigned n = 2; has_name(l, name); n++)
		snprintf(name, sizeof(name), "%s-%u", base[0] ? base : "learned", n);
	*ret = strdup(name);
	return *ret ? 0 : -ENOMEM;
}

/* The dash keeps it from being a word of the language. */
static int name_subject(struct am_lesson *l, struct am_lesson_subject *s)
{
	char wish[2 * NAME_ROOM], user[16];
	int unit = s->unit ? (int)(strlen(s->unit) - strlen(".service")) : 0;
	const char *program = am_learn_base_name(s->script ? s->script : s->exe);
	const char *who = s->n_users ? NULL : s->user;

	if (s->known >= 0) {
		s->name = strdup(l->view->model->subjects[s->known].name);
		return s->name ? 0 : -ENOMEM;
	}
	snprintf(user, sizeof(user), "%u", s->n_users ? s->groups[0].gid : s->uid);
	if (s->n_users && s->groups[0].name[0])
		who = s->groups[0].name;
	snprintf(wish, sizeof(wish), "%.24s-%.23s", program,
		 who && am_learn_is_plain(who) ? who : user);
	if (s->unit && strncmp(s->unit, program, unit))
		snprintf(wish, sizeof(wish), "%.*s-%.23s", unit > 24 ? 24 : unit, s->unit, program);
	return am_lesson_name(l, wish, &s->name);
}

int am_lesson_name_subjects(struct am_lesson *l)
{
	int r = 0;

	for (size_t i = 0; !r && i < l->n_subjects; i++)
		if (!l->subjects[i].dropped)
			r = name_subject(l, &l->subjects[i]);
	return r;
}
