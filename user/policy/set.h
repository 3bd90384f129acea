/* SPDX-License-Identifier: GPL-2.0 */
/* What user space does to sets of subjects and zones beyond decide.h. Private to policy/. */
#pragma once

#include "decide.h"

static inline void am_set_add(struct am_set *set, unsigned bit)
{
	set->w[bit / 64 % AM_SET_WORDS] |= 1ULL << (bit % 64);
}

static inline unsigned am_set_count(const struct am_set *set)
{
	unsigned n = 0;

	for (unsigned i = 0; i < AM_SET_WORDS; i++)
		n += __builtin_popcountll(set->w[i]);
	return n;
}
