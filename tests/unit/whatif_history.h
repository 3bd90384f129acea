/* SPDX-License-Identifier: GPL-2.0 */
/* A state directory with a history of policies, as the agent leaves it. Exits on failure. */
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* decide.h has another one. */
#define am_refuse am_blob_refuse
#include "policy/archive.h"
#include "policy/history.h"
#undef am_refuse

struct state {
	char dir[64];
	int fd;
};

static inline void state_open(struct state *s)
{
	(void)snprintf(s->dir, sizeof(s->dir), "/tmp/am-state-XXXXXX");
	if (!mkdtemp(s->dir))
		abort();
	s->fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->fd < 0)
		abort();
}

static inline void state_add(struct state *s, uint32_t generation, const char *text)
{
	struct am_reign reign = { .generation = generation, .since_s = 1, .policy = "p",
				  .origin = { .kind = AM_SOURCE_FILE, .road = AM_ROAD_START } };
	const struct am_blob blob = { .bytes = (char *)text, .len = strlen(text) };
	struct am_history h;

	am_archive_digest(&blob, reign.origin.digest);
	if (am_archive_keep(s->fd, reign.origin.digest, text, strlen(text)) ||
	    am_history_open(&h, s->fd) || am_history_begin(&h, &reign))
		abort();
	am_history_close(&h);
}

static inline void state_close(struct state *s)
{
	char command[128];

	(void)close(s->fd);
	(void)snprintf(command, sizeof(command), "rm -rf %s", s->dir);
	if (system(command))
		abort();
}
