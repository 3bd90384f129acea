/* SPDX-License-Identifier: GPL-2.0 */
/* The decision: facts about one access go in, the verdict and its one reason
 * come out. Pure: no map, no helper, no clock, no state. The same text is
 * compiled into the hooks, the agent, the command line and the tests, so what
 * we explain is what the kernel did.
 *
 * Whether a failure opens or closes is decided here and nowhere else. */
#pragma once

#include "abi.h"

#define AM_INLINE static inline __attribute__((always_inline, unused))

struct am_facts {
	const struct am_policy *policy;	/* NULL: none is in force */
	const struct am_store *store;	/* of the object, one of `policy`; NULL: none */
	struct am_set bits;		/* subjects that the task is */
	struct am_zones zones;		/* AM_OP_SEND: where to */
	/* Labels at stake beyond the store's own. READ: what else the object
	 * carries. WRITE: what the task carries and the object does not.
	 * SEND: what the task carries. */
	__u64 labels;
	__u16 op;			/* am_op */
	__u8 tagged;			/* the object has a tag, live or stale */
	__u8 unknown;			/* a fact about the task could not be established */
	__u32 pad;
};

struct am_decision {
	__u64 culprits;		/* of `labels` or the store's: those that refuse */
	__u8 verdict;		/* am_verdict */
	__u8 reason;		/* am_reason */
	__u8 enforce;		/* a refusal blocks; else it is logged only */
	__u8 pad[5];
};

AM_INLINE int am_set_meets(const struct am_set *a, const struct am_set *b)
{
	return ((a->w[0] & b->w[0]) | (a->w[1] & b->w[1]) | (a->w[2] & b->w[2]) |
		(a->w[3] & b->w[3])) != 0;
}

AM_INLINE void am_set_keep(struct am_set *a, const struct am_set *b)
{
	a->w[0] &= b->w[0];
	a->w[1] &= b->w[1];
	a->w[2] &= b->w[2];
	a->w[3] &= b->w[3];
}

AM_INLINE void am_set_join(struct am_set *a, const struct am_set *b)
{
	a->w[0] |= b->w[0];
	a->w[1] |= b->w[1];
	a->w[2] |= b->w[2];
	a->w[3] |= b->w[3];
}

AM_INLINE int am_set_has(const struct am_set *a, __u32 bit)
{
	return (a->w[(bit >> 6) & (AM_SET_WORDS - 1)] >> (bit & 63)) & 1;
}

/* The live store that a tag names; NULL when the tag is stale or names none. */
AM_INLINE const struct am_store *am_store_of(const struct am_policy *policy, __u32 id)
{
	const struct am_store *store;

	if (!policy || !id)
		return (void *)0;
	store = &policy->stores[id & AM_STORE_SLOT_MASK];
	return store->id == id ? store : (void *)0;
}

AM_INLINE void am_allow(struct am_decision *d, __u8 reason)
{
	d->verdict = AM_VERDICT_ALLOW;
	d->reason = reason;
	d->culprits = 0;
}

AM_INLINE void am_deny(struct am_decision *d, __u8 reason, __u64 culprits)
{
	d->verdict = AM_VERDICT_DENY;
	d->reason = reason;
	d->culprits = culprits;
}

/* Labels of `labels` that `bits` may not read outside of any store. *denied gets
 * those that a deny rule refuses. */
AM_INLINE __u64 am_labels_unreadable(const struct am_policy *policy, const struct am_set *bits,
				     __u64 labels, __u64 *denied)
{
	__u64 refused = 0, by_rule = 0;
	__u32 l;

	for (l = 0; l < AM_LABELS_MAX; l++) {
		const struct am_grant *g = &policy->label_read[l];

		if (!((labels >> l) & 1))
			continue;
		if (am_set_meets(bits, &g->deny))
			by_rule |= 1ULL << l;
		else if (!am_set_meets(bits, &g->allow))
			refused |= 1ULL << l;
	}
	*denied = by_rule;
	return refused | by_rule;
}

/* Whether `bits` may send `label` to one of `zones`: 1 yes, 0 no rule, -1 denied.
 * A terminal shows data to a person who may read it: open unless denied. */
AM_INLINE int am_label_sendable(const struct am_policy *policy, const struct am_set *bits,
				const struct am_zones *zones, __u32 label)
{
	const struct am_grant *g = &policy->send[label & (AM_LABELS_MAX - 1)][AM_ZONE_ANYWHERE];
	int allowed = am_set_meets(bits, &g->allow), denied = am_set_meets(bits, &g->deny);
	__u32 i;

	for (i = 0; i < AM_ZONE_HITS; i++) {
		if (i >= zones->count)
			break;
		g = &policy->send[label & (AM_LABELS_MAX - 1)][zones->id[i]];
		allowed |= am_set_meets(bits, &g->allow) | (zones->id[i] == AM_ZONE_TERMINAL);
		denied |= am_set_meets(bits, &g->deny);
	}
	return denied ? -1 : allowed;
}

/* Labels of `labels` that may not be sent, like am_labels_unreadable(). */
AM_INLINE __u64 am_labels_unsendable(const struct am_facts *f, __u64 *denied)
{
	__u64 refused = 0, by_rule = 0;
	__u32 l;

	for (l = 0; l < AM_LABELS_MAX; l++) {
		int r;

		if (!((f->labels >> l) & 1))
			continue;
		r = am_label_sendable(f->policy, &f->bits, &f->zones, l);
		if (r < 0)
			by_rule |= 1ULL << l;
		else if (!r)
			refused |= 1ULL << l;
	}
	*denied = by_rule;
	return refused | by_rule;
}

AM_INLINE void am_decide_labels(const struct am_facts *f, struct am_decision *d)
{
	__u64 denied = 0, refused;

	if (f->op == AM_OP_SEND)
		refused = am_labels_unsendable(f, &denied);
	else if (f->op == AM_OP_READ)
		refused = am_labels_unreadable(f->policy, &f->bits, f->labels, &denied);
	else
		refused = f->labels & f->policy->spill_deny_labels;

	if (!refused)
		return;
	if (f->op == AM_OP_WRITE)
		am_deny(d, AM_REASON_SPILL, refused);
	else if (denied)
		am_deny(d, AM_REASON_LABEL_DENIES, denied);
	else
		am_deny(d, AM_REASON_LABEL_NO_RULE, refused);
	d->enforce = (d->culprits & f->policy->enforce_labels) != 0;
}

AM_INLINE void am_decide_store(const struct am_facts *f, struct am_decision *d)
{
	const struct am_store *s = f->store;
	const struct am_grant *g = f->op == AM_OP_WRITE ? &s->write : &s->read;

	d->enforce = (s->flags & AM_STORE_ENFORCE) != 0;
	if (am_set_meets(&f->bits, &g->deny))
		am_deny(d, AM_REASON_RULE_DENIES, s->labels);
	else if (am_set_meets(&f->bits, &g->allow))
		am_allow(d, AM_REASON_RULE_ALLOWS);
	else
		am_deny(d, AM_REASON_NO_RULE, s->labels);
}

/* A fact is missing: what the store says, or all the labels' stores together. */
AM_INLINE void am_decide_unknown(const struct am_facts *f, struct am_decision *d)
{
	__u64 labels = f->labels;
	int open;

	if (f->store) {
		open = (f->store->flags & AM_STORE_ERROR_ALLOW) != 0;
		d->enforce = (f->store->flags & AM_STORE_ENFORCE) != 0;
		labels |= f->store->labels;
	} else {
		open = !(labels & ~f->policy->error_allow_labels);
		d->enforce = (labels & f->policy->enforce_labels) != 0;
	}
	if (open)
		am_allow(d, AM_REASON_UNKNOWN_FACT);
	else
		am_deny(d, AM_REASON_UNKNOWN_FACT, labels);
}

AM_INLINE void am_decide(const struct am_facts *f, struct am_decision *d)
{
	__builtin_memset(d, 0, sizeof(*d));
	am_allow(d, AM_REASON_UNPROTECTED);

	if (!f->policy && (f->tagged || f->labels)) {
		am_deny(d, AM_REASON_NO_POLICY, f->labels);
		d->enforce = 1;
		return;
	}
	if (!f->policy || (!f->store && !f->labels))
		return;
	if (f->unknown) {
		am_decide_unknown(f, d);
		return;
	}
	if (f->store)
		am_decide_store(f, d);
	else
		am_allow(d, AM_REASON_RULE_ALLOWS);
	if (d->verdict == AM_VERDICT_ALLOW && f->labels)
		am_decide_labels(f, d);
}
