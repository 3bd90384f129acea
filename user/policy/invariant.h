/* SPDX-License-Identifier: GPL-2.0 */
/* Whether what must never be cannot be: each invariant of a policy is proved over every
 * combination of facts (space.h), or refuted by one. */
#pragma once

#include "policy/space.h"

/* Proves the invariants without a host (space.h says what that leaves open). An invariant
 * that fails is an error at its place, with the facts that break it and the rule that
 * lets them. 0 if all hold; -EINVAL with errors in `diags`; -ENOMEM. */
int am_invariants_check(const struct am_model *model, struct am_diags *diags);

/* The same in a space of one policy: of a host, say. */
int am_invariants_check_in(const struct am_space *space, struct am_diags *diags);
