/* SPDX-License-Identifier: GPL-2.0 */
/* What an entry of struct am_touch has counted: how often, and how many bytes. Its thread adds, and
 * the sweep takes away, at the same time: in sum exactly what was done comes out. Nothing here
 * needs a kernel, so it is tested without one. */
#pragma once

#include "decide.h"

/* In the size of a call, which is an int: more may be sent by it, nobody says how much. */
enum { AM_CALL_UNSIZED = 1U << 31 };

AM_INLINE __u64 am_bytes_of_call(__u32 bytes)
{
	return (__u64)(bytes & AM_CALL_UNSIZED) << 32 | (bytes & ~AM_CALL_UNSIZED);
}

/* Bytes come before the count and are taken after it, so none stay behind without a count that
 * has them told. */
AM_INLINE void am_touch_count(struct am_touch *t, __u32 n, __u64 bytes)
{
	__sync_fetch_and_or(&t->bytes, bytes & AM_BYTES_UNKNOWN);
	__sync_fetch_and_add(&t->bytes, bytes & ~AM_BYTES_UNKNOWN);
	__sync_fetch_and_add(&t->count, n);
}

/* Takes away all that was counted. If it is 0, *bytes is nothing. */
AM_INLINE __u32 am_touch_empty(struct am_touch *t, __u64 *bytes)
{
	__u32 n = __sync_lock_test_and_set(&t->count, 0);

	if (n)
		*bytes = __sync_lock_test_and_set(&t->bytes, 0);
	return n;
}

/* Whoever has an entry may rely on it to stay what it is. Nobody waits for it. */
AM_INLINE int am_touch_claim(struct am_touch *t)
{
	return !__sync_lock_test_and_set(&t->busy, 1);
}

AM_INLINE void am_touch_release(struct am_touch *t)
{
	__sync_lock_test_and_set(&t->busy, 0);
}
