/* SPDX-License-Identifier: GPL-2.0 */
/* Facts about one process, found from user space, in the numbers that the kernel side
 * would look up for it (bpf/subject.h). All bytes are determinate: they are compared. */
#pragma once

#include <stdint.h>

#include "abi.h"

struct am_task_facts {
	uint64_t cgroups[AM_CGROUP_DEPTH];	/* ids, from the root down */
	uint32_t n_cgroups;
	uint32_t n_gids;
	uint32_t gids[1 + AM_GROUPS_MAX];	/* the effective one and the supplementary ones */
	uint32_t uid;		/* effective */
	uint32_t login;		/* ~0: none */
	uint32_t exe;		/* id in `am_exes`; 0: none that a policy names */
	uint32_t script;
};
