/* SPDX-License-Identifier: GPL-2.0 */
/* Deputies: children of the agent that answer one request each, from what the agent knew when
 * it made them. To find a rule that is near, or what can be learned, may take seconds under a
 * large policy; the agent itself is held up by a fork(2) only.
 *
 * Always true of them: at most AM_DEPUTIES at a time, none outlives the agent, none uses the
 * processor for more than AM_DEPUTY_S, and none waits for its client for longer than that. */
#pragma once

#include <stdio.h>
#include <sys/types.h>

enum { AM_DEPUTIES = 4, AM_DEPUTY_S = 30 };

struct am_deputies {
	pid_t pids[AM_DEPUTIES];	/* 0: none */
};

/* Data to `out`, one sentence to `err`; the exit code of the command. */
typedef int (*am_deputy_answer)(void *ctx, const char *const *words, int n, FILE *out, FILE *err);

/* Has the request on the client's socket `fd` answered, END included: the caller may close it.
 * 0; -EAGAIN when there are as many deputies as there may be; another errno. */
int am_deputy_send(struct am_deputies *d, int fd, am_deputy_answer answer, void *ctx,
		   const char *const *words, int n);

/* Ends those that are left, and waits until they have. */
void am_deputies_end(struct am_deputies *d);
