// SPDX-License-Identifier: GPL-2.0
#include "event/groups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct writer {
	char *text;
	size_t len;
	bool whole;
};

/* A comma or colon in a name would make it two: then the number has to do. */
static bool is_plain(const char *name)
{
	return name && *name && strlen(name) < AM_GROUP_NAME && !strpbrk(name, ",:");
}

static void write_group(struct writer *w, uint32_t gid, const char *name)
{
	size_t room = AM_GROUPS_TEXT - w->len;
	bool named = is_plain(name);
	int n = snprintf(w->text + w->len, room, "%s%u%s%s", w->len ? "," : "", gid,
			 named ? ":" : "", named ? name : "");

	if ((size_t)n < room) {
		w->len += (size_t)n;
		return;
	}
	w->text[w->len] = '\0';
	w->whole = false;
}

static bool is_among(const struct am_decoded *e, unsigned before, uint32_t gid)
{
	for (unsigned i = 0; i < before; i++)
		if (e->groups[i] == gid)
			return true;
	return gid == e->raw.gid;
}

bool am_groups_text(const struct am_decoded *e, const char *(*name)(void *ctx, uint32_t gid),
		    void *ctx, char text[AM_GROUPS_TEXT])
{
	struct writer w = { .text = text, .whole = true };

	text[0] = '\0';
	write_group(&w, e->raw.gid, name(ctx, e->raw.gid));
	for (unsigned i = 0; i < e->n_groups; i++)
		if (!is_among(e, i, e->groups[i]))
			write_group(&w, e->groups[i], name(ctx, e->groups[i]));
	return w.whole;
}

bool am_groups_next(const char **text, struct am_group *ret)
{
	char *end;
	unsigned long gid;
	size_t len;

	if (**text < '0' || **text > '9')
		return false;
	gid = strtoul(*text, &end, 10);
	ret->gid = gid > UINT32_MAX ? UINT32_MAX : (uint32_t)gid;
	ret->name[0] = '\0';
	if (*end == ':') {
		len = strcspn(++end, ",");
		(void)snprintf(ret->name, sizeof(ret->name), "%.*s", (int)len, end);
		end += len;
	}
	if (*end && *end != ',')
		return false;
	*text = end + (*end == ',');
	return true;
}
