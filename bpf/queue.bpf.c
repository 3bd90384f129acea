// SPDX-License-Identifier: GPL-2.0
/* Ways from process to process, and off the host, that are no file and no send:
 *   msg_queue_msgsnd, msg_queue_msgrcv, msg_queue_free_security   System V message queues
 *   do_mq_timedsend, do_mq_timedreceive    POSIX ones, which no LSM hook sees
 *   socket_create    sockets whose packets leave from shared memory
 *   key_permission   the kernel's key store
 *   task_kill        the value that a signal may bring along
 *   bpf              maps and programs */
#include "took.h"
#include "hook.h"

enum {
	KEY_NEED_WRITE = 3,
	SI_TKILL = -6,
	AM_MAGIC_MQUEUE = 0x19800202,
};

/* ---- System V ---------------------------------------------------------------- */

AM_HOOK(am_msgsnd, msg_queue_msgsnd, struct kern_ipc_perm *perm, struct msg_msg *msg, int flags)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct am_case c = {
		.kind = AM_EVENT_SPILL,
		.act = AM_ACT_QUEUE,
		.f = { .op = AM_OP_WRITE },
	};
	struct am_task *leader = am_leader_of(task);

	c.f.labels = am_labels_of(leader);
	if (!c.f.labels)
		return 0;
	am_case_decide(&c, task, leader);
	if (am_goes_ahead(&c.d) && am_channel_gain(am_address(perm), c.labels))
		return -EACCES;
	am_tell(&c);
	return am_verdict_return(&c.d);
}

/* A sender that meets a waiting receiver asks in its name; then nobody can be found who
 * the receiver is, but it gets the labels. */
AM_HOOK(am_msgrcv, msg_queue_msgrcv, struct kern_ipc_perm *perm, struct msg_msg *msg,
	struct task_struct *target)
{
	struct task_struct *task = bpf_get_current_task_btf(), *group = target->group_leader;
	__u64 labels = am_channel_labels((__u64)perm);
	struct am_task *leader;
	struct am_case c = {
		.kind = AM_EVENT_ACCESS,
		.act = AM_ACT_QUEUE,
		.f = { .op = AM_OP_READ, .tagged = 1 },
	};

	if (!labels || !group)
		return 0;
	leader = am_task_create(group);
	if (!leader)
		return -EACCES;
	c.f.labels = labels & ~am_labels_of(leader);
	if (!c.f.labels)
		return 0;
	if (target != task) {
		am_labels_gain(leader, labels);
		am_count(AM_COUNT_TAKEN);
		return 0;
	}
	am_case_decide(&c, task, leader);
	if (am_goes_ahead(&c.d))
		am_labels_gain(leader, labels);
	am_tell(&c);
	return am_verdict_return(&c.d);
}

AM_HOOK_VOID(am_msgq_free, msg_queue_free_security, security_msg_queue_free,
	     struct kern_ipc_perm *perm)
{
	am_channel_forget((__u64)perm);
	return 0;
}

/* ---- POSIX --------------------------------------------------------------------- */

/* The queue's inode, by descriptor, as an address. */
AM_INLINE __u64 mqueue_of(__u32 fd)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **slots = BPF_CORE_READ(table, fd), *file = NULL;
	struct inode *inode;

	if (fd >= BPF_CORE_READ(table, max_fds))
		return 0;
	bpf_probe_read_kernel(&file, sizeof(file), &slots[fd]);
	inode = BPF_CORE_READ(file, f_inode);
	return inode && BPF_CORE_READ(inode, i_sb, s_magic) == AM_MAGIC_MQUEUE ? (__u64)inode : 0;
}

AM_INLINE int mq_sends(int fd)
{
	if (am_labels_of(am_leader_of(bpf_get_current_task_btf())))
		am_gave(NULL, mqueue_of(fd), AM_ACT_QUEUE);
	return 0;
}

AM_ENTRY(am_mq_send, do_mq_timedsend, int fd)
{
	return mq_sends(fd);
}

AM_PROBE(am_mq_send_p, do_mq_timedsend)
{
	mq_sends(PT_REGS_PARM1(ctx));
	return AM_PROBE_ENDS;
}

SEC("?fexit/do_mq_timedreceive")
int BPF_PROG(am_mq_receive, int fd)
{
	if (am_have_channels())
		am_took(NULL, am_channel_labels(mqueue_of(fd)), AM_ACT_QUEUE);
	return 0;
}

AM_PROBE(am_mq_receive_p, do_mq_timedreceive)
{
	__u64 *queue = am_session_cookie(ctx);

	if (!am_session_is_return(ctx)) {
		*queue = mqueue_of(PT_REGS_PARM1(ctx));
		return AM_PROBE_RETURNS;
	}
	if (am_have_channels())
		am_took(NULL, am_channel_labels(*queue), AM_ACT_QUEUE);
	return AM_PROBE_ENDS;
}

/* ---- signals ----------------------------------------------------------------------- */

/* Only a sender's own values have a negative code, beside SI_TKILL, which he may not choose (see
 * do_rt_sigqueueinfo()). The first two addresses stand for signals that bring nothing. */
AM_INLINE bool has_value(struct kernel_siginfo *info)
{
	int code;

	if ((__u64)info <= 1)
		return false;
	code = BPF_CORE_READ(info, si_code);
	return code < 0 && code != SI_TKILL;
}

/* The receiver carries what the sender does. */
AM_NOINLINE int value_sent(struct task_struct *receiver)
{
	struct task_struct *task = bpf_get_current_task_btf(), *group = receiver->group_leader;
	struct am_task *mine = am_leader_of(task), *theirs;
	struct am_case c = {
		.kind = AM_EVENT_SPILL,
		.act = AM_ACT_SIGNAL,
		.f = { .op = AM_OP_WRITE },
	};
	__u64 labels = am_labels_of(mine);

	if (!labels || am_is_null(group) || group == task->group_leader)
		return 0;
	theirs = am_task_create(group);
	if (!theirs)
		return -EACCES;
	labels &= ~am_labels_of(theirs);
	if (!labels)
		return 0;
	c.f.labels = labels;
	am_case_decide(&c, task, mine);
	if (am_goes_ahead(&c.d))
		am_labels_gain(theirs, labels);
	am_tell(&c);
	return am_verdict_return(&c.d);
}

AM_HOOK(am_signal, task_kill, struct task_struct *receiver, struct kernel_siginfo *info, int sig)
{
	return has_value(info) ? value_sent(receiver) : 0;
}

/* ---- ways off the host ----------------------------------------------------------- */

AM_HOOK(am_socket_make, socket_create, int family, int type, int protocol, int kern)
{
	struct am_task *leader;

	if ((family != AF_PACKET && family != AF_XDP) || kern)
		return 0;
	leader = am_leader_create(bpf_get_current_task_btf());
	if (!leader)
		return -EACCES;
	if (am_labels_of(leader))
		return am_outlet_checked(AM_ZONE_ANYWHERE, AM_ACT_SOCKET);
	/* Its ring may go on sending without a call. */
	if (family == AF_XDP)
		__sync_fetch_and_or(&leader->flags, AM_TASK_OUTLET);
	return 0;
}

AM_HOOK(am_key_use, key_permission, void *key, const struct cred *cred, unsigned int need)
{
	if (need != KEY_NEED_WRITE || !am_labels_of(am_leader_of(bpf_get_current_task_btf())))
		return 0;
	return am_outlet_checked(AM_ZONE_LOCAL, AM_ACT_KEY);
}

AM_HOOK(am_bpf_use, bpf, int cmd)
{
	struct am_task *leader = am_leader_of(bpf_get_current_task_btf());

	if (!am_labels_of(leader) || (leader->flags & AM_TASK_AGENT))
		return 0;
	return am_outlet_checked(AM_ZONE_ANYWHERE, AM_ACT_BPF);
}
