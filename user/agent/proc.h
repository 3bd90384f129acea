/* SPDX-License-Identifier: GPL-2.0 */
/* A process of this host as /proc shows it now. Nothing here waits for anybody: /proc is
 * memory. What a process writes about itself (names, paths) is not to be trusted. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

enum { AM_PROC_GROUPS = 1024 };

struct am_proc {
	uint32_t pid;		/* of the process; a thread's is its leader's */
	uint32_t ppid;
	uint32_t uid;		/* effective */
	uint32_t login;		/* ~0: none */
	uint64_t start_ticks;	/* see event/origins.h */
	bool is_kernel;		/* a thread of the kernel */
	bool in_container;	/* it has another number in a pid namespace of its own */
	char comm[AM_COMM_LEN];
	char exe[PATH_MAX];	/* "" for none */
	bool exe_is_gone;	/* it has no name any more: the path may lead to another file */
	char cgroup[PATH_MAX];	/* "/system.slice/x.service"; "" when it cannot be told */
	uint32_t gids[AM_PROC_GROUPS];	/* the effective one first */
	unsigned n_gids;
};

/* 0; -ESRCH when there is no such process (any more); another errno. *ret is written in any
 * case. */
int am_proc_read(uint32_t pid, struct am_proc *ret);

/* Whether the path leads to another file than the one that runs. Looks at the file itself. */
bool am_proc_runs_other(const struct am_proc *p);

/* Only what it runs: "" if it has ended, is another one by now that began at another moment
 * (CLOCK_BOOTTIME), or runs what has no name any more. */
void am_proc_exe(uint32_t pid, uint64_t start_ns, char *ret, size_t size);

/* Only the parent and the start. 0 or -errno. */
int am_proc_parent(uint32_t pid, uint32_t *ret_ppid, uint64_t *ret_start_ticks);
