/* SPDX-License-Identifier: GPL-2.0 */
/* What data does that has moved already, or moves whatever a program says: its labels go
 * along, and the decision is told, though it comes too late to refuse. */
#pragma once

#include "flow.h"

enum { AM_SIGKILL = 9 };

/* Who it is, where executables cannot be looked up. Returns whether that matters. */
AM_GLOBAL int am_facts_late(const struct am_policy *policy, struct am_case *c, struct am_task *own,
			    const struct am_task *leader)
{
	int blind;

	if (!c)
		return 0;
	if (!own)
		am_count(AM_COUNT_NO_TASK_STORAGE);
	c->f.unknown = !own;
	if (!policy || !own)
		return 0;
	blind = am_bits_blind(policy, own, am_doubts(leader) & AM_TASK_NOT_ITSELF);
	c->f.bits = own->bits;
	return blind;
}

/* Decides, without a way to say no. Where the verdict is a refusal for want of the executable's
 * name, it says so. */
AM_INLINE void am_decide_late(struct am_case *c, struct task_struct *task, struct am_task *leader)
{
	const struct am_policy *policy = am_policy_now();
	bool blind = am_facts_late(policy, c, am_task_make(task), leader);

	c->f.policy = policy;
	c->f.store = NULL;
	am_object_decide(c);
	c->d.enforce = 0;
	if (blind && c->d.verdict == AM_VERDICT_DENY)
		c->d.reason = AM_REASON_UNKNOWN_FACT;
}

/* The current task has got data with these labels, by `o`, which may be NULL. */
AM_GLOBAL int am_took(const struct am_object *o, __u64 labels, __u32 act)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct am_case c = {
		.kind = AM_EVENT_ACCESS,
		.act = act,
		.f = { .op = AM_OP_READ, .tagged = 1 },
	};
	struct am_task *leader;

	if (!labels)
		return 0;
	leader = am_leader_create(task);
	c.f.labels = labels & ~am_labels_of(leader);
	if (!c.f.labels || (leader && (leader->flags & AM_TASK_AGENT)))
		return 0;
	am_decide_late(&c, task, leader);
	if (o)
		am_case_object(&c, o);
	if (leader)
		am_labels_gain(leader, labels);
	if (c.d.verdict == AM_VERDICT_DENY)
		am_count(AM_COUNT_TAKEN);
	am_tell(&c);
	return 0;
}

/* The current task gives what it carries to a channel, by `o`, which may be NULL. A channel whose
 * labels there is no room for would be open: the task ends before it can use what it does. */
AM_GLOBAL int am_gave(const struct am_object *o, __u64 channel, __u32 act)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct am_case c = { .kind = AM_EVENT_SPILL, .act = act, .f = { .op = AM_OP_WRITE } };
	struct am_task *leader = am_leader_of(task);
	__u64 labels = am_labels_of(leader) & ~am_channel_labels(channel);

	if (!labels || !channel)
		return 0;
	c.f.labels = labels;
	am_decide_late(&c, task, leader);
	if (o)
		am_case_object(&c, o);
	if (am_channel_gain(channel, labels))
		bpf_send_signal(AM_SIGKILL);
	am_count(AM_COUNT_SPILLED);
	am_tell(&c);
	return 0;
}
