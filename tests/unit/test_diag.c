// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/diag.h"
#include "base/text.h"

static char *printed(const struct am_diags *d)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	am_diags_print(d, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void prints_place_fact_and_hint(void **state)
{
	am_autofree char *text = NULL;
	struct am_diags d;

	(void)state;
	am_diags_init(&d);
	am_diags_add(&d, AM_SEVERITY_ERROR, (struct am_pos){ "p.yaml", 3, 7 }, "Do this.",
		     "there is no %s '%s'", "label", "x");
	am_diags_add(&d, AM_SEVERITY_WARNING, (struct am_pos){ "p.yaml", 0, 0 }, NULL, "odd");
	text = printed(&d);
	assert_string_equal(text, "p.yaml:3:7: error: there is no label 'x'\n"
				  "  hint: Do this.\n"
				  "p.yaml: warning: odd\n");
	assert_int_equal(d.errors, 1);
	am_diags_done(&d);
	assert_int_equal(d.count, 0);
}

static void escapes_what_could_speak_to_the_terminal(void **state)
{
	am_autofree char *text = NULL;
	struct am_diags d;

	(void)state;
	am_diags_init(&d);
	am_diags_add(&d, AM_SEVERITY_ERROR, (struct am_pos){ "a\n\x1b[2J", 1, 1 }, "h\xff.",
		     "no \xe2\x80\xae, \xd8\xb4");
	text = printed(&d);
	assert_string_equal(text, "a\\x0a\\x1b[2J:1:1: error: no \\xe2\\x80\\xae, \xd8\xb4\n"
				  "  hint: h\\xff.\n");
	am_diags_done(&d);
}

static void keeps_copies_of_what_it_is_given(void **state)
{
	char file[] = "file", hint[] = "Hint.";
	struct am_diags d;

	(void)state;
	am_diags_init(&d);
	am_diags_add(&d, AM_SEVERITY_ERROR, (struct am_pos){ file, 1, 1 }, hint, "fact");
	memset(file, 'x', 4);
	memset(hint, 'x', 5);
	assert_string_equal(d.items[0].file, "file");
	assert_string_equal(d.items[0].hint, "Hint.");
	am_diags_done(&d);
}

static void counts_errors_that_it_does_not_keep(void **state)
{
	struct am_diags d;

	(void)state;
	am_diags_init(&d);
	for (unsigned i = 0; i < AM_DIAGS_MAX + 50; i++)
		am_diags_add(&d, AM_SEVERITY_ERROR, (struct am_pos){ "f", i + 1, 1 }, NULL, "x");
	assert_int_equal(d.count, AM_DIAGS_MAX);
	assert_int_equal(d.errors, AM_DIAGS_MAX + 50);
	assert_true(d.lost);
	assert_int_equal(d.items[0].line, 1);
	am_diags_done(&d);
}

static void gives_up_warnings_for_errors(void **state)
{
	struct am_diags d;

	(void)state;
	am_diags_init(&d);
	for (unsigned i = 0; i < AM_DIAGS_MAX + 5; i++)
		am_diags_add(&d, AM_SEVERITY_WARNING, (struct am_pos){ "f", i + 1, 1 }, NULL, "w");
	assert_int_equal(d.errors, 0);
	for (unsigned i = 0; i < AM_DIAGS_MAX + 5; i++)
		am_diags_add(&d, AM_SEVERITY_ERROR, (struct am_pos){ "f", i + 1, 1 }, NULL, "e");
	assert_int_equal(d.count, AM_DIAGS_MAX);
	for (size_t i = 0; i < d.count; i++)
		assert_int_equal(d.items[i].severity, AM_SEVERITY_ERROR);
	assert_true(d.lost);
	am_diags_done(&d);
}

static void says_that_some_were_left_out(void **state)
{
	am_autofree char *text = NULL;
	struct am_diags d;

	(void)state;
	am_diags_init(&d);
	d.lost = true;
	text = printed(&d);
	assert_string_equal(text, "more findings than these were left out\n");
	am_diags_done(&d);
}

static void sorts_by_place_and_leaves_equal_ones_in_order(void **state)
{
	static const unsigned lines[] = { 3, 1, 3, 2, 1, 3 };
	static const char *const facts[] = { "1a", "1b", "2a", "3a", "3b", "3c" };
	static const char *const given[] = { "3a", "1a", "3b", "2a", "1b", "3c" };
	struct am_diags d;

	(void)state;
	am_diags_init(&d);
	for (unsigned i = 0; i < 6; i++)
		am_diags_add(&d, AM_SEVERITY_ERROR, (struct am_pos){ "f", lines[i], 9 }, NULL, "%s",
			     given[i]);
	am_diags_sort(&d);
	for (unsigned i = 0; i < 6; i++)
		assert_string_equal(d.items[i].fact, facts[i]);
	am_diags_done(&d);
}

/* ---- words and characters --------------------------------------------------- */

static void tells_utf8_from_what_only_looks_like_it(void **state)
{
	static const struct {
		const char *text;
		size_t len, taken;
		uint32_t c;
	} cases[] = {
		{ "a", 1, 1, 'a' }, { "", 1, 1, 0 }, { "", 0, 0, 0 },
		{ "\xc3\xa9", 2, 2, 0xe9 }, { "\xe2\x82\xac", 3, 3, 0x20ac },
		{ "\xf0\x9f\x98\x80", 4, 4, 0x1f600 }, { "\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff },
		{ "\xc3\xa9", 1, 0, 0 }, { "\xe2\x82", 2, 0, 0 },	/* cut */
		{ "\x80", 1, 0, 0 }, { "\xc3(", 2, 0, 0 }, { "\xff", 1, 0, 0 },
		{ "\xc0\xaf", 2, 0, 0 }, { "\xe0\x80\xaf", 3, 0, 0 },	/* longer than need be */
		{ "\xf0\x80\x80\xaf", 4, 0, 0 },
		{ "\xed\xa0\x80", 3, 0, 0 }, { "\xf4\x90\x80\x80", 4, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint32_t c = 0;

		assert_int_equal(am_text_char(cases[i].text, cases[i].len, &c), cases[i].taken);
		assert_int_equal(c, cases[i].c);
	}
}

static const char *nearest(const char *word)
{
	static const char *const known[] = { "read", "write", "send", "citizen-registry", "x1" };
	struct am_nearest n;

	am_nearest_init(&n, word);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		am_nearest_offer(&n, known[i]);
	return n.best;
}

static void finds_the_word_that_was_meant(void **state)
{
	(void)state;
	assert_string_equal(nearest("reed"), "read");
	assert_string_equal(nearest("READ"), "read");
	assert_string_equal(nearest("raed"), "read");
	assert_string_equal(nearest("wirte"), "write");
	assert_string_equal(nearest("sent"), "send");
	assert_string_equal(nearest("citizens-regitry"), "citizen-registry");
	assert_string_equal(nearest("x2"), "x1");
}

static void does_not_guess_wildly(void **state)
{
	char longest[200];

	(void)state;
	assert_null(nearest("delete"));
	assert_null(nearest("q"));
	assert_null(nearest(""));
	memset(longest, 'r', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_null(nearest(longest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_place_fact_and_hint),
		cmocka_unit_test(escapes_what_could_speak_to_the_terminal),
		cmocka_unit_test(keeps_copies_of_what_it_is_given),
		cmocka_unit_test(counts_errors_that_it_does_not_keep),
		cmocka_unit_test(gives_up_warnings_for_errors),
		cmocka_unit_test(says_that_some_were_left_out),
		cmocka_unit_test(sorts_by_place_and_leaves_equal_ones_in_order),
		cmocka_unit_test(tells_utf8_from_what_only_looks_like_it),
		cmocka_unit_test(finds_the_word_that_was_meant),
		cmocka_unit_test(does_not_guess_wildly),
	};

	return cmocka_run_group_tests_name("diag", tests, NULL, NULL);
}
