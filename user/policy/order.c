// SPDX-License-Identifier: GPL-2.0
#include "policy/order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Where each was, and where it comes to be. */
struct map {
	unsigned *places;	/* owned: by the place before */
	size_t n;
};

static void drop_map(struct map *m)
{
	free(m->places);
}

struct named {
	const char *name;
	unsigned before;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

/* Of `n` items of `size` bytes that begin with the pointer to their name. */
static int make_map(const void *items, size_t n, size_t size, struct map *ret)
{
	am_autofree struct named *order = calloc(n + 1, sizeof(*order));

	ret->n = n;
	ret->places = calloc(n + 1, sizeof(*ret->places));
	if (!order || !ret->places)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		memcpy(&order[i].name, (const char *)items + i * size, sizeof(order[i].name));
		order[i].before = (unsigned)i;
	}
	qsort(order, n, sizeof(*order), by_name);
	for (size_t i = 0; i < n; i++)
		ret->places[order[i].before] = (unsigned)i;
	return 0;
}

static void move(void *items, size_t size, const struct map *map, void *room)
{
	for (size_t i = 0; i < map->n; i++)
		memcpy((char *)room + map->places[i] * size, (const char *)items + i * size, size);
	if (map->n)
		memcpy(items, room, map->n * size);
}

/* Numbers below `first` are not of the model: everything, anybody, zones that every policy has. */
static void renumber(int *list, size_t n, int first, const struct map *map)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] >= first)
			list[i] = first + (int)map->places[list[i] - first];
}

_Static_assert(offsetof(struct am_model_subject, name) == 0, "see make_map()");
_Static_assert(offsetof(struct am_model_zone, name) == 0, "see make_map()");
_Static_assert(offsetof(struct am_model_store, name) == 0, "see make_map()");

struct maps {
	struct map subjects, zones, stores;
};

static void renumber_all(struct am_model *m, const struct maps *maps)
{
	for (size_t i = 0; i < m->n_rules; i++) {
		struct am_model_rule *r = &m->rules[i];

		renumber(&r->subject, 1, 0, &maps->subjects);
		renumber(r->stores, r->n_stores, 0, &maps->stores);
		renumber(r->zones, r->n_zones, AM_ZONE_FIRST_USER, &maps->zones);
	}
	for (size_t i = 0; i < m->n_invariants; i++) {
		struct am_model_invariant *v = &m->invariants[i];

		renumber(v->subjects, v->n_subjects, 0, &maps->subjects);
		renumber(v->stores, v->n_stores, 0, &maps->stores);
		renumber(v->zones, v->n_zones, AM_ZONE_FIRST_USER, &maps->zones);
	}
}

static size_t room_for(const struct am_model *m)
{
	size_t n = m->n_subjects * sizeof(*m->subjects), zones = m->n_zones * sizeof(*m->zones),
	       stores = m->n_stores * sizeof(*m->stores);

	n = zones > n ? zones : n;
	return (stores > n ? stores : n) + 1;
}

static int order(struct am_model *m, struct maps *maps)
{
	am_autofree void *room = malloc(room_for(m));

	if (!room || make_map(m->subjects, m->n_subjects, sizeof(*m->subjects), &maps->subjects) ||
	    make_map(m->zones, m->n_zones, sizeof(*m->zones), &maps->zones) ||
	    make_map(m->stores, m->n_stores, sizeof(*m->stores), &maps->stores))
		return -ENOMEM;
	/* From here on nothing fails. */
	move(m->subjects, sizeof(*m->subjects), &maps->subjects, room);
	move(m->zones, sizeof(*m->zones), &maps->zones, room);
	move(m->stores, sizeof(*m->stores), &maps->stores, room);
	renumber_all(m, maps);
	return 0;
}

int am_model_order(struct am_model *m)
{
	struct maps maps = { .subjects = { .n = 0 } };
	int err = order(m, &maps);

	drop_map(&maps.subjects);
	drop_map(&maps.zones);
	drop_map(&maps.stores);
	return err;
}
