// SPDX-License-Identifier: GPL-2.0
/* How inodes come by their tags, and lose them:
 *   d_instantiate        a name gets its inode: what the folder above has, it has
 *   inode_free_security  an inode goes: a deleted stray is forgotten */
#include "raw.h"
#include "hook.h"

__u64 am_sealing;
__u64 am_have_strays;
__u32 am_epoch;
__u32 am_ledger_out;
__u64 am_family_last;
__u32 am_filter[AM_FILTER_SLOTS];

const volatile __u32 am_hashed SEC(".rodata.flavour");

/* An inode gets a dentry without a name. If its device holds stores, whose it is
 * has to be found out at its use. Pipes and sockets never have names. */
AM_INLINE void detached(struct inode *inode)
{
	struct am_tag value = { .flags = AM_TAG_DETACHED };
	__u32 dev;

	if (am_is_nameless(inode))
		return;
	dev = inode->i_sb->s_dev;
	if (!bpf_map_lookup_elem(&am_devices, &dev) || am_tag_of(inode))
		return;
	if (!am_stray_restore(inode))
		am_tag_owed(inode, &value);
}

/* A name in a folder whose own place is not known yet is no better known. */
AM_INLINE void inherit(struct inode *inode, const struct am_tag *above)
{
	struct am_tag value = {};

	if (above->flags & AM_TAG_DETACHED) {
		value.flags = AM_TAG_DETACHED;
		am_tag_owed(inode, &value);
	/* A root of the policy that comes next says nothing yet, and is found by climbing. */
	} else if (above->labels || above->store) {
		value.labels = above->labels;
		value.store = am_tag_id(am_policy_now(), above);
		am_tag_inherit(inode, &value);
	}
}

/* A core file gets what the dying task carries: the kernel writes it unasked. */
AM_INLINE bool core_dumped(struct inode *inode)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct am_tag value = {}, *tag;
	struct am_task *leader;

	if (!(task->flags & PF_DUMPCORE))
		return false;
	leader = am_leader_of(task);
	value.labels = am_labels_of(leader);
	if (!value.labels)
		return false;
	tag = am_tag_owed(inode, &value);
	am_stray_keep(am_address(inode), tag ? tag : &value);
	return true;
}

/* /proc/kcore: the memory of the kernel, page cache and all. */
AM_INLINE bool is_kcore(struct dentry *dentry, struct inode *inode)
{
	char name[6] = {};

	if (inode->i_sb->s_magic != AM_MAGIC_PROC || (inode->i_mode & S_IFMT) != S_IFREG)
		return false;
	bpf_probe_read_kernel(name, sizeof(name), BPF_CORE_READ(dentry, d_name.name));
	return name[0] == 'k' && name[1] == 'c' && name[2] == 'o' && name[3] == 'r' &&
	       name[4] == 'e' && !name[5];
}

/* Not inherited: a node of a disk is what it is in any folder. */
AM_INLINE bool is_raw(struct dentry *dentry, struct inode *inode)
{
	struct am_tag value = { .flags = AM_TAG_RAW }, *tag;

	if (!am_may_be_raw(inode) && !is_kcore(dentry, inode))
		return false;
	tag = am_tag_create(inode, &value);
	if (tag)
		tag->flags |= AM_TAG_RAW;
	return tag != NULL;
}

AM_HOOK_VOID(am_named, d_instantiate, security_d_instantiate, struct dentry *dentry,
	     struct inode *inode)
{
	struct dentry *parent;
	struct am_tag *above;
	struct inode *dir;

	if (!inode)
		return 0;
	parent = dentry->d_parent;
	if (parent == dentry) {
		detached(inode);
		return 0;
	}
	dir = parent ? parent->d_inode : NULL;
	if (!dir || is_raw(dentry, inode))
		return 0;
	above = am_tag_of(dir);
	/* Its own tag stays: of a store's root, of a link from elsewhere. One that says
	 * only that nothing is known is seen to at the next use. */
	if (am_tag_of(inode))
		return 0;
	if (!above && core_dumped(inode))
		return 0;
	if (am_have_strays && am_stray_restore(inode))
		return 0;
	if (above)
		inherit(inode, above);
	return 0;
}

AM_HOOK_VOID(am_inode_free, inode_free_security, security_inode_free, struct inode *inode)
{
	struct am_tag *tag = am_tag_of(inode);
	struct am_inode_key key;

	/* Evicted, not deleted: am_strays is what brings the tag back. */
	if (tag && (tag->flags & AM_TAG_STRAY) && !inode->i_nlink) {
		am_inode_key_of((__u64)inode, &key);
		bpf_map_delete_elem(&am_strays, &key);
	}
	am_inode_forget(inode);
	return 0;
}
