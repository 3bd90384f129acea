// SPDX-License-Identifier: GPL-2.0
#include "policy/ask.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "policy/path.h"
#include "policy/reader.h"

void am_ask_init(struct am_ask *ask)
{
	*ask = (struct am_ask){ .access = { .store = -1 } };
}

/* The store of the deepest of the paths that are it or around it. */
static int find_store(const struct am_model *m, const char *path)
{
	size_t best = 0;
	int found = -1;

	for (size_t i = 0; i < m->n_stores; i++) {
		for (size_t j = 0; j < m->stores[i].n_paths; j++) {
			const char *root = m->stores[i].paths[j].path;

			if ((strcmp(root, path) && !am_path_is_below(path, root)) ||
			    strlen(root) <= best)
				continue;
			best = strlen(root);
			found = i;
		}
	}
	return found;
}

int am_ask_object(struct am_ask *ask, const struct am_space *space, const char *path)
{
	const struct am_model *m = space->models[0];
	char normal[PATH_MAX];

	if (path[0] != '/') {
		ask->access.store = am_model_find(m, AM_NAMED_STORE, path);
		return ask->access.store < 0 ? -ENOENT : 0;
	}
	if (strlen(path) >= sizeof(normal) || am_path_normalise(path, normal))
		return -EINVAL;
	ask->access.store = find_store(m, normal);
	return 0;
}

int am_ask_label(struct am_ask *ask, const struct am_space *space, const char *name)
{
	int label = am_model_find(space->models[0], AM_NAMED_LABEL, name);

	if (label < 0)
		return -ENOENT;
	ask->access.labels |= 1ULL << label;
	return 0;
}

int am_ask_use(struct am_ask *ask, const struct am_space *space, const char *name)
{
	ask->access.purpose = am_model_find(space->models[0], AM_NAMED_PURPOSE, name);
	return ask->access.purpose < 0 ? -ENOENT : 0;
}

int am_ask_place(struct am_ask *ask, const struct am_space *space, const char *text)
{
	int err = am_place_parse(text, &ask->place);

	if (err)
		return err;
	am_place_zones((const struct am_image *const *)space->images, 1, &ask->place);
	ask->access.place = &ask->place;
	return 0;
}
