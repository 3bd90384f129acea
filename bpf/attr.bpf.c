// SPDX-License-Identifier: GPL-2.0
/* What a file is besides its bytes. Changes are writes to the store; extended attributes of
 * users hold data, so they are read, and labelled, like it:
 *   inode_setattr      mode, owner, times; a core dump empties its file through it
 *   inode_setxattr, inode_removexattr, inode_set_acl, inode_remove_acl
 *   inode_getxattr     user.* only: the others are the kernel's, and asked for by every ls */
#include "flow.h"
#include "hook.h"

AM_INLINE struct am_object object_of(struct dentry *dentry)
{
	struct am_object o = { .inode = dentry->d_inode, .dentry = (__u64)dentry };

	return o;
}

/* Without a store there is no rule on writing. */
AM_NOINLINE int change_checked(struct dentry *dentry)
{
	struct am_object o = object_of(dentry);

	if (!o.inode)
		return 0;
	o.tag = am_tag_settle(o.inode, o.dentry, am_tag_of(o.inode));
	if (o.tag == AM_TAG_CLOSED)
		return -EACCES;
	return o.tag && o.tag->store ? am_access(&o, AM_OP_WRITE, AM_ACT_ATTR) : 0;
}

/* The kernel empties an old file before it dumps a core there: it gets what the dying task
 * carries. New ones do as they are made, see label.bpf.c. */
AM_NOINLINE int core_checked(struct dentry *dentry, struct task_struct *task)
{
	struct am_object o = object_of(dentry);
	struct am_task *leader = am_leader_of(task);

	if (!o.inode || !am_labels_of(leader))
		return 0;
	o.tag = am_tag_of(o.inode);
	if (o.tag)
		return am_access(&o, AM_OP_WRITE, AM_ACT_CORE);
	return am_spill(&o, leader, AM_ACT_CORE);
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
		return attr_set((struct dentry *)ctx[1]);
	return attr_set((struct dentry *)ctx[0]);
}

SEC("?fmod_ret/security_inode_setattr")
int am_setattr_m(unsigned long long *ctx)
{
	return attr_set((struct dentry *)ctx[1]);
}

/* A labelled task may say something by an attribute anywhere. */
AM_NOINLINE int xattr_written(struct dentry *dentry)
{
	struct am_task *leader = am_leader_of(bpf_get_current_task_btf());
	struct am_object o = object_of(dentry);

	if (!o.inode)
		return 0;
	o.tag = am_tag_settle(o.inode, o.dentry, am_tag_of(o.inode));
	if (o.tag == AM_TAG_CLOSED)
		return -EACCES;
	if (o.tag)
		return am_access(&o, AM_OP_WRITE, AM_ACT_XATTR);
	if (!am_labels_of(leader))
		return 0;
	if ((o.inode->i_mode & S_IFMT) == S_IFREG)
		return am_spill(&o, leader, AM_ACT_XATTR);
	/* A folder with labels would give them to all that is in it. */
	return am_send(&o, NULL, AM_ZONE_ANYWHERE, AM_ACT_XATTR);
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

AM_HOOK(am_getxattr, inode_getxattr, struct dentry *dentry, const char *name)
{
	struct am_object o = object_of(dentry);
	char start[5] = {};

	if (!o.inode)
		return 0;
	o.tag = am_tag_of(o.inode);
	if (!o.tag && !am_is_sealing())
		return 0;
	bpf_probe_read_kernel(start, sizeof(start), name);
	if (start[0] != 'u' || start[1] != 's' || start[2] != 'e' || start[3] != 'r' ||
	    start[4] != '.')
		return 0;
	o.tag = am_tag_settle(o.inode, o.dentry, o.tag);
	if (o.tag == AM_TAG_CLOSED)
		return -EACCES;
	return o.tag ? am_access(&o, AM_OP_READ, AM_ACT_XATTR) : 0;
}
