/* SPDX-License-Identifier: GPL-2.0 */
/* What was refused, or would have been: counted by who, what and where to, so that a policy
 * can be learned from it weeks later. Exact counts, in hours for the last day of each row.
 *
 * Always true of it: at most AM_OBSERVED_MAX rows, one per combination. When it is full, a
 * row that was last seen AM_OBSERVED_STALE_DAYS ago makes room; if there is none, what is
 * new is counted as left out.
 *
 * The file `observed` in the state directory, in this host's byte order:
 *
 *    offset  bytes
 *         0      8  "AMOBSERV"
 *         8      4  version, 2
 *        12      4  n, the number of rows
 *        16      8  accesses that were left out
 *        24         rows, each:  struct am_observed_facts (192)
 *                                executable, unit, example, script, groups: as many bytes
 *                                as the facts say, no NUL among them
 *       end      8  FNV-1a (64 bit) of all bytes before
 *
 * Version 1 is read too: there the facts end behind `flags` (184), and the texts with the
 * example.
 *
 * It is valid if the version is one of these, the sum is right, the rows are n, end where the sum begins
 * and are each other's equals in nothing but counts, and every length and number is in its
 * range; else it is refused whole. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "base/cleanup.h"

enum {
	AM_OBSERVED_MAX = 8192,
	AM_OBSERVED_STALE_DAYS = 30,
	AM_OBSERVED_HOURS = 24,
	AM_OBSERVED_TEXT = 1060,	/* bytes of one text at most */
};

enum am_observed_place {
	AM_OBSERVED_NOWHERE = 0,
	AM_OBSERVED_NETWORK,
	AM_OBSERVED_LOCAL,
	AM_OBSERVED_TERMINAL,
	AM_OBSERVED_OTHER,
	AM_OBSERVED_PLACE_MAX_,
};

struct am_observed_facts {
	/* the key, with the executable, the unit and the script */
	__u64 labels;		/* bits: all that the data carries */
	__u32 store;		/* id, 0 = none */
	__u32 uid;
	__u32 login;		/* ~0: none */
	__u32 proto;		/* of a send */
	__u8 addr[16];
	__u16 port;
	__u8 op;		/* am_op */
	__u8 reason;		/* am_reason */
	__u8 place;		/* am_observed_place */
	__u8 purpose;		/* number, 0: none */
	__u8 pad[2];
	/* the counts */
	__u64 count;
	__s64 first_s;		/* CLOCK_REALTIME */
	__s64 last_s;
	__u32 hours[AM_OBSERVED_HOURS];	/* [0]: the hour of `last_s`, [1]: the one before ... */
	__u64 blocked;		/* of `count`: the kernel refused */
	/* texts */
	__u16 exe_len;
	__u16 unit_len;
	__u16 path_len;
	__u16 flags;		/* am_observed_flag */
	__u16 script_len;
	__u16 groups_len;
	__u32 pad2;
};

enum am_observed_flag {
	AM_OBSERVED_EXE_CUT = 1 << 0,	/* the executable's path lacks its upper end */
	AM_OBSERVED_SCRIPT_CUT = 1 << 1,/* the script's does, or is not known */
};

struct am_observed_row {
	struct am_observed_facts facts;
	char *exe;		/* owned, like the next; "" for none */
	char *unit;
	char *path;		/* the last object, as an example; no part of the key */
	char *script;		/* "" for none */
	char *groups;		/* with commas between: those that it always had; no part of the key */
};

struct am_observed;

int am_observed_new(struct am_observed **ret);

/* Counts one access; of `row` the key, the place and the texts are looked at and copied. */
void am_observed_add(struct am_observed *o, const struct am_observed_row *row, bool blocked,
		     int64_t now_s);

/* Borrowed until the next am_observed_add(). */
const struct am_observed_row *am_observed_rows(const struct am_observed *o, size_t *ret_n);

/* How many of the row's accesses are from `since_s` on: exact to the hour within a day of its
 * last one, else all of the row. */
uint64_t am_observed_since(const struct am_observed_row *row, int64_t since_s);

/* Accesses that found no room. */
uint64_t am_observed_left_out(const struct am_observed *o);

/* Whether it differs from what was loaded or saved last. */
bool am_observed_is_dirty(const struct am_observed *o);

/* Reads `dirfd`/observed; a missing file is an empty table. -EBADMSG when it is not valid;
 * another errno. *ret is owned. */
int am_observed_load(int dirfd, struct am_observed **ret);

/* 0 or -errno; then the old file is as it was. May wait for the disk. */
int am_observed_save(struct am_observed *o, int dirfd);

/* The bytes of the file, for am_observed_load() and whoever distrusts it. */
int am_observed_unpack(const char *bytes, size_t len, struct am_observed **ret);
int am_observed_pack(const struct am_observed *o, char **ret, size_t *ret_len);

void am_observed_free(struct am_observed *o);
AM_DEFINE_AUTO(am_observed);
