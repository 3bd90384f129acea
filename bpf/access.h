/* SPDX-License-Identifier: GPL-2.0 */
/* One access to a tagged object: gather, decide, emit, return. Every file hook
 * ends here once it has found a tag. */
#pragma once

#include "channel.h"
#include "subject.h"
#include "touch.h"

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

/* While nothing is recorded, what strict stores say to that is the decision: for each access,
 * also those that would only be counted. */
AM_NOINLINE void am_case_unrecorded(struct am_case *c)
{
	struct am_decision d;

	am_decide_unrecorded(&c->f, &c->d, &d);
	if (d.reason != AM_REASON_UNRECORDED)
		return;
	am_count(AM_COUNT_UNRECORDED);
	c->d = d;
}

/* Completes a case after its decision. */
AM_INLINE void am_case_close(struct am_case *c)
{
	const struct am_store *store = c->f.store;

	c->generation = c->f.policy ? c->f.policy->generation : 0;
	c->labels = c->f.labels | (store ? store->labels : 0);
	c->store = store ? store->id : 0;
	if (am_ledger_out)
		am_case_unrecorded(c);
	c->urgent = c->d.verdict == AM_VERDICT_DENY || c->kind == AM_EVENT_SPILL;
}

AM_INLINE void am_case_object(struct am_case *c, const struct am_object *o)
{
	c->inode = (__u64)o->inode;
	c->dentry = o->dentry;
	c->mnt = o->mnt;
}

/* Tells of a case. What a strict store says of one that cannot be recorded becomes its
 * decision, and is told among the findings. Returns whether it came to that. */
AM_INLINE bool am_case_record(struct am_case *c)
{
	struct am_decision d;

	am_decide_unrecorded(&c->f, &c->d, &d);
	if (!am_tell(c) || d.reason != AM_REASON_UNRECORDED)
		return false;
	am_count(AM_COUNT_UNRECORDED);
	c->d = d;
	c->urgent = 1;
	am_tell(c);
	return true;
}

/* A refusal is always told, an allowed access when it is the first of its kind. */
AM_INLINE void am_case_tell(struct am_case *c, struct am_task *own, struct inode *inode)
{
	struct am_touch *t = own ? am_touch_of(own, inode, c) : NULL;

	if (!c->urgent && t && !am_touch_first(t, own, inode, c))
		return;
	/* The next one of its kind is the first again. */
	if (am_case_record(c) && t)
		am_touch_forget(t);
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

/* What makes it doubtful that the task is who it looks like: AM_TASK_NOT_ITSELF, and
 * AM_DOUBT_PROXY where who asks is hidden behind who acts: the kernel for somebody that it does
 * not name, a ring that anybody may fill, a process whose packets leave without a call. */
AM_NOINLINE __u32 am_doubts(struct task_struct *task, const struct am_task *leader)
{
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

/* Who asks, under which policy, as far as it can be told. */
AM_INLINE void am_facts_task(struct am_facts *f, struct task_struct *task, struct am_task *own,
			     const struct am_task *leader)
{
	__u32 doubts;

	f->policy = am_policy_now();
	if (!f->policy) {
		am_count(AM_COUNT_NO_POLICY);
		return;
	}
	if (own) {
		doubts = am_doubts(task, leader);
		f->unknown = am_bits_now(f->policy, task, own, doubts & AM_TASK_NOT_ITSELF);
		f->unknown |= doubts >> 31;
		f->bits = own->bits;
		f->purpose = own->purpose;
	} else {
		f->unknown = 1;
	}
	if (f->unknown)
		am_count(AM_COUNT_UNKNOWN_FACT);
}

/* A pipe's labels are kept by its address too, for who cannot ask its inode. */
AM_INLINE int am_pipe_gain(struct inode *inode, __u64 labels)
{
	__u64 pipe = (__u64)inode->i_pipe;

	return (inode->i_mode & S_IFMT) == S_IFIFO && pipe ? am_channel_gain(pipe, labels) : 0;
}

/* What happens to labels once the access goes ahead. 0, or -EACCES: they would be lost. */
AM_NOINLINE int am_access_flow(const struct am_object *o, const struct am_case *c,
			       struct am_task *leader, struct am_task *own)
{
	if (!leader)
		return 0;	/* who cannot have storage is an unknown fact already */
	if (c->f.op == AM_OP_READ) {
		am_labels_gain(leader, c->labels);
		return own && own->channel ? am_channel_gain(own->channel, c->labels) : 0;
	}
	if (!c->f.labels)
		return 0;
	__sync_fetch_and_or(&o->tag->labels, c->f.labels);
	if (am_stray_keep(o->inode, o->tag))
		return -EACCES;
	return am_pipe_gain(o->inode, c->f.labels);
}

/* What is read goes straight into a pipe: that is a spill as well. */
AM_NOINLINE void am_decide_splice(struct am_case *c)
{
	__u64 kept = c->f.labels;

	if (c->d.verdict != AM_VERDICT_ALLOW || !c->f.policy)
		return;
	c->f.labels |= c->f.store ? c->f.store->labels : 0;
	am_decide_spill(&c->f, &c->d);
	c->f.labels = kept;
}

/* Labels at stake beyond the store's, see struct am_facts. */
AM_INLINE __u64 am_labels_at_stake(const struct am_facts *f, const struct am_tag *tag,
				   const struct am_task *leader)
{
	__u64 covered = f->store ? f->store->labels : 0;

	if (f->op == AM_OP_READ)
		return tag->labels & ~covered;
	return am_labels_of(leader) & ~(covered | tag->labels);
}

/* A file without a name on a device with stores: it may be of any of them. */
AM_INLINE void am_facts_detached(struct am_facts *f)
{
	f->unknown = 1;
	if (f->policy)
		f->labels = f->policy->labels;
	am_count(AM_COUNT_DETACHED);
}

/* The agent itself is let through. As it comes by while sealing, what a climb
 * must find is kept: roots, and files with names elsewhere. What is kept already
 * may have another tag since: it is kept anew. */
AM_INLINE int am_agent_passes(const struct am_object *o)
{
	__u32 dev = o->inode->i_sb->s_dev;
	bool linked = o->inode->i_nlink > 1 && (o->inode->i_mode & S_IFMT) == S_IFREG;

	am_count(AM_COUNT_AGENT);
	if (o->tag->flags & AM_TAG_ROOT)
		bpf_map_update_elem(&am_devices, &dev, &dev, BPF_ANY);
	if (linked || (o->tag->flags & (AM_TAG_ROOT | AM_TAG_STRAY)))
		am_stray_keep(o->inode, o->tag);
	return 0;
}

/* Opening moves no data, nor does changing a name; what moves it asks again. */
AM_INLINE bool am_moves_data(__u32 act)
{
	return (act != AM_ACT_OPEN && act < AM_ACT_CREATE) || act > AM_ACT_ATTR;
}

/* What follows from a decision. A function of its own, for am_access() has little stack left. */
AM_NOINLINE int am_access_done(const struct am_object *o, struct am_case *c,
			       struct am_task *leader, struct am_task *own)
{
	if (c->f.op == AM_OP_READ && own && own->channel)
		am_decide_splice(c);
	am_case_object(c, o);
	am_case_close(c);
	am_case_tell(c, own, o->inode);
	/* Whose a file without a name is, nobody knows: it gives no labels. */
	if (am_goes_ahead(&c->d) && am_moves_data(c->act) && !(o->tag->flags & AM_TAG_DETACHED) &&
	    am_access_flow(o, c, leader, own))
		return -EACCES;
	return am_verdict_return(&c->d);
}

/* Whether the tag is of no store of the policy that decides. Tags are settled first: so either
 * another policy has come into force since, or nobody found out whose the file is. */
AM_INLINE bool am_is_unsettled(const struct am_facts *f, const struct am_tag *tag)
{
	return !f->store && tag->store && am_is_sealing();
}

/* Decides an access by the current task to an object that has a tag. 0 or -EACCES. */
AM_NOINLINE int am_access(const struct am_object *o, __u32 op, __u32 act)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct am_task *own = am_task_create(task);
	struct am_task *leader = am_leader_create(task);
	struct am_case c = {
		.kind = AM_EVENT_ACCESS,
		.act = act,
		.f = { .op = op, .tagged = 1 },
	};

	if (leader && (leader->flags & AM_TASK_AGENT))
		return am_agent_passes(o);
	am_facts_task(&c.f, task, own, leader);
	c.f.store = am_tag_store(c.f.policy, o->tag);
	c.f.labels = am_labels_at_stake(&c.f, o->tag, leader);
	if ((o->tag->flags & AM_TAG_DETACHED) || am_is_unsettled(&c.f, o->tag))
		am_facts_detached(&c.f);
	if ((o->tag->flags & AM_TAG_RAW) && c.f.policy)
		c.f.labels = c.f.policy->labels;
	am_decide_object(&c.f, &c.d);
	if (c.d.reason == AM_REASON_UNPROTECTED)
		return 0;
	return am_access_done(o, &c, leader, own);
}
