/* SPDX-License-Identifier: GPL-2.0 */
/* How much of the ledger is kept, how long, and what happens when the disk is full: as it
 * was asked for, and what that comes to on the disk that the ledger is on. */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "ledger/writer.h"

/* As it was written; borrowed, NULL: not said. */
struct am_keeping_words {
	const char *max;
	const char *keep;
	const char *segment;
	const char *full;
};

/* 0 where nothing was said. */
struct am_keeping {
	uint64_t max_bytes;	/* of all segments */
	uint64_t segment_bytes;
	int64_t keep_s;		/* old segments go then */
	enum am_full_policy full;
};

/* 0; -EINVAL after one line on `err`. */
int am_keeping_parse(const struct am_keeping_words *words, FILE *err, struct am_keeping *ret);

/* What the writer of a ledger in `dir`, which need not exist yet, is to be told. */
void am_keeping_fit(const struct am_keeping *k, const char *dir, struct am_writer_options *ret);

/* The same on a file system of so many bytes; 0: nobody knows. */
void am_keeping_fit_disk(const struct am_keeping *k, uint64_t disk_bytes,
			 struct am_writer_options *ret);
