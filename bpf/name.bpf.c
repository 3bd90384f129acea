// SPDX-License-Identifier: GPL-2.0
/* Changes to names in a store, and moves in and out of it. All are writes to
 * the store:
 *   inode_create, inode_mkdir, inode_mknod, inode_symlink, inode_unlink,
 *   inode_rmdir, inode_link, inode_rename
 * A file that leaves keeps its tag (a stray); one that comes in takes the
 * store's. inode_* hooks, not path_*: those are absent without CONFIG_SECURITY_PATH. */
#include "access.h"
#include "hook.h"

/* The tag of the folder `dir` that `dentry` is, or will be, in. */
AM_INLINE struct am_tag *folder_tag(struct inode *dir, struct dentry *dentry, struct am_tag *room)
{
	struct am_object o = am_object_of(dir, (__u64)dentry->d_parent, 0);

	return am_tag_settle(dir, &o, am_tag_of(dir), room);
}

AM_NOINLINE int name_checked(struct inode *dir, struct dentry *dentry, __u32 act)
{
	struct am_tag room = {}, *tag = folder_tag(dir, dentry, &room);
	struct am_object o = am_object_of(dir, (__u64)dentry, 0);

	if (tag == AM_TAG_CLOSED)
		return -EACCES;
	return tag ? am_access(&o, tag, AM_OP_WRITE, act) : 0;
}

/* The inode behind a name, as itself: it may be tagged where its folder is not. */
AM_INLINE int victim_checked(struct dentry *dentry, __u32 act)
{
	struct inode *inode = dentry->d_inode;

	return inode ? am_change(inode, (__u64)dentry, 0, act) : 0;
}

AM_HOOK(am_create, inode_create, struct inode *dir, struct dentry *dentry, __u16 mode)
{
	return name_checked(dir, dentry, AM_ACT_CREATE);
}

AM_HOOK(am_mkdir, inode_mkdir, struct inode *dir, struct dentry *dentry, __u16 mode)
{
	return name_checked(dir, dentry, AM_ACT_CREATE);
}

AM_HOOK(am_mknod, inode_mknod, struct inode *dir, struct dentry *dentry, __u16 mode, __u32 dev)
{
	return name_checked(dir, dentry, AM_ACT_CREATE);
}

AM_HOOK(am_symlink, inode_symlink, struct inode *dir, struct dentry *dentry, const char *name)
{
	return name_checked(dir, dentry, AM_ACT_CREATE);
}

AM_HOOK(am_unlink, inode_unlink, struct inode *dir, struct dentry *dentry)
{
	return victim_checked(dentry, AM_ACT_UNLINK);
}

AM_HOOK(am_rmdir, inode_rmdir, struct inode *dir, struct dentry *dentry)
{
	return victim_checked(dentry, AM_ACT_UNLINK);
}

AM_HOOK(am_link, inode_link, struct dentry *old, struct inode *dir, struct dentry *new)
{
	struct inode *inode = old->d_inode;
	struct am_tag *tag;
	int r;

	r = victim_checked(old, AM_ACT_LINK);
	if (!r)
		r = name_checked(dir, new, AM_ACT_LINK);
	if (r || !inode)
		return r;
	/* Found by either name after an eviction, also where no folder has a tag. */
	tag = am_tag_of(inode);
	if (tag && (inode->i_mode & S_IFMT) == S_IFREG && am_stray_keep(am_address(inode), tag))
		return -EACCES;
	return 0;
}

/* A folder's cached contents have no tag yet: until they are walked, they climb.
 * Should the record be lost, that is slower and still closed. */
AM_NOINLINE void reseal(struct inode *inode, struct dentry *dentry, struct am_tag *tag)
{
	struct am_case c = {
		.kind = AM_EVENT_RESEAL,
		.f = { .op = AM_OP_WRITE },
		.act = AM_ACT_RENAME,
		.urgent = 1,
		.store = tag->store,
		.inode = (__u64)inode,
		.dentry = (__u64)dentry,
		.d = { .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_RULE_ALLOWS },
	};

	__sync_fetch_and_add(&am_sealing, 1);
	am_tell(&c);
}

/* What the move does to tags. It has not happened yet and may still fail: a tag
 * put on here is not believed before the new folder confirms it. 0, or -EACCES: the tag would
 * be lost. */
AM_NOINLINE int moved(struct dentry *dentry, struct am_tag *into)
{
	struct inode *inode = dentry->d_inode;
	struct am_tag *tag = inode ? am_tag_of(inode) : NULL;
	struct am_tag value = { .flags = AM_TAG_UNPROVEN };

	if (!inode)
		return 0;
	if (tag)
		return !into || into->store != tag->store ?
			       am_stray_keep(am_address(inode), tag) : 0;
	if (!into)
		return 0;
	value.store = into->store;
	value.labels = into->labels;
	tag = am_tag_owed(inode, &value);
	if (tag && (inode->i_mode & S_IFMT) == S_IFDIR)
		reseal(inode, dentry, into);
	return 0;
}

/* Apart from the checks, which need the stack. */
AM_NOINLINE int move_allowed(struct dentry *old, struct inode *new_dir, struct dentry *new)
{
	struct am_tag room = {}, *into = folder_tag(new_dir, new, &room);

	if (into == AM_TAG_CLOSED)
		return -EACCES;
	return moved(old, into);
}

AM_INLINE int rename_checked(struct dentry *old, struct inode *new_dir, struct dentry *new)
{
	int r;

	r = victim_checked(old, AM_ACT_RENAME);
	if (!r)
		r = name_checked(new_dir, new, AM_ACT_RENAME);
	if (!r)
		r = victim_checked(new, AM_ACT_RENAME);
	return r ? r : move_allowed(old, new_dir, new);
}

AM_LSM(am_rename, inode_rename, struct inode *old_dir, struct dentry *old, struct inode *new_dir,
       struct dentry *new)
{
	return am_hook_return(rename_checked(old, new_dir, new));
}

/* The function runs its hook twice for an exchange, in this order. */
AM_MOD(am_rename_m, security_inode_rename, struct inode *old_dir, struct dentry *old,
       struct inode *new_dir, struct dentry *new, unsigned int flags)
{
	int r = 0;

	if (flags & RENAME_EXCHANGE)
		r = rename_checked(new, old_dir, old);
	return am_hook_return(r ? r : rename_checked(old, new_dir, new));
}
