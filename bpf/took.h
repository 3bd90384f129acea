/* SPDX-License-Identifier: GPL-2.0 */
/* What data does that has moved already, or moves whatever a program says: its labels go
 * along, and the decision is told, though it comes too late to refuse. */
#pragma once

#include "flow.h"

enum { AM_SIGKILL = 9 };

/* Decides, without a way to say no. Where the verdict is a refusal for want of the executable's
 * name, it says so. */
AM_INLINE void am_decide_late(struct am_case *c, struct task_struct *task, struct am_task *leader)
{
	struct am_task *own = am_task_create(task);
	bool blind = false;

	c->f.policy = am_policy_now();
	if (c->f.policy && own) {
		blind = am_bits_blind(c->f.policy, task, own,
				      am_doubts(task, leader) & AM_TASK_NOT_ITSELF);
		c->f.bits = own->bits;
	}
	c->f.unknown = !own;
	am_decide_object(&c->f, &c->d);
	c->d.enforce = 0;
	if (blind && c->d.verdict == AM_VERDICT_DENY)
		c->d.reason = AM_REASON_UNKNOWN_FACT;
}

/* The current task has got data with these labels. */
AM_NOINLINE void am_took(const struct am_object *o, __u64 labels, __u32 act)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct am_case c = {
		.kind = AM_EVENT_ACCESS,
		.act = act,
		.f = { .op = AM_OP_READ, .tagged = 1 },
	};
	struct am_task *leader;

	if (!labels)
		return;
	leader = am_leader_create(task);
	c.f.labels = labels & ~am_labels_of(leader);
	if (!c.f.labels || (leader && (leader->flags & AM_TASK_AGENT)))
		return;
	am_decide_late(&c, task, leader);
	am_case_object(&c, o);
	am_case_close(&c);
	if (leader)
		am_labels_gain(leader, labels);
	if (c.d.verdict == AM_VERDICT_DENY)
		am_count(AM_COUNT_TAKEN);
	am_tell(&c);
}

/* The current task gives what it carries to a channel. A channel whose labels there is no
 * room for would be open: the task ends before it can use what it does. */
AM_NOINLINE void am_gave(const struct am_object *o, __u64 channel, __u32 act)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct am_case c = { .kind = AM_EVENT_SPILL, .act = act, .f = { .op = AM_OP_WRITE } };
	struct am_task *leader = am_leader_of(task);

	c.f.labels = am_labels_of(leader) & ~am_channel_labels(channel);
	if (!c.f.labels || !channel)
		return;
	am_decide_late(&c, task, leader);
	am_case_object(&c, o);
	am_case_close(&c);
	if (am_channel_gain(channel, c.f.labels))
		bpf_send_signal(AM_SIGKILL);
	am_count(AM_COUNT_SPILLED);
	am_tell(&c);
}
