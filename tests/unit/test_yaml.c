// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "fds.h"
#include "policy/yaml.h"
#include "policy_text.h"

/* ---- the tree --------------------------------------------------------------- */

static struct am_node *parse(const char *text)
{
	struct am_node *root = NULL;
	struct am_diags d;

	am_diags_init(&d);
	assert_int_equal(am_yaml_parse("f", text, strlen(text), &d, &root), 0);
	assert_int_equal(d.errors, 0);
	am_diags_done(&d);
	return root;
}

static void knows_where_every_value_stands(void **state)
{
	am_auto(am_node) struct am_node *root = parse("a: x\nb:\n  - \"y\"\n  - {c: 'z'}\n");
	const struct am_node *list;

	(void)state;
	assert_int_equal(root->kind, AM_NODE_MAP);
	assert_int_equal(root->n_items, 4);
	assert_string_equal(root->items[1]->text, "x");
	assert_int_equal(root->items[1]->pos.line, 1);
	assert_int_equal(root->items[1]->pos.column, 4);
	assert_false(root->items[1]->quoted);
	list = root->items[3];
	assert_int_equal(list->kind, AM_NODE_LIST);
	assert_string_equal(list->items[0]->text, "y");
	assert_true(list->items[0]->quoted);
	assert_int_equal(list->items[0]->pos.line, 3);
	assert_int_equal(list->items[0]->pos.column, 5);
	assert_string_equal(list->items[1]->items[1]->text, "z");
	assert_int_equal(list->items[1]->items[1]->pos.column, 9);
}

static void keeps_what_yaml_would_turn_into_other_types(void **state)
{
	am_auto(am_node) struct am_node *root = parse("[no, 0x10, 1e3, null, ~, 2001-01-01]");
	static const char *const texts[] = { "no", "0x10", "1e3", "null", "~", "2001-01-01" };

	(void)state;
	for (size_t i = 0; i < 6; i++)
		assert_string_equal(root->items[i]->text, texts[i]);
}

static void finds_words_where_they_were_written(void **state)
{
	am_auto(am_node) struct am_node *root = parse("- \xd8\xb4 aa\n    a  b\n");
	struct am_node_words words;
	struct am_pos pos;

	(void)state;
	am_node_words_init(&words, root->items[0]);
	pos = am_node_words_find(&words, "aa", 2);
	assert_int_equal(pos.line, 1);
	assert_int_equal(pos.column, 5);
	pos = am_node_words_find(&words, "a", 1);
	assert_int_equal(pos.line, 2);
	assert_int_equal(pos.column, 5);
	pos = am_node_words_find(&words, "zz", 2);
	assert_int_equal(pos.line, 1);
	assert_int_equal(pos.column, 3);
	pos = am_node_words_find(&words, "b", 1);
	assert_int_equal(pos.line, 2);
	assert_int_equal(pos.column, 8);
}

static void refuses_more_values_than_it_would_keep(void **state)
{
	size_t len = 2 * (AM_YAML_NODES_MAX + 10);
	am_autofree char *text = malloc(len);
	struct am_node *root = NULL;
	struct am_diags d;

	(void)state;
	for (size_t i = 0; i < len; i += 2)
		memcpy(text + i, i ? "a," : "[ ", 2);
	am_diags_init(&d);
	assert_int_equal(am_yaml_parse("f", text, len, &d, &root), -EINVAL);
	assert_null(root);
	assert_int_equal(d.count, 1);
	assert_non_null(strstr(d.items[0].fact, "too many values"));
	am_diags_done(&d);
}

/* ---- files ------------------------------------------------------------------ */

static char folder[] = "/tmp/amanat-yaml-XXXXXX";

static char *in_folder(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void write_file(const char *name, const char *text, size_t len)
{
	am_autoclose int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
}

/* Loading must fail with `err` and one error, about the file, that holds `fact`. */
static void refused(const char *path, int err, const char *fact)
{
	struct am_model *model = (void *)0x5a;
	int fds = count_fds();
	struct am_diags d;

	am_diags_init(&d);
	assert_int_equal(am_model_load(path, &d, &model), err);
	assert_ptr_equal(model, (void *)0x5a);
	assert_int_equal(d.errors, 1);
	assert_string_equal(d.items[0].file, path);
	assert_non_null(strstr(d.items[0].fact, fact));
	assert_true(is_well_said(&d.items[0]));
	am_diags_done(&d);
	assert_int_equal(count_fds(), fds);
}

static void refuses_a_file_that_is_not_there(void **state)
{
	(void)state;
	refused(in_folder("missing"), -ENOENT, "No such file");
}

static void refuses_a_fifo_without_waiting_for_a_writer(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	refused(in_folder("fifo"), -EINVAL, "not a regular file");
	assert_int_equal(unlink(in_folder("fifo")), 0);
}

static void refuses_a_device(void **state)
{
	(void)state;
	refused("/dev/zero", -EINVAL, "not a regular file");
}

static void refuses_a_file_that_it_may_not_read(void **state)
{
	(void)state;
	write_file("secret", "version: 1\n", 11);
	assert_int_equal(chmod(in_folder("secret"), 0), 0);
	assert_int_equal(chmod(folder, 0755), 0);
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	refused(in_folder("secret"), -EACCES, "Permission denied");
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(unlink(in_folder("secret")), 0);
}

static void refuses_a_file_of_100_mb_without_reading_it(void **state)
{
	(void)state;
	write_file("huge", "", 0);
	assert_int_equal(truncate(in_folder("huge"), 100 << 20), 0);
	refused(in_folder("huge"), -EFBIG, "larger than 4 MiB");
	assert_int_equal(unlink(in_folder("huge")), 0);
}

static void refuses_one_byte_more_than_4_mib(void **state)
{
	(void)state;
	write_file("big", "", 0);
	assert_int_equal(truncate(in_folder("big"), AM_POLICY_BYTES_MAX + 1), 0);
	refused(in_folder("big"), -EFBIG, "larger than 4 MiB");
	assert_int_equal(truncate(in_folder("big"), AM_POLICY_BYTES_MAX), 0);
	refused(in_folder("big"), -EINVAL, "NUL byte");
	assert_int_equal(unlink(in_folder("big")), 0);
}

/* Files of the kernel say size 0 and have bytes, so a size must not be believed. */
static void reads_a_file_that_does_not_know_its_size(void **state)
{
	(void)state;
	refused("/proc/self/stat", -EINVAL, "");
	if (access("/proc/kallsyms", R_OK) < 0) {
		print_message("no /proc/kallsyms, the only large file that hides its size\n");
		skip();
	}
	refused("/proc/kallsyms", -EFBIG, "larger than 4 MiB");
}

static void refuses_an_empty_file(void **state)
{
	(void)state;
	write_file("empty", "", 0);
	refused(in_folder("empty"), -EINVAL, "holds no policy");
	assert_int_equal(unlink(in_folder("empty")), 0);
}

static void loads_a_policy_with_windows_line_ends_and_mark(void **state)
{
	static const char text[] = "\xef\xbb\xbfversion: 1\r\nname: p\r\nmode: observe\r\n"
				   "rules:\r\n  - allow anyone\r\n    to read everything\r\n";
	am_auto(am_model) struct am_model *model = NULL;
	struct am_diags d;

	(void)state;
	write_file("crlf", text, sizeof(text) - 1);
	am_diags_init(&d);
	assert_int_equal(am_model_load(in_folder("crlf"), &d, &model), 0);
	assert_int_equal(model->mode, AM_MODE_OBSERVE);
	assert_int_equal(model->n_rules, 1);
	am_diags_done(&d);
	assert_int_equal(unlink(in_folder("crlf")), 0);
}

/* ---- policies kept as files -------------------------------------------------- */

static int any_account(void *ctx, const char *name, uint32_t *ret)
{
	(void)ctx;
	(void)name;
	*ret = 1;
	return 0;
}

static int try_file(const char *path)
{
	static const struct am_resolver anybody = { .user = any_account, .group = any_account };
	am_auto(am_registry) struct am_registry *registry = NULL;
	am_auto(am_model) struct am_model *model = NULL;
	am_auto(am_image) struct am_image *image = NULL;
	struct am_diags d;
	int err;

	am_diags_init(&d);
	assert_int_equal(am_registry_new(&registry), 0);
	err = am_model_load(path, &d, &model);
	if (!err)
		err = am_image_compile(model, registry, &anybody, &d, &image);
	for (size_t i = 0; i < d.count; i++)
		assert_true(is_well_said(&d.items[i]));
	assert_true(err == 0 || d.errors > 0);
	am_diags_done(&d);
	return err;
}

static void try_folder(const char *path, int expected)
{
	DIR *dir = opendir(path);
	unsigned tried = 0;

	if (!dir) {
		print_message("no %s: run the tests from the top of the tree\n", path);
		skip();
	}
	for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		char name[512];

		if (!strstr(e->d_name, ".yaml") || strstr(e->d_name, ".test.yaml"))
			continue;	/* those are for `policy test` */
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		if (try_file(name) != expected)
			fail_msg("%s was not %s", name, expected ? "refused" : "accepted");
		tried++;
	}
	closedir(dir);
	assert_true(tried > 0);
}

static void accepts_every_good_policy_kept_as_a_file(void **state)
{
	(void)state;
	try_folder("tests/data/policy/good", 0);
}

static void refuses_every_bad_policy_kept_as_a_file(void **state)
{
	(void)state;
	try_folder("tests/data/policy/bad", -EINVAL);
}

static void accepts_every_policy_that_we_ship(void **state)
{
	(void)state;
	try_folder("policies", 0);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_where_every_value_stands),
		cmocka_unit_test(keeps_what_yaml_would_turn_into_other_types),
		cmocka_unit_test(finds_words_where_they_were_written),
		cmocka_unit_test(refuses_more_values_than_it_would_keep),
		cmocka_unit_test(refuses_a_file_that_is_not_there),
		cmocka_unit_test(refuses_a_fifo_without_waiting_for_a_writer),
		cmocka_unit_test(refuses_a_device),
		cmocka_unit_test(refuses_a_file_that_it_may_not_read),
		cmocka_unit_test(refuses_a_file_of_100_mb_without_reading_it),
		cmocka_unit_test(refuses_one_byte_more_than_4_mib),
		cmocka_unit_test(reads_a_file_that_does_not_know_its_size),
		cmocka_unit_test(refuses_an_empty_file),
		cmocka_unit_test(loads_a_policy_with_windows_line_ends_and_mark),
		cmocka_unit_test(accepts_every_good_policy_kept_as_a_file),
		cmocka_unit_test(refuses_every_bad_policy_kept_as_a_file),
		cmocka_unit_test(accepts_every_policy_that_we_ship),
	};

	return cmocka_run_group_tests_name("yaml", tests, make_folder, remove_folder);
}
