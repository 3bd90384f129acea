/* SPDX-License-Identifier: GPL-2.0 */
/* Processes that can see each other's memory: children made with CLONE_VM, who traces and
 * who is traced. What one of them carries, all do.
 *
 * A process names its family by number in am_task.family. Two families that meet become
 * one: the second points to the first from then on. */
#pragma once

#include "emit.h"

enum {
	AM_FAMILY_HOPS = 4,	/* of families that became one; more are an unknown fact */
};

/* The family that counts; NULL: there is none. No loop and no frame more than this one: it is
 * asked where little stack is left. */
AM_NOINLINE struct am_family *am_family_of(__u64 number)
{
	struct am_family *f = NULL;
	__u32 i;

#pragma unroll
	for (i = 0; i < AM_FAMILY_HOPS; i++) {
		f = bpf_map_lookup_elem(&am_families, &number);
		if (!f || !f->next)
			return f;
		number = f->next;
	}
	return f;
}

AM_GLOBAL __u64 am_family_labels(__u64 number)
{
	struct am_family *f = am_family_of(number);

	return f ? f->labels : 0;
}

/* What a process carries: its own labels, and those that came into memory it shares. */
AM_INLINE __u64 am_labels_of(const struct am_task *leader)
{
	if (!leader)
		return 0;
	return leader->family ? leader->labels | am_family_labels(leader->family) : leader->labels;
}

AM_GLOBAL int am_family_gain(__u64 number, __u64 labels)
{
	struct am_family *f = am_family_of(number);

	if (f)
		__sync_fetch_and_or(&f->labels, labels);
	return 0;
}

AM_INLINE void am_labels_gain(struct am_task *leader, __u64 labels)
{
	if (labels & ~leader->labels)
		__sync_fetch_and_or(&leader->labels, labels);
	if (leader->family)
		am_family_gain(leader->family, labels);
}

/* A new family with the labels of its first member. 0: there is no room. */
AM_INLINE __u64 am_family_found(__u64 labels)
{
	__u64 number = __sync_fetch_and_add(&am_family_last, 1) + 1;
	struct am_family f = { .number = number, .labels = labels, .members = 1 };

	if (!bpf_map_update_elem(&am_families, &number, &f, BPF_NOEXIST))
		return number;
	am_count(AM_COUNT_NO_FAMILY_ROOM);
	return 0;
}

/* The two processes share what they carry from now on. 0, or -EACCES when it can't be. */
AM_GLOBAL int am_family_join(struct am_task *a, struct am_task *b)
{
	struct am_family *fa, *fb;

	if (!a || !b)
		return -EACCES;
	if (!a->family)
		a->family = am_family_found(a->labels);
	fa = am_family_of(a->family);
	if (!fa)
		return -EACCES;
	if (!b->family) {
		__sync_fetch_and_or(&fa->labels, b->labels);
		__sync_fetch_and_add(&fa->members, 1);
		b->family = fa->number;
		return 0;
	}
	fb = am_family_of(b->family);
	if (!fb)
		return -EACCES;
	if (fa == fb)
		return 0;
	__sync_fetch_and_or(&fa->labels, fb->labels);
	__sync_fetch_and_add(&fa->members, 1);
	fb->next = fa->number;
	return 0;
}

static long am_family_drop(__u32 i, __u64 *number)
{
	struct am_family *f = bpf_map_lookup_elem(&am_families, number);
	__u64 at = *number;

	if (!f || __sync_fetch_and_sub(&f->members, 1) != 1)
		return 1;
	*number = f->next;	/* before the entry goes */
	bpf_map_delete_elem(&am_families, &at);
	return *number == 0;
}

/* The process has memory of its own again, or ends. It keeps what it came to carry. */
AM_NOINLINE void am_family_leave(struct am_task *leader)
{
	__u64 number = leader->family;

	if (!number)
		return;
	__sync_fetch_and_or(&leader->labels, am_family_labels(number));
	leader->family = 0;
	bpf_loop(AM_FAMILY_HOPS, am_family_drop, &number, 0);
}
