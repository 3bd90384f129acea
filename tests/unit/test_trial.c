// SPDX-License-Identifier: GPL-2.0
/* What becomes of a technique, from the runner's lines and the agent's events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "cli/trial.h"

#define DENY "{\"unmapped\":{\"kind\":\"access\",\"verdict\":\"deny\",\"op\":\"read\"}}"
#define DENY_SEND "{\"unmapped\":{\"kind\":\"send\",\"verdict\":\"deny\",\"op\":\"send\"}}"
#define SPILL "{\"unmapped\":{\"kind\":\"spill\",\"verdict\":\"allow\",\"op\":\"write\"}}"
#define ALLOW "{\"unmapped\":{\"kind\":\"access\",\"verdict\":\"allow\",\"op\":\"read\"}}"
#define FENCE(n) "{\"process\":{\"name\":\"fence-" #n "\"},\"unmapped\":{\"verdict\":\"deny\"}}"

#define RUN(phase, goal, role, fence, got, wire) \
	#phase "\tread\tpread\t" goal "\t" role "\t" #fence "\t10\t20\t" #got "\t" #wire "\t0\t0\tnote"

static int begin(void **state)
{
	*state = am_trials_new();
	return *state ? 0 : -1;
}

static int done(void **state)
{
	am_trials_free(*state);
	return 0;
}

static void run(struct am_trials *t, const char *line)
{
	assert_int_equal(am_trials_run(t, line), 0);
}

static enum am_outcome outcome(struct am_trials *t)
{
	assert_int_equal(am_trials_count(t), 1);
	return am_trials_at(t, 0).outcome;
}

static void is_blocked_if_nothing_was_got_and_an_event_says_so(void **state)
{
	run(*state, RUN(1, "get", "attack", 1, 1, 1));
	run(*state, RUN(2, "get", "attack", 2, 0, 0));
	am_trials_event(*state, DENY);
	am_trials_event(*state, FENCE(2));
	assert_int_equal(outcome(*state), AM_OUTCOME_BLOCKED);
}

static void is_open_if_it_was_stopped_without_a_word(void **state)
{
	run(*state, RUN(1, "get", "attack", 1, 1, 1));
	run(*state, RUN(2, "get", "attack", 2, 0, 0));
	am_trials_event(*state, ALLOW);
	am_trials_event(*state, FENCE(2));
	assert_int_equal(outcome(*state), AM_OUTCOME_OPEN);
}

static void is_absent_if_it_does_not_work_without_an_agent(void **state)
{
	run(*state, RUN(1, "get", "attack", 1, 0, 0));
	run(*state, RUN(2, "get", "attack", 2, 0, 0));
	am_trials_event(*state, DENY);
	am_trials_event(*state, FENCE(2));
	assert_int_equal(outcome(*state), AM_OUTCOME_ABSENT);
}

static void is_open_if_refusals_came_before_success(void **state)
{
	run(*state, RUN(1, "get", "attack", 1, 1, 1));
	run(*state, RUN(2, "get", "attack", 2, 1, 1));
	am_trials_event(*state, DENY);
	am_trials_event(*state, FENCE(2));
	assert_int_equal(outcome(*state), AM_OUTCOME_OPEN);
}

static void is_detected_if_sending_on_was_refused(void **state)
{
	run(*state, RUN(1, "get", "attack", 1, 1, 1));
	run(*state, RUN(2, "get", "attack", 2, 1, 0));
	am_trials_event(*state, DENY_SEND);
	am_trials_event(*state, FENCE(2));
	assert_int_equal(outcome(*state), AM_OUTCOME_DETECTED);
}

static void a_change_is_not_detected_by_a_refused_send(void **state)
{
	run(*state, RUN(1, "change", "attack", 1, 1, 0));
	run(*state, RUN(2, "change", "attack", 2, 1, 0));
	am_trials_event(*state, DENY_SEND);
	am_trials_event(*state, FENCE(2));
	assert_int_equal(outcome(*state), AM_OUTCOME_OPEN);
}

static void is_detected_if_a_spill_names_it_and_it_stays_on_the_host(void **state)
{
	run(*state, RUN(1, "pass", "attack", 1, 1, 1));
	run(*state, RUN(2, "pass", "attack", 2, 1, 0));
	am_trials_event(*state, SPILL);
	am_trials_event(*state, FENCE(2));
	assert_int_equal(outcome(*state), AM_OUTCOME_DETECTED);
}

static void code_that_was_not_run_is_blocked_and_no_detection_if_it_was(void **state)
{
	static const char code[] = "{\"unmapped\":{\"kind\":\"foreign\",\"op\":\"read\"}}";

	run(*state, RUN(1, "get", "attack", 1, 1, 1));
	run(*state, RUN(2, "get", "attack", 2, 0, 0));
	am_trials_event(*state, code);
	am_trials_event(*state, FENCE(2));
	assert_int_equal(outcome(*state), AM_OUTCOME_BLOCKED);
	run(*state, RUN(2, "get", "attack", 3, 1, 0));
	am_trials_event(*state, code);
	am_trials_event(*state, FENCE(3));
	assert_int_equal(outcome(*state), AM_OUTCOME_OPEN);
}

static void what_has_left_the_host_is_open_whatever_was_told(void **state)
{
	run(*state, RUN(1, "pass", "attack", 1, 1, 1));
	run(*state, RUN(2, "pass", "attack", 2, 1, 1));
	am_trials_event(*state, SPILL);
	am_trials_event(*state, DENY_SEND);
	am_trials_event(*state, FENCE(2));
	assert_int_equal(outcome(*state), AM_OUTCOME_OPEN);
}

static void events_belong_to_the_run_that_the_next_fence_closes(void **state)
{
	run(*state, RUN(1, "get", "attack", 1, 1, 1));
	run(*state, RUN(2, "get", "attack", 2, 0, 0));
	am_trials_event(*state, FENCE(2));
	am_trials_event(*state, DENY);
	am_trials_event(*state, FENCE(3));
	assert_int_equal(outcome(*state), AM_OUTCOME_OPEN);
}

static void a_refusal_of_who_may_is_harm(void **state)
{
	run(*state, RUN(1, "get", "attack", 1, 1, 1));
	run(*state, RUN(1, "get", "control", 2, 1, 1));
	run(*state, RUN(2, "get", "attack", 3, 0, 0));
	run(*state, RUN(2, "get", "control", 4, 0, 0));
	assert_true(am_trials_at(*state, 0).harmed);
	assert_null(am_trials_at(*state, 0).why_harmed);
	assert_int_equal(am_trials_known(*state, "control:*/* */* it is known", "6.1/lsm"), 0);
	assert_string_equal(am_trials_at(*state, 0).why_harmed, "it is known");
}

static void is_complete_when_the_last_fence_was_heard(void **state)
{
	run(*state, RUN(2, "get", "attack", 7, 0, 0));
	assert_false(am_trials_complete(*state));
	am_trials_event(*state, FENCE(6));
	assert_false(am_trials_complete(*state));
	am_trials_event(*state, FENCE(7));
	assert_true(am_trials_complete(*state));
}

static void a_list_gives_the_reason_where_it_is_of_this_kernel(void **state)
{
	run(*state, RUN(1, "get", "attack", 1, 1, 1));
	run(*state, RUN(2, "get", "attack", 2, 1, 1));
	assert_int_equal(am_trials_known(*state, "# read/* * no", "6.1/lsm"), 0);
	assert_int_equal(am_trials_known(*state, "", "6.1/lsm"), 0);
	assert_int_equal(am_trials_known(*state, "read/* 7/*,6.12/lsm other kernels", "6.1/lsm"), 0);
	assert_null(am_trials_at(*state, 0).why_open);
	assert_int_equal(am_trials_known(*state, "read/p* 7/*,6.1/*  no hook sees it", "6.1/lsm"), 0);
	assert_string_equal(am_trials_at(*state, 0).why_open, "no hook sees it");
	assert_int_equal(am_trials_known(*state, "read/pread 6.1/lsm", "6.1/lsm"), -EBADMSG);
}

static void what_is_no_line_of_the_runner_is_refused(void **state)
{
	static const char *const lines[] = {
		"", "1", "error: something", RUN(3, "get", "attack", 1, 1, 1),
		RUN(0, "get", "attack", 1, 1, 1), RUN(1, "get", "attack", 4096, 1, 1),
		RUN(1, "get", "attack", 1, 2, 1), RUN(1, "get", "attack", x, 1, 1),
		"1\tread\tpread\tget\tattack\t1\t10\t20\t1\t1\t0\t0",
		"1\tread\ta-name-that-is-longer-than-any-name-of-a-technique-is\tget\tattack\t1\t10\t20\t1"
		"\t1\t0\t0\t",
	};
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		assert_int_equal(am_trials_run(*state, lines[i]), -EBADMSG);
	assert_int_equal(am_trials_count(*state), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(is_blocked_if_nothing_was_got_and_an_event_says_so),
		TEST(is_open_if_it_was_stopped_without_a_word),
		TEST(is_absent_if_it_does_not_work_without_an_agent),
		TEST(is_open_if_refusals_came_before_success),
		TEST(is_detected_if_sending_on_was_refused),
		TEST(a_change_is_not_detected_by_a_refused_send),
		TEST(code_that_was_not_run_is_blocked_and_no_detection_if_it_was),
		TEST(is_detected_if_a_spill_names_it_and_it_stays_on_the_host),
		TEST(what_has_left_the_host_is_open_whatever_was_told),
		TEST(events_belong_to_the_run_that_the_next_fence_closes),
		TEST(a_refusal_of_who_may_is_harm),
		TEST(is_complete_when_the_last_fence_was_heard),
		TEST(a_list_gives_the_reason_where_it_is_of_this_kernel),
		TEST(what_is_no_line_of_the_runner_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
