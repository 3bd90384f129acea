/* SPDX-License-Identifier: GPL-2.0 */
/* Whose an object is, before anything is decided: its tag as it is to be believed now. While
 * stores are being sealed what has no tag yet is found by climbing to what am_strays knows above.
 *
 * The search is in global functions, which are looked at once in each program. They are
 * given addresses, and say what is to be done to the tag; what needs the inode itself is
 * done in am_tag_settle(). */
#pragma once

#include "label.h"
#include "object.h"

/* What is returned for an inode that belongs to a store, or may, where there is no memory for its tag: who
 * asked is refused. Where tags are in a table, which may well be full, what was found
 * decides instead. */
#define AM_TAG_CLOSED ((struct am_tag *)1)

/* A walk up from a name to what am_strays knows: a store's root, a folder that
 * was moved out of one. */
struct am_search {
	const struct am_policy *policy;
	__u64 dentry;
	__u64 found;
	struct am_tag *tag;	/* what was found last */
};

static long am_search_step(__u32 i, struct am_search *s)
{
	struct dentry *d = (struct dentry *)s->dentry;
	__u64 parent = (__u64)BPF_CORE_READ(d, d_parent);
	struct am_inode_key key;
	__u64 dir;

	if (!parent || parent == s->dentry)
		return 1;
	d = (struct dentry *)parent;
	dir = (__u64)BPF_CORE_READ(d, d_inode);
	if (!dir)
		return 1;
	am_inode_key_of(dir, &key);
	s->dentry = parent;
	s->found = AM_COPY(&am_strays, &key, s->tag) && am_tag_speaks(s->policy, s->tag);
	return s->found ? 1 : 0;
}

/* How a search ended. */
enum am_searched {
	AM_SEARCHED_FOUND = 0,
	AM_SEARCHED_ROOT,	/* nothing up to the root of the object's file system */
	AM_SEARCHED_LOOSE,	/* its names lead nowhere */
	AM_SEARCHED_DEEP,	/* nobody knows what is further up */
};

/* The nearest kept tag above the object that says something under the policy at hand; *ret is
 * what is inherited from it. */
AM_GLOBAL int am_search(const struct am_object *o, struct am_tag *ret)
{
	struct am_search s = { .policy = am_policy_now(), .tag = ret };
	struct inode *inode;
	long steps;

	if (!o || !ret)
		return AM_SEARCHED_LOOSE;
	s.dentry = o->dentry;
	steps = bpf_loop(AM_CLIMB_DEPTH, am_search_step, &s, 0);
	if (s.found) {
		ret->store = am_tag_id(s.policy, ret);
		ret->flags = 0;
		ret->next = 0;
		return AM_SEARCHED_FOUND;
	}
	*ret = (struct am_tag){};	/* the last one said nothing */
	inode = (struct inode *)o->inode;
	if (s.dentry == (__u64)BPF_CORE_READ(inode, i_sb, s_root))
		return AM_SEARCHED_ROOT;
	return steps == AM_CLIMB_DEPTH ? AM_SEARCHED_DEEP : AM_SEARCHED_LOOSE;
}

/* The id that a stray's store has now. Which of the store's paths it came from nobody knows, so
 * it stays closed with what is left of them. */
AM_INLINE __u32 am_stray_id(const struct am_policy *policy, const struct am_tag *tag)
{
	return policy ? policy->stores[tag->store & AM_STORE_SLOT_MASK].id : 0;
}

/* A tag of a store that this policy no longer has there: while stores are being
 * sealed, what is kept for the file itself or a root above says whose it is now. If
 * nothing does it is nobody's; but where the climb has not reached the end it stays
 * stale, and who decides closes. */
AM_NOINLINE void am_tag_refresh(const struct am_object *o, struct am_tag *tag)
{
	const struct am_policy *policy = am_policy_now();
	struct am_tag found = {};
	__u32 id = 0;
	int searched;

	if (!tag->store || am_tag_store(policy, tag))
		return;
	if (tag->flags & AM_TAG_STRAY) {
		if (am_stray_find(o->inode, &found) && am_store_of(policy, found.store)) {
			tag->store = found.store;
			return;
		}
		id = am_stray_id(policy, tag);
	}
	searched = am_search(o, &found);
	if (searched == AM_SEARCHED_DEEP && !id)
		am_count(AM_COUNT_CLIMB_TOO_DEEP);
	else
		tag->store = searched == AM_SEARCHED_FOUND ? found.store : id;
}

/* What a climb came to. */
enum am_climbed {
	AM_CLIMBED_NONE = 0,	/* the file is nobody's */
	AM_CLIMBED_KEPT,	/* its own tag was kept */
	AM_CLIMBED_INHERITED,	/* it is in a store, or below a folder that carries labels */
	AM_CLIMBED_ADRIFT,	/* nobody can say what it is */
};

/* Whether nobody can say what an untagged file is, on a device with stores: it has no name, and
 * the tag that says so (AM_TAG_DETACHED) could not be had; or tags are missing for good, and the file
 * is too deep to climb from. */
AM_INLINE bool am_is_adrift(const struct am_object *o, bool deep)
{
	struct dentry *d = (struct dentry *)o->dentry;
	struct inode *inode = (struct inode *)o->inode;
	__u32 dev = am_object_dev(o);

	if (deep ? !(am_sealing & AM_SEALING_OWED) :
		   (__u64)BPF_CORE_READ(d, d_parent) != o->dentry ||
			   o->dentry == (__u64)BPF_CORE_READ(inode, i_sb, s_root))
		return false;
	return !((BPF_CORE_READ(inode, i_sb, s_flags) >> SB_NOUSER_BIT) & 1) &&
	       bpf_map_lookup_elem(&am_devices, &dev);
}

/* While stores are being sealed: what is kept for an untagged file or for the nearest folder above
 * it decides, exactly as if the walk had been there. *tag is what it should have. */
AM_GLOBAL int am_tag_climb(const struct am_object *o, struct am_tag *tag)
{
	int searched;

	if (!o || !tag)
		return AM_CLIMBED_NONE;
	if (am_stray_find(o->inode, tag)) {
		am_count(AM_COUNT_STRAY_RESTORED);
		am_tag_refresh(o, tag);
		return AM_CLIMBED_KEPT;
	}
	searched = am_search(o, tag);
	if (searched == AM_SEARCHED_FOUND) {
		am_count(AM_COUNT_CLIMB_TAGGED);
		return AM_CLIMBED_INHERITED;
	}
	if (searched == AM_SEARCHED_DEEP)
		am_count(AM_COUNT_CLIMB_TOO_DEEP);
	if (!am_is_adrift(o, searched == AM_SEARCHED_DEEP))
		return AM_CLIMBED_NONE;
	tag->flags = AM_TAG_DETACHED;
	return AM_CLIMBED_ADRIFT;
}

/* What is to become of a tag. */
enum am_revised {
	AM_REVISED_KEEP = 0,
	AM_REVISED_IGNORE,	/* the object is as if untagged */
	AM_REVISED_DELETE,
};

/* A tag put on at a rename is believed once the store's root is found above. Until
 * then the file is as if untagged, and asked about anew at each use: the rename may
 * be about to happen, or have failed. */
AM_NOINLINE int am_tag_prove(const struct am_object *o, struct am_tag *tag)
{
	struct am_tag above = {};
	int searched = am_search(o, &above);

	if (searched == AM_SEARCHED_DEEP)
		am_count(AM_COUNT_CLIMB_TOO_DEEP);
	if (searched != AM_SEARCHED_FOUND) {
		am_count(AM_COUNT_UNPROVEN);
		return AM_REVISED_IGNORE;
	}
	/* Its store may have another id by now, and the rename may have led into another. */
	tag->store = above.store;
	tag->flags &= ~AM_TAG_UNPROVEN;
	return AM_REVISED_KEEP;
}

/* A file first met without a name (open by handle, an NFS server): what is kept for
 * it or for a folder above, once its names lead up to the root of the file system.
 * Until then nobody knows, and it stays as it is. */
AM_NOINLINE int am_tag_attach(const struct am_object *o, struct am_tag *tag)
{
	struct am_tag found = {};
	int searched = AM_SEARCHED_FOUND;

	if (!am_stray_find(o->inode, &found))
		searched = am_search(o, &found);
	if (searched == AM_SEARCHED_ROOT)
		return AM_REVISED_DELETE;
	if (searched == AM_SEARCHED_FOUND) {
		tag->labels = found.labels;
		tag->store = found.store;
		tag->flags = found.flags & AM_TAG_STRAY;
	}
	return AM_REVISED_KEEP;
}

/* A tag that says so itself, or is met while stores are being sealed, is looked at again. */
AM_GLOBAL int am_tag_revise(const struct am_object *o, struct am_tag *tag)
{
	if (!o || !tag)
		return AM_REVISED_IGNORE;
	if (tag->flags & AM_TAG_UNPROVEN)
		return am_tag_prove(o, tag);
	if (tag->flags & AM_TAG_DETACHED)
		return am_tag_attach(o, tag);
	am_tag_refresh(o, tag);
	return AM_REVISED_KEEP;
}

/* `room` is where a tag is put that there is no other room for. */
AM_INLINE struct am_tag *am_tag_climbed(struct inode *inode, const struct am_object *o,
					struct am_tag *room)
{
	int climbed = am_tag_climb(o, room);
	struct am_tag *tag = NULL;

	if (climbed == AM_CLIMBED_NONE)
		return NULL;
	if (climbed == AM_CLIMBED_KEPT)
		tag = am_tag_owed(inode, room);
	else if (climbed == AM_CLIMBED_INHERITED)
		tag = am_tag_inherit(inode, room);
	if (tag)
		return tag;
	return am_hashed ? room : AM_TAG_CLOSED;
}

/* The object's tag as it is to be believed now, NULL for none, AM_TAG_CLOSED. The caller has looked
 * `tag` up and it may be NULL; the caller's *room, all zero, must live as long as what is returned. */
AM_INLINE struct am_tag *am_tag_settle(struct inode *inode, const struct am_object *o,
				       struct am_tag *tag, struct am_tag *room)
{
	int revised;

	if (!tag)
		return am_is_sealing() ? am_tag_climbed(inode, o, room) : NULL;
	if (!(tag->flags & (AM_TAG_UNPROVEN | AM_TAG_DETACHED)) && !am_is_sealing())
		return tag;
	revised = am_tag_revise(o, tag);
	if (revised == AM_REVISED_DELETE)
		am_tag_delete(inode, tag);
	return revised == AM_REVISED_KEEP ? tag : NULL;
}
