// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/frame.h"
#include "fds.h"

static int ends[2];
static unsigned char buf[AM_FRAME_MAX];

static const char *payload(void)
{
	return (const char *)buf + sizeof(struct am_frame);
}

static void sends_and_receives_each_kind(void **state)
{
	struct am_frame f;

	(void)state;
	assert_int_equal(am_frame_send(ends[0], AM_FRAME_REQUEST, 0, "tail\0--json", 12), 0);
	assert_int_equal(am_frame_send(ends[0], AM_FRAME_DATA, 0, "data", 4), 0);
	assert_int_equal(am_frame_send(ends[0], AM_FRAME_NOTICE, 0, NULL, 0), 0);
	assert_int_equal(am_frame_send(ends[0], AM_FRAME_END, 3, NULL, 0), 0);

	assert_int_equal(am_frame_recv(ends[1], buf, &f), 0);
	assert_int_equal(f.kind, AM_FRAME_REQUEST);
	assert_int_equal(f.len, 12);
	assert_memory_equal(payload(), "tail\0--json", 12);
	assert_int_equal(am_frame_recv(ends[1], buf, &f), 0);
	assert_int_equal(f.kind, AM_FRAME_DATA);
	assert_memory_equal(payload(), "data", 4);
	assert_int_equal(am_frame_recv(ends[1], buf, &f), 0);
	assert_int_equal(f.kind, AM_FRAME_NOTICE);
	assert_int_equal(f.len, 0);
	assert_int_equal(am_frame_recv(ends[1], buf, &f), 0);
	assert_int_equal(f.kind, AM_FRAME_END);
	assert_int_equal(f.code, 3);
}

static void carries_as_much_as_fits_and_refuses_more(void **state)
{
	static char most[AM_FRAME_MAX];
	size_t room = AM_FRAME_MAX - sizeof(struct am_frame);
	struct am_frame f;

	(void)state;
	memset(most, 'x', sizeof(most));
	assert_int_equal(am_frame_send(ends[0], AM_FRAME_DATA, 0, most, room), 0);
	assert_int_equal(am_frame_recv(ends[1], buf, &f), 0);
	assert_int_equal(f.len, room);
	assert_memory_equal(payload(), most, room);
	assert_int_equal(am_frame_send(ends[0], AM_FRAME_DATA, 0, most, room + 1), -EMSGSIZE);
	assert_int_equal(am_frame_send(ends[0], AM_FRAME_DATA, 0, most, SIZE_MAX), -EMSGSIZE);
}

static void refuses_to_send_what_nobody_would_take(void **state)
{
	(void)state;
	assert_int_equal(am_frame_send(ends[0], AM_FRAME_INVALID, 0, NULL, 0), -EINVAL);
	assert_int_equal(am_frame_send(ends[0], AM_FRAME_MAX_, 0, NULL, 0), -EINVAL);
	assert_int_equal(am_frame_send(ends[0], AM_FRAME_END, 65536, NULL, 0), -EINVAL);
}

static void tells_the_end_from_an_error(void **state)
{
	struct am_frame f;

	(void)state;
	assert_int_equal(close(ends[0]), 0);
	ends[0] = -1;
	assert_int_equal(am_frame_recv(ends[1], buf, &f), -ENODATA);
	assert_int_equal(am_frame_recv(-1, buf, &f), -EBADF);
	/* Not a signal, which would end the program. */
	assert_int_equal(am_frame_send(ends[1], AM_FRAME_DATA, 0, "x", 1), -EPIPE);
}

static void does_not_wait_on_a_socket_that_must_not(void **state)
{
	static char block[32 * 1024];
	struct am_frame f;
	int err = 0;

	(void)state;
	assert_int_equal(close(ends[0]), 0);
	assert_int_equal(close(ends[1]), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
				    ends), 0);
	assert_int_equal(am_frame_recv(ends[1], buf, &f), -EAGAIN);
	for (unsigned i = 0; i < 10000 && !err; i++)
		err = am_frame_send(ends[0], AM_FRAME_DATA, 0, block, sizeof(block));
	assert_int_equal(err, -EAGAIN);
}

/* Sends `len` bytes as they are; receiving them must give `err` and change nothing. */
static void refused(const void *bytes, size_t len, const char *what)
{
	struct am_frame f;

	memset(&f, 0x5a, sizeof(f));
	assert_int_equal(send(ends[0], bytes, len, 0), len);
	if (am_frame_recv(ends[1], buf, &f) != -EBADMSG)
		fail_msg("%s was not refused", what);
	assert_int_equal(f.magic, 0x5a5a5a5a);
}

static void refuses_packets_that_are_not_frames(void **state)
{
	const struct am_frame good = { AM_FRAME_MAGIC, AM_FRAME_DATA, 0, 8, 0 };
	struct {
		struct am_frame head;
		char payload[8];
	} p = { good, "payload" };

	(void)state;
	for (size_t len = 1; len < sizeof(p); len++)
		refused(&p, len, "a packet cut short");
	p.head.magic++;
	refused(&p, sizeof(p), "another magic number");
	p.head = good;
	p.head.kind = AM_FRAME_INVALID;
	refused(&p, sizeof(p), "kind 0");
	p.head.kind = AM_FRAME_MAX_;
	refused(&p, sizeof(p), "an unknown kind");
	p.head = good;
	p.head.pad = 1;
	refused(&p, sizeof(p), "padding that is not zero");
	p.head = good;
	p.head.len = 7;
	refused(&p, sizeof(p), "a length too small");
	p.head.len = 9;
	refused(&p, sizeof(p), "a length too large");
	p.head.len = UINT32_MAX;
	refused(&p, sizeof(p), "the largest length");
	p.head = good;
	p.head.kind = AM_FRAME_END;
	refused(&p, sizeof(p), "an end with a payload");
}

static void refuses_a_packet_larger_than_its_buffer(void **state)
{
	static char bytes[AM_FRAME_MAX + 1];
	const struct am_frame head = { AM_FRAME_MAGIC, AM_FRAME_DATA, 0,
				       sizeof(bytes) - sizeof(head), 0 };

	(void)state;
	memcpy(bytes, &head, sizeof(head));
	refused(bytes, sizeof(bytes), "a packet of one byte too many");
}

static void drops_descriptors_that_come_along(void **state)
{
	const struct am_frame head = { AM_FRAME_MAGIC, AM_FRAME_DATA, 0, 0, 0 };
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec part = { (void *)&head, sizeof(head) };
	struct msghdr packet = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space,
				 .msg_controllen = sizeof(control.space) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&packet);
	int before = count_fds();
	struct am_frame f;

	(void)state;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &(int){ 0 }, sizeof(int));
	assert_int_equal(sendmsg(ends[0], &packet, 0), sizeof(head));
	assert_int_equal(am_frame_recv(ends[1], buf, &f), 0);
	assert_int_equal(count_fds(), before);
}

static void passes_one_descriptor_on(void **state)
{
	int before = count_fds(), passed = -1;
	struct am_frame f;

	(void)state;
	assert_int_equal(am_frame_send_with(ends[0], AM_FRAME_REQUEST, "push", 5, ends[0]), 0);
	assert_int_equal(am_frame_recv_with(ends[1], buf, &f, &passed), 0);
	assert_int_equal(f.len, 5);
	assert_memory_equal(payload(), "push", 5);
	assert_true(passed >= 0);
	assert_int_equal(fcntl(passed, F_GETFD), FD_CLOEXEC);
	assert_int_equal(count_fds(), before + 1);
	assert_int_equal(close(passed), 0);

	assert_int_equal(am_frame_send_with(ends[0], AM_FRAME_REQUEST, "push", 5, -1), 0);
	assert_int_equal(am_frame_recv_with(ends[1], buf, &f, &passed), 0);
	assert_int_equal(passed, -1);
	assert_int_equal(count_fds(), before);
}

static void send_many(size_t count, const struct am_frame *head, size_t len)
{
	union {
		char space[CMSG_SPACE(250 * sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec part = { (void *)head, len };
	struct msghdr packet = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space,
				 .msg_controllen = CMSG_SPACE(count * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&packet);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(count * sizeof(int));
	for (size_t i = 0; i < count; i++)
		memcpy(CMSG_DATA(c) + i * sizeof(int), &ends[0], sizeof(int));
	assert_int_equal(sendmsg(ends[0], &packet, 0), len);
}

static void leaves_no_stray_descriptor_open(void **state)
{
	static const size_t counts[] = { 2, 3, 4, 250 };
	const struct am_frame head = { AM_FRAME_MAGIC, AM_FRAME_REQUEST, 0, 0, 0 };
	int before = count_fds(), passed = -1;
	struct am_frame f;

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		send_many(counts[i], &head, sizeof(head));
		assert_int_equal(am_frame_recv_with(ends[1], buf, &f, &passed), -EBADMSG);
		assert_int_equal(passed, -1);
		assert_int_equal(count_fds(), before);
	}
	/* Nor one that comes with what is no frame. */
	send_many(1, &head, sizeof(head) - 1);
	assert_int_equal(am_frame_recv_with(ends[1], buf, &f, &passed), -EBADMSG);
	assert_int_equal(passed, -1);
	assert_int_equal(count_fds(), before);
}

static void splits_a_request_into_its_words(void **state)
{
	const char *words[4];

	(void)state;
	assert_int_equal(am_frame_words("tail\0--json\0", 12, words, 4), 2);
	assert_string_equal(words[0], "tail");
	assert_string_equal(words[1], "--json");
	assert_int_equal(am_frame_words("\0\0", 2, words, 4), 2);
	assert_string_equal(words[1], "");
	assert_int_equal(am_frame_words("", 0, words, 4), 0);
	assert_int_equal(am_frame_words("a\0b\0c\0d", 8, words, 4), 4);
}

static void refuses_words_without_end_and_too_many(void **state)
{
	const char *words[4];

	(void)state;
	assert_int_equal(am_frame_words("tail", 4, words, 4), -EBADMSG);
	assert_int_equal(am_frame_words("tail\0x", 6, words, 4), -EBADMSG);
	assert_int_equal(am_frame_words("a\0b\0c\0d\0e", 10, words, 4), -EBADMSG);
	assert_int_equal(am_frame_words("a", 2, words, 0), -EBADMSG);
}

static int fds_before;

static int open_pair(void **state)
{
	(void)state;
	fds_before = count_fds();
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

static int close_pair(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			(void)close(ends[i]); /* whatever was sent has been received */
	return count_fds() == fds_before ? 0 : -1;
}

#define pair_test(f) cmocka_unit_test_setup_teardown(f, open_pair, close_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		pair_test(sends_and_receives_each_kind),
		pair_test(carries_as_much_as_fits_and_refuses_more),
		pair_test(refuses_to_send_what_nobody_would_take),
		pair_test(tells_the_end_from_an_error),
		pair_test(does_not_wait_on_a_socket_that_must_not),
		pair_test(refuses_packets_that_are_not_frames),
		pair_test(refuses_a_packet_larger_than_its_buffer),
		pair_test(drops_descriptors_that_come_along),
		pair_test(passes_one_descriptor_on),
		pair_test(leaves_no_stray_descriptor_open),
		cmocka_unit_test(splits_a_request_into_its_words),
		cmocka_unit_test(refuses_words_without_end_and_too_many),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
