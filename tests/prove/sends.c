// SPDX-License-Identifier: GPL-2.0
/* One label on its way to a destination: am_label_send, with contract_zone in the place
 * of am_zone_ask. */
#include "contract.h"

static struct am_facts facts;

/* A send of a label, with any rules about it, under a policy that is not read. */
static void any_send(void)
{
	facts = any_facts_value();
	facts.policy = (void *)0;
	rules.label = any_u32();
	rules.zone_allows = any_memory(__u8, AM_ZONES_MAX);
	rules.zone_denies = any_memory(__u8, AM_ZONES_MAX);
	suppose(rules.label < AM_LABELS_MAX);
}

/* The destination's zones are `anywhere` and the first `count`, at most AM_ZONE_HITS. */
static _Bool listed(unsigned i)
{
	return i < facts.zones.count && i < AM_ZONE_HITS;
}

static _Bool goes_to(__u8 zone)
{
	_Bool found = zone == AM_ZONE_ANYWHERE;

	for (unsigned i = 0; i < AM_ZONE_HITS; i++)
		found |= listed(i) && facts.zones.id[i] == zone;
	return found;
}

static struct am_refusal refusal(void)
{
	struct am_walk w = { .facts = &facts };

	suppose((facts.labels >> rules.label) & 1);
	am_label_send(rules.label, &w);
	return w.refused;
}

void prove_a_send_step_keeps_its_contract(void)
{
	struct am_walk w = { .facts = &facts, .refused = any_refusal() }, expected = w;
	_Bool allows, denies;
	long ended, expected_end;

	any_send();
	allows = rules.zone_allows[AM_ZONE_ANYWHERE] != 0;
	denies = rules.zone_denies[AM_ZONE_ANYWHERE] != 0;
	for (unsigned i = 0; i < AM_ZONE_HITS; i++) {
		__u8 zone = facts.zones.id[i];

		allows |= listed(i) && (zone == AM_ZONE_TERMINAL || rules.zone_allows[zone]);
		denies |= listed(i) && rules.zone_denies[zone];
	}
	rules.send_allows = allows ? ~0ULL : 0;
	rules.send_denies = denies ? ~0ULL : 0;
	reached("a label and zones");
	ended = am_label_send(rules.label, &w);
	expected_end = contract_send(rules.label, &expected);
	must(!ended == !expected_end, "the walk ends where no label is left, and not before");
	must(w.refused.denied == expected.refused.denied, "denied: the label, if a zone denies it");
	must(w.refused.no_rule == expected.refused.no_rule, "no rule: the label, if none");
	must(w.facts == &facts, "the walk keeps its facts");
}

void prove_anywhere_is_in_every_destination(void)
{
	struct am_refusal r;

	any_send();
	r = refusal();
	if (rules.zone_allows[AM_ZONE_ANYWHERE]) {
		reached("allowed to anywhere");
		must(!r.no_rule, "an allow to anywhere serves every destination");
	}
	if (rules.zone_denies[AM_ZONE_ANYWHERE]) {
		reached("denied to anywhere");
		must(r.denied == 1ULL << rules.label, "a deny to anywhere refuses them all");
	}
}

void prove_one_zone_that_denies_refuses_and_one_that_allows_is_enough(void)
{
	struct am_refusal r;
	__u8 zone;
	__u32 i = any_u32();

	any_send();
	r = refusal();
	suppose(i < AM_ZONE_HITS && listed(i));
	zone = facts.zones.id[i];
	if (rules.zone_denies[zone]) {
		reached("one zone denies");
		must(r.denied == 1ULL << rules.label, "one zone that denies refuses");
	}
	if (rules.zone_allows[zone]) {
		reached("one zone allows");
		must(!r.no_rule, "one zone that allows is a rule");
	}
}

static _Bool closed(__u8 zone)
{
	return zone != AM_ZONE_TERMINAL && !rules.zone_allows[zone];
}

void prove_a_destination_without_a_matching_allow_is_closed(void)
{
	_Bool all_closed;
	struct am_refusal r;

	any_send();
	r = refusal();
	all_closed = closed(AM_ZONE_ANYWHERE);
	for (unsigned i = 0; i < AM_ZONE_HITS; i++)
		all_closed &= !listed(i) || closed(facts.zones.id[i]);
	if (all_closed) {
		reached("no allow");
		must((r.no_rule | r.denied) == 1ULL << rules.label, "no allow: the label stays");
	}
}

void prove_a_terminal_is_open_unless_denied(void)
{
	struct am_refusal r;

	any_send();
	facts.zones.count = 1;
	facts.zones.id[0] = AM_ZONE_TERMINAL;
	r = refusal();
	if (rules.zone_denies[AM_ZONE_TERMINAL] ||
	    rules.zone_denies[AM_ZONE_ANYWHERE]) {
		reached("denied");
		must(r.denied == 1ULL << rules.label && !r.no_rule, "a deny closes the terminal");
	} else {
		reached("not denied");
		must(!r.denied && !r.no_rule, "without a deny it is open, allowed or not");
	}
}

void prove_the_order_of_zones_means_nothing(void)
{
	__u32 i = any_u32(), j = any_u32();
	struct am_refusal one, other;
	__u8 id;

	any_send();
	one = refusal();
	suppose(i < AM_ZONE_HITS && j < AM_ZONE_HITS && listed(i) && listed(j));
	id = facts.zones.id[i];
	facts.zones.id[i] = facts.zones.id[j];
	facts.zones.id[j] = id;
	other = refusal();
	reached("two zones in each order");
	must(one.no_rule == other.no_rule && one.denied == other.denied,
	     "two zones that change places change nothing");
}

void prove_rules_about_zones_elsewhere_do_not_matter(void)
{
	struct am_refusal before, after;
	__u32 zone = any_u32();

	any_send();
	suppose(zone < AM_ZONES_MAX && !goes_to(zone));
	before = refusal();
	rules.zone_allows[zone] = any_bool();
	rules.zone_denies[zone] = any_bool();
	after = refusal();
	reached("a rule about another zone");
	must(before.no_rule == after.no_rule && before.denied == after.denied,
	     "a rule about another zone changes nothing");
}
