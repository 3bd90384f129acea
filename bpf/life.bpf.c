// SPDX-License-Identifier: GPL-2.0
/* The life of a process, as far as labels and the cached subjects go:
 *   task_alloc           a child carries what its parent carries
 *   bprm_check_security  which script it is; exec by a thread that is not the
 *                        leader takes the leader's place: the labels move along
 *   bprm_committed_creds the exec has happened
 *   cred_prepare         new credentials: who the task is must be found anew
 *   sched_process_exit   repeats that were only counted so far are told */
#include "access.h"

/* A purpose that cannot be passed on is lost: the child may do less, not more. */
AM_INLINE void purpose_inherit(struct task_struct *task, struct task_struct *child)
{
	__u32 grant = am_grant_of(task);

	if (grant)
		bpf_task_storage_get(&am_purposes, child, &grant, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

SEC("lsm/task_alloc")
int BPF_PROG(am_task_alloc, struct task_struct *child, unsigned long flags, int ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct am_task *leader, *own, *t;
	__u64 labels;
	__u32 script;

	if (ret)
		return ret;
	purpose_inherit(task, child);
	leader = am_leader_of(task);
	own = am_task_of(task);
	labels = leader ? leader->labels : 0;
	script = own ? own->script : 0;
	if (!labels && !script)
		return 0;
	t = am_task_create(child);
	if (!t)
		return labels ? -EACCES : 0;	/* closed: a child without labels could send */
	t->labels = labels;
	t->script = script;
	return 0;
}

/* The first round of an exec sees the file that was named, later ones the
 * interpreters that its first line and theirs name. An ELF image is no script, and
 * its process gets no storage here: without any, every later look-up is cheaper. */
AM_INLINE void script_note(struct linux_binprm *bprm, struct task_struct *task)
{
	struct am_task *own;
	__u32 *id = NULL, magic = 0;

	if (bprm->interp != bprm->filename)
		return;
	bpf_probe_read_kernel(&magic, sizeof(magic), bprm->buf);
	if (magic != ELF_MAGIC)
		id = bpf_inode_storage_get(&am_exes, bprm->file->f_inode, 0, 0);
	own = id ? am_task_create(task) : am_task_of(task);
	if (own)
		own->exec_script = id ? *id : 0;
}

SEC("lsm/bprm_check_security")
int BPF_PROG(am_exec, struct linux_binprm *bprm, int ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct am_task *leader, *own;

	if (ret)
		return ret;
	script_note(bprm, task);
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

SEC("lsm/bprm_committed_creds")
int BPF_PROG(am_exec_done, struct linux_binprm *bprm)
{
	struct am_task *own = am_task_of(bpf_get_current_task_btf());

	if (!own)
		return 0;
	own->script = own->exec_script;
	own->generation = 0;
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
		if (am_touch_flush(&own->touch[i]))
			am_count(AM_COUNT_REPEAT_LOST);
	return 0;
}
