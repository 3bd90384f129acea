/* SPDX-License-Identifier: GPL-2.0 */
/* Tags on inodes: looked up, inherited, found by climbing, kept for strays.
 * Inode storage is a cache that dies with the inode; what cannot be inherited
 * again from a folder is in am_strays as well. */
#pragma once

#include "emit.h"

/* What an access is to: a file, a name in a folder. */
struct am_object {
	struct inode *inode;
	struct dentry *dentry;
	struct vfsmount *mnt;	/* NULL where the hook does not know it */
	struct am_tag *tag;
};

AM_INLINE const struct am_policy *am_policy_now(void)
{
	__u32 zero = 0;
	void *table = bpf_map_lookup_elem(&am_policies, &zero);

	return table ? bpf_map_lookup_elem(table, &zero) : NULL;
}

AM_INLINE struct am_tag *am_tag_of(struct inode *inode)
{
	return bpf_inode_storage_get(&am_tags, inode, 0, 0);
}

AM_INLINE struct am_tag *am_tag_create(struct inode *inode, struct am_tag *value)
{
	struct am_tag *tag;

	tag = bpf_inode_storage_get(&am_tags, inode, value, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!tag)
		am_count(AM_COUNT_NO_TAG_STORAGE);
	return tag;
}

AM_INLINE void am_inode_key_of(struct inode *inode, struct am_inode_key *key)
{
	struct super_block *sb = inode->i_sb;
	__u64 any;

	__builtin_memset(key, 0, sizeof(*key));
	bpf_probe_read_kernel(key->uuid, sizeof(key->uuid), &sb->s_uuid);
	key->ino = inode->i_ino;
	key->generation = inode->i_generation;
	__builtin_memcpy(&any, key->uuid, sizeof(any));
	if (!any)
		key->dev = sb->s_dev;
}

/* From now on the inode's tag is found without a tagged folder above it. */
AM_NOINLINE void am_stray_keep(struct inode *inode, struct am_tag *tag)
{
	struct am_inode_key key;
	struct am_tag value = *tag;

	value.flags |= AM_TAG_STRAY;
	tag->flags = value.flags;
	am_inode_key_of(inode, &key);
	if (bpf_map_update_elem(&am_strays, &key, &value, BPF_ANY))
		am_count(AM_COUNT_NO_STRAY_ROOM);
	am_have_strays = 1;
}

AM_NOINLINE struct am_tag *am_stray_restore(struct inode *inode)
{
	struct am_inode_key key;
	struct am_tag *kept, value;

	am_inode_key_of(inode, &key);
	kept = bpf_map_lookup_elem(&am_strays, &key);
	if (!kept)
		return NULL;
	value = *kept;
	am_count(AM_COUNT_STRAY_RESTORED);
	return am_tag_create(inode, &value);
}

/* Gives `inode` what is inherited from a folder's tag. */
AM_INLINE struct am_tag *am_tag_inherit(struct inode *inode, const struct am_tag *parent)
{
	struct am_tag value = {
		.labels = parent->labels,
		.store = parent->store,
	};
	struct am_tag *tag = am_tag_create(inode, &value);

	if (tag && inode->i_nlink > 1 && (inode->i_mode & S_IFMT) == S_IFREG)
		am_stray_keep(inode, tag);
	return tag;
}

/* While stores are being sealed: the nearest tagged folder above an untagged
 * file decides, exactly as if the walk had been there already. */
AM_NOINLINE struct am_tag *am_tag_climb(struct inode *inode, struct dentry *dentry)
{
	__u32 i;

	if (am_have_strays) {
		struct am_tag *tag = am_stray_restore(inode);

		if (tag)
			return tag;
	}
	for (i = 0; i < AM_CLIMB_DEPTH; i++) {
		struct dentry *parent = dentry->d_parent;
		struct inode *dir;
		struct am_tag *tag;

		if (!parent || parent == dentry)
			return NULL;
		dir = parent->d_inode;
		if (!dir)
			return NULL;
		tag = am_tag_of(dir);
		if (tag) {
			am_count(AM_COUNT_CLIMB_TAGGED);
			return am_tag_inherit(inode, tag);
		}
		dentry = parent;
	}
	am_count(AM_COUNT_CLIMB_TOO_DEEP);
	return NULL;
}

/* A tag put on at a rename is believed once the folder above confirms it. */
AM_NOINLINE struct am_tag *am_tag_prove(struct inode *inode, struct dentry *dentry,
					struct am_tag *tag)
{
	struct dentry *parent = dentry->d_parent;
	struct inode *dir = parent ? parent->d_inode : NULL;
	struct am_tag *above = dir ? am_tag_of(dir) : NULL;

	if (above && above->store == tag->store) {
		tag->flags &= ~AM_TAG_UNPROVEN;
		return tag;
	}
	am_count(AM_COUNT_UNPROVEN_DROPPED);
	bpf_inode_storage_delete(&am_tags, inode);
	return NULL;
}

/* The tag as it is to be believed now, NULL for none. The caller has looked
 * `tag` up and it may be NULL. */
AM_INLINE struct am_tag *am_tag_settle(struct inode *inode, struct dentry *dentry,
				       struct am_tag *tag)
{
	if (!tag)
		return am_sealing ? am_tag_climb(inode, dentry) : NULL;
	if (tag->flags & AM_TAG_UNPROVEN)
		return am_tag_prove(inode, dentry, tag);
	return tag;
}
