/* SPDX-License-Identifier: GPL-2.0 */
/* One access to a tagged object: gather, decide, emit, return. Every file hook
 * ends here once it has found a tag. */
#pragma once

#include "subject.h"

AM_INLINE struct am_task *am_leader_of(struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;

	return leader ? am_task_of(leader) : NULL;
}

AM_INLINE struct am_task *am_leader_create(struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;

	return leader ? am_task_create(leader) : NULL;
}

AM_INLINE void am_labels_gain(struct am_task *leader, __u64 labels)
{
	if (labels & ~leader->labels)
		__sync_fetch_and_or(&leader->labels, labels);
}

/* Tells of the repeats that an entry has counted. */
AM_NOINLINE void am_touch_flush(struct task_struct *task, struct am_touch *t)
{
	struct am_scratch *s;

	if (!t->count)
		return;
	s = am_event_begin(task, AM_EVENT_REPEAT);
	if (!s)
		return;
	s->event.verdict = AM_VERDICT_ALLOW;
	s->event.reason = AM_REASON_RULE_ALLOWS;
	s->event.act = t->act;
	s->event.generation = t->generation;
	s->event.store = t->store;
	s->event.count = t->count;
	s->event.ino = t->ino;
	s->event.dev = t->dev;
	s->event.igen = t->igen;
	s->event.size = sizeof(s->event);
	am_ring(s, false);
	am_scratch_release(s);
	t->count = 0;
}

/* Whether this thread does this to this file for the first time under this
 * policy. If not, it has been counted. The table is the thread's own, so nobody
 * else writes to it. */
AM_INLINE bool am_touch_first(struct task_struct *task, struct am_task *own, struct inode *inode,
			      __u32 act, __u32 store, __u32 generation)
{
	__u32 slot = (((__u64)inode >> 7) ^ act) & (AM_TOUCHES - 1);
	struct am_touch *t = &own->touch[slot];

	if (t->inode == (__u64)inode && t->ino == inode->i_ino && t->act == act &&
	    t->generation == generation && t->igen == inode->i_generation) {
		t->count++;
		return false;
	}
	am_touch_flush(task, t);
	t->inode = (__u64)inode;
	t->ino = inode->i_ino;
	t->dev = inode->i_sb->s_dev;
	t->igen = inode->i_generation;
	t->generation = generation;
	t->store = store;
	t->act = act;
	return true;
}

AM_INLINE void am_fill_decision(struct am_event *e, const struct am_facts *f,
				const struct am_decision *d, __u32 act)
{
	e->verdict = d->verdict;
	e->reason = d->reason;
	e->op = f->op;
	e->act = act;
	e->generation = f->policy ? f->policy->generation : 0;
	e->culprits = d->culprits;
	e->labels = f->labels | (f->store ? f->store->labels : 0);
	e->store = f->store ? f->store->id : 0;
	e->bits = f->bits;
	e->zones = f->zones;
	if (d->verdict == AM_VERDICT_DENY && d->enforce)
		e->flags |= AM_EVENT_BLOCKED;
}

/* A destination as it is written into events. */
struct am_dest {
	__u8 addr[16];
	__u16 family;
	__u16 port;
	__u32 proto;
};

/* What kind of record, and where to. */
struct am_telling {
	__u32 kind;		/* am_event_kind */
	__u32 act;		/* am_act */
	const struct am_dest *dest;	/* NULL: none */
};

/* Tells of one decision about the current task. */
AM_NOINLINE void am_tell(const struct am_object *o, const struct am_facts *f,
			 const struct am_decision *d, const struct am_telling *how)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct am_scratch *s = am_event_begin(task, how->kind);

	if (!s)
		return;
	am_fill_decision(&s->event, f, d, how->act);
	if (how->dest) {
		__builtin_memcpy(s->event.addr, how->dest->addr, sizeof(s->event.addr));
		s->event.family = how->dest->family;
		s->event.port = how->dest->port;
		s->event.proto = how->dest->proto;
	}
	am_event_emit(s, o, task, d->verdict == AM_VERDICT_DENY || how->kind == AM_EVENT_SPILL);
}

/* Counts a decision and returns what the hook returns for it. */
AM_INLINE int am_verdict_return(const struct am_decision *d)
{
	if (d->verdict != AM_VERDICT_DENY) {
		am_count(AM_COUNT_ALLOWED);
		return 0;
	}
	am_count(AM_COUNT_DENIED);
	if (!d->enforce)
		return 0;
	am_count(AM_COUNT_BLOCKED);
	return -EACCES;
}

/* Who asks, under which policy, as far as it can be told. */
AM_INLINE void am_facts_task(struct am_facts *f, struct task_struct *task, struct am_task *own)
{
	f->policy = am_policy_now();
	if (!f->policy) {
		am_count(AM_COUNT_NO_POLICY);
		return;
	}
	if (own) {
		f->unknown = am_bits_now(f->policy, task, own);
		f->bits = own->bits;
	} else {
		f->unknown = 1;
	}
	if (f->unknown)
		am_count(AM_COUNT_UNKNOWN_FACT);
}

/* What happens to labels once the access goes ahead. */
AM_INLINE void am_access_flow(const struct am_object *o, const struct am_facts *f,
			      struct am_task *leader)
{
	if (!leader)
		return;
	if (f->op == AM_OP_READ) {
		am_labels_gain(leader, f->labels | (f->store ? f->store->labels : 0));
	} else if (f->labels) {
		__sync_fetch_and_or(&o->tag->labels, f->labels);
		am_stray_keep(o->inode, o->tag);
	}
}

/* Labels at stake beyond the store's, see struct am_facts. */
AM_INLINE __u64 am_labels_at_stake(const struct am_facts *f, const struct am_tag *tag,
				   const struct am_task *leader)
{
	__u64 covered = f->store ? f->store->labels : 0;

	if (f->op == AM_OP_READ)
		return tag->labels & ~covered;
	return leader ? leader->labels & ~(covered | tag->labels) : 0;
}

/* Decides an access by the current task to an object that has a tag. 0 or -EACCES. */
AM_NOINLINE int am_access(const struct am_object *o, __u32 op, __u32 act)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct am_task *own = am_task_create(task);
	struct am_task *leader = am_leader_create(task);
	struct am_telling how = { .kind = AM_EVENT_ACCESS, .act = act };
	struct am_facts f = { .op = op, .tagged = 1 };
	struct am_decision d;

	if (leader && (leader->flags & AM_TASK_AGENT)) {
		am_count(AM_COUNT_AGENT);
		/* The agent comes by while sealing: see to hard links. */
		if (o->inode->i_nlink > 1 && (o->inode->i_mode & S_IFMT) == S_IFREG &&
		    !(o->tag->flags & AM_TAG_STRAY))
			am_stray_keep(o->inode, o->tag);
		return 0;
	}
	am_facts_task(&f, task, own);
	f.store = am_store_of(f.policy, o->tag->store);
	f.labels = am_labels_at_stake(&f, o->tag, leader);
	am_decide(&f, &d);
	if (d.reason == AM_REASON_UNPROTECTED)
		return 0;
	/* A refusal is always told; an allowed access when it is the first of its kind. */
	if (d.verdict == AM_VERDICT_DENY || !own ||
	    am_touch_first(task, own, o->inode, act, o->tag->store,
			   f.policy ? f.policy->generation : 0))
		am_tell(o, &f, &d, &how);
	if (d.verdict != AM_VERDICT_DENY || !d.enforce)
		/* Opening moves no data; what moves it asks again. */
		if (act != AM_ACT_OPEN && act < AM_ACT_CREATE)
			am_access_flow(o, &f, leader);
	return am_verdict_return(&d);
}
