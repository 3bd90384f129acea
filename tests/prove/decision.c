// SPDX-License-Identifier: GPL-2.0
/* The decision as a whole. goto-instrument has put contract_read and contract_send in
 * the place of am_label_read and am_label_send (see contract.h); everything else, the
 * walk over the labels too, is the shipped text.
 *
 * Facts are any facts that keep decide.h's terms: a store is one of the policy in force,
 * a send has no store, a purpose has a number below AM_PURPOSES_MAX. */
#include "contract.h"

static struct am_policy *policy;	/* of which nothing but the masks of labels is read */
static struct am_store store;
static struct am_facts facts;
static struct am_decision decision;

static void any_rules(void)
{
	rules.read_allows = any_u64();
	rules.read_denies = any_u64();
	rules.send_allows = any_u64();
	rules.send_denies = any_u64();
}

static void any_policy(void)
{
	policy = __CPROVER_allocate(sizeof(*policy), 0);
	policy->enforce_labels = any_u64();
	policy->error_allow_labels = any_u64();
	policy->spill_deny_labels = any_u64();
	policy->strict_labels = any_u64();
	policy->labels = any_u64();
	store = any_store();
	any_rules();
	walk_at_once = 1;
}

static void any_facts(void)
{
	any_policy();
	facts = any_facts_value();
	facts.policy = any_bool() ? policy : (void *)0;
	facts.store = any_bool() ? &store : (void *)0;
	suppose(facts.policy || !facts.store);
	suppose(facts.op == AM_OP_READ || facts.op == AM_OP_WRITE || facts.op == AM_OP_SEND);
	suppose(facts.op != AM_OP_SEND || !facts.store);
	suppose(facts.purpose < AM_PURPOSES_MAX);
}

/* ---- the naive reading of the facts ------------------------------------------ */

static _Bool store_allows(void)
{
	return facts.op == AM_OP_WRITE ? meets(&facts.bits, &store.write.allow) :
					 meets(&facts.bits, &store.read.allow);
}

static _Bool store_denies(void)
{
	return facts.op == AM_OP_WRITE ? meets(&facts.bits, &store.write.deny) :
					 meets(&facts.bits, &store.read.deny);
}

static _Bool purpose_fits(void)
{
	return !store.purposes || ((store.purposes >> facts.purpose) & 1);
}

static _Bool store_enforces(void)
{
	return store.flags & AM_STORE_ENFORCE;
}

static __u64 label_allows(void)
{
	return facts.op == AM_OP_SEND ? rules.send_allows : rules.read_allows;
}

static __u64 label_denies(void)
{
	return facts.op == AM_OP_SEND ? rules.send_denies : rules.read_denies;
}

/* Rules decide: there is a policy, something it protects, and every fact is known. */
static _Bool rules_decide(void)
{
	return facts.policy && (facts.store || facts.labels) && !facts.unknown;
}

/* Labels that a rule denies, that no rule allows, that may not spill, and that are
 * closed on error, of those at stake and where that is asked. */
static __u64 labels_denied(void)
{
	return rules_decide() && facts.op != AM_OP_WRITE ? facts.labels & label_denies() : 0;
}

static __u64 labels_without_rule(void)
{
	if (!rules_decide() || facts.op == AM_OP_WRITE)
		return 0;
	return facts.labels & ~label_denies() & ~label_allows();
}

static __u64 labels_kept_from_spilling(void)
{
	return rules_decide() && facts.op == AM_OP_WRITE ?
		       facts.labels & policy->spill_deny_labels : 0;
}

static __u64 labels_closed_on_error(void)
{
	return facts.policy && facts.unknown ? facts.labels & ~policy->error_allow_labels : 0;
}

static __u64 labels_refused(void)
{
	return labels_denied() | labels_without_rule() | labels_kept_from_spilling() |
	       labels_closed_on_error();
}

static _Bool store_closed_on_error(void)
{
	return facts.store && facts.unknown && !(store.flags & AM_STORE_ERROR_ALLOW);
}

static _Bool store_refuses(void)
{
	if (store_closed_on_error())
		return 1;
	return facts.store && !facts.unknown &&
	       (store_denies() || !purpose_fits() || !store_allows());
}

static _Bool closed_without_policy(void)
{
	return !facts.policy && (facts.tagged || facts.labels);
}

static _Bool blocks(const struct am_decision *d)
{
	return d->verdict == AM_VERDICT_DENY && d->enforce;
}

static void show(void)
{
	shown_op = facts.op;
	shown_verdict = decision.verdict;
	shown_reason = decision.reason;
	shown_enforce = decision.enforce;
	shown_culprits = decision.culprits;
	shown_policy = facts.policy;
	shown_unknown = facts.unknown;
	shown_tagged = facts.tagged;
	shown_labels = facts.labels;
	shown_enforce_labels = policy->enforce_labels;
	shown_error_allow_labels = policy->error_allow_labels;
	shown_spill_deny_labels = policy->spill_deny_labels;
	shown_label_rules_allow = label_allows();
	shown_label_rules_deny = label_denies();
	shown_store = facts.store;
	shown_store_labels = store.labels;
	shown_store_enforces = store_enforces();
	shown_store_error_allow = store.flags & AM_STORE_ERROR_ALLOW;
	shown_store_rules_allow = store_allows();
	shown_store_rules_deny = store_denies();
	shown_store_purpose_fits = purpose_fits();
}

/* am_decide, once for each operation: where CBMC knows which, it knows which rules. */
static void decide(struct am_decision *d)
{
	switch (facts.op) {
	case AM_OP_WRITE:
		facts.op = AM_OP_WRITE;
		am_decide(&facts, d);
		break;
	case AM_OP_SEND:
		facts.op = AM_OP_SEND;
		am_decide(&facts, d);
		break;
	default:
		facts.op = AM_OP_READ;
		am_decide(&facts, d);
	}
}

static void decide_anything(void)
{
	any_facts();
	decision = any_decision();
	decide(&decision);
	show();
}

/* ---- what a store and a label promise ---------------------------------------- */

void prove_a_store_without_a_matching_allow_is_closed(void)
{
	decide_anything();
	if (rules_decide() && facts.store && !store_allows()) {
		reached("a store and no allow");
		must(decision.verdict == AM_VERDICT_DENY, "no allow: denied");
		must(decision.reason != AM_REASON_RULE_ALLOWS, "and not told as allowed");
	}
}

void prove_a_label_without_a_matching_allow_is_closed(void)
{
	decide_anything();
	if (rules_decide() && facts.op != AM_OP_WRITE && (facts.labels & ~label_allows())) {
		reached("a label and no allow");
		must(decision.verdict == AM_VERDICT_DENY, "one label without an allow: denied");
	}
}

void prove_a_deny_wins_over_every_allow(void)
{
	decide_anything();
	if (rules_decide() && facts.store && store_denies()) {
		reached("the store denies");
		must(decision.verdict == AM_VERDICT_DENY, "a rule that denies the store: denied");
		must(!store_enforces() || decision.reason == AM_REASON_RULE_DENIES,
		     "and told as that, where it blocks");
	}
	if (labels_denied()) {
		reached("a label is denied");
		must(decision.verdict == AM_VERDICT_DENY, "a rule that denies a label: denied");
	}
}

void prove_a_store_is_open_only_for_its_purposes(void)
{
	decide_anything();
	if (rules_decide() && facts.store && !purpose_fits()) {
		reached("another purpose");
		must(decision.verdict == AM_VERDICT_DENY, "another purpose: denied");
	}
}

void prove_a_label_that_may_not_spill_does_not(void)
{
	decide_anything();
	if (labels_kept_from_spilling()) {
		reached("a label that may not spill");
		must(decision.verdict == AM_VERDICT_DENY, "written outside: denied");
	}
}

void prove_without_a_policy_tagged_and_labelled_data_is_closed(void)
{
	decide_anything();
	if (closed_without_policy()) {
		reached("no policy");
		must(blocks(&decision), "blocked");
		must(decision.reason == AM_REASON_NO_POLICY, "and told as such");
		must(decision.culprits == facts.labels, "the labels at stake are named");
	}
}

void prove_what_nothing_protects_is_left_alone(void)
{
	decide_anything();
	if (facts.policy ? !facts.store && !facts.labels : !facts.tagged && !facts.labels) {
		reached("unprotected");
		must(decision.verdict == AM_VERDICT_ALLOW, "allowed");
		must(decision.reason == AM_REASON_UNPROTECTED, "and told as such");
		must(!decision.enforce && !decision.culprits, "nothing is held against it");
	}
}

void prove_an_unknown_fact_opens_only_what_says_on_error_allow(void)
{
	_Bool store_open, labels_open;

	decide_anything();
	if (!facts.policy || !facts.unknown || (!facts.store && !facts.labels))
		return;
	reached("an unknown fact");
	store_open = !facts.store || (store.flags & AM_STORE_ERROR_ALLOW);
	labels_open = within(facts.labels, policy->error_allow_labels);
	must(decision.reason == AM_REASON_UNKNOWN_FACT, "told as such, whatever rules say");
	must((decision.verdict == AM_VERDICT_ALLOW) == (store_open && labels_open),
	     "open exactly if the store and every label at stake say so");
	must(decision.verdict == AM_VERDICT_ALLOW || decision.verdict == AM_VERDICT_DENY,
	     "else denied");
}

/* ---- verdict, reason, culprits, mode ------------------------------------------ */

void prove_refuses_exactly_what_something_refuses(void)
{
	decide_anything();
	reached("anything");
	must((decision.verdict == AM_VERDICT_DENY) ==
	     (closed_without_policy() || store_refuses() || labels_refused() != 0),
	     "denied exactly if a store, a label or the lack of a policy refuses");
	must(decision.verdict == AM_VERDICT_DENY || decision.verdict == AM_VERDICT_ALLOW,
	     "the verdict is one of the two");
}

void prove_blocks_exactly_what_something_enforced_refuses(void)
{
	decide_anything();
	reached("anything");
	must(blocks(&decision) ==
	     (closed_without_policy() || (store_refuses() && store_enforces()) ||
	      (labels_refused() & policy->enforce_labels) != 0),
	     "no refusal that is only observed hides one that blocks, and none blocks beyond it");
}

/* Whether what the reason says is so. */
static _Bool has_cause(enum am_reason reason)
{
	switch (reason) {
	case AM_REASON_RULE_ALLOWS:
		return rules_decide() && !store_refuses() && !labels_refused();
	case AM_REASON_RULE_DENIES:
		return rules_decide() && facts.store && store_denies();
	case AM_REASON_PURPOSE:
		return rules_decide() && facts.store && !store_denies() && !purpose_fits();
	case AM_REASON_NO_RULE:
		return rules_decide() && facts.store && !store_denies() && purpose_fits() &&
		       !store_allows();
	case AM_REASON_LABEL_DENIES:
		return labels_denied() != 0;
	case AM_REASON_LABEL_NO_RULE:
		return labels_without_rule() != 0;
	case AM_REASON_SPILL:
		return labels_kept_from_spilling() != 0;
	case AM_REASON_UNKNOWN_FACT:
		return facts.policy && facts.unknown && (facts.store || facts.labels);
	case AM_REASON_NO_POLICY:
		return closed_without_policy();
	case AM_REASON_UNPROTECTED:
		return !closed_without_policy() && !facts.store && !facts.labels;
	default:
		return 0;
	}
}

void prove_every_reason_has_its_cause(void)
{
	decide_anything();
	reached("anything");
	must(decision.reason > AM_REASON_INVALID && decision.reason < AM_REASON_MAX_,
	     "the reason is one of those that there are");
	must(has_cause(decision.reason), "what the reason says is so");
}

void prove_every_reason_goes_with_its_verdict(void)
{
	_Bool allowed;

	decide_anything();
	reached("anything");
	allowed = decision.verdict == AM_VERDICT_ALLOW;
	switch (decision.reason) {
	case AM_REASON_RULE_ALLOWS:
	case AM_REASON_UNPROTECTED:
		must(allowed, "such a reason allows");
		break;
	case AM_REASON_UNKNOWN_FACT:
		must(allowed == !(store_closed_on_error() || labels_closed_on_error()),
		     "an unknown fact does what on-error says");
		break;
	default:
		must(!allowed, "any other reason denies");
	}
}

static __u64 expected_culprits(void)
{
	switch (decision.reason) {
	case AM_REASON_RULE_DENIES:
	case AM_REASON_PURPOSE:
	case AM_REASON_NO_RULE:
		return store.labels;
	case AM_REASON_LABEL_DENIES:
		return labels_denied();
	case AM_REASON_LABEL_NO_RULE:
		return labels_without_rule();
	case AM_REASON_SPILL:
		return labels_kept_from_spilling();
	case AM_REASON_UNKNOWN_FACT:
		return labels_closed_on_error() | (store_closed_on_error() ? store.labels : 0);
	default:
		return facts.labels;	/* no policy */
	}
}

void prove_culprits_are_the_labels_that_refuse(void)
{
	decide_anything();
	must(within(decision.culprits, facts.labels | (facts.store ? store.labels : 0)),
	     "only labels at stake, or the store's");
	if (decision.verdict == AM_VERDICT_ALLOW) {
		reached("allowed");
		must(!decision.culprits, "an access that is allowed has none");
		return;
	}
	reached("denied");
	must(decision.culprits == expected_culprits(), "exactly those that refuse for this reason");
	if (decision.reason == AM_REASON_LABEL_DENIES ||
	    decision.reason == AM_REASON_LABEL_NO_RULE || decision.reason == AM_REASON_SPILL) {
		reached("a reason about labels");
		must(decision.culprits != 0, "a reason about labels names one");
	}
}

void prove_enforce_is_the_mode_of_what_refuses(void)
{
	_Bool labels_enforced;

	decide_anything();
	if (decision.verdict != AM_VERDICT_DENY)
		return;
	reached("a refusal");
	must(decision.enforce <= 1, "0 or 1");
	labels_enforced = (labels_refused() & policy->enforce_labels) != 0;
	switch (decision.reason) {
	case AM_REASON_NO_POLICY:
		must(decision.enforce, "without a policy: blocks");
		break;
	case AM_REASON_RULE_DENIES:
	case AM_REASON_PURPOSE:
	case AM_REASON_NO_RULE:
		must(decision.enforce == store_enforces(), "the store's mode");
		break;
	case AM_REASON_UNKNOWN_FACT:
		must(decision.enforce ==
		     ((store_closed_on_error() && store_enforces()) || labels_enforced),
		     "the mode of what is closed on error");
		break;
	default:
		must(decision.enforce == ((decision.culprits & policy->enforce_labels) != 0),
		     "the mode of the labels that refuse");
	}
}

/* ---- what cannot be recorded ---------------------------------------------------- */

static void same_decision(const struct am_decision *a, const struct am_decision *b)
{
	must(a->verdict == b->verdict && a->reason == b->reason && a->enforce == b->enforce &&
	     a->culprits == b->culprits, "the same decision");
}

static struct am_decision unrecorded;

static void decide_unrecorded(void)
{
	decide_anything();
	unrecorded = any_decision();
	am_decide_unrecorded(&facts, &decision, &unrecorded);
}

static _Bool store_is_strict(void)
{
	return facts.store && (store.flags & AM_STORE_STRICT);
}

static __u64 strict_labels(void)
{
	return facts.policy ? facts.labels & policy->strict_labels : 0;
}

void prove_what_cannot_be_recorded_is_refused_exactly_where_that_is_strict(void)
{
	decide_unrecorded();
	if (blocks(&decision) || (!store_is_strict() && !strict_labels())) {
		reached("a refusal that blocks, or nothing strict");
		same_decision(&decision, &unrecorded);
		return;
	}
	reached("something strict");
	must(unrecorded.verdict == AM_VERDICT_DENY, "refused");
	must(unrecorded.reason == AM_REASON_UNRECORDED, "and told as that");
	must(unrecorded.culprits == ((store_is_strict() ? store.labels : 0) | strict_labels()),
	     "the strict labels, and those of the strict store");
	must(blocks(&unrecorded) == ((store_is_strict() && store_enforces()) ||
				     (strict_labels() & policy->enforce_labels) != 0),
	     "and blocked exactly if something strict is enforced");
}

void prove_every_byte_of_that_comes_from_the_facts_too(void)
{
	struct am_decision other = any_decision();
	unsigned i = any_u32();

	decide_unrecorded();
	am_decide_unrecorded(&facts, &decision, &other);
	reached("twice, over different remains");
	suppose(i < sizeof(other.pad));
	same_decision(&unrecorded, &other);
	must(!other.pad[i] && !unrecorded.pad[i], "padding is zero: records are hashed");
	must(other.enforce <= 1, "0 or 1");
}

/* ---- order, locality, purity -------------------------------------------------- */

/* Makes grant `g` as strict as it was, or stricter. */
static void tighten(struct am_grant *g)
{
	struct am_set fewer = any_set(), more = any_set();

	for (unsigned i = 0; i < AM_SET_WORDS; i++) {
		g->allow.w[i] &= fewer.w[i];
		g->deny.w[i] |= more.w[i];
	}
}

static void tighten_purposes(void)
{
	__u64 fewer = any_u64();

	if (!store.purposes)
		store.purposes = fewer;
	else if (store.purposes & fewer)
		store.purposes &= fewer;
}

static void tighten_policy(void)
{
	policy->enforce_labels |= any_u64();
	policy->error_allow_labels &= any_u64();
	policy->spill_deny_labels |= any_u64();
	rules.read_allows &= any_u64();
	rules.read_denies |= any_u64();
	rules.send_allows &= any_u64();
	rules.send_denies |= any_u64();
	tighten(&store.read);
	tighten(&store.write);
	tighten_purposes();
	if (any_bool())
		store.flags |= AM_STORE_ENFORCE;
	if (any_bool())
		store.flags &= ~(__u32)AM_STORE_ERROR_ALLOW;
}

void prove_a_stricter_policy_never_opens_anything(void)
{
	struct am_decision before;

	decide_anything();
	before = decision;
	tighten_policy();
	facts.labels |= facts.policy ? any_u64() : 0;
	decide(&decision);
	show();
	reached("before and after");
	must(!blocks(&before) || blocks(&decision), "what was blocked still is");
	must(before.verdict != AM_VERDICT_DENY || decision.verdict == AM_VERDICT_DENY,
	     "what was refused still is");
}

void prove_rules_for_labels_not_at_stake_do_not_matter(void)
{
	struct am_decision before;

	decide_anything();
	before = decision;
	rules.read_allows ^= any_u64() & ~facts.labels;
	rules.read_denies ^= any_u64() & ~facts.labels;
	rules.send_allows ^= any_u64() & ~facts.labels;
	rules.send_denies ^= any_u64() & ~facts.labels;
	policy->spill_deny_labels ^= any_u64() & ~facts.labels;
	policy->error_allow_labels ^= any_u64() & ~facts.labels;
	policy->enforce_labels ^= any_u64() & ~facts.labels;
	decide(&decision);
	show();
	reached("before and after");
	same_decision(&before, &decision);
}

void prove_the_other_operation_s_rules_do_not_matter(void)
{
	struct am_decision before;

	decide_anything();
	before = decision;
	if (facts.op == AM_OP_WRITE) {
		store.read.allow = any_set();
		store.read.deny = any_set();
		rules.read_allows = any_u64();
		rules.read_denies = any_u64();
	} else {
		store.write.allow = any_set();
		store.write.deny = any_set();
		policy->spill_deny_labels = any_u64();
	}
	if (facts.op == AM_OP_SEND)
		rules.read_denies = any_u64();
	else
		rules.send_denies = any_u64();
	decide(&decision);
	show();
	reached("before and after");
	same_decision(&before, &decision);
}

void prove_every_byte_of_a_decision_comes_from_the_facts(void)
{
	struct am_decision other = any_decision();
	unsigned i = any_u32();

	decide_anything();
	decide(&other);
	reached("twice, over different remains");
	suppose(i < sizeof(decision.pad));
	same_decision(&decision, &other);
	must(!decision.pad[i] && !other.pad[i], "padding is zero: records are hashed");
}

void prove_any_other_operation_is_judged_as_a_read(void)
{
	struct am_decision other = any_decision();
	__u32 op = any_u32();

	any_facts();
	suppose(op < 1 << 16 && op != AM_OP_WRITE && op != AM_OP_SEND);
	facts.op = AM_OP_READ;
	am_decide(&facts, &decision);
	show();
	facts.op = op;
	am_decide(&facts, &other);
	reached("both");
	same_decision(&decision, &other);
}

/* ---- the walk ------------------------------------------------------------------ */

/* What lets the other properties here take the walk at once. */
void prove_the_walk_asks_about_every_label(void)
{
	struct am_decision stepwise = any_decision();

	decide_anything();
	walk_at_once = 0;
	decide(&stepwise);
	reached("both ways");
	same_decision(&decision, &stepwise);
}

static __u64 visited;

static long visit(__u32 label, struct am_walk *w)
{
	must(label < AM_LABELS_MAX, "a label that exists");
	must(!(visited >> label), "upwards, and none twice");
	visited |= 1ULL << label;
	return w->facts->labels >> label <= 1;
}

void prove_the_walk_visits_every_label_once_and_upwards(void)
{
	struct am_walk w = { .facts = &facts };

	facts.labels = any_u64();
	visited = 0;
	am_labels_walk(visit, &w);
	reached("the end");
	must(within(facts.labels, visited), "every label at stake");
}

/* ---- behaviour that C defines --------------------------------------------------- */

/* No terms are kept here: any operation, zones and purpose, a store with any of them.
 * CBMC checks each access to memory, shift, signed sum and conversion on the way. */
void prove_no_fact_leads_to_undefined_behaviour(void)
{
	any_policy();
	facts = any_facts_value();
	facts.policy = any_bool() ? policy : (void *)0;
	facts.store = any_bool() ? &store : (void *)0;
	am_decide_object(&facts, &decision);
	am_decide_send(&facts, &decision);
	am_decide(&facts, &decision);
	am_decide_unrecorded(&facts, &decision, &unrecorded);
	reached("the end");
}
