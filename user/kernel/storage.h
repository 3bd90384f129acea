/* SPDX-License-Identifier: GPL-2.0 */
/* Local storage of inodes and tasks, from user space. */
#pragma once

#include <bpf/bpf.h>
#include <errno.h>

/* Puts a value into the storage of what `fd` stands for. Who makes the first storage of an inode or a
 * task at the same time as somebody else is told -EAGAIN (bpf_local_storage_alloc()), and finds it made
 * when asking again. 0 or -errno. */
static inline int am_storage_put(int map, int fd, const void *value, __u64 flags)
{
	enum { TRIES = 100 };
	int i, r;

	for (i = 0; i < TRIES; i++) {
		r = bpf_map_update_elem(map, &fd, value, flags);
		if (r != -EAGAIN)
			break;
	}
	return r;
}
