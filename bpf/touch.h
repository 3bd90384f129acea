/* SPDX-License-Identifier: GPL-2.0 */
/* What a thread has done already: the first of its kind is told, further ones are counted.
 * Of one kind are accesses by the same operation to the same file, or sends by the same act to
 * the same destination; under the same policy, with the same labels, as the same subjects. The
 * table is the thread's own: of others only the sweep comes by, and takes counts away. */
#pragma once

#include "object.h"
#include "subject.h"

/* `o` is NULL for a destination, here and below. */
AM_INLINE struct am_touch *am_touch_of(struct am_task *own, const struct am_object *o,
				       const struct am_case *c)
{
	__u32 at = c->f.op;

	if (o)
		at ^= o->ino;
	else
		at ^= c->act ^ c->dest.port ^ c->dest.addr[15] ^ c->dest.addr[14];
	return &own->touch[at & (AM_TOUCHES - 1)];
}

AM_INLINE __u64 am_touch_facts(const struct am_task *own, const struct am_case *c)
{
	return own->who ^ c->labels * AM_MIX;
}

AM_INLINE bool am_touch_is_file(const struct am_touch *t, const struct am_object *o)
{
	return t->inode == o->inode && t->ino == o->ino && t->igen == o->generation;
}

/* The two halves of the address as words: no call of memcmp() comes of it. */
AM_INLINE bool am_touch_is_dest(const struct am_touch *t, const struct am_case *c)
{
	const __u64 *a = (const __u64 *)t->addr, *b = (const __u64 *)c->dest.addr;

	return !t->inode && t->act == c->act && t->port == c->dest.port &&
	       t->family == c->dest.family && t->proto == (__u16)c->dest.proto && a[0] == b[0] &&
	       a[1] == b[1];
}

AM_INLINE void am_touch_set_file(struct am_touch *t, const struct am_object *o,
				 const struct am_case *c)
{
	t->inode = o->inode;
	t->ino = o->ino;
	t->dev = am_object_dev(o);
	t->igen = o->generation;
	t->store = c->store;
	t->proto = 0;
}

AM_INLINE void am_touch_set_dest(struct am_touch *t, const struct am_case *c)
{
	t->inode = 0;
	__builtin_memcpy(t->addr, c->dest.addr, sizeof(t->addr));
	t->family = c->dest.family;
	t->port = c->dest.port;
	t->proto = c->dest.proto;
}

AM_INLINE void am_touch_set_who(struct am_touch *t, const struct am_task *own)
{
	const struct cred *cred = bpf_get_current_task_btf()->real_cred;

	t->uid = cred->euid.val;
	t->gid = cred->egid.val;
	t->purpose = own->purpose;
}

AM_INLINE void am_touch_set(struct am_touch *t, const struct am_task *own,
			    const struct am_object *o, const struct am_case *c)
{
	if (o)
		am_touch_set_file(t, o, c);
	else
		am_touch_set_dest(t, c);
	t->facts = am_touch_facts(own, c);
	t->generation = c->generation;
	t->act = c->act;
	t->op = c->f.op;
	am_touch_set_who(t, own);
}

/* From now on the entry is of this one. A function of its own, for its callers have little stack
 * left. Repeats that nothing has room for are kept, and what the sweep is at stays; this one is
 * told each time until then. */
AM_NOINLINE void am_touch_take(struct am_touch *t, const struct am_task *own,
			       const struct am_object *o, const struct am_case *c)
{
	if (!am_touch_claim(t))
		return;
	if (!am_touch_flush(t))
		am_touch_set(t, own, o, c);
	am_touch_release(t);
}

/* Whether it is the first of its kind. If not, it has been counted. */
AM_INLINE bool am_touch_first(struct am_touch *t, const struct am_task *own,
			      const struct am_object *o, const struct am_case *c)
{
	if (t->generation == c->generation && t->op == c->f.op &&
	    t->facts == am_touch_facts(own, c) &&
	    (o ? am_touch_is_file(t, o) : am_touch_is_dest(t, c))) {
		/* The sweep takes it away meanwhile. A file's bytes are nobody's to count. */
		if (o)
			__sync_fetch_and_add(&t->count, 1);
		else
			am_touch_count(t, 1, am_bytes_of_call(c->bytes));
		return false;
	}
	am_touch_take(t, own, o, c);
	return true;
}

/* What comes next is the first of its kind. Repeats not yet told stay. */
AM_INLINE void am_touch_forget(struct am_touch *t)
{
	t->facts = 0;
}
