/* SPDX-License-Identifier: GPL-2.0 */
/* Devices that hold stored bytes without their names: the disks below a store's file system,
 * and the kernel's memory. Which they are the agent enters into am_raws; their nodes have the
 * tag AM_TAG_RAW, so that no other file is asked twice. Only who may read everything that any
 * store holds may touch one. */
#pragma once

#include "code.h"
#include "flow.h"

enum {
	AM_MAJOR_LOOP = 7,
	AM_MINOR_MEM = 1,
	AM_MINOR_KMEM = 2,
	AM_MINOR_PORT = 4,
};

AM_INLINE bool am_is_memory(struct inode *inode)
{
	__u32 minor = inode->i_rdev & ((1U << MINORBITS) - 1);

	return (inode->i_mode & S_IFMT) == S_IFCHR &&
	       inode->i_rdev >> MINORBITS == AM_MAJOR_MEM &&
	       (minor == AM_MINOR_MEM || minor == AM_MINOR_KMEM || minor == AM_MINOR_PORT);
}

/* Whether a node may lead to stored bytes: worth a tag. */
AM_INLINE bool am_may_be_raw(struct inode *inode)
{
	__u32 kind = inode->i_mode & S_IFMT;
	__u64 key = AM_RAW(kind, inode->i_rdev);

	if (kind == S_IFBLK)
		return true;
	return kind == S_IFCHR && (am_is_memory(inode) || bpf_map_lookup_elem(&am_raws, &key));
}

/* Whether the node leads to stored bytes now. /proc/kcore is the only regular file. */
AM_INLINE bool am_is_raw(struct inode *inode)
{
	__u32 kind = inode->i_mode & S_IFMT;
	__u64 key = AM_RAW(kind, inode->i_rdev);

	return kind == S_IFREG || am_is_memory(inode) || bpf_map_lookup_elem(&am_raws, &key);
}

/* udev and its kind look at what is on a disk, and give nothing of it away. */
AM_INLINE bool am_is_prober(struct task_struct *task)
{
	struct inode *exe = am_exe_of(task);
	struct am_tag *tag = exe ? am_tag_of(exe) : NULL;
	__u32 doubts = am_doubts(am_leader_of(task));

	return tag && (tag->flags & AM_TAG_PROBER) && !(doubts & AM_TASK_NOT_ITSELF);
}

/* Whether the current task must be allowed to touch the node. */
AM_NOINLINE bool am_raw_asks(struct inode *inode)
{
	if (!am_is_raw(inode))
		return false;
	if (!am_is_prober(bpf_get_current_task_btf()))
		return true;
	am_count(AM_COUNT_PROBED);
	return false;
}

/* An access to a node that has AM_TAG_RAW. 0 or -EACCES. */
AM_INLINE int am_raw_access(struct inode *inode, const struct am_object *o, struct am_tag *tag,
			    __u32 act)
{
	return am_raw_asks(inode) ? am_access(o, tag, AM_OP_READ, act) : 0;
}

/* The current task will see what others have in memory, whoever they are. 0 or -EACCES. */
AM_NOINLINE int am_memory_seen(__u32 act)
{
	struct am_tag raw = { .flags = AM_TAG_RAW };
	struct am_object o = {};

	return am_access(&o, &raw, AM_OP_READ, act);
}

/* A command to a device that may read it without a read. */
AM_NOINLINE int am_raw_command(struct file *file)
{
	struct am_object o = am_object_of_file(file);
	struct am_tag *tag = am_tag_of(file->f_inode);

	if (!tag || !(tag->flags & AM_TAG_RAW))
		return 0;
	return am_raw_access(file->f_inode, &o, tag, AM_ACT_RAW);
}
