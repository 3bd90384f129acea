/* SPDX-License-Identifier: GPL-2.0 */
/* The contracts of the parts of decide.h that read rules: what they do, in terms of
 * what rules say. A part is proved to keep its contract, for every policy; where it is
 * called its contract then stands in for it (scripts/prove has goto-instrument put it
 * there), over rules that can say anything. Both are the text below, so that the two
 * proofs meet without a gap:
 *
 *   am_zone_ask                     contract_zone                labels.c  ->  sends.c
 *   am_label_read, am_label_send    contract_read, contract_send labels.c, sends.c  ->
 *                                                                decision.c */
#pragma once

#include "prove.h"

static struct rules {
	/* About one label, for each zone: some rule allows, or denies, to send it there. */
	__u32 label;
	__u8 *zone_allows, *zone_denies;
	/* Bit l: some rule allows, or denies, to do it with label l. */
	__u64 read_allows, read_denies;
	__u64 send_allows, send_denies;
} rules;

/* One step of the walk over the labels. */
static long step(__u32 l, struct am_walk *w, __u64 allows, __u64 denies)
{
	__u64 label = 1ULL << l, labels = w->facts->labels;

	if (labels & label & denies)
		w->refused.denied |= label;
	if (labels & label & ~denies & ~allows)
		w->refused.no_rule |= label;
	return labels >> l <= 1;
}

/* All its steps in the first. decision.c proves that it makes no difference. */
static _Bool walk_at_once;

static long walk(__u32 l, struct am_walk *w, __u64 allows, __u64 denies)
{
	__u64 labels = w->facts->labels;

	must(l < AM_LABELS_MAX, "a step is asked about a label that exists");
	if (!walk_at_once)
		return step(l, w, allows, denies);
	must(l == 0, "the walk begins with the first label, and ends when told to");
	w->refused.denied |= labels & denies;
	w->refused.no_rule |= labels & ~denies & ~allows;
	return 1;
}

/* Not static: goto-cc drops static functions that nothing calls. */
long contract_read(__u32 l, struct am_walk *w)
{
	return walk(l, w, rules.read_allows, rules.read_denies);
}

long contract_send(__u32 l, struct am_walk *w)
{
	return walk(l, w, rules.send_allows, rules.send_denies);
}

/* A terminal is open without a rule. */
void contract_zone(const struct am_facts *f, __u32 label, __u8 zone, __u64 *allowed, __u64 *denied)
{
	(void)f;
	must(label == rules.label, "zones are asked about the label of the step");
	if (rules.zone_allows[zone] || zone == AM_ZONE_TERMINAL)
		*allowed |= 1;
	if (rules.zone_denies[zone])
		*denied |= 1;
}
