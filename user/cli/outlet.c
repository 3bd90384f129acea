// SPDX-License-Identifier: GPL-2.0
#include "cli/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CROWDED_MS = 50 };

/* Only these can be opened anew and are still the same: a file would be written from its start. */
static bool is_pipe_or_terminal(int fd)
{
	struct stat st;

	return isatty(fd) || (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode));
}

/* An owned descriptor, or -1. */
static int open_anew(int fd)
{
	char path[32];

	if (!is_pipe_or_terminal(fd))
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

void am_outlet_init(struct am_outlet *o, FILE *to, int stop_fd)
{
	int fd = stop_fd < 0 ? -1 : fileno(to);	/* a stream in memory has none */

	*o = (struct am_outlet){ .to = to, .fd = fd, .own_fd = fd < 0 ? -1 : open_anew(fd),
				 .stop_fd = stop_fd };
	if (o->own_fd >= 0)
		o->fd = o->own_fd;
}

void am_outlet_done(struct am_outlet *o)
{
	if (o->own_fd >= 0)
		(void)close(o->own_fd);	/* what is written has arrived in the pipe or terminal */
	*o = (struct am_outlet){ .fd = -1, .own_fd = -1, .stop_fd = -1 };
}

/* Until the reader has made room: 0. A signal counts only as long as there is none. */
static int wait_room(const struct am_outlet *o)
{
	struct pollfd fds[] = {
		{ .fd = o->fd, .events = POLLOUT },
		{ .fd = o->stop_fd, .events = POLLIN },
	};
	int n;

	do {
		n = poll(fds, sizeof(fds) / sizeof(fds[0]), -1);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (fds[0].revents & POLLERR)
		return -EPIPE;
	return fds[0].revents ? 0 : -ECANCELED;
}

/* A terminal says that there is room when it has too little for a letter and what that becomes. */
static int wait_while_crowded(const struct am_outlet *o)
{
	struct pollfd stop = { .fd = o->stop_fd, .events = POLLIN };

	return poll(&stop, 1, CROWDED_MS) > 0 ? -ECANCELED : 0;
}

static int write_stream(FILE *to, const char *bytes, size_t len)
{
	errno = 0;
	if (fwrite(bytes, 1, len, to) == len && fflush(to) == 0)
		return 0;
	return errno ? -errno : -EIO;
}

/* The number of bytes written, which may be none; or -errno. */
static ssize_t write_piece(const struct am_outlet *o, const char *bytes, size_t len)
{
	ssize_t n;
	int r = wait_room(o);

	if (r < 0)
		return r;
	/* A pipe that has room at all has it for this. */
	n = write(o->fd, bytes, len < PIPE_BUF ? len : PIPE_BUF);
	if (n >= 0)
		return n;
	if (errno == EAGAIN)
		return wait_while_crowded(o);
	return errno == EINTR ? 0 : -errno;
}

int am_outlet_write(const struct am_outlet *o, const char *bytes, size_t len)
{
	if (o->fd < 0)
		return write_stream(o->to, bytes, len);
	while (len) {
		ssize_t n = write_piece(o, bytes, len);

		if (n < 0)
			return (int)n;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}
