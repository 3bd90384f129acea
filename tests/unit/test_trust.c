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
#include <sys/stat.h>
#include <unistd.h>

#include "fds.h"
#include "policy/trust.h"

/* In a folder that root alone can write: of what lies in /tmp nobody else can replace it. */
static char folder[] = "/tmp/amanat-trust-XXXXXX";
static char tool[64], twin[64], sub[64], inner[96];

static const char sha256_of_x[] =
	"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";

static void make(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
}

/* The first warning about a policy with these subjects; "" if there is none. */
static const char *warning(const char *subjects, ...) __attribute__((format(printf, 1, 2)));

static const char *warning(const char *subjects, ...)
{
	static char said[1024];
	am_auto(am_model) struct am_model *m = NULL;
	char text[2048] = "version: 1\nname: p\nmode: enforce\nsubjects:\n";
	size_t len = strlen(text);
	struct am_diags d;
	va_list args;

	va_start(args, subjects);
	vsnprintf(text + len, sizeof(text) - len, subjects, args);
	va_end(args);
	am_diags_init(&d);
	if (am_model_parse("p.yaml", text, strlen(text), &d, &m)) {
		am_diags_print(&d, stderr);
		fail_msg("%s", text);
	}
	am_diags_done(&d);
	assert_int_equal(am_trust_check(m, &d), 0);
	snprintf(said, sizeof(said), "%s", d.count ? d.items[0].fact : "");
	if (d.count) {
		assert_int_equal(d.items[0].severity, AM_SEVERITY_WARNING);
		assert_int_equal(d.items[0].line, 5);
		assert_non_null(d.items[0].hint);
	}
	am_diags_done(&d);
	return said;
}

static void trusts_what_root_alone_can_change(void **state)
{
	(void)state;
	assert_string_equal(warning("  a: {exe: %s, user: x}\n", tool), "");
	assert_string_equal(warning("  a: {exe: %s, sha256: %s}\n", tool, sha256_of_x), "");
	assert_string_equal(warning("  a: {script: %s}\n", tool), "");
	assert_string_equal(warning("  a: {user: nobody}\n"), "");
}

static void warns_of_files_that_others_can_write(void **state)
{
	(void)state;
	assert_int_equal(chmod(tool, 0777), 0);
	assert_non_null(strstr(warning("  a: {exe: %s}\n", tool), "everybody can change the "
									 "executable"));
	assert_int_equal(chmod(tool, 0775), 0);
	assert_string_equal(warning("  a: {exe: %s}\n", tool), "");
	assert_int_equal(chown(tool, 0, 1234), 0);
	assert_non_null(strstr(warning("  a: {exe: %s}\n", tool), "the group 1234 can change"));
	assert_int_equal(chown(tool, 1234, 0), 0);
	assert_non_null(strstr(warning("  a: {exe: %s}\n", tool), "the user 1234 can change"));
	assert_non_null(strstr(warning("  a: {script: %s}\n", tool), "can change the script"));
	assert_int_equal(chown(tool, 0, 0), 0);
	assert_int_equal(chmod(tool, 0755), 0);
}

static void warns_of_folders_that_others_can_write(void **state)
{
	(void)state;
	assert_int_equal(chmod(sub, 0777), 0);
	assert_non_null(strstr(warning("  a: {exe: %s}\n", inner), "it can write"));
	assert_non_null(strstr(warning("  a: {exe: %s}\n", inner), "/sub'"));
	assert_int_equal(chmod(sub, 01777), 0);
	assert_string_equal(warning("  a: {exe: %s}\n", inner), "");
	assert_int_equal(chmod(sub, 0755), 0);
}

/* A link is as good as the folder that it is in, and as the file that it leads to. */
static void looks_behind_links(void **state)
{
	char link[128], other[128];

	(void)state;
	snprintf(link, sizeof(link), "%s/link", folder);
	snprintf(other, sizeof(other), "%s/link", sub);
	assert_int_equal(symlink(tool, link), 0);
	assert_int_equal(symlink(tool, other), 0);
	assert_string_equal(warning("  a: {exe: %s}\n", link), "");
	assert_int_equal(chmod(sub, 0777), 0);
	assert_non_null(strstr(warning("  a: {exe: %s}\n", other), "everybody can change"));
	assert_int_equal(chmod(sub, 0755), 0);
	assert_int_equal(chmod(tool, 0777), 0);
	assert_non_null(strstr(warning("  a: {exe: %s}\n", link), "everybody can change"));
	assert_int_equal(chmod(tool, 0755), 0);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(unlink(other), 0);
}

static void warns_of_what_is_not_there(void **state)
{
	(void)state;
	assert_non_null(strstr(warning("  a: {exe: %s/none}\n", folder), "this host has no "
									 "executable"));
	assert_non_null(strstr(warning("  a: {script: %s/none}\n", folder), "no script"));
	assert_non_null(strstr(warning("  a: {exe: %s}\n", folder), "is not a regular file"));
}

static void warns_of_another_content(void **state)
{
	(void)state;
	assert_non_null(strstr(warning("  a: {exe: %s, sha256: '00%s'}\n", tool, sha256_of_x + 2),
			       "has not the digest that the subject 'a' asks for"));
}

static void two_subjects_may_name_one_path(void **state)
{
	(void)state;
	assert_string_equal(warning("  a: {exe: %s, user: x}\n  b: {exe: %s, user: y}\n", tool,
				    tool), "");
}

static void knows_two_paths_of_one_file(void **state)
{
	char text[512];
	am_auto(am_model) struct am_model *m = NULL;
	am_auto(am_space) struct am_space *space = NULL;
	struct am_goal both = { .is = { { { 3 } } } };
	struct am_diags d;
	struct am_who who;

	(void)state;
	assert_int_equal(link(tool, twin), 0);
	snprintf(text, sizeof(text), "version: 1\nname: p\nmode: enforce\nsubjects:\n"
		 "  a: {exe: %s}\n  b: {exe: %s}\n", tool, twin);
	am_diags_init(&d);
	assert_int_equal(am_model_parse("p", text, strlen(text), &d, &m), 0);
	assert_int_equal(am_space_new((const struct am_model *const *)&m, 1, &am_trust_host, &d,
				      &space), 0);
	assert_true(am_space_find(space, &both, &who));
	am_diags_done(&d);
	am_diags_init(&d);
	assert_int_equal(am_trust_check(m, &d), 0);
	assert_int_equal(d.count, 1);
	assert_int_equal(d.items[0].line, 6);
	assert_non_null(strstr(d.items[0].fact, "are one file"));
	am_diags_done(&d);
	assert_int_equal(unlink(twin), 0);
}

static int fds_before;

static int make_folder(void **state)
{
	(void)state;
	fds_before = count_fds();
	if (!mkdtemp(folder))
		return -1;
	snprintf(tool, sizeof(tool), "%s/tool", folder);
	snprintf(twin, sizeof(twin), "%s/twin", folder);
	snprintf(sub, sizeof(sub), "%s/sub", folder);
	snprintf(inner, sizeof(inner), "%s/inner", sub);
	if (mkdir(sub, 0755) < 0)
		return -1;
	make(tool, 0755);
	make(inner, 0755);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	if (unlink(tool) < 0 || unlink(inner) < 0 || rmdir(sub) < 0 || rmdir(folder) < 0)
		return -1;
	return count_fds() == fds_before ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trusts_what_root_alone_can_change),
		cmocka_unit_test(warns_of_files_that_others_can_write),
		cmocka_unit_test(warns_of_folders_that_others_can_write),
		cmocka_unit_test(looks_behind_links),
		cmocka_unit_test(warns_of_what_is_not_there),
		cmocka_unit_test(warns_of_another_content),
		cmocka_unit_test(two_subjects_may_name_one_path),
		cmocka_unit_test(knows_two_paths_of_one_file),
	};

	if (geteuid() != 0) {
		puts("skipped: only root can own files as others do");
		return 0;
	}
	return cmocka_run_group_tests_name("trust", tests, make_folder, remove_folder);
}
