// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <time.h>

#include "ledger_lab.h"

enum { ROWS = 30000 };

static void patient_append(struct am_writer *w, const struct am_row *row)
{
	const struct timespec little = { .tv_nsec = 1000000 };
	int r;

	while ((r = am_writer_append(w, row)) == -EAGAIN)
		(void)nanosleep(&little, NULL);
	assert_int_equal(r, 0);
}

static void make_storm(struct lab *lab)
{
	struct am_writer *w;
	struct am_row row;
	int i;

	lab->storm.calm = false;
	lab->options.no_thread = false;
	lab->options.segment_bytes = 100000;
	w = lab_open(lab);
	for (i = 0; i < ROWS; i++) {
		storm_next(&lab->storm, &row);
		patient_append(w, &row);
	}
	am_writer_free(w);
}

static bool is(const char *wanted, const char *have)
{
	return !wanted || !strcmp(wanted, have ? have : "");
}

/* What a query means, row by row. */
static bool matches(const struct am_query *q, const struct am_row *r)
{
	return (!q->since_ns || r->wall_ns >= q->since_ns) &&
	       (!q->until_ns || r->wall_ns < q->until_ns) &&
	       (!q->kinds || q->kinds >> r->deed.kind & 1) &&
	       (!q->verdicts || q->verdicts >> r->deed.verdict & 1) &&
	       (!q->ops || q->ops >> r->deed.op & 1) && is(q->store, r->object.store) &&
	       is(q->user, r->actor.user) && is(q->exe, r->actor.exe) && is(q->unit, r->actor.unit) &&
	       is(q->path, r->object.path) && (!q->has_pid || r->actor.pid == q->pid) &&
	       (!q->has_uid || r->actor.uid == q->uid);
}

static uint64_t count_by_hand(const struct am_query *q)
{
	struct storm storm;
	struct am_row row;
	uint64_t n = 0;
	int i;

	storm_init(&storm, 7);
	for (i = 0; i < ROWS; i++) {
		storm_next(&storm, &row);
		n += matches(q, &row);
	}
	return n;
}

static struct am_row row_at(int wanted, struct storm *storm)
{
	struct am_row row;
	int i;

	storm_init(storm, 7);
	for (i = 0; i <= wanted; i++)
		storm_next(storm, &row);
	return row;
}

static void finds_what_a_look_at_every_row_finds(void **state)
{
	const uint64_t events = (1ULL << AM_ROW_GAP) - 1;
	struct lab *lab = *state;
	struct storm a, b;
	const struct am_row row = row_at(12345, &a), late = row_at(23456, &b);
	const struct am_query queries[] = {
		{ .kinds = events },
		{ .verdicts = 1 << AM_VERDICT_DENY },
		{ .verdicts = 1 << AM_VERDICT_ALLOW, .ops = 1 << AM_OP_SEND },
		{ .kinds = 1 << AM_EVENT_REPEAT, .store = "claims" },
		{ .kinds = events, .user = row.actor.user },
		{ .kinds = events, .user = row.actor.user, .store = "lab-results" },
		{ .kinds = events, .exe = row.actor.exe, .unit = row.actor.unit },
		{ .kinds = events, .path = row.object.path[0] ? row.object.path : "x" },
		{ .has_pid = true, .pid = row.actor.pid },
		{ .has_pid = true, .pid = row.actor.pid, .has_uid = true, .uid = row.actor.uid },
		{ .has_uid = true, .uid = row.actor.uid, .verdicts = 1 << AM_VERDICT_DENY },
		{ .kinds = events, .since_ns = row.wall_ns, .until_ns = late.wall_ns },
		{ .kinds = events, .since_ns = late.wall_ns, .user = late.actor.user },
		{ .kinds = events, .store = "nothing-of-the-kind" },
		{ .has_pid = true, .pid = 1 },
	};
	size_t i;

	make_storm(lab);
	for (i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		uint64_t wanted = count_by_hand(&queries[i]), got = lab_count(lab, &queries[i]);

		if (wanted != got)
			fail_msg("query %zu: %llu rows, there are %llu", i, (unsigned long long)got,
				 (unsigned long long)wanted);
	}
}

static void gives_rows_by_their_number(void **state)
{
	struct lab *lab = *state;
	struct am_query q = { 0 };
	struct am_scan *s;
	struct am_row row;
	uint64_t n;

	make_storm(lab);
	for (n = 1; n < ROWS; n += 997) {
		q.first_row = q.last_row = n;
		assert_int_equal(am_scan_open(lab->fd, &q, AM_COLUMNS_ALL, &s), 0);
		assert_int_equal(am_scan_next(s, &row), 1);
		assert_int_equal(row.number, n);
		assert_int_equal(am_scan_next(s, &row), 0);
		am_scan_free(s);
	}
}

static void skips_blocks_that_cannot_match(void **state)
{
	struct lab *lab = *state;
	struct storm storm;
	const struct am_row row = row_at(ROWS / 2, &storm);
	const struct am_query q = { .since_ns = row.wall_ns, .until_ns = row.wall_ns + 1 };
	struct am_scan_counts counts;
	struct am_scan *s;
	uint64_t n;

	make_storm(lab);
	assert_int_equal(am_scan_open(lab->fd, &q, 0, &s), 0);
	assert_int_equal(am_scan_count(s, &n), 0);
	am_scan_counts(s, &counts);
	am_scan_free(s);
	assert_int_equal(n, 1);
	assert_true(counts.blocks > 4 && counts.skipped >= counts.blocks - 1);
}

static void reads_beside_a_writer(void **state)
{
	struct lab *lab = *state;
	uint64_t last = 0, now;
	struct am_writer *w;
	struct am_row row;
	int i;

	lab->options.no_thread = false;
	lab->options.interval_ms = 1;
	lab->options.segment_bytes = 30000;
	lab->options.keep_bytes = 10 << 20;
	lab->options.full = AM_FULL_OLDEST_FIRST;
	w = lab_open(lab);
	for (i = 0; i < 20000; i++) {
		storm_next(&lab->storm, &row);
		patient_append(w, &row);
		if (i % 1000)
			continue;
		now = lab_events(lab);
		assert_true(now >= last);
		last = now;
	}
	am_writer_free(w);
	assert_int_equal(lab_events(lab), 20000);
}

static void passes_over_what_is_damaged_and_counts_it(void **state)
{
	const struct am_query q = { 0 };
	struct lab *lab = *state;
	struct am_scan_counts counts;
	struct am_scan *s;
	struct bytes b;
	uint64_t n;

	lab_run(lab, 100);
	lab_run(lab, 100);
	lab_run(lab, 100);
	b = lab_read(lab, lab_name(2));
	memset(b.at + AM_HEADER_LEN, 0xff, 64);
	lab_write(lab, lab_name(2), b.at, b.len);
	lab_write(lab, lab_name(4), (const uint8_t *)"AMLEDGER", 8);
	assert_int_equal(lab_events(lab), 200);
	assert_int_equal(am_scan_open(lab->fd, &q, 0, &s), 0);
	assert_int_equal(am_scan_count(s, &n), 0);
	am_scan_counts(s, &counts);
	assert_int_equal(counts.bad_segments, 2);
	am_scan_free(s);
	free(b.at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(finds_what_a_look_at_every_row_finds, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(gives_rows_by_their_number, lab_set_up, lab_tear_down),
		cmocka_unit_test_setup_teardown(skips_blocks_that_cannot_match, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(reads_beside_a_writer, lab_set_up, lab_tear_down),
		cmocka_unit_test_setup_teardown(passes_over_what_is_damaged_and_counts_it, lab_set_up,
						lab_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
