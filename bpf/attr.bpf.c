// SPDX-License-Identifier: GPL-2.0
/* What a file is besides its bytes. Changes are writes to the store; extended attributes of
 * users hold data, so they are read, and labelled, like it:
 *   inode_setattr      mode, owner, times; a core dump empties its file through it
 *   inode_setxattr, inode_removexattr, inode_set_acl, inode_remove_acl
 *   inode_getxattr     user.* only: the others are the kernel's, and asked for by every ls */
#include "flow.h"
#include "hook.h"

AM_INLINE int change_checked(struct dentry *dentry)
{
	struct inode *inode = dentry->d_inode;

	return am_is_null(inode) ? 0 : am_change(inode, (__u64)dentry, 0, AM_ACT_ATTR);
}

/* The kernel empties an old file before it dumps a core there: it gets what the dying task
 * carries. New ones do as they are made, see label.bpf.c. */
AM_NOINLINE int core_checked(struct dentry *dentry, struct task_struct *task)
{
	struct inode *inode = dentry->d_inode;
	struct am_object o;
	struct am_tag *tag;

	if (am_is_null(inode) || !am_labels_of(am_leader_of(task)))
		return 0;
	o = am_object_of(inode, (__u64)dentry, 0);
	tag = am_tag_of(inode);
	if (tag)
		return am_access(&o, tag, AM_OP_WRITE, AM_ACT_CORE);
	return am_spill(inode, &o, AM_ACT_CORE);
}

AM_INLINE int attr_set(struct dentry *dentry)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (task->flags & PF_DUMPCORE)
		return core_checked(dentry, task);
	return change_checked(dentry);
}

/* From 6.9 on the hook is told of the mount's id mapping first, as security_inode_setattr() was
 * before; inode_post_setattr came with it. */
SEC("?lsm/inode_setattr")
int am_setattr(unsigned long long *ctx)
{
	if (bpf_core_field_exists(union security_list_options, inode_post_setattr))
		return am_hook_return(attr_set((struct dentry *)ctx[1]));
	return am_hook_return(attr_set((struct dentry *)ctx[0]));
}

SEC("?fmod_ret/security_inode_setattr")
int am_setattr_m(unsigned long long *ctx)
{
	return am_hook_return(attr_set((struct dentry *)ctx[1]));
}

/* A labelled task may say something by an attribute anywhere. */
AM_NOINLINE int xattr_written(struct dentry *dentry)
{
	struct inode *inode = dentry->d_inode;
	struct am_tag room = {}, *tag;
	struct am_object o;

	if (am_is_null(inode))
		return 0;
	o = am_object_of(inode, (__u64)dentry, 0);
	tag = am_tag_settle(inode, &o, am_tag_of(inode), &room);
	if (tag == AM_TAG_CLOSED)
		return -EACCES;
	if (tag)
		return am_access(&o, tag, AM_OP_WRITE, AM_ACT_XATTR);
	if (!am_labels_of(am_leader_of(bpf_get_current_task_btf())))
		return 0;
	if (am_object_kind(&o) == S_IFREG && !am_is_served(inode))
		return am_spill(inode, &o, AM_ACT_XATTR);
	/* A folder with labels would give them to all that is in it. */
	return am_send(&o, NULL, AM_ZONE_ANYWHERE, AM_ACT_XATTR, AM_CALL_UNSIZED);
}

AM_HOOK(am_setxattr, inode_setxattr, void *idmap, struct dentry *dentry)
{
	return xattr_written(dentry);
}

AM_HOOK(am_removexattr, inode_removexattr, void *idmap, struct dentry *dentry)
{
	return change_checked(dentry);
}

AM_HOOK(am_set_acl, inode_set_acl, void *idmap, struct dentry *dentry)	/* from 6.2 on */
{
	return change_checked(dentry);
}

AM_HOOK(am_remove_acl, inode_remove_acl, void *idmap, struct dentry *dentry)
{
	return change_checked(dentry);
}

AM_NOINLINE int xattr_read(struct inode *inode, __u64 dentry, struct am_tag *tag)
{
	struct am_object o = am_object_of(inode, dentry, 0);
	struct am_tag room = {};

	tag = am_tag_settle(inode, &o, tag, &room);
	if (tag == AM_TAG_CLOSED)
		return -EACCES;
	return tag ? am_access(&o, tag, AM_OP_READ, AM_ACT_XATTR) : 0;
}

AM_HOOK(am_getxattr, inode_getxattr, struct dentry *dentry, const char *name)
{
	struct inode *inode = dentry->d_inode;
	char start[5] = {};
	struct am_tag *tag;

	if (am_is_null(inode))
		return 0;
	tag = am_tag_of(inode);
	if (!tag && !am_is_sealing())
		return 0;
	bpf_probe_read_kernel(start, sizeof(start), name);
	if (start[0] != 'u' || start[1] != 's' || start[2] != 'e' || start[3] != 'r' ||
	    start[4] != '.')
		return 0;
	return xattr_read(inode, (__u64)dentry, tag);
}
