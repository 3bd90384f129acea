// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/coverage.h"
#include "base/flavour.h"
#include "base/symbols.h"
#include "event/roads.h"

/* ---- flavours ----------------------------------------------------------------- */

static void knows_the_hook_and_the_function_of_each_kind_of_program(void **state)
{
	static const struct {
		const char *section;
		enum am_flavour flavour;
		const char *name, *symbol;
	} cases[] = {
		{ "lsm/file_open", AM_FLAVOUR_LSM, "file_open", "bpf_lsm_file_open" },
		{ "?lsm.s/file_open", AM_FLAVOUR_LSM, "file_open", "bpf_lsm_file_open" },
		{ "?fmod_ret/security_file_open", AM_FLAVOUR_FMOD_RET, "file_open",
		  "security_file_open" },
		{ "fmod_ret/security_bprm_check", AM_FLAVOUR_FMOD_RET, "bprm_check_security",
		  "security_bprm_check" },
		{ "?fmod_ret/security_prepare_creds", AM_FLAVOUR_FMOD_RET, "cred_prepare",
		  "security_prepare_creds" },
		{ "?fentry/security_inode_free", AM_FLAVOUR_FMOD_RET, "inode_free_security",
		  "security_inode_free" },
		{ "fentry/get_pipe_info", AM_FLAVOUR_AUTO, "get_pipe_info()", "get_pipe_info" },
		{ "?kprobe.session/get_pipe_info", AM_FLAVOUR_AUTO, "get_pipe_info()", "get_pipe_info" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[AM_HOOK_NAME], symbol[AM_HOOK_NAME];
		struct am_target target;

		print_message("%s\n", cases[i].section);
		assert_true(am_target_of(cases[i].section, &target));
		assert_int_equal(target.flavour, cases[i].flavour);
		assert_int_equal(target.probe, strstr(cases[i].section, "kprobe") != NULL);
		am_target_name(&target, name, sizeof(name));
		assert_string_equal(name, cases[i].name);
		am_hook_symbol(target.flavour, name, symbol, sizeof(symbol));
		assert_string_equal(symbol, cases[i].symbol);
	}
}

static void knows_what_hangs_on_no_function(void **state)
{
	struct am_target target;

	(void)state;
	assert_false(am_target_of("tp_btf/sched_process_exit", &target));
	assert_false(am_target_of("syscall", &target));
	assert_false(am_target_of("", &target));
}

static void reads_back_the_names_of_flavours(void **state)
{
	enum am_flavour f = AM_FLAVOUR_MAX_;

	(void)state;
	for (int i = 0; i < AM_FLAVOUR_MAX_; i++) {
		assert_int_equal(am_flavour_parse(am_flavour_name((enum am_flavour)i), &f), 0);
		assert_int_equal(f, i);
	}
	f = AM_FLAVOUR_LSM;
	assert_int_equal(am_flavour_parse("fmod", &f), -EINVAL);
	assert_int_equal(f, AM_FLAVOUR_LSM);
	assert_null(am_flavour_name(AM_FLAVOUR_MAX_));
}

/* ---- roads -------------------------------------------------------------------- */

static bool has_all(void *ctx, const char *hook)
{
	const char *without = ctx;

	return !without || strcmp(hook, without) != 0;
}

static void says_why_of_every_road_that_is_not_enforced(void **state)
{
	const char *missing;

	(void)state;
	for (size_t i = 0; i < am_roads_count; i++) {
		const struct am_coverage_road *road = &am_roads[i];

		print_message("%s\n", road->name);
		assert_true(!strcmp(road->op, "read") || !strcmp(road->op, "write") ||
			    !strcmp(road->op, "send"));
		if (am_road_cover(road, has_all, NULL, &missing) == AM_COVER_ENFORCED)
			assert_non_null(road->hooks[0]);
		else
			assert_non_null(road->why);
		assert_null(missing);
	}
}

static void calls_a_road_open_that_lacks_one_of_its_hooks(void **state)
{
	(void)state;
	for (size_t i = 0; i < am_roads_count; i++) {
		for (size_t k = 0; k < AM_ROAD_HOOKS && am_roads[i].hooks[k]; k++) {
			const char *missing = NULL;
			enum am_cover cover = am_road_cover(&am_roads[i], has_all,
							    (void *)am_roads[i].hooks[k], &missing);

			assert_int_not_equal(cover, AM_COVER_ENFORCED);
			assert_string_equal(missing, am_roads[i].hooks[k]);
		}
	}
}

static char *shown(const char *without, bool json)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct am_json j;

	assert_non_null(out);
	if (json) {
		am_json_init(&j, out);
		am_json_object(&j, NULL);
		am_roads_json(&j, has_all, (void *)without);
		assert_int_equal(am_json_done(&j), 0);
	} else {
		am_roads_text(out, "rules      ", has_all, (void *)without);
	}
	assert_int_equal(fclose(out), 0);
	return text;
}

static void tells_a_person_which_hook_lacks(void **state)
{
	am_autofree char *all = shown(NULL, false), *text = shown("mmap_file", false);
	am_autofree char *json = shown("mmap_file", true);

	(void)state;
	assert_ptr_equal(strstr(all, "rules      read: enforced on "), all);
	assert_non_null(strstr(all, "\n           write: enforced on "));
	assert_null(strstr(all, "no program on"));
	assert_non_null(strstr(text, "\n             not covered: mmap (no program on mmap_file)\n"));
	assert_non_null(strstr(json, "{\"road\":\"mmap\",\"op\":\"read\",\"state\":\"not covered\","
				     "\"missing_hook\":\"mmap_file\""));
}

/* ---- what a kernel has -------------------------------------------------------- */

struct tree {
	char root[32];
	char file[64];
};

static int make_tree(void **state)
{
	static struct tree t;
	char dir[48];

	t = (struct tree){ .root = "/tmp/amanat-symbols.XXXXXX" };
	if (!mkdtemp(t.root))
		return -1;
	(void)snprintf(dir, sizeof(dir), "%s/proc", t.root);
	(void)snprintf(t.file, sizeof(t.file), "%s/kallsyms", dir);
	*state = &t;
	return mkdir(dir, 0755);
}

static int remove_tree(void **state)
{
	struct tree *t = *state;
	char dir[48];

	(void)unlink(t->file); /* some tests make none */
	(void)snprintf(dir, sizeof(dir), "%s/proc", t->root);
	return rmdir(dir) || rmdir(t->root);
}

static void write_symbols(const struct tree *t, const char *text)
{
	FILE *f = fopen(t->file, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void finds_the_hooks_of_the_flavour_among_the_symbols(void **state)
{
	struct tree *t = *state;
	const struct am_host host = { .root = t->root };
	am_auto(am_symbols) struct am_symbols *lsm = NULL, *mod = NULL;

	write_symbols(t, "ffffffff81000000 T security_file_open\n"
			 "0000000000000000 T bpf_lsm_file_permission\n"
			 "nonsense\n\n"
			 "0000000000000000 t security_bprm_check_more\t[module]\n"
			 "0000000000000000 T security_prepare_creds\n");
	assert_int_equal(am_symbols_read(&host, AM_FLAVOUR_LSM, &lsm), 0);
	assert_int_equal(am_symbols_read(&host, AM_FLAVOUR_FMOD_RET, &mod), 0);
	assert_true(am_symbols_have(lsm, "file_permission"));
	assert_false(am_symbols_have(lsm, "file_open"));
	assert_true(am_symbols_have(mod, "file_open"));
	assert_true(am_symbols_have(mod, "cred_prepare"));
	assert_false(am_symbols_have(mod, "file_permission"));
	assert_false(am_symbols_have(mod, "bprm_check_security"));
	assert_false(am_symbols_have(mod, "nothing_of_ours"));
}

static void says_nothing_of_a_kernel_that_tells_nothing(void **state)
{
	struct tree *t = *state;
	const struct am_host host = { .root = t->root };
	struct am_symbols *symbols = NULL;

	assert_int_equal(am_symbols_read(&host, AM_FLAVOUR_LSM, &symbols), -ENOENT);
	write_symbols(t, "");
	assert_int_equal(am_symbols_read(&host, AM_FLAVOUR_LSM, &symbols), -ENOENT);
	assert_null(symbols);
}

#define TREE_TEST(name) cmocka_unit_test_setup_teardown(name, make_tree, remove_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_hook_and_the_function_of_each_kind_of_program),
		cmocka_unit_test(knows_what_hangs_on_no_function),
		cmocka_unit_test(reads_back_the_names_of_flavours),
		cmocka_unit_test(says_why_of_every_road_that_is_not_enforced),
		cmocka_unit_test(calls_a_road_open_that_lacks_one_of_its_hooks),
		cmocka_unit_test(tells_a_person_which_hook_lacks),
		TREE_TEST(finds_the_hooks_of_the_flavour_among_the_symbols),
		TREE_TEST(says_nothing_of_a_kernel_that_tells_nothing),
	};

	return cmocka_run_group_tests_name("coverage", tests, NULL, NULL);
}
