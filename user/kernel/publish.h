/* SPDX-License-Identifier: GPL-2.0 */
/* Puts a policy into force: fill, freeze, publish. What is new is built beside what
 * is in force and goes live by one store; until then the old policy is untouched.
 * Afterwards it keeps the facts true that change under a policy. */
#pragma once

#include "kernel/exes.h"
#include "kernel/task_facts.h"
#include "policy/image.h"

struct am_engine;
struct am_grants;
struct am_publisher;

/* *ret is owned and must not outlive the engine. */
int am_publisher_new(struct am_engine *e, struct am_publisher **ret);

/* Publishes `next`, stamped with a new generation, in place of `previous` (NULL: none is in
 * force). Executables that are not as they should be are warnings in `diags`. On failure,
 * -errno, `previous` is in force as before. */
int am_publish(struct am_publisher *p, const struct am_image *next,
	       const struct am_image *previous, struct am_diags *diags);

/* Who is told what becomes of the executables. Before there is one nobody is. */
void am_publisher_teller(struct am_publisher *p, const struct am_exe_teller *teller);

/* Looks again at what may have changed under `image`, which is in force: executables that
 * were replaced or written, cgroups that came up or went. 1 when facts changed, so that all
 * subjects are found anew; 0; -errno. The other one looks at the executables alone. */
int am_publisher_refresh(struct am_publisher *p, const struct am_image *image);
int am_publisher_refresh_exes(struct am_publisher *p, const struct am_image *image);

/* Computes digests of executables, for a bounded time. Returns whether there is more to do
 * at once. */
bool am_publisher_step(struct am_publisher *p, const struct am_image *image);

/* The executables of the policy in force; borrowed until another is published. */
const struct am_exes *am_publisher_exes(const struct am_publisher *p);

/* ---- purposes ----------------------------------------------------------------- */

/* Whether who has these facts may take on the purpose under `image`, which is in force, and
 * the subjects that he is. */
bool am_publisher_may_use(struct am_publisher *p, const struct am_image *image,
			  const struct am_task_facts *facts, uint32_t purpose,
			  struct am_set *ret_bits);

/* Puts the process under the purpose. As am_grants_give(). */
int am_publisher_give(struct am_publisher *p, int pidfd, const struct am_task_facts *facts,
		      uint32_t purpose);

/* Borrowed. */
struct am_grants *am_publisher_grants(const struct am_publisher *p);

/* The id of a file that the policy names; 0: it names it not. */
uint32_t am_publisher_exe_id(const struct am_publisher *p, uint64_t dev, uint64_t ino);

/* What the kernel side keeps of the process; all zero if nothing. 0 or -errno. */
int am_publisher_task(const struct am_publisher *p, int pidfd, struct am_task *ret);

void am_publisher_free(struct am_publisher *p);
AM_DEFINE_AUTO(am_publisher);
