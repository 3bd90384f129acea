/* SPDX-License-Identifier: GPL-2.0 */
/* The event loop: descriptors, and what is called when they are ready. One thread. */
#pragma once

#include <stdint.h>

/* Whoever adds a source keeps it in place until it is removed. A source that was removed
 * may still be called once, for what was ready before. */
struct am_source {
	int fd;			/* borrowed */
	void (*ready)(void *ctx, uint32_t events);	/* EPOLLIN ... */
	void *ctx;
};

struct am_loop {
	int epoll_fd;		/* owned */
};

int am_loop_init(struct am_loop *loop);
void am_loop_done(struct am_loop *loop);

int am_loop_add(struct am_loop *loop, struct am_source *source, uint32_t events);
int am_loop_change(struct am_loop *loop, struct am_source *source, uint32_t events);
void am_loop_remove(struct am_loop *loop, struct am_source *source);

/* Waits at most `timeout_ms` (-1: until something is ready) and calls what is. 0 or -errno. */
int am_loop_wait(struct am_loop *loop, int timeout_ms);

/* CLOCK_MONOTONIC. */
int64_t am_now_ms(void);
