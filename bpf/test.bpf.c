// SPDX-License-Identifier: GPL-2.0
/* The shipped decision, run on a case that a test made up: BPF_PROG_TEST_RUN with
 * a struct am_test as context. It compares what this kernel's verifier and JIT
 * make of decide.h with what a C compiler makes of it. The agent never loads it. */
#include "maps.h"
#include "test.h"

AM_INLINE const struct am_policy *policy_of(const struct am_test *t)
{
	__u32 zero = 0;
	void *table;

	if (!t->have_policy)
		return NULL;
	table = bpf_map_lookup_elem(&am_policies, &zero);
	return table ? bpf_map_lookup_elem(table, &zero) : NULL;
}

SEC("?syscall")
int am_test_decide(struct am_test *t)
{
	struct am_facts f = {
		.policy = policy_of(t),
		.bits = t->bits,
		.zones = t->zones,
		.labels = t->labels,
		.op = t->op,
		.tagged = t->tagged,
		.unknown = t->unknown,
		.purpose = t->purpose,
	};
	struct am_decision d, unrecorded;

	f.store = am_store_of(f.policy, t->store);
	am_decide(&f, &d);
	am_decide_unrecorded(&f, &d, &unrecorded);
	t->d = d;
	t->unrecorded = unrecorded;
	t->decided = 1;
	return 0;
}
