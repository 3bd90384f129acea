/* SPDX-License-Identifier: GPL-2.0 */
/* What a test hands to the program of test.bpf.c, and gets back: one case to be
 * decided under the policy in force. The context of BPF_PROG_TEST_RUN, so its
 * layout is shared with user space like abi.h's, but nothing shipped uses it. */
#pragma once

#include "decide.h"

struct am_test {
	/* in */
	struct am_set bits;
	struct am_zones zones;
	__u64 labels;
	__u32 store;		/* id that the object's tag has, 0 = none */
	__u16 op;		/* am_op */
	__u8 tagged;
	__u8 unknown;
	__u32 have_policy;	/* 0: as if none were in force */
	__u32 purpose;
	__u32 pad;
	/* out */
	__u32 decided;		/* 1 once the program has run */
	struct am_decision d;
	struct am_decision unrecorded;	/* in its place, should no record be possible */
};

AM_ASSERT_SIZE(struct am_test, 112);
