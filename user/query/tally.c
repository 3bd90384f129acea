// SPDX-License-Identifier: GPL-2.0
#include "query/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void am_tally_done(struct am_tally *t)
{
	free(t->items);
	free(t->slots);
	t->items = NULL;
	t->slots = NULL;
	t->n = t->n_slots = 0;
}

/* FNV-1a. */
static size_t hash_of(const void *key, size_t len)
{
	const unsigned char *p = key, *end = p + len;
	uint64_t h = 0xcbf29ce484222325;

	for (; p < end; p++)
		h = (h ^ *p) * 0x100000001b3;
	return h ^ h >> 32;
}

static uint32_t *slot_of(const struct am_tally *t, const void *key)
{
	size_t at = hash_of(key, t->key_size) & (t->n_slots - 1);

	while (t->slots[at] && memcmp(t->items + (size_t)(t->slots[at] - 1) * t->item_size, key,
				      t->key_size) != 0)
		at = (at + 1) & (t->n_slots - 1);
	return &t->slots[at];
}

static int make_slots(struct am_tally *t)
{
	size_t n = t->n_slots ? t->n_slots * 2 : 64, i;
	uint32_t *slots;

	if (t->n * 2 < t->n_slots)
		return 0;
	slots = calloc(n, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(t->slots);
	t->slots = slots;
	t->n_slots = n;
	for (i = 0; i < t->n; i++)
		*slot_of(t, t->items + i * t->item_size) = (uint32_t)i + 1;
	return 0;
}

static int append(struct am_tally *t, const void *item)
{
	char *items = am_array_room(t->items, t->n, t->item_size);

	if (!items)
		return -ENOMEM;
	t->items = items;
	memcpy(items + t->n++ * t->item_size, item, t->item_size);
	return 0;
}

int am_tally_add(struct am_tally *t, const void *item, uint32_t *ret)
{
	uint32_t *slot;
	int r = make_slots(t);

	if (r < 0)
		return r;
	slot = slot_of(t, item);
	if (!*slot && t->n == t->max) {
		t->left_out++;
		return -ENOSPC;
	}
	if (!*slot) {
		r = append(t, item);
		if (r < 0)
			return r;
		*slot = (uint32_t)t->n;
	}
	*ret = *slot - 1;
	return 0;
}

int am_tally_find(const struct am_tally *t, const void *key, uint32_t *ret)
{
	uint32_t *slot = t->n_slots ? slot_of(t, key) : NULL;

	if (!slot || !*slot)
		return -ENOENT;
	*ret = *slot - 1;
	return 0;
}
