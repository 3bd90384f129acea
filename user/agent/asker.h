/* SPDX-License-Identifier: GPL-2.0 */
/* A process that asks the agent for something, and the facts about it as they are now. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "kernel/task_facts.h"

struct am_publisher;

struct am_asker {
	pid_t pid;
	unsigned threads;
	char comm[64];		/* as /proc/PID/status writes it */
	char exe[PATH_MAX];	/* "" if it has none */
	uint64_t cgroup;	/* id; 0: not known */
	uint64_t labels;	/* that it carries */
	const char *unknown;	/* a fact that could not be established, in words; NULL: none */
	struct am_task_facts facts;
};

/* Reads what there is to know of the process that `pidfd` stands for, whose number is `pid`.
 * 0; -ESRCH when it has ended; another -errno. */
int am_asker_read(pid_t pid, int pidfd, const struct am_publisher *publisher,
		  struct am_asker *ret);

/* Whether the process still is there. */
bool am_asker_lives(int pidfd);
