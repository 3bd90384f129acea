/* SPDX-License-Identifier: GPL-2.0 */
/* A model on its way to an image. Private to policy/. */
#pragma once

#include "policy/image.h"

struct am_compiler {
	const struct am_model *model;
	struct am_registry *registry;
	const struct am_resolver *resolver;
	struct am_diags *diags;
	struct am_image *image;		/* being filled */
	unsigned labels[AM_LABELS_MAX];	/* label of the model -> bit */
	unsigned purposes[AM_PURPOSES_MAX];	/* purpose of the model -> number */
	uint32_t *stores;		/* owned: store of the model -> id */
};

/* Each fills its part of the image. 0, also with errors in the diags; -ENOMEM. */
int am_compile_subjects(struct am_compiler *c);		/* live, unlisted, facts, exes, cgroups */
int am_compile_zones(struct am_compiler *c);		/* unlisted ports, port facts, nets */
int am_compile_stores(struct am_compiler *c);		/* stores, roots, what labels carry */
int am_compile_rules(struct am_compiler *c);		/* grants; after the three others */
int am_compile_copies(struct am_compiler *c);		/* what labels allow to read; after all */

/* The fact's set, made if new and then equal to `fresh`. NULL for lack of memory;
 * valid until the next call. */
struct am_set *am_compile_fact(struct am_compiler *c, enum am_fact kind, uint64_t value,
			       const struct am_set *fresh);
