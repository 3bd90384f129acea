/* SPDX-License-Identifier: GPL-2.0 */
/* A block: rows in columns. Made of a batch, read column by column; see format.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "ledger/row.h"

struct am_batch;
struct am_block;
struct am_press;

/* ---- making one ---------------------------------------------------------------- */

/* What is needed to make blocks, kept between them. */
int am_press_new(int level, struct am_press **ret);
void am_press_free(struct am_press *p);
AM_DEFINE_AUTO(am_press);

/* The frame of a batch that is not empty, without its chain value, which has room at the
 * end. *ret is borrowed until the next call. 0; -ENOMEM; -EFBIG. */
int am_press_block(struct am_press *p, const struct am_batch *b, uint64_t first_row,
		   uint8_t **ret, size_t *ret_len);

/* ---- reading one --------------------------------------------------------------- */

struct am_block_head {
	uint32_t size;
	uint32_t rows;
	uint32_t data;		/* where the columns' data begins */
	uint64_t first_row;
	int64_t wall_min;
	int64_t wall_max;
	uint32_t pid_min;
	uint32_t pid_max;
	uint32_t uid_min;
	uint32_t uid_max;
	uint64_t kinds;
	uint32_t verdicts;
	uint32_t ops;
	uint32_t entries[AM_TABLE_MAX_];	/* of AM_TABLE_ROWS: rows */
	uint32_t columns;
	uint32_t filter_words;
};

/* Of the first AM_BLOCK_HEAD_LEN bytes. 0; -EBADMSG. */
int am_block_head(const uint8_t *bytes, struct am_block_head *ret);

/* Whether a row of the block may have the value; `filter` are the bytes of the filter. */
bool am_filter_may_have(const uint8_t *filter, uint32_t words, enum am_column column,
			const void *value, size_t len);
uint64_t am_filter_hash(enum am_column column, const void *value, size_t len);

/* Reads bytes `at`.. of the block into `to`: 0 or -errno. */
typedef int (*am_block_read)(void *ctx, uint32_t at, void *to, size_t len);

/* A place to read blocks into, one after the other. */
int am_block_new(struct am_block **ret);
void am_block_free(struct am_block *b);
AM_DEFINE_AUTO(am_block);

/* Begins a block whose head, filter and directory are in `bytes` (head->data of them).
 * 0; -EBADMSG. */
int am_block_begin(struct am_block *b, const struct am_block_head *head, const uint8_t *bytes);

/* Decodes the columns of the set that are not decoded yet, and checks what is said of
 * them: indexes are within their tables. `needed`: a byte per entry of each table but that of
 * rows, where 0 is one whose texts nobody will ask for: they are empty then. NULL: all are
 * needed. 0; -EBADMSG; -errno of `read`. */
int am_block_load(struct am_block *b, uint64_t columns, const uint8_t *const *needed,
		  am_block_read read, void *ctx);

/* Of columns that were loaded. `i` is below the entries of the column's table. */
const uint64_t *am_block_numbers(const struct am_block *b, enum am_column column);
const char *am_block_text(const struct am_block *b, enum am_column column, uint32_t i);

/* Fills in what was loaded of row `i`; texts are borrowed until the next block. */
void am_block_row(const struct am_block *b, uint32_t i, struct am_row *ret);
