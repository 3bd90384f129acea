// SPDX-License-Identifier: GPL-2.0
/* Moments as a person says them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "base/when.h"

#define S INT64_C(1000000000)

/* 2026-03-01T10:20:30Z, 15:20:30 in Karachi */
static const struct am_when from = { 1772360430 * S + 5, 1772300000 * S };

static void understands_what_people_say(void **state)
{
	static const struct {
		const char *text;
		int64_t s;
	} cases[] = {
		{ "-2h", 1772360430 - 7200 },
		{ "2h", 1772360430 - 7200 },
		{ "1d12h", 1772360430 - 36 * 3600 },
		{ "-90s", 1772360430 - 90 },
		{ "1w", 1772360430 - 7 * 86400 },
		{ "boot", 1772300000 },
		{ "today", 1772305200 },
		{ "yesterday", 1772305200 - 86400 },
		{ "14:02", 1772305200 + 14 * 3600 + 120 },
		{ "14:02:07", 1772305200 + 14 * 3600 + 127 },
		{ "2026-02-28", 1772305200 - 86400 },
		{ "2026-03-01T10:20:30Z", 1772360430 },
		{ "2026-03-01 15:20:30", 1772360430 },
		{ "2026-03-01T15:20", 1772360400 },
		{ "@1772360430", 1772360430 },
		{ "@0", 0 },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		int64_t ns = -1;

		if (am_when_parse(cases[i].text, strlen(cases[i].text), &from, &ns) ||
		    ns != cases[i].s * S)
			fail_msg("%s: %lld", cases[i].text, (long long)ns);
	}
}

static void understands_fractions_and_zones(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} cases[] = {
		{ "2026-03-01T10:20:30.113Z", 1772360430 * S + 113000000 },
		{ "2026-03-01T15:20:30.5", 1772360430 * S + 500000000 },
		{ "15:20:30.000000001", 1772360430 * S + 1 },
		{ "2026-03-01T11:20:30+01:00", 1772360430 * S },
		{ "2026-03-01T06:50:30-0330", 1772360430 * S },
		{ "2026-03-01 11:20:30.25+01", 1772360430 * S + 250000000 },
		{ "2026-03-01T00:20+14:00", (1772360400 - 86400) * S },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		int64_t ns = -1;

		if (am_when_parse(cases[i].text, strlen(cases[i].text), &from, &ns) ||
		    ns != cases[i].ns)
			fail_msg("%s: %lld", cases[i].text, (long long)ns);
	}
}

static void now_is_exact(void **state)
{
	int64_t ns;

	(void)state;
	assert_int_equal(am_when_parse("now", 3, &from, &ns), 0);
	assert_int_equal(ns, from.now_ns);
}

static void refuses_what_is_no_moment(void **state)
{
	static const struct {
		const char *text;
		int r;
	} cases[] = {
		{ "", -EINVAL }, { "-", -EINVAL }, { "h", -EINVAL }, { "2", -EINVAL },
		{ "2x", -EINVAL }, { "2h ", -EINVAL }, { "--2h", -EINVAL }, { "24:00", -EINVAL },
		{ "14:2", -EINVAL }, { "14:02:", -EINVAL }, { "2026-13-01", -EINVAL },
		{ "2026-02-31", -EINVAL }, { "2026-02-28T", -EINVAL }, { "2026-2-28", -EINVAL },
		{ "2026-02-28T10:20:30ZZ", -EINVAL }, { "14:02.5", -EINVAL }, { "14:02:07.", -EINVAL },
		{ "14:02:07.1234567890", -EINVAL }, { "2026-02-28+01:00", -EINVAL },
		{ "14:02+", -EINVAL }, { "14:02+1", -EINVAL }, { "14:02+15:00", -EINVAL },
		{ "14:02+01:60", -EINVAL }, { "14:02+01:", -EINVAL }, { "14:02+01:00Z", -EINVAL },
		{ "1970-01-01T00:00+01:00", -ERANGE }, { "@", -EINVAL }, { "@1x", -EINVAL },
		{ "@-1", -EINVAL }, { "Now", -EINVAL }, { "-14:02", -EINVAL },
		{ "99999999999999999999h", -EINVAL }, { "9999999999w", -ERANGE },
		{ "@9999999999", -ERANGE }, { "999999h", -ERANGE }, { "2201-01-01", -EINVAL },
		{ "11111111111111111111111111111111111111111111111", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		int64_t ns = 42;
		int r = am_when_parse(cases[i].text, strlen(cases[i].text), &from, &ns);

		if (r != cases[i].r || ns != 42)
			fail_msg("'%s': %d", cases[i].text, r);
	}
}

static void yesterday_of_the_first_is_the_last_of_the_month_before(void **state)
{
	int64_t today, yesterday;

	(void)state;
	assert_int_equal(am_when_parse("2026-02-28", 10, &from, &today), 0);
	assert_int_equal(am_when_parse("yesterday", 9, &from, &yesterday), 0);
	assert_int_equal(today, yesterday);
}

static void looks_no_further_than_it_may(void **state)
{
	int64_t ns;

	(void)state;
	assert_int_equal(am_when_parse("now,then", 3, &from, &ns), 0);
	assert_int_equal(am_when_parse("2h\0x", 4, &from, &ns), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(understands_what_people_say),
		cmocka_unit_test(understands_fractions_and_zones),
		cmocka_unit_test(now_is_exact),
		cmocka_unit_test(refuses_what_is_no_moment),
		cmocka_unit_test(yesterday_of_the_first_is_the_last_of_the_month_before),
		cmocka_unit_test(looks_no_further_than_it_may),
	};

	setenv("TZ", "PKT-5", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
