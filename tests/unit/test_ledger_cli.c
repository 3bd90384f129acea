// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "cli/ledger.h"
#include "ledger_lab.h"

/* Runs the command with `words`, which end with NULL; *said gets its standard output. */
static int run(int (*cmd)(const struct am_cmd_line *), const char *const *words, char **said)
{
	size_t len;
	struct am_cmd_line line = { .argv = (char **)(uintptr_t)words, .err = stderr };
	int code;

	while (words[line.argc])
		line.argc++;
	line.out = open_memstream(said, &len);
	code = cmd(&line);
	assert_int_equal(fclose(line.out), 0);
	return code;
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Keeps what a verb prints in a file of the folder. */
static void keep(struct lab *lab, const char *verb, const char *name)
{
	am_autofree char *said = NULL;

	assert_int_equal(run(am_cli_ledger, WORDS("ledger", verb, lab->path), &said), 0);
	lab_write(lab, name, (const uint8_t *)said, strlen(said));
}

static void answers_by_its_exit_code(void **state)
{
	struct lab *lab = *state;
	am_autofree char *a = NULL, *b = NULL, *c = NULL, *d = NULL;
	char key[128], head[128];
	struct bytes bytes;

	(void)snprintf(key, sizeof(key), "%s/a.pub", lab->path);
	(void)snprintf(head, sizeof(head), "%s/a.head", lab->path);
	assert_int_equal(run(am_cli_verify, WORDS("verify", lab->path), &a), 19);
	lab_run(lab, 100);
	keep(lab, "key", "a.pub");
	keep(lab, "head", "a.head");
	assert_int_equal(run(am_cli_verify, WORDS("verify", lab->path, "--key", key, "--head", head), &b), 0);
	assert_non_null(strstr(b, "answer    holds\n"));
	assert_non_null(strstr(b, "sealed    rows 1 to "));
	bytes = lab_read(lab, lab_name(1));
	bytes.at[600] ^= 4;
	lab_write(lab, lab_name(1), bytes.at, bytes.len);
	assert_int_equal(run(am_cli_verify, WORDS("verify", lab->path, "--json"), &c), 11);
	assert_non_null(strstr(c, "\"answer\":\"altered\""));
	assert_non_null(strstr(c, "\"file\":\"0000000000000001.aml\""));
	assert_int_equal(run(am_cli_ledger, WORDS("ledger", "head", lab->path), &d), 11);
	assert_string_equal(d, "");
	free(bytes.at);
}

static void refuses_what_is_no_key_no_head_no_folder(void **state)
{
	struct lab *lab = *state;
	am_autofree char *a = NULL, *b = NULL, *c = NULL, *d = NULL, *e = NULL;
	char junk[128];

	lab_run(lab, 1);
	lab_write(lab, "junk", (const uint8_t *)"amanat-ledger-key 00\n", 21);
	(void)snprintf(junk, sizeof(junk), "%s/junk", lab->path);
	assert_int_equal(run(am_cli_verify, WORDS("verify", lab->path, "--key", junk), &a), AM_EXIT_MISSING);
	assert_int_equal(run(am_cli_verify, WORDS("verify", lab->path, "--head", junk), &b), AM_EXIT_MISSING);
	assert_int_equal(run(am_cli_verify, WORDS("verify", junk), &c), AM_EXIT_MISSING);
	assert_int_equal(run(am_cli_verify, WORDS("verify"), &d), AM_EXIT_USAGE);
	assert_int_equal(run(am_cli_ledger, WORDS("ledger", "kye", lab->path), &e), AM_EXIT_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(answers_by_its_exit_code, lab_set_up, lab_tear_down),
		cmocka_unit_test_setup_teardown(refuses_what_is_no_key_no_head_no_folder, lab_set_up,
						lab_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
