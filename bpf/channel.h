/* SPDX-License-Identifier: GPL-2.0 */
/* Labels of what carries data from one process to another and lacks an inode that every
 * program could hang a tag on: pipes, as fentry programs meet them, and message queues.
 *
 * A channel's key is the address of its kernel object. It is forgotten in the function that
 * frees the object, so an address is never taken for what was there before. */
#pragma once

#include "emit.h"

AM_INLINE __u64 am_channel_labels(__u64 address)
{
	__u64 *labels;

	if (!am_have_channels() || !address)
		return 0;
	labels = bpf_map_lookup_elem(&am_channels, &address);
	return labels ? *labels : 0;
}

/* The channel carries the labels from now on. 0, or -EACCES: no room, they would be lost. */
AM_GLOBAL int am_channel_gain(__u64 address, __u64 labels)
{
	__u64 *kept = bpf_map_lookup_elem(&am_channels, &address);

	if (!kept) {
		/* First the count: who finds it zero may believe that there is no entry. */
		__sync_fetch_and_add(&am_sealing, 1ULL << AM_CHANNEL_SHIFT);
		if (!bpf_map_update_elem(&am_channels, &address, &labels, BPF_NOEXIST))
			return 0;
		__sync_fetch_and_sub(&am_sealing, 1ULL << AM_CHANNEL_SHIFT);
		kept = bpf_map_lookup_elem(&am_channels, &address);
		if (!kept) {
			am_count(AM_COUNT_NO_CHANNEL_ROOM);
			return -EACCES;
		}
	}
	__sync_fetch_and_or(kept, labels);
	return 0;
}

/* Its memory is about to be free for others. */
AM_INLINE void am_channel_forget(__u64 address)
{
	if (am_have_channels() && !bpf_map_delete_elem(&am_channels, &address))
		__sync_fetch_and_sub(&am_sealing, 1ULL << AM_CHANNEL_SHIFT);
}
