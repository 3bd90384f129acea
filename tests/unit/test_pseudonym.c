// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/array.h"
#include "cli/replay.h"
#include "ledger_made.h"
#include "query/pseudonym.h"

/* What is personal in a row of the ledger below, as it might be found in an export. */
static const char *const personal[] = {
	"alice", "bob", "1713", "1714", "home", "letters", "mueller", "clinic-7",
	"203.0.113.77", "fd12", "secret-words", "4242", "1650", "778899",
	"1651", "cardiology", "nightly",
};

static void write_ledger(struct made *m)
{
	const struct am_host_id host = { .name = "clinic-7", .machine = "m", .kernel = "6.1" };
	const struct am_writer_options options = { .no_thread = true, .host = &host };
	am_auto(am_writer) struct am_writer *w = NULL;
	struct am_row row = {
		.event = 12, .seq = 1, .count = 1, .wall_ns = MADE_START, .boot_ns = MADE_S,
		.actor = { .pid = 7, .tid = 7, .ppid = 1, .uid = 1713, .gid = 1650, .login = 1714,
			   .session = 4242, .comm = "alice-job", .exe = "/home/alice/bin/tool",
			   .user = "alice", .login_user = "bob", .unit = "user@1713.service",
			   .groups = "1650:alice,1651:cardiology", .purpose = "care",
			   .script = "/home/alice/nightly.py",
			   .cgroup_path = "/user.slice/user-1713.slice/user@1713.service" },
		.object = { .ino = 778899, .store_id = 1, .store = "vault",
			    .path = "/srv/vault/letters/mueller.txt" },
		.deed = { .kind = AM_EVENT_ACCESS, .verdict = AM_VERDICT_DENY,
			  .reason = AM_REASON_NO_RULE, .op = AM_OP_READ, .act = AM_ACT_OPEN,
			  .flags = AM_EVENT_BLOCKED, .generation = 3, .labels = 1,
			  .label_names = "cnic", .policy = "host",
			  .why = "alice may not read /srv/vault/letters/mueller.txt secret-words" },
	};

	(void)snprintf(m->dir, sizeof(m->dir), "/tmp/am-ledger-XXXXXX");
	assert_non_null(mkdtemp(m->dir));
	assert_int_equal(am_writer_open(m->dir, &options, &w), 0);
	assert_int_equal(am_writer_append(w, &row), 0);
	row.seq++;
	row.deed.kind = AM_EVENT_SEND;
	row.deed.op = AM_OP_SEND;
	row.deed.act = AM_ACT_SEND;
	row.dest = (struct am_row_dest){ .family = AF_INET, .port = 443, .proto = IPPROTO_TCP,
					 .addr_low = 0xffffcb00714d, .zones = "partners" };
	assert_int_equal(am_writer_append(w, &row), 0);
	row.seq++;
	row.dest.family = AF_INET6;
	row.dest.addr_high = 0xfd12000000000000;
	row.dest.addr_low = 1;
	assert_int_equal(am_writer_append(w, &row), 0);
	assert_int_equal(am_writer_mark(w, AM_MARK_READ, 0, "replay user=alice secret-words"), 0);
	assert_int_equal(am_writer_flush(w), 0);
	m->fd = open(m->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* What `amanat replay` prints, with the words and the ledger; `key` "": as it is. */
static char *replay(const struct made *m, const char *key, const char *const *words)
{
	char *argv[12] = { "replay", "--ledger", (char *)m->dir, "--pseudonymise" };
	struct am_cmd_line line = { .run = "/nowhere", .argc = key && !*key ? 3 : 4, .argv = argv };
	char *text = NULL, *talk = NULL;
	size_t len, talk_len;

	if (key && *key) {
		argv[line.argc++] = "--pseudonym-key";
		argv[line.argc++] = (char *)key;
	}
	for (; *words; words++)
		argv[line.argc++] = (char *)*words;
	line.out = open_memstream(&text, &len);
	line.err = open_memstream(&talk, &talk_len);
	assert_int_equal(am_cli_replay(&line), 0);
	(void)fclose(line.out);
	(void)fclose(line.err);
	assert_string_equal(talk, "");
	free(talk);
	return text;
}

static void write_key(char path[32], const char *key)
{
	int fd;

	strcpy(path, "/tmp/am-key-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, key, strlen(key)), strlen(key));
	(void)close(fd);
}

/* With a key that is always the same: among the digits of random hashes is one of the short words
 * once in ten runs. */
static void nothing_personal_is_left_in_any_form(void **state)
{
	static const struct {
		const char *words[3];
		const char *kept;	/* not personal, and still there to be analysed */
	} forms[] = {
		{ { NULL }, "DENY" },
		{ { "--csv" }, "vault" },
		{ { "--json" }, "vault" },
		{ { "--sum", "by=user,login,path,dest,unit" }, "user-" },
	};
	char key[32];
	struct made m;

	(void)state;
	write_ledger(&m);
	write_key(key, "0123456789abcdef0123456789abcdef");
	for (size_t i = 0; i < AM_COUNT(forms); i++) {
		char *text = replay(&m, key, forms[i].words);

		assert_true(strlen(text) > 100);
		assert_non_null(strstr(text, forms[i].kept));
		for (size_t k = 0; k < AM_COUNT(personal); k++)
			if (strstr(text, personal[k]))
				fail_msg("form %zu holds '%s': %s", i, personal[k], text);
		free(text);
	}
	(void)unlink(key);
	made_done(&m);
}

/* Or the test above could not fail. */
static void what_is_personal_is_there_without_pseudonyms(void **state)
{
	const char *csv[] = { "--csv", NULL }, *json[] = { "--json", NULL };
	struct made m;
	char *texts[2];

	(void)state;
	write_ledger(&m);
	texts[0] = replay(&m, "", csv);
	texts[1] = replay(&m, "", json);
	for (size_t k = 0; k < AM_COUNT(personal); k++)
		if (!strstr(texts[0], personal[k]) && !strstr(texts[1], personal[k]))
			fail_msg("there is no '%s'", personal[k]);
	free(texts[0]);
	free(texts[1]);
	made_done(&m);
}

static void the_same_key_makes_the_same_pseudonyms_and_no_key_never_the_same(void **state)
{
	const char *csv[] = { "--csv", NULL };
	char one[32], two[32], *texts[5];
	struct made m;

	(void)state;
	write_ledger(&m);
	write_key(one, "0123456789abcdef0123456789abcdef");
	write_key(two, "0123456789abcdef0123456789abcdee");
	texts[0] = replay(&m, one, csv);
	texts[1] = replay(&m, one, csv);
	texts[2] = replay(&m, two, csv);
	texts[3] = replay(&m, NULL, csv);
	texts[4] = replay(&m, NULL, csv);
	assert_string_equal(texts[0], texts[1]);
	assert_string_not_equal(texts[0], texts[2]);
	assert_string_not_equal(texts[3], texts[4]);
	for (size_t i = 0; i < AM_COUNT(texts); i++)
		free(texts[i]);
	(void)unlink(one);
	(void)unlink(two);
	made_done(&m);
}

static void files_of_one_folder_stay_in_one_folder_and_one_user_stays_one(void **state)
{
	struct am_row rows[2] = {
		{ .actor = { .uid = 5, .login = 5, .user = "a", .login_user = "a" },
		  .object = { .path = "/srv/x/1" } },
		{ .actor = { .uid = 6, .login = ~0u, .user = "b", .login_user = "" },
		  .object = { .path = "/srv/x/2" } },
	};
	char first[128], *folder;
	struct am_pseudonym *p;
	struct am_row out;

	(void)state;
	assert_int_equal(am_pseudonym_new("0123456789abcdef", 16, &p), 0);
	am_pseudonym_row(p, &rows[0], &out);
	assert_int_equal(out.actor.uid, out.actor.login);
	assert_string_equal(out.actor.user, out.actor.login_user);
	(void)snprintf(first, sizeof(first), "%s", out.object.path);
	am_pseudonym_row(p, &rows[1], &out);
	assert_int_equal(out.actor.login, ~0u);
	assert_string_equal(out.actor.login_user, "");
	assert_string_not_equal(first, out.object.path);
	folder = strrchr(first, '/');
	assert_memory_equal(first, out.object.path, (size_t)(folder - first) + 1);
	am_pseudonym_free(p);
}

static void long_paths_are_cut_and_short_keys_refused(void **state)
{
	struct am_row row = { .actor = { .uid = 1 } }, out;
	struct am_pseudonym *p = NULL;
	char path[AM_TEXT_MAX];

	(void)state;
	assert_int_equal(am_pseudonym_new("0123456789abcde", 15, &p), -EINVAL);
	assert_null(p);
	for (size_t i = 0; i < sizeof(path); i++)
		path[i] = i % 2 ? 'x' : '/';
	path[sizeof(path) - 1] = '\0';
	row.object.path = path;
	assert_int_equal(am_pseudonym_new(NULL, 0, &p), 0);
	am_pseudonym_row(p, &row, &out);
	assert_true(strlen(out.object.path) < AM_TEXT_MAX);
	assert_null(strchr(out.object.path, 'x'));
	am_pseudonym_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_personal_is_left_in_any_form),
		cmocka_unit_test(what_is_personal_is_there_without_pseudonyms),
		cmocka_unit_test(the_same_key_makes_the_same_pseudonyms_and_no_key_never_the_same),
		cmocka_unit_test(files_of_one_folder_stay_in_one_folder_and_one_user_stays_one),
		cmocka_unit_test(long_paths_are_cut_and_short_keys_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
