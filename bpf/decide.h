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
#define AM_NOINLINE static __attribute__((noinline, unused))

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
	__u32 purpose;			/* that the task runs under, 0 = none */
};

struct am_decision {
	__u64 culprits;		/* of `labels` or the store's: those that refuse */
	__u8 verdict;		/* am_verdict */
	__u8 reason;		/* am_reason */
	__u8 enforce;		/* a refusal blocks; else it is logged only */
	__u8 pad[5];
};

/* The loops below may not branch on what they find: the kernel's verifier would
 * follow every combination of outcomes. So a test is arithmetic, and the
 * compiler is kept from turning it back into a branch. */
#ifdef __bpf__
#define AM_OPAQUE(x) __asm__ volatile("" : "+r"(x))
#else
#define AM_OPAQUE(x) ((void)0)
#endif

/* 1 if `a` and `b` have a member in common, else 0. */
AM_INLINE __u64 am_set_meets(const struct am_set *a, const struct am_set *b)
{
	__u64 common = (a->w[0] & b->w[0]) | (a->w[1] & b->w[1]) | (a->w[2] & b->w[2]) |
		       (a->w[3] & b->w[3]);
	__u64 sign = common | (0 - common);

	AM_OPAQUE(sign);
	return sign >> 63;
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

/* Labels refused: those that a rule denies, and those else that no rule allows. */
struct am_refusal {
	__u64 no_rule;
	__u64 denied;
};

/* `allowed` and `denied` are 0 or 1. */
AM_INLINE void am_refuse(struct am_refusal *r, __u64 label, __u64 allowed, __u64 denied)
{
	r->no_rule |= label & (allowed - 1) & (denied - 1);
	r->denied |= label & (0 - denied);
}

/* A walk over the labels at stake: what it knows and what it has found. */
struct am_walk {
	const struct am_facts *facts;
	struct am_refusal refused;
};

/* One label each: 1 ends the walk, no label is left from this one on. */
AM_NOINLINE long am_label_read(__u32 l, struct am_walk *w)
{
	const struct am_facts *f = w->facts;
	const struct am_grant *g = &f->policy->label_read[l & (AM_LABELS_MAX - 1)];
	__u64 rest = f->labels >> (l & (AM_LABELS_MAX - 1));

	if (rest & 1)
		am_refuse(&w->refused, 1ULL << (l & (AM_LABELS_MAX - 1)),
			  am_set_meets(&f->bits, &g->allow), am_set_meets(&f->bits, &g->deny));
	return rest <= 1;
}

/* Adds to *allowed and *denied what rules say of sending `label` to `zone`. A
 * terminal shows data to a person who may read it: open unless denied. */
AM_INLINE void am_zone_ask(const struct am_facts *f, __u32 label, __u8 zone, __u64 *allowed,
			   __u64 *denied)
{
	const struct am_grant *g = &f->policy->send[label & (AM_LABELS_MAX - 1)][zone];
	__u64 other = zone ^ AM_ZONE_TERMINAL;
	__u64 terminal = (other - 1) >> 63;

	AM_OPAQUE(terminal);
	*allowed |= am_set_meets(&f->bits, &g->allow) | terminal;
	*denied |= am_set_meets(&f->bits, &g->deny);
}

/* Entries beyond zones.count are zero, which is `anywhere`, where every destination is. */
AM_NOINLINE long am_label_send(__u32 l, struct am_walk *w)
{
	const struct am_facts *f = w->facts;
	__u64 rest = f->labels >> (l & (AM_LABELS_MAX - 1)), allowed = 0, denied = 0;
	__u32 i;

	if (rest & 1) {
		am_zone_ask(f, l, AM_ZONE_ANYWHERE, &allowed, &denied);
		for (i = 0; i < AM_ZONE_HITS; i++) {
			if (i >= f->zones.count)
				break;
			am_zone_ask(f, l, f->zones.id[i], &allowed, &denied);
		}
		am_refuse(&w->refused, 1ULL << (l & (AM_LABELS_MAX - 1)), allowed, denied);
	}
	return rest <= 1;
}

/* Calls `step` with each label's number until it says that no label is left. In the
 * kernel a helper is the loop, so that the verifier looks at one step, not 64. */
#ifdef __bpf__
static long (*const am_loop_)(__u32 n, void *step, void *ctx, __u64 flags) = (void *)181;
#define am_labels_walk(step, w) am_loop_(AM_LABELS_MAX, step, w, 0)
#else
#define am_labels_walk(step, w)                                              \
	do {                                                                 \
		for (__u32 l_ = 0; l_ < AM_LABELS_MAX && !step(l_, w); l_++) \
			;                                                    \
	} while (0)
#endif

/* The verdict on labels; `refused` is empty when they may pass. Where stores differ
 * in mode, a refusal that blocks is told before one that is only observed. */
AM_INLINE void am_decide_refusal(const struct am_facts *f, const struct am_refusal *refused,
				 struct am_decision *d)
{
	__u64 enforced = f->policy->enforce_labels;

	if (!(refused->denied | refused->no_rule))
		return;
	if ((refused->denied & enforced) || (refused->denied && !(refused->no_rule & enforced)))
		am_deny(d, AM_REASON_LABEL_DENIES, refused->denied);
	else
		am_deny(d, AM_REASON_LABEL_NO_RULE, refused->no_rule);
	d->enforce = (d->culprits & enforced) != 0;
}

AM_INLINE void am_decide_spill(const struct am_facts *f, struct am_decision *d)
{
	__u64 refused = f->labels & f->policy->spill_deny_labels;

	if (!refused)
		return;
	am_deny(d, AM_REASON_SPILL, refused);
	d->enforce = (refused & f->policy->enforce_labels) != 0;
}

AM_INLINE void am_decide_store(const struct am_facts *f, struct am_decision *d)
{
	const struct am_store *s = f->store;
	const struct am_grant *g = f->op == AM_OP_WRITE ? &s->write : &s->read;

	d->enforce = (s->flags & AM_STORE_ENFORCE) != 0;
	if (am_set_meets(&f->bits, &g->deny))
		am_deny(d, AM_REASON_RULE_DENIES, s->labels);
	else if (s->purposes && !((s->purposes >> (f->purpose & (AM_PURPOSES_MAX - 1))) & 1))
		am_deny(d, AM_REASON_PURPOSE, s->labels);
	else if (am_set_meets(&f->bits, &g->allow))
		am_allow(d, AM_REASON_RULE_ALLOWS);
	else
		am_deny(d, AM_REASON_NO_RULE, s->labels);
}

/* A fact is missing: open only if the store says so, and so do the stores of every
 * other label at stake. */
AM_INLINE void am_decide_unknown(const struct am_facts *f, struct am_decision *d)
{
	__u64 closed = f->labels & ~f->policy->error_allow_labels;
	__u64 culprits = closed;
	int blocks = (closed & f->policy->enforce_labels) != 0;

	if (f->store && !(f->store->flags & AM_STORE_ERROR_ALLOW)) {
		culprits |= f->store->labels;
		blocks |= (f->store->flags & AM_STORE_ENFORCE) != 0;
	} else if (!closed) {
		am_allow(d, AM_REASON_UNKNOWN_FACT);
		return;
	}
	am_deny(d, AM_REASON_UNKNOWN_FACT, culprits);
	d->enforce = blocks;
}

/* What needs no rule to decide: nothing protected, no policy, an unknown fact.
 * Returns whether that was all. */
AM_INLINE int am_decide_early(const struct am_facts *f, struct am_decision *d)
{
	__builtin_memset(d, 0, sizeof(*d));
	am_allow(d, AM_REASON_UNPROTECTED);

	if (!f->policy && (f->tagged || f->labels)) {
		am_deny(d, AM_REASON_NO_POLICY, f->labels);
		d->enforce = 1;
		return 1;
	}
	if (!f->policy || (!f->store && !f->labels))
		return 1;
	if (f->unknown) {
		am_decide_unknown(f, d);
		return 1;
	}
	return 0;
}

/* What the labels at stake say of a READ or WRITE; *d stays as it is if they may pass. */
AM_INLINE void am_decide_labels(const struct am_facts *f, struct am_decision *d)
{
	struct am_walk w = { .facts = f };

	if (f->op == AM_OP_WRITE) {
		am_decide_spill(f, d);
		return;
	}
	am_labels_walk(am_label_read, &w);
	am_decide_refusal(f, &w.refused, d);
}

/* READ and WRITE of a file, a pipe, anything that can carry a tag. The store's refusal
 * comes first, unless it is only observed and one of the labels' blocks. */
AM_INLINE void am_decide_object(const struct am_facts *f, struct am_decision *d)
{
	struct am_decision labels = { 0 };

	if (am_decide_early(f, d))
		return;
	if (f->store)
		am_decide_store(f, d);
	else
		am_allow(d, AM_REASON_RULE_ALLOWS);
	if (!f->labels || (d->verdict == AM_VERDICT_DENY && d->enforce))
		return;
	am_decide_labels(f, &labels);
	if (labels.verdict == AM_VERDICT_DENY && (d->verdict == AM_VERDICT_ALLOW || labels.enforce))
		*d = labels;
}

/* SEND of what a task carries. */
AM_INLINE void am_decide_send(const struct am_facts *f, struct am_decision *d)
{
	struct am_walk w = { .facts = f };

	if (am_decide_early(f, d))
		return;
	am_allow(d, AM_REASON_RULE_ALLOWS);
	am_labels_walk(am_label_send, &w);
	am_decide_refusal(f, &w.refused, d);
}

/* Whether the access goes ahead, allowed or only observed. */
AM_INLINE int am_goes_ahead(const struct am_decision *d)
{
	return d->verdict != AM_VERDICT_DENY || !d->enforce;
}

/* What becomes of an access that would go ahead under *decided, should it turn out that it
 * cannot be recorded: the same, unless the store is strict or a label at stake is. Asked
 * beforehand, as the hooks no longer have the facts when they know. */
AM_INLINE void am_decide_unrecorded(const struct am_facts *f, const struct am_decision *decided,
				    struct am_decision *d)
{
	__u64 labels;

	*d = *decided;
	if (!f->policy || !am_goes_ahead(decided))
		return;
	labels = f->labels & f->policy->strict_labels;
	if (f->store && (f->store->flags & AM_STORE_STRICT)) {
		am_deny(d, AM_REASON_UNRECORDED, f->store->labels | labels);
		d->enforce = (f->store->flags & AM_STORE_ENFORCE) ||
			     (labels & f->policy->enforce_labels);
	} else if (labels) {
		am_deny(d, AM_REASON_UNRECORDED, labels);
		d->enforce = (labels & f->policy->enforce_labels) != 0;
	}
}

/* Either. The hooks call the one that they need, so that the verifier need not
 * follow the other. */
AM_INLINE void am_decide(const struct am_facts *f, struct am_decision *d)
{
	if (f->op == AM_OP_SEND)
		am_decide_send(f, d);
	else
		am_decide_object(f, d);
}
