/* SPDX-License-Identifier: GPL-2.0 */
/* The values of a space: what of each kind of fact the subjects mention. Private to
 * policy/. */
#pragma once

#include "policy/space.h"

/* Fills space->values; its images have been compiled. 0 or -ENOMEM. */
int am_space_list_values(struct am_space *space, const struct am_space_host *host);

/* Whether a task can be in both cgroups at once. */
bool am_cgroups_can_nest(const struct am_space_value *a, const struct am_space_value *b);

/* Whether a task in the cgroup or unit `text` is in that of the value. */
bool am_cgroup_holds(const struct am_space_value *v, const char *text);
