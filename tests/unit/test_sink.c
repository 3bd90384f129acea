// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/frame.h"
#include "fds.h"
#include "output/sink.h"

struct pair {
	struct am_sink sink;
	int agent;
	int client;
	int fds;
	/* what the client has read */
	char *data;
	size_t data_len;
	char notices[4096];
	unsigned frames;
	int code;		/* -1: no END yet */
	char packet[AM_FRAME_MAX];
};

static int set_up(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));
	int fds[2];

	*state = p;
	p->fds = count_fds();
	p->code = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		return -1;
	p->agent = fds[0];
	p->client = fds[1];
	p->data = calloc(1, 8 << 20);
	am_sink_init(&p->sink, p->agent);
	return 0;
}

static int tear_down(void **state)
{
	struct pair *p = *state;

	am_sink_done(&p->sink);
	(void)close(p->agent);
	if (p->client >= 0)
		(void)close(p->client);
	assert_int_equal(count_fds(), p->fds);
	free(p->data);
	free(p);
	return 0;
}

/* The client reads all there is. */
static void read_all(struct pair *p)
{
	struct am_frame head;

	while (!am_frame_recv(p->client, p->packet, &head)) {
		const char *payload = p->packet + sizeof(head);

		p->frames++;
		assert_int_equal(p->code, -1);	/* nothing follows END */
		if (head.kind == AM_FRAME_DATA) {
			memcpy(p->data + p->data_len, payload, head.len);
			p->data_len += head.len;
		} else if (head.kind == AM_FRAME_NOTICE) {
			size_t len = strlen(p->notices);

			assert_true(len + head.len < sizeof(p->notices));
			memcpy(p->notices + len, payload, head.len);
			p->notices[len + head.len] = '\0';
		} else {
			assert_int_equal(head.kind, AM_FRAME_END);
			p->code = head.code;
		}
	}
}

/* Sends and reads until nothing waits. */
static void settle(struct pair *p)
{
	int r;

	do {
		r = am_sink_flush(&p->sink);
		assert_true(r >= 0);
		read_all(p);
	} while (r > 0);
}

static void add_line(struct pair *p, const char *line)
{
	assert_int_equal(am_sink_line(&p->sink, line, strlen(line)), 0);
}

static void sends_lines_in_order_then_the_end(void **state)
{
	struct pair *p = *state;

	add_line(p, "one\n");
	add_line(p, "two\n");
	am_sink_end(&p->sink, 1);
	assert_true(am_sink_waits(&p->sink));
	settle(p);
	assert_false(am_sink_waits(&p->sink));
	assert_string_equal(p->data, "one\ntwo\n");
	assert_int_equal(p->code, 1);
	/* Lines that wait together travel together. */
	assert_int_equal(p->frames, 2);
}

static void sends_the_end_of_an_empty_answer(void **state)
{
	struct pair *p = *state;

	assert_int_equal(am_sink_reply(&p->sink, "", 0), 0);
	am_sink_end(&p->sink, 0);
	settle(p);
	assert_int_equal(p->code, 0);
	assert_int_equal(p->data_len, 0);
}

static void sends_an_answer_that_is_larger_than_a_frame_whole(void **state)
{
	struct pair *p = *state;
	size_t len = 1 << 20;
	am_autofree char *text = malloc(len);

	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + i % 23);
	assert_int_equal(am_sink_reply(&p->sink, text, len), 0);
	am_sink_end(&p->sink, 0);
	settle(p);
	assert_int_equal(p->data_len, len);
	assert_memory_equal(p->data, text, len);
	assert_int_equal(p->code, 0);
}

static void refuses_an_answer_beyond_its_bound(void **state)
{
	struct pair *p = *state;
	am_autofree char *text = calloc(1, AM_SINK_REPLY + 1);

	assert_int_equal(am_sink_reply(&p->sink, text, AM_SINK_REPLY + 1), -EFBIG);
	assert_false(am_sink_waits(&p->sink));
}

static void neither_blocks_nor_grows_when_nobody_reads(void **state)
{
	struct pair *p = *state;
	char line[100];
	uint64_t shown = 0;

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (int i = 0; i < 100000; i++) {
		shown += !am_sink_line(&p->sink, line, sizeof(line));
		assert_true(am_sink_flush(&p->sink) >= 0);
	}
	assert_true(p->sink.size <= AM_SINK_LINES);
	assert_true(p->sink.dropped > 0);
	assert_int_equal(shown + p->sink.dropped, 100000);
}

static void tells_how_many_lines_were_dropped_once_there_is_room(void **state)
{
	struct pair *p = *state;
	am_autofree char *line = malloc(AM_SINK_LINES);
	char expected[64];

	memset(line, 'x', AM_SINK_LINES);
	assert_int_equal(am_sink_line(&p->sink, line, AM_SINK_LINES), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(am_sink_line(&p->sink, "late\n", 5), -ENOBUFS);
	settle(p);
	(void)snprintf(expected, sizeof(expected), "%d events not shown", 3);
	assert_non_null(strstr(p->notices, expected));
	assert_int_equal(p->data_len, AM_SINK_LINES);
	/* Told once; the total stays. */
	p->notices[0] = '\0';
	add_line(p, "next\n");
	settle(p);
	assert_string_equal(p->notices, "");
	assert_int_equal(p->sink.dropped_total, 3);
}

static void drops_lines_whole(void **state)
{
	struct pair *p = *state;
	am_autofree char *line = malloc(AM_SINK_LINES);

	memset(line, 'x', AM_SINK_LINES);
	line[AM_SINK_LINES - 4] = '\n';
	assert_int_equal(am_sink_line(&p->sink, line, AM_SINK_LINES - 3), 0);
	assert_int_equal(am_sink_line(&p->sink, "abcd\n", 5), -ENOBUFS);
	add_line(p, "ab\n");
	settle(p);
	assert_int_equal(p->data_len, AM_SINK_LINES);
	assert_memory_equal(p->data + AM_SINK_LINES - 4, "\nab\n", 4);
}

static void tells_of_events_that_were_lost_before(void **state)
{
	struct pair *p = *state;

	am_sink_lost(&p->sink, 2);
	am_sink_lost(&p->sink, 5);
	assert_true(am_sink_waits(&p->sink));
	settle(p);
	assert_non_null(strstr(p->notices, "7 events lost"));
}

static void cuts_a_notice_that_is_too_long(void **state)
{
	struct pair *p = *state;
	char word[2000];

	memset(word, 'w', sizeof(word));
	word[sizeof(word) - 1] = '\0';
	am_sink_notice(&p->sink, "error: the agent does not know '%s'", word);
	settle(p);
	assert_ptr_equal(strstr(p->notices, "error: the agent"), p->notices);
	assert_true(strlen(p->notices) <= AM_SINK_NOTICE + 1);
}

static void goes_on_where_it_stopped_when_the_reader_is_slow(void **state)
{
	struct pair *p = *state;
	char line[64];
	unsigned n = 0;

	for (unsigned i = 0; i < 20000; i++) {
		int len = snprintf(line, sizeof(line), "%u\n", i);

		if (am_sink_flush(&p->sink) > 0)
			read_all(p);
		add_line(p, line);
		assert_true(len > 0);
	}
	settle(p);
	for (char *at = p->data; at < p->data + p->data_len; at = strchr(at, '\n') + 1)
		assert_int_equal(strtoul(at, NULL, 10), n++);
	assert_int_equal(n, 20000);
}

static void says_when_the_client_is_gone(void **state)
{
	struct pair *p = *state;

	(void)close(p->client);
	p->client = -1;
	add_line(p, "one\n");
	assert_int_equal(am_sink_flush(&p->sink), -EPIPE);
}

#define WITH_PAIR(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PAIR(sends_lines_in_order_then_the_end),
		WITH_PAIR(sends_the_end_of_an_empty_answer),
		WITH_PAIR(sends_an_answer_that_is_larger_than_a_frame_whole),
		WITH_PAIR(refuses_an_answer_beyond_its_bound),
		WITH_PAIR(neither_blocks_nor_grows_when_nobody_reads),
		WITH_PAIR(tells_how_many_lines_were_dropped_once_there_is_room),
		WITH_PAIR(drops_lines_whole),
		WITH_PAIR(tells_of_events_that_were_lost_before),
		WITH_PAIR(cuts_a_notice_that_is_too_long),
		WITH_PAIR(goes_on_where_it_stopped_when_the_reader_is_slow),
		WITH_PAIR(says_when_the_client_is_gone),
	};

	return cmocka_run_group_tests_name("sink", tests, NULL, NULL);
}
