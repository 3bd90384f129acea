// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/policy.h"
#include "fds.h"
#include "unit/captured.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static char folder[] = "/tmp/amanat-policy-XXXXXX";
static char file[64];
static char out[8192], err[8192];

static void write_file(const char *text)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* Runs the command with its two streams going to files; the exit code. */
static int run(int argc, char **argv)
{
	struct captured caught;
	int code;

	captured_begin(&caught, folder);
	code = am_cli_policy("/nonexistent", argc, argv);
	captured_end(&caught, out, err, sizeof(out));
	return code;
}

static int check(char *option)
{
	char *argv[] = { "policy", "check", file, option };

	return run(option ? 4 : 3, argv);
}

#define GOOD                                                                   \
	"version: 1\nname: registry-host\nmode: observe\nlabels: [l]\n"        \
	"stores: {s: {paths: [/srv/s], labels: [l]}}\n"                        \
	"subjects: {u: {user: root}}\n"

static void says_yes_in_one_line(void **state)
{
	(void)state;
	write_file(GOOD "rules: [allow u to read s]\n");
	assert_int_equal(check(NULL), 0);
	assert_string_equal(out, "policy registry-host: 1 store, 1 subject, 0 zones, 1 rule: ok\n");
	assert_string_equal(err, "");
}

static void warns_and_still_says_yes(void **state)
{
	(void)state;
	write_file(GOOD "rules: [allow u to write s]\n");
	assert_int_equal(check(NULL), 0);
	assert_non_null(strstr(out, ": ok\n"));
	assert_non_null(strstr(err, ":5:10: warning: nobody may read the store 's'\n  hint: "));
}

static void says_no_on_standard_error(void **state)
{
	(void)state;
	write_file(GOOD "rules: [allow u to raed s]\n");
	assert_int_equal(check(NULL), 1);
	assert_string_equal(out, "");
	assert_non_null(strstr(err, ":7:20: error: expected read, write or send, found 'raed'\n"
				    "  hint: Did you mean 'read'?"));
}

static void says_no_to_what_this_host_does_not_have(void **state)
{
	(void)state;
	write_file("version: 1\nname: p\nmode: observe\nsubjects: {u: {user: no-such-user}}\n");
	assert_int_equal(check(NULL), 1);
	assert_non_null(strstr(err, ":4:22: error: this host has no user 'no-such-user'\n"));
}

static void answers_programs_in_json(void **state)
{
	(void)state;
	write_file(GOOD "rules: [allow u to read s]\n");
	assert_int_equal(check("--json"), 0);
	assert_non_null(strstr(out, "\"ok\":true,\"name\":\"registry-host\",\"mode\":\"observe\""));
	assert_non_null(strstr(out, "\"findings\":[]"));
	assert_string_equal(err, "");

	write_file(GOOD "rules: [allow u to raed s]\n");
	assert_int_equal(check("--json"), 1);
	assert_non_null(strstr(out, "\"ok\":false,\"findings\":[{\"severity\":\"error\","));
	assert_non_null(strstr(out, "\"line\":7,\"column\":20,\"fact\":"));
	assert_string_equal(err, "");
}

static void says_no_to_a_missing_file(void **state)
{
	(void)state;
	assert_int_equal(unlink(file), 0);
	assert_int_equal(check(NULL), 1);
	assert_non_null(strstr(err, ": error: the file cannot be read: No such file"));
	write_file("");
}

static void tells_how_it_is_called(void **state)
{
	static const struct {
		char *words[5];
		const char *says;
	} calls[] = {
		{ { "policy" }, "usage: amanat policy check FILE " },
		{ { "policy", "check" }, "usage: amanat policy check FILE " },
		{ { "policy", "chekc", "f" }, "Did you mean 'check'?" },
		{ { "policy", "check", "--json" }, "usage: amanat policy check FILE " },
		{ { "policy", "check", "f", "g" }, "one word too many: 'g'" },
		{ { "policy", "check", "f", "--jsn" }, "Did you mean '--json'?" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(calls); i++) {
		char *argv[5];
		int argc = 0;

		memcpy(argv, calls[i].words, sizeof(argv));
		while (argc < 5 && argv[argc])
			argc++;
		assert_int_equal(run(argc, argv), 2);
		assert_string_equal(out, "");
		assert_non_null(strstr(err, calls[i].says));
	}
}

static void says_no_when_its_answer_cannot_be_written(void **state)
{
	char *argv[] = { "policy", "check", file };
	int saved, full, code;

	(void)state;
	write_file(GOOD "rules: [allow u to read s]\n");
	fflush(NULL);
	saved = dup(1);
	full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_true(saved >= 0 && full >= 0 && dup2(full, 1) >= 0);
	code = am_cli_policy("/nonexistent", 3, argv);
	clearerr(stdout);
	assert_true(dup2(saved, 1) >= 0);
	assert_int_equal(close(saved), 0);
	assert_int_equal(close(full), 0);
	assert_int_equal(code, 1);
}

static int fds_before;

static int make_folder(void **state)
{
	(void)state;
	fds_before = count_fds();
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof(file), "%s/p.yaml", folder);
	write_file("");
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	if (unlink(file) < 0 || rmdir(folder) < 0)
		return -1;
	return count_fds() == fds_before ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_yes_in_one_line),
		cmocka_unit_test(warns_and_still_says_yes),
		cmocka_unit_test(says_no_on_standard_error),
		cmocka_unit_test(says_no_to_what_this_host_does_not_have),
		cmocka_unit_test(answers_programs_in_json),
		cmocka_unit_test(says_no_to_a_missing_file),
		cmocka_unit_test(tells_how_it_is_called),
		cmocka_unit_test(says_no_when_its_answer_cannot_be_written),
	};

	return cmocka_run_group_tests_name("policy_cli", tests, make_folder, remove_folder);
}
