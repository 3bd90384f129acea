/* SPDX-License-Identifier: GPL-2.0 */
/* What the record of a period tells about one store, as a breach notice has to tell it: who
 * read what and how much of it, where it went, what was refused, under which policies, and
 * for which times nothing is known. Facts only; how they are shown is for user/cli/report*.
 *
 * Bytes are upper bounds: the kernel's hooks know a file's size, not how much of it was read, and
 * what a send was handed, not how much of it was taken. They are exact only where nothing was
 * read, or sent. */
#pragma once

#include "base/cleanup.h"
#include "ledger/scan.h"
#include "query/lineage.h"

enum {
	AM_EXPOSURE_BUCKETS = 72,
	AM_EXPOSURE_FINDINGS_MAX = 1 << 12,
	AM_EXPOSURE_POLICIES_MAX = 1 << 10,
	AM_EXPOSURE_GAPS_MAX = 1 << 12,
	AM_EXPOSURE_NOTES_MAX = 1 << 10,
	AM_EXPOSURE_ID_TEXT = 48,
};

/* All texts are numbers of lineage.pool. */

/* What the policy denied, alike in all that is in the key. */
struct am_exposure_finding {
	uint32_t subject, reason, op, act;	/* the key */
	uint32_t blocked, dest;			/* likewise; dest: of a send */
	uint64_t count;
	uint32_t why, path;		/* of the first */
	char id[AM_EXPOSURE_ID_TEXT];	/* likewise */
	int64_t first_ns, last_ns;
};

struct am_exposure_policy {
	uint64_t generation;	/* the key */
	uint64_t events;	/* of the store, decided by it in the period */
	uint32_t name;		/* 0: only a mark tells of it */
	uint32_t mark;		/* what the agent said when it came into force; 0: before the record */
	int64_t in_force_ns;	/* when; 0: not known */
	int64_t first_ns, last_ns;	/* of `events` */
};

struct am_exposure_gap {
	uint32_t reason;	/* am_gap */
	uint64_t count;		/* 0: nobody knows */
	int64_t since_ns;	/* 0: nobody knows */
	int64_t until_ns;
};

struct am_exposure_note {	/* the record about itself: am_mark */
	uint32_t mark;
	uint32_t why;
	uint64_t count;
	int64_t wall_ns;
};

struct am_exposure_bucket {
	uint64_t allowed, refused;
	uint64_t breaches;	/* of `allowed`: went ahead though the policy denies */
};

struct am_exposure_question {
	const char *store;	/* borrowed as long as the exposure lives */
	int64_t since_ns;	/* CLOCK_REALTIME; 0: from the beginning of the record */
	int64_t until_ns;	/* before this; 0: up to its end */
	int64_t from_ns, to_ns;	/* what the timeline shows; from < to */
};

struct am_exposure {
	struct am_exposure_question question;
	struct am_lineage lineage;
	struct am_tally findings, policies;
	struct am_exposure_gap *gaps;	/* owned */
	size_t n_gaps;
	uint64_t gaps_left_out;
	struct am_exposure_note *notes;	/* owned */
	size_t n_notes;
	uint64_t notes_left_out;
	struct am_exposure_bucket timeline[AM_EXPOSURE_BUCKETS];
	uint64_t accesses;	/* to the store: all that was tried */
	uint64_t refused;	/* of these */
	uint64_t breaches;	/* likewise: went ahead though the policy denies */
	uint64_t bad_segments;	/* of the ledger: damaged, read up to there */

	/* Filled in when everything was read. */
	uint64_t sends, refused_sends, likely_sends;	/* that would leave the host */
	uint64_t breached_sends;	/* of `sends` and `likely_sends`, though the policy denies */
	struct am_handed handed, likely_handed;	/* to `sends`, and to `likely_sends` */
	uint64_t local_sends;
	uint64_t copies;	/* made outside of every store */
	uint64_t left_out;	/* rows that found no room in some table */
	size_t subjects;	/* that read something */
};

/* Reads the period. 0; -errno. *ret is owned. */
int am_exposure_make(int dirfd, const struct am_exposure_question *question,
		     struct am_exposure **ret);

/* Nothing was done to the store, or tried. */
bool am_exposure_is_empty(const struct am_exposure *x);

void am_exposure_free(struct am_exposure *x);
AM_DEFINE_AUTO(am_exposure);

/* Whether the record has ever told of this store; if not, *ret_near is the name that it may
 * have been meant to be, owned, or NULL. 1, 0 or -errno. */
int am_exposure_knows(int dirfd, const char *store, char **ret_near);
