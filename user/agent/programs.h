/* SPDX-License-Identifier: GPL-2.0 */
/* The executables and scripts of the policy in force, kept an eye on: the kernel tells of
 * changes in every folder on the way to them (inotify), links included, so that a new file
 * counts at once; where it does not tell, the look at each tick finds them. What has become
 * of them is told as notices. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "agent/loop.h"
#include "kernel/exes.h"

struct am_governor;
struct am_pipeline;

struct am_programs {
	struct am_loop *loop;		/* borrowed, like the next two */
	struct am_governor *governor;
	struct am_pipeline *pipeline;
	struct am_source source;	/* inotify; fd is owned, -1: there is none */
	uint32_t generation;		/* whose paths are watched */
	bool changed;			/* in some folder, and not looked at yet */
	int64_t looked_ms;
};

/* There must be a policy in force. */
void am_programs_init(struct am_programs *p, struct am_loop *loop, struct am_governor *governor,
		      struct am_pipeline *pipeline);

/* One turn of the loop: looks if something changed, computes digests for a bounded time.
 * Returns whether there is more to do at once. */
bool am_programs_step(struct am_programs *p, int64_t now_ms);

/* Whether all digests that the policy asks for have been compared. */
bool am_programs_settled(const struct am_governor *governor);

/* "viewer,report": the subjects that name it so. */
void am_programs_subjects(const struct am_governor *governor, const struct am_image_exe *named,
			  char *ret, size_t size);

void am_programs_done(struct am_programs *p);
