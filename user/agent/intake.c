/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/intake.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum { WHY_SIZE = 512 };

int am_intake_open(const struct am_intake *in, const char *name, struct am_blob *blob,
		   struct am_diags *diags, struct am_bundle **ret)
{
	const struct am_governor *g = in->governor;
	am_auto(am_keyring) struct am_keyring *ring = NULL;
	am_auto(am_bundle) struct am_bundle *b = NULL;
	int r;

	/* Each time anew: a key that was withdrawn counts no more. */
	r = am_keyring_load(g->keys, 0, diags, &ring);
	if (!r)
		r = am_bundle_open(name, blob, ring, time(NULL), diags, &b);
	if (!r)
		r = am_serial_check(&g->annals.serial, b->draft, name, diags);
	*ret = AM_TAKE_PTR(b);
	if (r < 0 && r != -EALREADY && !diags->errors)
		am_diags_add(diags, AM_SEVERITY_ERROR, (struct am_pos){ .file = name }, NULL,
			     "cannot work on it: %s", strerror(-r));
	return r;
}

int am_intake_resolve(const struct am_intake *in, struct am_bundle *b, enum am_road road,
		      uint32_t uid, struct am_diags *diags, struct am_force **ret)
{
	struct am_origin o = { .road = road, .uid = uid };
	int r;

	am_origin_of_bundle(&o, b);
	r = am_force_of(b->draft, &b->blob, am_governor_registry(in->governor), diags, ret);
	if (!r)
		(*ret)->origin = o;
	return r;
}

void am_intake_refused(const struct am_intake *in, const char *name, const struct am_diags *diags)
{
	char why[WHY_SIZE];

	am_diags_first_error(diags, why, sizeof(why));
	in->refused(in->ctx, name, why);
}
