/* SPDX-License-Identifier: GPL-2.0 */
/* Rows on their way into one block, in memory: each process, object, destination and
 * deed is kept once. Bounded: AM_BATCH_ROWS rows and AM_BATCH_TEXT bytes of texts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "ledger/row.h"

enum {
	AM_BATCH_ROWS = 8192,
	AM_BATCH_TEXT = 2 << 20,
	AM_BATCH_LANES = 16,
};

_Static_assert((int)AM_BATCH_ROWS <= (int)AM_BLOCK_ROWS, "a batch is one block");
_Static_assert((int)AM_BATCH_TEXT < (int)AM_COLUMN_MAX / 2, "a column holds all texts of a batch");

/* A part's entries, each once. */
struct am_batch_table {
	uint8_t *items;		/* owned: structures like am_row_actor; texts point into the batch */
	uint32_t *slots;	/* owned: hash table of index + 1 */
	uint32_t *hashes;	/* owned: of each item */
	uint32_t n;
	uint32_t last[AM_BATCH_LANES];	/* found last, by processor: rows come in runs */
};

struct am_batch {
	struct am_row_core *rows;	/* owned */
	uint32_t n;
	uint64_t accesses;		/* that the rows tell of */
	struct am_batch_table tables[AM_TABLE_MAX_];	/* none for AM_TABLE_ROWS */
	char *text;			/* owned */
	size_t text_len;
	uint64_t seed;			/* so that nobody can choose names that collide */
	bool finding;			/* one of the rows is one */
	struct am_batch *next;		/* the writer's */
};

int am_batch_new(uint64_t seed, struct am_batch **ret);
void am_batch_free(struct am_batch *b);
AM_DEFINE_AUTO(am_batch);

bool am_batch_is_full(const struct am_batch *b);

/* Copies the row; its number is not looked at. Texts are cut below AM_TEXT_MAX bytes.
 * The batch must not be full. */
void am_batch_add(struct am_batch *b, const struct am_row *row);

void am_batch_clear(struct am_batch *b);
