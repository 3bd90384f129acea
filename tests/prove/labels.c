// SPDX-License-Identifier: GPL-2.0
/* The two places where rules about labels are read, for every policy: they keep their
 * contracts (contract.h), and nothing but the rules that they are asked about matters. */
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
	       "rules of sends lie at whole elements");

static struct am_policy *policy;
static struct am_facts facts;

/* Facts under a policy of any bytes. */
static void any_facts(void)
{
	policy = (struct am_policy *)((char *)any_memory(struct am_set, COUNT) + BEFORE);
	facts = any_facts_value();
	facts.policy = policy;
}

static __u32 any_label(void)
{
	__u32 label = any_u32();

	suppose(label < AM_LABELS_MAX);
	return label;
}

static __u8 any_zone(void)
{
	__u32 zone = any_u32();

	suppose(zone < AM_ZONES_MAX);
	return zone;
}

/* Sets are read and written through pointers to them, as decide.h does: CBMC would
 * unfold the whole policy for policy->send[label][zone].allow. */
static struct am_set *send_allow(__u32 label, __u8 zone)
{
	return &policy->send[label][zone].allow;
}

static struct am_set *send_deny(__u32 label, __u8 zone)
{
	return &policy->send[label][zone].deny;
}

static struct am_set *read_allow(__u32 label)
{
	return &policy->label_read[label].allow;
}

static struct am_set *read_deny(__u32 label)
{
	return &policy->label_read[label].deny;
}

void prove_a_read_step_keeps_its_contract(void)
{
	struct am_walk w = { .facts = &facts, .refused = any_refusal() }, expected = w;
	__u32 label = any_label();
	long ended, expected_end;

	any_facts();
	rules.read_allows = meets(&facts.bits, read_allow(label)) ? ~0ULL : 0;
	rules.read_denies = meets(&facts.bits, read_deny(label)) ? ~0ULL : 0;
	reached("a label");
	ended = am_label_read(label, &w);
	expected_end = contract_read(label, &expected);
	must(!ended == !expected_end, "the walk ends where no label is left, and not before");
	must(w.refused.denied == expected.refused.denied, "denied: the label, if a rule denies it");
	must(w.refused.no_rule == expected.refused.no_rule, "no rule: the label, if none");
	must(w.facts == &facts, "the walk keeps its facts");
}

void prove_asking_a_zone_keeps_its_contract(void)
{
	__u64 allowed = any_bool(), denied = any_bool();
	__u64 expected_allowed = allowed, expected_denied = denied;
	__u8 zone = any_zone();

	any_facts();
	rules.label = any_label();
	rules.zone_allows = any_memory(__u8, AM_ZONES_MAX);
	rules.zone_denies = any_memory(__u8, AM_ZONES_MAX);
	rules.zone_allows[zone] = meets(&facts.bits, send_allow(rules.label, zone));
	rules.zone_denies[zone] = meets(&facts.bits, send_deny(rules.label, zone));
	reached("a zone");
	am_zone_ask(&facts, rules.label, zone, &allowed, &denied);
	contract_zone(&facts, rules.label, zone, &expected_allowed, &expected_denied);
	must(allowed == expected_allowed, "1 if a rule allows it or at a terminal, else as it was");
	must(denied == expected_denied, "1 if a rule denies it, else as it was");
}

void prove_rules_about_other_labels_and_zones_are_not_read(void)
{
	__u64 allowed = 0, denied = 0, allowed_then = 0, denied_then = 0;
	__u32 label = any_label(), other_label = any_label();
	__u8 zone = any_zone(), other_zone = any_zone();

	any_facts();
	suppose(label != other_label || zone != other_zone);
	am_zone_ask(&facts, label, zone, &allowed, &denied);
	*send_allow(other_label, other_zone) = any_set();
	*send_deny(other_label, other_zone) = any_set();
	am_zone_ask(&facts, label, zone, &allowed_then, &denied_then);
	reached("a rule about something else");
	must(allowed == allowed_then && denied == denied_then,
	     "a rule about another label or zone changes nothing");
}

void prove_read_rules_about_other_labels_are_not_read(void)
{
	struct am_walk before = { .facts = &facts }, after = before;
	__u32 label = any_label(), other = any_label();

	any_facts();
	suppose(other != label);
	am_label_read(label, &before);
	*read_allow(other) = any_set();
	*read_deny(other) = any_set();
	am_label_read(label, &after);
	reached("a rule about another label");
	must(before.refused.no_rule == after.refused.no_rule &&
	     before.refused.denied == after.refused.denied,
	     "a rule about another label changes nothing");
}
