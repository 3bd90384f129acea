/* SPDX-License-Identifier: GPL-2.0 */
/* From a record of the kernel's ring to lines for those who follow the events:
 * checked, given names and a reason, written once per form that somebody wants. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct am_control;
struct am_force;
struct am_names;
struct am_notice;
struct am_pipeline;
struct am_recorder;
struct am_sealer;
struct am_witness;

struct am_pipeline_counts {
	uint64_t taken;
	uint64_t malformed;	/* records that are not of this ABI: never shown */
	uint64_t unwritten;	/* lines that could not be made for lack of memory */
};

/* All borrowed. *ret is owned. */
int am_pipeline_new(struct am_control *control, struct am_names *names, struct am_sealer *sealer,
		    struct am_recorder *recorder, struct am_witness *witness,
		    struct am_pipeline **ret);

/* The policies of which events may come: the one in force and the one before, or NULL.
 * Borrowed until the next call; the witness keeps the first for longer. */
void am_pipeline_force(struct am_pipeline *p, struct am_force *now,
		       const struct am_force *before);

/* Looks again how far the clocks are apart. To be called now and then. */
void am_pipeline_tick(struct am_pipeline *p);

/* An am_ring_take; ctx is the pipeline. */
void am_pipeline_take(void *ctx, const void *bytes, size_t len);

/* Tells those who follow the events what the agent itself has to say. Time, number, host and
 * the policy in force are filled in, unless a generation is given; strings are borrowed for
 * the call. */
void am_pipeline_notice(struct am_pipeline *p, const struct am_notice *notice);

void am_pipeline_counts(const struct am_pipeline *p, struct am_pipeline_counts *ret);

void am_pipeline_free(struct am_pipeline *p);
AM_DEFINE_AUTO(am_pipeline);
