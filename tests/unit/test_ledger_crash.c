// SPDX-License-Identifier: GPL-2.0
/* The writer dies after every so many bytes and calls, by kill -9 or by a power cut. Its
 * calls of the system are wrapped by the linker (see the Makefile): when the budget is
 * used up, a write stops in its middle and nothing has any effect any more, as for a
 * process that is gone. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>

#include "ledger_lab.h"

/* ---- the death ------------------------------------------------------------------------ */

static struct death {
	bool armed;
	uint64_t budget;	/* bytes and calls left */
	uint64_t used;
	/* What a power cut would leave: state as of the last sync. */
	ino_t ino;
	off_t synced;
	ino_t key_ino;
	uint8_t key[AM_SLOT_STEP + AM_SLOT_LEN];
	ssize_t key_len;
} death;

ssize_t __real_pwrite(int fd, const void *bytes, size_t len, off_t at);
int __real_ftruncate(int fd, off_t len);
int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __real_unlinkat(int dir, const char *name, int flags);
int __real_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __real_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t at);
int __wrap_ftruncate(int fd, off_t len);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_unlinkat(int dir, const char *name, int flags);
int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);

static uint64_t spend(uint64_t wanted)
{
	if (!death.armed)
		return wanted;
	if (wanted > death.budget)
		wanted = death.budget;
	death.budget -= wanted;
	death.used += wanted;
	return wanted;
}

static bool may(void)
{
	if (spend(1))
		return true;
	errno = EIO;
	return false;
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	uint64_t n = spend(len);

	if (n)
		return __real_pwrite(fd, bytes, n, at);
	errno = EIO;
	return -1;
}

int __wrap_ftruncate(int fd, off_t len)
{
	return may() ? __real_ftruncate(fd, len) : -1;
}

int __wrap_unlinkat(int dir, const char *name, int flags)
{
	return may() ? __real_unlinkat(dir, name, flags) : -1;
}

int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return may() ? __real_renameat(from_dir, from, to_dir, to) : -1;
}

int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	return may() ? __real_renameat2(from_dir, from, to_dir, to, flags) : -1;
}

static void note_sync(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return;
	if (st.st_ino == death.key_ino) {
		death.key_len = pread(fd, death.key, sizeof(death.key), 0);
	} else {
		death.ino = st.st_ino;
		death.synced = st.st_size;
	}
}

/* Nothing is synced in truth: the machine goes on. */
int __wrap_fsync(int fd)
{
	if (!may())
		return -1;
	note_sync(fd);
	return 0;
}

int __wrap_fdatasync(int fd)
{
	return __wrap_fsync(fd);
}

/* ---- what a power cut does to what was not synced ------------------------------------------ */

enum cut { CUT_NONE, CUT_GONE, CUT_ZEROS, CUT_HALF, CUT_OLD_KEY, CUT_MAX_ };

static void cut_power(const struct lab *lab, enum cut cut)
{
	struct am_listing l = { 0 };
	struct stat st;
	int fd;

	assert_int_equal(am_listing_read(lab->fd, false, &l), 0);
	if (l.count && cut != CUT_OLD_KEY) {
		fd = openat(lab->fd, lab_name(l.segments[l.count - 1].segment), O_RDWR);
		assert_true(fd >= 0 && !fstat(fd, &st));
		if (st.st_ino == death.ino && st.st_size > death.synced) {
			off_t keep = cut == CUT_HALF ? death.synced + (st.st_size - death.synced) / 2 :
						       death.synced;

			assert_int_equal(ftruncate(fd, keep), 0);
			if (cut == CUT_ZEROS)
				assert_int_equal(ftruncate(fd, st.st_size), 0);
		}
		(void)close(fd);
	}
	am_listing_done(&l);
	if (cut == CUT_OLD_KEY && death.key_len > 0)
		lab_write(lab, "key", death.key, (size_t)death.key_len);
}

/* ---- the life -------------------------------------------------------------------------------- */

static uint64_t find_ino(const struct lab *lab, const char *name)
{
	struct stat st;

	return fstatat(lab->fd, name, &st, 0) < 0 ? 0 : st.st_ino;
}

/* Rotates and removes, too. Returns the events that were sealed when it died. */
static uint64_t live(struct lab *lab)
{
	struct am_writer_stats stats = { 0 };
	struct am_writer *w = NULL;
	uint64_t sealed = 0;
	struct am_row row;
	int i, k;

	if (am_writer_open(lab->path, &lab->options, &w) < 0)
		return 0;
	death.key_ino = find_ino(lab, "key");
	for (i = 0; i < 6; i++) {
		for (k = 0; k < 20; k++) {
			storm_next(&lab->storm, &row);
			(void)am_writer_append(w, &row);
		}
		if (am_writer_flush(w) < 0)
			break;
		am_writer_stats(w, &stats);
		sealed = stats.rows;
	}
	am_writer_free(w);
	return sealed;
}

static void empty(const struct lab *lab)
{
	int fd = openat(lab->fd, ".", O_RDONLY | O_DIRECTORY);
	DIR *dir = fdopendir(fd);
	struct dirent *entry;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			assert_int_equal(unlinkat(lab->fd, entry->d_name, 0), 0);
	(void)closedir(dir);
}

static void begin(struct lab *lab, uint64_t budget)
{
	death = (struct death){ .budget = budget };
	storm_init(&lab->storm, 7);
	lab->storm.calm = true;
}

/* One life that ends early, and a second that finds what is left. */
static void die_after(struct lab *lab, uint64_t budget, enum cut cut, bool retains)
{
	enum am_verify_code code;
	uint64_t sealed;

	empty(lab);
	begin(lab, UINT64_MAX);
	lab_run(lab, 10);	/* there is something before */
	begin(lab, budget);
	death.armed = true;
	sealed = live(lab);
	death.armed = false;
	if (cut)
		cut_power(lab, cut);
	code = lab_verify(lab);
	if (code != AM_VERIFY_HOLDS && code != AM_VERIFY_UNSEALED)
		fail_msg("dead after %llu: %s", (unsigned long long)budget, am_verify_name(code));
	if (!retains)
		assert_true(lab_events(lab) >= sealed + 10);
	lab_run(lab, 5);
	code = lab_verify(lab);
	if (code != AM_VERIFY_HOLDS)
		fail_msg("dead after %llu, alive again: %s", (unsigned long long)budget,
			 am_verify_name(code));
	if (!retains)
		assert_true(lab_events(lab) >= sealed + 15);
}

static uint64_t measure_life(struct lab *lab)
{
	empty(lab);
	begin(lab, UINT64_MAX);
	lab_run(lab, 10);
	begin(lab, UINT64_MAX);
	death.armed = true;
	(void)live(lab);
	death.armed = false;
	return death.used;
}

static void die_everywhere(struct lab *lab, enum cut cut, uint64_t step, bool retains)
{
	uint64_t whole = measure_life(lab), budget;

	for (budget = cut; budget < whole + step; budget += step)
		die_after(lab, budget, cut, retains);
}

static void survives_a_kill_at_any_byte(void **state)
{
	die_everywhere(*state, CUT_NONE, 61, false);
}

static void survives_a_power_cut_that_loses_all_that_was_not_synced(void **state)
{
	die_everywhere(*state, CUT_GONE, 157, false);
}

static void survives_a_power_cut_that_leaves_zeros(void **state)
{
	die_everywhere(*state, CUT_ZEROS, 157, false);
}

static void survives_a_power_cut_that_leaves_a_half(void **state)
{
	die_everywhere(*state, CUT_HALF, 157, false);
}

static void survives_a_power_cut_with_the_key_of_before(void **state)
{
	die_everywhere(*state, CUT_OLD_KEY, 157, false);
}

static void survives_a_kill_while_segments_come_and_go(void **state)
{
	struct lab *lab = *state;

	lab->options.segment_bytes = 4000;
	lab->options.keep_bytes = 9000;
	lab->options.full = AM_FULL_OLDEST_FIRST;
	die_everywhere(lab, CUT_NONE, 83, true);
}

static void survives_a_kill_while_a_ledger_begins(void **state)
{
	struct lab *lab = *state;
	uint64_t whole, budget;
	enum am_verify_code code;

	empty(lab);
	begin(lab, UINT64_MAX);
	death.armed = true;
	(void)live(lab);
	death.armed = false;
	whole = death.used < 3000 ? death.used : 3000;
	for (budget = 0; budget < whole; budget += 29) {
		empty(lab);
		begin(lab, budget);
		death.armed = true;
		(void)live(lab);
		death.armed = false;
		lab_run(lab, 5);
		code = lab_verify(lab);
		if (code != AM_VERIFY_HOLDS)
			fail_msg("dead after %llu: %s", (unsigned long long)budget,
				 am_verify_name(code));
	}
}

int main(int argc, char **argv)
{
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(survives_a_kill_at_any_byte, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(survives_a_power_cut_that_loses_all_that_was_not_synced, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(survives_a_power_cut_that_leaves_zeros, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(survives_a_power_cut_that_leaves_a_half, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(survives_a_power_cut_with_the_key_of_before, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(survives_a_kill_while_segments_come_and_go, lab_set_up,
						lab_tear_down),
		cmocka_unit_test_setup_teardown(survives_a_kill_while_a_ledger_begins, lab_set_up,
						lab_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
