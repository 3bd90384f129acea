/* SPDX-License-Identifier: GPL-2.0 */
#include "output/sink.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/frame.h"

/* Of one DATA frame: several fit a socket's buffer, so a slow reader keeps moving. */
enum { CHUNK = 32 * 1024 };

void am_sink_init(struct am_sink *s, int fd)
{
	*s = (struct am_sink){ .fd = fd };
}

void am_sink_done(struct am_sink *s)
{
	free(s->bytes);
	*s = (struct am_sink){ .fd = -1 };
}

/* Makes room for `len` bytes in a buffer of at most `max`. */
static int reserve(struct am_sink *s, size_t len, size_t max)
{
	char *bytes;

	if (len > max || s->len > max - len)
		return -ENOBUFS;
	if (s->start + s->len + len <= s->size)
		return 0;
	if (s->start) {
		memmove(s->bytes, s->bytes + s->start, s->len);
		s->start = 0;
	}
	if (s->len + len <= s->size)
		return 0;
	bytes = realloc(s->bytes, max);
	if (!bytes)
		return -ENOMEM;
	s->bytes = bytes;
	s->size = max;
	return 0;
}

static int add(struct am_sink *s, const char *text, size_t len, size_t max)
{
	int r = len ? reserve(s, len, max) : 0;

	if (r < 0 || !len)
		return r;
	memcpy(s->bytes + s->start + s->len, text, len);
	s->len += len;
	return 0;
}

int am_sink_line(struct am_sink *s, const char *line, size_t len)
{
	int r = add(s, line, len, AM_SINK_LINES);

	if (r < 0) {
		s->dropped++;
		s->dropped_total++;
	}
	return r;
}

int am_sink_reply(struct am_sink *s, const char *text, size_t len)
{
	if (s->len + len > AM_SINK_REPLY)
		return -EFBIG;
	return add(s, text, len, s->len + len);
}

void am_sink_notice(struct am_sink *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(s->notice, sizeof(s->notice), format, args); /* cut if need be */
	va_end(args);
}

void am_sink_lost(struct am_sink *s, uint64_t events)
{
	s->lost += events;
}

void am_sink_end(struct am_sink *s, unsigned code)
{
	s->ended = true;
	s->code = code;
}

bool am_sink_waits(const struct am_sink *s)
{
	return s->len || s->dropped || s->lost || s->notice[0] || (s->ended && !s->end_sent);
}

static int send_data(struct am_sink *s)
{
	while (s->len) {
		size_t len = s->len < CHUNK ? s->len : CHUNK;
		int r = am_frame_send(s->fd, AM_FRAME_DATA, 0, s->bytes + s->start, len);

		if (r < 0)
			return r;
		s->start += len;
		s->len -= len;
	}
	s->start = 0;
	return 0;
}

__attribute__((format(printf, 2, 3)))
static int send_notice(struct am_sink *s, const char *format, ...)
{
	char text[AM_SINK_NOTICE + 2];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return am_frame_send(s->fd, AM_FRAME_NOTICE, 0, text, strlen(text));
}

static int send_notices(struct am_sink *s)
{
	int r = 0;

	if (s->dropped)
		r = send_notice(s, "%" PRIu64 " events not shown: they came faster than they were read\n",
				s->dropped);
	if (r < 0)
		return r;
	s->dropped = 0;
	if (s->lost)
		r = send_notice(s, "%" PRIu64 " events lost in the kernel: see 'amanat status'\n",
				s->lost);
	if (r < 0)
		return r;
	s->lost = 0;
	if (s->notice[0])
		r = send_notice(s, "%s\n", s->notice);
	if (r < 0)
		return r;
	s->notice[0] = '\0';
	return 0;
}

int am_sink_flush(struct am_sink *s)
{
	int r = send_data(s);

	if (!r)
		r = send_notices(s);
	if (!r && s->ended && !s->end_sent) {
		r = am_frame_send(s->fd, AM_FRAME_END, s->code, NULL, 0);
		s->end_sent = !r;
	}
	if (r == -EAGAIN || r == -ENOBUFS)
		return 1;
	return r;
}
