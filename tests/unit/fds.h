/* SPDX-License-Identifier: GPL-2.0 */
/* How many descriptors the process has open, so that a test can show that none leaked. */
#pragma once

#include <dirent.h>

static inline int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = -1;	/* the folder's own */

	if (!dir)
		return -1;
	for (struct dirent *e = readdir(dir); e; e = readdir(dir))
		n += e->d_name[0] != '.';
	(void)closedir(dir); /* it was only read */
	return n;
}

/* A group's set-up and teardown: fails if its tests left a descriptor open. */
static inline int same_fds(void **state)
{
	static int before;

	if (!*state) {
		before = count_fds();
		*state = &before;
		return 0;
	}
	return count_fds() == before ? 0 : -1;
}
