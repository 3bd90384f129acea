// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "cli/cmd.h"
#include "cli/sql.h"
#include "ledger_made.h"
#include "said.h"

enum { ROWS = 60 };	/* a second apart, from 2026-03-01T10:00:00Z on */

static int setup(void **state)
{
	static struct made m;

	made_open(&m, ROWS);
	*state = &m;
	return 0;
}

static int teardown(void **state)
{
	made_done(*state);
	return 0;
}

static void ask(const char *dir, const char *query, struct said *ret)
{
	char *argv[] = { "sql", "--csv", "--ledger", (char *)(uintptr_t)dir,
			 (char *)(uintptr_t)query };
	struct am_cmd_line line = { .argc = AM_COUNT(argv), .argv = argv };

	said_by(am_cli_sql, &line, ret);
}

static void answers_and_says_what_is_wrong(void **state)
{
	static const struct {
		const char *query;
		int code;
		const char *out, *err;
	} cases[] = {
		{ "SELECT count(*) AS n FROM events WHERE kind NOT IN ('gap', 'mark')", AM_EXIT_YES, "n\r\n60\r\n", "" },
		{ "SELECT count(*) AS n FROM events WHERE reason = 'ring-full'", AM_EXIT_YES,
		  "n\r\n1\r\n", "" },
		{ "SELECT count(*) AS n FROM events WHERE kind NOT IN ('gap', 'mark') AND "
		  "time >= moment('2026-03-01T15:00:50+05:00')", AM_EXIT_YES, "n\r\n10\r\n", "" },
		{ "SELECT moment('soon')", AM_EXIT_NO, "", "'soon' is no moment, such as -2h" },
		{ "SELECT moment(NULL)", AM_EXIT_NO, "", "'' is no moment" },
		{ "SELEC", AM_EXIT_USAGE, "", "  SELEC\n  ^\n" },
		{ "SELECT usr FROM events", AM_EXIT_USAGE, "", "no such column: usr\n  SELECT usr FROM events\n"
		  "         ^\n" },
		{ "SELECT 1 FROM event", AM_EXIT_USAGE, "", "no such table: event" },
		{ "DELETE FROM events", AM_EXIT_USAGE, "", "may not be modified" },
		{ "CREATE TABLE x (y)", AM_EXIT_USAGE, "", "not authorized" },
		{ "ATTACH '/tmp/x' AS x", AM_EXIT_USAGE, "", "not authorized" },
		{ "PRAGMA writable_schema = 1", AM_EXIT_USAGE, "", "not authorized" },
	};
	const struct made *m = *state;

	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		am_autosaid struct said s = { 0 };

		ask(m->dir, cases[i].query, &s);
		if (s.code != cases[i].code || strncmp(s.out, cases[i].out, strlen(cases[i].out)) ||
		    !strstr(s.err, cases[i].err))
			fail_msg("%s: %d, '%s', '%s'", cases[i].query, s.code, s.out, s.err);
	}
}

static void no_ledger_is_no_empty_table(void **state)
{
	am_autosaid struct said s = { 0 };

	(void)state;
	ask("/usr", "SELECT count(*) FROM events", &s);
	assert_int_equal(s.code, AM_EXIT_MISSING);
	assert_string_equal(s.out, "");
	assert_non_null(strstr(s.err, "cannot open the ledger '/usr'"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_and_says_what_is_wrong),
		cmocka_unit_test(no_ledger_is_no_empty_table),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
