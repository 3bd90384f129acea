// SPDX-License-Identifier: GPL-2.0
/* The algebra of sets, and the way from a tag to its store. */
#include "prove.h"

void prove_meets_is_having_a_common_member(void)
{
	struct am_set a = any_set(), b = any_set();
	_Bool common = 0;

	for (unsigned n = 0; n < AM_SUBJECTS_MAX; n++)
		common |= holds(&a, n) && holds(&b, n);
	reached("two sets");
	must(am_set_meets(&a, &b) == common, "1 exactly if some member is in both, else 0");
	must(meets(&a, &b) == common, "the proofs' own definition says the same");
}

void prove_keep_is_intersection_and_join_is_union(void)
{
	struct am_set a = any_set(), b = any_set(), kept = a, joined = a, was = b;
	unsigned n = any_u32();

	suppose(n < AM_SUBJECTS_MAX);
	am_set_keep(&kept, &b);
	am_set_join(&joined, &b);
	reached("two sets");
	must(holds(&kept, n) == (holds(&a, n) && holds(&b, n)), "keep is the intersection");
	must(holds(&joined, n) == (holds(&a, n) || holds(&b, n)), "join is the union");
	must(holds(&b, n) == holds(&was, n), "the other set is left alone");
}

void prove_has_is_membership(void)
{
	struct am_set a = any_set();
	__u32 n = any_u32();

	reached("any number, in range or not");
	must(am_set_has(&a, n) == holds(&a, n % AM_SUBJECTS_MAX), "1 exactly if n is a member");
}

void prove_a_label_is_refused_by_a_deny_or_the_lack_of_an_allow(void)
{
	struct am_refusal was = any_refusal(), r = was;
	__u64 label = any_u64(), allowed = any_bool(), denied = any_bool();

	am_refuse(&r, label, allowed, denied);
	reached("a label");
	must(r.denied == (was.denied | (denied ? label : 0)), "denied if denied, allowed or not");
	must(r.no_rule == (was.no_rule | (!denied && !allowed ? label : 0)),
	     "without a rule if neither allowed nor denied");
}

/* A policy in an array of stores, its slots at whole elements. */
static const struct am_policy *any_slots(void)
{
	enum {
		BEFORE = sizeof(struct am_store) -
			 __builtin_offsetof(struct am_policy, stores) % sizeof(struct am_store),
		COUNT = (BEFORE + sizeof(struct am_policy)) / sizeof(struct am_store),
	};

	return (struct am_policy *)((char *)any_memory(struct am_store, COUNT) + BEFORE);
}

void prove_a_stale_tag_names_no_store(void)
{
	const struct am_policy *policy = any_slots();
	__u32 id = any_u32(), slot = any_u32();
	const struct am_store *store = am_store_of(policy, id), *in_slot;

	suppose(slot == id % AM_STORES_MAX);
	in_slot = &policy->stores[slot];
	if (!id || in_slot->id != id) {
		reached("stale, or no store");
		must(!store, "another epoch, an unused slot or no id: no store");
	} else {
		reached("live");
		must(store == in_slot, "the live store is the one in its slot");
		must(store->id == id, "of the same epoch");
	}
	must(!am_store_of((void *)0, id), "no policy: no store");
}
