/* SPDX-License-Identifier: GPL-2.0 */
/* Whose code a process runs. One that maps code from a file that others than root can write is
 * not the executable that it looks like, until its next exec: am_task.flags, AM_TASK_FOREIGN.
 *
 * Code without a file (what a JIT makes) is taken for the executable's own. */
#pragma once

#include "flow.h"

AM_INLINE bool am_is_others_to_write(struct inode *inode)
{
	struct super_block *sb = inode->i_sb;

	return inode->i_uid.val || (inode->i_mode & (S_IWGRP | S_IWOTH)) ||
	       sb->s_user_ns->level || sb->s_magic == AM_MAGIC_FUSE;
}

/* Whether the policy names the running executable or script. */
AM_INLINE bool am_is_listed(struct task_struct *task)
{
	struct am_task *own = am_task_of(task);

	return am_exe_number() || (own && own->script);
}

AM_NOINLINE int am_foreign_tell(struct file *file, __u32 act)
{
	const struct am_policy *policy = am_policy_now();
	struct am_case c = {
		.kind = AM_EVENT_FOREIGN,
		.act = act,
		.urgent = 1,
		.generation = policy ? policy->generation : 0,
		.inode = (__u64)file->f_inode,
		.dentry = (__u64)file->f_path.dentry,
		.mnt = (__u64)file->f_path.mnt,
	};

	return am_tell(&c);
}

/* The current task is about to run code out of `file`. 0, or -EACCES: a listed executable that
 * what it runs cannot be noted of. */
AM_NOINLINE int am_code_mapped(struct file *file, __u32 act)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct am_task *leader;

	if (!am_is_others_to_write(file->f_inode))
		return 0;
	leader = am_leader_create(task);
	if (!leader)
		return am_is_listed(task) ? -EACCES : 0;
	if (leader->flags & AM_TASK_FOREIGN)
		return 0;
	__sync_fetch_and_or(&leader->flags, AM_TASK_FOREIGN);
	am_count(AM_COUNT_FOREIGN);
	return am_is_listed(task) ? am_foreign_tell(file, act) : 0;
}
