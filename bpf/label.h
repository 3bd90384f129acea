/* SPDX-License-Identifier: GPL-2.0 */
/* Tags on inodes: inherited, kept for strays. A tag is a cache that dies with the inode; what
 * cannot be inherited again from a folder is in am_strays as well. */
#pragma once

#include "tag.h"

AM_INLINE const struct am_policy *am_policy_now(void)
{
	__u32 zero = 0;
	void *table = bpf_map_lookup_elem(&am_policies, &zero);

	return table ? bpf_map_lookup_elem(table, &zero) : NULL;
}

AM_INLINE void am_inode_key_of(__u64 address, struct am_inode_key *key)
{
	struct inode *inode = (struct inode *)address;
	struct super_block *sb = BPF_CORE_READ(inode, i_sb);
	__u64 any;

	__builtin_memset(key, 0, sizeof(*key));
	BPF_CORE_READ_INTO(&key->uuid, sb, s_uuid);
	key->ino = BPF_CORE_READ(inode, i_ino);
	key->generation = BPF_CORE_READ(inode, i_generation);
	__builtin_memcpy(&any, key->uuid, sizeof(any));
	if (!any)
		key->dev = BPF_CORE_READ(sb, s_dev);
}

/* From now on the inode's tag is found without a tagged folder above it. Roots
 * are kept as well: they are where a climb ends. 0, or -EACCES: no room. Then an eviction
 * would lose the tag, so whoever makes the stray, and can be refused, is. */
AM_GLOBAL int am_stray_keep(__u64 inode, struct am_tag *tag)
{
	struct am_inode_key key;
	struct am_tag value;

	if (!tag)
		return 0;
	tag->flags |= AM_TAG_STRAY;
	value = *tag;	/* 6.1 takes a map's value from the stack only */
	am_inode_key_of(inode, &key);
	am_have_strays = 1;
	if (!bpf_map_update_elem(&am_strays, &key, &value, BPF_ANY))
		return 0;
	am_count(AM_COUNT_NO_STRAY_ROOM);
	return -EACCES;
}

/* The id of the store that a tag stands for under the policy. While one policy takes over from
 * another a root has two, and one of them is of the policy that decides. Each is read once, in this
 * order: the agent may be writing, in the other one (see serve.bpf.c). */
AM_INLINE __u32 am_tag_id(const struct am_policy *policy, const struct am_tag *tag)
{
	__u32 next = *(const volatile __u32 *)&tag->next;
	__u32 store = *(const volatile __u32 *)&tag->store;

	if (next && !am_store_of(policy, store) && am_store_of(policy, next))
		return next;
	return store;
}

AM_INLINE const struct am_store *am_tag_store(const struct am_policy *policy,
					      const struct am_tag *tag)
{
	return am_store_of(policy, am_tag_id(policy, tag));
}

/* Whether a kept tag still says something: a live store, or labels of its own. */
AM_INLINE bool am_tag_speaks(const struct am_policy *policy, const struct am_tag *tag)
{
	return tag->labels || am_tag_store(policy, tag);
}

/* Whether a tag is kept for the inode: then *value is what it is under the policy at hand. */
AM_GLOBAL int am_stray_find(__u64 inode, struct am_tag *value)
{
	struct am_inode_key key;

	if (!value)
		return 0;
	am_inode_key_of(inode, &key);
	if (!AM_COPY(&am_strays, &key, value))
		return 0;
	value->store = am_tag_id(am_policy_now(), value);
	value->next = 0;
	return 1;
}

/* Whether a tag is kept for the inode, which has it from now on, or owes it. */
AM_INLINE bool am_stray_restore(struct inode *inode)
{
	struct am_tag value = {};

	if (!am_stray_find(am_address(inode), &value))
		return false;
	am_count(AM_COUNT_STRAY_RESTORED);
	am_tag_owed(inode, &value);
	return true;
}

/* Gives `inode` what is inherited from a folder. NULL: it cannot be had. */
AM_INLINE struct am_tag *am_tag_inherit(struct inode *inode, struct am_tag *value)
{
	struct am_tag *tag = am_tag_owed(inode, value);

	if (tag && inode->i_nlink > 1 && (inode->i_mode & S_IFMT) == S_IFREG)
		am_stray_keep(am_address(inode), tag);
	return tag;
}
