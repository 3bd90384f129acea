// SPDX-License-Identifier: GPL-2.0
#include "policy/space.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "policy/value.h"

/* ---- numbers for names, without a host -------------------------------------- */

struct am_space_name {
	const char *text;	/* borrowed from a model */
	uint32_t number;
};

enum { FIRST_NUMBER = 2000000000 };	/* where people who write numbers do not look */

/* The number that `text` is, as the compiler reads it; -EINVAL if it is a name. */
static int parse_number(const char *text, uint64_t *ret)
{
	if (!text[0] || text[strspn(text, "0123456789")])
		return -EINVAL;
	*ret = strlen(text) > 10 ? UINT64_MAX : strtoull(text, NULL, 10);
	return 0;
}

static bool is_number_of(const char *text, uint32_t number)
{
	uint64_t n;

	return text && !parse_number(text, &n) && n == number;
}

static bool is_written(const struct am_space *space, uint32_t number)
{
	for (size_t p = 0; p < space->n_policies; p++) {
		const struct am_model *m = space->models[p];

		for (size_t i = 0; i < m->n_subjects; i++)
			if (is_number_of(m->subjects[i].user, number) ||
			    is_number_of(m->subjects[i].login, number) ||
			    is_number_of(m->subjects[i].group, number))
				return true;
	}
	return false;
}

static int find_number(const struct am_space *space, const char *text, uint32_t *ret)
{
	if (!strcmp(text, "root")) {
		*ret = 0;
		return 0;
	}
	for (size_t i = 0; i < space->n_names; i++) {
		if (strcmp(space->names[i].text, text))
			continue;
		*ret = space->names[i].number;
		return 0;
	}
	return -ENOENT;
}

/* An am_resolver: every name exists and is somebody else. */
static int give_number(void *ctx, const char *text, uint32_t *ret)
{
	struct am_space *space = ctx;
	struct am_space_name name = { .text = text, .number = FIRST_NUMBER };

	if (!find_number(space, text, ret))
		return 0;
	if (space->n_names)
		name.number = space->names[space->n_names - 1].number + 1;
	while (is_written(space, name.number))
		name.number++;
	if (AM_APPEND(space->names, space->n_names, name))
		return -ENOMEM;
	*ret = name.number;
	return 0;
}

/* ---- compiling -------------------------------------------------------------- */

static int compile(struct am_space *space, unsigned p, const struct am_space_host *host,
		   struct am_diags *diags)
{
	struct am_resolver nowhere = { .user = give_number, .group = give_number, .ctx = space };
	int err;

	err = am_registry_new(&space->registries[p]);
	if (err)
		return err;
	return am_image_compile(space->models[p], space->registries[p],
				host ? host->resolver : &nowhere, diags, &space->images[p]);
}

static int index_stores(struct am_space *space, unsigned p)
{
	const struct am_image *image = space->images[p];

	space->stores[p] = calloc(space->models[p]->n_stores + 1, sizeof(*space->stores[p]));
	if (!space->stores[p])
		return -ENOMEM;
	for (size_t i = 0; i < space->models[p]->n_stores; i++)
		space->stores[p][i] = &image->policy->stores[image->stores[i] & AM_STORE_SLOT_MASK];
	return 0;
}

static void index_labels(struct am_space *space, unsigned p)
{
	const struct am_model *m = space->models[p];

	for (size_t i = 0; i < m->n_labels; i++) {
		int bit = am_registry_label(space->registries[p], m->labels[i].name);

		assert(bit >= 0);	/* the compiler has interned it */
		space->labels[p][i] = bit;
	}
}

/* ---- a space ---------------------------------------------------------------- */

static int fill(struct am_space *space, const struct am_space_host *host, struct am_diags *diags)
{
	int err = 0;

	for (unsigned p = 0; !err && p < space->n_policies; p++) {
		err = compile(space, p, host, diags);
		if (!err)
			err = index_stores(space, p);
		if (!err)
			index_labels(space, p);
	}
	if (!err)
		err = am_space_list_values(space, host);
	if (!err)
		err = am_places_list((const struct am_image *const *)space->images,
				     space->n_policies, &space->places, &space->n_places);
	return err;
}

int am_space_new(const struct am_model *const *models, size_t n, const struct am_space_host *host,
		 struct am_diags *diags, struct am_space **ret)
{
	am_auto(am_space) struct am_space *space = calloc(1, sizeof(*space));
	int err;

	assert(n >= 1 && n <= AM_SPACE_POLICIES);
	if (!space)
		return -ENOMEM;
	space->n_policies = n;
	for (size_t p = 0; p < n; p++)
		space->models[p] = models[p];
	err = fill(space, host, diags);
	if (!err)
		*ret = AM_TAKE_PTR(space);
	return err;
}

unsigned am_space_purpose(const struct am_space *space, unsigned policy, int purpose)
{
	const struct am_model *m = space->models[policy];

	/* The compiler has interned it: this asks for its number only. */
	return purpose < 0 ? 0 : am_registry_purpose(space->registries[policy],
						      m->purposes[purpose].name);
}

void am_space_free(struct am_space *space)
{
	if (!space)
		return;
	for (size_t p = 0; p < AM_SPACE_POLICIES; p++) {
		am_image_free(space->images[p]);
		am_registry_free(space->registries[p]);
		free(space->stores[p]);
	}
	free(space->names);
	free(space->values);
	free(space->places);
	free(space);
}
