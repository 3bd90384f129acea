/* SPDX-License-Identifier: GPL-2.0 */
/* The names by which a policy knows cgroups, for the kernel side: it finds out by itself what a
 * cgroup is that is made while the policy is in force, or is about to be. */
#pragma once

#include "kernel/engine.h"
#include "policy/image.h"

/* Before the cgroups are looked for that exist already, so that none falls in between.
 * 0 or -errno; then some may be there. */
int am_units_put(struct am_engine *e, const struct am_image *image);

/* Also what the kernel side has found by them. */
void am_units_remove(struct am_engine *e, const struct am_image *image);
