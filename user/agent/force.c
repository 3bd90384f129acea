/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/force.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "policy/canon.h"
#include "policy/invariant.h"
#include "policy/order.h"

static int open_roots(const struct am_image *image, struct am_diags *diags, struct am_roots **ret)
{
	am_autofree struct am_root_spec *specs = calloc(image->n_roots + 1, sizeof(*specs));
	size_t i;

	if (!specs)
		return -ENOMEM;
	for (i = 0; i < image->n_roots; i++) {
		specs[i].path = image->roots[i].path;
		specs[i].pos = image->roots[i].pos;
		specs[i].store = image->roots[i].store;
	}
	return am_roots_open(specs, image->n_roots, diags, ret);
}

/* What was stated never to be is proved not to be, whatever road the policy came on. */
static int resolve(struct am_force *f, const struct am_registry *registry, struct am_diags *diags)
{
	int r = am_invariants_check(f->model, diags);

	if (!r)
		r = am_registry_copy(registry, &f->registry);
	if (!r)
		r = am_image_compile(f->model, f->registry, &am_resolver_host, diags, &f->image);
	if (!r)
		r = open_roots(f->image, diags, &f->roots);
	return r;
}

/* A policy of which no canonical text can be made is in order, and only not remembered. */
static void write_text(struct am_force *f)
{
	struct am_diags diags;

	f->origin.kind = AM_SOURCE_FILE;
	am_diags_init(&diags);
	if (!am_canon_write(f->model, &diags, &f->text.bytes, &f->text.len))
		/* It fails for wrong sizes of hash and key only. */
		(void)crypto_generichash(f->origin.digest, sizeof(f->origin.digest),
					 (const uint8_t *)f->text.bytes, f->text.len, NULL, 0);
	am_diags_done(&diags);
}

static int explain(int r, const char *name, struct am_diags *diags)
{
	if (r < 0 && !diags->errors)
		am_diags_add(diags, AM_SEVERITY_ERROR, (struct am_pos){ .file = name }, NULL,
			     "cannot use the policy: %s", strerror(-r));
	return r;
}

int am_force_load(const char *path, const struct am_registry *registry, struct am_diags *diags,
		  struct am_force **ret)
{
	am_auto(am_force) struct am_force *f = calloc(1, sizeof(*f));
	int r = f ? am_model_load(path, diags, &f->model) : -ENOMEM;

	if (!r)
		r = am_model_order(f->model);
	if (!r)
		r = resolve(f, registry, diags);
	if (r < 0)
		return explain(r, path, diags);
	write_text(f);
	*ret = AM_TAKE_PTR(f);
	return 0;
}

int am_force_of(struct am_draft *draft, struct am_blob *kept, const struct am_registry *registry,
		struct am_diags *diags, struct am_force **ret)
{
	am_auto(am_force) struct am_force *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	f->model = AM_TAKE_PTR(draft->model);
	r = resolve(f, registry, diags);
	if (r < 0) {
		draft->model = AM_TAKE_PTR(f->model);
		return explain(r, draft->model->file, diags);
	}
	f->text = *kept;
	*kept = (struct am_blob){ 0 };
	*ret = AM_TAKE_PTR(f);
	return 0;
}

void am_force_stamp(struct am_force *f, uint32_t generation)
{
	f->generation = generation;
	am_image_stamp(f->image, generation);
}

uint32_t am_force_store(const struct am_force *f, size_t index)
{
	const struct am_policy *policy = f->image->policy;
	size_t slot;

	if (index >= f->model->n_stores)
		return 0;
	for (slot = 0; slot < AM_STORES_MAX; slot++) {
		uint32_t id = policy->stores[slot].id;
		const char *name = id ? am_registry_store_name(f->registry, id) : NULL;

		if (name && !strcmp(name, f->model->stores[index].name))
			return id;
	}
	return 0;
}

void am_force_keep(struct am_force *f)
{
	f->keepers++;
}

void am_force_free(struct am_force *f)
{
	if (!f)
		return;
	if (f->keepers) {
		f->keepers--;
		am_roots_close(f->roots);
		return;
	}
	am_roots_free(f->roots);
	am_image_free(f->image);
	am_registry_free(f->registry);
	am_model_free(f->model);
	am_blob_done(&f->text);
	free(f);
}
