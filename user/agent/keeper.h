/* SPDX-License-Identifier: GPL-2.0 */
/* Keeps the strays on disk: read at start, written when they have changed, a few
 * seconds later at most, and at the end. The roots of the stores, which the kernel
 * side keeps among them, are not written: the policy says what they are. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct am_engine;

struct am_keeper {
	struct am_engine *engine;	/* borrowed */
	int state_fd;			/* borrowed */
	uint64_t sum;			/* of what is on disk */
	size_t count;			/* strays when last looked */
	int64_t next_ms;
	int error;			/* of the last try: -errno */
};

void am_keeper_init(struct am_keeper *k, struct am_engine *e, int state_fd);

/* Gives the kernel what the file holds and it does not know better. 0; -EBADMSG: the file is
 * not valid; another errno. */
int am_keeper_load(struct am_keeper *k);

/* Writes the file if it is time to and something has changed. May wait for the disk; the rings
 * hold what happens meanwhile. */
void am_keeper_tick(struct am_keeper *k, int64_t now_ms);

/* Writes the file if something has changed. 0 or -errno. */
int am_keeper_save(struct am_keeper *k);
