// SPDX-License-Identifier: GPL-2.0
#include "query/sum.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "base/array.h"
#include "ledger/format.h"

struct am_sum {
	const struct am_field *fields[AM_SUM_FIELDS_MAX];
	size_t n_fields;
	struct am_sum_group *groups;	/* owned */
	size_t n_groups;
	uint32_t *slots;		/* owned: index + 1, 0 = free; twice the groups at least */
	size_t n_slots;			/* a power of two */
	uint64_t left_out;
};

int am_sum_new(const char *by, const char **ret_bad, struct am_sum **ret)
{
	am_auto(am_sum) struct am_sum *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	do {
		size_t len = strcspn(by, ",");

		*ret_bad = by;
		if (s->n_fields == AM_SUM_FIELDS_MAX)
			return -EINVAL;
		s->fields[s->n_fields] = am_field_find(by, len);
		if (!s->fields[s->n_fields++])
			return -EINVAL;
		by += len;
	} while (*by++ == ',');
	*ret = AM_TAKE_PTR(s);
	return 0;
}

const struct am_field *const *am_sum_fields(const struct am_sum *s, size_t *ret_n)
{
	*ret_n = s->n_fields;
	return s->fields;
}

/* ---- finding a group ------------------------------------------------------------ */

struct values {
	const char *texts[AM_SUM_FIELDS_MAX];
	char made[AM_SUM_FIELDS_MAX][AM_FIELD_TEXT_MAX];
};

static void read_values(const struct am_sum *s, const struct am_row *row, struct values *ret)
{
	size_t i;

	for (i = 0; i < s->n_fields; i++)
		ret->texts[i] = am_field_text(s->fields[i], row, ret->made[i]);
}

/* FNV-1a, with the NUL of each text. */
static uint64_t hash_of(const struct am_sum *s, const char *const *texts)
{
	uint64_t h = 0xcbf29ce484222325;
	size_t i;

	for (i = 0; i < s->n_fields; i++) {
		const char *p = texts[i];

		do
			h = (h ^ (unsigned char)*p) * 0x100000001b3;
		while (*p++);
	}
	return h ^ h >> 32;
}

static bool is_group(const struct am_sum *s, const struct am_sum_group *g,
		     const char *const *texts)
{
	size_t i;

	for (i = 0; i < s->n_fields; i++)
		if (strcmp(g->values[i], texts[i]) != 0)
			return false;
	return true;
}

static uint32_t *slot_of(const struct am_sum *s, const char *const *texts)
{
	size_t at = hash_of(s, texts) & (s->n_slots - 1);

	while (s->slots[at] && !is_group(s, &s->groups[s->slots[at] - 1], texts))
		at = (at + 1) & (s->n_slots - 1);
	return &s->slots[at];
}

static int make_room(struct am_sum *s)
{
	size_t n = s->n_slots ? s->n_slots * 2 : 64, i;
	uint32_t *slots;

	if (s->n_groups * 2 < s->n_slots)
		return 0;
	slots = calloc(n, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(s->slots);
	s->slots = slots;
	s->n_slots = n;
	for (i = 0; i < s->n_groups; i++)
		*slot_of(s, (const char *const *)s->groups[i].values) = (uint32_t)i + 1;
	return 0;
}

static void done_group(const struct am_sum *s, struct am_sum_group *g)
{
	size_t i;

	for (i = 0; g->values && i < s->n_fields; i++)
		free(g->values[i]);
	free(g->values);
}

static int add_group(struct am_sum *s, uint32_t *slot, const char *const *texts, int64_t wall_ns)
{
	struct am_sum_group g = { .values = calloc(s->n_fields, sizeof(*g.values)),
				  .first_ns = wall_ns, .last_ns = wall_ns };
	int r = g.values ? 0 : -ENOMEM;
	size_t i;

	for (i = 0; !r && i < s->n_fields; i++) {
		g.values[i] = strdup(texts[i]);
		r = g.values[i] ? 0 : -ENOMEM;
	}
	if (!r)
		r = AM_APPEND(s->groups, s->n_groups, g);
	if (r)
		done_group(s, &g);
	else
		*slot = (uint32_t)s->n_groups;
	return r;
}

int am_sum_add(struct am_sum *s, const struct am_row *row)
{
	struct am_sum_group *g;
	struct values values;
	uint64_t accesses;
	uint32_t *slot;

	if (row->deed.kind >= AM_EVENT_MAX_)
		return 0;
	if (make_room(s) < 0)
		return -ENOMEM;
	read_values(s, row, &values);
	slot = slot_of(s, values.texts);
	if (!*slot && s->n_groups == AM_SUM_GROUPS_MAX) {
		s->left_out++;
		return 0;
	}
	if (!*slot && add_group(s, slot, values.texts, row->wall_ns) < 0)
		return -ENOMEM;
	g = &s->groups[*slot - 1];
	accesses = row->deed.kind == AM_EVENT_REPEAT ? row->count : 1;
	g->accesses += accesses;
	if (row->deed.verdict == AM_VERDICT_DENY)
		g->refused += accesses;
	if (row->wall_ns < g->first_ns)
		g->first_ns = row->wall_ns;
	if (row->wall_ns > g->last_ns)
		g->last_ns = row->wall_ns;
	return 0;
}

/* ---- the answer ------------------------------------------------------------------- */

static int by_accesses(const void *a, const void *b)
{
	const struct am_sum_group *x = a, *y = b;
	int r = 0;
	size_t i;

	if (x->accesses != y->accesses)
		return x->accesses < y->accesses ? 1 : -1;
	if (x->first_ns != y->first_ns)
		return x->first_ns < y->first_ns ? -1 : 1;
	/* Two groups differ in some value. */
	for (i = 0; !r; i++)
		r = strcmp(x->values[i], y->values[i]);
	return r;
}

const struct am_sum_group *am_sum_groups(struct am_sum *s, size_t *ret_n)
{
	if (s->n_groups)
		qsort(s->groups, s->n_groups, sizeof(*s->groups), by_accesses);
	*ret_n = s->n_groups;
	return s->groups;
}

uint64_t am_sum_left_out(const struct am_sum *s)
{
	return s->left_out;
}

void am_sum_free(struct am_sum *s)
{
	size_t i;

	if (!s)
		return;
	for (i = 0; i < s->n_groups; i++)
		done_group(s, &s->groups[i]);
	free(s->groups);
	free(s->slots);
	free(s);
}
