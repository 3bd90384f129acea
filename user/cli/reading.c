// SPDX-License-Identifier: GPL-2.0
#include "cli/reading.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/passing.h"
#include "cli/client.h"
#include "ledger/passed.h"

enum { ANSWER_MS = 10000, REQUEST_SIZE = 1024 };

/* What was lent so far. The descriptors are kept until the process ends. */
struct loan {
	struct am_passed items[AM_PASSED_MAX];
	size_t n;
};

/* `read` and the words of the command, cut where there is no room for more. */
static size_t write_request(const struct am_cmd_line *line, char to[REQUEST_SIZE])
{
	size_t len = sizeof("read"), i;

	memcpy(to, "read", len);
	for (i = 0; i < (size_t)line->argc && len < REQUEST_SIZE; i++)
		len += (size_t)snprintf(to + len, REQUEST_SIZE - len, "%s%s", i ? " " : "",
					line->argv[i]);
	return len < REQUEST_SIZE ? len + 1 : REQUEST_SIZE;
}

static int take(struct loan *loan, const char *names, size_t len, const int *fds, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		struct am_passed *item = &loan->items[loan->n];
		const char *name = names + i * AM_SEGMENT_NAME;

		if (loan->n == AM_PASSED_MAX || (i + 1) * AM_SEGMENT_NAME > len ||
		    name[AM_SEGMENT_NAME - 1] || !am_segment_number(name, &item->segment))
			return -EBADMSG;
		item->fd = fds[i];
		item->pad = 0;
		loan->n++;
	}
	return 0;
}

/* One frame: 1 at the end, 0 before. */
static int take_frame(const struct am_cmd_line *line, int fd, char *packet, struct loan *loan)
{
	int fds[AM_PASSING_MAX], r;
	struct am_frame head;
	size_t n = 0;

	r = am_passing_recv(fd, packet, &head, fds, &n);
	if (r < 0)
		return r;
	switch (head.kind) {
	case AM_FRAME_DATA:
		return take(loan, packet + sizeof(head), head.len, fds, n);
	case AM_FRAME_NOTICE:
		(void)fwrite(packet + sizeof(head), 1, head.len, line->err); /* only talk */
		return 0;
	case AM_FRAME_END:
		return head.code ? -EACCES : 1;
	default:
		return -EBADMSG;
	}
}

static int converse(const struct am_cmd_line *line, int fd, struct loan *loan)
{
	am_autofree char *packet = malloc(AM_FRAME_MAX);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char request[REQUEST_SIZE];
	size_t len = write_request(line, request);
	int r = packet ? 0 : -ENOMEM;

	if (!r)
		r = am_frame_send(fd, AM_FRAME_REQUEST, 0, request, len);
	/* An agent that turned us away before it read has still said why. */
	if (r == -EPIPE)
		r = 0;
	while (!r) {
		if (poll(&p, 1, ANSWER_MS) <= 0)
			return -ETIMEDOUT;
		r = take_frame(line, fd, packet, loan);
	}
	return r < 0 ? r : 0;
}

int am_reading_borrow(const struct am_cmd_line *line)
{
	am_autofree struct loan *loan = calloc(1, sizeof(*loan));
	am_autoclose int fd = -1;
	int r;

	if (!loan)
		return -ENOMEM;
	fd = am_client_connect(line->run, "control.sock");
	if (fd < 0)	/* who may not even connect has been told nothing yet */
		return fd == -EACCES ? -EPERM : fd;
	r = converse(line, fd, loan);
	return r < 0 ? r : am_passed_new(loan->items, loan->n);
}
