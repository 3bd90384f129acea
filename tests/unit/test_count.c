// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "count.h"

enum { TIMES = 100000, SWEEPS = 20000, TIMES_MAX = 500000000, DESTS = 3 };

static void a_call_of_unknown_size_is_told_from_any_other(void **state)
{
	static const struct {
		uint32_t call;
		uint64_t bytes;
	} cases[] = {
		{ 0, 0 },
		{ 1, 1 },
		{ INT32_MAX, INT32_MAX },
		{ AM_CALL_UNSIZED, AM_BYTES_UNKNOWN },
		{ AM_CALL_UNSIZED | 17, AM_BYTES_UNKNOWN | 17 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_true(am_bytes_of_call(cases[i].call) == cases[i].bytes);
}

static void what_was_counted_is_taken_once(void **state)
{
	struct am_touch t = { 0 };
	__u64 bytes = 0;

	(void)state;
	am_touch_count(&t, 1, 4096);
	am_touch_count(&t, 1, 5);
	assert_int_equal(am_touch_empty(&t, &bytes), 2);
	assert_int_equal(bytes, 4101);
	bytes = 0;
	assert_int_equal(am_touch_empty(&t, &bytes), 0);
	assert_int_equal(bytes, 0);
}

/* Twice the bit would be none, and its bytes must stay. */
static void unknown_stays_unknown_when_it_is_added_again_or_given_back(void **state)
{
	struct am_touch t = { 0 };
	__u64 bytes = 0;
	uint32_t n;

	(void)state;
	am_touch_count(&t, 1, AM_BYTES_UNKNOWN | 10);
	am_touch_count(&t, 1, AM_BYTES_UNKNOWN | 20);
	am_touch_count(&t, 1, 30);
	n = am_touch_empty(&t, &bytes);
	am_touch_count(&t, 1, AM_BYTES_UNKNOWN);
	am_touch_count(&t, n, bytes);
	assert_int_equal(am_touch_empty(&t, &bytes), 4);
	assert_true(bytes == (AM_BYTES_UNKNOWN | 60));
	am_touch_count(&t, 1, 1);
	assert_int_equal(am_touch_empty(&t, &bytes), 1);
	assert_int_equal(bytes, 1);
}

static void more_than_32_bits_add_up(void **state)
{
	struct am_touch t = { 0 };
	__u64 bytes = 0, i;

	(void)state;
	for (i = 0; i < 10; i++)
		am_touch_count(&t, 1, INT32_MAX);
	assert_int_equal(am_touch_empty(&t, &bytes), 10);
	assert_true(bytes == 10 * (__u64)INT32_MAX);
}

/* ---- the thread and the sweep ---------------------------------------------------- */

/* What has been told: of each destination how often, and how many bytes. */
struct told {
	uint64_t count[DESTS];
	uint64_t bytes[DESTS];
};

struct race {
	struct am_touch touch;	/* `port` says of which destination it is */
	struct told by_thread, by_sweep;
	unsigned sweeps;	/* that found something */
	int ends;
};

static void tell(struct told *told, const struct am_touch *t, uint32_t n, __u64 bytes)
{
	told->count[t->port] += n;
	told->bytes[t->port] += bytes;
}

/* As touch_sweep() in sweep.bpf.c; every other record finds no room. */
static void *sweep(void *ctx)
{
	struct race *race = ctx;
	while (!__atomic_load_n(&race->ends, __ATOMIC_ACQUIRE)) {
		__u64 bytes = 0;
		uint32_t n;

		if (!am_touch_claim(&race->touch))
			continue;
		n = am_touch_empty(&race->touch, &bytes);
		if (n)
			__atomic_add_fetch(&race->sweeps, 1, __ATOMIC_RELAXED);
		if (n && race->sweeps & 1)
			am_touch_count(&race->touch, n, bytes);
		else if (n)
			tell(&race->by_sweep, &race->touch, n, bytes);
		am_touch_release(&race->touch);
	}
	return NULL;
}

/* As am_touch_first() and am_touch_take(): counts, or begins with another destination if it
 * may, and else tells the one at hand by itself. */
static void do_send(struct race *race, unsigned dest, uint32_t bytes)
{
	__u64 counted = 0;
	uint32_t n;

	if (race->touch.port == dest) {
		am_touch_count(&race->touch, 1, am_bytes_of_call(bytes));
		return;
	}
	race->by_thread.count[dest]++;
	race->by_thread.bytes[dest] += bytes;
	if (!am_touch_claim(&race->touch))
		return;
	n = am_touch_empty(&race->touch, &counted);
	if (n)
		tell(&race->by_thread, &race->touch, n, counted);
	race->touch.port = (uint16_t)dest;
	am_touch_release(&race->touch);
}

static void nothing_is_lost_or_told_of_another_while_the_sweep_comes_by(void **state)
{
	struct race race = { .touch = { .port = 0 } };
	struct told done = { 0 };
	__u64 bytes = 0;
	pthread_t thread;
	unsigned i;
	uint32_t n;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, sweep, &race), 0);
	for (i = 0; i < TIMES || (i < TIMES_MAX &&
				  __atomic_load_n(&race.sweeps, __ATOMIC_RELAXED) < SWEEPS); i++) {
		unsigned dest = i / 2 % DESTS;

		done.count[dest]++;
		done.bytes[dest] += i;
		do_send(&race, dest, i);
	}
	__atomic_store_n(&race.ends, 1, __ATOMIC_RELEASE);
	assert_int_equal(pthread_join(thread, NULL), 0);
	n = am_touch_empty(&race.touch, &bytes);
	if (n)
		tell(&race.by_thread, &race.touch, n, bytes);
	assert_int_equal(race.touch.bytes, 0);
	for (i = 0; i < DESTS; i++) {
		assert_int_equal(race.by_thread.count[i] + race.by_sweep.count[i], done.count[i]);
		assert_int_equal(race.by_thread.bytes[i] + race.by_sweep.bytes[i], done.bytes[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_of_unknown_size_is_told_from_any_other),
		cmocka_unit_test(what_was_counted_is_taken_once),
		cmocka_unit_test(unknown_stays_unknown_when_it_is_added_again_or_given_back),
		cmocka_unit_test(more_than_32_bits_add_up),
		cmocka_unit_test(nothing_is_lost_or_told_of_another_while_the_sweep_comes_by),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
