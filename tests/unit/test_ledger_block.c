// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/batch.h"
#include "ledger/block.h"
#include "ledger/bytes.h"
#include "ledger/order.h"
#include "ledger/scan.h"
#include "storm.h"

struct kit {
	struct am_batch *batch;
	struct am_press *press;
	struct am_block *block;
	uint8_t *frame;		/* borrowed of the press */
	size_t len;
};

static int set_up(void **state)
{
	struct kit *k = calloc(1, sizeof(*k));

	*state = k;
	return am_batch_new(1, &k->batch) || am_press_new(1, &k->press) || am_block_new(&k->block);
}

static int tear_down(void **state)
{
	struct kit *k = *state;

	am_batch_free(k->batch);
	am_press_free(k->press);
	am_block_free(k->block);
	free(k);
	return 0;
}

static int from_memory(void *ctx, uint32_t at, void *to, size_t len)
{
	const struct kit *k = ctx;

	if (at > k->len || len > k->len - at)
		return -ENODATA;
	memcpy(to, k->frame + at, len);
	return 0;
}

static void press(struct kit *k)
{
	assert_int_equal(am_press_block(k->press, k->batch, 100, &k->frame, &k->len), 0);
}

static int load(struct kit *k, const uint8_t *frame, uint64_t columns, struct am_block_head *head)
{
	int r = am_block_head(frame, head);

	if (!r && head->size > k->len)
		r = -EBADMSG;
	if (!r)
		r = am_block_begin(k->block, head, frame);
	return r ? r : am_block_load(k->block, columns, NULL, from_memory, k);
}

static void assert_text(const char *a, const char *b)
{
	assert_string_equal(a, b ? b : "");
}

static void assert_row(const struct am_row *a, const struct am_row *b)
{
	assert_true(a->event == b->event && a->wall_ns == b->wall_ns && a->boot_ns == b->boot_ns);
	assert_true(a->cpu == b->cpu && a->seq == b->seq && a->count == b->count);
	assert_true(a->since_ns == b->since_ns);
	assert_memory_equal(&a->actor, &b->actor, offsetof(struct am_row_actor, comm));
	assert_memory_equal(&a->object, &b->object, offsetof(struct am_row_object, path));
	assert_memory_equal(&a->dest, &b->dest, offsetof(struct am_row_dest, zones));
	assert_memory_equal(&a->deed, &b->deed, offsetof(struct am_row_deed, label_names));
	assert_text(a->actor.comm, b->actor.comm);
	assert_text(a->actor.exe, b->actor.exe);
	assert_text(a->actor.user, b->actor.user);
	assert_text(a->actor.login_user, b->actor.login_user);
	assert_text(a->actor.unit, b->actor.unit);
	assert_text(a->actor.purpose, b->actor.purpose);
	assert_text(a->actor.groups, b->actor.groups);
	assert_text(a->actor.script, b->actor.script);
	assert_text(a->actor.cgroup_path, b->actor.cgroup_path);
	assert_text(a->object.path, b->object.path);
	assert_text(a->object.store, b->object.store);
	assert_text(a->dest.zones, b->dest.zones);
	assert_text(a->deed.label_names, b->deed.label_names);
	assert_text(a->deed.policy, b->deed.policy);
	assert_text(a->deed.why, b->deed.why);
}

/* ---- what goes in comes out ----------------------------------------------------------- */

static void reads_a_storm_back_field_by_field(void **state)
{
	struct kit *k = *state;
	struct am_block_head head;
	struct am_row row, got;
	struct storm storm;
	uint32_t i;

	storm_init(&storm, 3);
	storm.whole = true;
	while (!am_batch_is_full(k->batch)) {
		storm_next(&storm, &row);
		am_batch_add(k->batch, &row);
	}
	press(k);
	assert_int_equal(load(k, k->frame, AM_COLUMNS_ALL, &head), 0);
	assert_int_equal(head.rows, AM_BATCH_ROWS);
	storm_init(&storm, 3);
	storm.whole = true;
	for (i = 0; i < head.rows; i++) {
		storm_next(&storm, &row);
		am_block_row(k->block, i, &got);
		assert_row(&got, &row);
		assert_int_equal(got.number, 100 + i);
	}
}

/* Every seventh path is asked for. */
static void makes_the_texts_that_are_needed_and_no_other(void **state)
{
	static char paths[AM_BATCH_ROWS][160];
	static uint8_t wanted[AM_BATCH_ROWS];
	const uint8_t *const needed[AM_TABLE_MAX_] = { [AM_TABLE_OBJECTS] = wanted };
	struct kit *k = *state;
	struct am_block_head head;
	struct storm storm;
	struct am_row row;
	uint32_t i;

	storm_init(&storm, 3);
	while (!am_batch_is_full(k->batch)) {
		storm_next(&storm, &row);
		am_batch_add(k->batch, &row);
	}
	press(k);
	assert_int_equal(load(k, k->frame, AM_COLUMN_BIT(AM_COL_PATH), &head), 0);
	assert_true(head.entries[AM_TABLE_OBJECTS] > 1000);
	for (i = 0; i < head.entries[AM_TABLE_OBJECTS]; i++) {
		(void)snprintf(paths[i], sizeof(paths[i]), "%s", am_block_text(k->block, AM_COL_PATH, i));
		wanted[i] = i % 7 == 0;
	}
	assert_int_equal(am_block_begin(k->block, &head, k->frame), 0);
	assert_int_equal(am_block_load(k->block, AM_COLUMN_BIT(AM_COL_PATH), needed, from_memory, k), 0);
	for (i = 0; i < head.entries[AM_TABLE_OBJECTS]; i++)
		assert_string_equal(am_block_text(k->block, AM_COL_PATH, i), wanted[i] ? paths[i] : "");
}

static void keeps_the_ends_of_every_range(void **state)
{
	struct kit *k = *state;
	struct am_row rows[3] = { 0 }, got;
	struct am_block_head head;
	uint32_t i;

	memset(&rows[1].actor, 0xff, offsetof(struct am_row_actor, comm));
	memset(&rows[1].object, 0xff, offsetof(struct am_row_object, path));
	memset(&rows[1].dest, 0xff, offsetof(struct am_row_dest, zones));
	memset(&rows[1].deed, 0xff, offsetof(struct am_row_deed, label_names));
	rows[1].event = rows[1].cpu = rows[1].seq = rows[1].count = UINT64_MAX;
	rows[1].wall_ns = INT64_MAX;
	rows[1].boot_ns = INT64_MIN;
	rows[1].since_ns = -1;
	rows[2].wall_ns = INT64_MIN;
	rows[2].boot_ns = INT64_MAX;
	rows[2].object.path = "\x01\xff/\n";
	for (i = 0; i < 3; i++)
		am_batch_add(k->batch, &rows[i]);
	press(k);
	assert_int_equal(load(k, k->frame, AM_COLUMNS_ALL, &head), 0);
	for (i = 0; i < 3; i++) {
		am_block_row(k->block, i, &got);
		assert_row(&got, &rows[i]);
	}
	assert_true(head.wall_min == INT64_MIN && head.wall_max == INT64_MAX);
	assert_true(head.pid_min == 0 && head.pid_max == UINT32_MAX);
}

static void cuts_a_text_that_is_too_long(void **state)
{
	struct kit *k = *state;
	char *text = calloc(1, 3 * AM_TEXT_MAX);
	struct am_row row = { .object = { .path = text } }, got;
	struct am_block_head head;

	memset(text, 'a', 3 * AM_TEXT_MAX - 1);
	am_batch_add(k->batch, &row);
	am_batch_add(k->batch, &row);
	press(k);
	assert_int_equal(load(k, k->frame, AM_COLUMNS_ALL, &head), 0);
	am_block_row(k->block, 1, &got);
	assert_int_equal(strlen(got.object.path), AM_TEXT_MAX - 1);
	free(text);
}

static void is_full_before_its_texts_run_over(void **state)
{
	struct kit *k = *state;
	char *text = calloc(1, AM_TEXT_MAX);
	struct am_row row = { 0 };
	struct am_block_head head;
	unsigned n = 0;

	memset(text, 'p', AM_TEXT_MAX - 1);
	row.object.path = row.actor.exe = row.deed.why = text;
	while (!am_batch_is_full(k->batch)) {
		text[n % 100] = (char)('A' + n % 26);	/* never the same text twice in a row */
		row.object.ino = ++n;
		am_batch_add(k->batch, &row);
	}
	assert_in_range(n, 100, AM_BATCH_ROWS - 1);
	press(k);
	assert_int_equal(load(k, k->frame, AM_COLUMNS_ALL, &head), 0);
	assert_int_equal(head.rows, n);
	free(text);
}

static void decodes_only_what_is_asked_for(void **state)
{
	struct kit *k = *state;
	struct am_block_head head;
	struct am_row row, got;
	struct storm storm;

	storm_init(&storm, 3);
	storm_next(&storm, &row);
	am_batch_add(k->batch, &row);
	press(k);
	assert_int_equal(load(k, k->frame, AM_COLUMN_BIT(AM_COL_ACTOR) | AM_COLUMN_BIT(AM_COL_PID), &head), 0);
	am_block_row(k->block, 0, &got);
	assert_int_equal(got.actor.pid, row.actor.pid);
	assert_null(got.actor.exe);
	assert_null(got.object.path);
	assert_int_equal(got.actor.uid, 0);
}

/* ---- skip data -------------------------------------------------------------------------- */

static void says_what_it_may_hold(void **state)
{
	struct kit *k = *state;
	struct am_block_head head;
	struct storm storm;
	struct am_row row;
	uint8_t pid[4];
	int i, wrong = 0;

	storm_init(&storm, 3);
	for (i = 0; i < 1000; i++) {
		storm_next(&storm, &row);
		am_batch_add(k->batch, &row);
	}
	press(k);
	assert_int_equal(am_block_head(k->frame, &head), 0);
	storm_init(&storm, 3);
	for (i = 0; i < 1000; i++) {
		storm_next(&storm, &row);
		am_put32(pid, row.actor.pid);
		assert_true(am_filter_may_have(k->frame + 96, head.filter_words, AM_COL_PID, pid, 4));
		assert_true(am_filter_may_have(k->frame + 96, head.filter_words, AM_COL_EXE,
					       row.actor.exe, strlen(row.actor.exe)));
		assert_in_range(row.actor.pid, head.pid_min, head.pid_max);
		assert_true(head.kinds >> row.deed.kind & 1);
		am_put32(pid, 1000000 + (uint32_t)i);
		wrong += am_filter_may_have(k->frame + 96, head.filter_words, AM_COL_PID, pid, 4);
	}
	assert_in_range(wrong, 0, 50);	/* false ones are few */
}

/* ---- bytes of somebody else ---------------------------------------------------------------- */

static void make_small(struct kit *k)
{
	struct storm storm;
	struct am_row row;
	int i;

	storm_init(&storm, 9);
	for (i = 0; i < 40; i++) {
		storm_next(&storm, &row);
		am_batch_add(k->batch, &row);
	}
	press(k);
}

/* No hash protects it here: it must be refused, or read as something else, unharmed. */
static void survives_any_byte_being_another(void **state)
{
	static const uint8_t with[] = { 0x01, 0x80, 0xff };
	struct kit *k = *state;
	struct am_block_head head;
	struct am_row row;
	uint32_t i;

	make_small(k);
	for (size_t at = 0; at < k->len; at++) {
		for (size_t x = 0; x < sizeof(with); x++) {
			k->frame[at] ^= with[x];
			if (!load(k, k->frame, AM_COLUMNS_ALL, &head))
				for (i = 0; i < head.rows; i++)
					am_block_row(k->block, i, &row);
			k->frame[at] ^= with[x];
		}
	}
}

static void refuses_a_block_that_ends_early(void **state)
{
	struct kit *k = *state;
	struct am_block_head head;
	size_t whole;

	make_small(k);
	whole = k->len;
	for (k->len = AM_BLOCK_HEAD_LEN; k->len < whole; k->len++)
		assert_true(load(k, k->frame, AM_COLUMNS_ALL, &head) < 0);
}

static void refuses_an_index_beyond_its_table(void **state)
{
	struct kit *k = *state;
	struct am_block_head head;

	make_small(k);
	am_put32(k->frame + 72, 1);	/* one process is said to be there */
	assert_int_equal(load(k, k->frame, AM_COLUMN_BIT(AM_COL_ACTOR), &head), -EBADMSG);
}

/* Few letters, so that many begin alike and some are equal; of all lengths around eight. */
static void make_text(unsigned i, char *text, size_t size)
{
	static const char letters[] = "ab/\xff\x01";
	unsigned h = i * 2654435761U, begin = i % 3 * 8, len = begin + h % 19, k;

	assert_true(len < size);
	for (k = 0; k < len; k++) {
		h = h * 1664525 + 1013904223;
		text[k] = k < begin ? 'x' : letters[(h >> 24) % (sizeof(letters) - 1)];
	}
	text[len] = '\0';
}

static void puts_texts_in_the_order_of_their_bytes(void **state)
{
	enum { N = 3000 };
	static char texts[N][48];
	static struct am_placed all[N], room[N];
	unsigned i, n;

	(void)state;
	for (n = 0; n <= N; n = n < 40 ? n + 1 : n * 2 + 3) {
		for (i = 0; i < n; i++) {
			make_text(i, texts[i], sizeof(texts[i]));
			all[i] = (struct am_placed){ texts[i], 0, i };
		}
		am_order_texts(all, room, n);
		for (i = 1; i < n; i++) {
			int r = strcmp(all[i - 1].text, all[i].text);

			if (r > 0 || (!r && all[i - 1].index > all[i].index))
				fail_msg("%u of %u: '%s', '%s'", i, n, all[i - 1].text, all[i].text);
		}
	}
	assert_true(n > N);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(puts_texts_in_the_order_of_their_bytes),
		cmocka_unit_test_setup_teardown(reads_a_storm_back_field_by_field, set_up, tear_down),
		cmocka_unit_test_setup_teardown(makes_the_texts_that_are_needed_and_no_other, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(keeps_the_ends_of_every_range, set_up, tear_down),
		cmocka_unit_test_setup_teardown(cuts_a_text_that_is_too_long, set_up, tear_down),
		cmocka_unit_test_setup_teardown(is_full_before_its_texts_run_over, set_up, tear_down),
		cmocka_unit_test_setup_teardown(decodes_only_what_is_asked_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(says_what_it_may_hold, set_up, tear_down),
		cmocka_unit_test_setup_teardown(survives_any_byte_being_another, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refuses_a_block_that_ends_early, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refuses_an_index_beyond_its_table, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
