// SPDX-License-Identifier: GPL-2.0
/* The property test at its full size, without sanitizers: what am_decide() says under the
 * compiled image of a random policy is what one gets by reading its rules one by one.
 *
 *   property [POLICIES [SEED]]
 */
#include <inttypes.h>

#include "unit/random_rules.h"

enum {
	POLICIES = 100000,
	ACCESSES = 10,		/* per policy */
	DIFFER_MAX = 10,	/* then it is enough */
};

static unsigned long decided, differ;
static unsigned long reasons[AM_REASON_MAX_];

static void try_access(const struct compiled *c, const char *text)
{
	struct access a = random_access(c->model);
	struct outcome o = judge(c->model, &a);
	struct am_facts f = facts_of(c, &a);
	struct am_decision d;

	am_decide(&f, &d);
	decided++;
	reasons[o.reason]++;
	if (agree(c, &a, &o, &d))
		return;
	print_disagreement(text, &a, &o, &d);
	differ++;
}

static bool try_policy(void)
{
	struct compiled c;
	char *text;
	bool compiles = random_compiled(&c, &text);

	for (unsigned i = 0; compiles && i < ACCESSES; i++)
		try_access(&c, text);
	if (!compiles)
		fprintf(stderr, "%s\nit does not compile\n", text);
	drop_compiled(&c);
	free(text);
	return compiles;
}

/* A generator that never got anywhere would agree with everything. */
static unsigned count_unreached(void)
{
	unsigned n = 0;

	for (unsigned r = AM_REASON_RULE_ALLOWS; r < AM_REASON_MAX_; r++) {
		if (!can_come_up(r) || reasons[r])
			continue;
		printf("FAILED no access was decided for reason %u\n", r);
		n++;
	}
	return n;
}

int main(int argc, char *argv[])
{
	unsigned long policies = argc > 1 ? strtoul(argv[1], NULL, 0) : POLICIES, i;
	unsigned failed = 0;

	chance = argc > 2 ? strtoull(argv[2], NULL, 0) : 0x243f6a8885a308d3;
	if (!chance)
		chance = 1;	/* xorshift never leaves 0 */
	for (i = 0; i < policies && differ < DIFFER_MAX && !failed; i++)
		failed += !try_policy();
	failed += differ ? 1 : count_unreached();
	printf("%lu random policies, %lu decisions, of which %lu differ from their rules\n", i,
	       decided, differ);
	printf("%d passed, %u failed\n", !failed, failed);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
