/* SPDX-License-Identifier: GPL-2.0 */
/* Whether a process may take on a purpose, decided by the policy in force from the facts
 * about it as they are; told to it in a sentence, and to those who follow the events. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct am_governor;
struct am_names;
struct am_pipeline;

enum am_purpose_answer {
	AM_PURPOSE_INVALID = 0,
	AM_PURPOSE_GRANTED,	/* the process runs under it */
	AM_PURPOSE_REFUSED,
	AM_PURPOSE_OBSERVED,	/* it does not run under it, but nothing is to be stopped */
};

enum { AM_PURPOSE_USERS = 32 };

/* Refusals that were told lately. */
struct am_purpose_rate {
	int64_t since_ms;
	unsigned told;
	uint64_t untold;
	struct {
		uid_t uid;
		unsigned told;
	} users[AM_PURPOSE_USERS];
	size_t n_users;
};

struct am_purpose {
	struct am_governor *governor;	/* borrowed, like the next two */
	struct am_names *names;
	struct am_pipeline *pipeline;
	struct am_purpose_rate rate;
};

void am_purpose_init(struct am_purpose *p, struct am_governor *governor, struct am_names *names,
		     struct am_pipeline *pipeline);

/* Decides for the process of `pidfd`, whose number is `pid`, and if it may, puts it under the
 * purpose. `why` is a line for its standard error, or empty. */
enum am_purpose_answer am_purpose_ask(struct am_purpose *p, pid_t pid, int pidfd, const char *name,
				      char *why, size_t size);

/* Tells which purposes a new policy has ended, and how many refusals were not told. */
void am_purpose_tick(struct am_purpose *p, int64_t now_ms);
