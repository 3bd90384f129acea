/* SPDX-License-Identifier: GPL-2.0 */
/* Rules and invariants in their canonical words (canon.h): written out of what they mean,
 * so that two that mean the same read the same. */
#pragma once

#include "policy/model.h"

/* *ret is the caller's. 0 or -ENOMEM. */
int am_sentence_rule(const struct am_model *m, const struct am_model_rule *rule, char **ret);
int am_sentence_invariant(const struct am_model *m, const struct am_model_invariant *inv,
			  char **ret);
