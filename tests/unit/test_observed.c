// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/observed.h"

enum { HOUR = 3600, DAY = 24 * HOUR, NOON = 1700000000 / HOUR * HOUR };

static struct am_observed *table(void)
{
	struct am_observed *o = NULL;

	assert_int_equal(am_observed_new(&o), 0);
	return o;
}

static struct am_observed_row row_of(const char *exe, uint32_t uid)
{
	return (struct am_observed_row){
		.facts = { .store = 1, .uid = uid, .login = ~0u, .op = AM_OP_READ,
			   .reason = AM_REASON_NO_RULE },
		.exe = (char *)exe, .unit = (char *)"a.service", .path = (char *)"/srv/a.csv",
		.script = (char *)"/opt/sync.py", .groups = (char *)"5,27:sudo,100:users",
	};
}

static const struct am_observed_row *only_row(const struct am_observed *o)
{
	const struct am_observed_row *rows;
	size_t n;

	rows = am_observed_rows(o, &n);
	assert_int_equal(n, 1);
	return rows;
}

static size_t count_rows(const struct am_observed *o)
{
	size_t n;

	(void)am_observed_rows(o, &n);
	return n;
}

/* ---- counting ---------------------------------------------------------------------- */

static void counts_what_is_the_same_in_one_row(void **state)
{
	struct am_observed *o = table();
	struct am_observed_row row = row_of("/bin/cat", 5);

	(void)state;
	am_observed_add(o, &row, false, NOON);
	row.path = (char *)"/srv/b.csv";
	am_observed_add(o, &row, true, NOON + 10);
	assert_int_equal(only_row(o)->facts.count, 2);
	assert_int_equal(only_row(o)->facts.blocked, 1);
	assert_int_equal(only_row(o)->facts.first_s, NOON);
	assert_int_equal(only_row(o)->facts.last_s, NOON + 10);
	assert_string_equal(only_row(o)->path, "/srv/b.csv");
	am_observed_free(o);
}

static void every_part_of_the_key_makes_another_row(void **state)
{
	struct am_observed *o = table();
	struct am_observed_row rows[14];

	(void)state;
	for (size_t i = 0; i < 14; i++)
		rows[i] = row_of("/bin/cat", 5);
	rows[1].exe = (char *)"/bin/ca";
	rows[2].unit = (char *)"b.service";
	rows[3].facts.uid = 6;
	rows[4].facts.login = 6;
	rows[5].facts.store = 2;
	rows[6].facts.labels = 1;
	rows[7].facts.op = AM_OP_WRITE;
	rows[8].facts.reason = AM_REASON_RULE_DENIES;
	rows[9].facts.port = 1;
	rows[10].facts.addr[15] = 1;
	rows[11].facts.place = AM_OBSERVED_LOCAL;
	rows[12].facts.purpose = 3;
	rows[13].script = (char *)"";
	for (size_t i = 0; i < 14; i++)
		am_observed_add(o, &rows[i], false, NOON);
	assert_int_equal(count_rows(o), 14);
	am_observed_free(o);
}

static void keeps_the_groups_that_were_always_there(void **state)
{
	static const struct {
		const char *seen, *left;
	} cases[] = {
		{ "5,27:sudo,100:users", "5,27:sudo,100:users" },
		{ "5,100:users", "5,100:users" },
		{ "100:users,5,7", "5,100:users" },
		{ "50,100:users", "100:users" },
		{ "1", "" },
		{ "5,100:users", "" },
	};
	struct am_observed *o = table();
	struct am_observed_row row = row_of("/bin/cat", 5);

	(void)state;
	am_observed_add(o, &row, false, NOON);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		row.groups = (char *)cases[i].seen;
		am_observed_add(o, &row, false, NOON);
		assert_string_equal(only_row(o)->groups, cases[i].left);
	}
	am_observed_free(o);
}

/* Written before there were scripts, groups and purposes in it. */
static void reads_a_file_of_the_version_before(void **state)
{
	am_autofree char *bytes = calloc(1, 4096);
	struct am_observed *o = NULL;
	const struct am_observed_row *rows;
	FILE *f = fopen("tests/data/observed/three-rows", "re");
	size_t len, n;

	(void)state;
	assert_true(f && bytes);
	len = fread(bytes, 1, 4096, f);
	fclose(f);
	assert_int_equal(bytes[8], 1);
	assert_int_equal(am_observed_unpack(bytes, len, &o), 0);
	rows = am_observed_rows(o, &n);
	assert_int_equal(n, 3);
	for (size_t i = 0; i < n; i++) {
		assert_true(rows[i].facts.count > 0);
		assert_string_equal(rows[i].script, "");
		assert_string_equal(rows[i].groups, "");
	}
	am_observed_free(o);
}

static void tells_how_many_are_of_a_time_to_the_hour(void **state)
{
	struct am_observed *o = table();
	struct am_observed_row row = row_of("/bin/cat", 5);

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		am_observed_add(o, &row, false, NOON - 30 * HOUR);
	for (unsigned i = 0; i < 3; i++)
		am_observed_add(o, &row, false, NOON - 2 * HOUR);
	am_observed_add(o, &row, false, NOON);
	assert_int_equal(am_observed_since(only_row(o), 0), 9);
	assert_int_equal(am_observed_since(only_row(o), NOON - 3 * HOUR), 4);
	assert_int_equal(am_observed_since(only_row(o), NOON - HOUR), 1);
	assert_int_equal(am_observed_since(only_row(o), NOON + 1), 0);
	/* Further back than the hours go: all of them rather than too few. */
	assert_int_equal(am_observed_since(only_row(o), NOON - 29 * HOUR), 9);
	am_observed_free(o);
}

static void a_clock_that_is_set_back_loses_nothing(void **state)
{
	struct am_observed *o = table();
	struct am_observed_row row = row_of("/bin/cat", 5);

	(void)state;
	am_observed_add(o, &row, false, NOON);
	am_observed_add(o, &row, false, NOON - 40 * DAY);
	assert_int_equal(only_row(o)->facts.count, 2);
	assert_int_equal(only_row(o)->facts.last_s, NOON);
	assert_int_equal(am_observed_since(only_row(o), NOON), 2);
	am_observed_free(o);
}

static void fill(struct am_observed *o, int64_t now_s)
{
	for (uint32_t i = 0; i < AM_OBSERVED_MAX; i++) {
		struct am_observed_row row = row_of("/bin/cat", i);

		am_observed_add(o, &row, false, now_s);
	}
}

static void what_finds_no_room_is_counted(void **state)
{
	struct am_observed *o = table();
	struct am_observed_row row = row_of("/bin/new", 5);

	(void)state;
	fill(o, NOON);
	assert_int_equal(count_rows(o), AM_OBSERVED_MAX);
	assert_int_equal(am_observed_left_out(o), 0);
	am_observed_add(o, &row, false, NOON + DAY);
	am_observed_add(o, &row, false, NOON + DAY);
	assert_int_equal(count_rows(o), AM_OBSERVED_MAX);
	assert_int_equal(am_observed_left_out(o), 2);
	am_observed_free(o);
}

static void what_nobody_asks_about_any_more_makes_room(void **state)
{
	struct am_observed *o = table();
	struct am_observed_row row = row_of("/bin/cat", 3), other = row_of("/bin/new", 5);

	(void)state;
	fill(o, NOON);
	am_observed_add(o, &row, false, NOON + 20 * DAY);
	am_observed_add(o, &other, false, NOON + 31 * DAY);
	assert_int_equal(count_rows(o), 2);
	am_observed_add(o, &row, false, NOON + 31 * DAY);
	assert_int_equal(count_rows(o), 2);	/* it was found */
	am_observed_free(o);
}

/* ---- the file ----------------------------------------------------------------------- */

static void packed(const struct am_observed *o, char **bytes, size_t *len)
{
	assert_int_equal(am_observed_pack(o, bytes, len), 0);
}

static struct am_observed *some_rows(void)
{
	struct am_observed *o = table();

	for (uint32_t i = 0; i < 9; i++) {
		struct am_observed_row row = row_of(i % 2 ? "/bin/cat" : "", i);

		am_observed_add(o, &row, i % 3, NOON + i * HOUR);
		am_observed_add(o, &row, false, NOON + 2 * i * HOUR);
	}
	return o;
}

static void comes_back_as_it_was(void **state)
{
	struct am_observed *o = some_rows(), *back = NULL;
	char *bytes, *again;
	size_t len, len_again;

	(void)state;
	packed(o, &bytes, &len);
	assert_int_equal(am_observed_unpack(bytes, len, &back), 0);
	packed(back, &again, &len_again);
	assert_int_equal(len, len_again);
	assert_memory_equal(bytes, again, len);
	assert_false(am_observed_is_dirty(back));
	free(bytes);
	free(again);
	am_observed_free(o);
	am_observed_free(back);
}

static void expect_damaged(const char *bytes, size_t len)
{
	struct am_observed *back = (void *)1;

	assert_int_equal(am_observed_unpack(bytes, len, &back), -EBADMSG);
	assert_ptr_equal(back, (void *)1);
}

static void refuses_every_flipped_bit_and_every_shorter_file(void **state)
{
	struct am_observed *o = some_rows();
	char *bytes;
	size_t len;

	(void)state;
	packed(o, &bytes, &len);
	for (size_t i = 0; i < len * 8; i++) {
		bytes[i / 8] ^= 1 << i % 8;
		expect_damaged(bytes, len);
		bytes[i / 8] ^= 1 << i % 8;
	}
	for (size_t i = 0; i < len; i++)
		expect_damaged(bytes, i);
	free(bytes);
	am_observed_free(o);
}

/* With a sum that is right: what a clumsy, or hostile, writer might make. */
static void sum_up(char *bytes, size_t len)
{
	uint64_t sum = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < len - 8; i++)
		sum = (sum ^ (unsigned char)bytes[i]) * 0x100000001b3ULL;
	memcpy(bytes + len - 8, &sum, 8);
}

static void refuses_rows_that_cannot_be(void **state)
{
	static const struct {
		size_t at;
		uint64_t value;
		size_t len;
	} cases[] = {
		{ 12, 1000000, 4 },	/* more rows than there may be */
		{ 12, 2, 4 },		/* than there are */
		{ 12, 0, 4 },		/* bytes behind the last one */
		{ 24 + offsetof(struct am_observed_facts, op), 0, 1 },
		{ 24 + offsetof(struct am_observed_facts, op), AM_OP_MAX_, 1 },
		{ 24 + offsetof(struct am_observed_facts, reason), AM_REASON_MAX_, 1 },
		{ 24 + offsetof(struct am_observed_facts, place), AM_OBSERVED_PLACE_MAX_, 1 },
		{ 24 + offsetof(struct am_observed_facts, purpose), AM_PURPOSES_MAX, 1 },
		{ 24 + offsetof(struct am_observed_facts, pad), 1, 1 },
		{ 24 + offsetof(struct am_observed_facts, pad2), 1, 1 },
		{ 24 + offsetof(struct am_observed_facts, script_len), 0xffff, 2 },
		{ 24 + offsetof(struct am_observed_facts, groups_len), 2000, 2 },
		{ 24 + offsetof(struct am_observed_facts, count), 0, 8 },
		{ 24 + offsetof(struct am_observed_facts, blocked), 99, 8 },
		{ 24 + offsetof(struct am_observed_facts, first_s), INT64_MAX, 8 },
		{ 24 + offsetof(struct am_observed_facts, exe_len), 0xffff, 2 },
		{ 24 + offsetof(struct am_observed_facts, unit_len), 2000, 2 },
		{ 24 + offsetof(struct am_observed_facts, flags), 0x8000, 2 },
		{ 24 + sizeof(struct am_observed_facts), 0, 1 },	/* a NUL in a text */
	};
	struct am_observed *o = table();
	struct am_observed_row row = row_of("/bin/cat", 5);
	char *bytes;
	size_t len;

	(void)state;
	am_observed_add(o, &row, false, NOON);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		packed(o, &bytes, &len);
		memcpy(bytes + cases[i].at, &cases[i].value, cases[i].len);
		sum_up(bytes, len);
		expect_damaged(bytes, len);
		free(bytes);
	}
	am_observed_free(o);
}

static void refuses_a_row_that_is_there_twice(void **state)
{
	struct am_observed *o = table();
	struct am_observed_row rows[2] = { row_of("/bin/cat", 5), row_of("/bin/cat", 6) };
	size_t len, row_len, uid = offsetof(struct am_observed_facts, uid);
	char *bytes;

	(void)state;
	am_observed_add(o, &rows[0], false, NOON);
	am_observed_add(o, &rows[1], false, NOON);
	packed(o, &bytes, &len);
	row_len = (len - 24 - 8) / 2;
	memcpy(bytes + 24 + row_len + uid, bytes + 24 + uid, sizeof(uint32_t));
	sum_up(bytes, len);
	expect_damaged(bytes, len);
	free(bytes);
	am_observed_free(o);
}

static void is_saved_and_loaded_and_a_damaged_file_is_told(void **state)
{
	char dir[] = "/tmp/amanat-observed.XXXXXX";
	struct am_observed *o = NULL, *back = NULL;
	struct am_observed_row row = row_of("/bin/cat", 5);
	int dirfd, fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	dirfd = open(dir, O_RDONLY | O_DIRECTORY);
	assert_int_equal(am_observed_load(dirfd, &o), 0);	/* there is none yet */
	assert_int_equal(count_rows(o), 0);
	am_observed_add(o, &row, false, NOON);
	assert_true(am_observed_is_dirty(o));
	assert_int_equal(am_observed_save(o, dirfd), 0);
	assert_false(am_observed_is_dirty(o));
	assert_int_equal(am_observed_load(dirfd, &back), 0);
	assert_int_equal(only_row(back)->facts.count, 1);
	am_observed_free(back);
	fd = openat(dirfd, "observed", O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "AMOBSERVED", 10), 10);
	close(fd);
	back = NULL;
	assert_int_equal(am_observed_load(dirfd, &back), -EBADMSG);
	assert_null(back);
	assert_int_equal(am_observed_save(o, dirfd), 0);	/* which puts it right */
	assert_int_equal(am_observed_load(dirfd, &back), 0);
	am_observed_free(back);
	am_observed_free(o);
	assert_int_equal(unlinkat(dirfd, "observed", 0), 0);
	close(dirfd);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_what_is_the_same_in_one_row),
		cmocka_unit_test(keeps_the_groups_that_were_always_there),
		cmocka_unit_test(reads_a_file_of_the_version_before),
		cmocka_unit_test(every_part_of_the_key_makes_another_row),
		cmocka_unit_test(tells_how_many_are_of_a_time_to_the_hour),
		cmocka_unit_test(a_clock_that_is_set_back_loses_nothing),
		cmocka_unit_test(what_finds_no_room_is_counted),
		cmocka_unit_test(what_nobody_asks_about_any_more_makes_room),
		cmocka_unit_test(comes_back_as_it_was),
		cmocka_unit_test(refuses_every_flipped_bit_and_every_shorter_file),
		cmocka_unit_test(refuses_rows_that_cannot_be),
		cmocka_unit_test(refuses_a_row_that_is_there_twice),
		cmocka_unit_test(is_saved_and_loaded_and_a_damaged_file_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
