/* SPDX-License-Identifier: GPL-2.0 */
/* Memory that is handed on by a command, past read, write and send: to another process
 * (userfaultfd), to a worker of the kernel that sends it (vhost), to a buffer that devices and
 * others share (udmabuf). */
#pragma once

#include "flow.h"

enum {
	AM_UFFDIO_COPY = 0xc028aa03,
	AM_VHOST_SET_OWNER = 0xaf01,
	AM_UDMABUF_CREATE = 0x40187542,
	AM_UDMABUF_CREATE_LIST = 0x40087543,

	AM_BUFFER_PARTS = 65536,	/* udmabuf.list_limit is 1,024 unless somebody raises it */
};

/* The files of a buffer, as user space lists them. */
struct am_buffer_list {
	__u64 at, step, count;
	__u64 found;	/* the address of one that has labels */
};

AM_INLINE bool am_makes_buffer(__u32 cmd)
{
	return cmd == AM_UDMABUF_CREATE || cmd == AM_UDMABUF_CREATE_LIST;
}

/* Each entry begins with a descriptor. Returns nonzero if it cannot be read. */
AM_INLINE long am_buffer_list_of(__u32 cmd, __u64 arg, struct am_buffer_list *list)
{
	__u32 head[2] = {};

	list->at = arg;
	list->step = 24;
	list->count = 1;
	if (cmd == AM_UDMABUF_CREATE)
		return 0;
	list->at = arg + sizeof(head);
	if (bpf_probe_read_user(head, sizeof(head), (void *)arg))
		return 1;
	list->count = head[1];
	return 0;
}

/* A write into the memory that a descriptor of userfaultfd(2) is about. Its owner cannot be found
 * from here; that he is another is enough. */
AM_NOINLINE int am_memory_put(struct file *file)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct userfaultfd_ctx *uffd;

	if (!am_labels_of(am_leader_of(task)))
		return 0;
	uffd = (struct userfaultfd_ctx *)BPF_CORE_READ(file, private_data);
	if (BPF_CORE_READ(uffd, mm) == BPF_CORE_READ(task, mm))
		return 0;
	return am_outlet_checked(AM_ZONE_LOCAL, AM_ACT_TRACE);
}

/* From now on a thread of the kernel sends what it finds in the process's memory, without a call.
 * As an AF_XDP socket: refused to who carries labels, and what others read later is an unknown
 * fact. */
AM_NOINLINE int am_worker_made(void)
{
	struct am_task *leader = am_leader_create(bpf_get_current_task_btf());

	if (!leader)
		return -EACCES;
	if (am_labels_of(leader))
		return am_outlet_checked(AM_ZONE_ANYWHERE, AM_ACT_SOCKET);
	__sync_fetch_and_or(&leader->flags, AM_TASK_OUTLET);
	return 0;
}
