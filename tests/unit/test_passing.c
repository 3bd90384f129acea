// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/passing.h"
#include "fds.h"
#include "ledger/passed.h"
#include "ledger/scan.h"
#include "ledger_made.h"

struct pair {
	int ends[2];
	size_t before;
};

static int make_pair(void **state)
{
	static struct pair p;

	p.before = count_fds();
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, p.ends), 0);
	*state = &p;
	return 0;
}

/* Every test leaves no descriptor open. */
static int drop_pair(void **state)
{
	struct pair *p = *state;

	(void)close(p->ends[0]);
	(void)close(p->ends[1]);
	assert_int_equal(count_fds(), p->before);
	return 0;
}

static void close_all(int *fds, size_t n)
{
	while (n)
		assert_int_equal(close(fds[--n]), 0);
}

static void passes_as_many_as_it_says_and_no_more(void **state)
{
	struct pair *p = *state;
	int sent[AM_PASSING_MAX + 1], got[AM_PASSING_MAX];
	static char packet[AM_FRAME_MAX];
	struct am_frame head;
	size_t n = 0;

	for (size_t i = 0; i <= AM_PASSING_MAX; i++)
		sent[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(am_passing_send(p->ends[0], "x", 1, sent, AM_PASSING_MAX + 1), -EINVAL);
	assert_int_equal(am_passing_send(p->ends[0], "x", 1, sent, 0), -EINVAL);
	assert_int_equal(am_passing_send(p->ends[0], "x", 1, sent, AM_PASSING_MAX), 0);
	assert_int_equal(am_passing_recv(p->ends[1], packet, &head, got, &n), 0);
	assert_int_equal(n, AM_PASSING_MAX);
	assert_int_equal(head.len, 1);
	close_all(got, n);
	close_all(sent, AM_PASSING_MAX + 1);
}

static void keeps_nothing_that_came_with_nonsense(void **state)
{
	struct pair *p = *state;
	int fds[3] = { p->ends[0], p->ends[0], p->ends[0] }, got[AM_PASSING_MAX];
	static char packet[AM_FRAME_MAX];
	struct am_frame head;
	struct iovec part = { "nonsense", 8 };
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(fds))];
	} control = { .head = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
				.cmsg_len = CMSG_LEN(sizeof(fds)) } };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	size_t n = 0;

	memcpy(CMSG_DATA(&control.head), fds, sizeof(fds));
	assert_int_equal(sendmsg(p->ends[0], &m, 0), 8);
	assert_int_equal(am_passing_recv(p->ends[1], packet, &head, got, &n), -EBADMSG);
	assert_int_equal(n, 0);
	assert_int_equal(am_passing_recv(p->ends[1], packet, &head, got, &n), -EAGAIN);
}

static uint64_t rows_of(int fd)
{
	const struct am_query all = { 0 };
	am_auto(am_scan) struct am_scan *s = NULL;
	uint64_t n = 0;

	assert_int_equal(am_scan_open(fd, &all, 0, &s), 0);
	assert_int_equal(am_scan_count(s, &n), 0);
	return n;
}

static void a_ledger_is_read_through_the_descriptors_of_its_segments(void **state)
{
	struct am_passed items[1] = { { .segment = 1 } };
	char name[AM_SEGMENT_NAME];
	struct made m;
	uint64_t there;
	int list;

	(void)state;
	made_open(&m, 50);
	am_segment_name(1, name);
	items[0].fd = openat(m.fd, name, O_RDONLY | O_CLOEXEC);
	assert_true(items[0].fd >= 0);
	list = am_passed_new(items, 1);
	assert_true(list >= 0);
	assert_true(am_passed_is(list));
	assert_false(am_passed_is(m.fd));
	there = rows_of(m.fd);
	assert_true(there > 50);
	assert_int_equal(rows_of(list), there);
	assert_int_equal(rows_of(list), there);
	(void)close(list);
	(void)close(items[0].fd);
	made_done(&m);
}

static void a_list_that_is_none_is_refused(void **state)
{
	struct am_listing l = { 0 };
	char path[] = "/tmp/am-list-XXXXXX";
	int fd = mkstemp(path), list;

	(void)state;
	assert_int_equal(write(fd, "0123456", 7), 7);
	assert_int_equal(am_passed_listing(fd, &l), -EBADMSG);
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	assert_int_equal(am_passed_listing(fd, &l), -EBADMSG);
	list = am_passed_new(NULL, 0);
	assert_int_equal(am_passed_listing(list, &l), 0);
	assert_int_equal(l.count, 0);
	assert_int_equal(am_passed_open(list, 1), -ENOENT);
	(void)close(list);
	(void)close(fd);
	(void)unlink(path);
}

#define WITH_PAIR(test) cmocka_unit_test_setup_teardown(test, make_pair, drop_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PAIR(passes_as_many_as_it_says_and_no_more),
		WITH_PAIR(keeps_nothing_that_came_with_nonsense),
		WITH_PAIR(a_ledger_is_read_through_the_descriptors_of_its_segments),
		WITH_PAIR(a_list_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
