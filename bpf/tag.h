/* SPDX-License-Identifier: GPL-2.0 */
/* What hangs on an inode: its tag, the id of an executable. In inode storage where
 * that exists, else (am_hashed) in hash tables by the inode's address.
 *
 * Always true of the tables: an entry goes in security_inode_free(), before the
 * memory of its inode can be used again, so an address is never taken for the
 * inode that was there before. Should that have been missed (kernel.ftrace_enabled was
 * 0), the entry is of another inode: the file system and the inode's number differ, and it
 * counts as of unknown identity. The generation is left out of that: any owner may change it
 * on a live inode, and would be rid of the tag.
 *
 * An entry is never removed while somebody may look at it: removed elements are used again at
 * once. am_tag_delete() empties it instead. */
#pragma once

#include "emit.h"

/* Frozen at load, so that the verifier drops the flavour that is not. */
extern const volatile __u32 am_hashed;

/* How many entries of am_inodes fall into each slot: almost every untagged inode is known as
 * such by one look here. */
extern __u32 am_filter[AM_FILTER_SLOTS];

AM_INLINE __u32 *am_filter_of(struct inode *inode)
{
	return &am_filter[am_lower_half(inode) * 0x9e3779b1U >> (32 - AM_FILTER_BITS)];
}

/* Pipes, sockets and what else never has a name that leads anywhere. */
AM_INLINE bool am_is_nameless(struct inode *inode)
{
	return (inode->i_sb->s_flags >> SB_NOUSER_BIT) & 1;
}

AM_INLINE bool am_entry_is_empty(const struct am_inode *e)
{
	return !(e->tag.labels | e->tag.store | e->tag.flags);
}

/* An entry that outlived its inode says nothing about the one that is there now. */
AM_INLINE void am_entry_renew(struct am_inode *e, struct inode *inode)
{
	am_count(AM_COUNT_STALE_TAG);
	e->tag.labels = 0;
	e->tag.store = 0;
	e->tag.flags = am_is_nameless(inode) ? 0 : AM_TAG_DETACHED;
	e->sb = (__u64)inode->i_sb;
	e->ino = inode->i_ino;
}

AM_NOINLINE struct am_tag *am_entry_find(struct inode *inode)
{
	__u64 at = (__u64)inode;
	struct am_inode *e = bpf_map_lookup_elem(&am_inodes, &at);

	if (!e)
		return NULL;
	if (e->sb != (__u64)inode->i_sb || e->ino != inode->i_ino)
		am_entry_renew(e, inode);
	return am_entry_is_empty(e) ? NULL : &e->tag;
}

AM_INLINE struct am_tag *am_tag_hashed(struct inode *inode)
{
	return *am_filter_of(inode) ? am_entry_find(inode) : NULL;
}

AM_INLINE struct am_tag *am_tag_stored(struct inode *inode)
{
	return bpf_inode_storage_get(&am_tags, inode, 0, 0);
}

/* The inode's tag, NULL if it has none. */
AM_INLINE struct am_tag *am_tag_of(struct inode *inode)
{
	if (am_hashed)
		return am_tag_hashed(inode);
	return am_tag_stored(inode);
}

/* The slot counts before the entry is there: who finds the slot empty may believe it. */
AM_NOINLINE struct am_tag *am_entry_make(struct inode *inode, const struct am_tag *value)
{
	struct am_inode entry = {
		.tag = *value,
		.sb = (__u64)inode->i_sb,
		.ino = inode->i_ino,
	};
	struct am_tag *tag = am_tag_hashed(inode);
	__u64 at = (__u64)inode;
	struct am_inode *e;

	if (tag)
		return tag;
	__sync_fetch_and_add(am_filter_of(inode), 1);
	if (bpf_map_update_elem(&am_inodes, &at, &entry, BPF_NOEXIST))
		__sync_fetch_and_sub(am_filter_of(inode), 1);
	e = bpf_map_lookup_elem(&am_inodes, &at);
	if (!e)
		return NULL;
	if (am_entry_is_empty(e))
		e->tag = *value;
	return &e->tag;
}

/* The inode's tag, made of `value` if it has none. NULL: it cannot be had, which is
 * counted, and the caller closes. */
AM_INLINE struct am_tag *am_tag_create(struct inode *inode, struct am_tag *value)
{
	struct am_tag *tag;

	if (am_hashed)
		tag = am_entry_make(inode, value);
	else
		tag = bpf_inode_storage_get(&am_tags, inode, value,
					    BPF_LOCAL_STORAGE_GET_F_CREATE);
	/* Of two that make the same storage at once, one is told that it cannot be had. */
	if (!tag && !am_hashed)
		tag = bpf_inode_storage_get(&am_tags, inode, value,
					    BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!tag)
		am_count(AM_COUNT_NO_TAG_STORAGE);
	return tag;
}

/* The same for an inode that belongs to a store, or may. If it cannot be had, untagged files
 * climb from now on to find what they are, see AM_SEALING_OWED. */
AM_INLINE struct am_tag *am_tag_owed(struct inode *inode, struct am_tag *value)
{
	struct am_tag *tag = am_tag_create(inode, value);

	if (!tag)
		__sync_fetch_and_or(&am_sealing, AM_SEALING_OWED);
	return tag;
}

/* From now on the inode has no tag. */
AM_INLINE void am_tag_delete(struct inode *inode, struct am_tag *tag)
{
	if (!am_hashed) {
		bpf_inode_storage_delete(&am_tags, inode);
		return;
	}
	tag->labels = 0;
	tag->store = 0;
	tag->flags = 0;
}

/* The inode itself goes. */
AM_INLINE void am_inode_forget(struct inode *inode)
{
	__u64 at = (__u64)inode;

	if (!am_hashed)
		return;	/* its storage goes with it */
	if (*am_filter_of(inode) && !bpf_map_delete_elem(&am_inodes, &at))
		__sync_fetch_and_sub(am_filter_of(inode), 1);
}

/* The id of an executable or script that the policy names, 0 for others. The agent holds each
 * open, so its address stays its own. */
AM_INLINE __u32 am_exe_id_of(struct inode *inode)
{
	__u64 at = (__u64)inode;
	__u32 id, *stored;

	if (am_hashed)
		return AM_COPY(&am_exe_ids, &at, &id) ? id : 0;
	stored = bpf_inode_storage_get(&am_exes, inode, 0, 0);
	return stored ? *stored : 0;
}
