// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "decide_table.h"

static struct am_policy *policy;

static struct am_decision decide(const struct decide_case *c)
{
	struct am_facts f = {
		.policy = c->no_policy ? NULL : policy,
		.store = am_store_of(c->no_policy ? NULL : policy, c->store),
		.bits = c->bits,
		.zones = c->zones,
		.labels = c->labels,
		.op = c->op,
		.tagged = c->tagged,
		.unknown = c->unknown,
		.purpose = c->purpose,
	};
	struct am_decision d, unrecorded;

	memset(&d, 0x5a, sizeof(d));
	am_decide(&f, &d);
	am_decide_unrecorded(&f, &d, &unrecorded);
	return c->unrecorded ? unrecorded : d;
}

static void decides_each_case_of_the_table(void **state)
{
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < DECIDE_CASES; i++) {
		const struct decide_case *c = &decide_table[i];
		struct am_decision d = decide(c);

		if (d.verdict == c->verdict && d.reason == c->reason && d.enforce == c->enforce &&
		    d.culprits == c->culprits)
			continue;
		print_error("%s: verdict %u reason %u enforce %u culprits %llx\n", c->name,
			    d.verdict, d.reason, d.enforce, (unsigned long long)d.culprits);
		failed++;
	}
	assert_int_equal(failed, 0);
}

static void leaves_no_byte_of_a_decision_undetermined(void **state)
{
	static const uint8_t zeros[sizeof(((struct am_decision *)0)->pad)];

	(void)state;
	for (size_t i = 0; i < DECIDE_CASES; i++) {
		struct am_decision d = decide(&decide_table[i]);

		assert_memory_equal(d.pad, zeros, sizeof(zeros));
	}
}

static void names_each_case_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < DECIDE_CASES; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(decide_table[i].name, decide_table[j].name);
}

/* The table would be worth little if a reason could be lost without a case noticing. */
static void has_a_case_for_every_reason(void **state)
{
	bool seen[AM_REASON_MAX_] = { false };

	(void)state;
	for (size_t i = 0; i < DECIDE_CASES; i++)
		seen[decide_table[i].reason] = true;
	for (unsigned r = AM_REASON_INVALID + 1; r < AM_REASON_MAX_; r++)
		assert_true(seen[r]);
}

static void finds_a_store_only_by_its_whole_id(void **state)
{
	(void)state;
	assert_ptr_equal(am_store_of(policy, DECIDE_ATTIC), &policy->stores[AM_STORE_SLOT_MASK]);
	assert_null(am_store_of(policy, DECIDE_STALE));
	assert_null(am_store_of(policy, DECIDE_UNUSED));
	assert_null(am_store_of(policy, 0));
	assert_null(am_store_of(NULL, DECIDE_ATTIC));
}

static int make_policy(void **state)
{
	(void)state;
	policy = malloc(sizeof(*policy));
	if (!policy)
		return -1;
	decide_table_policy(policy);
	return 0;
}

static int drop_policy(void **state)
{
	(void)state;
	free(policy);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decides_each_case_of_the_table),
		cmocka_unit_test(leaves_no_byte_of_a_decision_undetermined),
		cmocka_unit_test(names_each_case_once),
		cmocka_unit_test(has_a_case_for_every_reason),
		cmocka_unit_test(finds_a_store_only_by_its_whole_id),
	};

	return cmocka_run_group_tests_name("decide", tests, make_policy, drop_policy);
}
