// SPDX-License-Identifier: GPL-2.0
/* A ledger as a table of SQLite. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "base/array.h"
#include "query/cursor.h"
#include "query/table.h"
#include "unit/ledger_made.h"

enum { ROWS = 1000 };

struct world {
	struct made made;
	sqlite3 *db;
};

static int start(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	made_open(&w->made, ROWS);
	assert_int_equal(sqlite3_open(":memory:", &w->db), SQLITE_OK);
	assert_int_equal(am_table_open(w->db, w->made.fd), 0);
	assert_int_equal(sqlite3_exec(w->db, "CREATE TABLE copy AS SELECT rowid AS id_, * FROM events",
				      NULL, NULL, NULL), SQLITE_OK);
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	sqlite3_close(w->db);
	made_done(&w->made);
	free(w);
	return 0;
}

static int append(void *out, int n, char **values, char **names)
{
	(void)names;
	for (int i = 0; i < n; i++)
		fprintf(out, "%s|", values[i] ? values[i] : "NULL");
	fputc('\n', out);
	return 0;
}

static char *ask(sqlite3 *db, const char *sql)
{
	char *text = NULL, *error = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (sqlite3_exec(db, sql, append, out, &error) != SQLITE_OK)
		fail_msg("%s: %s", sql, error);
	fclose(out);
	return text;
}

static void expect(sqlite3 *db, const char *sql, const char *answer)
{
	char *text = ask(db, sql);

	if (strcmp(text, answer) != 0)
		fail_msg("%s\nis     %s\nshould %s", sql, text, answer);
	free(text);
}

static void has_every_row_once(void **state)
{
	struct world *w = *state;

	expect(w->db, "SELECT count(*), count(DISTINCT row), min(kind), max(kind) FROM events "
		      "WHERE kind != 'mark'", "1001|1001|access|send|\n");
	expect(w->db, "SELECT sum(count) FROM events WHERE kind = 'gap'", "40|\n");
}

static void shows_fields_as_they_are(void **state)
{
	struct world *w = *state;

	expect(w->db, "SELECT time, kind, verdict, blocked, reason, op, act, store, path, label, user, "
		      "uid, gid, login, login_uid, session, exe, unit, pid, dest, policy, generation, id "
		      "FROM events WHERE kind = 'access' LIMIT 1 OFFSET 2",
	       "2026-03-01T10:00:03.000Z|access|deny|1|no-rule|read|read|vault|/srv/registry/3.csv|cnic|"
	       "acme|1000|100|1500|1500|NULL|/usr/bin/psql|ssh.service|103|NULL|registry-host|3|"
	       "12-b0-4|\n");
	expect(w->db, "SELECT dest, port, proto, zone, store FROM events WHERE op = 'send' LIMIT 1",
	       "203.0.113.0:443/tcp|443|tcp|anywhere|NULL|\n");
}

/* A column of the ledger has both; what is of unknown size is no 0. */
static void tells_bytes_of_sends_from_sizes_of_files(void **state)
{
	struct world *w = *state;
	unsigned sum = 0, known = 0, i;
	char answer[64];

	for (i = 0; i < 1000; i += 7) {
		known += i % 14 != 0;
		sum += i % 14 ? i : 0;
	}
	(void)snprintf(answer, sizeof(answer), "%u|%u|\n", known, sum);
	expect(w->db, "SELECT count(bytes), sum(bytes) FROM events", answer);
	expect(w->db, "SELECT count(*) FROM events WHERE op = 'send' AND size IS NOT NULL", "0|\n");
	expect(w->db, "SELECT count(*) FROM events WHERE op = 'read' AND bytes IS NOT NULL", "0|\n");
	expect(w->db, "SELECT pid FROM events WHERE bytes = 21", "101|\n");
}

/* What is passed on to the ledger must not change an answer. */
static void answers_as_a_plain_table_does(void **state)
{
	static const char *const wheres[] = {
		"store = 'vault'", "store = ''", "store IS NULL", "store = 'none'", "user = 'acme'",
		"user = '1000'", "uid = 1000", "uid = -1", "uid = 4294967295", "uid = '1000'",
		"uid = 1000.5", "exe = '/usr/bin/cat'", "path = '/srv/registry/3.csv'", "pid = 104",
		"pid IN (104, 105)", "pid > 104", "verdict = 'deny'", "verdict = 'DENY'",
		"verdict = 'DENY' COLLATE NOCASE", "verdict = 7", "kind = 'gap'", "kind = 'none'",
		"op = 'send' AND dest LIKE '203%'", "time >= '2026-03-01T10:05:00.000Z'",
		"time > '2026-03-01T10:05:00.000Z' AND time <= '2026-03-01T10:06:00.000Z'",
		"time < '2026-03-01T10:00:02'", "time = '2026-03-01T10:00:02.000Z'", "time > '2026'",
		"time < 'zzz'", "time_ns >= 1772359500000000000 AND time_ns < 1772359510000000000",
		"time_ns > 1772359500000000000.5", "time_ns <= 0", "time_ns = 1772359500000000000",
		"store = 'vault' AND verdict = 'deny' AND user = 'acme' AND pid = 103",
		"store = 'vault' OR pid = 104", "login IS NULL", "login_uid = 1500", "unit = 'ssh.service'",
		"user = NULL", "pid = NULL", "time_ns > NULL", "user = 'a' || 'cme'",
	};
	struct world *w = *state;

	for (size_t i = 0; i < AM_COUNT(wheres); i++) {
		char ours[256], theirs[256];
		char *a, *b;

		snprintf(ours, sizeof(ours), "SELECT count(*), sum(row), max(time) FROM events "
			 "WHERE %s", wheres[i]);
		snprintf(theirs, sizeof(theirs), "SELECT count(*), sum(row), max(time) FROM copy "
			 "WHERE %s", wheres[i]);
		a = ask(w->db, ours);
		b = ask(w->db, theirs);
		if (strcmp(a, b) != 0)
			fail_msg("%s\nours   %s\ntheirs %s", wheres[i], a, b);
		free(a);
		free(b);
	}
}

static void joins_with_itself(void **state)
{
	struct world *w = *state;

	expect(w->db, "SELECT count(*) FROM (SELECT DISTINCT pid FROM events WHERE verdict = 'deny') d "
		      "JOIN events e ON e.pid = d.pid AND e.op = 'send'", "143|\n");
}

static void tells_what_it_passes_on(void **state)
{
	struct world *w = *state;
	char *plan = ask(w->db, "EXPLAIN QUERY PLAN SELECT pid FROM events WHERE store = 'vault' "
				"AND time_ns >= 5 AND comm = 'x'");

	if (!strstr(plan, "VIRTUAL TABLE INDEX 0:store= time_ns>= columns"))
		fail_msg("%s", plan);
	free(plan);
}

static void is_not_to_be_written(void **state)
{
	struct world *w = *state;

	assert_int_equal(sqlite3_exec(w->db, "DELETE FROM events", NULL, NULL, NULL), SQLITE_ERROR);
	assert_int_equal(sqlite3_exec(w->db, "INSERT INTO events(pid) VALUES (1)", NULL, NULL, NULL),
			 SQLITE_ERROR);
}

/* The same of a filter, whose simple terms the cursor passes on. */
static void a_cursor_finds_what_the_filter_says(void **state)
{
	static const char *const filters[] = {
		"", "store=vault", "store=none", "user=acme", "user=1000", "pid=104 op=read",
		"verdict=deny", "kind=gap", "since=2026-03-01T10:05:00Z until=@1772359520", "until=@0",
		"dest=203.0.113.2", "exe=/usr/bin/c*", "label=cnic user!=root", "user=4294967296",
	};
	static const struct am_when from = { MADE_START, MADE_START };
	struct world *w = *state;

	for (size_t i = 0; i < AM_COUNT(filters); i++) {
		am_auto(am_filter) struct am_filter *f = NULL;
		am_auto(am_cursor) struct am_cursor *c = NULL, *all = NULL;
		struct am_filter_error error;
		const struct am_row *row;
		unsigned found = 0, expected = 0;

		assert_int_equal(am_filter_parse(filters[i], &from, &error, &f), 0);
		assert_int_equal(am_cursor_open(w->made.fd, f, 0, &c), 0);
		while (am_cursor_next(c, &row) > 0)
			found++;
		assert_int_equal(am_cursor_open(w->made.fd, NULL, AM_COLUMNS_ALL, &all), 0);
		while (am_cursor_next(all, &row) > 0)
			expected += am_filter_matches(f, row);
		if (found != expected)
			fail_msg("%s: %u of %u", filters[i], found, expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_every_row_once),
		cmocka_unit_test(shows_fields_as_they_are),
		cmocka_unit_test(tells_bytes_of_sends_from_sizes_of_files),
		cmocka_unit_test(answers_as_a_plain_table_does),
		cmocka_unit_test(joins_with_itself),
		cmocka_unit_test(tells_what_it_passes_on),
		cmocka_unit_test(is_not_to_be_written),
		cmocka_unit_test(a_cursor_finds_what_the_filter_says),
	};

	return cmocka_run_group_tests(tests, start, end);
}
