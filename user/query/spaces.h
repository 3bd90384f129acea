/* SPDX-License-Identifier: GPL-2.0 */
/* Spaces of policies (policy/space.h), made when they are first asked for. A space takes some
 * MiB, and rows come in runs of one generation: so only the last few are kept. */
#pragma once

#include "policy/space.h"

enum { AM_SPACES = 4 };

struct am_spaces {
	struct {
		const struct am_model *model;	/* borrowed; NULL: the entry is free */
		struct am_space *space;		/* owned; NULL: it does not compile */
	} items[AM_SPACES];
	unsigned next;
	const struct am_model *second;	/* of each space; borrowed, or NULL */
};

/* The space of the model, and of `second` behind it; borrowed until AM_SPACES other models
 * were asked for; NULL if it does not compile any more. 0 or -ENOMEM. */
int am_spaces_get(struct am_spaces *s, const struct am_model *model, const struct am_space **ret);

void am_spaces_done(struct am_spaces *s);
