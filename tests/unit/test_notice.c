// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "event/notice.h"

/* 2024-05-01 14:02:07.113 UTC */
static const int64_t wall_ns = 1714572127113000000;

static const struct am_host_id host = {
	.name = "registry-host", .machine = "0123456789abcdef0123456789abcdef",
	.boot = "5c3a5b0e-2f43-4dfc-a4b0-2ef6a9a80e11", .kernel = "6.1.0-25-amd64",
};

static struct am_notice notice(enum am_notice_kind kind, const char *what, const char *why)
{
	return (struct am_notice){
		.kind = kind, .what = what, .why = why, .policy = "registry-host",
		.generation = 12, .host = &host, .wall_ns = wall_ns, .seq = 7,
	};
}

static struct am_notice asked(enum am_notice_kind kind, const char *why)
{
	struct am_notice n = notice(kind, "kyc", why);

	n.pid = 4711;
	n.uid = 1500;
	n.user = "acme";
	n.unit = "desk.service";
	n.comm = "amanat";
	n.exe = "/usr/bin/amanat";
	return n;
}

/* Owned by the caller. */
static char *line_of(const struct am_notice *n, bool json, bool color)
{
	char *line = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&line, &len);

	assert_non_null(out);
	assert_int_equal(json ? am_notice_json(out, n) : am_notice_text(out, n, color), 0);
	assert_int_equal(fclose(out), 0);
	return line;
}

static void expect_text(const struct am_notice *n, const char *line)
{
	am_autofree char *got = line_of(n, false, false);

	assert_string_equal(got, line);
}

static void expect_in_json(const struct am_notice *n, const char *part)
{
	am_autofree char *got = line_of(n, true, false);

	if (!strstr(got, part))
		fail_msg("%s is not in %s", part, got);
}

/* ---- text ---------------------------------------------------------------------- */

static void tells_which_policy_is_in_force(void **state)
{
	struct am_notice n = notice(AM_NOTICE_POLICY_IN_FORCE, "registry-host", NULL);

	(void)state;
	expect_text(&n, "14:02:07.113 NOTE  policy registry-host  in force "
			"(policy registry-host#12)\n");
}

static void tells_why_a_policy_was_refused_and_which_stays(void **state)
{
	struct am_notice n = notice(AM_NOTICE_POLICY_REFUSED, "/etc/amanat/policy.yaml",
				    "policy.yaml:3: there is no label 'cnik'");

	(void)state;
	expect_text(&n, "14:02:07.113 ERROR policy /etc/amanat/policy.yaml  refused: "
			"policy.yaml:3: there is no label 'cnik' (policy registry-host#12)\n");
}

static void tells_which_subject_an_executable_took_with_it(void **state)
{
	struct am_notice n = notice(AM_NOTICE_EXE_GONE, "/usr/bin/psql", "no such file");

	(void)state;
	n.subjects = "registry-db";
	expect_text(&n, "14:02:07.113 WARN  exe   /usr/bin/psql  registry-db is gone: no such file "
			"(policy registry-host#12)\n");
}

static void tells_who_took_on_a_purpose(void **state)
{
	struct am_notice n = asked(AM_NOTICE_PURPOSE_GRANTED, "rule 4: desk may use kyc");

	(void)state;
	expect_text(&n, "14:02:07.113 ALLOW use   kyc  amanat[4711] user=acme unit=desk.service  "
			"rule 4: desk may use kyc (policy registry-host#12)\n");
	n.user = n.unit = NULL;
	expect_text(&n, "14:02:07.113 ALLOW use   kyc  amanat[4711] user=1500  "
			"rule 4: desk may use kyc (policy registry-host#12)\n");
}

static void tells_a_refusal_as_one_only_where_something_was_stopped(void **state)
{
	struct am_notice n = asked(AM_NOTICE_PURPOSE_REFUSED, "no rule lets acme use kyc");
	am_autofree char *refused = line_of(&n, false, false), *observed = NULL;

	(void)state;
	assert_non_null(strstr(refused, " DENY  use "));
	n.observed = true;
	observed = line_of(&n, false, false);
	assert_non_null(strstr(observed, " WOULD-DENY use "));
	expect_in_json(&n, "\"blocked\":false");
	expect_in_json(&n, "\"disposition\":\"Logged\"");
}

static void lets_no_name_pass_for_another_column(void **state)
{
	struct am_notice n = asked(AM_NOTICE_PURPOSE_REFUSED, "why");

	(void)state;
	n.what = "kyc\n14:02:07.113 ALLOW\x1b[2J";
	n.comm = "a b";
	expect_text(&n, "14:02:07.113 DENY  use   kyc\\x0a14:02:07.113 ALLOW\\x1b[2J  "
			"a\\x20b[4711] user=acme unit=desk.service  why (policy registry-host#12)\n");
}

static void says_nothing_of_a_policy_when_none_is_in_force(void **state)
{
	struct am_notice n = notice(AM_NOTICE_EXE_BACK, "/usr/bin/psql", NULL);

	(void)state;
	n.generation = 0;
	expect_text(&n, "14:02:07.113 NOTE  exe   /usr/bin/psql  there\n");
}

/* ---- OCSF ----------------------------------------------------------------------- */

static const char *const validator = "tests/ocsf/validate";

static void every_kind_keeps_to_the_definitions_of_ocsf(void **state)
{
	char command[128], said[4096] = "";
	char path[] = "/tmp/notices.XXXXXX";
	FILE *check, *file = NULL;
	int fd = mkstemp(path), status;

	(void)state;
	assert_true(fd >= 0);
	if (access(validator, X_OK) < 0) {
		(void)unlink(path);
		(void)close(fd);
		print_message("[  skip  ] there is no %s here\n", validator);
		skip();
	}
	file = fdopen(fd, "w");
	assert_non_null(file);
	for (unsigned kind = AM_NOTICE_INVALID + 1; kind < AM_NOTICE_MAX_; kind++) {
		struct am_notice n = asked(kind, "why");

		n.subjects = "a,b";
		assert_int_equal(am_notice_json(file, &n), 0);
		n = notice(kind, "what\xff", NULL);
		n.generation = 0;
		assert_int_equal(am_notice_json(file, &n), 0);
	}
	assert_int_equal(fclose(file), 0);
	snprintf(command, sizeof(command), "%s <%s", validator, path);
	check = popen(command, "r");
	assert_non_null(check);
	said[fread(said, 1, sizeof(said) - 1, check)] = '\0';
	status = pclose(check);
	(void)unlink(path);
	if (status)
		fail_msg("%s", said);
}

static void a_machine_is_told_the_kind_by_name(void **state)
{
	(void)state;
	for (unsigned kind = AM_NOTICE_INVALID + 1; kind < AM_NOTICE_MAX_; kind++) {
		struct am_notice n = asked(kind, "why");
		char part[64];

		assert_string_not_equal(am_notice_name(kind), "?");
		snprintf(part, sizeof(part), "\"kind\":\"%s\"", am_notice_name(kind));
		expect_in_json(&n, part);
	}
	assert_string_equal(am_notice_name(AM_NOTICE_INVALID), "?");
	assert_string_equal(am_notice_name(AM_NOTICE_MAX_), "?");
}

static void a_stream_that_is_full_is_an_error(void **state)
{
	struct am_notice n = asked(AM_NOTICE_PURPOSE_GRANTED, "why");
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	setbuf(full, NULL);
	assert_true(am_notice_text(full, &n, false) < 0);
	clearerr(full);
	assert_true(am_notice_json(full, &n) < 0);
	(void)fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_which_policy_is_in_force),
		cmocka_unit_test(tells_why_a_policy_was_refused_and_which_stays),
		cmocka_unit_test(tells_which_subject_an_executable_took_with_it),
		cmocka_unit_test(tells_who_took_on_a_purpose),
		cmocka_unit_test(tells_a_refusal_as_one_only_where_something_was_stopped),
		cmocka_unit_test(lets_no_name_pass_for_another_column),
		cmocka_unit_test(says_nothing_of_a_policy_when_none_is_in_force),
		cmocka_unit_test(every_kind_keeps_to_the_definitions_of_ocsf),
		cmocka_unit_test(a_machine_is_told_the_kind_by_name),
		cmocka_unit_test(a_stream_that_is_full_is_an_error),
	};

	(void)setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
