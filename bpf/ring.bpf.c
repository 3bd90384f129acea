// SPDX-License-Identifier: GPL-2.0
/* io_uring, beyond the reads and sends that its workers do in their owner's name:
 *   uring_sqpoll  a ring that a thread of the kernel empties for whoever fills it
 *   uring_cmd     commands to a device, past read and write: they read a disk, and answer for
 *                 a ublk device or a FUSE file system
 * Personalities (uring_override_creds) change a task's cred, and we ask its real_cred; a file
 * passed from ring to ring is asked about at its use. */
#include "raw.h"
#include "hook.h"

/* Refused to who carries labels; others are known by it: what that thread does for them is
 * done for nobody knows whom. */
AM_INLINE int sqpoll_checked(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct am_task *leader = am_leader_create(task);

	if (!leader)
		return -EACCES;
	__sync_fetch_and_or(&leader->flags, AM_TASK_SQPOLL);
	if (!am_labels_of(leader))
		return 0;
	return am_outlet_checked(AM_ZONE_ANYWHERE, AM_ACT_RING);
}

SEC("?lsm/uring_sqpoll")
int am_sqpoll(void *ctx)
{
	return am_hook_return(sqpoll_checked());
}

SEC("?fmod_ret/security_uring_sqpoll")
int am_sqpoll_m(void *ctx)
{
	return am_hook_return(sqpoll_checked());
}

/* What a program answers to who reads the device that it serves, he has got. */
AM_INLINE int answer_checked(struct file *file)
{
	struct inode *inode = file->f_inode;

	if ((inode->i_mode & S_IFMT) != S_IFCHR ||
	    !am_labels_of(am_leader_of(bpf_get_current_task_btf())))
		return 0;
	return am_outlet_checked(AM_ZONE_ANYWHERE, AM_ACT_RING);
}

AM_HOOK(am_uring_cmd, uring_cmd, struct io_uring_cmd *cmd)
{
	int r = am_raw_command(cmd->file);

	return r ? r : answer_checked(cmd->file);
}
