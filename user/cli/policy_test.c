// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "cli/cmd.h"
#include "cli/policy.h"
#include "event/event.h"
#include "policy/testfile.h"

/* One run of the verb. */
struct run {
	const char *policy;
	const char *const *files;
	size_t n_files;
	bool json;
	struct am_json j;
	size_t passed, failed;
};

/* ---- one test --------------------------------------------------------------- */

/* "user=acme read citizen-registry", in memory; NULL for lack of it. */
static char *describe(const struct am_space *space, const struct am_test *test)
{
	const struct am_access *access = &test->ask.access;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	am_who_print(space, &test->ask.who, AM_WHO_SHORT, out);
	if (fflush(out) == 0 && !len)
		fputs("anyone", out);
	fprintf(out, " %s ", am_access_word(access->op));
	am_access_print_object(space, 0, access, out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static char *explain(const struct am_space *space, const struct am_test *test,
		     const struct am_answer *answer)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	am_answer_print(space, &test->ask, answer, out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static void print_failure(const struct am_test *test, const struct am_answer *answer,
			  const char *asked, const char *why)
{
	fputs("        at        ", stdout);
	am_text_print(stdout, test->pos.file);
	printf(":%u:%u\n        asked     %s\n        expected  %s", test->pos.line,
	       test->pos.column, asked, am_verdict_name(test->expect));
	if (test->reason)
		printf(" (%s)", am_reason_name(test->reason));
	printf("\n        got       %s (%s)\n        why       %s\n",
	       am_verdict_name(answer->decision.verdict), am_reason_name(answer->decision.reason),
	       why);
}

static void print_json_test(struct am_json *j, const struct am_test *test,
			    const struct am_answer *answer, const char *asked, const char *why,
			    bool passed)
{
	am_json_object(j, NULL);
	am_json_text(j, "file", test->pos.file);
	am_json_int(j, "line", test->pos.line);
	am_json_text(j, "name", test->name);
	am_json_text(j, "asked", asked);
	am_json_bool(j, "passed", passed);
	am_json_text(j, "expected", am_verdict_name(test->expect));
	am_json_text(j, "expected_reason", test->reason ? am_reason_name(test->reason) : NULL);
	am_json_text(j, "verdict", am_verdict_name(answer->decision.verdict));
	am_json_text(j, "reason", am_reason_name(answer->decision.reason));
	am_json_text(j, "why", why);
	am_json_end(j);
}

static int run_test(struct run *r, const struct am_space *space, const struct am_test *test)
{
	struct am_answer answer;
	bool passed = am_test_run(test, space, &answer);
	am_autofree char *asked = describe(space, test), *why = explain(space, test, &answer);

	if (!asked || !why)
		return -ENOMEM;
	*(passed ? &r->passed : &r->failed) += 1;
	if (r->json) {
		print_json_test(&r->j, test, &answer, asked, why, passed);
		return 0;
	}
	fputs(passed ? "ok      " : "FAIL    ", stdout);
	am_text_print(stdout, test->name ? test->name : asked);
	fputc('\n', stdout);
	if (!passed)
		print_failure(test, &answer, asked, why);
	return 0;
}

/* ---- files ------------------------------------------------------------------ */

static int run_file(struct run *r, const struct am_space *space, const char *path)
{
	am_auto(am_tests) struct am_tests *tests = NULL;
	struct am_diags diags;
	int err;

	am_diags_init(&diags);
	err = am_tests_load(path, space, &diags, &tests);
	am_diags_print(&diags, stderr);
	am_diags_done(&diags);
	for (size_t i = 0; !err && i < tests->count; i++)
		err = run_test(r, space, &tests->items[i]);
	return err;
}

static int is_test_file(const struct dirent *entry)
{
	static const char end[] = ".test.yaml";
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > strlen(end) &&
	       !strcmp(entry->d_name + len - strlen(end), end);
}

static int run_in_folder(struct run *r, const struct am_space *space, const char *name)
{
	am_autofree char *path = NULL;

	if (asprintf(&path, "%s/%s", r->policy, name) < 0)
		return -ENOMEM;
	return run_file(r, space, path);
}

/* The test files in the folder that the policy is, in the order of their names. How many
 * there are, or an error; none is no error, nor is a policy that is a file. */
static int run_folder(struct run *r, const struct am_space *space)
{
	struct dirent **entries = NULL;
	int n = scandir(r->policy, &entries, is_test_file, alphasort), err = 0;

	if (n < 0)
		return errno == ENOTDIR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		if (!err)
			err = run_in_folder(r, space, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return err ? err : n;
}

/* registry.yaml has registry.test.yaml beside it, and so has a folder of that name, unless
 * its tests are in it. */
static char *default_file(const char *policy)
{
	size_t len = strlen(policy);
	char *path = NULL;

	while (len > 1 && policy[len - 1] == '/')
		len--;
	if (len > 5 && !memcmp(policy + len - 5, ".yaml", 5))
		len -= 5;
	else if (len > 4 && !memcmp(policy + len - 4, ".yml", 4))
		len -= 4;
	return asprintf(&path, "%.*s.test.yaml", (int)len, policy) < 0 ? NULL : path;
}

static int run_files(struct run *r, const struct am_space *space)
{
	am_autofree char *path = NULL;
	int err = 0;

	for (size_t i = 0; !err && i < r->n_files; i++)
		err = run_file(r, space, r->files[i]);
	if (r->n_files || err)
		return err;
	err = run_folder(r, space);
	if (err)
		return err < 0 ? err : 0;
	path = default_file(r->policy);
	return path ? run_file(r, space, path) : -ENOMEM;
}

/* What the policy says, on no host in particular. */
static int load(const char *path, struct am_model **ret_model, struct am_space **ret)
{
	struct am_diags diags;
	int err;

	am_diags_init(&diags);
	err = am_model_load(path, &diags, ret_model);
	if (!err)
		err = am_space_new((const struct am_model *const *)ret_model, 1, NULL, &diags, ret);
	if (err)	/* warnings are for `policy check` */
		am_diags_print(&diags, stderr);
	am_diags_done(&diags);
	return err;
}

/* ---- the verb --------------------------------------------------------------- */

static int finish(struct run *r)
{
	int out = 0;

	if (r->json) {
		am_json_end(&r->j);
		am_json_int(&r->j, "passed", r->passed);
		am_json_int(&r->j, "failed", r->failed);
		out = am_json_done(&r->j);
	} else {
		printf("%zu passed, %zu failed\n", r->passed, r->failed);
	}
	return am_cli_answered(r->failed ? AM_EXIT_NO : AM_EXIT_YES, out);
}

static int run(struct run *r)
{
	am_auto(am_model) struct am_model *model = NULL;
	am_auto(am_space) struct am_space *space = NULL;
	int err = load(r->policy, &model, &space);

	if (!err && r->json) {
		am_json_init(&r->j, stdout);
		am_json_object(&r->j, NULL);
		am_json_text(&r->j, "policy", r->policy);
		am_json_list(&r->j, "tests");
	}
	if (!err)
		err = run_files(r, space);
	if (!err)
		return finish(r);
	if (err == -ENOMEM)
		fputs("error: out of memory\n", stderr);
	return AM_EXIT_USAGE;
}

int am_cli_policy_test(int argc, char **argv)
{
	am_autofree const char **files = calloc(argc + 1, sizeof(*files));
	struct run r = { .files = files };

	if (!files)
		return AM_EXIT_USAGE;
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			puts("usage: " AM_USAGE_TEST);
			return AM_EXIT_YES;
		}
		if (!strcmp(argv[i], "--json")) {
			r.json = true;
		} else if (argv[i][0] == '-') {
			r.policy = NULL;
			break;
		} else if (!r.policy) {
			r.policy = argv[i];
		} else {
			files[r.n_files++] = argv[i];
		}
	}
	if (r.policy)
		return run(&r);
	fputs("usage: " AM_USAGE_TEST "\n", stderr);
	return AM_EXIT_USAGE;
}
