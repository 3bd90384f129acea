/* SPDX-License-Identifier: GPL-2.0 */
/* The agent's socket for `amanat`: one request per connection, answered or, for
 * `tail`, served until either side ends. Frames: base/frame.h. A client can neither
 * block the agent nor make it grow: connections, queues and waiting times have bounds. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"

struct am_control;
struct am_loop;
struct am_row;

enum { AM_CONTROL_CLIENTS = 32 };

/* A request that is answered at once. All borrowed. */
struct am_control_ask {
	const char *const *words;
	int n;
	int fd;			/* that came with it; -1: none did */
	uint32_t uid;		/* who asks */
};

/* What the rest of the agent answers. */
struct am_control_calls {
	/* Writes the status; returns whether all is sealed and enforced. */
	bool (*status)(void *ctx, bool json, FILE *out);
	bool (*ready)(void *ctx);
	/* Has a request answered on the client's socket by somebody else. 0; -EAGAIN: not now;
	 * another errno. */
	int (*answer)(void *ctx, int fd, const char *const *words, int n);
	/* `push`, `history`, `earlier`: data to `out`, talk to `err`; the command's exit code. */
	int (*policy)(void *ctx, const struct am_control_ask *ask, FILE *out, FILE *err);
	/* Records that the client reads the ledger, then passes it on its socket, which is empty.
	 * 0; -errno after a sentence in `err`. */
	int (*read)(void *ctx, const struct am_control_ask *ask, int fd, FILE *err);
	void *ctx;
};

/* The forms in which events are wanted. */
enum am_control_form {
	AM_FORM_TEXT,
	AM_FORM_COLOR,
	AM_FORM_JSON,
	AM_FORM_MAX_,
};

struct am_control_counts {
	unsigned clients;
	unsigned tails;
	uint64_t not_shown;	/* lines that clients were too slow for */
	uint64_t cut_off;	/* clients that did not read or ask in time */
	uint64_t turned_away;	/* clients beyond the limit or without the right to ask */
};

/* Listens on `control.sock` in `run_fd`, for root and the members of `group` (NULL: root
 * only). 0; -errno after one line on standard error. *ret is owned. */
int am_control_open(struct am_loop *loop, int run_fd, const char *group,
		    const struct am_control_calls *calls, struct am_control **ret);

/* Whether some client wants events in this form. */
bool am_control_wants(const struct am_control *c, enum am_control_form form);

/* Whether some client that wants this form wants this row: am_control_line() is to them. */
bool am_control_choose(struct am_control *c, enum am_control_form form, const struct am_row *row);

/* Queues a line for every client that was chosen last. */
void am_control_line(struct am_control *c, enum am_control_form form, const char *line, size_t len);

/* Has everybody who follows the events told that some were lost. */
void am_control_lost(struct am_control *c, uint64_t events);

/* Sends what was queued. */
void am_control_flush(struct am_control *c);

/* Answers those who wait, and cuts off those who let the agent wait. */
void am_control_tick(struct am_control *c, int64_t now_ms);

void am_control_counts(const struct am_control *c, struct am_control_counts *ret);

/* Ends all connections and removes the socket. */
void am_control_free(struct am_control *c);
AM_DEFINE_AUTO(am_control);
