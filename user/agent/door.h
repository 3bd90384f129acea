/* SPDX-License-Identifier: GPL-2.0 */
/* The door for everybody: a second socket, `purpose.sock`, at which any process asks for a
 * purpose for itself. One request per connection, answered and closed.
 *
 *   connect           the kernel notes who it is
 *   <- DATA, empty    the agent has the process in hand, by a pidfd
 *   -> REQUEST        "use\0NAME\0"; the kernel notes the sender again
 *   <- NOTICE, END    why; 0: the process runs under NAME from here on, 1: it does not
 *
 * That the one who sent the request is the process of the pidfd is proved by the order: when
 * the pidfd was opened nothing had been sent; the sender has the number for which it was
 * opened; and that process is still alive, so the number was its own all the time. (From
 * 6.5 on the kernel gives out the pidfd of who connected, SO_PEERPIDFD.)
 *
 * Nobody can crowd others out: there are bounds for a user and for all, a connection that
 * would be too many for all takes the place of one of the user with the most of them, and
 * nobody is waited for longer than a moment. Refusals beyond a rate are counted, and told
 * together. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

struct am_door;
struct am_governor;
struct am_loop;
struct am_names;
struct am_pipeline;

enum {
	AM_DOOR_GUESTS = 64,
	AM_DOOR_GUESTS_OF_ONE = 8,	/* of one user; root has no such bound */
};

struct am_door_counts {
	unsigned guests;
	uint64_t granted;
	uint64_t refused;
	uint64_t turned_away;	/* beyond the bound of their user, or not of this pid namespace */
	uint64_t cut_off;	/* did not ask in time, or had to make room */
};

/* Everything borrowed. 0; -errno after one line on standard error. *ret is owned. */
int am_door_open(struct am_loop *loop, int run_fd, struct am_governor *governor,
		 struct am_names *names, struct am_pipeline *pipeline, struct am_door **ret);

/* Cuts off who does not ask; tells what was not told. */
void am_door_tick(struct am_door *d, int64_t now_ms);

void am_door_counts(const struct am_door *d, struct am_door_counts *ret);

void am_door_free(struct am_door *d);
AM_DEFINE_AUTO(am_door);
