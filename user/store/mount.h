/* SPDX-License-Identifier: GPL-2.0 */
/* The mounts of this mount namespace, and where a file is within its own file
 * system: what the kernel side tells where it knows no mount. */
#pragma once

#include <stdint.h>

/* A line of /proc/self/mountinfo. Strings are borrowed. */
struct am_mount {
	uint64_t id;
	unsigned major, minor;	/* of the file system's device */
	const char *root;	/* the part of the file system that is mounted */
	const char *point;	/* where */
	const char *type;	/* ext4, tmpfs ... */
};

/* Calls `each` for every mount until it returns something but 0. That, or 0, or -errno. */
int am_mount_each(int (*each)(void *ctx, const struct am_mount *mount), void *ctx);

/* The path of `fd`, which is `real` in this mount namespace, from the root of its file
 * system: "/0042" of "/srv/registry/0042" when the file system is mounted at /srv/registry.
 * 0; -ENOENT when its mount is not listed; another errno. *ret is owned. */
int am_mount_inner_path(int fd, const char *real, char **ret);
