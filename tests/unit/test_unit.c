// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/dropin.h"
#include "cli/unit.h"

/* Three folders of units, the first of which wins. */
struct place {
	char top[64];
	char etc[96], run[96], lib[96];
	const char *folders[4];
};

static struct place place;

static int make_place(void **state)
{
	(void)state;
	strcpy(place.top, "/tmp/amanat-unit.XXXXXX");
	assert_non_null(mkdtemp(place.top));
	snprintf(place.etc, sizeof(place.etc), "%s/etc", place.top);
	snprintf(place.run, sizeof(place.run), "%s/run", place.top);
	snprintf(place.lib, sizeof(place.lib), "%s/lib", place.top);
	place.folders[0] = place.etc;
	place.folders[1] = place.run;
	place.folders[2] = place.lib;
	place.folders[3] = NULL;
	return 0;
}

static int remove_place(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", place.top);
	return system(command);
}

/* With the folders above it. */
static void put(const char *folder, const char *name, const char *text)
{
	char path[PATH_MAX], *slash;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	for (slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0755);
		*slash = '/';
	}
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static struct am_unit *read_unit(const char *name)
{
	struct am_unit *u = NULL;

	assert_int_equal(am_unit_read(name, place.folders, AM_DROPIN_NAME, &u), 0);
	return u;
}

static void expect_starts(const char *name, const char *const *starts)
{
	am_auto(am_unit) struct am_unit *u = read_unit(name);
	size_t n = 0;

	for (; starts[n]; n++) {
		assert_true(n < u->n_starts);
		assert_string_equal(u->starts[n], starts[n]);
	}
	assert_int_equal(u->n_starts, n);
}

#define EXPECT_STARTS(name, ...) expect_starts(name, (const char *const[]){ __VA_ARGS__, NULL })

/* ---- reading ------------------------------------------------------------------ */

static void takes_the_start_lines_of_the_service_section_alone(void **state)
{
	(void)state;
	put(place.lib, "desk.service",
	    "[Unit]\nExecStart=/bin/wrong\n# ExecStart=/bin/comment\n[Service]\n"
	    "Type=oneshot\n  ExecStart = /bin/first --x  \n;ExecStart=/bin/comment\n"
	    "ExecStartPre=/bin/pre\nExecStart=-/bin/second\n[Install]\nExecStart=/bin/wrong\n");
	EXPECT_STARTS("desk.service", "/bin/first --x", "-/bin/second");
}

static void joins_lines_that_go_on_and_skips_comments_between(void **state)
{
	(void)state;
	put(place.lib, "desk.service",
	    "[Service]\nExecStart=/bin/desk \\\n# a comment\n   --one \\\n; another\n --two\n"
	    "ExecStart=/bin/last");
	EXPECT_STARTS("desk.service", "/bin/desk     --one   --two", "/bin/last");
}

static void an_empty_value_takes_back_those_before(void **state)
{
	(void)state;
	put(place.lib, "desk.service",
	    "[Service]\nExecStart=/bin/one\nExecStart=\nExecStart=/bin/two\n");
	EXPECT_STARTS("desk.service", "/bin/two");
}

static void the_first_folder_wins_and_its_drop_ins_are_added_by_name(void **state)
{
	(void)state;
	put(place.lib, "desk.service", "[Service]\nExecStart=/bin/lib\n");
	put(place.etc, "desk.service", "[Service]\nExecStart=/bin/etc\n");
	put(place.lib, "desk.service.d/20-b.conf", "[Service]\nExecStart=/bin/b\n");
	put(place.run, "desk.service.d/10-a.conf", "[Service]\nExecStart=/bin/a\n");
	put(place.etc, "desk.service.d/20-b.conf", "[Service]\nExecStart=/bin/b-of-etc\n");
	put(place.etc, "desk.service.d/30-c.txt", "[Service]\nExecStart=/bin/wrong\n");
	EXPECT_STARTS("desk.service", "/bin/etc", "/bin/a", "/bin/b-of-etc");
}

static void its_own_drop_in_is_not_read_again(void **state)
{
	(void)state;
	put(place.lib, "desk.service", "[Service]\nExecStart=/bin/desk\n");
	put(place.etc, "desk.service.d/" AM_DROPIN_NAME,
	    "[Service]\nExecStart=\nExecStart=/usr/bin/amanat run --purpose x -- /bin/desk\n");
	EXPECT_STARTS("desk.service", "/bin/desk");
}

static void an_instance_is_made_of_its_template(void **state)
{
	(void)state;
	put(place.lib, "desk@.service", "[Service]\nExecStart=/bin/desk %i\n");
	put(place.etc, "desk@.service.d/a.conf", "[Service]\nExecStart=/bin/a\n");
	put(place.etc, "desk@7.service.d/b.conf", "[Service]\nExecStart=/bin/b\n");
	EXPECT_STARTS("desk@7.service", "/bin/desk %i", "/bin/a", "/bin/b");
}

static void a_path_is_that_file(void **state)
{
	char path[PATH_MAX];

	(void)state;
	put(place.top, "elsewhere/desk.service", "[Service]\nExecStart=/bin/elsewhere\n");
	snprintf(path, sizeof(path), "%s/elsewhere/desk.service", place.top);
	EXPECT_STARTS(path, "/bin/elsewhere");
}

static void refuses_what_is_no_service(void **state)
{
	static const char *const names[] = { "desk.socket", "desk", ".service", "", "a/b.timer" };
	struct am_unit *u = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(am_unit_read(names[i], place.folders, "", &u), -EINVAL);
	assert_int_equal(am_unit_read("none.service", place.folders, "", &u), -ENOENT);
	assert_null(u);
}

static void notes_a_root_directory(void **state)
{
	am_auto(am_unit) struct am_unit *u = NULL;

	(void)state;
	put(place.lib, "jail.service", "[Service]\nRootDirectory=/srv/jail\nExecStart=/bin/x\n");
	u = read_unit("jail.service");
	assert_true(u->has_root);
}

/* ---- splitting ------------------------------------------------------------------- */

static void expect_split(const char *start, const char *prefix, const char *argv0,
			 const char *program, const char *rest)
{
	struct am_unit_start s;
	char text[128];

	assert_int_equal(am_unit_split(start, &s), 0);
	assert_string_equal(s.prefix, prefix);
	snprintf(text, sizeof(text), "%.*s", (int)s.argv0_len, s.argv0 ? s.argv0 : "");
	assert_string_equal(text, argv0);
	snprintf(text, sizeof(text), "%.*s", (int)s.program_len, s.program);
	assert_string_equal(text, program);
	assert_string_equal(s.rest, rest);
}

static void splits_prefixes_program_and_arguments(void **state)
{
	(void)state;
	expect_split("/bin/x", "", "", "/bin/x", "");
	expect_split("/bin/x a \"b c\"", "", "", "/bin/x", "a \"b c\"");
	expect_split("-/bin/x a", "-", "", "/bin/x", "a");
	expect_split("-+/bin/x a", "-+", "", "/bin/x", "a");
	expect_split("!!:/bin/x", "!!:", "", "/bin/x", "");
	expect_split("@/bin/x name a", "", "name", "/bin/x", "a");
	expect_split("-@/bin/x 'my name' a", "-", "'my name'", "/bin/x", "a");
	expect_split("\"/bin/with space\" $A ${B}", "", "", "\"/bin/with space\"", "$A ${B}");
	expect_split("/bin/a\\ b c", "", "", "/bin/a\\ b", "c");
	expect_split("/bin/x \";\" a;b \\; ';'", "", "", "/bin/x", "\";\" a;b \\; ';'");
}

static void refuses_several_commands_and_none(void **state)
{
	struct am_unit_start s;

	(void)state;
	assert_int_equal(am_unit_split("/bin/a ; /bin/b", &s), -ENOTSUP);
	assert_int_equal(am_unit_split("/bin/a x ;", &s), -ENOTSUP);
	assert_int_equal(am_unit_split("-", &s), -EINVAL);
	assert_int_equal(am_unit_split("", &s), -EINVAL);
	assert_int_equal(am_unit_split("@/bin/x", &s), -EINVAL);
}

/* ---- the drop-in ----------------------------------------------------------------- */

/* Owned by the caller; *ret_err likewise. */
static char *dropin(const char *unit, int wanted, char **ret_err)
{
	char *out = NULL, path[PATH_MAX];
	size_t out_len = 0, err_len = 0;
	struct am_cmd_line line = {
		.run = "/run/amanat", .out = open_memstream(&out, &out_len),
		.err = open_memstream(ret_err, &err_len),
	};

	snprintf(path, sizeof(path), "%s/lib/%s", place.top, unit);
	assert_int_equal(am_cli_dropin(&line, "kyc", path), wanted);
	assert_int_equal(fclose(line.out), 0);
	assert_int_equal(fclose(line.err), 0);
	return out;
}

static void wraps_every_start_line(void **state)
{
	am_autofree char *out = NULL, *err = NULL;

	(void)state;
	put(place.lib, "desk.service",
	    "[Service]\nType=oneshot\nExecStart=-/bin/true a \"b c\"\nExecStart=@/bin/true me x\n");
	out = dropin("desk.service", AM_EXIT_YES, &err);
	assert_non_null(strstr(out, "\n[Service]\nExecStart=\nExecStart=-"));
	assert_non_null(strstr(out, " run --purpose kyc -- /bin/true a \"b c\"\n"));
	assert_non_null(strstr(out, " run --purpose kyc --argv0 me -- /bin/true x\n"));
	assert_non_null(strstr(out, "PartOf=amanatd.service\n"));
	assert_string_equal(err, "");
}

static void prints_nothing_of_what_it_cannot_wrap_whole(void **state)
{
	static const struct {
		const char *text, *word;
	} cases[] = {
		{ "[Service]\nExecStart=/bin/a\nExecStart=/bin/b ; /bin/c\n", "several commands" },
		{ "[Service]\nType=oneshot\n", "no ExecStart=" },
		{ "[Service]\nExecStart=/usr/bin/amanat run --purpose a -- /bin/x\n", "already" },
		{ "[Service]\nExecStart=-\n", "without a program" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		am_autofree char *out = NULL, *err = NULL;

		put(place.lib, "bad.service", cases[i].text);
		out = dropin("bad.service", AM_EXIT_NO, &err);
		assert_string_equal(out, "");
		if (!strstr(err, cases[i].word))
			fail_msg("'%s' is not in: %s", cases[i].word, err);
	}
}

/* systemd's own opinion of unit and drop-in together. */
static void systemd_takes_the_file(void **state)
{
	am_autofree char *out = NULL, *err = NULL;
	char command[512];

	(void)state;
	if (access("/usr/bin/systemd-analyze", X_OK) < 0) {
		print_message("[  skip  ] there is no systemd-analyze here\n");
		skip();
	}
	put(place.lib, "desk.service",
	    "[Unit]\nDescription=x\n[Service]\nType=oneshot\nExecStart=-/bin/true a \"b c\" $D\n"
	    "ExecStart=@/bin/true 'my name' x\nExecStart=/bin/true %n ';'\n");
	put(place.lib, "amanatd.service", "[Service]\nType=notify\nExecStart=/bin/true\n");
	out = dropin("desk.service", AM_EXIT_YES, &err);
	put(place.lib, "desk.service.d/" AM_DROPIN_NAME, out);
	snprintf(command, sizeof(command),
		 "SYSTEMD_UNIT_PATH=%s: systemd-analyze verify --man=no --recursive-errors=no "
		 "desk.service >%s/said 2>&1", place.lib, place.top);
	if (system(command) != 0) {
		snprintf(command, sizeof(command), "cat %s/said", place.top);
		(void)!system(command);
		fail_msg("systemd does not take:\n%s", out);
	}
	/* The check of the check: it does see the drop-in. */
	put(place.lib, "desk.service.d/60-bad.conf", "[Service]\nExecStart=relative/x y\n");
	snprintf(command, sizeof(command),
		 "SYSTEMD_UNIT_PATH=%s: systemd-analyze verify --man=no --recursive-errors=no "
		 "desk.service >/dev/null 2>&1", place.lib);
	assert_int_not_equal(system(command), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(takes_the_start_lines_of_the_service_section_alone),
		TEST(joins_lines_that_go_on_and_skips_comments_between),
		TEST(an_empty_value_takes_back_those_before),
		TEST(the_first_folder_wins_and_its_drop_ins_are_added_by_name),
		TEST(its_own_drop_in_is_not_read_again),
		TEST(an_instance_is_made_of_its_template),
		TEST(a_path_is_that_file),
		TEST(refuses_what_is_no_service),
		TEST(notes_a_root_directory),
		TEST(splits_prefixes_program_and_arguments),
		TEST(refuses_several_commands_and_none),
		TEST(wraps_every_start_line),
		TEST(prints_nothing_of_what_it_cannot_wrap_whole),
		TEST(systemd_takes_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
