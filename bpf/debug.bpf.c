// SPDX-License-Identifier: GPL-2.0
/* Who looks into another process, or lets itself be looked into:
 *   ptrace_access_check  ptrace, /proc/PID/mem, process_vm_readv and _writev, pidfd_getfd
 *   ptrace_traceme       a child that offers itself to its parent
 *                        and the agent's own look, by which it gives labels
 *   perf_event_alloc     samples of what others have in registers and on their stacks
 *   task_free            a process is gone, and so is its part in a family
 * Allowed is who may read all that the process carries. From then on both carry the same:
 * what one of them comes to read, the other can see, or was told. */
#include "raw.h"
#include "took.h"
#include "hook.h"

/* A reading or giving of labels between processes: decided, and told if refused. */
AM_GLOBAL int labels_checked(__u64 labels, __u32 op, struct am_task *leader, __u32 unknown)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct am_case c = {
		.kind = AM_EVENT_ACCESS,
		.act = AM_ACT_TRACE,
		.f = { .op = op, .tagged = 1, .unknown = unknown, .labels = labels },
	};

	am_case_decide(&c, task, leader);
	am_tell(&c);
	return am_verdict_return(&c.d);
}

/* `mine` is about to see, and may change, what `theirs` has in memory. */
AM_NOINLINE int attach_checked(struct am_task *mine, struct am_task *theirs)
{
	__u64 see = am_labels_of(theirs) & ~am_labels_of(mine);
	__u64 give = am_labels_of(mine) & ~am_labels_of(theirs);
	int r = 0;

	if (see)
		r = labels_checked(see, AM_OP_READ, mine, 0);
	if (!r && give)
		r = labels_checked(give, AM_OP_WRITE, mine, 0);
	if (r)
		return r;
	if (am_family_join(mine, theirs) && (see | give))
		return -EACCES;
	__sync_fetch_and_or(&theirs->flags, AM_TASK_TRACED);
	return 0;
}

/* Labels that the agent gives to the process that it looks at; 0 once that has them. */
__u64 am_handed;

AM_INLINE int handed(struct task_struct *target)
{
	struct am_task *theirs;

	if (!am_handed || am_is_null(target))
		return 0;
	theirs = am_task_create(target);
	if (!theirs)
		return 0;
	am_labels_gain(theirs, am_handed);
	am_handed = 0;
	return 0;
}

AM_HOOK(am_ptrace, ptrace_access_check, struct task_struct *child, unsigned int mode)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct task_struct *target = child->group_leader;
	struct am_task *mine, *theirs;

	mine = am_leader_of(task);
	if (mine && (mine->flags & AM_TASK_AGENT))
		return handed(target);
	if (!(mode & PTRACE_MODE_ATTACH) || am_is_null(target))
		return 0;
	mine = am_leader_create(task);
	theirs = am_task_create(target);
	/* Without storage neither can be held to anything, nor carries labels so far. */
	if (!mine || !theirs)
		return mine || theirs ? -EACCES : 0;
	return attach_checked(mine, theirs);
}

/* Who the parent is cannot be asked from here: an unknown fact. */
AM_HOOK(am_traceme, ptrace_traceme, struct task_struct *parent)
{
	struct task_struct *task = bpf_get_current_task_btf(), *tracer = parent->group_leader;
	struct am_task *mine, *theirs;
	__u64 see;
	int r;

	if (am_is_null(tracer))
		return 0;
	mine = am_leader_create(task);
	theirs = am_task_create(tracer);
	if (!mine || !theirs)
		return mine || theirs ? -EACCES : 0;
	see = am_labels_of(mine) & ~am_labels_of(theirs);
	r = see ? labels_checked(see, AM_OP_READ, mine, 1) : 0;
	if (r)
		return r;
	if (am_family_join(theirs, mine) && see)
		return -EACCES;
	__sync_fetch_and_or(&mine->flags, AM_TASK_TRACED);
	return 0;
}

enum {
	PERF_TYPE_TRACEPOINT = 2,
	PERF_SAMPLE_RAW = 1 << 10,
	PERF_SAMPLE_REGS_USER = 1 << 12,
	PERF_SAMPLE_STACK_USER = 1 << 13,
	PERF_SAMPLE_REGS_INTR = 1 << 18,
};

/* Times and places are not data, but these are: the user's registers and stack, and what a
 * tracepoint holds, which may be memory that a probe has fetched. Whose it will be is not known
 * yet, nor is it asked for again. */
AM_INLINE bool samples_data(const struct perf_event_attr *attr)
{
	if (attr->sample_type & (PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER |
				 PERF_SAMPLE_REGS_INTR))
		return true;
	return attr->type == PERF_TYPE_TRACEPOINT && (attr->sample_type & PERF_SAMPLE_RAW);
}

AM_HOOK(am_perf, perf_event_alloc, struct perf_event *event)
{
	/* One that a child inherits was asked about when it was made. */
	if (!am_is_null(event->parent) || !samples_data(&event->attr))
		return 0;
	return am_memory_seen(AM_ACT_TRACE);
}

AM_HOOK_VOID(am_task_gone, task_free, security_task_free, struct task_struct *task)
{
	struct am_task *t;

	if (!am_family_last)
		return 0;
	t = am_task_of(task);
	if (t && t->family)
		am_family_leave(t);
	return 0;
}
