// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "event/format.h"
#include "record.h"

/* 2024-05-01 14:02:07.113 UTC */
static const int64_t wall_ns = 1714572127113000000;

static const struct am_host_id host = {
	.name = "registry-host", .machine = "0123456789abcdef0123456789abcdef",
	.boot = "5c3a5b0e-2f43-4dfc-a4b0-2ef6a9a80e11", .kernel = "6.1.0-25-amd64",
};

static struct am_event_names names_of_acme(void)
{
	return (struct am_event_names){
		.store = "citizen-registry", .within = "0042.csv", .user = "acme",
		.unit = "ssh.service", .why = "rule 4: acme-support is denied",
		.policy = "registry-host", .labels = "cnic,biometric", .host = &host,
		.wall_ns = wall_ns,
	};
}

static struct am_decoded decoded(const struct record *r)
{
	struct am_decoded e;

	assert_int_equal(am_event_decode(r, r->head.size, &e), 0);
	return e;
}

/* Owned by the caller. */
static char *text_of(const struct record *r, const struct am_event_names *n, bool color)
{
	struct am_decoded e = decoded(r);
	char *line = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&line, &len);

	assert_non_null(out);
	assert_int_equal(am_event_text(out, &e, n, color), 0);
	assert_int_equal(fclose(out), 0);
	return line;
}

static char *json_of(const struct record *r, const struct am_event_names *n)
{
	struct am_decoded e = decoded(r);
	char *line = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&line, &len);

	assert_non_null(out);
	assert_int_equal(am_event_json(out, &e, n), 0);
	assert_int_equal(fclose(out), 0);
	return line;
}

static void expect_text(const struct record *r, const struct am_event_names *n, const char *line)
{
	am_autofree char *got = text_of(r, n, false);

	assert_string_equal(got, line);
}

static struct record refused_read(void)
{
	struct record r;

	record_init(&r, AM_EVENT_ACCESS);
	record_path(&r, "0042.csv\0registry\0srv");
	record_exe(&r, "psql\0bin\0usr");
	record_deny(&r, AM_REASON_RULE_DENIES, 1);
	return r;
}

static struct record refused_send(unsigned family, const char *addr, unsigned port, unsigned proto)
{
	struct record r;

	record_init(&r, AM_EVENT_SEND);
	record_dest(&r, family, addr, port, proto);
	record_deny(&r, AM_REASON_LABEL_NO_RULE, 1);
	return r;
}

/* ---- the line for a person --------------------------------------------------- */

static void tells_a_refusal_in_one_line(void **state)
{
	struct am_event_names n = names_of_acme();
	struct record r = refused_read();

	(void)state;
	expect_text(&r, &n,
		    "14:02:07.113 DENY  read  citizen-registry/0042.csv  psql[4711] user=acme "
		    "unit=ssh.service  rule 4: acme-support is denied (policy registry-host#12)\n");
}

static void ends_with_the_id_that_explain_takes(void **state)
{
	struct am_event_names n = names_of_acme();
	struct record r = refused_read();
	am_autofree char *color = NULL, *json = NULL;

	(void)state;
	n.run = 12;
	r.head.flags |= AM_EVENT_URGENT;
	expect_text(&r, &n,
		    "14:02:07.113 DENY  read  citizen-registry/0042.csv  psql[4711] user=acme "
		    "unit=ssh.service  rule 4: acme-support is denied (policy registry-host#12) "
		    "[12-u0-7]\n");
	color = text_of(&r, &n, true);
	assert_non_null(strstr(color, " \033[2m[12-u0-7]\033[0m\n"));
	json = json_of(&r, &n);
	assert_non_null(strstr(json, "\"uid\":\"12-u0-7\""));
}

static void tells_what_observe_mode_let_through(void **state)
{
	struct am_event_names n = names_of_acme();
	struct record r = refused_read();

	(void)state;
	r.head.flags &= ~AM_EVENT_BLOCKED;
	expect_text(&r, &n,
		    "14:02:07.113 WOULD-DENY read  citizen-registry/0042.csv  psql[4711] user=acme "
		    "unit=ssh.service  rule 4: acme-support is denied (policy registry-host#12)\n");
}

static void keeps_the_columns_of_what_is_allowed(void **state)
{
	struct am_event_names n = names_of_acme();
	struct record r;

	(void)state;
	n.why = n.unit = NULL;
	record_init(&r, AM_EVENT_ACCESS);
	r.head.op = AM_OP_WRITE;
	r.head.act = AM_ACT_RENAME;
	expect_text(&r, &n,
		    "14:02:07.113 ALLOW write citizen-registry/0042.csv  psql[4711] user=acme "
		    "act=rename  rule-allows (policy registry-host#12)\n");
}

static void tells_an_allowed_open_from_the_read_that_follows(void **state)
{
	struct am_event_names n = { .store = "s", .within = "f", .why = "w", .wall_ns = wall_ns };
	struct record r;

	(void)state;
	record_init(&r, AM_EVENT_ACCESS);
	expect_text(&r, &n, "14:02:07.113 ALLOW read  s/f  psql[4711] user=1001 act=open  w "
			    "(policy #12)\n");
	r.head.act = AM_ACT_READ;
	expect_text(&r, &n, "14:02:07.113 ALLOW read  s/f  psql[4711] user=1001  w (policy #12)\n");
}

static void counts_repeats(void **state)
{
	struct am_event_names n = names_of_acme();
	struct record r;

	(void)state;
	n.unit = NULL;
	n.why = "rule 1 allows it";
	record_init(&r, AM_EVENT_REPEAT);
	r.head.count = 1234;
	r.head.act = AM_ACT_READ;
	expect_text(&r, &n,
		    "14:02:07.113 ALLOW read  citizen-registry/0042.csv  psql[4711] user=acme  "
		    "rule 1 allows it (policy registry-host#12) x1234\n");
	r.head.op = 0;	/* as the kernel tells it: the act alone */
	r.head.act = AM_ACT_MMAP;
	n.within = NULL;
	expect_text(&r, &n,
		    "14:02:07.113 ALLOW mmap  citizen-registry:inode 8:1/1234  psql[4711] user=acme  "
		    "rule 1 allows it (policy registry-host#12) x1234\n");
}

static void does_without_every_name(void **state)
{
	struct am_event_names n = { .wall_ns = wall_ns };
	struct record r = refused_read();

	(void)state;
	expect_text(&r, &n, "14:02:07.113 DENY  read  /srv/registry/0042.csv  psql[4711] user=1001  "
			    "rule-denies (policy #12)\n");
	r.head.generation = 0;
	r.head.reason = AM_REASON_NO_POLICY;
	r.head.path.len = 0;
	expect_text(&r, &n, "14:02:07.113 DENY  read  inode 8:1/1234  psql[4711] user=1001  "
			    "no-policy (no policy)\n");
}

static void shows_the_path_where_the_place_in_the_store_is_unknown(void **state)
{
	struct am_event_names n = { .store = "citizen-registry", .why = "x", .wall_ns = wall_ns };
	struct record r = refused_read();

	(void)state;
	expect_text(&r, &n, "14:02:07.113 DENY  read  citizen-registry:/srv/registry/0042.csv  "
			    "psql[4711] user=1001  x (policy #12)\n");
	r.head.flags |= AM_EVENT_FS_PATH;
	expect_text(&r, &n, "14:02:07.113 DENY  read  citizen-registry:…/srv/registry/0042.csv  "
			    "psql[4711] user=1001  x (policy #12)\n");
}

static void tells_labels_of_what_is_in_no_store(void **state)
{
	struct am_event_names n = { .labels = "cnic", .wall_ns = wall_ns };
	struct record r;

	(void)state;
	record_init(&r, AM_EVENT_SPILL);
	r.head.verdict = r.head.reason = r.head.op = r.head.act = 0;
	record_path(&r, "copy.csv\0tmp");
	expect_text(&r, &n, "14:02:07.113 NOTE  spill /tmp/copy.csv  psql[4711] user=1001 labels=cnic  "
			    "carries labels from here on (policy #12)\n");
}

struct sent {
	unsigned family;
	const char *addr;
	unsigned port, proto;
	const char *shown;
};

static void shows_where_data_was_sent(void **state)
{
	static const struct sent sents[] = {
		{ AF_INET, IPV4_203_0_113_9, 443, IPPROTO_TCP, "203.0.113.9:443/tcp" },
		{ AF_INET6, IPV4_203_0_113_9, 53, IPPROTO_UDP, "203.0.113.9:53/udp" },
		{ AF_INET6, IPV6_2001_DB8_1, 443, IPPROTO_TCP, "[2001:db8::1]:443/tcp" },
		{ AF_INET, IPV4_203_0_113_9, 0, IPPROTO_ICMP, "203.0.113.9/icmp" },
		{ AF_INET6, IPV6_2001_DB8_1, 0, 253, "[2001:db8::1]/253" },
		{ AF_UNIX, NULL, 0, 0, "unix" },
		{ AF_NETLINK, NULL, 0, 0, "netlink" },
		{ 46, NULL, 0, 0, "family 46" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sents) / sizeof(sents[0]); i++) {
		const struct sent *s = &sents[i];
		struct am_event_names n = {
			.labels = "cnic,biometric", .why = "no", .wall_ns = wall_ns,
		};
		struct record r = refused_send(s->family, s->addr, s->port, s->proto);
		char line[256];

		snprintf(line, sizeof(line),
			 "14:02:07.113 DENY  send  %s  psql[4711] user=1001 labels=cnic,biometric  no "
			 "(policy #12)\n", s->shown);
		expect_text(&r, &n, line);
	}
}

static void says_how_much_a_send_was_handed_where_that_is_known(void **state)
{
	struct am_event_names n = { .labels = "cnic", .why = "w", .wall_ns = wall_ns };
	am_autofree char *known = NULL, *unknown = NULL, *refused = NULL, *file = NULL;
	struct record r;

	(void)state;
	record_init(&r, AM_EVENT_SEND);
	record_dest(&r, AF_INET, IPV4_203_0_113_9, 443, IPPROTO_TCP);
	r.head.bytes = 5000000000;
	r.head.flags = AM_EVENT_SIZED;
	expect_text(&r, &n, "14:02:07.113 ALLOW send  203.0.113.9:443/tcp  psql[4711] user=1001 "
			    "bytes=5000000000 labels=cnic  w (policy #12)\n");
	known = json_of(&r, &n);
	assert_non_null(strstr(known, "\"traffic\":{\"bytes_out\":5000000000}"));
	assert_non_null(strstr(known, "\"bytes\":5000000000,\"bytes_known\":true"));
	record_deny(&r, AM_REASON_LABEL_NO_RULE, 1);
	refused = json_of(&r, &n);	/* that class has no traffic */
	assert_null(strstr(refused, "traffic"));
	assert_non_null(strstr(refused, "\"bytes\":5000000000,\"bytes_known\":true"));

	record_init(&r, AM_EVENT_SEND);
	record_dest(&r, AF_INET, IPV4_203_0_113_9, 443, IPPROTO_TCP);
	r.head.act = AM_ACT_SPLICE;
	expect_text(&r, &n, "14:02:07.113 ALLOW send  203.0.113.9:443/tcp  psql[4711] user=1001 "
			    "act=splice labels=cnic  w (policy #12)\n");
	unknown = json_of(&r, &n);
	assert_null(strstr(unknown, "traffic"));
	assert_non_null(strstr(unknown, "\"bytes\":0,\"bytes_known\":false"));

	record_init(&r, AM_EVENT_ACCESS);
	r.head.bytes = 4096;
	file = json_of(&r, &n);
	assert_non_null(strstr(file, "\"size\":4096"));
	assert_null(strstr(file, "bytes"));
}

static void shows_the_device_that_data_was_written_to(void **state)
{
	struct am_event_names n = { .labels = "cnic", .why = "no", .wall_ns = wall_ns };
	struct record r = refused_send(0, NULL, 0, 0);

	(void)state;
	r.head.act = AM_ACT_WRITE;
	record_path(&r, "sdb\0dev");
	expect_text(&r, &n, "14:02:07.113 DENY  send  device /dev/sdb  psql[4711] user=1001 act=write "
			    "labels=cnic  no (policy #12)\n");
	r.head.zones.count = 1;
	r.head.zones.id[0] = AM_ZONE_TERMINAL;
	expect_text(&r, &n, "14:02:07.113 DENY  send  terminal /dev/sdb  psql[4711] user=1001 act=write "
			    "labels=cnic  no (policy #12)\n");
}

static void shows_the_file_that_was_sent(void **state)
{
	struct am_event_names n = names_of_acme();
	struct record r = refused_send(AF_INET, IPV4_203_0_113_9, 443, IPPROTO_TCP);

	(void)state;
	n.unit = NULL;
	n.why = "no";
	r.head.act = AM_ACT_SPLICE;
	record_path(&r, "0042.csv\0registry\0srv");
	expect_text(&r, &n, "14:02:07.113 DENY  send  203.0.113.9:443/tcp from "
			    "citizen-registry/0042.csv  psql[4711] user=acme act=splice "
			    "labels=cnic,biometric  no (policy registry-host#12)\n");
}

static void lets_no_name_speak_to_the_terminal(void **state)
{
	struct am_event_names n = {
		.store = "s\x1b[2J", .within = "a\nb\r\x1b]0;x\a\x7f\xc2\x9b\xff\xe2\x80\xae\\n",
		.user = "u\n", .unit = "x\ty", .why = "w\x1b[1m\n", .policy = "p\n", .labels = "l\n",
		.wall_ns = wall_ns,
	};
	struct record r = refused_read();

	(void)state;
	memcpy(r.head.comm, "\x1b[31m\n\x9b", 8);
	expect_text(&r, &n,
		    "14:02:07.113 DENY  read  s\\x1b[2J/"
		    "a\\x0ab\\x0d\\x1b]0;x\\x07\\x7f\\xc2\\x9b\\xff\\xe2\\x80\\xae\\\\n  "
		    "\\x1b[31m\\x0a\\x9b[4711] user=u\\x0a unit=x\\x09y  w\\x1b[1m\\x0a "
		    "(policy p\\x0a#12)\n");
}

static void lets_no_name_pass_for_another_column(void **state)
{
	struct am_event_names n = {
		.store = "s", .within = " a b  root[1] user=root ", .why = "w", .wall_ns = wall_ns,
	};
	struct record r = refused_read();

	(void)state;
	memcpy(r.head.comm, "tmux: server", 13);
	expect_text(&r, &n,
		    "14:02:07.113 DENY  read  s/\\x20a b \\x20root[1] user=root\\x20  "
		    "tmux:\\x20server[4711] user=1001  w (policy #12)\n");
}

static void colours_only_if_asked(void **state)
{
	struct am_event_names n = names_of_acme();
	struct record r = refused_read();
	am_autofree char *with = text_of(&r, &n, true);
	am_autofree char *without = text_of(&r, &n, false);

	(void)state;
	assert_non_null(strstr(with, "\033[1;31mDENY \033[0m read  c"));
	assert_null(strchr(without, '\033'));
}

static void tells_when_the_stream_is_full(void **state)
{
	struct am_event_names n = names_of_acme();
	struct record r = refused_read();
	struct am_decoded e = decoded(&r);
	am_autofclose FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	setbuf(full, NULL);
	assert_int_equal(am_event_text(full, &e, &n, false), -ENOSPC);
	clearerr(full);
	assert_int_equal(am_event_json(full, &e, &n), -ENOSPC);
}

/* ---- JSON --------------------------------------------------------------------- */

static void expect_json(const struct record *r, const struct am_event_names *n, const char *part)
{
	am_autofree char *line = json_of(r, n);

	if (!strstr(line, part))
		fail_msg("%s lacks %s", line, part);
}

static void gives_each_event_its_class(void **state)
{
	struct am_event_names n = names_of_acme();
	struct record r = refused_read();

	(void)state;
	expect_json(&r, &n, "\"time\":1714572127113,");
	expect_json(&r, &n, "\"class_uid\":2004,\"class_name\":\"Detection Finding\"");
	expect_json(&r, &n, "\"type_uid\":200401,\"type_name\":\"Detection Finding: Create\"");
	expect_json(&r, &n, "\"action_id\":2,\"action\":\"Denied\",\"disposition_id\":2");
	expect_json(&r, &n, "\"severity_id\":3,");
	r.head.flags &= ~AM_EVENT_BLOCKED;
	expect_json(&r, &n, "\"class_uid\":2004,");
	expect_json(&r, &n, "\"action_id\":3,\"action\":\"Observed\",\"disposition_id\":17");
	r.head.verdict = AM_VERDICT_ALLOW;
	expect_json(&r, &n, "\"type_uid\":100114,\"type_name\":\"File System Activity: Open\"");
	expect_json(&r, &n, "\"disposition_id\":1,\"disposition\":\"Allowed\",\"is_alert\":false");
	record_dest(&r, AF_INET, IPV4_203_0_113_9, 443, IPPROTO_TCP);
	expect_json(&r, &n, "\"type_uid\":400106,\"type_name\":\"Network Activity: Traffic\"");
	expect_json(&r, &n, "\"dst_endpoint\":{\"ip\":\"203.0.113.9\",\"port\":443}");
}

static void tells_a_process_apart_from_the_next_of_its_pid(void **state)
{
	struct am_event_names n = names_of_acme();
	struct record r = refused_read();

	(void)state;
	expect_json(&r, &n, "\"process\":{\"pid\":4711,\"ptid\":4712,\"uid\":\"4711@3000000000\"");
	expect_json(&r, &n, "\"created_time\":1714572125113");	/* two seconds before */
}

static void copes_with_clocks_that_make_no_sense(void **state)
{
	struct am_event_names n = names_of_acme();
	struct record r = refused_read();

	(void)state;
	r.head.boottime_ns = ~0ull;
	r.head.start_ns = 1;
	n.wall_ns = INT64_MIN;
	expect_json(&r, &n, "\"created_time\":-27670116110563");
	r.head.start_ns = r.head.boottime_ns;
	r.head.boottime_ns = 0;
	n.wall_ns = -1;
	expect_text(&r, &n,
		    "23:59:59.999 DENY  read  citizen-registry/0042.csv  psql[4711] user=acme "
		    "unit=ssh.service  rule 4: acme-support is denied (policy registry-host#12)\n");
	expect_json(&r, &n, "\"time\":0,");
}

static void keeps_every_bit_of_a_long_number(void **state)
{
	struct am_event_names n = names_of_acme();
	struct record r = refused_read();

	(void)state;
	r.head.cgroup = r.head.seq = r.head.boottime_ns = ~0ull;
	r.head.kind = AM_EVENT_REPEAT;
	r.head.count = ~0u;
	expect_json(&r, &n, "\"cgroup\":\"18446744073709551615\"");
	expect_json(&r, &n, "\"seq\":\"18446744073709551615\"");
	expect_json(&r, &n, "\"repeats\":4294967295");
	expect_json(&r, &n, "\"count\":2147483647");
}

static void tells_purpose_script_and_groups_where_there_are_some(void **state)
{
	struct am_event_names n = names_of_acme();
	struct record r = refused_read();

	(void)state;
	record_script(&r, "s y.py\0opt");
	n.purpose = "kyc";
	n.groups = "1001:acme,27";
	n.cgroup = "/system.slice/ssh.service";
	expect_text(&r, &n,
		    "14:02:07.113 DENY  read  citizen-registry/0042.csv  psql[4711] user=acme "
		    "unit=ssh.service script=/opt/s\\x20y.py purpose=kyc  rule 4: acme-support is "
		    "denied (policy registry-host#12)\n");
	expect_json(&r, &n, "\"groups\":[{\"name\":\"acme\",\"uid\":\"1001\"},{\"uid\":\"27\"}]");
	expect_json(&r, &n, "\"purpose\":\"kyc\",\"script\":\"/opt/s y.py\"");
	expect_json(&r, &n, "\"cgroup_path\":\"/system.slice/ssh.service\"");
}

static void tells_the_container_of_a_process(void **state)
{
	struct am_event_names n = names_of_acme();
	struct record r = refused_read();

	(void)state;
	n.cgroup = "/lxc.payload.web/system.slice/ssh.service";
	expect_json(&r, &n, "\"container\":{\"uid\":\"web\"}");
	expect_json(&r, &n, "\"security_control\",\"host\",\"container\"]");
}

static void keeps_the_bytes_of_a_name_that_is_no_utf8(void **state)
{
	struct am_event_names n = names_of_acme();
	struct record r;

	(void)state;
	record_init(&r, AM_EVENT_ACCESS);
	record_path(&r, "\xff\"\n\0a");
	expect_json(&r, &n, "\"path\":\"/a/\\ufffd\\\"\\u000a\"");
	expect_json(&r, &n, "\"path_hex\":\"2f612fff220a\"");
}

static void finds_the_host_by_itself(void **state)
{
	struct am_event_names n = names_of_acme();
	struct record r = refused_read();
	struct am_host_id here = { 0 };
	char part[128];

	(void)state;
	n.host = NULL;
	am_host_id_read(&am_host_here, &here);
	snprintf(part, sizeof(part), "\"device\":{\"hostname\":\"%s\"", here.name);
	expect_json(&r, &n, part);
}

/* ---- every form, held against OCSF's own definitions ------------------------------ */

static const char *const validator = "tests/ocsf/validate";

/* The validator's exit code, or -1 if it cannot run here. */
static int validate(const char *lines, char *said, size_t size)
{
	char file[] = "/tmp/am-events-XXXXXX", command[128];
	int fd = mkstemp(file), status;
	size_t used;
	FILE *pipe;

	if (access(validator, X_OK) != 0 || system("python3 --version >/dev/null 2>&1") != 0)
		return -1;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, lines, strlen(lines)), strlen(lines));
	assert_int_equal(close(fd), 0);
	snprintf(command, sizeof(command), "%s <%s 2>&1", validator, file);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	used = fread(said, 1, size - 1, pipe);
	said[used] = '\0';
	status = pclose(pipe);
	assert_int_equal(unlink(file), 0);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void add_form(FILE *out, struct record *r, const struct am_event_names *n)
{
	static const struct am_event_names nothing = { .wall_ns = 1 };
	struct am_decoded e = decoded(r);

	assert_int_equal(am_event_json(out, &e, n), 0);
	assert_int_equal(am_event_json(out, &e, &nothing), 0);
}

/* What can differ: kind, op, act, reason, verdict, blocked, destination, names. */
static void add_forms(FILE *out, struct record *r, const struct am_event_names *n)
{
	add_form(out, r, n);
	for (unsigned reason = 1; reason < AM_REASON_MAX_; reason++) {
		record_deny(r, reason, reason % 2);
		add_form(out, r, n);
		r->head.flags &= ~AM_EVENT_BLOCKED;
	}
	r->head.verdict = AM_VERDICT_ALLOW;
	r->head.reason = AM_REASON_RULE_ALLOWS;
}

static void add_accesses(FILE *out, const struct am_event_names *n)
{
	struct record r;

	record_init(&r, AM_EVENT_ACCESS);
	record_path(&r, "\xff\x1b[2J.csv\0registry\0srv");
	record_exe(&r, "psql\0bin\0usr");
	for (unsigned act = 1; act < AM_ACT_MAX_; act++) {
		r.head.act = act;
		r.head.op = act % 2 ? AM_OP_READ : AM_OP_WRITE;
		add_forms(out, &r, n);
	}
	r.head.flags = AM_EVENT_DIR | AM_EVENT_PATH_CUT | AM_EVENT_FS_PATH;
	r.head.session = 3;
	r.head.login = 1000;
	r.head.kind = AM_EVENT_REPEAT;
	r.head.count = ~0u;
	add_forms(out, &r, n);
	r.head.exe_ino = r.head.path.len = 0;
	add_forms(out, &r, n);
	r.head.flags |= AM_EVENT_FACTS | AM_EVENT_UNKNOWN | AM_EVENT_GROUPS_CUT |
			AM_EVENT_SCRIPT_CUT | AM_EVENT_SCRIPT_LOST;
	record_script(&r, "sync.py\0opt");
	add_forms(out, &r, n);
	r.head.kind = AM_EVENT_REPEAT;
	r.head.op = 0;
	add_form(out, &r, n);
	r.head.kind = AM_EVENT_SPILL;
	r.head.verdict = r.head.reason = r.head.op = r.head.act = 0;
	add_form(out, &r, n);
	r.head.kind = AM_EVENT_RESEAL;
	add_form(out, &r, n);
}

static void add_sends(FILE *out, const struct am_event_names *n)
{
	static const unsigned families[] = { AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, 0, 0xffff };

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		struct record r;

		record_init(&r, AM_EVENT_SEND);
		record_dest(&r, families[i], i ? IPV6_2001_DB8_1 : IPV4_203_0_113_9, 0xffff,
			    ~0u >> 1);
		add_forms(out, &r, n);
		r.head.flags |= AM_EVENT_SIZED;
		r.head.bytes = i ? i * 1000 : ~0ULL;
		add_forms(out, &r, n);
		r.head.act = AM_ACT_CONNECT;
		r.head.port = 0;
		r.head.zones.count = 1;
		r.head.zones.id[0] = AM_ZONE_FIRST_USER - 1 - i % 3;
		add_forms(out, &r, n);
		r.head.act = AM_ACT_SPLICE;
		record_path(&r, "0042.csv\0registry\0srv");
		add_forms(out, &r, n);
	}
}

static void add_births(FILE *out, const struct am_event_names *n)
{
	static const unsigned acts[] = { AM_ACT_FORK, AM_ACT_EXEC, AM_ACT_ANCESTOR };
	struct record r;
	struct am_decoded e;

	record_birth(&r, AM_ACT_FORK);
	record_exe(&r, "cat\0bin\0usr");
	record_script(&r, "sync.py\0opt");
	r.head.session = 3;
	e = decoded(&r);
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		e.raw.act = acts[i];
		assert_int_equal(am_event_json(out, &e, n), 0);
	}
}

static void tells_a_process_that_begins(void **state)
{
	struct am_event_names n = names_of_acme();
	struct record r;

	(void)state;
	n.store = n.within = n.why = NULL;
	record_birth(&r, AM_ACT_FORK);
	record_exe(&r, "cat\0bin\0usr");
	expect_text(&r, &n,
		    "14:02:07.113 NOTE  fork  /usr/bin/cat  psql[4711] user=acme unit=ssh.service "
		    "labels=cnic,biometric  child of process 1 (policy registry-host#12)\n");
	expect_json(&r, &n, "\"class_uid\":1007,\"class_name\":\"Process Activity\"");
	expect_json(&r, &n, "\"launch_type_id\":2,\"launch_type\":\"Fork\",\"process\":{\"pid\":4711,");
	expect_json(&r, &n, "\"actor\":{\"process\":{\"pid\":1}}");
	r.head.act = AM_ACT_EXEC;
	expect_json(&r, &n, "\"launch_type_id\":3,\"launch_type\":\"Exec\"");
}

static void writes_only_what_ocsf_defines(void **state)
{
	struct am_event_names n = names_of_acme();
	am_autofree char *lines = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&lines, &len);
	char said[4096];
	int r;

	(void)state;
	assert_non_null(out);
	n.groups = "1001:acme,27";
	n.purpose = "kyc";
	n.cgroup = "/system.slice/ssh.service";
	add_accesses(out, &n);
	n.cgroup = "/lxc.payload.web/system.slice/ssh.service";
	add_sends(out, &n);
	add_births(out, &n);
	assert_int_equal(fclose(out), 0);
	r = validate(lines, said, sizeof(said));
	if (r < 0) {
		print_message("python3 or %s is missing here\n", validator);
		skip();
	}
	if (r)
		fail_msg("%s", said);
}

/* Replaces the first `from`; owned by the caller. */
static char *edited(const char *line, const char *from, const char *to)
{
	const char *at = strstr(line, from);
	char *ret = NULL;

	if (!at)
		fail_msg("%s lacks %s", line, from);
	assert_true(asprintf(&ret, "%.*s%s%s", (int)(at - line), line, to, at + strlen(from)) >= 0);
	return ret;
}

static void validator_finds_each_fault(void **state)
{
	static const struct {
		const char *from, *to, *fault;
	} cases[] = {
		{ "\"time\":1714572127113,", "", "time: is required and missing" },
		{ "\"time\":1714572127113,", "\"time\":\"now\",", "time: 'now' is no long_t" },
		{ "\"class_uid\":2004", "\"class_uid\":2999", "class_uid: no class 2999 is defined" },
		{ "\"category_uid\":2", "\"category_uid\":1", "category_uid: 1 is not one of its values" },
		{ "\"type_uid\":200401", "\"type_uid\":200402", "type_uid: is not class_uid * 100" },
		{ "\"severity_id\":3", "\"severity_id\":7", "severity_id: 7 is not one of its values" },
		{ "\"severity\":\"Medium\"", "\"severity\":\"Bad\"", "severity: is not 'Medium'" },
		{ "\"message\":", "\"massage\":", "massage: is not an attribute here" },
		{ "\"security_control\",", "", "disposition_id: needs the profile 'security_control'" },
		{ "\"security_control\",", "\"cloud\",", "cloud: is required and missing" },
		{ "\"security_control\",", "\"tides\",", "nor an object has the profile 'tides'" },
		{ "\"ptid\":", "\"tid\":", "actor.process.tid: is deprecated since 1.6.0" },
		{ "\"evidences\":[{", "\"evidences\":[{\"src_endpoint\":{\"ip\":\"1.2.3\"},",
		  "is not a IP Address" },
		{ "\"evidences\":[", "\"evidences\":[{},", "evidences[0]: has none of actor" },
		{ "\"is_alert\":true", "\"is_alert\":1", "is_alert: 1 is no boolean" },
		{ "\"pid\":4711", "\"pid\":4294967296", "pid: 4294967296 is no integer_t" },
		{ "\"version\":\"1.8.0\"", "\"version\":\"1.7.0\"", "metadata.version: is not 1.8.0" },
		{ "\"is_alert\":", "\"time\":1,\"is_alert\":", "a member is there twice" },
		{ "{", "", "is not JSON" },
	};
	struct am_event_names n = names_of_acme();
	struct record r = refused_read();
	am_autofree char *line = json_of(&r, &n);
	char said[4096];

	(void)state;
	if (validate(line, said, sizeof(said)) < 0) {
		print_message("python3 or %s is missing here\n", validator);
		skip();
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		am_autofree char *bad = edited(line, cases[i].from, cases[i].to);

		if (validate(bad, said, sizeof(said)) != 1 || !strstr(said, cases[i].fault))
			fail_msg("expected \"%s\", the validator said \"%s\"", cases[i].fault, said);
	}
	assert_int_equal(validate("", said, sizeof(said)), 1);
}

static int use_utc(void **state)
{
	(void)state;
	if (setenv("TZ", "UTC", 1) != 0)
		return -1;
	tzset();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_a_refusal_in_one_line),
		cmocka_unit_test(ends_with_the_id_that_explain_takes),
		cmocka_unit_test(tells_what_observe_mode_let_through),
		cmocka_unit_test(keeps_the_columns_of_what_is_allowed),
		cmocka_unit_test(tells_an_allowed_open_from_the_read_that_follows),
		cmocka_unit_test(counts_repeats),
		cmocka_unit_test(does_without_every_name),
		cmocka_unit_test(shows_the_path_where_the_place_in_the_store_is_unknown),
		cmocka_unit_test(tells_labels_of_what_is_in_no_store),
		cmocka_unit_test(shows_where_data_was_sent),
		cmocka_unit_test(says_how_much_a_send_was_handed_where_that_is_known),
		cmocka_unit_test(shows_the_device_that_data_was_written_to),
		cmocka_unit_test(shows_the_file_that_was_sent),
		cmocka_unit_test(lets_no_name_speak_to_the_terminal),
		cmocka_unit_test(lets_no_name_pass_for_another_column),
		cmocka_unit_test(colours_only_if_asked),
		cmocka_unit_test(tells_when_the_stream_is_full),
		cmocka_unit_test(gives_each_event_its_class),
		cmocka_unit_test(tells_a_process_apart_from_the_next_of_its_pid),
		cmocka_unit_test(copes_with_clocks_that_make_no_sense),
		cmocka_unit_test(keeps_every_bit_of_a_long_number),
		cmocka_unit_test(tells_purpose_script_and_groups_where_there_are_some),
		cmocka_unit_test(tells_the_container_of_a_process),
		cmocka_unit_test(keeps_the_bytes_of_a_name_that_is_no_utf8),
		cmocka_unit_test(finds_the_host_by_itself),
		cmocka_unit_test(writes_only_what_ocsf_defines),
		cmocka_unit_test(tells_a_process_that_begins),
		cmocka_unit_test(validator_finds_each_fault),
	};

	return cmocka_run_group_tests(tests, use_utc, NULL);
}
