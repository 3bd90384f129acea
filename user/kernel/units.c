/* SPDX-License-Identifier: GPL-2.0 */
#include "kernel/units.h"

#include <stdbool.h>
#include <string.h>

#include "decide.h"
#include "kernel/object.h"

static const char *name_of(const struct am_image_cgroup *c)
{
	return c->unit ? c->unit : c->path;
}

/* False: the name is longer than the kernel side looks. */
static bool make_key(const struct am_image *image, const struct am_image_cgroup *c,
		     struct am_unit_key *ret)
{
	size_t len = strlen(name_of(c));

	*ret = (struct am_unit_key){ .generation = image->policy->generation, .is_path = !c->unit };
	if (len >= sizeof(ret->name) - 1)
		return false;
	memcpy(ret->name, name_of(c), len);
	return true;
}

/* Several subjects may name one cgroup. */
static struct am_set set_of(const struct am_image *image, const struct am_image_cgroup *c)
{
	struct am_set set = { 0 };
	size_t i;

	for (i = 0; i < image->n_cgroups; i++) {
		const struct am_image_cgroup *other = &image->cgroups[i];

		if (!other->unit == !c->unit && !strcmp(name_of(other), name_of(c)))
			am_set_join(&set, &other->set);
	}
	return set;
}

int am_units_put(struct am_engine *e, const struct am_image *image)
{
	int fd = bpf_map__fd(e->object->maps.am_units), r = 0;
	size_t i;

	for (i = 0; !r && i < image->n_cgroups; i++) {
		const struct am_set set = set_of(image, &image->cgroups[i]);
		struct am_unit_key key;

		if (make_key(image, &image->cgroups[i], &key))
			r = bpf_map_update_elem(fd, &key, &set, BPF_ANY);
	}
	return r;
}

/* The agent does not know all that were found: some have come and gone between two looks. */
static void remove_found(struct am_engine *e, uint32_t generation)
{
	int fd = bpf_map__fd(e->object->maps.am_facts);
	struct am_fact_key key, next;
	bool more = !bpf_map_get_next_key(fd, NULL, &next);

	while (more) {
		key = next;
		more = !bpf_map_get_next_key(fd, &key, &next);
		if (key.generation == generation && key.kind == AM_FACT_CGROUP)
			(void)bpf_map_delete_elem(fd, &key); /* gone by itself */
	}
}

void am_units_remove(struct am_engine *e, const struct am_image *image)
{
	int fd = bpf_map__fd(e->object->maps.am_units);
	size_t i;

	for (i = 0; i < image->n_cgroups; i++) {
		struct am_unit_key key;

		if (make_key(image, &image->cgroups[i], &key))
			(void)bpf_map_delete_elem(fd, &key); /* not there twice */
	}
	if (image->n_cgroups)
		remove_found(e, image->policy->generation);
}
