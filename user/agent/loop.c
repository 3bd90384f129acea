/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 16 };

int am_loop_init(struct am_loop *loop)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return -errno;
	loop->epoll_fd = fd;
	return 0;
}

void am_loop_done(struct am_loop *loop)
{
	if (loop->epoll_fd >= 0)
		(void)close(loop->epoll_fd); /* holds no data */
	loop->epoll_fd = -1;
}

static int control(struct am_loop *loop, int operation, struct am_source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	return epoll_ctl(loop->epoll_fd, operation, source->fd, &event) < 0 ? -errno : 0;
}

int am_loop_add(struct am_loop *loop, struct am_source *source, uint32_t events)
{
	return control(loop, EPOLL_CTL_ADD, source, events);
}

int am_loop_change(struct am_loop *loop, struct am_source *source, uint32_t events)
{
	return control(loop, EPOLL_CTL_MOD, source, events);
}

void am_loop_remove(struct am_loop *loop, struct am_source *source)
{
	(void)control(loop, EPOLL_CTL_DEL, source, 0); /* was not in it: as wanted */
}

int am_loop_wait(struct am_loop *loop, int timeout_ms)
{
	struct epoll_event events[BATCH];
	int n = epoll_wait(loop->epoll_fd, events, BATCH, timeout_ms), i;

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (i = 0; i < n; i++) {
		struct am_source *source = events[i].data.ptr;

		source->ready(source->ctx, events[i].events);
	}
	return 0;
}

int64_t am_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
