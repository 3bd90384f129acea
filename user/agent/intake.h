/* SPDX-License-Identifier: GPL-2.0 */
/* From a signed bundle, which anybody may have written, to a policy that this host can put
 * in force. Nothing here changes anything. */
#pragma once

#include "agent/governor.h"

/* Puts `f` in force for its caller: as am_governor_put(). */
struct am_intake {
	struct am_governor *governor;	/* borrowed */
	int (*put)(void *ctx, struct am_force *f, struct am_diags *diags);
	/* Told of each bundle that is refused, for those who follow the events. */
	void (*refused)(void *ctx, const char *name, const char *why);
	void *ctx;
};

/* Passes the first error on to in->refused(). */
void am_intake_refused(const struct am_intake *in, const char *name,
		       const struct am_diags *diags);

/* Whether this host believes the bundle, and would take it next: 0; -EALREADY if it is the
 * one in force; another errno with one error in `diags`, -ESTALE for a serial that is used
 * up or another policy's name. Where it is believed, whatever its serial, `blob` is taken
 * and *ret is owned; else *ret is NULL. `name` stands for it in messages. */
int am_intake_open(const struct am_intake *in, const char *name, struct am_blob *blob,
		   struct am_diags *diags, struct am_bundle **ret);

/* Resolves it on this host and proves its invariants. `b` keeps nothing but its signer's
 * name, on success. */
int am_intake_resolve(const struct am_intake *in, struct am_bundle *b, enum am_road road,
		      uint32_t uid, struct am_diags *diags, struct am_force **ret);
