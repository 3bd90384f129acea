/* SPDX-License-Identifier: GPL-2.0 */
/* Where units of the system's service manager lie among the cgroups: in slices, and in nothing
 * else. A unit of a user's manager, or of one in a container, lies in a service or scope; its
 * name was chosen by whoever runs that, and says nothing. Paths are below cgroup v2's mount
 * and begin with a slash; "" is the mount itself. The kernel side has the same rule
 * (bpf/cgroup.bpf.c). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether the cgroup is that of the unit. */
bool am_cgroup_is_unit(const char *path, const char *unit);

/* Whether it is, or lies in it. */
bool am_cgroup_in_unit(const char *path, const char *unit);

/* The unit, other than a slice, that the cgroup is or lies in: a part of `path`; NULL: none. */
const char *am_cgroup_unit(const char *path, size_t *ret_len);

/* Whether all its names are slices: units may lie in it. */
bool am_cgroup_of_slices(const char *path);
