// SPDX-License-Identifier: GPL-2.0
/* The language in which events are asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "abi.h"
#include "base/array.h"
#include "event/event.h"
#include "query/filter.h"

#define S INT64_C(1000000000)
#define CONTAINER "3f2a9c0d1e4b5a69788796a5b4c3d2e1f00112233445566778899aabbccddeef"

static const struct am_when from = { 1772360430 * S, 1772300000 * S };

/* acme's psql was refused a file of the registry at 10:00:00Z. */
static const struct am_row refused = {
	.number = 17,
	.event = 12,
	.cpu = 3,
	.seq = 4711,
	.wall_ns = 1772359200 * S,
	.actor = { .pid = 4711, .tid = 4712, .ppid = 1, .uid = 1001, .gid = 1001, .login = 1500,
		   .session = ~0u, .comm = "psql", .exe = "/usr/bin/psql", .user = "acme",
		   .login_user = NULL, .unit = "ssh.service", .groups = "1001:acme,27:sudo,61003",
		   .script = "/opt/sync.py", .purpose = "kyc",
		   .cgroup_path = "/system.slice/ssh.service" },
	.object = { .store = "citizen-registry", .path = "/srv/registry/a b,\"c\".csv" },
	.deed = { .kind = AM_EVENT_ACCESS, .verdict = AM_VERDICT_DENY,
		  .reason = AM_REASON_RULE_DENIES, .op = AM_OP_READ, .act = AM_ACT_OPEN,
		  .flags = AM_EVENT_BLOCKED | AM_EVENT_URGENT, .generation = 12, .label_names = "cnic,health",
		  .policy = "registry-host" },
};

/* root's curl sent cnic to 203.0.113.9:443. */
static const struct am_row sent = {
	.wall_ns = 1772360000 * S,
	.actor = { .pid = 5, .uid = 0, .login = ~0u, .session = 3, .exe = "/usr/bin/curl",
		   .user = "root", .unit = "", .cgroup_path = "/docker/" CONTAINER },
	.dest = { .addr_low = 0xffffcb007109, .family = AF_INET, .port = 443, .proto = IPPROTO_TCP,
		  .zones = "app-tier" },
	.deed = { .kind = AM_EVENT_SEND, .verdict = AM_VERDICT_ALLOW, .op = AM_OP_SEND,
		  .reason = AM_REASON_RULE_ALLOWS, .act = AM_ACT_SEND, .label_names = "cnic" },
};

static const struct am_row gap = {
	.wall_ns = 1772360000 * S,
	.actor = { .login = ~0u, .session = ~0u },
	.count = 40,
	.deed = { .kind = AM_ROW_GAP, .reason = AM_GAP_RING },
};

static bool passes(const char *text, const struct am_row *row)
{
	am_auto(am_filter) struct am_filter *f = NULL;
	struct am_filter_error err;

	if (am_filter_parse(text, &from, &err, &f))
		fail_msg("%s: %s", text, err.fact);
	return am_filter_matches(f, row);
}

static void picks_what_is_asked_for(void **state)
{
	static const struct {
		const char *text;
		bool refused, sent, gap;
	} cases[] = {
		{ "", true, true, true },
		{ "  \t ", true, true, true },
		{ "store=citizen-registry", true, false, false },
		{ "store=citizen", false, false, false },
		{ "store=citizen-*", true, false, false },
		{ "store=none", false, true, true },
		{ "store!=none", true, false, false },
		{ "store!=citizen-registry", false, true, true },
		{ "id=12-u3-4711", true, false, false },
		{ "id=none", false, true, true },
		{ "verdict=deny", true, false, false },
		{ "verdict=deny,allow", true, true, false },
		{ "verdict=deny verdict=allow", false, false, false },
		{ "blocked=yes", true, false, false },
		{ "blocked=no", false, true, true },
		{ "reason=rule-denies", true, false, false },
		{ "reason=ring-full", false, false, true },
		{ "kind=gap", false, false, true },
		{ "kind=access,gap", true, false, true },
		{ "op=read", true, false, false },
		{ "act=op?n", true, false, false },
		{ "user=acme", true, false, false },
		{ "user=1001", true, false, false },
		{ "user=0", false, true, true },
		{ "user!=root", true, false, true },
		{ "group=sudo", true, false, false },
		{ "group=27", true, false, false },
		{ "group=61003,root", true, false, false },
		{ "group=7", false, false, false },
		{ "group=su*", true, false, false },
		{ "group!=sudo", false, true, true },
		{ "group=none", false, true, true },
		{ "script=/opt/*.py", true, false, false },
		{ "script=none purpose=none", false, true, true },
		{ "purpose=kyc", true, false, false },
		{ "purpose!=kyc", false, true, true },
		{ "cgroup=/system.slice/*", true, false, false },
		{ "container=" CONTAINER, false, true, false },
		{ "container=3f2a9c0d1e4b", false, true, false },	/* as managers show it */
		{ "container=3f2a", false, false, false },
		{ "container=3f2a*", false, true, false },
		{ "container=none", true, false, true },
		{ "login=1500", true, false, false },
		{ "login=none", false, true, true },
		{ "session=none", true, false, true },
		{ "session=3", false, true, false },
		{ "label=health", true, false, false },
		{ "label=cnic", true, true, false },
		{ "label!=health", false, true, true },
		{ "label=none", false, false, true },
		{ "label=heal", false, false, false },
		{ "exe=/usr/bin/*", true, true, false },
		{ "path=\"/srv/registry/a b,\\\"c\\\".csv\"", true, false, false },
		{ "path=/srv/*\"b,\"*", true, false, false },
		{ "path=\"/srv/*\"", false, false, false },
		{ "pid=4711", true, false, false },
		{ "pid>100", true, false, false },
		{ "pid<=5", false, true, false },
		{ "pid=none port=none", false, false, true },
		{ "pid>=4711 pid<4712", true, false, false },
		{ "count>39", false, false, true },
		{ "dest=203.0.113.9", false, true, false },
		{ "dest=203.0.113.9:443", false, true, false },
		{ "dest=203.0.113.9:80", false, false, false },
		{ "dest=203.0.113.0/24", false, true, false },
		{ "dest=0.0.0.0/0", false, true, false },
		{ "dest=::/0", false, true, false },
		{ "dest=10.0.0.0/8,203.0.0.0/8", false, true, false },
		{ "dest!=203.0.113.0/24", true, false, true },
		{ "dest=none", true, false, true },
		{ "dest=*/tcp", false, true, false },
		{ "port=443 proto=tcp zone=app-tier", false, true, false },
		{ "generation=12 policy=registry-host unit=ssh.service", true, false, false },
		{ "since=-2h", true, true, true },
		{ "since=-10m", false, true, true },
		{ "until=-10m", true, false, false },
		{ "since=2026-03-01T10:00Z until=2026-03-01T10:00:01Z", true, false, false },
		{ "since=-2h since=-10m", false, true, true },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		if (passes(cases[i].text, &refused) != cases[i].refused)
			fail_msg("%s: the refused read", cases[i].text);
		if (passes(cases[i].text, &sent) != cases[i].sent)
			fail_msg("%s: the send", cases[i].text);
		if (passes(cases[i].text, &gap) != cases[i].gap)
			fail_msg("%s: the gap", cases[i].text);
	}
}

/* What a row is called when it is shown is what finds it. */
static void finds_every_kind_and_reason_by_its_word(void **state)
{
	static const struct {
		unsigned kind, reasons;
		const char *(*name)(unsigned reason);
	} kinds[] = {
		{ AM_EVENT_ACCESS, AM_REASON_MAX_, am_reason_name },
		{ AM_EVENT_REPEAT, AM_REASON_MAX_, am_reason_name },
		{ AM_EVENT_SEND, AM_REASON_MAX_, am_reason_name },
		{ AM_EVENT_SPILL, AM_REASON_MAX_, am_reason_name },
		{ AM_EVENT_RESEAL, AM_REASON_MAX_, am_reason_name },
		{ AM_EVENT_FOREIGN, AM_REASON_MAX_, am_reason_name },
		{ AM_EVENT_PROCESS, AM_REASON_MAX_, am_reason_name },
		{ AM_ROW_GAP, AM_GAP_MAX_, am_gap_name },
		{ AM_ROW_MARK, AM_MARK_MAX_, am_mark_name },
	};
	char text[96];

	(void)state;
	assert_int_equal(AM_COUNT(kinds), AM_EVENT_MAX_ - 1 + 2);
	for (size_t i = 0; i < AM_COUNT(kinds); i++)
		for (unsigned reason = 1; reason < kinds[i].reasons; reason++) {
			struct am_row row = { .deed = { .kind = kinds[i].kind, .reason = reason } };

			(void)snprintf(text, sizeof(text), "kind=%s reason=%s",
				       am_row_kind_name(kinds[i].kind), kinds[i].name(reason));
			if (strchr(text, '?') || !passes(text, &row))
				fail_msg("%s", text);
		}
}

static void passes_processes_that_begin_only_to_who_asks_for_them(void **state)
{
	static const struct {
		const char *text;
		bool passes;
	} cases[] = {
		{ "", false },
		{ "pid=4711", false },
		{ "verdict!=deny", false },
		{ "kind=process", true },
		{ "kind!=gap", true },
		{ "kind=access", false },
		{ "act=fork", true },
		{ "act=exec", false },
		{ "row=7", true },
		{ "kind=process pid=4712", false },
	};
	const struct am_row row = { .number = 7, .actor = { .pid = 4711 },
				    .deed = { .kind = AM_EVENT_PROCESS, .act = AM_ACT_FORK } };
	am_auto(am_filter) struct am_filter *all = NULL, *moments = NULL;
	struct am_filter_error err;

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++)
		if (passes(cases[i].text, &row) != cases[i].passes)
			fail_msg("'%s'", cases[i].text);
	assert_int_equal(am_filter_parse("pid=4711", &from, &err, &all), 0);
	assert_int_equal(am_filter_moments(all, true, &moments), 0);
	assert_true(am_filter_matches(moments, &row));
	am_filter_take_births(all);
	assert_true(am_filter_matches(all, &row));
}

static void says_what_is_wrong_and_where(void **state)
{
	static const struct {
		const char *text;
		size_t at;
		const char *fact, *hint;
	} cases[] = {
		{ "stor=a", 0, "no field 'stor'", "'store'" },
		{ "verdict=deny sinse=-2h", 13, "no field 'sinse'", "'since'" },
		{ "zzzzzz=1", 0, "no field 'zzzzzz'", "Such as" },
		{ "verdict", 7, "no '='", "FIELD=VALUE" },
		{ "verdict=", 8, "value is missing", "none" },
		{ "verdict=deny,", 13, "value is missing", "" },
		{ "verdict=,deny", 8, "value is missing", "" },
		{ "verdict=dany", 8, "never 'dany'", "'deny'" },
		{ "kind=file", 5, "never 'file'", "" },
		{ "kind=\"\"", 5, "never ''", "" },
		{ "reason=ring-fill", 7, "never 'ring-fill'", "'ring-full'" },
		{ "reason=zzzzzz", 7, "never 'zzzzzz'", "--fields" },
		{ "act=opne", 4, "never 'opne'", "'open'" },
		{ "=deny", 0, "field is missing", "" },
		{ "deny", 4, "no '='", "" },
		{ "pid=x", 4, "takes numbers", "" },
		{ "pid=-1", 4, "takes numbers", "" },
		{ "pid=99999999999999999999", 4, "takes numbers", "" },
		{ "pid>1,2", 3, "compared with more", "" },
		{ "pid>none", 3, "compared with more", "" },
		{ "user>5", 4, "no number", "" },
		{ "store<a", 5, "no number", "" },
		{ "blocked=maybe", 8, "yes or no", "" },
		{ "dest=10.0.0.0/33", 5, "no destination", "10.0.0.0/8" },
		{ "dest=10.0.0.256", 5, "no destination", "" },
		{ "dest=1.2.3.4:0", 5, "no destination", "" },
		{ "dest=[fd00::1", 5, "no destination", "" },
		{ "dest=[fd00::1]x", 5, "no destination", "" },
		{ "path=\"a", 5, "not closed", "" },
		{ "since=tomorrow", 6, "no moment", "-2h" },
		{ "since>-2h", 5, "takes a moment", "" },
		{ "since=-1h until=-2h", 16, "before it begins", "before until" },
		{ "since=2026-03-01T10:00+1", 6, "no moment", "+05:00" },
		{ "since=-2h,-3h", 9, "a term ends here", "blank" },
		{ "time=now", 0, "exactly that moment", "since" },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		struct am_filter *f = NULL;
		struct am_filter_error err = { 0 };

		if (am_filter_parse(cases[i].text, &from, &err, &f) != -EINVAL)
			fail_msg("%s: accepted", cases[i].text);
		assert_null(f);
		if (err.at != cases[i].at || !strstr(err.fact, cases[i].fact) ||
		    !strstr(err.hint, cases[i].hint))
			fail_msg("%s: %zu: %s; %s", cases[i].text, err.at, err.fact, err.hint);
	}
}

static void puts_the_caret_below_the_mistake(void **state)
{
	static const char text[] = "path=\"\xc3\xa4\" stor=a";
	struct am_filter_error err;
	struct am_filter *f;
	char *said = NULL;
	size_t len;
	FILE *out = open_memstream(&said, &len);

	(void)state;
	assert_int_equal(am_filter_parse(text, &from, &err, &f), -EINVAL);
	am_filter_complain(out, text, &err);
	fclose(out);
	assert_string_equal(said, "error: there is no field 'stor'\n"
				  "  path=\"\xc3\xa4\" stor=a\n"
				  "           ^\n"
				  "  hint: Did you mean 'store'?\n");
	free(said);
}

static void bounds_what_it_takes(void **state)
{
	char text[AM_FILTER_LEN_MAX + 2];
	struct am_filter_error err;
	struct am_filter *f;
	size_t n = 0;

	(void)state;
	memset(text, ' ', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(am_filter_parse(text, &from, &err, &f), -EINVAL);
	for (unsigned i = 0; i <= AM_FILTER_TERMS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "pid=1 ");
	assert_int_equal(am_filter_parse(text, &from, &err, &f), -EINVAL);
	assert_non_null(strstr(err.fact, "64 terms"));
	n = (size_t)snprintf(text, sizeof(text), "pid=1");
	for (unsigned i = 0; i <= AM_FILTER_VALUES_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, ",1");
	assert_int_equal(am_filter_parse(text, &from, &err, &f), -EINVAL);
	assert_non_null(strstr(err.fact, "256 values"));
}

static void tells_what_may_be_passed_over(void **state)
{
	am_auto(am_filter) struct am_filter *f = NULL;
	struct am_filter_error err;
	int64_t a, b;

	(void)state;
	assert_int_equal(am_filter_parse("store=s user=0 pid=7 exe=/a* op=read,write label!=x "
					 "since=-1h until=now", &from, &err, &f), 0);
	assert_string_equal(am_filter_text(f, "store"), "s");
	assert_null(am_filter_text(f, "user"));
	assert_null(am_filter_text(f, "exe"));
	assert_null(am_filter_text(f, "op"));
	assert_null(am_filter_text(f, "label"));
	assert_true(am_filter_number(f, "user", &a));
	assert_int_equal(a, 0);
	assert_true(am_filter_number(f, "pid", &a));
	assert_int_equal(a, 7);
	assert_false(am_filter_number(f, "store", &a));
	am_filter_span(f, &a, &b);
	assert_int_equal(a, from.now_ns - 3600 * S);
	assert_int_equal(b, from.now_ns);
}

static void every_field_has_a_text_for_every_row(void **state)
{
	const struct am_row *rows[] = { &refused, &sent, &gap };
	const struct am_field *fields;
	size_t n;

	(void)state;
	fields = am_fields(&n);
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < AM_COUNT(rows); j++) {
			char buf[AM_FIELD_TEXT_MAX];

			assert_non_null(am_field_text(&fields[i], rows[j], buf));
		}
		assert_ptr_equal(am_field_find(fields[i].name, strlen(fields[i].name)), &fields[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(picks_what_is_asked_for),
		cmocka_unit_test(finds_every_kind_and_reason_by_its_word),
		cmocka_unit_test(passes_processes_that_begin_only_to_who_asks_for_them),
		cmocka_unit_test(says_what_is_wrong_and_where),
		cmocka_unit_test(puts_the_caret_below_the_mistake),
		cmocka_unit_test(bounds_what_it_takes),
		cmocka_unit_test(tells_what_may_be_passed_over),
		cmocka_unit_test(every_field_has_a_text_for_every_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
