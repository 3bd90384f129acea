// SPDX-License-Identifier: GPL-2.0
#include "query/sum.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "query/pool.h"
#include "query/tally.h"

struct am_sum {
	const struct am_field *fields[AM_SUM_FIELDS_MAX];
	size_t n_fields;
	struct am_pool texts;
	struct am_tally groups;
	uint64_t left_out;
};

int am_sum_new(const char *by, const char **ret_bad, struct am_sum **ret)
{
	am_auto(am_sum) struct am_sum *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->groups = AM_TALLY(struct am_sum_group, sizeof(((struct am_sum_group *)0)->values),
			     AM_SUM_GROUPS_MAX);
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

/* 0; -ENOSPC; -ENOMEM. */
static int find_group(struct am_sum *s, const struct am_row *row, uint32_t *ret)
{
	struct am_sum_group group = { .first_ns = row->wall_ns, .last_ns = row->wall_ns };
	uint64_t before = s->texts.left_out;
	char made[AM_FIELD_TEXT_MAX];
	size_t i;
	int r = 0;

	for (i = 0; !r && i < s->n_fields; i++)
		r = am_pool_add(&s->texts, am_field_text(s->fields[i], row, made), &group.values[i]);
	/* A text without room is not the empty one. */
	if (!r && s->texts.left_out != before)
		r = -ENOSPC;
	return r ? r : am_tally_add(&s->groups, &group, ret);
}

int am_sum_add(struct am_sum *s, const struct am_row *row)
{
	uint64_t accesses = row->deed.kind == AM_EVENT_REPEAT ? row->count : 1;
	struct am_sum_group *g;
	uint32_t i;
	int r;

	if (row->deed.kind >= AM_EVENT_MAX_ || row->deed.kind == AM_EVENT_PROCESS)
		return 0;
	r = find_group(s, row, &i);
	if (r == -ENOSPC)
		s->left_out++;
	if (r)
		return r == -ENOSPC ? 0 : r;
	g = AM_TALLY_AT(&s->groups, struct am_sum_group, i);
	g->accesses += accesses;
	if (row->deed.verdict == AM_VERDICT_DENY)
		g->refused += accesses;
	if (row->deed.op == AM_OP_SEND && !(row->deed.flags & AM_EVENT_BLOCKED)) {
		g->sends += accesses;
		am_handed_add(&g->handed, row);
	}
	if (row->wall_ns < g->first_ns)
		g->first_ns = row->wall_ns;
	if (row->wall_ns > g->last_ns)
		g->last_ns = row->wall_ns;
	return 0;
}

static int by_accesses(const void *a, const void *b)
{
	const struct am_sum_group *x = a, *y = b;

	if (x->accesses != y->accesses)
		return x->accesses < y->accesses ? 1 : -1;
	if (x->first_ns != y->first_ns)
		return x->first_ns < y->first_ns ? -1 : 1;
	return memcmp(x->values, y->values, sizeof(x->values));	/* the same order each time */
}

const struct am_sum_group *am_sum_groups(struct am_sum *s, size_t *ret_n)
{
	*ret_n = s->groups.n;
	if (s->groups.n)
		qsort(s->groups.items, s->groups.n, sizeof(struct am_sum_group), by_accesses);
	return AM_TALLY_AT(&s->groups, struct am_sum_group, 0);
}

const char *am_sum_text(const struct am_sum *s, uint32_t value)
{
	return am_pool_text(&s->texts, value);
}

uint64_t am_sum_left_out(const struct am_sum *s)
{
	return s->left_out;
}

void am_sum_free(struct am_sum *s)
{
	if (!s)
		return;
	am_tally_done(&s->groups);
	am_pool_done(&s->texts);
	free(s);
}
