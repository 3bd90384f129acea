// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "event/event.h"
#include "event/groups.h"
#include "record.h"

static int decode(const struct record *r, struct am_decoded *ret)
{
	/* On the heap and no longer than it says, so that the sanitizer sees every byte too far. */
	char *bytes = malloc(r->head.size);
	int error;

	assert_non_null(bytes);
	memcpy(bytes, r, r->head.size);
	error = am_event_decode(bytes, r->head.size, ret);
	free(bytes);
	return error;
}

static void refused(const struct record *r, const char *what)
{
	struct am_decoded e;

	memset(&e, 0x5a, sizeof(e));
	if (decode(r, &e) != -EBADMSG)
		fail_msg("%s was not refused", what);
	for (size_t i = 0; i < sizeof(e); i++)
		assert_int_equal(((unsigned char *)&e)[i], 0x5a);
}

static void puts_names_into_reading_order(void **state)
{
	struct record r;
	struct am_decoded e;

	(void)state;
	record_init(&r, AM_EVENT_ACCESS);
	record_path(&r, "0042.csv\0registry\0srv");
	record_exe(&r, "psql\0bin\0usr");
	assert_int_equal(decode(&r, &e), 0);
	assert_string_equal(e.path, "/srv/registry/0042.csv");
	assert_string_equal(e.exe, "/usr/bin/psql");
	assert_memory_equal(&e.raw, &r.head, sizeof(e.raw));
}

static void marks_a_path_that_was_cut(void **state)
{
	struct record r;
	struct am_decoded e;

	(void)state;
	record_init(&r, AM_EVENT_ACCESS);
	record_path(&r, "c\0b");
	record_exe(&r, "sh\0bin");
	r.head.flags = AM_EVENT_PATH_CUT;
	assert_int_equal(decode(&r, &e), 0);
	assert_string_equal(e.path, "…/b/c");
	assert_string_equal(e.exe, "/bin/sh");

	r.head.flags = AM_EVENT_EXE_CUT;
	assert_int_equal(decode(&r, &e), 0);
	assert_string_equal(e.path, "/b/c");
	assert_string_equal(e.exe, "…/bin/sh");
}

static void leaves_an_unknown_path_empty(void **state)
{
	struct record r;
	struct am_decoded e;

	(void)state;
	record_init(&r, AM_EVENT_SEND);
	r.head.flags = AM_EVENT_PATH_CUT;
	assert_int_equal(decode(&r, &e), 0);
	assert_string_equal(e.path, "");
	assert_string_equal(e.exe, "");
}

static void keeps_any_byte_in_a_name(void **state)
{
	struct record r;
	struct am_decoded e;

	(void)state;
	record_init(&r, AM_EVENT_ACCESS);
	record_path(&r, "\x1b[2J\n\xff\0a b\0..");
	assert_int_equal(decode(&r, &e), 0);
	assert_string_equal(e.path, "/../a b/\x1b[2J\n\xff");
}

static void keeps_a_finding_whose_name_is_empty(void **state)
{
	struct record r;
	struct am_decoded e;

	(void)state;
	record_init(&r, AM_EVENT_ACCESS);
	record_path(&r, "\0srv");
	assert_int_equal(decode(&r, &e), 0);
	assert_string_equal(e.path, "/srv/");
}

static void takes_a_slash_for_the_root(void **state)
{
	struct record r;
	struct am_decoded e;

	(void)state;
	record_init(&r, AM_EVENT_ACCESS);
	record_path(&r, "srv\0/");
	record_exe(&r, "/");
	assert_int_equal(decode(&r, &e), 0);
	assert_string_equal(e.path, "/srv");
	assert_string_equal(e.exe, "/");
}

static void holds_the_longest_paths(void **state)
{
	struct record r;
	struct am_decoded e;
	char names[AM_PATH_LEN];

	(void)state;
	memset(names, 'x', sizeof(names));
	names[sizeof(names) - 1] = '\0';
	record_init(&r, AM_EVENT_ACCESS);
	r.head.path = record_names(&r, names, sizeof(names));
	memset(names, '\0', sizeof(names));	/* nothing but empty names: as many slashes */
	r.head.exe = record_names(&r, names, sizeof(names));
	r.head.script = record_names(&r, names, AM_SCRIPT_LEN);
	r.head.groups = record_names(&r, names, AM_GROUPS_MAX * sizeof(uint32_t));
	r.head.ancestors = record_names(&r, names, AM_ANCESTORS * sizeof(struct am_ancestor));
	r.head.flags = AM_EVENT_PATH_CUT | AM_EVENT_EXE_CUT | AM_EVENT_SCRIPT_CUT;
	assert_int_equal(r.head.size, AM_EVENT_SIZE_MAX);
	assert_int_equal(decode(&r, &e), 0);
	assert_int_equal(strlen(e.path), AM_PATH_LEN + strlen("…"));
	assert_int_equal(strlen(e.exe), AM_PATH_LEN + strlen("…"));
	assert_int_equal(strlen(e.script), AM_SCRIPT_LEN + strlen("…"));
	assert_int_equal(e.n_groups, AM_GROUPS_MAX);
}

static void reads_groups_script_and_purpose(void **state)
{
	const uint32_t gids[] = { 27, 61003 };
	struct record r;
	struct am_decoded e;

	(void)state;
	record_init(&r, AM_EVENT_ACCESS);
	record_script(&r, "sync.py\0bin\0opt");	/* 15 bytes: the groups lie oddly */
	record_groups(&r, gids, 2);
	record_path(&r, "0042.csv\0srv");
	r.head.purpose = 5;
	assert_int_equal(decode(&r, &e), 0);
	assert_string_equal(e.script, "/opt/bin/sync.py");
	assert_string_equal(e.path, "/srv/0042.csv");
	assert_int_equal(e.n_groups, 2);
	assert_int_equal(e.groups[0], 27);
	assert_int_equal(e.groups[1], 61003);
	assert_int_equal(e.raw.purpose, 5);
}

static void refuses_groups_scripts_and_purposes_that_cannot_be(void **state)
{
	const uint32_t gids[AM_GROUPS_MAX + 1] = { 27 };
	struct record whole, r;
	struct am_decoded e;

	(void)state;
	record_init(&whole, AM_EVENT_ACCESS);
	record_script(&whole, "sync.py\0opt");
	record_groups(&whole, gids, AM_GROUPS_MAX + 1);
	whole.head.groups.len = 8;
	assert_int_equal(decode(&whole, &e), 0);
	r = whole;
	r.head.groups.len = 7;
	assert_int_equal(decode(&r, &e), -EBADMSG);
	r = whole;
	r.head.groups.len = sizeof(gids);
	assert_int_equal(decode(&r, &e), -EBADMSG);
	r = whole;
	r.head.groups.off = r.head.size - 4;
	assert_int_equal(decode(&r, &e), -EBADMSG);
	r = whole;
	r.head.groups.off = 4;
	assert_int_equal(decode(&r, &e), -EBADMSG);
	r = whole;
	r.head.script.len--;
	assert_int_equal(decode(&r, &e), -EBADMSG);
	r = whole;
	r.head.purpose = AM_PURPOSES_MAX;
	assert_int_equal(decode(&r, &e), -EBADMSG);
}

static const char *name_of(void *ctx, uint32_t gid)
{
	(void)ctx;
	return gid == 27 ? "sudo" : gid == 28 ? "odd,one" : NULL;
}

static void tells_groups_as_text_and_takes_them_apart(void **state)
{
	const uint32_t gids[] = { 27, 1001, 28, 27 };
	struct am_group group;
	char text[AM_GROUPS_TEXT];
	const char *at = text;
	struct am_decoded e;
	struct record r;

	(void)state;
	record_init(&r, AM_EVENT_ACCESS);
	record_groups(&r, gids, 4);
	assert_int_equal(decode(&r, &e), 0);
	assert_true(am_groups_text(&e, name_of, NULL, text));
	assert_string_equal(text, "1001,27:sudo,28");
	assert_true(am_groups_next(&at, &group) && group.gid == 1001 && !*group.name);
	assert_true(am_groups_next(&at, &group) && group.gid == 27);
	assert_string_equal(group.name, "sudo");
	assert_true(am_groups_next(&at, &group) && group.gid == 28);
	assert_false(am_groups_next(&at, &group));
	for (const char *bad[] = { "", "sudo", ",27", "-1", "27;28" }, **b = bad; b < bad + 5; b++) {
		at = *b;
		assert_false(am_groups_next(&at, &group));
	}
}

static void reads_records_at_odd_addresses(void **state)
{
	char bytes[sizeof(struct am_event) + 1];
	struct record r;
	struct am_decoded e;

	(void)state;
	record_init(&r, AM_EVENT_ACCESS);
	memcpy(bytes + 1, &r.head, sizeof(r.head));
	assert_int_equal(am_event_decode(bytes + 1, sizeof(r.head), &e), 0);
	assert_int_equal(e.raw.tgid, 4711);
}

static void refuses_every_length_but_its_own(void **state)
{
	struct record r;
	struct am_decoded e;
	char *bytes;

	(void)state;
	record_init(&r, AM_EVENT_ACCESS);
	record_path(&r, "a\0b");
	for (size_t len = 0; len < r.head.size; len++) {
		bytes = malloc(len ? len : 1);
		assert_non_null(bytes);
		memcpy(bytes, &r, len);
		assert_int_equal(am_event_decode(bytes, len, &e), -EBADMSG);
		free(bytes);
	}
	assert_int_equal(am_event_decode(&r, r.head.size + 1, &e), -EBADMSG);
	assert_int_equal(am_event_decode(&r, SIZE_MAX, &e), -EBADMSG);
}

struct field {
	const char *what;
	void (*spoil)(struct record *r);
};

#define SPOIL(name, statement)             \
	static void name(struct record *r) \
	{                                  \
		statement;                 \
	}

SPOIL(other_abi, r->head.abi++)
SPOIL(no_kind, r->head.kind = 0)
SPOIL(big_kind, r->head.kind = AM_EVENT_MAX_)
SPOIL(no_verdict, r->head.verdict = 0)
SPOIL(big_verdict, r->head.verdict = AM_VERDICT_MAX_)
SPOIL(no_reason, r->head.reason = 0)
SPOIL(big_reason, r->head.reason = AM_REASON_MAX_)
SPOIL(no_op, r->head.op = 0)
SPOIL(big_op, r->head.op = AM_OP_MAX_)
SPOIL(no_act, r->head.act = 0)
SPOIL(big_act, r->head.act = AM_ACT_MAX_)
SPOIL(many_zones, r->head.zones.count = AM_ZONE_HITS + 1)
SPOIL(endless_comm, memset(r->head.comm, 'x', sizeof(r->head.comm)))
SPOIL(path_in_head, r->head.path.off = sizeof(r->head) - 1)
SPOIL(path_at_zero, r->head.path.off = 0)
SPOIL(path_too_long, r->head.path.len++)
SPOIL(path_behind, r->head.path.off = r->head.size)
SPOIL(path_wraps, (r->head.path.off = 0xffff, r->head.path.len = 0xffff))
SPOIL(path_endless, r->strings[r->head.path.len - 1] = 'x')
SPOIL(ancestors_behind, (r->head.ancestors.off = r->head.size - 8, r->head.ancestors.len = 56))
SPOIL(ancestors_in_head, (r->head.ancestors.off = 8, r->head.ancestors.len = 56))
SPOIL(half_an_ancestor, (r->head.ancestors.off = sizeof(r->head), r->head.ancestors.len = 2))
SPOIL(exe_behind, (r->head.exe.off = r->head.size + 1, r->head.exe.len = 1))

static void refuses_what_this_abi_does_not_allow(void **state)
{
	static const struct field fields[] = {
		{ "another ABI", other_abi },
		{ "no kind", no_kind },
		{ "a kind out of range", big_kind },
		{ "no verdict", no_verdict },
		{ "a verdict out of range", big_verdict },
		{ "no reason", no_reason },
		{ "a reason out of range", big_reason },
		{ "no op", no_op },
		{ "an op out of range", big_op },
		{ "no act", no_act },
		{ "an act out of range", big_act },
		{ "more zones than there is room for", many_zones },
		{ "a comm without end", endless_comm },
		{ "a path that starts in the head", path_in_head },
		{ "a path at the start", path_at_zero },
		{ "a path that ends behind the record", path_too_long },
		{ "a path behind the record", path_behind },
		{ "a span whose end wraps", path_wraps },
		{ "a path without end", path_endless },
		{ "an executable behind the record", exe_behind },
		{ "ancestors that end behind the record", ancestors_behind },
		{ "ancestors in the head", ancestors_in_head },
		{ "half an ancestor", half_an_ancestor },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct record r;
		struct am_decoded e;

		record_init(&r, AM_EVENT_ACCESS);
		record_path(&r, "a\0b");
		assert_int_equal(decode(&r, &e), 0);
		fields[i].spoil(&r);
		refused(&r, fields[i].what);
	}
}

static void refuses_a_path_longer_than_the_abi_knows(void **state)
{
	struct record r;
	char names[AM_PATH_LEN + 1] = { 0 };

	(void)state;
	record_init(&r, AM_EVENT_ACCESS);
	r.head.path = record_names(&r, names, sizeof(names));
	refused(&r, "a path of AM_PATH_LEN + 1 bytes");
}

static const struct am_ancestor line[AM_ANCESTORS + 1] = {
	{ .start_ns = 3000000000, .tgid = 4700, .ppid = 4600, .uid = 1001, .comm = "sh" },
	{ .start_ns = 2000000000, .tgid = 4600, .ppid = 812, .uid = 1001, .comm = "sshd" },
	{ .start_ns = 1000000000, .tgid = 812, .ppid = 1, .login = ~0u, .comm = "sshd" },
};

static void reads_whom_a_process_descends_from(void **state)
{
	struct record r;
	struct am_decoded e;

	(void)state;
	record_init(&r, AM_EVENT_ACCESS);
	record_path(&r, "0042.csv\0srv");	/* so that they are at an odd place */
	record_ancestors(&r, line, 3);
	assert_int_equal(decode(&r, &e), 0);
	assert_int_equal(e.n_ancestors, 3);
	assert_memory_equal(e.ancestors, line, 3 * sizeof(line[0]));
	record_init(&r, AM_EVENT_ACCESS);
	assert_int_equal(decode(&r, &e), 0);
	assert_int_equal(e.n_ancestors, 0);
}

/* The finding is there, and as many as can be. */
static void nobody_descends_from_himself_or_from_who_began_later(void **state)
{
	static const struct {
		unsigned at, sound;
		struct am_ancestor bad;
	} cases[] = {
		{ 0, 0, { .start_ns = 3000000000, .tgid = 4711, .comm = "psql" } },
		{ 0, 0, { .start_ns = 3000000001, .tgid = 4700, .comm = "sh" } },
		{ 1, 1, { .start_ns = 3000000000, .tgid = 4700, .comm = "sh" } },
		{ 1, 1, { .start_ns = 3000000001, .tgid = 4600, .comm = "sshd" } },
		{ 2, 2, { .start_ns = 1000000000, .tgid = 0, .comm = "none" } },
		{ 2, 2, { .start_ns = 1000000000, .tgid = 812, .comm = "0123456789abcdef" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct am_ancestor all[3];
		struct record r;
		struct am_decoded e;

		memcpy(all, line, sizeof(all));
		all[cases[i].at] = cases[i].bad;
		record_init(&r, AM_EVENT_ACCESS);
		record_ancestors(&r, all, 3);
		assert_int_equal(decode(&r, &e), 0);
		assert_int_equal(e.n_ancestors, cases[i].sound);
	}
}

static void refuses_more_ancestors_than_there_can_be(void **state)
{
	struct record r;

	(void)state;
	record_init(&r, AM_EVENT_ACCESS);
	record_ancestors(&r, line, AM_ANCESTORS + 1);
	refused(&r, "one ancestor too many");
}

/* It would be counted as an access, or sealed as a finding. */
static void a_process_that_begins_is_no_access(void **state)
{
	struct record r, born;
	struct am_decoded e;

	(void)state;
	record_birth(&born, AM_ACT_FORK);
	assert_int_equal(decode(&born, &e), 0);
	assert_string_equal(am_event_verb(&e.raw), "fork");
	r = born;
	r.head.act = AM_ACT_EXEC;
	assert_int_equal(decode(&r, &e), 0);
	r.head.act = AM_ACT_ANCESTOR;
	refused(&r, "an ancestor by itself");
	r.head.act = AM_ACT_READ;
	refused(&r, "a process that reads");
	r = born;
	r.head.op = AM_OP_READ;
	refused(&r, "an operation");
	r = born;
	r.head.verdict = AM_VERDICT_DENY;
	refused(&r, "a verdict");
	r = born;
	r.head.flags = AM_EVENT_BLOCKED;
	refused(&r, "a refusal");
}

static void lets_notices_go_without_a_verdict(void **state)
{
	static const unsigned kinds[] = { AM_EVENT_SPILL, AM_EVENT_RESEAL };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct record r;
		struct am_decoded e;

		record_init(&r, kinds[i]);
		r.head.verdict = r.head.reason = r.head.op = r.head.act = 0;
		assert_int_equal(decode(&r, &e), 0);
		r.head.verdict = AM_VERDICT_MAX_;
		refused(&r, "a notice with a verdict out of range");
	}
}

static void lets_a_repeat_go_without_what_its_access_has_said(void **state)
{
	struct record r;
	struct am_decoded e;

	(void)state;
	record_init(&r, AM_EVENT_REPEAT);
	r.head.op = r.head.reason = 0;
	assert_int_equal(decode(&r, &e), 0);
	assert_string_equal(am_event_verb(&e.raw), "open");
	r.head.act = 0;
	refused(&r, "a repeat of no act");
	r.head.act = AM_ACT_READ;
	r.head.verdict = 0;
	refused(&r, "a repeat without a verdict");
}

static void names_every_number_once(void **state)
{
	static const struct {
		const char *(*name)(unsigned);
		unsigned max;
	} tables[] = {
		{ am_op_name, AM_OP_MAX_ },
		{ am_act_name, AM_ACT_MAX_ },
		{ am_verdict_name, AM_VERDICT_MAX_ },
		{ am_reason_name, AM_REASON_MAX_ },
	};

	(void)state;
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		assert_string_equal(tables[t].name(0), "?");
		assert_string_equal(tables[t].name(tables[t].max), "?");
		assert_string_equal(tables[t].name(~0u), "?");
		for (unsigned i = 1; i < tables[t].max; i++) {
			assert_string_not_equal(tables[t].name(i), "?");
			for (unsigned k = 1; k < i; k++)
				assert_string_not_equal(tables[t].name(i), tables[t].name(k));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(puts_names_into_reading_order),
		cmocka_unit_test(marks_a_path_that_was_cut),
		cmocka_unit_test(leaves_an_unknown_path_empty),
		cmocka_unit_test(keeps_any_byte_in_a_name),
		cmocka_unit_test(keeps_a_finding_whose_name_is_empty),
		cmocka_unit_test(takes_a_slash_for_the_root),
		cmocka_unit_test(holds_the_longest_paths),
		cmocka_unit_test(reads_groups_script_and_purpose),
		cmocka_unit_test(refuses_groups_scripts_and_purposes_that_cannot_be),
		cmocka_unit_test(tells_groups_as_text_and_takes_them_apart),
		cmocka_unit_test(reads_whom_a_process_descends_from),
		cmocka_unit_test(nobody_descends_from_himself_or_from_who_began_later),
		cmocka_unit_test(refuses_more_ancestors_than_there_can_be),
		cmocka_unit_test(a_process_that_begins_is_no_access),
		cmocka_unit_test(reads_records_at_odd_addresses),
		cmocka_unit_test(refuses_every_length_but_its_own),
		cmocka_unit_test(refuses_what_this_abi_does_not_allow),
		cmocka_unit_test(refuses_a_path_longer_than_the_abi_knows),
		cmocka_unit_test(lets_notices_go_without_a_verdict),
		cmocka_unit_test(lets_a_repeat_go_without_what_its_access_has_said),
		cmocka_unit_test(names_every_number_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
