// SPDX-License-Identifier: GPL-2.0
#include "query/spaces.h"

#include <errno.h>

static int make(const struct am_spaces *s, const struct am_model *model, struct am_space **ret)
{
	const struct am_model *models[] = { model, s->second };
	struct am_diags diags;
	int err;

	am_diags_init(&diags);	/* it did compile, when it came into force */
	err = am_space_new(models, s->second ? 2 : 1, NULL, &diags, ret);
	am_diags_done(&diags);
	if (err == -EINVAL)
		*ret = NULL;
	return err == -EINVAL ? 0 : err;
}

int am_spaces_get(struct am_spaces *s, const struct am_model *model, const struct am_space **ret)
{
	struct am_space *space = NULL;
	unsigned i;
	int err;

	for (i = 0; i < AM_SPACES; i++) {
		if (s->items[i].model != model)
			continue;
		*ret = s->items[i].space;
		return 0;
	}
	err = make(s, model, &space);
	if (err)
		return err;
	i = s->next++ % AM_SPACES;
	am_space_free(s->items[i].space);
	s->items[i].model = model;
	s->items[i].space = space;
	*ret = space;
	return 0;
}

void am_spaces_done(struct am_spaces *s)
{
	unsigned i;

	for (i = 0; i < AM_SPACES; i++)
		am_space_free(s->items[i].space);
	*s = (struct am_spaces){ .next = 0 };
}
