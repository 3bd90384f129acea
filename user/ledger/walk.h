/* SPDX-License-Identifier: GPL-2.0 */
/* A walk over one segment, frame by frame, as far as it holds: what recovery, and the
 * verification of a segment by itself, come down to. */
#pragma once

#include "ledger/block.h"
#include "ledger/chain.h"

/* What is wrong where a walk ended. */
enum am_fault {
	AM_FAULT_NONE = 0,
	AM_FAULT_HEADER,	/* no header, or its chain value does not hold */
	AM_FAULT_TORN,		/* behind the last seal: half a frame, or none at all */
	AM_FAULT_ALTERED,	/* bytes differ from what was sealed */
	AM_FAULT_MISSING,	/* rows or seals are left out here */
	AM_FAULT_REPEATED,	/* rows or seals that came before: repeated or reordered */
	AM_FAULT_MAX_,
};

struct am_walk {
	uint64_t size;			/* of the file */
	uint8_t bytes[AM_HEADER_LEN];	/* of the header; whether it is signed is not looked at */
	struct am_header header;
	enum am_fault fault;
	uint64_t fault_at;

	/* What holds: chain values, numbers, and up to `sealed` signatures. */
	uint64_t good;			/* offset behind the last whole frame */
	uint8_t h[AM_HASH_LEN];		/* chain value there */
	uint64_t next_row;
	uint64_t blocks;
	uint64_t seals;
	uint64_t sealed;		/* offset behind the last seal, or the header */
	uint64_t sealed_row;		/* first row that is not sealed */
	uint64_t next_seal;
	uint8_t next_key[AM_HASH_LEN];	/* of next_seal */
	struct am_ledger_seal first;		/* valid if `seals` */
	struct am_ledger_seal last;
};

/* What a walker wants to see on the way, after it was found to hold; members may be NULL. */
struct am_walk_calls {
	void *ctx;
	/* `frame` is borrowed. 0 to go on. */
	int (*block)(void *ctx, const struct am_block_head *head, const uint8_t *frame,
		     uint64_t at);
	int (*seal)(void *ctx, const struct am_ledger_seal *seal, uint64_t at);
};

/* 0, with what was found in *ret, good or bad; a negative errno if the file cannot be
 * read, or what a call returned. */
int am_walk(int fd, const struct am_walk_calls *calls, struct am_walk *ret);

/* Whether the last frame that holds is a closing seal. */
bool am_walk_is_closed(const struct am_walk *w);
