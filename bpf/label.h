/* SPDX-License-Identifier: GPL-2.0 */
/* Tags on inodes: looked up, inherited, found by climbing, kept for strays.
 * A tag is a cache that dies with the inode; what cannot be inherited
 * again from a folder is in am_strays as well. */
#pragma once

#include "tag.h"

/* What an access is to: a file, a name in a folder. */
struct am_object {
	struct inode *inode;
	__u64 dentry;		/* addresses: what hangs on a file is not a trusted pointer on 7.x */
	__u64 mnt;		/* 0 where the hook does not know it */
	struct am_tag *tag;
};

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

/* What is returned for an inode that belongs to a store, or may, where there is no memory for its tag: who
 * asked is refused. Where tags are in a table, which may well be full, what is kept in am_strays
 * decides instead; with inode storage that would be one more case for the verifier in all that follows. */
#define AM_TAG_CLOSED ((struct am_tag *)1)

/* From now on the inode's tag is found without a tagged folder above it. Roots
 * are kept as well: they are where a climb ends. 0, or -EACCES: no room. Then an eviction
 * would lose the tag, so whoever makes the stray, and can be refused, is. */
AM_NOINLINE int am_stray_keep(struct inode *inode, struct am_tag *tag)
{
	struct am_inode_key key;

	tag->flags |= AM_TAG_STRAY;
	am_inode_key_of((__u64)inode, &key);
	am_have_strays = 1;
	if (!bpf_map_update_elem(&am_strays, &key, tag, BPF_ANY))
		return 0;
	am_count(AM_COUNT_NO_STRAY_ROOM);
	return -EACCES;
}

/* The id of the store that a tag stands for under the policy. While one policy takes over from
 * another a root has two, and one of them is of the policy that decides. */
AM_INLINE __u32 am_tag_id(const struct am_policy *policy, const struct am_tag *tag)
{
	if (tag->next && !am_store_of(policy, tag->store) && am_store_of(policy, tag->next))
		return tag->next;
	return tag->store;
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

AM_NOINLINE struct am_tag *am_stray_restore(struct inode *inode)
{
	struct am_inode_key key;
	struct am_tag *kept, *tag, value;

	am_inode_key_of((__u64)inode, &key);
	kept = bpf_map_lookup_elem(&am_strays, &key);
	if (!kept)
		return NULL;
	value = *kept;
	value.store = am_tag_id(am_policy_now(), kept);
	value.next = 0;
	am_count(AM_COUNT_STRAY_RESTORED);
	tag = am_tag_owed(inode, &value);
	if (!tag)	/* no room for its own */
		tag = am_hashed ? kept : AM_TAG_CLOSED;
	return tag;
}

/* Gives `inode` what is inherited from a folder's tag, which stands for the store `id`. */
AM_INLINE struct am_tag *am_tag_inherit(struct inode *inode, const struct am_tag *parent, __u32 id)
{
	struct am_tag value = {
		.labels = parent->labels,
		.store = id,
	};
	struct am_tag *tag = am_tag_owed(inode, &value);

	if (tag && inode->i_nlink > 1 && (inode->i_mode & S_IFMT) == S_IFREG)
		am_stray_keep(inode, tag);
	return tag;
}

/* A walk up from a name to what am_strays knows: a store's root, a folder that
 * was moved out of one. */
struct am_search {
	const struct am_policy *policy;
	__u64 dentry;
	struct am_tag *found;
};

static long am_search_step(__u32 i, struct am_search *s)
{
	struct dentry *d = (struct dentry *)s->dentry;
	__u64 parent = (__u64)BPF_CORE_READ(d, d_parent);
	struct am_inode_key key;
	struct am_tag *tag;
	__u64 dir;

	if (!parent || parent == s->dentry)
		return 1;
	d = (struct dentry *)parent;
	dir = (__u64)BPF_CORE_READ(d, d_inode);
	if (!dir)
		return 1;
	am_inode_key_of(dir, &key);
	s->dentry = parent;
	tag = bpf_map_lookup_elem(&am_strays, &key);
	if (!tag || !am_tag_speaks(s->policy, tag))
		return 0;
	s->found = tag;
	return 1;
}

/* The nearest kept tag above `dentry` that says something under the policy. */
AM_INLINE struct am_tag *am_tag_above(const struct am_policy *policy, __u64 dentry)
{
	struct am_search s = { .policy = policy, .dentry = dentry };

	if (bpf_loop(AM_CLIMB_DEPTH, am_search_step, &s, 0) == AM_CLIMB_DEPTH && !s.found)
		am_count(AM_COUNT_CLIMB_TOO_DEEP);
	return s.found;
}

/* Whether nobody can say what an untagged file is, on a device with stores: it has no name, and
 * the tag that says so (AM_TAG_DETACHED) could not be had; or tags are missing for good, and the file
 * is too deep to climb from. */
AM_INLINE bool am_is_adrift(struct inode *inode, __u64 dentry, bool deep)
{
	struct dentry *d = (struct dentry *)dentry;
	__u32 dev = inode->i_sb->s_dev;

	if (deep ? !(am_sealing & AM_SEALING_OWED) :
		   (__u64)BPF_CORE_READ(d, d_parent) != dentry ||
			   dentry == (__u64)inode->i_sb->s_root)
		return false;
	return !am_is_nameless(inode) && bpf_map_lookup_elem(&am_devices, &dev);
}

/* What such a file is taken for. The agent puts it there, under a key that no file has: another
 * map would be one more case for the verifier in all that follows. */
AM_INLINE struct am_tag *am_tag_adrift(void)
{
	struct am_inode_key none = {};

	return am_hashed ? bpf_map_lookup_elem(&am_strays, &none) : AM_TAG_CLOSED;
}

/* While stores are being sealed: what is kept for an untagged file or for the
 * nearest folder above it decides, exactly as if the walk had been there. */
AM_NOINLINE struct am_tag *am_tag_climb(struct inode *inode, __u64 dentry)
{
	struct am_search s = { .policy = am_policy_now(), .dentry = dentry };
	struct am_tag *tag = am_stray_restore(inode);
	bool deep;

	if (tag)
		return tag;
	deep = bpf_loop(AM_CLIMB_DEPTH, am_search_step, &s, 0) == AM_CLIMB_DEPTH && !s.found;
	if (deep)
		am_count(AM_COUNT_CLIMB_TOO_DEEP);
	if (!s.found)
		return am_is_adrift(inode, dentry, deep) ? am_tag_adrift() : NULL;
	am_count(AM_COUNT_CLIMB_TAGGED);
	tag = am_tag_inherit(inode, s.found, am_tag_id(s.policy, s.found));
	if (!tag)
		tag = am_hashed ? s.found : AM_TAG_CLOSED;
	return tag;
}

/* A tag put on at a rename is believed once the store's root is found above. Until
 * then the file is as if untagged, and asked about anew at each use: the rename may
 * be about to happen, or have failed. */
AM_NOINLINE struct am_tag *am_tag_prove(__u64 dentry, struct am_tag *tag)
{
	const struct am_policy *policy = am_policy_now();
	struct am_tag *above = am_tag_above(policy, dentry);

	if (!above) {
		am_count(AM_COUNT_UNPROVEN);
		return NULL;
	}
	/* Its store may have another id by now, and the rename may have led into another. */
	tag->store = am_tag_id(policy, above);
	tag->flags &= ~AM_TAG_UNPROVEN;
	return tag;
}

/* A file first met without a name (open by handle, an NFS server): what is kept for
 * it or for a folder above, once its names lead up to the root of the file system.
 * Until then nobody knows, and it stays as it is. */
AM_NOINLINE struct am_tag *am_tag_attach(struct inode *inode, __u64 dentry, struct am_tag *tag)
{
	struct am_search s = { .policy = am_policy_now(), .dentry = dentry };
	struct am_inode_key key;

	am_inode_key_of((__u64)inode, &key);
	s.found = bpf_map_lookup_elem(&am_strays, &key);
	if (!s.found)
		bpf_loop(AM_CLIMB_DEPTH, am_search_step, &s, 0);
	if (s.found) {
		tag->labels = s.found->labels;
		tag->store = am_tag_id(s.policy, s.found);
		tag->flags = s.found->flags & AM_TAG_STRAY;
		return tag;
	}
	if (s.dentry != (__u64)inode->i_sb->s_root)
		return tag;
	am_tag_delete(inode, tag);
	return NULL;
}

/* The id that a stray's store has now. Which of the store's paths it came from nobody knows, so
 * it stays closed with what is left of them. */
AM_INLINE __u32 am_stray_id(const struct am_policy *policy, const struct am_tag *tag)
{
	return policy ? policy->stores[tag->store & AM_STORE_SLOT_MASK].id : 0;
}

/* What is kept for the inode itself, if it says something under the policy. */
AM_NOINLINE struct am_tag *am_stray_kept(const struct am_policy *policy, struct inode *inode)
{
	struct am_inode_key key;
	struct am_tag *kept;

	am_inode_key_of((__u64)inode, &key);
	kept = bpf_map_lookup_elem(&am_strays, &key);
	return kept && am_tag_store(policy, kept) ? kept : NULL;
}

/* A tag of a store that this policy no longer has there: while stores are being
 * sealed, what is kept for the file itself or a root above says whose it is now. If
 * nothing does it is nobody's; but where the climb has not reached the end it stays
 * stale, and who decides closes. */
AM_NOINLINE struct am_tag *am_tag_refresh(const struct am_policy *policy, struct inode *inode,
					  __u64 dentry, struct am_tag *tag)
{
	struct am_search s = { .policy = policy, .dentry = dentry };
	__u32 id = 0;

	if (!tag->store || am_tag_store(policy, tag))
		return tag;
	if (tag->flags & AM_TAG_STRAY) {
		s.found = am_stray_kept(policy, inode);
		id = am_stray_id(policy, tag);
	}
	if (!s.found && bpf_loop(AM_CLIMB_DEPTH, am_search_step, &s, 0) == AM_CLIMB_DEPTH &&
	    !s.found && !id) {
		am_count(AM_COUNT_CLIMB_TOO_DEEP);
		return tag;
	}
	tag->store = s.found ? am_tag_id(policy, s.found) : id;
	return tag;
}

/* The tag as it is to be believed now, NULL for none, AM_TAG_CLOSED. The caller has looked
 * `tag` up and it may be NULL. */
AM_INLINE struct am_tag *am_tag_settle(struct inode *inode, __u64 dentry, struct am_tag *tag)
{
	if (!tag) {
		tag = am_is_sealing() ? am_tag_climb(inode, dentry) : NULL;
		if (!tag || tag == AM_TAG_CLOSED)
			return tag;
		return am_tag_refresh(am_policy_now(), inode, dentry, tag);
	}
	if (tag->flags & AM_TAG_UNPROVEN)
		return am_tag_prove(dentry, tag);
	if (tag->flags & AM_TAG_DETACHED)
		return am_tag_attach(inode, dentry, tag);
	if (am_is_sealing())
		return am_tag_refresh(am_policy_now(), inode, dentry, tag);
	return tag;
}
