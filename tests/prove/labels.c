// SPDX-License-Identifier: GPL-2.0
/* What one step of the walk over the labels does, against its contract: contract.h.
 * decision.c proves the rest with the contract in the step's place. */
#include "contract.h"

enum {
	/* The policy lies in an array of sets, its grants at whole elements. */
	BEFORE = (sizeof(struct am_set) -
		  __builtin_offsetof(struct am_policy, label_read) % sizeof(struct am_set)) %
		 sizeof(struct am_set),
	COUNT = (BEFORE + sizeof(struct am_policy) + sizeof(struct am_set) - 1) /
		sizeof(struct am_set),
};

_Static_assert(BEFORE % sizeof(__u64) == 0, "a policy is aligned to 8 bytes");
_Static_assert((__builtin_offsetof(struct am_policy, send) + BEFORE) % sizeof(struct am_set) == 0,
	       "grants of sends lie at whole elements");

static struct am_facts facts;

/* A policy of any bytes: the memory of an unknown length that is in fact COUNT. CBMC
 * takes such an array as a lookup, the same bytes as a struct would be a million
 * variables. See README.md. */
static struct am_policy *any_policy(void)
{
	__u64 count = any_u64();
	struct am_set *memory;

	suppose(count >= COUNT && count <= COUNT);
	memory = __CPROVER_allocate(count * sizeof(*memory), 0);
	return (struct am_policy *)((char *)memory + BEFORE);
}

static struct am_policy *any_facts(void)
{
	struct am_policy *policy = any_policy();

	facts = any_facts_value();
	facts.policy = policy;
	return policy;
}

static __u32 any_label(void)
{
	__u32 label = any_u32();

	suppose(label < AM_LABELS_MAX);
	return label;
}

/* The destination's zones are `anywhere` and those listed, at most AM_ZONE_HITS. */
static _Bool listed(unsigned i)
{
	return i < facts.zones.count && i < AM_ZONE_HITS;
}

static struct am_set allow_of(const struct am_policy *policy, __u32 label, __u8 zone)
{
	return policy->send[label][zone].allow;
}

static struct am_set deny_of(const struct am_policy *policy, __u32 label, __u8 zone)
{
	return policy->send[label][zone].deny;
}

static _Bool zone_allows(const struct am_policy *policy, __u32 label, __u8 zone)
{
	struct am_set allow = allow_of(policy, label, zone);

	return zone == AM_ZONE_TERMINAL || meets(&facts.bits, &allow);
}

static _Bool zone_denies(const struct am_policy *policy, __u32 label, __u8 zone)
{
	struct am_set deny = deny_of(policy, label, zone);

	return meets(&facts.bits, &deny);
}

/* Whether a step did what its contract does from the same start. */
static void compare(const struct am_walk *w, long ended, const struct am_walk *expected,
		    long expected_end)
{
	must(!ended == !expected_end, "the walk ends where no label is left, and not before");
	must(w->refused.denied == expected->refused.denied, "denied: the label, if denied");
	must(w->refused.no_rule == expected->refused.no_rule, "no rule: the label, if none");
	must(w->facts == expected->facts, "the walk keeps its facts");
}

void prove_a_read_step_keeps_its_contract(void)
{
	const struct am_policy *policy = any_facts();
	struct am_walk w = { .facts = &facts, .refused = any_refusal() }, expected = w;
	__u32 label = any_label();
	struct am_set allow = policy->label_read[label].allow;
	struct am_set deny = policy->label_read[label].deny;

	rules.read_allows = meets(&facts.bits, &allow) ? ~0ULL : 0;
	rules.read_denies = meets(&facts.bits, &deny) ? ~0ULL : 0;
	reached("a label");
	compare(&w, am_label_read(label, &w), &expected, contract_read(label, &expected));
}

void prove_a_send_step_keeps_its_contract(void)
{
	const struct am_policy *policy = any_facts();
	struct am_walk w = { .facts = &facts, .refused = any_refusal() }, expected = w;
	__u32 label = any_label();
	_Bool allows = zone_allows(policy, label, AM_ZONE_ANYWHERE);
	_Bool denies = zone_denies(policy, label, AM_ZONE_ANYWHERE);

	for (unsigned i = 0; i < AM_ZONE_HITS; i++) {
		allows |= listed(i) && zone_allows(policy, label, facts.zones.id[i]);
		denies |= listed(i) && zone_denies(policy, label, facts.zones.id[i]);
	}
	rules.send_allows = allows ? ~0ULL : 0;
	rules.send_denies = denies ? ~0ULL : 0;
	reached("a label and zones");
	compare(&w, am_label_send(label, &w), &expected, contract_send(label, &expected));
}

static struct am_refusal send_of(__u32 label)
{
	struct am_walk w = { .facts = &facts };

	suppose((facts.labels >> label) & 1);
	am_label_send(label, &w);
	return w.refused;
}

void prove_anywhere_is_in_every_destination(void)
{
	const struct am_policy *policy = any_facts();
	__u32 label = any_label();
	struct am_refusal r = send_of(label);

	if (zone_allows(policy, label, AM_ZONE_ANYWHERE)) {
		reached("allowed to anywhere");
		must(!r.no_rule, "an allow to anywhere serves every destination");
	}
	if (zone_denies(policy, label, AM_ZONE_ANYWHERE)) {
		reached("denied to anywhere");
		must(r.denied == 1ULL << label, "a deny to anywhere refuses every destination");
	}
}

void prove_one_zone_that_denies_refuses_and_one_that_allows_is_enough(void)
{
	const struct am_policy *policy = any_facts();
	__u32 label = any_label(), i = any_u32();
	struct am_refusal r = send_of(label);

	suppose(i < AM_ZONE_HITS && listed(i));
	if (zone_denies(policy, label, facts.zones.id[i])) {
		reached("one zone denies");
		must(r.denied == 1ULL << label, "one zone that denies refuses");
	}
	if (zone_allows(policy, label, facts.zones.id[i])) {
		reached("one zone allows");
		must(!r.no_rule, "one zone that allows is a rule");
	}
}

void prove_a_terminal_is_open_unless_denied(void)
{
	const struct am_policy *policy = any_facts();
	__u32 label = any_label();
	struct am_refusal r;

	facts.zones.count = 1;
	facts.zones.id[0] = AM_ZONE_TERMINAL;
	r = send_of(label);
	if (zone_denies(policy, label, AM_ZONE_TERMINAL) ||
	    zone_denies(policy, label, AM_ZONE_ANYWHERE)) {
		reached("denied");
		must(r.denied == 1ULL << label && !r.no_rule, "a deny closes the terminal");
	} else {
		reached("not denied");
		must(!r.denied && !r.no_rule, "without a deny it is open, with or without an allow");
	}
}

void prove_the_order_of_zones_means_nothing(void)
{
	__u32 label, i = any_u32(), j = any_u32();
	struct am_refusal one, other;
	__u8 id;

	any_facts();
	label = any_label();
	one = send_of(label);
	suppose(i < AM_ZONE_HITS && j < AM_ZONE_HITS && listed(i) && listed(j));
	id = facts.zones.id[i];
	facts.zones.id[i] = facts.zones.id[j];
	facts.zones.id[j] = id;
	other = send_of(label);
	reached("two zones in each order");
	must(one.no_rule == other.no_rule && one.denied == other.denied,
	     "two zones that change places change nothing");
}

/* `zone` is none of the destination's. */
static _Bool elsewhere(__u8 zone)
{
	_Bool found = zone == AM_ZONE_ANYWHERE;

	for (unsigned i = 0; i < AM_ZONE_HITS; i++)
		found |= listed(i) && facts.zones.id[i] == zone;
	return !found;
}

void prove_rules_of_other_zones_and_labels_do_not_matter(void)
{
	struct am_policy *policy = any_facts();
	__u32 label = any_label(), other_label = any_label();
	__u8 zone = any_u32();
	struct am_refusal before = send_of(label), after;

	suppose(other_label != label || elsewhere(zone));
	policy->send[other_label][zone].allow = any_set();
	policy->send[other_label][zone].deny = any_set();
	after = send_of(label);
	reached("a rule for something else");
	must(before.no_rule == after.no_rule && before.denied == after.denied,
	     "a rule for another label or zone changes nothing");
}

void prove_read_rules_of_other_labels_do_not_matter(void)
{
	struct am_policy *policy = any_facts();
	struct am_walk before = { .facts = &facts }, after = before;
	__u32 label = any_label(), other = any_label();

	suppose(other != label);
	am_label_read(label, &before);
	policy->label_read[other].allow = any_set();
	policy->label_read[other].deny = any_set();
	am_label_read(label, &after);
	reached("a rule for another label");
	must(before.refused.no_rule == after.refused.no_rule &&
	     before.refused.denied == after.refused.denied,
	     "a rule for another label changes nothing");
}

void prove_a_step_writes_only_what_it_refuses(void)
{
	const struct am_policy *policy = any_facts();
	struct am_walk w = { .facts = &facts, .refused = any_refusal() };
	struct am_facts was = facts;
	__u32 label = any_label(), other = any_label(), i = any_u32();
	__u8 zone = any_u32();
	struct am_set allow = allow_of(policy, other, zone), deny = deny_of(policy, other, zone);
	struct am_set now;

	if (any_bool())
		am_label_read(label, &w);
	else
		am_label_send(label, &w);
	reached("either step");
	now = allow_of(policy, other, zone);
	must(now.w[0] == allow.w[0] && now.w[3] == allow.w[3], "the policy's allows are as before");
	now = deny_of(policy, other, zone);
	must(now.w[0] == deny.w[0] && now.w[3] == deny.w[3], "the policy's denies are as before");
	suppose(i < AM_ZONE_HITS);
	must(facts.policy == was.policy && facts.store == was.store && facts.op == was.op &&
	     facts.labels == was.labels && facts.tagged == was.tagged &&
	     facts.unknown == was.unknown && facts.purpose == was.purpose &&
	     facts.bits.w[0] == was.bits.w[0] && facts.bits.w[1] == was.bits.w[1] &&
	     facts.bits.w[2] == was.bits.w[2] && facts.bits.w[3] == was.bits.w[3] &&
	     facts.zones.count == was.zones.count && facts.zones.id[i] == was.zones.id[i],
	     "the facts are as before");
}
