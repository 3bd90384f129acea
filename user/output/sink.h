/* SPDX-License-Identifier: GPL-2.0 */
/* What goes out to one client of the agent: text that waits until the client takes
 * it. Never blocks and never grows beyond its size: a line for which there is no
 * room is dropped whole and counted, and the client is told how many it missed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	AM_SINK_LINES = 256 * 1024,	/* bytes of lines that may wait */
	AM_SINK_REPLY = 5 * 1024 * 1024,	/* bytes of a reply */
	AM_SINK_NOTICE = 512,
};

struct am_sink {
	int fd;			/* borrowed; SOCK_SEQPACKET, not blocking */
	char *bytes;		/* owned; [start, start + len) waits */
	size_t size;
	size_t start;
	size_t len;
	uint64_t dropped;	/* lines, not yet told */
	uint64_t dropped_total;
	uint64_t lost;		/* events that never came to the agent, not yet told */
	char notice[AM_SINK_NOTICE];	/* not yet sent; empty: none */
	bool ended;		/* END comes after what waits */
	bool end_sent;
	unsigned code;		/* of END */
};

void am_sink_init(struct am_sink *s, int fd);
void am_sink_done(struct am_sink *s);

/* Adds a line. 0; -ENOBUFS when it was dropped; -ENOMEM likewise. */
int am_sink_line(struct am_sink *s, const char *line, size_t len);

/* Adds an answer of which no part may be missing. 0; -EFBIG or -ENOMEM, and nothing was added. */
int am_sink_reply(struct am_sink *s, const char *text, size_t len);

/* A sentence for the client's standard error; a later one replaces one that waits. */
void am_sink_notice(struct am_sink *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Has the client told that events were lost before they came here. */
void am_sink_lost(struct am_sink *s, uint64_t events);

/* No more is added: what waits goes out, then END with this code. */
void am_sink_end(struct am_sink *s, unsigned code);

/* Sends what the client takes now. 0: nothing waits; 1: the rest waits until the socket is
 * writable; -errno: the connection is of no use any more. */
int am_sink_flush(struct am_sink *s);

/* Whether something waits. */
bool am_sink_waits(const struct am_sink *s);
