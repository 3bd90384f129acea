/* SPDX-License-Identifier: GPL-2.0 */
/* Where what comes without end is written: a descriptor whose reader may stop reading. A write waits
 * for the reader and for a signal at the same time, so that a signal ends it while it waits. */
#pragma once

#include <stddef.h>
#include <stdio.h>

struct am_outlet {
	FILE *to;	/* borrowed */
	int fd;		/* what is written to instead; -1: `to` itself */
	int own_fd;	/* owned: `fd` opened anew, and does not block; -1: `fd` is that of `to` */
	int stop_fd;	/* borrowed: ends a write that waits, when it is readable */
};

/* A pipe or terminal is opened anew, so that what others do with it does not change; where that may
 * not be, what is written in one piece is so little that it does not wait, unless somebody else
 * writes to it too. Without a `stop_fd` (-1) it is the stream alone, and its writes may block. */
void am_outlet_init(struct am_outlet *o, FILE *to, int stop_fd);
void am_outlet_done(struct am_outlet *o);

/* 0; -ECANCELED if `stop_fd` was readable while it waited: part of it may have been written;
 * -EPIPE: nobody reads any more; another negative errno. */
int am_outlet_write(const struct am_outlet *o, const char *bytes, size_t len);
