/* SPDX-License-Identifier: GPL-2.0 */
/* The lists of a rule, in which one AM_RULE_EVERYTHING stands for all there are.
 * Private to policy/. */
#pragma once

#include "policy/model.h"

static inline size_t am_rule_count(const int *list, size_t n, size_t all)
{
	return n && list[0] == AM_RULE_EVERYTHING ? all : n;
}

static inline unsigned am_rule_item(const int *list, size_t i)
{
	return list[0] == AM_RULE_EVERYTHING ? i : (unsigned)list[i];
}

static inline bool am_rule_does(const struct am_model_rule *rule, unsigned op)
{
	return op <= AM_OP_USE && rule->ops >> op & 1;
}

static inline bool am_rule_speaks_of(const int *list, size_t n, unsigned index)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == AM_RULE_EVERYTHING || (unsigned)list[i] == index)
			return true;
	return false;
}
