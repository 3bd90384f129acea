/* SPDX-License-Identifier: GPL-2.0 */
/* Rows counted by some of their fields: how many accesses, how many of them refused, when first
 * and when last, and how much was handed to sends. */
#pragma once

#include "base/cleanup.h"
#include "query/field.h"
#include "query/handed.h"

enum {
	AM_SUM_FIELDS_MAX = 8,
	AM_SUM_GROUPS_MAX = 1 << 20,	/* more are counted as left out */
};

struct am_sum_group {
	uint32_t values[AM_SUM_FIELDS_MAX];	/* the key: of each field its text, am_sum_text() */
	uint64_t accesses;	/* a repeat counts as many as it stands for */
	uint64_t refused;	/* blocked, or what would have been */
	int64_t first_ns;
	int64_t last_ns;
	uint64_t sends;		/* of `accesses`, that were not blocked */
	struct am_handed handed;	/* to these */
};

struct am_sum;

/* The fields named in `by`, "user,store". *ret is owned. 0; -EINVAL, and *ret_bad is the place
 * in `by` of a name that is none, or of one too many; -ENOMEM. */
int am_sum_new(const char *by, const char **ret_bad, struct am_sum **ret);

/* Borrowed. */
const struct am_field *const *am_sum_fields(const struct am_sum *s, size_t *ret_n);

/* 0 or -ENOMEM. Gaps and marks are no accesses: passed over. */
int am_sum_add(struct am_sum *s, const struct am_row *row);

/* Most accesses first. Borrowed; nothing may be added afterwards. */
const struct am_sum_group *am_sum_groups(struct am_sum *s, size_t *ret_n);

/* The text of a value, "" for none. Borrowed. */
const char *am_sum_text(const struct am_sum *s, uint32_t value);

/* Rows that found no group and no room for one. */
uint64_t am_sum_left_out(const struct am_sum *s);

void am_sum_free(struct am_sum *s);
AM_DEFINE_AUTO(am_sum);
