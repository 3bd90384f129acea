/* SPDX-License-Identifier: GPL-2.0 */
/* The contracts of am_label_read and am_label_send: what one step of the walk over
 * the labels does, in terms of whether rules allow and deny its label. labels.c proves
 * that the steps keep them; in decision.c they stand in for the steps, with rules that
 * can say anything. Both are the same text, so the two proofs meet without a gap. */
#pragma once

#include "prove.h"

/* Bit l: some rule allows, some rule denies, to do it with label l. */
static struct rules {
	__u64 read_allows, read_denies;
	__u64 send_allows, send_denies;
} rules;

static long contract(__u32 l, struct am_walk *w, __u64 allows, __u64 denies)
{
	__u64 label = 1ULL << l, labels = w->facts->labels;

	if (labels & label & denies)
		w->refused.denied |= label;
	if (labels & label & ~denies & ~allows)
		w->refused.no_rule |= label;
	return labels >> l <= 1;
}

static long contract_read(__u32 l, struct am_walk *w)
{
	must(l < AM_LABELS_MAX, "a step is asked about a label that exists");
	return contract(l, w, rules.read_allows, rules.read_denies);
}

static long contract_send(__u32 l, struct am_walk *w)
{
	must(l < AM_LABELS_MAX, "a step is asked about a label that exists");
	return contract(l, w, rules.send_allows, rules.send_denies);
}
