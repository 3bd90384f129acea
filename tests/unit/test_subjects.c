// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/subjects.h"
#include "policy_text.h"

/* Every kind of fact has a subject that asks for it. */
enum { TOOL, REPORT, USER, GROUP, LOGIN, UNIT, INNER, TELLER, EVERYBODY, N_SUBJECTS };

enum { CGROUP_SLICE = 70, CGROUP_UNIT = 71, CGROUP_INNER = 72 };

static char tool[64], report[64];
static struct compiled policy;
static struct am_findings found;
static struct am_cgroup cgroups[2];

static void touch(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fclose(f), 0);
}

static struct am_set only(unsigned subject)
{
	struct am_set set = policy.image->policy->unlisted[AM_FACT_CGROUP];

	set.w[0] |= 1ULL << subject;
	return set;
}

/* The unit /slice/x.service and a cgroup within it, as they would be found. */
static void make_cgroups(void)
{
	cgroups[0] = (struct am_cgroup){ .id = CGROUP_UNIT, .set = only(UNIT) };
	cgroups[1] = (struct am_cgroup){ .id = CGROUP_INNER, .set = only(UNIT) };
	cgroups[1].set.w[0] |= 1ULL << INNER;
	found.cgroups = cgroups;
	found.n_cgroups = 2;
}

static int make_policy(void **state)
{
	char text[1024];

	(void)state;
	snprintf(tool, sizeof(tool), "/tmp/amanat-subjects-%d-tool", getpid());
	snprintf(report, sizeof(report), "/tmp/amanat-subjects-%d-report", getpid());
	touch(tool);
	touch(report);
	snprintf(text, sizeof(text),
		 "version: 1\nname: p\nmode: enforce\nlabels: [cnic]\npurposes: [kyc]\n"
		 "stores: {s: {paths: [/srv/s], labels: [cnic], purposes: [kyc]}}\n"
		 "subjects:\n  tool: {exe: %s}\n  report: {script: %s}\n  user: {user: acme}\n"
		 "  group: {group: staff}\n  login: {login: postgres}\n  unit: {unit: x.service}\n"
		 "  inner: {cgroup: /slice/x.service/inner}\n"
		 "  teller: {user: acme, purpose: kyc}\n  everybody: {third-party: X}\n"
		 "rules:\n  - allow everybody to read s\n", tool, report);
	assert_int_equal(compile_text(&policy, text), 0);
	assert_int_equal(am_exes_new(policy.image, NULL, &policy.diags, &found.exes), 0);
	assert_int_equal(found.exes->n_files, 2);
	found.exes->names[0].file->id = 7;
	found.exes->names[1].file->id = 8;
	make_cgroups();
	return 0;
}

static int drop_policy(void **state)
{
	(void)state;
	am_exes_free(found.exes);
	drop_compiled(&policy);
	(void)unlink(tool);
	(void)unlink(report);
	return 0;
}

static struct am_task_facts nobody(void)
{
	return (struct am_task_facts){ .uid = 5000, .login = UINT32_MAX };
}

/* `wanted` is a bit per subject. */
static void expect_bits(const char *name, const struct am_task_facts *facts, unsigned wanted)
{
	struct am_set bits;
	unsigned got;

	am_subjects_find(policy.image, &found, facts, &bits);
	got = bits.w[0] & ((1U << N_SUBJECTS) - 1);
	if (got != (wanted | 1U << EVERYBODY))
		fail_msg("%s: %#x", name, got);
}

static void nobody_in_particular_is_who_has_no_condition(void **state)
{
	struct am_task_facts f = nobody();

	(void)state;
	expect_bits("nobody", &f, 0);
	f.exe = 99;	/* the id of a file that no policy names any more */
	f.script = 99;
	f.cgroups[0] = 1;
	f.n_cgroups = 1;
	expect_bits("other facts", &f, 0);
}

static void each_fact_makes_its_subject(void **state)
{
	struct am_task_facts f = nobody();

	(void)state;
	f.exe = 7;
	expect_bits("exe", &f, 1U << TOOL);
	f = nobody();
	f.script = 8;
	expect_bits("script", &f, 1U << REPORT);
	f.script = 7;
	f.exe = 8;
	expect_bits("a script as executable, and the reverse", &f, 0);
	f = nobody();
	f.uid = 1001;
	expect_bits("user, without the purpose", &f, 1U << USER);
	f = nobody();
	f.login = 114;
	expect_bits("login", &f, 1U << LOGIN);
}

static void one_group_of_several_is_enough(void **state)
{
	struct am_task_facts f = nobody();

	(void)state;
	f.n_gids = 3;
	f.gids[0] = 1;
	f.gids[2] = 50;
	expect_bits("the last of three", &f, 1U << GROUP);
	f.n_gids = 2;
	expect_bits("beyond those it has", &f, 0);
}

static void the_lowest_listed_cgroup_counts(void **state)
{
	struct am_task_facts f = nobody();

	(void)state;
	f.cgroups[0] = 1;
	f.cgroups[1] = CGROUP_SLICE;
	f.cgroups[2] = CGROUP_UNIT;
	f.cgroups[3] = CGROUP_INNER;
	f.cgroups[4] = 12345;
	f.n_cgroups = 2;
	expect_bits("above the unit", &f, 0);
	f.n_cgroups = 3;
	expect_bits("the unit", &f, 1U << UNIT);
	f.n_cgroups = 5;
	expect_bits("below a cgroup in it", &f, 1U << UNIT | 1U << INNER);
}

static void a_file_that_does_not_count_makes_nobody(void **state)
{
	struct am_task_facts f = nobody();

	(void)state;
	f.exe = 7;
	assert_int_equal(unlink(tool), 0);
	assert_int_equal(symlink("/nonexistent", tool), 0);
	assert_int_equal(am_exes_look(found.exes), 0);
	expect_bits("deleted, but as it was", &f, 1U << TOOL);
	assert_int_equal(unlink(tool), 0);
	touch(tool);
	assert_int_equal(am_exes_look(found.exes), 0);
	expect_bits("the old one beside a new one", &f, 1U << TOOL);
	f.exe = 0;
	expect_bits("the new one before it has an id", &f, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_in_particular_is_who_has_no_condition),
		cmocka_unit_test(each_fact_makes_its_subject),
		cmocka_unit_test(one_group_of_several_is_enough),
		cmocka_unit_test(the_lowest_listed_cgroup_counts),
		cmocka_unit_test(a_file_that_does_not_count_makes_nobody),
	};

	return cmocka_run_group_tests(tests, make_policy, drop_policy);
}
