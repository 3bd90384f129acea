/* SPDX-License-Identifier: GPL-2.0 */
/* One request to the agent and all of its answer: data to `out`, notices to `err`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { AM_CLIENT_WORDS = 8 };

struct am_client {
	const char *run;	/* the agent's run directory */
	const char *words[AM_CLIENT_WORDS];	/* the request, up to the first NULL */
	const int *passed;	/* a descriptor that goes with the request; NULL: none */
	int silence_ms;		/* how long the agent may say nothing; -1: for ever */
	int stop_fd;		/* ends the conversation when it is readable, also while nobody
				 * reads what was written; -1: none */
	FILE *out;
	FILE *err;
	bool answered;		/* set: something of an answer has come */
};

/* Connects to a socket of the agent in its run directory: an owned descriptor; -ENOENT,
 * -ECONNREFUSED, -ETIMEDOUT as below; another negative errno. */
int am_client_connect(const char *run, const char *socket_name);

/* The exit code that the agent gave, or
 *   -ENOENT, -ECONNREFUSED   there is no agent
 *   -ENODATA                 it went away before the end of its answer
 *   -ETIMEDOUT               it says nothing
 *   -ECANCELED               `stop_fd` was readable; what nobody had room for is lost
 *   -EPIPE                   nobody reads `out` any more
 *   another negative errno */
int am_client_ask(struct am_client *c);

/* Whether an agent that is about to start, or starts again, would change this answer. */
bool am_client_absent(const struct am_client *c, int r);

/* Tells on `err` what a negative answer means. Returns the exit code that goes with it. */
int am_client_failed(const struct am_client *c, int r);
