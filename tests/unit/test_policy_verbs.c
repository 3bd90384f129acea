// SPDX-License-Identifier: GPL-2.0
/* `amanat policy test`, `explain` and `diff`, and what `check` proves: as they are typed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/policy.h"
#include "fds.h"
#include "unit/captured.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define DATA "tests/data/policy-tests/"
#define POLICY DATA "registry.yaml"

static char folder[] = "/tmp/amanat-verbs-XXXXXX";
static char file[64], beside[64];
static char out[16384], err[16384];

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* Runs the command with its two streams going to files; the exit code. */
static int run_words(int argc, char **argv)
{
	struct captured caught;
	int code;

	captured_begin(&caught, folder);
	code = am_cli_policy("/nonexistent", argc, argv);
	captured_end(&caught, out, err, sizeof(out));
	return code;
}

/* A line as a shell would take it; '_' stands for a blank within a word. */
static int type(const char *line)
{
	char words[512], *argv[32], *save = NULL;
	int argc = 0;

	snprintf(words, sizeof(words), "policy %s", line);
	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		for (char *c = strchr(w, '_'); c; c = strchr(c, '_'))
			*c = ' ';
		argv[argc++] = w;
	}
	argv[argc] = NULL;
	return run_words(argc, argv);
}

/* ---- test ------------------------------------------------------------------- */

static void runs_the_tests_beside_the_policy(void **state)
{
	(void)state;
	assert_int_equal(type("test " POLICY), 0);
	assert_non_null(strstr(out, "ok      a deny wins, and is told\n"));
	assert_non_null(strstr(out, "\n14 passed, 0 failed\n"));
	assert_string_equal(err, "");
}

static void shows_what_was_expected_and_why_it_is_not_so(void **state)
{
	(void)state;
	assert_int_equal(type("test " POLICY " " DATA "failing.test.yaml"), 1);
	assert_non_null(strstr(out, "FAIL    the vendor reads the registry\n"
				    "        at        " DATA "failing.test.yaml:2:5\n"
				    "        asked     user=acme read registry\n"
				    "        expected  allow\n"
				    "        got       deny (rule-denies)\n"
				    "        why       rule 5: vendor is denied\n"));
	assert_non_null(strstr(out, "\n0 passed, 2 failed\n"));
	assert_int_equal(type("test " POLICY " " DATA "failing.test.yaml --json"), 1);
	assert_non_null(strstr(out, "\"passed\":false,\"expected\":\"allow\",\"verdict\":\"deny\""));
	assert_non_null(strstr(out, "\"passed\":0,\"failed\":2}\n"));
}

static void runs_the_tests_in_a_folder_of_policies(void **state)
{
	char line[128], inside[96];

	(void)state;
	snprintf(inside, sizeof(inside), "%s/a.test.yaml", folder);
	write_file(file, "version: 1\nname: p\nmode: enforce\nlabels: [l]\n"
			 "stores: { s: { paths: [/srv/s], labels: [l] } }\n"
			 "rules: [allow anyone to read s]\n");
	write_file(inside, "tests:\n  - name: one\n    read: s\n    expect: allow\n");
	write_file(beside, "tests:\n  - name: two\n    write: s\n    expect: deny\n");
	snprintf(line, sizeof(line), "test %s", folder);
	assert_int_equal(type(line), 0);
	assert_string_equal(out, "ok      one\nok      two\n2 passed, 0 failed\n");
	assert_string_equal(err, "");
	write_file(inside, "tests:\n  - name: one\n    read: s\n    expect: deny\n");
	assert_int_equal(type(line), 1);
	write_file(inside, "tests: 7\n");
	assert_int_equal(type(line), 2);
	assert_int_equal(unlink(inside), 0);
	write_file(file, "");
	write_file(beside, "");
}

static void runs_nothing_if_there_is_nothing_to_run(void **state)
{
	(void)state;
	assert_int_equal(type("test " DATA "none.yaml"), 2);
	assert_int_equal(type("test " POLICY " " DATA "none.test.yaml"), 2);
	assert_non_null(strstr(err, "cannot be read"));
	write_file(beside, "tests:\n  - read: registry\n    expect: maybe\n");
	assert_int_equal(type("test " POLICY), 0);
	write_file(file, "version: 2\n");
	assert_int_equal(type("test /tmp/none.yaml"), 2);
	assert_int_equal(type("test"), 2);
	assert_int_equal(type("test --jsn " POLICY), 2);
	assert_int_equal(type("test --help"), 0);
}

/* ---- explain ---------------------------------------------------------------- */

static const struct {
	const char *line;
	int code;
	const char *says;
} explained[] = {
	{ "--as exe=/usr/lib/db user=postgres read registry", 0,
	  "allow user=postgres exe=/usr/lib/db read registry\n"
	  "  reason   rule-allows: rule 1: db is allowed\n"
	  "  rule     1, " POLICY ":19:5: allow db to read, write registry\n"
	  "  fact     exe=/usr/lib/db user=postgres is db\n" },
	{ "--as user=acme write registry", 1,
	  "  nearest  1, " POLICY ":19:5: allow db to read, write registry\n"
	  "  needs    exe=/usr/lib/db, user=postgres\n" },
	{ "--as user=acme group=clerks read /srv/letters/1", 1,
	  "  mode     observe: it would be logged, and not blocked\n" },
	{ "--as anyone read /etc/passwd", 0, "unprotected" },
	{ "read registry", 1, "deny user=any other exe=any other read registry\n" },
	{ "send cnic to terminal", 0, "a terminal is open" },
	{ "--as exe=/usr/lib/db user=postgres send cnic to 10.20.0.9:5432/tcp", 0,
	  "  fact     exe=/usr/lib/db user=postgres is db; 10.20.0.9:5432/tcp lies in app\n" },
	{ "--as exe=/usr/lib/db user=postgres send cnic, mail to 10.20.0.9:5432/tcp", 1,
	  "send mail to 10.20.0.9:5432/tcp" },
	{ "--as unit=desk.service purpose=kyc read prints", 0, "rule 2: desk is allowed" },
	{ "--as unit=desk.service read prints", 1, "purpose: prints is open for kyc only" },
	{ "--as group=clerks use kyc", 0, "rule 3: clerk is allowed" },
	{ "read /tmp/x carrying biometric,mail", 1, "copies that carry biometric" },
	{ "--as user=a\033[31m read registry", 1, "user=a\\x1b[31m" },
};

static void explains_in_a_few_lines(void **state)
{
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(explained); i++) {
		char line[256];
		int code;

		snprintf(line, sizeof(line), "explain " POLICY " %s", explained[i].line);
		code = type(line);
		if (code != explained[i].code || !strstr(out, explained[i].says)) {
			print_error("%s: %d\n%s%s", line, code, out, err);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

static void explains_to_programs(void **state)
{
	(void)state;
	assert_int_equal(type("explain " POLICY " --json --as user=acme read registry"), 1);
	assert_non_null(strstr(out, "\"verdict\":\"deny\",\"reason\":\"rule-denies\",\"enforced\":true"));
	assert_non_null(strstr(out, "\"rule\":{\"number\":5,\"file\":\"" POLICY "\",\"line\":23,"));
	assert_non_null(strstr(out, "\"nearest\":{\"number\":1,"));
	assert_non_null(strstr(out, "\"needs\":\"exe=/usr/lib/db, user=postgres\"}\n"));
}

static void refuses_to_explain_what_it_does_not_understand(void **state)
{
	static const struct {
		const char *line, *says;
	} calls[] = {
		{ "explain", "usage:" },
		{ "explain " POLICY, "usage:" },
		{ "explain " POLICY " --as user=acme", "usage:" },
		{ "explain " POLICY " read", "usage:" },
		{ "explain " POLICY " read registry now", "usage:" },
		{ "explain " POLICY " reed registry", "no operation is 'reed'" },
		{ "explain " POLICY " read registri", "the policy has no store 'registri'" },
		{ "explain " POLICY " send cnik to local", "the policy has no label 'cnik'" },
		{ "explain " POLICY " send cnic to app", "no destination is 'app'" },
		{ "explain " POLICY " send to local", "usage:" },
		{ "explain " POLICY " send cnic", "usage:" },
		{ "explain " POLICY " use kic", "the policy has no purpose 'kic'" },
		{ "explain " POLICY " --as usr=acme read registry", "no fact is 'usr=acme'" },
		{ "explain " POLICY " --as user= read registry", "no fact is 'user='" },
		{ "explain " DATA "none.yaml read registry", "cannot be read" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(calls); i++) {
		int code = type(calls[i].line);

		if (code != 2 || out[0] || !strstr(err, calls[i].says))
			fail_msg("%s: %d\n%s%s", calls[i].line, code, out, err);
	}
}

/* ---- diff ------------------------------------------------------------------- */

static void tells_a_difference_by_its_exit_code(void **state)
{
	char line[256];

	(void)state;
	assert_int_equal(type("diff " POLICY " " POLICY), 0);
	assert_string_equal(out, "no difference in access\n");
	write_file(file, "version: 1\nname: p\nmode: enforce\nlabels: [cnic]\nstores:\n"
		   "  letters: {paths: [/srv/letters], labels: [cnic]}\n"
		   "subjects: {clerk: {group: clerks}}\nrules: [allow clerk to read letters]\n");
	snprintf(line, sizeof(line), "diff " POLICY " %s", file);
	assert_int_equal(type(line), 1);
	assert_non_null(strstr(out, "+ clerk (user=acme group=clerks) may now read letters\n"));
	assert_non_null(strstr(out, "~ mode of the store letters: observe → enforce\n"));
	assert_string_equal(err, "");
	snprintf(line, sizeof(line), "diff " POLICY " %s --json", file);
	assert_int_equal(type(line), 1);
	assert_non_null(strstr(out, "{\"kind\":\"gain\",\"subject\":\"clerk\",\"facts\":\"user=acme "
				    "group=clerks\",\"operation\":\"read\",\"what\":\"letters\"}"));
	assert_non_null(strstr(out, "{\"kind\":\"setting\",\"what\":\"mode of the store letters\""));
}

static void compares_no_policy_that_is_none(void **state)
{
	(void)state;
	assert_int_equal(type("diff " POLICY), 2);
	assert_int_equal(type("diff " POLICY " " POLICY " " POLICY), 2);
	assert_int_equal(type("diff " POLICY " " DATA "registry.test.yaml"), 2);
	assert_string_equal(out, "");
	assert_non_null(strstr(err, "error: 'tests' is not a key of a policy"));
	assert_int_equal(type("diff --help"), 0);
}

/* ---- check ------------------------------------------------------------------ */

#define HEAD                                                                   \
	"version: 1\nname: p\nmode: enforce\nlabels: [l]\n"                    \
	"stores: {s: {paths: [/srv/s], labels: [l]}}\n"                        \
	"subjects:\n  u: {user: root}\n  v: {third-party: X, exe: /bin/no-such}\n"

static void refuses_a_policy_whose_invariants_do_not_hold(void **state)
{
	char line[256];

	(void)state;
	write_file(file, HEAD "rules: [allow u to read s]\n"
		   "invariants:\n  - never anyone but u may read s\n");
	snprintf(line, sizeof(line), "check %s", file);
	assert_int_equal(type(line), 0);
	assert_string_equal(out, "policy p: 1 store, 2 subjects, 0 zones, 1 rule, 1 invariant proved: "
				 "ok\n");
	write_file(file, HEAD "rules: [allow u to read s]\n"
		   "invariants:\n  - never third-party may read s\n");
	assert_int_equal(type(line), 1);
	assert_string_equal(out, "");
	assert_non_null(strstr(err, ":11:5: error: the invariant does not hold: user=root "
				    "exe=/bin/no-such may read s\n  hint: Rule 1 on line 9 lets "
				    "them: allow u to read s.\n"));
}

static void warns_of_programs_that_others_can_change(void **state)
{
	char line[256], text[512];

	(void)state;
	snprintf(text, sizeof(text), HEAD "  w: {exe: %s}\nrules: [allow w to read s]\n", beside);
	write_file(file, text);
	assert_int_equal(chmod(beside, 0777), 0);
	snprintf(line, sizeof(line), "check %s", file);
	assert_int_equal(type(line), 0);
	assert_non_null(strstr(err, ":9:12: warning: everybody can change the executable '"));
	assert_null(strstr(err, "no-such"));
	assert_int_equal(chmod(beside, 0644), 0);
}

static void looks_at_the_host_only_if_asked_to(void **state)
{
	char line[256];

	(void)state;
	write_file(file, HEAD "rules: [allow u to read s, deny v to read s]\n");
	snprintf(line, sizeof(line), "check %s", file);
	assert_int_equal(type(line), 0);
	assert_string_equal(err, "");
	snprintf(line, sizeof(line), "check %s --host", file);
	assert_int_equal(type(line), 0);
	assert_non_null(strstr(err, ":8:28: warning: this host has no executable '/bin/no-such'"));
}

static int fds_before;

static int make_folder(void **state)
{
	(void)state;
	fds_before = count_fds();
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof(file), "%s/p.yaml", folder);
	snprintf(beside, sizeof(beside), "%s/p.test.yaml", folder);
	write_file(file, "");
	write_file(beside, "");
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	if (unlink(file) < 0 || unlink(beside) < 0 || rmdir(folder) < 0)
		return -1;
	return count_fds() == fds_before ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_the_tests_beside_the_policy),
		cmocka_unit_test(shows_what_was_expected_and_why_it_is_not_so),
		cmocka_unit_test(runs_the_tests_in_a_folder_of_policies),
		cmocka_unit_test(runs_nothing_if_there_is_nothing_to_run),
		cmocka_unit_test(explains_in_a_few_lines),
		cmocka_unit_test(explains_to_programs),
		cmocka_unit_test(refuses_to_explain_what_it_does_not_understand),
		cmocka_unit_test(tells_a_difference_by_its_exit_code),
		cmocka_unit_test(compares_no_policy_that_is_none),
		cmocka_unit_test(refuses_a_policy_whose_invariants_do_not_hold),
		cmocka_unit_test(warns_of_programs_that_others_can_change),
		cmocka_unit_test(looks_at_the_host_only_if_asked_to),
	};

	return cmocka_run_group_tests_name("policy_verbs", tests, make_folder, remove_folder);
}
