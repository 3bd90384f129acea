/* SPDX-License-Identifier: GPL-2.0 */
/* Names in the order of their bytes, each with the place that it has elsewhere. Private
 * to policy/. */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "policy/reader.h"

struct am_sorted_item {
	const char *name;	/* borrowed */
	size_t index;
};

struct am_sorted {
	struct am_sorted_item *items;	/* owned */
	size_t count;
};

static inline void am_sorted_done(struct am_sorted *s)
{
	free(s->items);
}
#define am_autosorted __attribute__((cleanup(am_sorted_done)))

/* 0 or -ENOMEM. */
static inline int am_sorted_add(struct am_sorted *s, const char *name, size_t index)
{
	struct am_sorted_item item = { name, index };

	return AM_APPEND(s->items, s->count, item);
}

static inline int am_sorted_compare_(const void *a, const void *b)
{
	const struct am_sorted_item *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static inline void am_sorted_sort(struct am_sorted *s)
{
	if (s->count)
		qsort(s->items, s->count, sizeof(*s->items), am_sorted_compare_);
}

/* All that the policy has of a kind. 0 or -ENOMEM. */
static inline int am_sorted_named(struct am_sorted *s, const struct am_model *m,
				  enum am_named named)
{
	for (size_t i = 0; i < am_model_count(m, named); i++)
		if (am_sorted_add(s, am_model_name(m, named, i), i))
			return -ENOMEM;
	am_sorted_sort(s);
	return 0;
}
