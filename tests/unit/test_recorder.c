// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>

#include "agent/keeping.h"
#include "agent/recorder.h"
#include "event/format.h"
#include "ledger_lab.h"

static const struct am_keeping keeping = { 0 };

static void make_refusal(struct am_decoded *d, struct am_event_names *n)
{
	static const uint8_t addr[16] = { [10] = 0xff, [11] = 0xff, [12] = 203, [13] = 0, [14] = 113, [15] = 9 };

	memset(d, 0, sizeof(*d));
	d->raw = (struct am_event){
		.kind = AM_EVENT_SEND, .verdict = AM_VERDICT_DENY, .reason = AM_REASON_LABEL_NO_RULE,
		.op = AM_OP_SEND, .act = AM_ACT_SEND, .flags = AM_EVENT_BLOCKED | AM_EVENT_SIZED, .boottime_ns = 5000,
		.seq = 17, .cpu = 3, .generation = 12, .labels = 1, .culprits = 1, .store = 4097,
		.bits.w = { 1, 2, 3, 4 }, .zones = { .count = 1, .id = { AM_ZONE_LOOPBACK } },
		.ino = 99, .dev = 7, .igen = 8, .bytes = 4096, .family = AF_INET, .port = 443, .proto = 6,
		.start_ns = 4000, .cgroup = 55, .exe_ino = 66, .exe_dev = 67, .tgid = 4711, .tid = 4712,
		.ppid = 1, .uid = 1000, .gid = 100, .login = 1001, .session = 5, .comm = "psql",
	};
	memcpy(d->raw.addr, addr, sizeof(addr));
	strcpy(d->path, "/srv/registry/0042.csv");
	strcpy(d->exe, "/usr/bin/psql");
	*n = (struct am_event_names){ .store = "citizen-registry", .user = "acme", .unit = "ssh.service",
				      .why = "label cnic may not be sent", .policy = "host",
				      .labels = "cnic", .login = "clerk", .run = 12,
				      .wall_ns = 1000000005000 };
}

static void records_an_event_with_the_names_that_it_has_now(void **state)
{
	struct lab *lab = *state;
	const struct am_query q = { .verdicts = 1 << AM_VERDICT_DENY };
	am_auto(am_recorder) struct am_recorder *r = NULL;
	struct am_event_names n;
	struct am_scan *s;
	struct am_decoded d;
	struct am_row row;

	assert_int_equal(am_recorder_new(lab->path, "/nowhere", &keeping, &r), 0);
	make_refusal(&d, &n);
	am_recorder_take(r, &d, &n, NULL);
	am_recorder_free(r);
	r = NULL;
	assert_int_equal(am_scan_open(lab->fd, &q, AM_COLUMNS_ALL, &s), 0);
	assert_int_equal(am_scan_next(s, &row), 1);
	assert_int_equal(row.wall_ns, 1000000005000);
	assert_int_equal(row.boot_ns, 5000);
	assert_int_equal(row.cpu, 3);
	assert_int_equal(row.seq, 17);
	assert_int_equal(row.actor.pid, 4711);
	assert_int_equal(row.actor.tid, 4712);
	assert_int_equal(row.actor.login, 1001);
	assert_string_equal(row.actor.login_user, "clerk");
	assert_int_equal(row.event, 12);
	assert_int_equal(row.actor.bits[3], 4);
	assert_string_equal(row.actor.exe, "/usr/bin/psql");
	assert_string_equal(row.actor.comm, "psql");
	assert_string_equal(row.actor.user, "acme");
	assert_string_equal(row.actor.unit, "ssh.service");
	assert_int_equal(row.object.store_id, 4097);
	assert_int_equal(row.object.bytes, 4096);
	assert_true(row.deed.flags & AM_EVENT_SIZED);
	assert_string_equal(row.object.store, "citizen-registry");
	assert_string_equal(row.object.path, "/srv/registry/0042.csv");
	assert_int_equal(row.dest.addr_high, 0);
	assert_true(row.dest.addr_low == (0xffffULL << 32 | 203U << 24 | 113 << 8 | 9));
	assert_int_equal(row.dest.port, 443);
	assert_int_equal(row.deed.reason, AM_REASON_LABEL_NO_RULE);
	assert_string_equal(row.deed.why, "label cnic may not be sent");
	assert_string_equal(row.deed.label_names, "cnic");
	assert_int_equal(am_scan_next(s, &row), 0);
	am_scan_free(s);
	assert_int_equal(lab_verify(lab), AM_VERIFY_HOLDS);
}

static void goes_on_without_a_ledger_and_tells_the_gap_when_there_is_one(void **state)
{
	struct lab *lab = *state;
	am_auto(am_recorder) struct am_recorder *r = NULL;
	struct am_recorder_state s;
	struct am_event_names n;
	struct am_decoded d;
	struct am_row row;
	char where[128];
	int i;

	(void)snprintf(where, sizeof(where), "%s/ledger", lab->path);
	lab_write(lab, "ledger", (const uint8_t *)"x", 1);	/* a file where the folder should be */
	assert_int_equal(am_recorder_new(NULL, lab->path, &keeping, &r), 0);
	am_recorder_state(r, &s);
	assert_int_equal(s.error, -ENOTDIR);
	assert_false(s.open);
	make_refusal(&d, &n);
	for (i = 0; i < 5; i++)
		am_recorder_take(r, &d, &n, NULL);
	d.raw.kind = AM_EVENT_REPEAT;	/* stands for so many */
	d.raw.count = 7;
	am_recorder_take(r, &d, &n, NULL);
	make_refusal(&d, &n);
	assert_false(am_recorder_is_busy(r, 1024));
	assert_false(am_recorder_records(r));
	am_recorder_tick(r, 20000);
	am_recorder_state(r, &s);
	assert_int_equal(s.lost, 12);

	assert_int_equal(unlinkat(lab->fd, "ledger", 0), 0);
	am_recorder_tick(r, 20001);	/* too early for another try */
	am_recorder_state(r, &s);
	assert_false(s.open);
	am_recorder_tick(r, 40000);
	am_recorder_state(r, &s);
	assert_true(s.open);
	assert_true(s.records);
	assert_int_equal(s.error, 0);
	am_recorder_take(r, &d, &n, NULL);
	am_recorder_free(r);
	r = NULL;
	(void)close(lab->fd);
	lab->fd = open(where, O_RDONLY | O_DIRECTORY);
	assert_true(lab_find(lab, AM_ROW_GAP, AM_GAP_DISK_ERROR, &row));
	assert_int_equal(row.count, 12);
	assert_int_equal(lab_events(lab), 1);
	assert_int_equal(lab_verify(lab), AM_VERIFY_HOLDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(records_an_event_with_the_names_that_it_has_now,
						lab_set_up, lab_tear_down),
		cmocka_unit_test_setup_teardown(goes_on_without_a_ledger_and_tells_the_gap_when_there_is_one,
						lab_set_up, lab_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
