/* SPDX-License-Identifier: GPL-2.0 */
/* The one writer of a ledger. Rows are copied into memory and go to disk in a thread of
 * its own, so that the caller's event loop never waits for a disk: fdatasync() may take
 * a tenth of a second and more.
 *
 * Bounded: AM_WRITER_BATCHES batches of rows. When all are full the caller is told so
 * (-EAGAIN) and may come back, or count the row as lost with am_writer_lost(): what is
 * lost becomes a gap record as soon as there is room.
 *
 * Rows are sealed at the latest `interval_ms` after they were appended, findings at once.
 * Sealing at once is bounded by the disk: what comes during a sync shares the next seal. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/host.h"
#include "ledger/row.h"

enum { AM_WRITER_BATCHES = 6 };

/* What happens when the disk is full, or the ledger as big as it may be. */
enum am_full_policy {
	AM_FULL_STOP = 0,	/* nothing is recorded until there is room again */
	AM_FULL_OLDEST_FIRST,	/* the oldest segments go, with a record of it */
};

struct am_writer_options {
	uint64_t segment_bytes;	/* a new segment beyond that; 0: 32 MiB */
	int64_t segment_age_s;	/* likewise; 0: a day */
	uint64_t keep_bytes;	/* of all segments at most; 0: what the disk takes */
	int64_t keep_age_s;	/* old segments go when they are older; 0: never */
	int interval_ms;	/* 0: a second */
	int level;		/* of zstd; 0: 1 */
	enum am_full_policy full;
	bool no_thread;		/* the caller waits for the disk: for tests */
	const struct am_host_id *host;	/* borrowed during am_writer_open(); NULL: this one */
	int64_t (*clock_ns)(clockid_t clock);	/* NULL: the real ones */
};

enum am_writer_state {
	AM_WRITER_INVALID = 0,
	AM_WRITER_RUNS,
	AM_WRITER_FULL,		/* the disk: `strict` stores should deny; tries again by itself */
	AM_WRITER_FAILED,	/* the disk failed: must be opened again; likewise */
};

struct am_writer_stats {
	enum am_writer_state state;
	int error;		/* -errno of the last failure, 0 */
	bool low;		/* the disk is nearly full: `strict` stores should deny already, so
				 * that what is on its way finds room */
	uint64_t rows;		/* sealed since the writer was opened */
	uint64_t waiting;	/* appended, not sealed yet */
	uint64_t lost;		/* accesses: of rows given up, and those that am_writer_lost() told of */
	uint64_t untold;	/* of these, in no gap record yet; after AM_WRITER_FAILED they are
				 * for the next writer, with `untold_since_ns` */
	int64_t untold_since_ns;
	uint64_t seals;
	uint64_t segment;
	uint64_t oldest;	/* segment */
	uint64_t bytes;		/* of all segments */
	uint64_t key_errors;	/* times the key file could not be brought up to date */
	int64_t sealed_ns;	/* CLOCK_REALTIME of the last seal */
};

struct am_writer;

/* Opens or begins a ledger in the directory `path`, which is made if need be, and
 * recovers what a writer left that was killed; this may take as long as reading one
 * segment. 0; -EWOULDBLOCK if another writer has it; -ENOSPC; another negative errno.
 * *ret is owned. */
int am_writer_open(const char *path, const struct am_writer_options *options,
		   struct am_writer **ret);

/* Copies the row. 0; -EAGAIN if there is no room now; -ENOSPC, -EIO if nothing can be
 * recorded at all at the moment. Never waits for the disk (unless `no_thread`). */
int am_writer_append(struct am_writer *w, const struct am_row *row);

/* Whether that many rows, of common size, can be appended now. True also if nothing can be
 * recorded at all. */
bool am_writer_has_room(struct am_writer *w, unsigned rows);

/* Events were lost: a gap record will say so. `since_ns` is CLOCK_REALTIME. */
void am_writer_lost(struct am_writer *w, enum am_gap reason, uint64_t count, int64_t since_ns);

/* A mark, sealed at once. `why` is borrowed. As am_writer_append(). */
int am_writer_mark(struct am_writer *w, enum am_mark mark, uint64_t count, const char *why);

/* Waits until all that was appended is sealed. 0 or -errno. */
int am_writer_flush(struct am_writer *w);

void am_writer_stats(struct am_writer *w, struct am_writer_stats *ret);

/* Seals what there is, closes the segment and ends. NULL is fine. */
void am_writer_free(struct am_writer *w);
AM_DEFINE_AUTO(am_writer);
