/* SPDX-License-Identifier: GPL-2.0 */
/* A policy on its way into force, in force, or just replaced: everything that was
 * made of its text on this host. Making one changes nothing outside it. */
#pragma once

#include "policy/image.h"
#include "policy/origin.h"
#include "store/root.h"

struct am_force {
	struct am_model *model;
	struct am_image *image;
	struct am_registry *registry;	/* names as of this policy */
	struct am_roots *roots;
	struct am_origin origin;
	struct am_blob text;		/* the signed bundle, or the canonical text */
	uint32_t generation;
	int64_t since_s;		/* CLOCK_REALTIME, when it came into force */
	unsigned keepers;		/* see am_force_keep() */
};

/* Reads the policy file and resolves it on this host, on top of the names in
 * `registry`. 0; -errno with errors in `diags`. *ret is owned. */
int am_force_load(const char *path, const struct am_registry *registry, struct am_diags *diags,
		  struct am_force **ret);

/* The same of a bundle that is believed: its model and bytes are taken, on success. `kept`
 * is the signed bundle. */
int am_force_of(struct am_draft *draft, struct am_blob *kept, const struct am_registry *registry,
		struct am_diags *diags, struct am_force **ret);

/* Gives it its number, wherever that is written. */
void am_force_stamp(struct am_force *f, uint32_t generation);

/* The id that this policy gives a store, by the index in its model; 0 if it has none. */
uint32_t am_force_store(const struct am_force *f, size_t index);

/* For whoever explains what it has decided: it takes one more am_force_free() until it is
 * gone, of which the first lets go of the stores' roots. */
void am_force_keep(struct am_force *f);

void am_force_free(struct am_force *f);
AM_DEFINE_AUTO(am_force);
