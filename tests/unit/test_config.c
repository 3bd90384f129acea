// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/config.h"
#include "base/cleanup.h"

/* Parses `words`, which end with NULL; *said gets what was printed and is owned. */
static int parse(const char *const *words, struct am_config *config, char **said)
{
	size_t len;
	FILE *err = open_memstream(said, &len);
	int argc = 0, r;

	while (words[argc])
		argc++;
	r = am_config_parse(argc, (char *const *)words, err, config);
	assert_int_equal(fclose(err), 0);
	return r;
}

#define WORDS(...) ((const char *const[]){ "amanatd", __VA_ARGS__ __VA_OPT__(,) NULL })

static void runs_with_defaults_when_nothing_is_said(void **state)
{
	am_autofree char *said = NULL;
	struct am_config c;

	(void)state;
	assert_int_equal(parse(WORDS(), &c, &said), 0);
	assert_int_equal(c.action, AM_CONFIG_RUN);
	assert_string_equal(c.policy, "/etc/amanat/policy.yaml");
	assert_string_equal(c.state, "/var/lib/amanat");
	assert_string_equal(c.run, "/run/amanat");
	assert_string_equal(c.keys, "/etc/amanat/keys");
	assert_string_equal(c.bundles, "/etc/amanat/bundles");
	assert_null(c.group);
	assert_int_equal(c.flavour, AM_FLAVOUR_AUTO);
	assert_int_equal(c.tags, 0);
	assert_string_equal(said, "");
}

static void takes_every_option(void **state)
{
	am_autofree char *said = NULL;
	struct am_config c;

	(void)state;
	assert_int_equal(parse(WORDS("--policy", "p", "--state", "s", "--run", "r", "--group", "g",
				     "--keys", "k", "--bundles", "b",
				     "--hooks", "fmod_ret", "--tags", "64", "--strays", "1048576", "--ledger-max", "2G",
				     "--ledger-segment", "512K", "--ledger-keep", "90d",
				     "--ledger-full", "stop"), &c, &said), 0);
	assert_string_equal(c.policy, "p");
	assert_string_equal(c.state, "s");
	assert_string_equal(c.run, "r");
	assert_string_equal(c.group, "g");
	assert_string_equal(c.keys, "k");
	assert_string_equal(c.bundles, "b");
	assert_int_equal(c.flavour, AM_FLAVOUR_FMOD_RET);
	assert_int_equal(c.tags, 64);
	assert_int_equal(c.strays, 1048576);
	assert_int_equal(c.keeping.max_bytes, 2ULL << 30);
	assert_int_equal(c.keeping.segment_bytes, 512 << 10);
	assert_int_equal(c.keeping.keep_s, 90 * 86400);
	assert_int_equal(c.keeping.full, AM_FULL_STOP);
}

static void keeps_a_ledger_that_fits_the_disk_if_nothing_is_said(void **state)
{
	static const struct {
		uint64_t disk, max, segment;
	} cases[] = {
		{ 1ULL << 40, 4ULL << 30, 32 << 20 },
		{ 8ULL << 30, 2ULL << 30, 32 << 20 },
		{ 400 << 20, 100 << 20, 100 << 17 },
		{ 8 << 20, 2 << 20, 256 << 10 },
		{ 1 << 20, 1 << 20, 128 << 10 },
		{ 0, 4ULL << 30, 32 << 20 },
	};
	am_autofree char *said = NULL;
	struct am_writer_options o;
	struct am_config c;

	(void)state;
	assert_int_equal(parse(WORDS(), &c, &said), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		am_keeping_fit_disk(&c.keeping, cases[i].disk, &o);
		assert_int_equal(o.keep_bytes, cases[i].max);
		assert_int_equal(o.segment_bytes, cases[i].segment);
		assert_int_equal(o.full, AM_FULL_OLDEST_FIRST);
		assert_int_equal(o.keep_age_s, 0);
	}
	am_keeping_fit(&c.keeping, "/nowhere/at/all", &o);	/* the root's file system */
	assert_in_range(o.keep_bytes, 1 << 20, 4ULL << 30);
	c.keeping.max_bytes = 20ULL << 30;
	am_keeping_fit(&c.keeping, "/nowhere", &o);
	assert_int_equal(o.keep_bytes, 20ULL << 30);
}

static void refuses_what_it_does_not_know_in_one_line(void **state)
{
	const char *const *const cases[] = {
		WORDS("--polcy", "p"), WORDS("--pol", "p"), WORDS("policy.yaml"), WORDS("-h"),
		WORDS("--policy=p"), WORDS(""), WORDS("--policy"), WORDS("--policy", ""),
		WORDS("--state", "s", "--run"), WORDS("--hooks", "kprobe"), WORDS("--hooks", "LSM"),
		WORDS("--tags", "63"), WORDS("--tags", "16777217"), WORDS("--tags", "-64"),
		WORDS("--ledger-max", "1023K"), WORDS("--ledger-max", "4"), WORDS("--ledger-max", "-1G"),
		WORDS("--ledger-max", "4GB"), WORDS("--ledger-max", "99999999999999999999G"),
		WORDS("--ledger-segment", "64K"), WORDS("--ledger-segment", "2G"),
		WORDS("--ledger-max", "1M", "--ledger-segment", "1M"), WORDS("--ledger-keep", "0d"),
		WORDS("--ledger-keep", "90"), WORDS("--ledger-keep", "3m"), WORDS("--ledger-full", "rotate"),
		WORDS("--tags", "100k"), WORDS("--tags", "99999999999999999999999"),
		WORDS("--strays", "63"), WORDS("--strays", "1048577"), WORDS("--strays", "x"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		am_autofree char *said = NULL;
		struct am_config c = { .policy = "untouched" };

		assert_int_equal(parse(cases[i], &c, &said), -EINVAL);
		assert_string_equal(c.policy, "untouched");
		assert_ptr_equal(strstr(said, "error: "), said);
		assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
	}
}

static void asks_for_help_and_version(void **state)
{
	am_autofree char *said = NULL, *said2 = NULL;
	struct am_config c;

	(void)state;
	assert_int_equal(parse(WORDS("--help"), &c, &said), 0);
	assert_int_equal(c.action, AM_CONFIG_HELP);
	assert_int_equal(parse(WORDS("--version"), &c, &said2), 0);
	assert_int_equal(c.action, AM_CONFIG_VERSION);
}

static void describes_every_option_in_the_help(void **state)
{
	static const char *const words[] = { "--policy", "--strays", "--ledger-max", "--ledger-keep", "--ledger-segment", "--ledger-full", "--state", "--run", "--group", "--hooks", "--tags", "--help", "--keys", "--bundles",
					     "--version", "/var/lib/amanat" };
	am_autofree char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	am_config_help(out);
	assert_int_equal(fclose(out), 0);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_non_null(strstr(text, words[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_with_defaults_when_nothing_is_said),
		cmocka_unit_test(takes_every_option),
		cmocka_unit_test(keeps_a_ledger_that_fits_the_disk_if_nothing_is_said),
		cmocka_unit_test(refuses_what_it_does_not_know_in_one_line),
		cmocka_unit_test(asks_for_help_and_version),
		cmocka_unit_test(describes_every_option_in_the_help),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
