// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "fds.h"
#include "policy/testfile.h"

#define DATA "tests/data/policy-tests/"

static struct am_model *model;
static struct am_space *space;

static int set_up(void **state)
{
	struct am_diags diags;

	(void)state;
	am_diags_init(&diags);
	if (am_model_load(DATA "registry.yaml", &diags, &model) ||
	    am_space_new((const struct am_model *const *)&model, 1, NULL, &diags, &space)) {
		am_diags_print(&diags, stderr);
		return -1;
	}
	am_diags_done(&diags);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	am_space_free(space);
	am_model_free(model);
	return 0;
}

/* ---- files that pass and fail ----------------------------------------------- */

static struct am_tests *load(const char *path)
{
	struct am_tests *tests = NULL;
	struct am_diags diags;

	am_diags_init(&diags);
	if (am_tests_load(path, space, &diags, &tests)) {
		am_diags_print(&diags, stderr);
		fail_msg("%s", path);
	}
	assert_int_equal(diags.count, 0);
	am_diags_done(&diags);
	return tests;
}

static void decides_each_test_as_the_kernel_would(void **state)
{
	am_auto(am_tests) struct am_tests *tests = load(DATA "registry.test.yaml");

	(void)state;
	assert_int_equal(tests->count, 14);
	for (size_t i = 0; i < tests->count; i++) {
		struct am_answer answer;

		if (!am_test_run(&tests->items[i], space, &answer))
			fail_msg("test on line %u: verdict %u, reason %u", tests->items[i].pos.line,
				 answer.decision.verdict, answer.decision.reason);
	}
}

static void fails_for_the_wrong_verdict_and_for_the_wrong_reason(void **state)
{
	am_auto(am_tests) struct am_tests *tests = load(DATA "failing.test.yaml");
	struct am_answer answer;

	(void)state;
	assert_int_equal(tests->count, 2);
	assert_false(am_test_run(&tests->items[0], space, &answer));
	assert_int_equal(answer.decision.reason, AM_REASON_RULE_DENIES);
	assert_false(am_test_run(&tests->items[1], space, &answer));
	assert_int_equal(answer.decision.reason, AM_REASON_RULE_ALLOWS);
	assert_int_equal(tests->items[0].pos.line, 2);
	assert_string_equal(tests->items[0].name, "the vendor reads the registry");
	assert_null(tests->items[1].name);
}

static void survives_every_truncation(void **state)
{
	am_auto(am_tests) struct am_tests *tests = load(DATA "registry.test.yaml");

	(void)state;
	for (size_t len = 0; tests->text[len]; len++) {
		am_auto(am_tests) struct am_tests *part = NULL;
		struct am_diags diags;
		int err;

		am_diags_init(&diags);
		err = am_tests_parse("t", tests->text, len, space, &diags, &part);
		assert_true(err == 0 || err == -EINVAL);
		assert_true((err == 0) == (part != NULL) && (err == 0) == (diags.errors == 0));
		am_diags_done(&diags);
	}
}

/* ---- refusals --------------------------------------------------------------- */

static const struct {
	const char *text;
	unsigned line, column;
	const char *fact, *hint;
} refusals[] = {
	{ "", 0, 0, "holds no", NULL },
	{ "- a\n", 1, 1, "expected the key 'tests', found a list", "Begin the file" },
	{ "test: []\n", 1, 1, "'test' is not a key of a file of tests", "Did you mean 'tests'?" },
	{ "tests: {}\n", 1, 8, "expected a list of tests, found a map", NULL },
	{ "tests: [a]\n", 1, 9, "expected a test, found a text", NULL },
	{ "tests:\n  - expect: allow\n", 2, 5, "the test asks for nothing", NULL },
	{ "tests:\n  - read: registry\n", 2, 5, "a test has no 'expect'", NULL },
	{ "tests:\n  - read: registry\n    expect: allowed\n", 3, 13,
	  "expected allow or deny, found 'allowed'", NULL },
	{ "tests:\n  - read: registry\n    expect: deny\n    reason: nope\n", 4, 13, "found 'nope'",
	  "no-rule" },
	{ "tests:\n  - read: registry\n    write: registry\n    expect: deny\n", 3, 12,
	  "one of read, write, send and use", NULL },
	{ "tests:\n  - read: registri\n    expect: deny\n", 2, 11, "there is no store 'registri'",
	  "Did you mean 'registry'?" },
	{ "tests:\n  - read: /srv/../etc\n    expect: deny\n", 2, 11, "is not a path", NULL },
	{ "tests:\n  - read: [registry]\n    expect: deny\n", 2, 11, "found a list", NULL },
	{ "tests:\n  - as: acme\n    read: registry\n    expect: deny\n", 2, 9,
	  "expected the facts of a task, found a text", "anyone" },
	{ "tests:\n  - as: {usr: acme}\n    read: registry\n    expect: deny\n", 2, 10,
	  "'usr' is not a key of a task", "Did you mean 'user'?" },
	{ "tests:\n  - as: {user: [a]}\n    read: registry\n    expect: deny\n", 2, 16,
	  "expected one user, found a list", NULL },
	{ "tests:\n  - as: {exe: psql}\n    read: registry\n    expect: deny\n", 2, 15,
	  "not absolute", NULL },
	{ "tests:\n  - as: {groups: staff}\n    read: registry\n    expect: deny\n", 2, 18,
	  "expected a list of groups", NULL },
	{ "tests:\n  - as: {purpose: kic}\n    read: registry\n    expect: deny\n", 2, 19,
	  "there is no purpose 'kic'", "Did you mean 'kyc'?" },
	{ "tests:\n  - as: {unknown: yes}\n    read: registry\n    expect: deny\n", 2, 19,
	  "expected false or true", NULL },
	{ "tests:\n  - send: {to: local}\n    expect: deny\n", 2, 11, "has no 'labels'", NULL },
	{ "tests:\n  - send: {labels: [cnic]}\n    expect: deny\n", 2, 11, "has no 'to'", NULL },
	{ "tests:\n  - send: {labels: [cnik], to: local}\n    expect: deny\n", 2, 21,
	  "there is no label 'cnik'", "Did you mean 'cnic'?" },
	{ "tests:\n  - send: {labels: [cnic], to: app}\n    expect: deny\n", 2, 32,
	  "'app' is not a destination", "10.20.1.2:5432/tcp" },
	{ "tests:\n  - send: {labels: [cnic], to: 10.20.1.2}\n    expect: deny\n", 2, 32,
	  "is not a destination", NULL },
	{ "tests:\n  - send: cnic\n    expect: deny\n", 2, 11, "found a text", NULL },
	{ "tests:\n  - use: kic\n    expect: deny\n", 2, 10, "there is no purpose 'kic'", NULL },
	{ "tests:\n  - read: /tmp/x\n    carrying: cnic\n    expect: deny\n", 3, 15,
	  "expected a list of labels", NULL },
	{ "tests: &t []\n", 1, 8, "no anchors", NULL },
};

static void refuses_at_the_right_place_with_a_hint(void **state)
{
	(void)state;
	for (size_t i = 0; i < AM_COUNT(refusals); i++) {
		struct am_tests *tests = (void *)0x5a;
		struct am_diags d;
		bool found = false;
		int err;

		am_diags_init(&d);
		err = am_tests_parse("t.yaml", refusals[i].text, strlen(refusals[i].text), space,
				     &d, &tests);
		for (size_t j = 0; j < d.count; j++)
			found |= d.items[j].line == refusals[i].line &&
				 d.items[j].column == refusals[i].column &&
				 strstr(d.items[j].fact, refusals[i].fact) && d.items[j].hint &&
				 (!refusals[i].hint || strstr(d.items[j].hint, refusals[i].hint));
		if (err != -EINVAL || !found || tests != (void *)0x5a) {
			am_diags_print(&d, stderr);
			fail_msg("%s, expected %u:%u %s", refusals[i].text, refusals[i].line,
				 refusals[i].column, refusals[i].fact);
		}
		am_diags_done(&d);
	}
}

static void bounds_the_number_of_tests(void **state)
{
	am_autofree char *text = NULL;
	struct am_tests *tests = NULL;
	struct am_diags d;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	fputs("tests:\n", out);
	for (unsigned i = 0; i <= AM_TESTS_MAX; i++)
		fputs("  - {read: registry, expect: deny}\n", out);
	assert_int_equal(fclose(out), 0);
	am_diags_init(&d);
	assert_int_equal(am_tests_parse("t", text, len, space, &d, &tests), -EINVAL);
	assert_int_equal(d.errors, 1);
	assert_non_null(strstr(d.items[0].fact, "at most 4096 tests"));
	am_diags_done(&d);
}

static void refuses_what_is_no_file(void **state)
{
	static const char *const paths[] = { DATA, DATA "nothing.test.yaml", "/dev/null" };

	(void)state;
	for (size_t i = 0; i < AM_COUNT(paths); i++) {
		struct am_tests *tests = NULL;
		struct am_diags d;

		am_diags_init(&d);
		assert_true(am_tests_load(paths[i], space, &d, &tests) < 0);
		assert_int_equal(d.errors, 1);
		assert_null(tests);
		am_diags_done(&d);
	}
}

/* ---- answers ---------------------------------------------------------------- */

static const struct {
	const char *text;	/* of a test, without expect */
	const char *said, *changes;	/* changes: NULL: no rule is near */
} answers[] = {
	{ "{as: {exe: /usr/lib/db, user: postgres}, read: registry}", "rule 1: db is allowed",
	  NULL },
	{ "{as: {user: acme}, read: registry}", "rule 5: vendor is denied",
	  "exe=/usr/lib/db, user=postgres" },
	{ "{as: {user: bob, exe: /usr/lib/db}, read: registry}",
	  "no rule lets user=bob exe=/usr/lib/db read registry; rule 1 lets db, which needs "
	  "user=postgres", "user=postgres" },
	{ "{as: {user: acme, group: clerks}, read: letters}", "rule 5: vendor is denied",
	  "user=any other" },
	{ "{as: {user: acme, exe: /usr/lib/db}, write: letters}",
	  "no rule lets user=acme exe=/usr/lib/db write letters", NULL },
	{ "{as: {unit: desk.service}, read: prints}",
	  "prints is open for kyc only, and the purpose is none", "purpose=kyc" },
	{ "{as: anyone, read: prints}", "prints is open for kyc only, and the purpose is none",
	  "purpose=kyc, unit=desk.service" },
	{ "{as: {exe: /usr/lib/db, user: postgres}, send: {labels: [cnic], to: '1.2.3.4:5/tcp'}}",
	  "no rule lets user=postgres exe=/usr/lib/db send cnic to 1.2.3.4:5/tcp; rule 6 lets db, "
	  "which needs a destination in app, such as 10.20.0.1:5432/tcp",
	  "a destination in app, such as 10.20.0.1:5432/tcp" },
	{ "{as: anyone, send: {labels: [cnic], to: terminal}}",
	  "a terminal is open, and no rule denies it", NULL },
	{ "{as: anyone, read: /tmp/x, carrying: [biometric]}",
	  "no rule lets user=any other exe=any other read copies that carry biometric; rule 2 lets "
	  "desk, which needs purpose=kyc, unit=desk.service", "purpose=kyc, unit=desk.service" },
	{ "{as: anyone, write: /tmp/x, carrying: [mail]}",
	  "what is written to takes over the labels", NULL },
	{ "{as: anyone, write: /tmp/x, carrying: [biometric]}",
	  "biometric may not be written outside the stores that have it (spill: deny)", NULL },
	{ "{as: {unknown: true}, read: registry}",
	  "who asks could not be established, and on-error is deny",
	  "exe=/usr/lib/db, user=postgres, every fact to be established" },
	{ "{as: anyone, read: /etc/passwd}", "nothing that the policy protects", NULL },
	{ "{as: anyone, use: kyc}", "no rule lets user=any other exe=any other use kyc; rule 3 lets "
	  "clerk, which needs group=clerks", "group=clerks" },
};

static char *say(const struct am_test *test, const struct am_answer *answer, bool changes)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	if (changes)
		am_answer_print_changes(space, &test->ask, &answer->near, out);
	else
		am_answer_print(space, &test->ask, answer, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* What is near must be allowed: by the same decision. */
static void check_near(const struct am_test *test, const struct am_answer *answer)
{
	struct am_access access = answer->part;
	struct am_decision decision;

	if (answer->near.place)
		access.place = answer->near.place;
	am_access_decide(space, 0, &access, &answer->near.who, &decision);
	assert_int_equal(decision.verdict, AM_VERDICT_ALLOW);
	assert_int_equal(test->expect, AM_VERDICT_DENY);
}

static void says_why_and_what_would_change_it(void **state)
{
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < AM_COUNT(answers); i++) {
		am_auto(am_tests) struct am_tests *tests = NULL;
		am_autofree char *said = NULL, *changes = NULL;
		struct am_answer answer;
		struct am_diags d;
		char text[512];

		snprintf(text, sizeof(text), "tests:\n  - %.*s, expect: deny}\n",
			 (int)strlen(answers[i].text) - 1, answers[i].text);
		am_diags_init(&d);
		if (am_tests_parse("t", text, strlen(text), space, &d, &tests)) {
			am_diags_print(&d, stderr);
			fail_msg("%s", text);
		}
		am_diags_done(&d);
		(void)am_test_run(&tests->items[0], space, &answer);	/* only why matters */
		said = say(&tests->items[0], &answer, false);
		changes = answer.near.rule ? say(&tests->items[0], &answer, true) : NULL;
		if (answer.near.rule)
			check_near(&tests->items[0], &answer);
		if (strcmp(said, answers[i].said) || !changes != !answers[i].changes ||
		    (changes && strcmp(changes, answers[i].changes))) {
			print_error("%s\n  %s\n  %s\n", text, said, changes ? changes : "(none)");
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

static int count_descriptors(void **state)
{
	static int before;

	if (!*state) {
		before = count_fds();
		*state = &before;
		return set_up(state);
	}
	(void)tear_down(state);
	return count_fds() == before ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decides_each_test_as_the_kernel_would),
		cmocka_unit_test(fails_for_the_wrong_verdict_and_for_the_wrong_reason),
		cmocka_unit_test(survives_every_truncation),
		cmocka_unit_test(refuses_at_the_right_place_with_a_hint),
		cmocka_unit_test(bounds_the_number_of_tests),
		cmocka_unit_test(refuses_what_is_no_file),
		cmocka_unit_test(says_why_and_what_would_change_it),
	};

	return cmocka_run_group_tests_name("testfile", tests, count_descriptors,
					   count_descriptors);
}
