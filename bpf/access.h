/* SPDX-License-Identifier: GPL-2.0 */
/* One access to a tagged object: gather, decide, emit, return. Every file hook
 * ends here once it has found a tag.
 *
 * Each move is a global function: the verifier follows it once, and not for every outcome
 * of the move before. What they hand on is in a struct am_case, which keeps no pointers. */
#pragma once

#include "channel.h"
#include "settle.h"
#include "subject.h"
#include "touch.h"

AM_INLINE struct am_task *am_leader_of(struct task_struct *task)
{
	return am_task_of(task->group_leader);
}

AM_INLINE struct am_task *am_leader_create(struct task_struct *task)
{
	return am_task_create(task->group_leader);
}

/* While nothing is recorded, what strict stores say to that is the decision: for each access,
 * also those that would only be counted. */
AM_INLINE void am_case_unrecorded(struct am_case *c)
{
	if (c->unrecorded.reason != AM_REASON_UNRECORDED)
		return;
	am_count(AM_COUNT_UNRECORDED);
	c->d = c->unrecorded;
}

/* Completes a case after its decision. What comes of it without a record is asked beforehand:
 * whoever learns that there can be none has lost the facts. */
AM_INLINE void am_case_close(struct am_case *c)
{
	const struct am_store *store = c->f.store;

	am_decide_unrecorded(&c->f, &c->d, &c->unrecorded);
	c->generation = c->f.policy ? c->f.policy->generation : 0;
	c->labels = c->f.labels | (store ? store->labels : 0);
	c->store = store ? store->id : 0;
	if (am_ledger_out)
		am_case_unrecorded(c);
	c->urgent = c->d.verdict == AM_VERDICT_DENY || c->kind == AM_EVENT_SPILL;
}

AM_INLINE void am_case_object(struct am_case *c, const struct am_object *o)
{
	c->inode = o->inode;
	c->dentry = o->dentry;
	c->mnt = o->mnt;
}

/* Tells of a case. What a strict store says of one that cannot be recorded becomes its
 * decision, and is told among the findings. Returns whether it came to that. */
AM_GLOBAL int am_case_record(struct am_case *c)
{
	if (!c || !am_tell(c) || c->unrecorded.reason != AM_REASON_UNRECORDED)
		return 0;
	am_count(AM_COUNT_UNRECORDED);
	c->d = c->unrecorded;
	c->urgent = 1;
	am_tell(c);
	return 1;
}

/* A refusal is always told, an allowed access when it is the first of its kind. `own` and `o`
 * may be NULL. */
AM_GLOBAL int am_case_tell(struct am_case *c, struct am_task *own, const struct am_object *o)
{
	struct am_touch *t = NULL;

	if (!c)
		return 0;
	if (o && !o->inode)
		o = NULL;
	if (own)
		t = am_touch_of(own, o, c);
	if (!c->urgent && t && !am_touch_first(t, own, o, c))
		return 0;
	/* The next one of its kind is the first again. */
	if (am_case_record(c) && t)
		am_touch_forget(t);
	return 0;
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

enum { AM_DOUBT_PROXY = 1U << 31 };

/* What makes it doubtful that the current task is who it looks like: AM_TASK_NOT_ITSELF, and
 * AM_DOUBT_PROXY where who asks is hidden behind who acts: the kernel for somebody that it does
 * not name, a ring that anybody may fill, a process whose packets leave without a call. */
AM_GLOBAL __u32 am_doubts(const struct am_task *leader)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 flags = leader ? leader->flags : 0, doubts = flags & AM_TASK_NOT_ITSELF;

	if (task->ptrace)
		doubts |= AM_TASK_TRACED;
	if (task->flags & PF_KTHREAD) {
		am_count(AM_COUNT_KERNEL);
		doubts |= AM_DOUBT_PROXY;
	}
	if ((flags & AM_TASK_OUTLET) ||
	    ((flags & AM_TASK_SQPOLL) && (task->flags & PF_IO_WORKER)))
		doubts |= AM_DOUBT_PROXY;
	return doubts;
}

AM_INLINE __u32 am_facts_subject(const struct am_policy *policy, struct am_facts *f,
				 struct am_task *own, const struct am_task *leader)
{
	__u32 doubts = am_doubts(leader);
	__u32 unknown = am_bits_now(policy, own, doubts & AM_TASK_NOT_ITSELF);

	f->bits = own->bits;
	f->purpose = own->purpose;
	return unknown | doubts >> 31;
}

/* What the object adds. Tags are settled first. So if this one is of no store, either another policy
 * has come into force since, or nobody found out whose the file is. A file without a name on a
 * device with stores may be of any of them. */
AM_INLINE void am_facts_object(const struct am_policy *policy, struct am_case *c,
			       const struct am_tag *tag)
{
	__u32 id = am_tag_id(policy, tag);
	const struct am_store *store = am_store_of(policy, id);
	__u64 covered = store ? store->labels : 0;

	c->store = id;
	/* Labels at stake beyond the store's, see struct am_facts. */
	c->f.labels = c->f.op == AM_OP_READ ? tag->labels & ~covered :
					      c->labels & ~(covered | tag->labels);
	if ((tag->flags & AM_TAG_DETACHED) || (!store && tag->store && am_is_sealing())) {
		am_count(AM_COUNT_DETACHED);
		c->f.unknown = 1;
		if (policy)
			c->f.labels = policy->labels;
	}
	if ((tag->flags & AM_TAG_RAW) && policy)
		c->f.labels = policy->labels;
}

/* What *c is to know before the decision: who asks, as far as it can be told, and of what. Without
 * a `tag` the labels at stake are known. 1: it is the agent itself.
 *
 * `own` and `leader` are what am_task_make() gave: who does not look whether it is NULL spares
 * the verifier a case. The pointers in the case are lost. */
AM_GLOBAL int am_facts_find(const struct am_policy *policy, struct am_case *c,
			    const struct am_tag *tag, struct am_task *own,
			    const struct am_task *leader)
{
	if (!c)
		return 0;
	if (tag && leader && (leader->flags & AM_TASK_AGENT))
		return 1;
	if (!own || !leader)
		am_count(AM_COUNT_NO_TASK_STORAGE);
	c->labels = am_labels_of(leader);
	if (!policy) {
		am_count(AM_COUNT_NO_POLICY);
	} else {
		c->f.unknown |= own ? am_facts_subject(policy, &c->f, own, leader) : 1;
		if (c->f.unknown)
			am_count(AM_COUNT_UNKNOWN_FACT);
	}
	c->splices = own && own->channel;
	if (tag)
		am_facts_object(policy, c, tag);
	return 0;
}

/* A pipe's labels are kept by its address too, for who cannot ask its inode. */
AM_INLINE int am_pipe_gain(const struct am_object *o, __u64 labels)
{
	struct inode *inode = (struct inode *)o->inode;
	__u64 pipe;

	if (am_object_kind(o) != S_IFIFO)
		return 0;
	pipe = (__u64)BPF_CORE_READ(inode, i_pipe);
	return pipe ? am_channel_gain(pipe, labels) : 0;
}

/* What happens to labels once the access goes ahead. 0, or -EACCES: they would be lost. */
AM_GLOBAL int am_access_flow(const struct am_object *o, struct am_tag *tag, const struct am_case *c,
			     struct am_task *leader, struct am_task *own)
{
	if (!leader || !o || !tag || !c)
		return 0;	/* who cannot have storage is an unknown fact already */
	if (c->f.op == AM_OP_READ) {
		am_labels_gain(leader, c->labels);
		return own && own->channel ? am_channel_gain(own->channel, c->labels) : 0;
	}
	if (!c->f.labels)
		return 0;
	__sync_fetch_and_or(&tag->labels, c->f.labels);
	if (am_stray_keep(o->inode, tag))
		return -EACCES;
	return am_pipe_gain(o, c->f.labels);
}

/* What is read goes straight into a pipe: that is a spill as well. */
AM_INLINE void am_decide_splice(struct am_facts *f, struct am_decision *d)
{
	__u64 kept = f->labels;

	if (d->verdict != AM_VERDICT_ALLOW || !f->policy)
		return;
	f->labels |= f->store ? f->store->labels : 0;
	am_decide_spill(f, d);
	f->labels = kept;
}

/* Decides a case of reading or writing. A function of its own, for who calls it has little stack
 * left. */
AM_NOINLINE void am_object_decide(struct am_case *c)
{
	am_decide_object(&c->f, &c->d);
	am_decided(&c->d);
	if (c->f.op == AM_OP_READ && c->splices) {
		am_decide_splice(&c->f, &c->d);
		am_decided(&c->d);
	}
	am_case_close(c);
}

/* Decides a case about the current task that has no store, and whose labels at stake are known. */
AM_INLINE void am_case_decide(struct am_case *c, struct task_struct *task, struct am_task *leader)
{
	const struct am_policy *policy = am_policy_now();

	am_facts_find(policy, c, NULL, am_task_make(task), leader);
	c->f.policy = policy;
	c->f.store = NULL;
	am_object_decide(c);
}

/* The agent itself is let through. As it comes by while sealing, what a climb
 * must find is kept: roots, and files with names elsewhere. What is kept already
 * may have another tag since: it is kept anew. */
AM_GLOBAL int am_agent_passes(const struct am_object *o, struct am_tag *tag)
{
	struct inode *inode;
	bool linked;
	__u32 dev;

	if (!o || !tag)
		return 0;
	inode = (struct inode *)o->inode;
	linked = am_object_kind(o) == S_IFREG && BPF_CORE_READ(inode, i_nlink) > 1;
	dev = am_object_dev(o);
	am_count(AM_COUNT_AGENT);
	if (tag->flags & AM_TAG_ROOT)
		bpf_map_update_elem(&am_devices, &dev, &dev, BPF_ANY);
	if (linked || (tag->flags & (AM_TAG_ROOT | AM_TAG_STRAY)))
		am_stray_keep(o->inode, tag);
	return 0;
}

/* Opening moves no data, nor does changing a name; what moves it asks again. */
AM_INLINE bool am_moves_data(__u32 act)
{
	return (act != AM_ACT_OPEN && act < AM_ACT_CREATE) || act > AM_ACT_ATTR;
}

/* Decides an access by the current task to an object that has a tag. 0 or -EACCES. */
AM_GLOBAL int am_access(const struct am_object *o, struct am_tag *tag, __u32 op, __u32 act)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct am_task *own = am_task_make(task), *leader = own;
	const struct am_policy *policy = am_policy_now();
	struct am_case c = {
		.kind = AM_EVENT_ACCESS,
		.act = act,
		.f = { .op = op, .tagged = 1 },
	};

	if (!o || !tag)
		return 0;
	if (task->pid != task->tgid)	/* a process with one thread is its own leader */
		leader = am_task_make(task->group_leader);
	if (am_facts_find(policy, &c, tag, own, leader))
		return am_agent_passes(o, tag);
	c.f.policy = policy;
	c.f.store = am_store_of(policy, c.store);
	am_object_decide(&c);
	if (c.d.reason == AM_REASON_UNPROTECTED)
		return 0;
	am_case_object(&c, o);
	am_case_tell(&c, own, o);
	/* Whose a file without a name is, nobody knows: it gives no labels. */
	if (am_goes_ahead(&c.d) && am_moves_data(c.act) && !(tag->flags & AM_TAG_DETACHED) &&
	    am_access_flow(o, tag, &c, leader, own))
		return -EACCES;
	return am_verdict_return(&c.d);
}

/* A change to an object as itself; `dentry` and `mnt` are addresses. Without a store there is no
 * rule on writing, and no data moves. */
AM_NOINLINE int am_change(struct inode *inode, __u64 dentry, __u64 mnt, __u32 act)
{
	struct am_object o = am_object_of(inode, dentry, mnt);
	struct am_tag room = {}, *tag = am_tag_settle(inode, &o, am_tag_of(inode), &room);

	if (tag == AM_TAG_CLOSED)
		return -EACCES;
	return tag && tag->store ? am_access(&o, tag, AM_OP_WRITE, act) : 0;
}
