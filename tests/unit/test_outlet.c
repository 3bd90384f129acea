// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/outlet.h"
#include "fds.h"

enum { BIG = 300 * 1000 };	/* more than a pipe has room for */

struct stream {
	int reader, stop[2];
	FILE *to;
	struct am_outlet outlet;
};

static void begin(struct stream *s, int reader, int writer)
{
	s->reader = reader;
	s->to = fdopen(writer, "w");
	assert_non_null(s->to);
	assert_int_equal(pipe(s->stop), 0);
	am_outlet_init(&s->outlet, s->to, s->stop[0]);
}

static void begin_pipe(struct stream *s)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	begin(s, fds[0], fds[1]);
}

static void begin_terminal(struct stream *s)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;

	assert_true(master >= 0);
	assert_int_equal(unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_true(slave >= 0);
	begin(s, master, slave);
}

static void tell_to_stop(const struct stream *s)
{
	assert_int_equal(write(s->stop[1], "x", 1), 1);
}

static void end(struct stream *s)
{
	am_outlet_done(&s->outlet);
	assert_int_equal(fclose(s->to), 0);
	if (s->reader >= 0)
		assert_int_equal(close(s->reader), 0);
	assert_int_equal(close(s->stop[0]), 0);
	assert_int_equal(close(s->stop[1]), 0);
}

static int write_big(const struct stream *s)
{
	char *bytes = malloc(BIG);
	int r;

	assert_non_null(bytes);
	memset(bytes, 'x', BIG);
	alarm(60);	/* what this is about is that it ends */
	r = am_outlet_write(&s->outlet, bytes, BIG);
	alarm(0);
	free(bytes);
	return r;
}

static void is_given_up_when_told_while_nobody_reads(void **state)
{
	void (*const begins[])(struct stream *) = { begin_pipe, begin_terminal };
	int before = count_fds();

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct stream s;

		begins[i](&s);
		tell_to_stop(&s);
		assert_int_equal(write_big(&s), -ECANCELED);
		end(&s);
	}
	assert_int_equal(count_fds(), before);
}

static void is_given_up_when_told_in_the_middle(void **state)
{
	struct stream s;
	int status;
	pid_t child;

	(void)state;
	begin_pipe(&s);
	child = fork();
	if (!child) {	/* takes what the pipe holds first, so that the other is in the middle */
		char bytes[4096];

		_exit(read(s.reader, bytes, sizeof(bytes)) > 0 && write(s.stop[1], "x", 1) == 1 ? 0 : 1);
	}
	assert_int_equal(write_big(&s), -ECANCELED);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	end(&s);
}

/* Else who is told to end loses a line that its reader has room for. */
static void is_finished_when_told_while_there_is_room(void **state)
{
	char got[16] = "";
	struct stream s;

	(void)state;
	begin_pipe(&s);
	tell_to_stop(&s);
	assert_int_equal(am_outlet_write(&s.outlet, "line\n", 5), 0);
	assert_int_equal(read(s.reader, got, sizeof(got)), 5);
	assert_string_equal(got, "line\n");
	end(&s);
}

static void takes_all_to_a_reader_that_is_slow(void **state)
{
	struct stream s;
	int status;
	pid_t child;

	(void)state;
	begin_pipe(&s);
	child = fork();
	if (!child) {
		char bytes[1000];
		size_t all = 0;
		ssize_t n = 1;

		while (all < BIG && n > 0) {
			n = read(s.reader, bytes, sizeof(bytes));
			all += n > 0 ? (size_t)n : 0;
		}
		_exit(all == BIG ? 0 : 1);
	}
	assert_int_equal(write_big(&s), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	end(&s);
}

static void tells_that_nobody_reads_any_more(void **state)
{
	struct stream s;

	(void)state;
	assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	begin_pipe(&s);
	assert_int_equal(close(s.reader), 0);
	s.reader = -1;
	assert_int_equal(am_outlet_write(&s.outlet, "line\n", 5), -EPIPE);
	end(&s);
}

/* A shell shares it, and does not expect that. */
static void leaves_the_descriptor_of_others_as_it_was(void **state)
{
	struct stream s;

	(void)state;
	begin_pipe(&s);
	tell_to_stop(&s);
	assert_int_equal(write_big(&s), -ECANCELED);
	assert_false(fcntl(fileno(s.to), F_GETFL) & O_NONBLOCK);
	end(&s);
}

static void goes_on_in_a_file_where_it_was(void **state)
{
	char path[] = "/tmp/am-outlet-XXXXXX", got[16] = "";
	int fd = mkstemp(path);
	struct stream s;

	(void)state;
	assert_int_equal(write(fd, "one\n", 4), 4);
	begin(&s, -1, fd);
	tell_to_stop(&s);
	assert_int_equal(am_outlet_write(&s.outlet, "two\n", 4), 0);
	assert_int_equal(pread(fd, got, sizeof(got), 0), 8);
	assert_string_equal(got, "one\ntwo\n");
	end(&s);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_given_up_when_told_while_nobody_reads),
		cmocka_unit_test(is_given_up_when_told_in_the_middle),
		cmocka_unit_test(is_finished_when_told_while_there_is_room),
		cmocka_unit_test(takes_all_to_a_reader_that_is_slow),
		cmocka_unit_test(tells_that_nobody_reads_any_more),
		cmocka_unit_test(leaves_the_descriptor_of_others_as_it_was),
		cmocka_unit_test(goes_on_in_a_file_where_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
