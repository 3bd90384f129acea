// SPDX-License-Identifier: GPL-2.0
/* Labels, purposes and stores as numbers, and what each store of them carries: its own labels and those of the
 * stores around it, as if they were written in its own list. */
#include <errno.h>
#include <string.h>

#include "policy/compile.h"
#include "policy/path.h"

/* ---- numbers from the registry ---------------------------------------------- */

static int refuse_number(struct am_compiler *c, struct am_pos pos, const char *what,
			 const char *name, int err)
{
	if (err == -ENOMEM)
		return err;
	am_diags_add(c->diags, AM_SEVERITY_ERROR, pos,
		     "Use a name that earlier policies of this host had.",
		     err == -EOVERFLOW ? "the paths of the %s '%s' have changed too often" :
		     "no number is left for the %s '%s': earlier policies had too many of them",
		     what, name);
	return 0;
}

static int number_labels(struct am_compiler *c)
{
	for (size_t i = 0; i < c->model->n_labels; i++) {
		const struct am_model_label *label = &c->model->labels[i];
		int bit = am_registry_label(c->registry, label->name);

		if (bit < 0) {
			int err = refuse_number(c, label->pos, "label", label->name, bit);

			if (err)
				return err;
		}
		c->labels[i] = bit < 0 ? 0 : bit;	/* after an error there is no image */
	}
	return 0;
}

static int number_purposes(struct am_compiler *c)
{
	for (size_t i = 0; i < c->model->n_purposes; i++) {
		const struct am_model_purpose *purpose = &c->model->purposes[i];
		int number = am_registry_purpose(c->registry, purpose->name);

		if (number < 0) {
			int err = refuse_number(c, purpose->pos, "purpose", purpose->name, number);

			if (err)
				return err;
			continue;
		}
		c->purposes[i] = number;
		c->image->purposes[number] = purpose->name;
	}
	return 0;
}

static int number_store(struct am_compiler *c, size_t index)
{
	const struct am_model_store *s = &c->model->stores[index];
	am_autofree const char **paths = calloc(s->n_paths + 1, sizeof(*paths));
	int err;

	if (!paths)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_paths; i++)
		paths[i] = s->paths[i].path;
	err = am_registry_store(c->registry, s->name, paths, s->n_paths, &c->stores[index]);
	return err ? refuse_number(c, s->pos, "store", s->name, err) : 0;
}

static struct am_store *store_at(struct am_compiler *c, size_t index)
{
	return &c->image->policy->stores[c->stores[index] & AM_STORE_SLOT_MASK];
}

static void fill_store(struct am_compiler *c, size_t index)
{
	const struct am_model_store *s = &c->model->stores[index];
	struct am_store *out = store_at(c, index);

	out->id = c->stores[index];
	out->flags = (s->mode == AM_MODE_ENFORCE ? AM_STORE_ENFORCE : 0) |
		     (s->error_allow ? AM_STORE_ERROR_ALLOW : 0) |
		     (s->strict ? AM_STORE_STRICT : 0);
	for (size_t i = 0; i < s->n_labels; i++)
		out->labels |= 1ULL << c->labels[s->labels[i]];
	for (size_t i = 0; i < s->n_purposes; i++)
		out->purposes |= 1ULL << c->purposes[s->purposes[i]];
}

/* ---- roots ------------------------------------------------------------------ */

static int by_path(const void *a, const void *b)
{
	const struct am_image_root *x = a, *y = b;

	return am_path_compare(x->path, y->path);
}

static int list_roots(struct am_compiler *c)
{
	const struct am_model *m = c->model;
	struct am_image *image = c->image;

	image->roots = calloc(m->n_paths + 1, sizeof(*image->roots));
	if (!image->roots)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_stores; i++)
		for (size_t j = 0; j < m->stores[i].n_paths; j++)
			image->roots[image->n_roots++] = (struct am_image_root){
				.path = m->stores[i].paths[j].path,
				.pos = m->stores[i].paths[j].pos,
				.store = c->stores[i],
			};
	qsort(image->roots, image->n_roots, sizeof(*image->roots), by_path);
	return 0;
}

/* For each root the nearest one around it, or its own index. Of sorted roots the one
 * before, or one around that one. */
static int find_outer(const struct am_image *image, size_t **ret)
{
	size_t *outer = calloc(image->n_roots + 1, sizeof(*outer));

	if (!outer)
		return -ENOMEM;
	for (size_t i = 0; i < image->n_roots; i++) {
		size_t o = i ? i - 1 : 0;

		while (outer[o] != o && !am_path_is_below(image->roots[i].path,
							  image->roots[o].path))
			o = outer[o];
		outer[i] = am_path_is_below(image->roots[i].path, image->roots[o].path) ? o : i;
	}
	*ret = outer;
	return 0;
}

static struct am_store *root_store(struct am_image *image, size_t root)
{
	return &image->policy->stores[image->roots[root].store & AM_STORE_SLOT_MASK];
}

/* Until nothing changes: a store with several paths may hand on what it was handed. */
static int inherit_labels(struct am_image *image)
{
	am_autofree size_t *outer = NULL;
	bool changed = true;
	int err;

	err = find_outer(image, &outer);
	if (err)
		return err;
	while (changed) {
		changed = false;
		for (size_t i = 0; i < image->n_roots; i++) {
			struct am_store *in = root_store(image, i);
			uint64_t labels = in->labels | root_store(image, outer[i])->labels;

			changed |= labels != in->labels;
			in->labels = labels;
		}
	}
	return 0;
}

/* ---- what holds for data outside the stores --------------------------------- */

static void fill_labels(struct am_compiler *c)
{
	struct am_policy *policy = c->image->policy;
	uint64_t labelled = 0, error_deny = 0;

	for (size_t i = 0; i < c->model->n_stores; i++) {
		const struct am_store *s = store_at(c, i);

		labelled |= s->labels;
		if (s->flags & AM_STORE_ENFORCE)
			policy->enforce_labels |= s->labels;
		if (!(s->flags & AM_STORE_ERROR_ALLOW))
			error_deny |= s->labels;
		if (c->model->stores[i].spill_deny)
			policy->spill_deny_labels |= s->labels;
		if (s->flags & AM_STORE_STRICT)
			policy->strict_labels |= s->labels;
	}
	/* A label of no store is no store's to open. */
	policy->error_allow_labels = labelled & ~error_deny;
	policy->labels = labelled;
}

int am_compile_stores(struct am_compiler *c)
{
	int err;

	err = number_labels(c);
	if (!err)
		err = number_purposes(c);
	if (err)
		return err;
	for (size_t i = 0; i < c->model->n_stores; i++) {
		err = number_store(c, i);
		if (err)
			return err;
		fill_store(c, i);
	}
	err = list_roots(c);
	if (err)
		return err;
	err = inherit_labels(c->image);
	if (err)
		return err;
	fill_labels(c);
	return 0;
}
