// SPDX-License-Identifier: GPL-2.0
#include "policy/region.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "policy/path.h"

enum { UNSAID = -2 };

static int by_path(const void *a, const void *b)
{
	const struct am_region *x = a, *y = b;

	return am_path_compare(x->path, y->path);
}

static int collect_regions(const struct am_space *space, struct am_regions *ret)
{
	for (unsigned p = 0; p < space->n_policies; p++) {
		const struct am_model *m = space->models[p];

		for (size_t i = 0; i < m->n_stores; i++) {
			for (size_t j = 0; j < m->stores[i].n_paths; j++) {
				struct am_region new = { m->stores[i].paths[j].path,
						      { UNSAID, UNSAID } };

				new.store[p] = i;
				if (AM_APPEND(ret->items, ret->count, new))
					return -ENOMEM;
			}
		}
	}
	return 0;
}

static void merge_equal(struct am_regions *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->count; i++) {
		struct am_region *last = kept ? &r->items[kept - 1] : NULL;

		if (!last || strcmp(last->path, r->items[i].path)) {
			r->items[kept++] = r->items[i];
			continue;
		}
		for (unsigned p = 0; p < AM_SPACE_POLICIES; p++)
			if (r->items[i].store[p] != UNSAID)
				last->store[p] = r->items[i].store[p];
	}
	r->count = kept;
}

/* What a policy does not say of a path it says of the nearest one around it. In order, that
 * is the one before, or one around that one. */
static int inherit_stores(struct am_regions *r)
{
	am_autofree size_t *outer = calloc(r->count + 1, sizeof(*outer));

	if (!outer)
		return -ENOMEM;
	for (size_t i = 0; i < r->count; i++) {
		size_t o = i;

		/* outer[] is one more than the index, 0 for none. */
		while (o && !am_path_is_below(r->items[i].path, r->items[o - 1].path))
			o = outer[o - 1];
		outer[i] = o;
		for (unsigned p = 0; p < AM_SPACE_POLICIES; p++)
			if (r->items[i].store[p] == UNSAID)
				r->items[i].store[p] = o ? r->items[o - 1].store[p] : -1;
	}
	return 0;
}

/* Each pair of stores once, with the first path that belongs to both. */
static void drop_repeated(struct am_regions *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->count; i++) {
		size_t j = 0;

		while (j < kept && memcmp(r->items[j].store, r->items[i].store,
					  sizeof(r->items[i].store)))
			j++;
		if (j == kept)
			r->items[kept++] = r->items[i];
	}
	r->count = kept;
}

int am_regions_list(const struct am_space *space, struct am_regions *ret)
{
	int err = collect_regions(space, ret);

	if (err)
		return err;
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_path);
	merge_equal(ret);
	err = inherit_stores(ret);
	if (!err)
		drop_repeated(ret);
	return err;
}

static const char *store_name(const struct am_space *space, const struct am_region *r, unsigned p)
{
	return r->store[p] < 0 ? NULL : space->models[p]->stores[r->store[p]].name;
}

char *am_region_text(const struct am_space *space, const struct am_region *r)
{
	const char *before = store_name(space, r, AM_BEFORE), *after = store_name(space, r, AM_AFTER);
	char *text = NULL;
	int n;

	if (before && after && !strcmp(before, after))
		return strdup(before);
	if (!before)
		n = asprintf(&text, "%s (new, %s)", after, r->path);
	else if (!after)
		n = asprintf(&text, "%s (of %s, now in no store)", r->path, before);
	else
		n = asprintf(&text, "%s (of %s, now in %s)", r->path, before, after);
	return n < 0 ? NULL : text;
}
