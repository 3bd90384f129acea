// SPDX-License-Identifier: GPL-2.0
/* The life of a process, as far as labels and the cached subjects go:
 *   task_alloc           a child carries what its parent carries
 *   bprm_check_security  exec by a thread that is not the leader takes the
 *                        leader's place: the labels move along
 *   cred_prepare         new credentials: who the task is must be found anew
 *   sched_process_exit   repeats that were only counted so far are told */
#include "access.h"

SEC("lsm/task_alloc")
int BPF_PROG(am_task_alloc, struct task_struct *child, unsigned long flags, int ret)
{
	struct am_task *leader, *t;

	if (ret)
		return ret;
	leader = am_leader_of(bpf_get_current_task_btf());
	if (!leader || !leader->labels)
		return 0;
	t = am_task_create(child);
	if (!t)
		return -EACCES;	/* closed: a child without its labels could send them */
	t->labels = leader->labels;
	return 0;
}

SEC("lsm/bprm_check_security")
int BPF_PROG(am_exec, struct linux_binprm *bprm, int ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct am_task *leader, *own;

	if (ret)
		return ret;
	if (task->pid == task->tgid)
		return 0;
	leader = am_leader_of(task);
	if (!leader || !leader->labels)
		return 0;
	own = am_task_create(task);
	if (!own)
		return -EACCES;
	__sync_fetch_and_or(&own->labels, leader->labels);
	return 0;
}

SEC("lsm/cred_prepare")
int BPF_PROG(am_cred_prepare, struct cred *new, const struct cred *old, unsigned int gfp, int ret)
{
	struct am_task *own;

	if (ret)
		return ret;
	own = am_task_of(bpf_get_current_task_btf());
	if (own)
		own->generation = 0;
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(am_exit, struct task_struct *task)
{
	struct am_task *own = am_task_of(task);
	__u32 i;

	/* Makes clang describe struct am_policy in full: global functions take one. */
	if (!own || bpf_core_type_exists(struct am_policy))
		return 0;
	for (i = 0; i < AM_TOUCHES; i++)
		am_touch_flush(&own->touch[i]);
	return 0;
}
