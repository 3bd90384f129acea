/* SPDX-License-Identifier: GPL-2.0 */
/* What user space does to sets of subjects and zones beyond decide.h. Private to policy/. */
#pragma once

#include <stdbool.h>

#include "decide.h"

/* Each member of `set` (a pointer), in order. */
#define AM_SET_EACH(bit, set)                                                \
	for (unsigned bit = am_set_next((set), 0); bit < AM_SUBJECTS_MAX;    \
	     bit = am_set_next((set), bit + 1))

static inline void am_set_add(struct am_set *set, unsigned bit)
{
	set->w[bit / 64 % AM_SET_WORDS] |= 1ULL << (bit % 64);
}

static inline void am_set_drop(struct am_set *set, unsigned bit)
{
	set->w[bit / 64 % AM_SET_WORDS] &= ~(1ULL << (bit % 64));
}

static inline unsigned am_set_count(const struct am_set *set)
{
	unsigned n = 0;

	for (unsigned i = 0; i < AM_SET_WORDS; i++)
		n += __builtin_popcountll(set->w[i]);
	return n;
}

/* The first member from `bit` on; AM_SUBJECTS_MAX if there is none. */
static inline unsigned am_set_next(const struct am_set *set, unsigned bit)
{
	for (; bit < AM_SUBJECTS_MAX; bit = (bit / 64 + 1) * 64) {
		__u64 rest = set->w[bit / 64] >> (bit % 64);

		if (rest)
			return bit + __builtin_ctzll(rest);
	}
	return AM_SUBJECTS_MAX;
}

static inline bool am_set_contains(const struct am_set *set, const struct am_set *part)
{
	for (unsigned i = 0; i < AM_SET_WORDS; i++)
		if (part->w[i] & ~set->w[i])
			return false;
	return true;
}
