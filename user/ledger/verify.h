/* SPDX-License-Identifier: GPL-2.0 */
/* Whether a ledger is what was written: offline, on any machine, from the directory alone
 * and what was kept elsewhere: the root key, and a head. See "Validity" in format.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "ledger/chain.h"
#include "ledger/keyfile.h"

/* The answer; also the exit code of `amanat verify`, beside those of all commands. */
enum am_verify_code {
	AM_VERIFY_HOLDS = 0,
	AM_VERIFY_UNSEALED = 10,	/* holds, but something follows the last seal */
	AM_VERIFY_ALTERED = 11,		/* bytes are not what was sealed */
	AM_VERIFY_MISSING = 12,		/* rows, seals, segments or headers are left out */
	AM_VERIFY_REORDERED = 13,	/* repeated, swapped, or in another file than they were */
	AM_VERIFY_TRUNCATED = 14,	/* a segment with a successor has no end */
	AM_VERIFY_ROLLED_BACK = 15,	/* ends before the head that was kept, or contradicts it */
	AM_VERIFY_FOREIGN = 16,		/* a segment of another ledger */
	AM_VERIFY_WRONG_KEY = 17,	/* not of the key that was given, or there is none */
	AM_VERIFY_BROKEN = 18,		/* the chain was begun anew: what was before is apart */
	AM_VERIFY_EMPTY = 19,		/* there is no ledger */
};

/* A place in the chain, small enough to be kept elsewhere: one line,
 * "amanat-ledger-head CHAIN SEAL HASH TIME", hexadecimal but for the numbers. */
struct am_head {
	uint8_t chain[AM_CHAIN_LEN];
	uint64_t seal;
	uint8_t h[AM_HASH_LEN];
	int64_t wall_ns;
};

enum { AM_HEAD_TEXT = 192 };

void am_head_format(const struct am_head *h, char ret[AM_HEAD_TEXT]);
int am_head_parse(const char *text, size_t len, struct am_head *ret);	/* 0; -EBADMSG */

struct am_verify_options {
	const struct am_roots_pub *roots;	/* NULL: those of the directory, which prove little */
	const struct am_head *head;		/* NULL: none was kept */
	unsigned threads;			/* 0: as many as there are processors, up to 8 */
};

/* Something found: a fault, or what a person should know. */
struct am_remark {
	enum am_verify_code code;	/* AM_VERIFY_HOLDS: only to be known */
	char file[64];			/* empty: the directory */
	uint64_t offset;
	char text[200];			/* one clause */
};

struct am_gap_seen {
	uint64_t row;
	uint32_t reason;	/* am_gap */
	uint64_t count;		/* 0: nobody knows */
	int64_t since_ns;
	int64_t until_ns;
};

enum { AM_REMARKS_MAX = 100, AM_GAPS_MAX = 10000 };

struct am_audit {
	enum am_verify_code code;	/* of the first fault */
	bool by_own_key;		/* only the directory vouches for its key */
	uint64_t segments;
	uint64_t removed;		/* segments, by retention */
	uint64_t bytes;
	uint64_t blocks;
	uint64_t seals;
	uint64_t first_row;		/* sealed, from .. to; 0 = none */
	uint64_t last_row;
	int64_t first_ns;		/* CLOCK_REALTIME of the oldest header there */
	int64_t last_ns;		/* and of the last seal */
	uint64_t unsealed_rows;
	char host[64];
	struct am_head head;		/* the last seal that holds; seal 0: none */
	struct am_remark *remarks;	/* owned; faults first in the order of the chain */
	size_t n_remarks;
	bool remarks_lost;		/* there were more */
	struct am_gap_seen *gaps;	/* owned */
	size_t n_gaps;
	bool gaps_lost;			/* there were more */
};

/* 0 with *ret, owned, whatever the answer is; -errno if the directory cannot be read; -EACCES or
 * -EPERM if a segment must not be. */
int am_verify(int dirfd, const struct am_verify_options *options, struct am_audit **ret);
void am_audit_free(struct am_audit *v);
AM_DEFINE_AUTO(am_audit);

const char *am_verify_name(enum am_verify_code code);	/* "holds", "altered" ... */
