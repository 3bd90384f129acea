// SPDX-License-Identifier: GPL-2.0
/* Where units lie among the cgroups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/array.h"
#include "base/cgroup.h"

static void a_unit_lies_in_slices_alone(void **state)
{
	static const struct {
		const char *path, *unit;
		bool is, in;
	} cases[] = {
		{ "/system.slice/a.service", "a.service", true, true },
		{ "/system.slice/a.service/x", "a.service", false, true },
		{ "/system.slice/system-a.slice/a@1.service", "a@1.service", true, true },
		{ "/a.service", "a.service", true, true },
		{ "/system.slice", "system.slice", true, true },
		{ "/system.slice/x.service/a.service", "a.service", false, false },
		{ "/user.slice/user-5.slice/user@5.service/app.slice/a.service", "a.service", false,
		  false },
		{ "/system.slice/box.scope/system.slice/a.service", "a.service", false, false },
		{ "/system.slice/box.scope/system.slice", "system.slice", false, true },
		{ "/system.slice/aa.service", "a.service", false, false },
		{ "/jobs/a.service", "a.service", false, false },
		{ "", "a.service", false, false },
		{ "/", "a.service", false, false },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		if (am_cgroup_is_unit(cases[i].path, cases[i].unit) != cases[i].is ||
		    am_cgroup_in_unit(cases[i].path, cases[i].unit) != cases[i].in)
			fail_msg("%s and %s", cases[i].path, cases[i].unit);
	}
}

static void a_cgroup_has_at_most_one_unit(void **state)
{
	static const char *const cases[][2] = {
		{ "/system.slice/a.service", "a.service" },
		{ "/system.slice/a.service/b.service", "a.service" },
		{ "/user.slice/user-5.slice/user@5.service/app.slice/b.service", "user@5.service" },
		{ "/user.slice/user-5.slice/session-3.scope", "session-3.scope" },
		{ "/init.scope", "init.scope" },
		{ "/system.slice", NULL },
		{ "/jobs/a.service", NULL },
		{ "/.service", NULL },
		{ "/.slice/a.service", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		size_t len;
		const char *unit = am_cgroup_unit(cases[i][0], &len);

		if (!unit != !cases[i][1] ||
		    (unit && (len != strlen(cases[i][1]) || memcmp(unit, cases[i][1], len))))
			fail_msg("%s", cases[i][0]);
	}
}

static void units_may_lie_in_what_is_all_slices(void **state)
{
	(void)state;
	assert_true(am_cgroup_of_slices("/"));
	assert_true(am_cgroup_of_slices("/system.slice/system-a.slice"));
	assert_false(am_cgroup_of_slices("/system.slice/a.service"));
	assert_false(am_cgroup_of_slices("/jobs/a.slice"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_unit_lies_in_slices_alone),
		cmocka_unit_test(a_cgroup_has_at_most_one_unit),
		cmocka_unit_test(units_may_lie_in_what_is_all_slices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
