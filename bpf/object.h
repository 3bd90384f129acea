/* SPDX-License-Identifier: GPL-2.0 */
/* What an access is to, as plain values: so a global function can be given it, where an inode
 * could not be. */
#pragma once

#include "kernel.h"

struct am_object {
	__u64 inode;		/* addresses, of what hangs on a file too: no trusted pointer on 7.x */
	__u64 dentry;
	__u64 mnt;		/* 0 where the hook does not know it */
	__u64 ino;		/* of the inode, as it is compared at each access */
	__u32 generation;
	__u32 mode;
};

/* `dentry` and `mnt` are addresses. */
AM_INLINE struct am_object am_object_of(struct inode *inode, __u64 dentry, __u64 mnt)
{
	struct am_object o = {
		.inode = (__u64)inode,
		.dentry = dentry,
		.mnt = mnt,
		.ino = inode->i_ino,
		.generation = inode->i_generation,
		.mode = inode->i_mode,
	};

	return o;
}

AM_INLINE struct am_object am_object_of_file(struct file *file)
{
	return am_object_of(file->f_inode, (__u64)file->f_path.dentry, (__u64)file->f_path.mnt);
}

AM_INLINE __u32 am_object_kind(const struct am_object *o)
{
	return o->mode & S_IFMT;
}

AM_INLINE __u32 am_object_dev(const struct am_object *o)
{
	struct inode *inode = (struct inode *)o->inode;

	return BPF_CORE_READ(inode, i_sb, s_dev);
}
