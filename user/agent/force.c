/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/force.h"

#include <errno.h>
#include <string.h>

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

static int fill(struct am_force *f, const char *path, const struct am_registry *registry,
		struct am_diags *diags)
{
	int r;

	r = am_model_load(path, diags, &f->model);
	if (!r)
		r = am_registry_copy(registry, &f->registry);
	if (!r)
		r = am_image_compile(f->model, f->registry, &am_resolver_host, diags, &f->image);
	if (!r)
		r = open_roots(f->image, diags, &f->roots);
	return r;
}

int am_force_load(const char *path, const struct am_registry *registry, struct am_diags *diags,
		  struct am_force **ret)
{
	am_auto(am_force) struct am_force *f = calloc(1, sizeof(*f));
	int r = f ? fill(f, path, registry, diags) : -ENOMEM;

	if (r < 0) {
		if (!diags->errors)
			am_diags_add(diags, AM_SEVERITY_ERROR, (struct am_pos){ .file = path },
				     NULL, "cannot use the policy: %s", strerror(-r));
		return r;
	}
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
	free(f);
}
