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
#include "cli/replay.h"
#include "ledger_made.h"
#include "said.h"

/* A host over two boots. In the first:
 *
 *   (50, which left no row) ─┬─ psql[100]     reads a.csv 1 + 9 times, and as z.csv after a
 *                            │  │             rename; is refused b.csv; copies to /tmp/copy
 *                            │  └─ sudo[110], then cat of root: reads /tmp/copy, then sends, and
 *                            │                once more through that socket
 *                            └─ scp[120]
 *   psql[100] again          its number was taken again: reads b.csv
 *   └─ sh[140]               reads b.csv against the policy
 *   7 and 8                  each says that the other is its parent
 *
 * In the second, psql[100] and its child sh[160], whose clocks began again; and later
 *
 *   sshd[300], of root ── sshd[310] ── sh[320] ── cat[330]   only cat touches anything; then it begins
 *                                                 └─ gzip[340] ── gzip[341]   which touch nothing */

struct who {
	uint32_t pid, ppid, uid;
	unsigned start_s;
	const char *comm, *exe, *user;
};

static const struct who psql = { 100, 50, 1000, 10, "psql", "/usr/bin/psql", "acme" };
static const struct who sudo = { 110, 100, 1000, 12, "sudo", "/usr/bin/sudo", "acme" };
static const struct who cat = { 110, 100, 0, 12, "cat", "/usr/bin/cat", "root" };
static const struct who scp = { 120, 50, 1001, 11, "scp", "/usr/bin/scp", "desk" };
static const struct who psql2 = { 100, 1, 1000, 40, "psql", "/usr/bin/psql", "acme" };
static const struct who sh = { 140, 100, 1000, 41, "sh", "/bin/sh", "acme" };
static const struct who seven = { 7, 8, 1000, 30, "seven", "/bin/seven", "acme" };
static const struct who eight = { 8, 7, 1000, 30, "eight", "/bin/eight", "acme" };
static const struct who psql3 = { 100, 1, 1000, 5, "psql", "/usr/bin/psql", "acme" };
static const struct who sh3 = { 160, 100, 1000, 6, "sh", "/bin/sh", "acme" };

static const struct who sshd = { 300, 1, 0, 60, "sshd", "/usr/sbin/sshd", "root" };
static const struct who sshd2 = { 310, 300, 1000, 61, "sshd", "", "acme" };
static const struct who sh4 = { 320, 310, 1000, 62, "sh", "/bin/sh", "acme" };
static const struct who cat4 = { 330, 320, 1000, 63, "cat", "/usr/bin/cat", "acme" };
static const struct who forked = { 340, 330, 1000, 65, "cat", "/usr/bin/cat", "acme" };
static const struct who gzip = { 340, 330, 1000, 65, "gzip", "/usr/bin/gzip", "acme" };
static const struct who gzip2 = { 341, 340, 1000, 66, "gzip", "/usr/bin/gzip", "acme" };

static struct am_row row_of(const struct who *w, unsigned s, unsigned kind, unsigned op)
{
	return (struct am_row){
		.event = 12, .seq = s, .count = 1, .wall_ns = MADE_START + s * MADE_S,
		.boot_ns = s * MADE_S,
		.actor = { .pid = w->pid, .tid = w->pid, .ppid = w->ppid, .uid = w->uid,
			   .login = 1000, .session = 7, .start_ns = w->start_s * MADE_S,
			   .exe_ino = strlen(w->exe), .comm = w->comm, .exe = w->exe,
			   .user = w->user, .login_user = "acme", .unit = "ssh.service" },
		.deed = { .kind = kind, .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_RULE_ALLOWS,
			  .op = op, .act = AM_ACT_OPEN, .generation = 3, .policy = "p" },
	};
}

static struct am_row at(struct am_row row, uint64_t ino, const char *path, const char *store,
			uint64_t bytes)
{
	row.object = (struct am_row_object){ .ino = ino, .dev = 8, .path = path, .store = store,
					     .bytes = bytes };
	return row;
}

static struct am_row read_of(const struct who *w, unsigned s, uint64_t ino, const char *path,
			     uint64_t bytes)
{
	return at(row_of(w, s, AM_EVENT_ACCESS, AM_OP_READ), ino, path, "registry", bytes);
}

/* As the kernel tells of a process that begins, and the agent of an ancestor. */
static struct am_row birth(const struct who *w, unsigned s, unsigned act)
{
	struct am_row row = row_of(w, s, AM_EVENT_PROCESS, 0);

	row.deed.verdict = row.deed.reason = 0;
	row.deed.act = act;
	if (act != AM_ACT_ANCESTOR)
		return row;
	row.event = 0;
	row.actor.exe_ino = 0;
	return row;
}

static struct am_row deny(struct am_row row, bool blocked)
{
	row.deed.verdict = AM_VERDICT_DENY;
	row.deed.reason = AM_REASON_NO_RULE;
	row.deed.flags = blocked ? AM_EVENT_BLOCKED : 0;
	return row;
}

/* As the kernel tells it: how often, and nothing of what it said at the first. */
static struct am_row again(struct am_row row, unsigned count)
{
	row.deed.kind = AM_EVENT_REPEAT;
	row.count = count;
	row.object.path = NULL;
	row.object.bytes = 0;
	row.dest = (struct am_row_dest){ 0 };
	return row;
}

static struct am_row sent(const struct who *w, unsigned s)
{
	struct am_row row = at(row_of(w, s, AM_EVENT_SEND, AM_OP_SEND), 900, "", NULL, 0);

	row.dest = (struct am_row_dest){ .family = AF_INET, .port = 443, .proto = IPPROTO_TCP,
					 .addr_low = 0xffffcb007109 };
	row.object.bytes = 640;
	row.deed.flags = AM_EVENT_SIZED;
	return row;
}

static void put(struct am_writer *w, struct am_row row)
{
	assert_int_equal(am_writer_append(w, &row), 0);
}

static void write_first(struct am_writer *w)
{
	put(w, read_of(&psql, 15, 1, "/srv/registry/a.csv", 1000));
	put(w, again(read_of(&psql, 16, 1, NULL, 0), 9));
	put(w, deny(read_of(&psql, 17, 2, "/srv/registry/b.csv", 500), true));
	put(w, read_of(&psql, 18, 1, "/srv/registry/z.csv", 1200));
	put(w, at(row_of(&psql, 19, AM_EVENT_SPILL, AM_OP_WRITE), 3, "/tmp/copy", NULL, 0));
	put(w, at(row_of(&sudo, 20, AM_EVENT_ACCESS, AM_OP_READ), 3, "/tmp/copy", NULL, 1200));
	put(w, sent(&cat, 21));
	put(w, again(sent(&cat, 22), 2));
	put(w, read_of(&scp, 23, 1, "/srv/registry/z.csv", 1200));
	put(w, read_of(&seven, 35, 2, "/srv/registry/b.csv", 500));
	put(w, read_of(&eight, 36, 2, "/srv/registry/b.csv", 500));
	put(w, read_of(&psql2, 45, 2, "/srv/registry/b.csv", 500));
	put(w, deny(read_of(&sh, 46, 2, "/srv/registry/b.csv", 500), false));
}

static void write_second(struct am_writer *w)
{
	struct am_row a = read_of(&psql3, 7, 2, "/srv/registry/b.csv", 500);
	struct am_row b = read_of(&sh3, 8, 2, "/srv/registry/b.csv", 500);

	a.wall_ns += 1000 * MADE_S;
	b.wall_ns += 1000 * MADE_S;
	put(w, a);
	put(w, b);
}

static void write_chain(struct am_writer *w)
{
	struct am_row rows[] = {
		birth(&sh4, 64, AM_ACT_ANCESTOR), birth(&sshd2, 64, AM_ACT_ANCESTOR),
		birth(&sshd, 64, AM_ACT_ANCESTOR),
		read_of(&cat4, 64, 2, "/srv/registry/b.csv", 500),
		birth(&forked, 65, AM_ACT_FORK), birth(&gzip, 65, AM_ACT_EXEC),
		birth(&gzip2, 66, AM_ACT_FORK),
	};

	for (size_t i = 0; i < AM_COUNT(rows); i++) {
		rows[i].wall_ns += 1000 * MADE_S;
		put(w, rows[i]);
	}
}

static int setup(void **state)
{
	static const char *const boots[] = { "boot-1", "boot-2" };
	static struct made m;

	setenv("TZ", "UTC", 1);
	(void)snprintf(m.dir, sizeof(m.dir), "/tmp/am-ledger-XXXXXX");
	assert_non_null(mkdtemp(m.dir));
	for (size_t i = 0; i < AM_COUNT(boots); i++) {
		struct am_host_id host = { .name = "h" };
		const struct am_writer_options options = { .no_thread = true, .host = &host };
		am_auto(am_writer) struct am_writer *w = NULL;

		(void)snprintf(host.boot, sizeof(host.boot), "%s", boots[i]);
		assert_int_equal(am_writer_open(m.dir, &options, &w), 0);
		if (i) {
			write_second(w);
			write_chain(w);
		} else {
			write_first(w);
		}
		assert_int_equal(am_writer_flush(w), 0);
	}
	m.fd = open(m.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = &m;
	return 0;
}

static int teardown(void **state)
{
	made_done(*state);
	return 0;
}

/* `words` end with NULL. */
static void ask(const struct made *m, const char *const *words, struct said *ret)
{
	char *argv[16] = { "replay", "--ledger", (char *)(uintptr_t)m->dir };
	struct am_cmd_line line = { .argc = 3, .argv = argv };

	for (; *words; words++)
		argv[line.argc++] = (char *)(uintptr_t)*words;
	said_by(am_cli_replay, &line, ret);
}

#define ASK(state, ret, ...) ask(*(state), (const char *const[]){ __VA_ARGS__, NULL }, ret)

static size_t lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* ---- the tree ------------------------------------------------------------------------ */

static void shows_processes_below_those_that_began_them(void **state)
{
	am_autosaid struct said s = { 0 };

	ASK(state, &s, "--tree", "until=2026-03-01T10:00:30Z");
	assert_int_equal(s.code, 0);
	assert_string_equal(s.err, "");
	assert_string_equal(s.out,
		"process 50, of which the record has nothing\n"
		"├─ psql[100] /usr/bin/psql user=acme login=acme session=7 unit=ssh.service, "
		"began 2026-03-01 10:00:10\n"
		"│  │    read  registry: 11 times, 1 file, at most 1.2 kB, "
		"1 refused; 2026-03-01 10:00:15 to 2026-03-01 10:00:18\n"
		"│  │    copy  outside of stores: 1 time, 1 file of unknown size; 2026-03-01 10:00:19\n"
		"│  └─ sudo[110] /usr/bin/sudo user=acme login=acme session=7 unit=ssh.service, "
		"began 2026-03-01 10:00:12\n"
		"│          then /usr/bin/cat user=root login=acme session=7 unit=ssh.service, "
		"seen since 2026-03-01 10:00:21\n"
		"│          read  outside of stores: 1 time, 1 file, at most 1.2 kB; "
		"2026-03-01 10:00:20\n"
		"│          send  203.0.113.9:443/tcp: 3 times, at most 640 bytes; 2026-03-01 10:00:21 to 2026-03-01 10:00:22\n"
		"└─ scp[120] /usr/bin/scp user=desk login=acme session=7 unit=ssh.service, "
		"began 2026-03-01 10:00:11\n"
		"        read  registry: 1 time, 1 file, at most 1.2 kB; 2026-03-01 10:00:23\n");
}

static void tells_processes_apart_that_had_the_same_number(void **state)
{
	am_autosaid struct said s = { 0 };

	ASK(state, &s, "--tree", "pid=140,160");
	assert_int_equal(s.code, 0);
	/* Each below the psql[100] of its own time, and of its own boot. */
	assert_string_equal(s.out,
		"psql[100] /usr/bin/psql user=acme login=acme session=7 unit=ssh.service, "
		"began 2026-03-01 10:00:40, child of process 1\n"
		"└─ sh[140] /bin/sh user=acme login=acme session=7 unit=ssh.service, "
		"began 2026-03-01 10:00:41\n"
		"        read  registry: 1 time, 1 file, at most 500 bytes, 1 against the policy; "
		"2026-03-01 10:00:46\n"
		"psql[100] /usr/bin/psql user=acme login=acme session=7 unit=ssh.service, "
		"began 2026-03-01 10:16:45, child of process 1\n"
		"└─ sh[160] /bin/sh user=acme login=acme session=7 unit=ssh.service, "
		"began 2026-03-01 10:16:46\n"
		"        read  registry: 1 time, 1 file, at most 500 bytes; 2026-03-01 10:16:48\n");
}

/* Each of them by name, though they touched nothing; what the number says of a process that only
 * began is left out once it runs something of its own. */
static void knows_by_name_who_touched_nothing(void **state)
{
	am_autosaid struct said s = { 0 };

	ASK(state, &s, "--tree", "pid=330", "--children");
	assert_int_equal(s.code, 0);
	assert_string_equal(s.out,
		"sshd[300] /usr/sbin/sshd user=root login=acme session=7 unit=ssh.service, "
		"began 2026-03-01 10:17:40, child of process 1\n"
		"└─ sshd[310] user=acme login=acme session=7 unit=ssh.service, "
		"began 2026-03-01 10:17:41\n"
		"   └─ sh[320] /bin/sh user=acme login=acme session=7 unit=ssh.service, "
		"began 2026-03-01 10:17:42\n"
		"      └─ cat[330] /usr/bin/cat user=acme login=acme session=7 unit=ssh.service, "
		"began 2026-03-01 10:17:43\n"
		"         │    read  registry: 1 time, 1 file, at most 500 bytes; 2026-03-01 10:17:44\n"
		"         └─ gzip[340] /usr/bin/gzip user=acme login=acme session=7 unit=ssh.service, "
		"began 2026-03-01 10:17:45\n"
		"            └─ gzip[341] /usr/bin/gzip user=acme login=acme session=7 unit=ssh.service, "
		"began 2026-03-01 10:17:46\n");
}

static void follows_an_ancestor_to_what_came_of_it(void **state)
{
	am_autosaid struct said s = { 0 }, hidden = { 0 }, births = { 0 };

	ASK(state, &s, "--children", "comm=sshd", "user=root");
	assert_int_equal(s.code, 0);
	assert_int_equal(lines(s.out), 7);
	assert_non_null(strstr(s.out, "NOTE  ancestor /usr/sbin/sshd  sshd[300] user=root"));
	assert_non_null(strstr(s.out, "NOTE  fork  /usr/bin/gzip  gzip[341] user=acme"));
	assert_non_null(strstr(s.out, "child of process 340"));
	ASK(state, &hidden, "pid=300,310,320,340,341");
	assert_int_equal(hidden.code, 1);	/* no accesses */
	assert_string_equal(hidden.out, "");
	ASK(state, &births, "pid=300,310,320,340,341", "kind=process");
	assert_int_equal(lines(births.out), 6);
}

static void counts_no_process_that_begins_as_an_access(void **state)
{
	am_autosaid struct said s = { 0 };

	ASK(state, &s, "--children", "comm=sshd", "--sum", "by=kind", "--csv");
	assert_int_equal(s.code, 0);
	assert_int_equal(lines(s.out), 2);
	assert_non_null(strstr(s.out, "\naccess,1,0,"));
}

static void nobody_is_his_own_forebear(void **state)
{
	am_autosaid struct said s = { 0 };

	ASK(state, &s, "--tree", "pid=7,8", "--json");
	assert_int_equal(s.code, 0);
	assert_non_null(strstr(s.out, "{\"depth\":1,\"pid\":7,"));
	assert_non_null(strstr(s.out, "{\"depth\":1,\"pid\":8,"));
}

static void gives_each_process_as_an_object(void **state)
{
	am_autosaid struct said s = { 0 };

	ASK(state, &s, "--tree", "pid=110", "--json");
	assert_int_equal(s.code, 0);
	assert_int_equal(lines(s.out), 3);
	assert_non_null(strstr(s.out, "{\"depth\":0,\"pid\":50,\"recorded\":false,\"asked_for\":false,"
				      "\"was\":[],\"touched\":[]}\n"));
	assert_non_null(strstr(s.out, "{\"depth\":2,\"pid\":110,\"start_ms\":1772359212000,"
				      "\"recorded\":true,\"parent\":{\"pid\":100,"
				      "\"start_ms\":1772359210000,\"recorded\":true}"));
	assert_non_null(strstr(s.out, "{\"op\":\"send\",\"dest\":\"203.0.113.9:443/tcp\",\"done\":3,"
				      "\"against_policy\":0,\"refused\":0,"));
}

static void tells_nobody_by_name_under_pseudonyms(void **state)
{
	static const char *const personal[] = { "acme", "root", "psql", "sudo", "203.0.113", "ssh" };
	am_autosaid struct said s = { 0 };

	ASK(state, &s, "--tree", "--pseudonymise");
	assert_int_equal(s.code, 0);
	assert_non_null(strstr(s.out, "[110]"));
	for (size_t i = 0; i < AM_COUNT(personal); i++)
		if (strstr(s.out, personal[i]))
			fail_msg("%s in\n%s", personal[i], s.out);
}

/* ---- a file ------------------------------------------------------------------------------ */

static void finds_a_file_by_all_its_names(void **state)
{
	am_autosaid struct said by_file = { 0 }, by_path = { 0 }, renamed = { 0 };

	ASK(state, &by_path, "path=/srv/registry/a.csv");
	assert_int_equal(lines(by_path.out), 1);
	/* The first touch, the repeats, what came under the other name, and somebody else. */
	ASK(state, &by_file, "--file", "/srv/registry/a.csv");
	assert_int_equal(by_file.code, 0);
	assert_int_equal(lines(by_file.out), 4);
	assert_non_null(strstr(by_file.out, " x9 "));
	assert_non_null(strstr(by_file.out, "z.csv  scp[120]"));
	assert_null(strstr(by_file.out, "b.csv"));
	ASK(state, &renamed, "--file", "/srv/registry/z.csv");
	assert_string_equal(renamed.out, by_file.out);
}

static void knows_a_file_by_what_it_was_called_before(void **state)
{
	am_autosaid struct said s = { 0 };

	ASK(state, &s, "--file", "/srv/registry/a.csv", "since=2026-03-01T10:00:16Z", "user=acme");
	assert_int_equal(s.code, 0);
	assert_int_equal(lines(s.out), 2);
}

static void says_that_there_is_no_such_file(void **state)
{
	am_autosaid struct said s = { 0 };

	ASK(state, &s, "--file", "a.csv");
	assert_int_equal(s.code, 1);
	assert_string_equal(s.out, "");
	assert_string_equal(s.err, "note: the record tells of no file 'a.csv'\n"
				   "  hint: Write all of its path, from '/' on.\n");
}

/* ---- a process ----------------------------------------------------------------------------- */

static void follows_processes_to_their_children(void **state)
{
	am_autosaid struct said s = { 0 }, later = { 0 }, none = { 0 };

	/* All of psql[100] and of what became of its child; not of the other psql[100]. */
	ASK(state, &s, "--children", "path=/srv/registry/a.csv");
	assert_int_equal(s.code, 0);
	assert_int_equal(lines(s.out), 8);
	assert_non_null(strstr(s.out, "cat[110] user=root"));
	assert_null(strstr(s.out, "sh[140]"));
	ASK(state, &later, "--children", "path=/srv/registry/a.csv", "--since", "2026-03-01T10:00:20Z");
	assert_int_equal(later.code, 1);	/* nothing passes the filter in that time */
	ASK(state, &none, "--children", "pid=100", "--until", "2026-03-01T10:00:20Z");
	assert_int_equal(lines(none.out), 5);
}

static void combines_a_file_and_who_touched_it(void **state)
{
	am_autosaid struct said s = { 0 };

	ASK(state, &s, "--file", "/tmp/copy", "--children", "op=read", "--sum", "by=comm,op", "--csv");
	assert_int_equal(s.code, 0);
	assert_non_null(strstr(s.out, "cat,send,3,0,"));
	assert_non_null(strstr(s.out, "sudo,read,1,0,"));
	assert_int_equal(lines(s.out), 3);
	assert_non_null(strstr(s.out, ",640,0\r\n"));	/* handed to the sends */
	assert_non_null(strstr(s.out, ",,\r\n"));	/* none were reads */
}

static void a_folder_without_a_ledger_is_no_record_of_nothing(void **state)
{
	am_autosaid struct said s = { 0 };
	struct made none = { .dir = "/usr" };

	(void)state;
	ask(&none, (const char *const[]){ "verdict=deny", NULL }, &s);
	assert_int_equal(s.code, 3);
	assert_non_null(strstr(s.err, "there is no segment of one in it"));
}

static void says_what_is_no_sum(void **state)
{
	static const char *const cases[][3] = {
		{ "by=usr", "no field 'usr'", "Did you mean 'user'?" },
		{ "by=", "a field to sum by is missing", "by=user,store" },
		{ "by=user,,store", "a field to sum by is missing", "by=user,store" },
		{ "user,op,user,op,user,op,user,op,user", "more than 8 fields", "by=user,store" },
	};

	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		am_autosaid struct said s = { 0 };

		ASK(state, &s, "--sum", cases[i][0]);
		assert_int_equal(s.code, 2);
		if (!strstr(s.err, cases[i][1]) || !strstr(s.err, cases[i][2]))
			fail_msg("%s: %s", cases[i][0], s.err);
	}
}

static void refuses_two_questions_at_once(void **state)
{
	static const char *const cases[][4] = {
		{ "--tree", "--csv" }, { "--tree", "--sum", "by=user" }, { "--tree", "--as-was" },
		{ "--as-was", "--children" }, { "--policy", "p.yaml", "--file", "/x" },
		{ "--csv", "--json" },
	};

	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		am_autosaid struct said s = { 0 };

		ask(*state, cases[i], &s);
		assert_int_equal(s.code, 2);
		assert_string_equal(s.out, "");
		assert_memory_equal(s.err, "error: ", 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_processes_below_those_that_began_them),
		cmocka_unit_test(tells_processes_apart_that_had_the_same_number),
		cmocka_unit_test(knows_by_name_who_touched_nothing),
		cmocka_unit_test(follows_an_ancestor_to_what_came_of_it),
		cmocka_unit_test(counts_no_process_that_begins_as_an_access),
		cmocka_unit_test(nobody_is_his_own_forebear),
		cmocka_unit_test(gives_each_process_as_an_object),
		cmocka_unit_test(tells_nobody_by_name_under_pseudonyms),
		cmocka_unit_test(finds_a_file_by_all_its_names),
		cmocka_unit_test(knows_a_file_by_what_it_was_called_before),
		cmocka_unit_test(says_that_there_is_no_such_file),
		cmocka_unit_test(follows_processes_to_their_children),
		cmocka_unit_test(combines_a_file_and_who_touched_it),
		cmocka_unit_test(a_folder_without_a_ledger_is_no_record_of_nothing),
		cmocka_unit_test(says_what_is_no_sum),
		cmocka_unit_test(refuses_two_questions_at_once),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
