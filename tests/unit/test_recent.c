// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "event/origins.h"
#include "event/recent.h"
#include "record.h"

static struct am_decoded decoded(const struct record *r)
{
	struct am_decoded e;

	assert_int_equal(am_event_decode(r, r->head.size, &e), 0);
	return e;
}

static struct am_decoded access_of(uint32_t pid, uint64_t seq, bool finding)
{
	struct record r;

	record_init(&r, AM_EVENT_ACCESS);
	record_path(&r, "0042.csv\0registry\0srv");
	r.head.act = AM_ACT_READ;
	r.head.tgid = pid;
	r.head.seq = seq;
	r.head.boottime_ns = 5000000000 + seq * 1000;
	r.head.labels = 5;
	if (finding) {
		record_deny(&r, AM_REASON_NO_RULE, 1);
		r.head.flags |= AM_EVENT_URGENT;
	}
	return decoded(&r);
}

/* ---- ids ------------------------------------------------------------------------------ */

static void an_id_is_read_as_it_is_written(void **state)
{
	static const struct am_event_id ids[] = {
		{ 12, true, 0, 4711 }, { 1, false, 127, 1 },
		{ UINT32_MAX, true, UINT32_MAX, UINT64_MAX },
	};
	static const char *const texts[] = { "12-u0-4711", "1-b127-1",
					     "4294967295-u4294967295-18446744073709551615" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char text[AM_EVENT_ID_TEXT];
		struct am_event_id back;

		am_event_id_format(&ids[i], text);
		assert_string_equal(text, texts[i]);
		assert_int_equal(am_event_id_parse(text, &back), 0);
		assert_true(am_event_id_equals(&ids[i], &back));
	}
}

static void what_is_no_id_is_refused(void **state)
{
	static const char *const texts[] = {
		"", "1", "1-", "1-u", "1-u0", "1-u0-", "1-u0-0", "0-u0-1", "1-x0-1", "01-u0-1",
		"1-u00-1", "1-u0-01", "1-u0-1 ", " 1-u0-1", "1-u0-1-", "+1-u0-1", "1-u-0-1",
		"4294967296-u0-1", "1-u4294967296-1", "1-u0-18446744073709551616", "1_u0_1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct am_event_id id = { .run = 77 };

		if (am_event_id_parse(texts[i], &id) != -EINVAL || id.run != 77)
			fail_msg("'%s' is taken", texts[i]);
	}
}

/* ---- the last events ------------------------------------------------------------------- */

static struct am_event_id keep(struct am_recent *r, uint32_t pid, uint64_t seq, bool finding)
{
	struct am_decoded e = access_of(pid, seq, finding);
	struct am_event_id id;

	am_event_id_of(&e.raw, 3, &id);
	assert_int_equal(am_recent_add(r, &e, &id, (int64_t)seq), 0);
	return id;
}

static void the_oldest_makes_room_and_only_in_its_own_ring(void **state)
{
	struct am_event_id ids[6], finding;
	struct am_recent *r = NULL;

	(void)state;
	assert_int_equal(am_recent_new(2, 4, &r), 0);
	finding = keep(r, 1, 1, true);
	for (uint64_t i = 0; i < 6; i++)
		ids[i] = keep(r, 1, i + 1, false);
	assert_null(am_recent_find(r, &ids[1]));
	for (size_t i = 2; i < 6; i++)
		assert_int_equal(am_recent_find(r, &ids[i])->id.seq, i + 1);
	assert_string_equal(am_recent_find(r, &finding)->path, "/srv/registry/0042.csv");
	assert_int_equal(am_recent_oldest(r, false)->id.seq, 3);
	assert_int_equal(am_recent_oldest(r, true)->id.seq, 1);
	am_recent_free(r);
}

static void the_last_refusal_is_the_latest_that_fits(void **state)
{
	struct am_recent_wish any = { 0 }, pid = { .has_pid = true, .pid = 7 };
	struct am_recent_wish uid = { .has_uid = true, .uid = 1 };
	struct am_recent *r = NULL;

	(void)state;
	assert_int_equal(am_recent_new(8, 8, &r), 0);
	assert_null(am_recent_last(r, &any));
	(void)keep(r, 9, 30, false);
	assert_null(am_recent_last(r, &any));
	(void)keep(r, 7, 20, true);
	(void)keep(r, 8, 25, true);
	(void)keep(r, 7, 10, true);	/* of another CPU's ring, and earlier */
	assert_int_equal(am_recent_last(r, &any)->raw.tgid, 8);
	assert_int_equal(am_recent_last(r, &pid)->id.seq, 20);
	assert_null(am_recent_last(r, &uid));
	assert_true(am_recent_uses(r, 12));
	assert_false(am_recent_uses(r, 13));
	assert_int_equal(am_recent_parent(r, 7, am_start_ticks(3000000000)), 1);
	assert_int_equal(am_recent_parent(r, 7, 1), 0);
	am_recent_free(r);
}

/* ---- where labels come from --------------------------------------------------------------- */

static void take(struct am_origins *o, const struct am_decoded *e)
{
	struct am_event_id id;

	am_event_id_of(&e->raw, 3, &id);
	am_origins_take(o, e, &id, 99);
}

static void the_first_read_of_each_label_is_kept(void **state)
{
	uint64_t start = am_start_ticks(3000000000);
	struct am_decoded first = access_of(7, 1, false), later = access_of(7, 2, false);
	struct am_origins *o = NULL;

	(void)state;
	assert_int_equal(am_origins_new(&o), 0);
	take(o, &first);
	take(o, &later);
	assert_int_equal(am_origins_find(o, 7, start, 0)->id.seq, 1);
	assert_int_equal(am_origins_find(o, 7, start, 2)->id.seq, 1);
	assert_null(am_origins_find(o, 7, start, 1));
	assert_null(am_origins_find(o, 7, start + 1, 0));	/* another process of that number */
	assert_null(am_origins_find(o, 8, start, 0));
	assert_string_equal(am_origins_find(o, 7, start, 0)->path, "/srv/registry/0042.csv");
	am_origins_free(o);
}

static void what_moves_no_data_gives_no_label(void **state)
{
	struct am_decoded e[4];
	struct am_origins *o = NULL;

	(void)state;
	assert_int_equal(am_origins_new(&o), 0);
	for (size_t i = 0; i < 4; i++)
		e[i] = access_of(7, i + 1, false);
	e[0].raw.act = AM_ACT_EXEC;
	e[1].raw.act = AM_ACT_RENAME;
	e[2].raw.op = AM_OP_WRITE;
	e[3].raw.flags |= AM_EVENT_BLOCKED;
	for (size_t i = 0; i < 4; i++)
		take(o, &e[i]);
	assert_null(am_origins_find(o, 7, am_start_ticks(3000000000), 0));
	am_origins_free(o);
}

static void long_paths_keep_their_end(void **state)
{
	struct am_decoded e = access_of(7, 1, false);
	const struct am_label_origin *origin;
	struct am_origins *o = NULL;

	(void)state;
	assert_int_equal(am_origins_new(&o), 0);
	memset(e.path, 'x', 600);
	strcpy(e.path + 600, "/end.csv");
	take(o, &e);
	origin = am_origins_find(o, 7, am_start_ticks(3000000000), 0);
	assert_true(origin->cut);
	assert_int_equal(strlen(origin->path), AM_ORIGIN_PATH - 1);
	assert_non_null(strstr(origin->path, "/end.csv"));
	am_origins_free(o);
}

static void the_table_has_a_bound_and_counts_what_it_forgets(void **state)
{
	struct am_origins *o = NULL;

	(void)state;
	assert_int_equal(am_origins_new(&o), 0);
	for (uint32_t pid = 1; pid <= 20000; pid++) {
		struct am_decoded e = access_of(pid, pid, false);

		take(o, &e);
	}
	assert_true(am_origins_forgotten(o) >= 2 * 20000 - 8192);
	assert_non_null(am_origins_find(o, 20000, am_start_ticks(3000000000), 0));
	am_origins_free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_is_read_as_it_is_written),
		cmocka_unit_test(what_is_no_id_is_refused),
		cmocka_unit_test(the_oldest_makes_room_and_only_in_its_own_ring),
		cmocka_unit_test(the_last_refusal_is_the_latest_that_fits),
		cmocka_unit_test(the_first_read_of_each_label_is_kept),
		cmocka_unit_test(what_moves_no_data_gives_no_label),
		cmocka_unit_test(long_paths_keep_their_end),
		cmocka_unit_test(the_table_has_a_bound_and_counts_what_it_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
