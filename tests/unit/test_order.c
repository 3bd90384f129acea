// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/canon.h"
#include "policy/diff.h"
#include "policy/order.h"

static const char policy[] =
	"version: 1\n"
	"name: p\n"
	"mode: enforce\n"
	"labels: [tax, cnic]\n"
	"purposes: [sim, audit]\n"
	"stores:\n"
	"  vault: { paths: [/srv/vault], labels: [tax], purposes: [audit, sim] }\n"
	"  books: { paths: [/srv/books], labels: [cnic, tax] }\n"
	"  archive: { paths: [/srv/archive], labels: [cnic] }\n"
	"subjects:\n"
	"  desk: { user: desk }\n"
	"  vendor: { user: vendor, third-party: V }\n"
	"  audit: { purpose: audit }\n"
	"  acme: { exe: /bin/acme }\n"
	"zones:\n"
	"  partners: { cidr: [10.30.0.0/16] }\n"
	"  app: { cidr: [10.20.0.0/16], ports: [tcp/5432] }\n"
	"rules:\n"
	"  - allow vendor to read vault\n"
	"  - allow desk to read, write books, archive\n"
	"  - deny acme to read everything\n"
	"  - allow desk to send tax, cnic to app, loopback\n"
	"  - allow anyone to send cnic to partners\n"
	"  - allow desk to use sim\n"
	"  - allow audit to read vault\n"
	"invariants:\n"
	"  - never acme may read vault, books\n"
	"  - never vendor may send tax to partners\n";

static struct am_model *parse(const char *text, size_t len)
{
	struct am_model *m = NULL;
	struct am_diags diags;

	am_diags_init(&diags);
	if (am_model_parse("p.yaml", text, len, &diags, &m))
		am_diags_print(&diags, stderr);
	am_diags_done(&diags);
	assert_non_null(m);
	return m;
}

static char *canonical(const struct am_model *m)
{
	struct am_diags diags;
	char *text = NULL;
	size_t len;

	am_diags_init(&diags);
	assert_int_equal(am_canon_write(m, &diags, &text, &len), 0);
	am_diags_done(&diags);
	return text;
}

static void it_is_the_same_policy_with_the_same_rules_in_their_order(void **state)
{
	struct am_model *m = parse(policy, strlen(policy)), *before = parse(policy, strlen(policy));
	char *texts[2] = { canonical(before), NULL };
	struct am_diff *diff = NULL;
	struct am_diags diags;

	(void)state;
	assert_int_equal(am_model_order(m), 0);
	texts[1] = canonical(m);
	assert_string_equal(texts[0], texts[1]);
	for (size_t i = 0; i < m->n_rules; i++)
		assert_string_equal(m->rules[i].text, before->rules[i].text);
	am_diags_init(&diags);
	assert_int_equal(am_diff_make(before, m, &diags, &diff), 0);
	assert_int_equal(diff->count, 0);
	am_diags_done(&diags);
	am_diff_free(diff);
	free(texts[0]);
	free(texts[1]);
	am_model_free(before);
	am_model_free(m);
}

static void everything_has_the_place_that_the_canonical_text_gives_it(void **state)
{
	struct am_model *m = parse(policy, strlen(policy)), *canon;
	char *text = canonical(m);

	(void)state;
	canon = parse(text, strlen(text));
	assert_string_not_equal(m->subjects[0].name, canon->subjects[0].name);
	assert_int_equal(am_model_order(m), 0);
	for (size_t i = 0; i < m->n_subjects; i++)
		assert_string_equal(m->subjects[i].name, canon->subjects[i].name);
	for (size_t i = 0; i < m->n_zones; i++)
		assert_string_equal(m->zones[i].name, canon->zones[i].name);
	for (size_t i = 0; i < m->n_stores; i++)
		assert_string_equal(m->stores[i].name, canon->stores[i].name);
	free(text);
	am_model_free(canon);
	am_model_free(m);
}

static void an_empty_policy_has_nothing_to_order(void **state)
{
	static const char text[] = "version: 1\nname: p\nmode: observe\n";
	struct am_model *m = parse(text, strlen(text));

	(void)state;
	assert_int_equal(am_model_order(m), 0);
	am_model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_the_same_policy_with_the_same_rules_in_their_order),
		cmocka_unit_test(everything_has_the_place_that_the_canonical_text_gives_it),
		cmocka_unit_test(an_empty_policy_has_nothing_to_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
