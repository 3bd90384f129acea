// SPDX-License-Identifier: GPL-2.0
/* Random policies and random accesses: what am_decide() says under the compiled image
 * must be what one gets by reading the rules one by one. With sanitizers; tests/property.c
 * does the same to many more policies, and tests/kernel/decide.c inside a kernel. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "random_rules.h"

enum {
	POLICIES = 2000,
	ACCESSES = 60,		/* per policy */
};

static void try_policy(unsigned reasons[AM_REASON_MAX_])
{
	struct compiled c;
	char *text;

	assert_true(random_compiled(&c, &text));
	for (unsigned i = 0; i < ACCESSES; i++) {
		struct access a = random_access(c.model);
		struct outcome o = judge(c.model, &a);
		struct am_facts f = facts_of(&c, &a);
		struct am_decision d;

		am_decide(&f, &d);
		reasons[o.reason]++;
		if (agree(&c, &a, &o, &d))
			continue;
		print_disagreement(text, &a, &o, &d);
		fail();
	}
	drop_compiled(&c);
	free(text);
}

static void images_decide_what_the_rules_say(void **state)
{
	unsigned reasons[AM_REASON_MAX_] = { 0 };

	(void)state;
	chance = 0x9e3779b97f4a7c15;
	for (unsigned i = 0; i < POLICIES; i++)
		try_policy(reasons);
	/* A generator that never got anywhere would agree with everything. */
	for (unsigned r = AM_REASON_RULE_ALLOWS; r < AM_REASON_MAX_; r++)
		if (reasons[r] < 100 && can_come_up(r))
			fail_msg("reason %u came up %u times only", r, reasons[r]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(images_decide_what_the_rules_say),
	};

	return cmocka_run_group_tests_name("property", tests, NULL, NULL);
}
