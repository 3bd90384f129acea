// SPDX-License-Identifier: GPL-2.0
#include "cli/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/frame.h"
#include "cli/cmd.h"
#include "cli/outlet.h"

enum { CONNECT_S = 10, REQUEST_BYTES = 8192 };

/* Through a descriptor of the directory, since a socket's path may have 107 bytes only. */
int am_client_connect(const char *run, const char *socket_name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = CONNECT_S };
	am_autoclose int dir = open(run, O_PATH | O_DIRECTORY | O_CLOEXEC);
	am_autoclose int fd = -1;

	if (dir < 0)
		return -errno;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* Connecting blocks while an agent that hangs has its queue full. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir,
		 socket_name);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return AM_TAKE_FD(fd);
}

static int send_request(const struct am_client *c, int fd)
{
	char payload[REQUEST_BYTES];
	size_t i, used = 0;

	for (i = 0; i < AM_CLIENT_WORDS && c->words[i]; i++) {
		size_t len = strlen(c->words[i]) + 1;

		if (len > sizeof(payload) - used)
			return -EMSGSIZE;
		memcpy(payload + used, c->words[i], len);
		used += len;
	}
	return am_frame_send_with(fd, AM_FRAME_REQUEST, payload, used, c->passed ? *c->passed : -1);
}

/* Where an answer goes. */
struct ends {
	struct am_outlet out, err;
	char *packet;	/* borrowed: AM_FRAME_MAX bytes */
};

/* One frame of the answer: 1 and *ret_code at its end, 0 before, or -errno. */
static int take_frame(struct am_client *c, int fd, const struct ends *e, int *ret_code)
{
	struct am_frame head;
	int r = am_frame_recv(fd, e->packet, &head);

	if (r < 0)
		return r == -ECONNRESET ? -ENODATA : r;
	c->answered = true;
	switch (head.kind) {
	case AM_FRAME_DATA:
		return am_outlet_write(&e->out, e->packet + sizeof(head), head.len);
	case AM_FRAME_NOTICE:
		/* Talk that cannot be delivered is no reason to lose data. */
		(void)am_outlet_write(&e->err, e->packet + sizeof(head), head.len);
		return 0;
	case AM_FRAME_END:
		*ret_code = head.code;
		return 1;
	default:
		return -EBADMSG;
	}
}

/* Waits for the next frame: 0 or -errno. */
static int wait_frame(const struct am_client *c, int fd)
{
	struct pollfd fds[] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = c->stop_fd, .events = POLLIN },
		{ .fd = fileno(c->out) },	/* tells only that its reader is gone */
	};
	int n;

	do {
		n = poll(fds, sizeof(fds) / sizeof(fds[0]), c->silence_ms);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ETIMEDOUT;
	if (fds[1].revents & POLLIN)
		return -ECANCELED;
	return fds[2].revents & (POLLERR | POLLHUP) ? -EPIPE : 0;
}

static int converse(struct am_client *c, const struct ends *e)
{
	am_autoclose int fd = -1;
	int code = 0, r;

	fd = am_client_connect(c->run, "control.sock");
	if (fd < 0)
		return fd;
	r = send_request(c, fd);
	/* An agent that turned us away before it read has still said why. */
	if (r < 0 && r != -EPIPE)
		return r;
	do {
		r = wait_frame(c, fd);
		if (!r)
			r = take_frame(c, fd, e, &code);
	} while (!r);
	return r < 0 ? r : code;
}

int am_client_ask(struct am_client *c)
{
	am_autofree char *packet = malloc(AM_FRAME_MAX);
	struct ends e = { .packet = packet };
	int r;

	c->answered = false;
	if (!packet)
		return -ENOMEM;
	am_outlet_init(&e.out, c->out, c->stop_fd);
	am_outlet_init(&e.err, c->err, c->stop_fd);
	r = converse(c, &e);
	am_outlet_done(&e.out);
	am_outlet_done(&e.err);
	return r;
}

bool am_client_absent(const struct am_client *c, int r)
{
	return r == -ENOENT || r == -ECONNREFUSED || (r == -ENODATA && !c->answered);
}

int am_client_failed(const struct am_client *c, int r)
{
	switch (r) {
	case -ENOENT:
	case -ECONNREFUSED:
		fprintf(c->err, "error: no agent runs in '%s'\n", c->run);
		fputs("  hint: Start amanatd, or name its run directory by --run or AMANAT_RUN.\n",
		      c->err);
		break;
	case -ENODATA:
		fprintf(c->err, "error: the agent went away\n");
		break;
	case -ETIMEDOUT:
		fprintf(c->err, "error: the agent in '%s' does not answer\n", c->run);
		break;
	case -EBADMSG:
		fprintf(c->err, "error: what listens in '%s' is not this version's agent\n", c->run);
		break;
	default:
		fprintf(c->err, "error: cannot ask the agent in '%s': %s\n", c->run, strerror(-r));
		break;
	}
	return AM_EXIT_MISSING;
}
