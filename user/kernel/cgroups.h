/* SPDX-License-Identifier: GPL-2.0 */
/* The cgroups of this host that a policy names, by path or as a unit's. They come
 * and go with the services, and with each start they have another id. */
#pragma once

#include <stddef.h>

#include "policy/image.h"

struct am_cgroup {
	uint64_t id;
	struct am_set set;	/* who a task in it, or below it, is compatible with */
};

/* Where cgroup v2 is mounted: an owned descriptor, or -ENOENT. */
int am_cgroups_mount(void);

/* Finds those that exist now, in the order of their ids. 0, with none where cgroup v2 is not
 * mounted; -errno. *ret is owned. */
int am_cgroups_find(const struct am_image *image, struct am_cgroup **ret, size_t *ret_n);
