// SPDX-License-Identifier: GPL-2.0
#include "policy/access.h"

#include <assert.h>

#include "event/event.h"
#include "policy/rule.h"
#include "policy/set.h"

/* ---- the decision ----------------------------------------------------------- */

static uint64_t label_bits(const struct am_space *space, unsigned policy, uint64_t labels)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < space->models[policy]->n_labels; i++)
		if (labels >> i & 1)
			bits |= 1ULL << space->labels[policy][i];
	return bits;
}

/* As am_decide() would put it: the agent asks am_image_may_use() alone. */
static void decide_use(const struct am_space *space, unsigned policy,
		       const struct am_access *access, const struct am_who *who,
		       struct am_decision *ret)
{
	const struct am_image *image = space->images[policy];
	unsigned number = am_space_purpose(space, policy, access->purpose);
	struct am_set bits;

	*ret = (struct am_decision){ .enforce = 1 };
	am_space_bits(space, policy, who, &bits);
	if (am_image_may_use(image, &bits, number))
		am_allow(ret, AM_REASON_RULE_ALLOWS);
	else
		am_deny(ret, am_set_meets(&bits, &image->use[number].deny) ?
			AM_REASON_RULE_DENIES : AM_REASON_NO_RULE, 0);
}

void am_access_decide(const struct am_space *space, unsigned policy,
		      const struct am_access *access, const struct am_who *who,
		      struct am_decision *ret)
{
	const struct am_space_value *purpose = who->facts[AM_FACT_PURPOSE].value;
	struct am_facts facts = {
		.policy = space->images[policy]->policy,
		.store = access->store < 0 ? NULL : space->stores[policy][access->store],
		.labels = label_bits(space, policy, access->labels),
		.op = access->op,
		.tagged = access->op != AM_OP_SEND,
		.unknown = who->unknown,
		.purpose = purpose ? purpose->purpose[policy] : 0,
	};

	if (access->op == AM_OP_USE) {
		decide_use(space, policy, access, who, ret);
		return;
	}

	/* What is the store's own goes without saying, as in the hooks. */
	if (facts.store)
		facts.labels &= ~facts.store->labels;
	if (access->op == AM_OP_SEND)
		facts.zones = access->place->zones[policy];
	am_space_bits(space, policy, who, &facts.bits);
	am_decide(&facts, ret);
}

/* ---- one grant -------------------------------------------------------------- */

static void join_grant(struct am_grant *to, const struct am_grant *from)
{
	am_set_join(&to->allow, &from->allow);
	am_set_join(&to->deny, &from->deny);
}

static void lock_send(const struct am_policy *policy, unsigned label, const struct am_set *zones,
		      struct am_lock *ret)
{
	AM_SET_EACH(zone, zones)
		join_grant(&ret->grant, &policy->send[label][zone]);
	ret->open = am_set_has(zones, AM_ZONE_TERMINAL);
}

static void lock_label(const struct am_space *space, unsigned p, unsigned label,
		       const struct am_access *access, struct am_lock *ret)
{
	const struct am_policy *policy = space->images[p]->policy;

	ret->error_open = policy->error_allow_labels >> label & 1;
	if (access->op == AM_OP_SEND)
		lock_send(policy, label, &access->place->in[p], ret);
	else if (access->op == AM_OP_READ)
		ret->grant = policy->label_read[label];
	else
		ret->open = !(policy->spill_deny_labels >> label & 1);
}

void am_access_lock(const struct am_space *space, unsigned policy, const struct am_access *access,
		    struct am_lock *ret)
{
	struct am_lock lock = { .open = false };

	assert(access->store < 0 || !access->labels);
	if (access->op == AM_OP_USE) {
		lock.grant = space->images[policy]->use[am_space_purpose(space, policy,
									  access->purpose)];
	} else if (access->store >= 0) {
		const struct am_store *s = space->stores[policy][access->store];

		lock.purposes = s->purposes;
		lock.grant = access->op == AM_OP_WRITE ? s->write : s->read;
		lock.error_open = s->flags & AM_STORE_ERROR_ALLOW;
	} else if (access->labels) {
		assert(!(access->labels & (access->labels - 1)));
		lock_label(space, policy, space->labels[policy][__builtin_ctzll(access->labels)],
			   access, &lock);
	} else {
		lock.open = true;
	}
	*ret = lock;
}

/* ---- who may ---------------------------------------------------------------- */

static bool find_better(const struct am_space *space, const struct am_goal *goal, bool found,
			struct am_who *best)
{
	struct am_who who;

	if (!am_space_find(space, goal, &who))
		return found;
	if (!found || am_who_count(&who) < am_who_count(best))
		*best = who;
	return true;
}

bool am_access_find(const struct am_space *space, unsigned policy, const struct am_access *access,
		    const struct am_goal *also, struct am_who *ret)
{
	struct am_goal goal = also ? *also : (struct am_goal){ 0 };
	struct am_decision decision;
	struct am_lock lock;
	bool found = false;

	am_access_lock(space, policy, access, &lock);
	am_set_join(&goal.is_not[policy], &lock.grant.deny);
	if (lock.purposes)
		goal.purposes[policy] = lock.purposes;
	if (lock.open)
		found = find_better(space, &goal, found, ret);
	AM_SET_EACH(subject, &lock.grant.allow) {
		struct am_goal one = goal;

		am_set_add(&one.is[policy], subject);
		found = find_better(space, &one, found, ret);
	}
	if (!found)
		return false;
	/* The same function that decides in the kernel must agree. */
	am_access_decide(space, policy, access, ret, &decision);
	assert(decision.verdict == AM_VERDICT_ALLOW);
	return true;
}

/* ---- rules ------------------------------------------------------------------ */

unsigned am_rule_subject(const struct am_model_rule *rule)
{
	return rule->subject == AM_RULE_ANYBODY ? (unsigned)AM_SUBJECT_ANYONE
						: (unsigned)rule->subject;
}

static bool speaks_of_label(const struct am_model_rule *rule, uint64_t labels)
{
	for (unsigned i = 0; i < AM_LABELS_MAX; i++)
		if (labels >> i & 1 && am_rule_speaks_of(rule->labels, rule->n_labels, i))
			return true;
	return false;
}

static bool speaks_of_zone(const struct am_model_rule *rule, const struct am_set *zones)
{
	for (size_t i = 0; i < rule->n_zones; i++)
		if (am_set_has(zones, rule->zones[i]))
			return true;
	return false;
}

/* A copy is ruled by the stores whose labels it carries. */
static bool speaks_of_copies(const struct am_space *space, unsigned policy,
			     const struct am_model_rule *rule, uint64_t labels)
{
	uint64_t bits = label_bits(space, policy, labels);

	for (size_t i = 0; i < space->models[policy]->n_stores; i++)
		if (space->stores[policy][i]->labels & bits &&
		    am_rule_speaks_of(rule->stores, rule->n_stores, i))
			return true;
	return false;
}

bool am_access_concerns(const struct am_space *space, unsigned policy,
			const struct am_access *access, const struct am_model_rule *rule)
{
	if (!am_rule_does(rule, access->op))
		return false;
	if (access->op == AM_OP_USE)
		return am_rule_speaks_of(rule->purposes, rule->n_purposes, access->purpose);
	if (access->op == AM_OP_SEND)
		return speaks_of_label(rule, access->labels) &&
		       speaks_of_zone(rule, &access->place->in[policy]);
	if (access->store >= 0)
		return am_rule_speaks_of(rule->stores, rule->n_stores, access->store);
	return access->op == AM_OP_READ &&
	       speaks_of_copies(space, policy, rule, access->labels);
}

/* Of a copy only a store that is open under the purpose lets anybody read it. */
static bool is_open_copy(const struct am_space *space, unsigned policy,
			 const struct am_access *access, const struct am_who *who,
			 const struct am_model_rule *rule)
{
	const struct am_space_value *purpose = who->facts[AM_FACT_PURPOSE].value;
	uint64_t bits = label_bits(space, policy, access->labels);

	for (size_t i = 0; i < space->models[policy]->n_stores; i++) {
		const struct am_store *s = space->stores[policy][i];

		if (s->labels & bits && am_rule_speaks_of(rule->stores, rule->n_stores, i) &&
		    (!s->purposes || s->purposes >> (purpose ? purpose->purpose[policy] : 0) & 1))
			return true;
	}
	return false;
}

const struct am_model_rule *am_access_rule(const struct am_space *space, unsigned policy,
					   const struct am_access *access,
					   const struct am_who *who, bool deny)
{
	const struct am_model *m = space->models[policy];
	bool copy = access->op == AM_OP_READ && access->store < 0;
	struct am_set bits;

	am_space_bits(space, policy, who, &bits);
	for (size_t i = 0; i < m->n_rules; i++) {
		const struct am_model_rule *rule = &m->rules[i];

		if (rule->deny == deny && am_set_has(&bits, am_rule_subject(rule)) &&
		    am_access_concerns(space, policy, access, rule) &&
		    (deny || !copy || is_open_copy(space, policy, access, who, rule)))
			return rule;
	}
	return NULL;
}

/* ---- text ------------------------------------------------------------------- */

const char *am_access_word(unsigned op)
{
	return op == AM_OP_USE ? "use" : am_op_name(op);
}

static void print_labels(const struct am_model *m, uint64_t labels, FILE *out)
{
	const char *comma = "";

	for (size_t i = 0; i < m->n_labels; i++) {
		if (!(labels >> i & 1))
			continue;
		fprintf(out, "%s%s", comma, m->labels[i].name);
		comma = ", ";
	}
}

void am_access_print_object(const struct am_space *space, unsigned policy,
			    const struct am_access *access, FILE *out)
{
	const struct am_model *m = space->models[policy];
	char place[AM_PLACE_TEXT];

	if (access->op == AM_OP_SEND) {
		am_place_format(access->place, place);
		if (!access->labels)
			fputs("what has no label", out);
		print_labels(m, access->labels, out);
		fprintf(out, " to %s", place);
		return;
	}
	if (access->op == AM_OP_USE) {
		fputs(m->purposes[access->purpose].name, out);
		return;
	}
	fputs(access->store >= 0 ? m->stores[access->store].name :
	      access->labels ? access->op == AM_OP_READ ? "copies" : "outside the stores" :
	      "what is in no store", out);
	if (access->labels) {
		fputs(access->op == AM_OP_READ ? " that carry " : " while carrying ", out);
		print_labels(m, access->labels, out);
	}
}
