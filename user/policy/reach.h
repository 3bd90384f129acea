/* SPDX-License-Identifier: GPL-2.0 */
/* What a policy's rules come to: rules that change no verdict, rules that say the
 * opposite of one another, stores that nobody can read. Decided over the whole space of
 * facts (space.h), so a warning is a proof, and what is not warned of has an effect.
 *
 * A deny that keeps out only whom no rule lets in is no finding: it has refusals told by
 * name, which is why it is written. */
#pragma once

#include "policy/model.h"

/* Adds warnings. 0, also for a model that does not compile, of which the compiler will
 * speak; -ENOMEM. */
int am_reach_check(const struct am_model *model, struct am_diags *diags);
