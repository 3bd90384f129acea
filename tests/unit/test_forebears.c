// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/forebears.h"
#include "agent/proc.h"
#include "event/origins.h"

static struct am_ancestor ancestor(uint32_t tgid, uint64_t start_ns)
{
	return (struct am_ancestor){ .tgid = tgid, .start_ns = start_ns, .ppid = 7, .uid = 1001,
				     .gid = 1002, .login = 1003, .session = 5, .cgroup = 55,
				     .comm = "sshd" };
}

static void tells_each_once(void **state)
{
	const struct am_ancestor a = ancestor(812, 1000), same_number = ancestor(812, 2000),
				 same_start = ancestor(813, 1000);
	am_auto(am_forebears) struct am_forebears *f = NULL;

	(void)state;
	assert_int_equal(am_forebears_new(&f), 0);
	assert_false(am_forebears_knew(f, &a));
	assert_true(am_forebears_knew(f, &a));
	assert_false(am_forebears_knew(f, &same_number));
	assert_false(am_forebears_knew(f, &same_start));
	assert_true(am_forebears_knew(f, &a));
}

static void forgets_the_oldest_and_never_takes_one_for_another(void **state)
{
	am_auto(am_forebears) struct am_forebears *f = NULL;
	unsigned known = 0;

	(void)state;
	assert_int_equal(am_forebears_new(&f), 0);
	for (uint32_t i = 1; i <= 4 * AM_FOREBEARS_MAX; i++) {
		const struct am_ancestor a = ancestor(i, 1000 + i);

		assert_false(am_forebears_knew(f, &a));
	}
	for (uint32_t i = 4 * AM_FOREBEARS_MAX; i > 4 * AM_FOREBEARS_MAX - 64; i--) {
		const struct am_ancestor a = ancestor(i, 1000 + i);

		known += am_forebears_knew(f, &a);
	}
	assert_int_equal(known, 64);
}

static void makes_an_event_of_an_ancestor(void **state)
{
	struct am_decoded of = { .raw = { .boottime_ns = 9000, .cpu = 3, .seq = 17, .generation = 12,
					  .labels = 1, .verdict = AM_VERDICT_DENY, .op = AM_OP_READ } };
	const struct am_ancestor a = ancestor(4000000, 1000);
	struct am_decoded e;

	(void)state;
	am_forebears_event(&of, &a, &e);
	assert_int_equal(e.raw.kind, AM_EVENT_PROCESS);
	assert_int_equal(e.raw.act, AM_ACT_ANCESTOR);
	assert_int_equal(e.raw.verdict, 0);
	assert_int_equal(e.raw.op, 0);
	assert_int_equal(e.raw.labels, 0);
	assert_int_equal(e.raw.tgid, 4000000);
	assert_int_equal(e.raw.ppid, 7);
	assert_int_equal(e.raw.uid, 1001);
	assert_int_equal(e.raw.login, 1003);
	assert_int_equal(e.raw.boottime_ns, 9000);
	assert_string_equal(e.raw.comm, "sshd");
	assert_string_equal(e.exe, "");		/* there is no such process */
}

static void knows_what_runs_only_of_the_process_that_began_then(void **state)
{
	char exe[512], own[512] = "";
	uint64_t ticks;
	uint32_t ppid;

	(void)state;
	assert_true(readlink("/proc/self/exe", own, sizeof(own) - 1) > 0);
	assert_int_equal(am_proc_parent((uint32_t)getpid(), &ppid, &ticks), 0);
	am_proc_exe((uint32_t)getpid(), ticks * 10000000, exe, sizeof(exe));
	assert_string_equal(exe, own);
	am_proc_exe((uint32_t)getpid(), (ticks + 1) * 10000000, exe, sizeof(exe));
	assert_string_equal(exe, "");
	am_proc_exe((uint32_t)getpid(), ticks * 10000000, exe, 4);	/* no part of a path */
	assert_string_equal(exe, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_each_once),
		cmocka_unit_test(forgets_the_oldest_and_never_takes_one_for_another),
		cmocka_unit_test(makes_an_event_of_an_ancestor),
		cmocka_unit_test(knows_what_runs_only_of_the_process_that_began_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
