// SPDX-License-Identifier: GPL-2.0
/* A policy that is a folder of files. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fds.h"
#include "policy_text.h"

static char folder[] = "/tmp/amanat-folder-XXXXXX";

static char *in_folder(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void write_bytes(const char *name, const char *text, size_t len)
{
	am_autoclose int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
}

static void write_file(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}

static int fds_before;

static int begin(void **state)
{
	(void)state;
	fds_before = count_fds();
	return mkdir(folder, 0700);
}

static int end(void **state)
{
	DIR *dir = opendir(folder);

	(void)state;
	for (struct dirent *e = readdir(dir); e; e = readdir(dir))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			(void)remove(in_folder(e->d_name));	/* seen below, by rmdir() */
	closedir(dir);
	return rmdir(folder) || count_fds() != fds_before ? -1 : 0;
}

/* ---- what is read ----------------------------------------------------------- */

static struct am_model *load(struct am_diags *d)
{
	struct am_model *m = NULL;

	am_diags_init(d);
	if (am_model_load(folder, d, &m)) {
		am_diags_print(d, stderr);
		fail();
	}
	return m;
}

#define HOST "version: 1\nname: host\nmode: enforce\n"

static void makes_one_policy_of_its_files(void **state)
{
	am_auto(am_model) struct am_model *m = NULL;
	struct am_diags d;

	(void)state;
	write_file("00-host.yaml", HOST "labels: [a]\npurposes: [p]\n");
	write_file("20-rules.yaml", "rules: [\"allow u to read s, t\", \"allow u to use p, q\"]\n"
				    "purposes: [q]\n");
	write_file("10-data.yaml", "stores:\n  s: {paths: [/s], labels: [a]}\nlabels: [b]\n");
	write_file("30-more.yaml", "subjects: {u: {user: root}}\nmode: enforce\nversion: 1\n"
				   "stores: {t: {paths: [/t], labels: [b]}}\n"
				   "zones: {z: {ports: [tcp]}}\n"
				   "rules: ['allow u to send a, b to z']\n");
	m = load(&d);
	assert_int_equal(d.errors, 0);
	assert_string_equal(m->name, "host");
	assert_string_equal(m->file, folder);
	assert_int_equal(m->n_labels, 2);
	assert_int_equal(m->n_purposes, 2);
	assert_int_equal(m->n_stores, 2);
	assert_int_equal(m->n_rules, 3);
	assert_int_equal(m->stores[0].mode, AM_MODE_ENFORCE);
	/* In the order of the names of the files, and each knows where it stands. */
	assert_string_equal(m->labels[0].name, "a");
	assert_string_equal(m->rules[2].text, "allow u to send a, b to z");
	assert_string_equal(m->rules[2].pos.file, in_folder("30-more.yaml"));
	assert_int_equal(m->rules[2].pos.line, 6);
	assert_string_equal(m->stores[0].pos.file, in_folder("10-data.yaml"));
	am_diags_done(&d);
}

static void leaves_other_files_alone(void **state)
{
	am_auto(am_model) struct am_model *m = NULL;
	struct am_diags d;

	(void)state;
	write_file("host.yaml", HOST);
	write_file(".hidden.yaml", "no: policy\n");
	write_file("host.yaml~", "no: policy\n");
	write_file("host.yaml.bak", "no: policy\n");
	write_file("README.md", "no: policy\n");
	write_file("host.test.yaml", "tests: of it\n");	/* for `policy test` */
	write_file("yaml", "no: policy\n");
	write_file("host.test.yaml", "tests: []\n");
	assert_int_equal(mkdir(in_folder("folder"), 0700), 0);
	m = load(&d);
	assert_int_equal(m->n_files, 1);
	am_diags_done(&d);
}

static void warns_of_a_file_that_was_likely_meant(void **state)
{
	am_auto(am_model) struct am_model *m = NULL;
	bool found = false;
	struct am_diags d;

	(void)state;
	write_file("host.yaml", HOST);
	write_file("denies.yml", "rules: [deny anyone to read everything]\n");
	m = load(&d);
	for (size_t i = 0; i < d.count; i++)
		found |= !strcmp(d.items[i].file, in_folder("denies.yml")) &&
			 strstr(d.items[i].fact, "is not read") && is_well_said(&d.items[i]);
	assert_true(found);
	am_diags_done(&d);
}

static void follows_links(void **state)
{
	am_auto(am_model) struct am_model *m = NULL;
	struct am_diags d;

	(void)state;
	write_file("available", HOST);
	assert_int_equal(symlink("available", in_folder("host.yaml")), 0);
	m = load(&d);
	assert_string_equal(m->name, "host");
	am_diags_done(&d);
}

static void takes_a_folder_with_a_slash_behind_its_name(void **state)
{
	am_auto(am_model) struct am_model *m = NULL;
	char path[64];
	struct am_diags d;

	(void)state;
	write_file("host.yaml", HOST "labels: [a]\n");
	snprintf(path, sizeof(path), "%s/", folder);
	am_diags_init(&d);
	assert_int_equal(am_model_load(path, &d, &m), 0);
	assert_string_equal(m->labels[0].pos.file, in_folder("host.yaml"));
	am_diags_done(&d);
}

/* ---- what is refused -------------------------------------------------------- */

/* With an error at the place that holds `fact`. */
static void refused_with(int expected, const char *file, unsigned line, unsigned column,
			 const char *fact)
{
	struct am_model *m = (void *)0x5a;
	bool found = false;
	struct am_diags d;

	am_diags_init(&d);
	assert_int_equal(am_model_load(folder, &d, &m), expected);
	assert_ptr_equal(m, (void *)0x5a);
	for (size_t i = 0; i < d.count; i++) {
		found |= !strcmp(d.items[i].file, file ? in_folder(file) : folder) &&
			 d.items[i].severity == AM_SEVERITY_ERROR &&
			 d.items[i].line == line && d.items[i].column == column &&
			 strstr(d.items[i].fact, fact);
		assert_true(is_well_said(&d.items[i]));
	}
	if (!found) {
		am_diags_print(&d, stderr);
		fail_msg("expected %s:%u:%u %s", file ? file : folder, line, column, fact);
	}
	am_diags_done(&d);
}

static void refuses_an_empty_folder(void **state)
{
	(void)state;
	refused_with(-ENOENT, NULL, 0, 0, "holds no file NAME.yaml");
	write_file("policy.yml", HOST);
	refused_with(-ENOENT, NULL, 0, 0, "holds no file NAME.yaml");
}

static void refuses_a_name_that_two_files_give(void **state)
{
	(void)state;
	write_file("a.yaml", HOST "labels: [l]\npurposes: [p]\nstores:\n"
		   "  s: {paths: [/s], labels: [l]}\nsubjects:\n  u: {user: root}\nzones:\n"
		   "  z: {ports: [tcp]}\n");
	write_file("b.yaml", "labels: [l]\n");
	refused_with(-EINVAL, "b.yaml", 1, 10, "/a.yaml, line 4");
	write_file("b.yaml", "purposes: [p]\n");
	refused_with(-EINVAL, "b.yaml", 1, 12, "the purpose 'p' is declared twice, see ");
	write_file("b.yaml", "\nstores:\n  s: {paths: [/t], labels: [l]}\n");
	refused_with(-EINVAL, "b.yaml", 3, 3, "/a.yaml, line 7");
	write_file("b.yaml", "subjects: {u: {user: root}}\n");
	refused_with(-EINVAL, "b.yaml", 1, 12, "the subject 'u' is already declared in ");
	write_file("b.yaml", "zones: {z: {ports: [udp]}}\n");
	refused_with(-EINVAL, "b.yaml", 1, 9, "/a.yaml, line 11");
	write_file("b.yaml", "stores: {t: {paths: [/s], labels: [l]}}\n");
	refused_with(-EINVAL, "b.yaml", 1, 22, "already in the store 's', /");
}

static void refuses_files_that_disagree(void **state)
{
	(void)state;
	write_file("a.yaml", "mode: observe\nname: host\n");
	write_file("b.yaml", "version: 1\nmode: enforce\n");
	refused_with(-EINVAL, "b.yaml", 2, 7, "mode is 'observe' in ");
	write_file("b.yaml", "version: 1\nname: other\n");
	refused_with(-EINVAL, "b.yaml", 2, 7, "name is 'host' in ");
	write_file("a.yaml", "mode: observe\nname: host\nversion: 1\n");
	write_file("b.yaml", "version: 2\n");
	refused_with(-EINVAL, "b.yaml", 1, 10, "version is '1' in ");
	write_file("b.yaml", "mode: [observe]\n");
	refused_with(-EINVAL, "b.yaml", 1, 7, "mode is 'observe' in ");
}

static void refuses_what_no_file_says(void **state)
{
	(void)state;
	write_file("a.yaml", "version: 1\nname: host\n");
	write_file("b.yaml", "labels: [l]\n");
	refused_with(-EINVAL, NULL, 0, 0, "a policy has no 'mode'");
}

static void refuses_it_whole_if_one_file_is_wrong(void **state)
{
	(void)state;
	write_file("a.yaml", HOST);
	write_file("b.yaml", "rules: [deny anyone to read everything\n");
	refused_with(-EINVAL, "b.yaml", 2, 1, "'['");
	write_file("b.yaml", "- a list\n");
	refused_with(-EINVAL, "b.yaml", 1, 1, "expected the keys of a policy");
	write_file("b.yaml", "");
	refused_with(-EINVAL, "b.yaml", 0, 0, "holds no policy");
	write_file("b.yaml", "ruls: []\n");
	refused_with(-EINVAL, "b.yaml", 1, 1, "'ruls' is not a key of a policy");
}

static void refuses_a_link_that_leads_nowhere(void **state)
{
	(void)state;
	write_file("a.yaml", HOST);
	assert_int_equal(symlink("gone", in_folder("b.yaml")), 0);
	refused_with(-ENOENT, "b.yaml", 0, 0, "No such file");
}

static void refuses_a_folder_named_as_a_file(void **state)
{
	(void)state;
	write_file("a.yaml", HOST);
	assert_int_equal(mkdir(in_folder("b.yaml"), 0700), 0);
	refused_with(-EINVAL, "b.yaml", 0, 0, "not a regular file");
}

static void refuses_files_that_are_too_large_together(void **state)
{
	size_t half = AM_POLICY_BYTES_MAX / 2;
	am_autofree char *text = malloc(half + 1);

	(void)state;
	assert_non_null(text);
	memset(text, '#', half + 1);
	write_bytes("a.yaml", text, half);
	write_bytes("b.yaml", text, half + 1);
	refused_with(-EFBIG, "b.yaml", 0, 0, "with this file the policy is larger than 4 MiB");
}

static void refuses_more_files_than_a_policy_has(void **state)
{
	char name[16];

	(void)state;
	for (unsigned i = 0; i <= AM_FILES_MAX; i++) {
		snprintf(name, sizeof(name), "%u.yaml", i);
		write_file(name, i ? "labels: []\n" : HOST);
	}
	refused_with(-E2BIG, NULL, 0, 0, "more than 256 files");
	assert_int_equal(unlink(in_folder("7.yaml")), 0);
	{
		struct am_diags d;
		am_auto(am_model) struct am_model *m = load(&d);

		assert_int_equal(m->n_files, AM_FILES_MAX);
		am_diags_done(&d);
	}
}

static int make_name(void **state)
{
	(void)state;
	/* Each test makes and removes it anew. */
	return mkdtemp(folder) && !rmdir(folder) ? 0 : -1;
}

#define folder_test(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		folder_test(makes_one_policy_of_its_files),
		folder_test(leaves_other_files_alone),
		folder_test(warns_of_a_file_that_was_likely_meant),
		folder_test(follows_links),
		folder_test(takes_a_folder_with_a_slash_behind_its_name),
		folder_test(refuses_an_empty_folder),
		folder_test(refuses_a_name_that_two_files_give),
		folder_test(refuses_files_that_disagree),
		folder_test(refuses_what_no_file_says),
		folder_test(refuses_it_whole_if_one_file_is_wrong),
		folder_test(refuses_a_link_that_leads_nowhere),
		folder_test(refuses_a_folder_named_as_a_file),
		folder_test(refuses_files_that_are_too_large_together),
		folder_test(refuses_more_files_than_a_policy_has),
	};

	return cmocka_run_group_tests_name("folder", tests, make_name, NULL);
}
