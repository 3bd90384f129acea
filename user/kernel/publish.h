/* SPDX-License-Identifier: GPL-2.0 */
/* Puts a policy into force: fill, freeze, publish. What is new is built beside what
 * is in force and goes live by one store; until then the old policy is untouched.
 * Afterwards it keeps the facts true that change under a policy. */
#pragma once

#include "policy/image.h"

struct am_engine;
struct am_publisher;

/* *ret is owned and must not outlive the engine. */
int am_publisher_new(struct am_engine *e, struct am_publisher **ret);

/* Publishes `next`, stamped with a new generation, in place of `previous` (NULL: none is in
 * force). Executables that are not as they should be are warnings in `diags`. On failure,
 * -errno, `previous` is in force as before. */
int am_publish(struct am_publisher *p, const struct am_image *next,
	       const struct am_image *previous, struct am_diags *diags);

/* Looks again at what may have changed under `image`, which is in force: cgroups that came up
 * or went, pinned executables that were written. 1 when facts changed, so that all subjects
 * are found anew; 0; -errno. */
int am_publisher_refresh(struct am_publisher *p, const struct am_image *image);

/* Whether every executable found when the policy came into force is still the same file with the
 * same content, as far as its inode and times tell. The image must be alive. */
bool am_publisher_is_current(const struct am_publisher *p);

void am_publisher_free(struct am_publisher *p);
AM_DEFINE_AUTO(am_publisher);
