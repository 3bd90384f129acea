/* SPDX-License-Identifier: GPL-2.0 */
/* The groups of a process as one text: `100:users,27:sudo,61003`, the effective one first,
 * each once; a number and the name, where there is one. As the ledger keeps them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

enum {
	AM_GROUP_NAME = 64,	/* room for a name with its NUL */
	AM_GROUPS_TEXT = 4096,	/* room for the text of any event */
};

struct am_group {
	uint32_t gid;
	char name[AM_GROUP_NAME];	/* empty: not known */
};

/* `name` may return NULL. What has no room is left out, and false returned. */
bool am_groups_text(const struct am_decoded *e, const char *(*name)(void *ctx, uint32_t gid),
		    void *ctx, char text[AM_GROUPS_TEXT]);

/* Takes the next group from *text, and moves it on; false at the end, or where it is no such
 * text. */
bool am_groups_next(const char **text, struct am_group *ret);
