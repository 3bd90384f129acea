// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <time.h>

#include "ledger_lab.h"

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Waits, for a minute at most, until so many rows are sealed. */
static void wait_sealed(struct am_writer *w, uint64_t rows)
{
	const struct timespec little = { .tv_nsec = 1000000 };
	int64_t until = now_ms() + 60000;
	struct am_writer_stats stats;

	for (;;) {
		am_writer_stats(w, &stats);
		if (stats.rows >= rows)
			return;
		assert_true(now_ms() < until);
		(void)nanosleep(&little, NULL);
	}
}

static struct am_row a_finding(void)
{
	return (struct am_row){
		.wall_ns = 1, .boot_ns = 1,
		.deed = { .kind = AM_EVENT_ACCESS, .verdict = AM_VERDICT_DENY, .reason = AM_REASON_NO_RULE },
	};
}

/* ---- appending ------------------------------------------------------------------------- */

static void keeps_every_row_over_restarts_and_numbers_them_on(void **state)
{
	struct lab *lab = *state;
	const struct am_query q = { 0 };
	struct am_scan *s = NULL;
	struct am_row row;
	uint64_t next = 1;

	lab_run(lab, 20000);
	lab_run(lab, 1);
	lab_run(lab, 300);
	assert_int_equal(lab_events(lab), 20301);
	assert_int_equal(am_scan_open(lab->fd, &q, 0, &s), 0);
	while (am_scan_next(s, &row) == 1)
		assert_int_equal(row.number, next++);
	am_scan_free(s);
	assert_int_equal(lab_verify(lab), AM_VERIFY_HOLDS);
}

static void seals_by_itself_what_waits_for_the_interval(void **state)
{
	struct lab *lab = *state;
	struct am_writer *w;

	lab->options.no_thread = false;
	lab->options.interval_ms = 10;
	w = lab_open(lab);
	lab_append(lab, w, 100);
	wait_sealed(w, 100);
	lab_append(lab, w, 100);
	wait_sealed(w, 200);
	am_writer_free(w);
	assert_int_equal(lab_verify(lab), AM_VERIFY_HOLDS);
}

static void seals_a_finding_at_once(void **state)
{
	struct lab *lab = *state;
	struct am_row row = a_finding();
	struct am_writer *w;

	lab->options.no_thread = false;
	lab->options.interval_ms = 3600000;
	w = lab_open(lab);
	lab->storm.n = 0;
	assert_int_equal(am_writer_append(w, &row), 0);
	wait_sealed(w, 1);
	am_writer_free(w);
}

static void loses_nothing_when_the_caller_is_faster(void **state)
{
	struct lab *lab = *state;
	const struct timespec little = { .tv_nsec = 1000000 };
	struct am_row row;
	struct am_writer *w;
	int i, r;

	lab->options.no_thread = false;
	w = lab_open(lab);
	for (i = 0; i < 150000; i++) {
		storm_next(&lab->storm, &row);
		while ((r = am_writer_append(w, &row)) == -EAGAIN)
			(void)nanosleep(&little, NULL);
		assert_int_equal(r, 0);
	}
	am_writer_free(w);
	assert_int_equal(lab_events(lab), 150000);
	assert_int_equal(lab_verify(lab), AM_VERIFY_HOLDS);
}

static void refuses_a_second_writer(void **state)
{
	struct lab *lab = *state;
	struct am_writer *w = lab_open(lab), *second = NULL;

	assert_int_equal(am_writer_open(lab->path, &lab->options, &second), -EWOULDBLOCK);
	assert_null(second);
	lab_append(lab, w, 10);
	am_writer_free(w);
	assert_int_equal(lab_verify(lab), AM_VERIFY_HOLDS);
}

/* ---- what it says of itself ---------------------------------------------------------------- */

static void records_losses_as_gaps(void **state)
{
	struct lab *lab = *state;
	struct am_writer_stats stats;
	struct am_writer *w = lab_open(lab);
	struct am_row row;

	am_writer_lost(w, AM_GAP_RING, 12, 1000);
	am_writer_lost(w, AM_GAP_RING, 30, 2000);
	assert_int_equal(am_writer_flush(w), 0);
	am_writer_stats(w, &stats);
	assert_int_equal(stats.lost, 42);
	assert_int_equal(stats.untold, 0);
	am_writer_free(w);
	assert_true(lab_find(lab, AM_ROW_GAP, AM_GAP_RING, &row));
	assert_int_equal(row.count, 42);
	assert_int_equal(row.since_ns, 1000);
}

static void records_that_the_clock_was_set_back(void **state)
{
	struct lab *lab = *state;
	struct am_writer *w = lab_open(lab);
	struct am_row row;

	lab_append(lab, w, 10);
	lab->storm.offset_ns -= 3600LL * 1000000000;
	lab_append(lab, w, 10);
	am_writer_free(w);
	assert_true(lab_find(lab, AM_ROW_MARK, AM_MARK_CLOCK, &row));
	assert_true(row.count == 3600ULL * 1000000000);
	assert_int_equal(lab_events(lab), 20);
	assert_int_equal(lab_verify(lab), AM_VERIFY_HOLDS);
}

static int64_t an_hour_ago(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (t.tv_sec - (clock == CLOCK_REALTIME ? 3600 : 0)) * 1000000000LL + t.tv_nsec;
}

static void records_a_clock_that_is_behind_the_last_seal(void **state)
{
	struct lab *lab = *state;

	lab_run(lab, 10);
	lab->options.clock_ns = an_hour_ago;
	lab_run(lab, 10);
	assert_true(lab_find(lab, AM_ROW_MARK, AM_MARK_CLOCK, NULL));
	assert_int_equal(lab_verify(lab), AM_VERIFY_HOLDS);
}

static void records_start_stop_and_the_time_between(void **state)
{
	struct lab *lab = *state;
	struct am_row row;

	lab_run(lab, 1);
	assert_true(lab_find(lab, AM_ROW_MARK, AM_MARK_START, NULL));
	assert_true(lab_find(lab, AM_ROW_MARK, AM_MARK_STOP, NULL));
	assert_false(lab_find(lab, AM_ROW_GAP, AM_GAP_NOT_RUNNING, NULL));
	lab_run(lab, 1);
	assert_true(lab_find(lab, AM_ROW_GAP, AM_GAP_NOT_RUNNING, &row));
	assert_true(row.since_ns > 0 && row.since_ns <= row.wall_ns);
}

/* ---- rotation and retention --------------------------------------------------------------- */

static uint64_t segments(const struct lab *lab, uint64_t *oldest)
{
	struct am_listing l = { 0 };
	uint64_t n;

	assert_int_equal(am_listing_read(lab->fd, false, &l), 0);
	n = l.count;
	*oldest = l.count ? l.segments[0].segment : 0;
	am_listing_done(&l);
	return n;
}

static void begins_a_new_segment_when_one_is_big_enough(void **state)
{
	struct lab *lab = *state;
	uint64_t oldest;

	lab->options.segment_bytes = 50000;
	lab_run(lab, 60000);
	assert_true(segments(lab, &oldest) > 3);
	assert_int_equal(oldest, 1);
	assert_int_equal(lab_events(lab), 60000);
	assert_int_equal(lab_verify(lab), AM_VERIFY_HOLDS);
}

static void removes_old_segments_with_a_record_that_verifies(void **state)
{
	struct lab *lab = *state;
	const struct am_verify_options options = { 0 };
	struct am_writer_stats stats;
	struct am_writer *w;
	struct am_audit *v;
	struct am_row row;
	uint64_t oldest;
	int i;

	lab->options.segment_bytes = 50000;
	lab->options.keep_bytes = 300000;
	lab->options.full = AM_FULL_OLDEST_FIRST;
	w = lab_open(lab);
	for (i = 0; i < 10; i++) {
		lab_append(lab, w, 16000);
		assert_int_equal(am_writer_flush(w), 0);
	}
	am_writer_stats(w, &stats);
	assert_in_range(stats.bytes, 100000, 300000);
	am_writer_free(w);
	(void)segments(lab, &oldest);
	assert_true(oldest > 2);
	assert_true(lab_find(lab, AM_ROW_MARK, AM_MARK_REMOVED, &row));
	v = lab_verify_with(lab, &options);
	assert_int_equal(v->code, AM_VERIFY_HOLDS);
	assert_int_equal(v->removed, oldest - 1);
	am_audit_free(v);
	/* And after a restart. */
	lab_run(lab, 10);
	assert_int_equal(lab_verify(lab), AM_VERIFY_HOLDS);
}

static int64_t late;

static int64_t later(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (t.tv_sec + late) * 1000000000LL + t.tv_nsec;
}

static void rotates_and_removes_by_age(void **state)
{
	struct lab *lab = *state;
	struct am_writer *w;
	uint64_t oldest;

	late = 0;
	lab->options.clock_ns = later;
	lab->options.segment_age_s = 100;
	lab->options.keep_age_s = 1000;
	w = lab_open(lab);
	lab_append(lab, w, 10);
	assert_int_equal(am_writer_flush(w), 0);
	assert_int_equal(segments(lab, &oldest), 1);
	late = 101;
	lab_append(lab, w, 10);
	assert_int_equal(am_writer_flush(w), 0);
	assert_int_equal(segments(lab, &oldest), 2);
	late = 2000;	/* files have the real time */
	lab_append(lab, w, 10);
	assert_int_equal(am_writer_flush(w), 0);
	(void)segments(lab, &oldest);
	assert_true(oldest > 1);
	am_writer_free(w);
	assert_int_equal(lab_verify(lab), AM_VERIFY_HOLDS);
}

/* ---- a full disk ----------------------------------------------------------------------------- */

/* A disk of its own if that can be had, else a limit on the size of files. */
static bool mount_small(const struct lab *lab, char path[128])
{
	(void)snprintf(path, 128, "%s/small", lab->path);
	assert_int_equal(mkdir(path, 0700), 0);
	if (mount("none", path, "tmpfs", 0, "size=2m") == 0)
		return true;
	print_message("no tmpfs can be mounted here: skipped\n");
	return false;
}

static int append_some(struct lab *lab, struct am_writer *w, size_t n)
{
	struct am_row row;
	int r = 0;

	while (n-- && !r) {
		storm_next(&lab->storm, &row);
		r = am_writer_append(w, &row);
	}
	return r;
}

static void lab_use(struct lab *lab, const char *path, int *was, char was_path[64])
{
	*was = lab->fd;
	memcpy(was_path, lab->path, sizeof(lab->path));
	(void)snprintf(lab->path, sizeof(lab->path), "%s", path);
	lab->fd = open(path, O_RDONLY | O_DIRECTORY);
	assert_true(lab->fd >= 0);
}

static void lab_leave(struct lab *lab, int was, const char was_path[64])
{
	(void)close(lab->fd);
	assert_int_equal(umount(lab->path), 0);
	lab->fd = was;
	memcpy(lab->path, was_path, sizeof(lab->path));
}

static void stops_on_a_full_disk_says_so_and_goes_on_when_there_is_room(void **state)
{
	struct lab *lab = *state;
	char path[128], was_path[64], ballast[160];
	struct am_writer_stats stats;
	struct am_writer *w;
	struct am_row row;
	int was, fd, i, r = 0;

	if (!mount_small(lab, path))
		skip();
	lab_use(lab, path, &was, was_path);
	(void)snprintf(ballast, sizeof(ballast), "%s/ballast", path);
	w = lab_open(lab);
	fd = open(ballast, O_RDWR | O_CREAT, 0600);
	for (i = 2048; i > 0 && fallocate(fd, 0, 0, i * 1024L) < 0; i--)
		;
	assert_true(i > 0);
	for (i = 0; i < 100 && !r; i++)
		r = append_some(lab, w, 8192);
	assert_int_equal(r, -ENOSPC);
	am_writer_stats(w, &stats);
	assert_int_equal(stats.state, AM_WRITER_FULL);
	assert_true(stats.untold > 0);
	am_writer_lost(w, AM_GAP_DISK_FULL, 5, 1);
	assert_int_equal(lab_verify(lab), AM_VERIFY_HOLDS);

	assert_int_equal(ftruncate(fd, 0), 0);
	(void)close(fd);
	assert_int_equal(unlink(ballast), 0);
	assert_int_equal(am_writer_flush(w), 0);
	am_writer_stats(w, &stats);
	assert_int_equal(stats.state, AM_WRITER_RUNS);
	assert_int_equal(stats.untold, 0);
	lab_append(lab, w, 100);
	am_writer_free(w);
	assert_true(lab_find(lab, AM_ROW_MARK, AM_MARK_DISK_FULL, NULL));
	assert_true(lab_find(lab, AM_ROW_GAP, AM_GAP_DISK_FULL, &row));
	assert_int_equal(row.count, stats.lost);
	assert_int_equal(lab_events(lab), stats.rows + 100);
	assert_int_equal(lab_verify(lab), AM_VERIFY_HOLDS);
	lab_leave(lab, was, was_path);
}

static void warns_before_a_disk_is_full_and_takes_it_back(void **state)
{
	struct lab *lab = *state;
	char path[128], was_path[64], ballast[160];
	struct am_writer_stats stats;
	struct am_writer *w;
	int was, fd, i;

	if (!mount_small(lab, path))
		skip();
	lab_use(lab, path, &was, was_path);
	(void)snprintf(ballast, sizeof(ballast), "%s/ballast", path);
	lab->options.segment_bytes = 400000;
	w = lab_open(lab);
	am_writer_stats(w, &stats);
	assert_false(stats.low);
	fd = open(ballast, O_RDWR | O_CREAT, 0600);
	for (i = 2048; i > 0 && fallocate(fd, 0, 0, i * 1024L) < 0; i--)
		;
	do {
		assert_int_equal(append_some(lab, w, 500), 0);
		assert_int_equal(am_writer_flush(w), 0);
		am_writer_stats(w, &stats);
	} while (!stats.low);
	/* All that is on its way now finds room. */
	assert_int_equal(append_some(lab, w, 5000), 0);
	assert_int_equal(am_writer_flush(w), 0);
	am_writer_stats(w, &stats);
	assert_int_equal(stats.state, AM_WRITER_RUNS);
	assert_int_equal(stats.lost, 0);

	(void)close(fd);
	assert_int_equal(unlink(ballast), 0);
	assert_int_equal(append_some(lab, w, 1), 0);
	assert_int_equal(am_writer_flush(w), 0);
	am_writer_stats(w, &stats);
	assert_false(stats.low);
	am_writer_free(w);
	assert_int_equal(lab_verify(lab), AM_VERIFY_HOLDS);
	lab_leave(lab, was, was_path);
}

static void stops_at_the_size_that_it_may_have_and_removes_nothing(void **state)
{
	struct lab *lab = *state;
	struct am_writer_stats stats;
	struct am_writer *w;
	uint64_t oldest;
	bool low = false;
	int i, r = 0;

	lab->options.segment_bytes = 50000;
	lab->options.keep_bytes = 300000;
	w = lab_open(lab);
	for (i = 0; i < 100 && !r; i++) {
		r = append_some(lab, w, 1000);
		(void)am_writer_flush(w);
		am_writer_stats(w, &stats);
		assert_true(low || stats.state == AM_WRITER_RUNS);	/* it was told before */
		low |= stats.low;
	}
	assert_int_equal(r, -ENOSPC);
	assert_int_equal(stats.state, AM_WRITER_FULL);
	assert_in_range(stats.bytes, 250000, 300000);
	am_writer_free(w);
	(void)segments(lab, &oldest);
	assert_int_equal(oldest, 1);
	assert_int_equal(lab_verify(lab), AM_VERIFY_HOLDS);

	/* It goes on under a bound that leaves room, and tells the gap. */
	lab->options.keep_bytes = 600000;
	w = lab_open(lab);
	lab_append(lab, w, 100);
	am_writer_free(w);
	assert_true(lab_find(lab, AM_ROW_MARK, AM_MARK_DISK_FULL, NULL));
	assert_int_equal(lab_verify(lab), AM_VERIFY_HOLDS);
}

/* A small disk for a ledger that makes room by itself. False: there can be none here. */
static bool use_little_room(struct lab *lab, int *was, char was_path[64])
{
	char path[128];

	if (!mount_small(lab, path))
		return false;
	lab_use(lab, path, was, was_path);
	lab->options.full = AM_FULL_OLDEST_FIRST;
	lab->options.segment_bytes = 200000;
	return true;
}

static void makes_room_by_removing_the_oldest_if_told_so(void **state)
{
	struct lab *lab = *state;
	struct am_writer_stats stats;
	struct am_writer *w;
	char was_path[64];
	int was;

	if (!use_little_room(lab, &was, was_path))
		skip();
	w = lab_open(lab);
	lab_append(lab, w, 400000);
	assert_int_equal(am_writer_flush(w), 0);
	am_writer_stats(w, &stats);
	assert_int_equal(stats.state, AM_WRITER_RUNS);
	assert_int_equal(stats.lost, 0);
	assert_true(stats.oldest > 2);
	am_writer_free(w);
	assert_int_equal(lab_verify(lab), AM_VERIFY_HOLDS);
	lab_leave(lab, was, was_path);
}

/* Takes what is left of a disk, to the last block. */
static void take_all(const char *path)
{
	am_autoclose int fd = open(path, O_RDWR | O_CREAT, 0600);
	long size, at = 0;

	assert_true(fd >= 0);
	for (size = 2 << 20; size >= 4096; size /= 2)
		while (!fallocate(fd, 0, at, size))
			at += size;
}

static void begins_on_a_full_disk_and_makes_room_by_removing_the_oldest(void **state)
{
	struct lab *lab = *state;
	struct am_writer_stats stats;
	char was_path[64], ballast[160];
	struct am_writer *w;
	int was, turn;

	if (!use_little_room(lab, &was, was_path))
		skip();
	w = lab_open(lab);
	lab_append(lab, w, 100000);
	am_writer_free(w);
	(void)snprintf(ballast, sizeof(ballast), "%s/ballast", lab->path);
	for (turn = 0; turn < 2; turn++) {	/* the first one leaves room for the second */
		take_all(ballast);
		w = lab_open(lab);
		lab_append(lab, w, 20000);
		assert_int_equal(am_writer_flush(w), 0);
		am_writer_stats(w, &stats);
		assert_int_equal(stats.state, AM_WRITER_RUNS);
		assert_int_equal(stats.lost, 0);
		am_writer_free(w);
	}
	assert_true(stats.oldest > 1);
	assert_true(lab_find(lab, AM_ROW_MARK, AM_MARK_REMOVED, NULL));
	assert_int_equal(lab_verify(lab), AM_VERIFY_HOLDS);
	lab_leave(lab, was, was_path);
}

static void stops_at_a_limit_on_the_size_of_files(void **state)
{
	struct lab *lab = *state;
	struct am_writer_stats stats;
	struct am_writer *w = lab_open(lab);
	struct rlimit was, limit;
	int i, r = 0;

	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	limit = (struct rlimit){ 300000, was.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (i = 0; i < 100 && !r; i++)
		r = append_some(lab, w, 8192);
	assert_int_equal(r, -ENOSPC);
	am_writer_stats(w, &stats);
	assert_int_equal(stats.state, AM_WRITER_FULL);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(am_writer_flush(w), 0);
	am_writer_free(w);
	assert_true(lab_find(lab, AM_ROW_GAP, AM_GAP_DISK_FULL, NULL));
	assert_int_equal(lab_verify(lab), AM_VERIFY_HOLDS);
}

/* ---- what it finds ------------------------------------------------------------------------------ */

static void begins_a_new_chain_without_its_key_and_says_so(void **state)
{
	struct lab *lab = *state;

	lab_run(lab, 100);
	assert_int_equal(unlinkat(lab->fd, "key", 0), 0);
	lab_run(lab, 50);
	assert_int_equal(lab_events(lab), 150);
	assert_int_equal(lab_verify(lab), AM_VERIFY_BROKEN);
}

static void keeps_the_evidence_when_sealed_rows_are_gone(void **state)
{
	struct lab *lab = *state;
	struct bytes whole, after;

	lab_run(lab, 100);
	whole = lab_read(lab, lab_name(1));
	lab_write(lab, lab_name(1), whole.at, whole.len - AM_SEAL_LEN);	/* its closing seal */
	lab_run(lab, 50);
	after = lab_read(lab, lab_name(1));
	assert_int_equal(after.len, whole.len - AM_SEAL_LEN);
	assert_memory_equal(after.at, whole.at, after.len);
	assert_int_equal(lab_verify(lab), AM_VERIFY_TRUNCATED);
	free(whole.at);
	free(after.at);
}

static void notices_that_everything_but_the_key_is_gone(void **state)
{
	struct lab *lab = *state;
	const struct am_verify_options options = { 0 };
	struct am_audit *v;
	uint64_t oldest;

	lab_run(lab, 100);
	assert_int_equal(unlinkat(lab->fd, lab_name(1), 0), 0);
	lab_run(lab, 50);
	assert_int_equal(segments(lab, &oldest), 1);
	assert_int_equal(oldest, 2);	/* its number is not used again */
	v = lab_verify_with(lab, &options);
	assert_int_equal(v->code, AM_VERIFY_BROKEN);
	am_audit_free(v);
}

static void leaves_no_secret_of_yesterday_on_disk(void **state)
{
	struct lab *lab = *state;
	struct bytes before, after;
	size_t i;

	lab_run(lab, 10);
	before = lab_read(lab, "key");
	lab_run(lab, 10);
	after = lab_read(lab, "key");
	for (i = 0; i + 32 <= before.len; i++) {
		bool zeros = !before.at[i];

		if (zeros || i % AM_SLOT_STEP < 32 || i % AM_SLOT_STEP > 72)
			continue;
		assert_null(memmem(after.at, after.len, before.at + i, 32));
	}
	free(before.at);
	free(after.at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keeps_every_row_over_restarts_and_numbers_them_on, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(seals_by_itself_what_waits_for_the_interval, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(seals_a_finding_at_once, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(loses_nothing_when_the_caller_is_faster, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(refuses_a_second_writer, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(records_losses_as_gaps, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(records_that_the_clock_was_set_back, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(records_a_clock_that_is_behind_the_last_seal, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(records_start_stop_and_the_time_between, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(begins_a_new_segment_when_one_is_big_enough, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(removes_old_segments_with_a_record_that_verifies, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(rotates_and_removes_by_age, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(stops_on_a_full_disk_says_so_and_goes_on_when_there_is_room, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(warns_before_a_disk_is_full_and_takes_it_back, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(stops_at_the_size_that_it_may_have_and_removes_nothing, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(makes_room_by_removing_the_oldest_if_told_so, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(begins_on_a_full_disk_and_makes_room_by_removing_the_oldest, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(stops_at_a_limit_on_the_size_of_files, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(begins_a_new_chain_without_its_key_and_says_so, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(keeps_the_evidence_when_sealed_rows_are_gone, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(notices_that_everything_but_the_key_is_gone, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(leaves_no_secret_of_yesterday_on_disk, lab_set_up,
						lab_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
