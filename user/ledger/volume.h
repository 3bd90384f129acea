/* SPDX-License-Identifier: GPL-2.0 */
/* The directory of a ledger, open for writing: the segment at hand, the chain and its
 * keys, the older segments. One thread at a time; everything here may wait for the disk.
 *
 * Always true of it: nothing of what was committed changes; what was not committed is
 * not on disk, or is cut off by the next recovery. */
#pragma once

#include "ledger/batch.h"
#include "ledger/block.h"
#include "ledger/chain.h"
#include "ledger/file.h"
#include "ledger/keyfile.h"
#include "ledger/writer.h"

/* Where the chain is. */
struct am_tip {
	uint64_t at;		/* offset in the segment */
	uint64_t next_row;
	uint8_t h[AM_HASH_LEN];
	struct am_keys keys;
};

struct am_volume {
	const struct am_writer_options *options;	/* borrowed */
	struct am_host_id host;
	int dir;		/* owned, as the next two */
	int lock;
	int fd;			/* of the segment at hand */
	struct am_keyfile keyfile;
	uint64_t segment;
	int64_t born_ns;	/* CLOCK_REALTIME of its header */
	uint64_t room;		/* offset up to which the segment is preallocated */
	bool low;		/* there is not much more than that */
	bool has_fresh;		/* room for the next segment is set aside */
	struct am_tip tip;	/* with what is in `pending` */
	struct am_tip done;	/* what is committed */
	uint8_t *pending;	/* owned: frames not written yet */
	size_t pending_len;
	size_t pending_size;
	uint64_t oldest;
	struct am_listing older;	/* segments before the one at hand */
	uint64_t older_bytes;
	struct am_press *press;		/* owned, as the next */
	struct am_batch *own;		/* for marks and gaps of its own */
	uint64_t seals;
	uint64_t key_errors;		/* the key file could not be written: it lags behind */
	uint8_t head[AM_HASH_LEN];	/* chain value of the last seal */
	int64_t last_seal_ns;
	bool broken;			/* a sync failed: nobody knows what is on disk */
};

/* Recovers what is there, or begins a ledger; ends with a new segment whose first rows
 * say what was found. 0; -EWOULDBLOCK if somebody else writes there; -errno. */
int am_volume_open(const char *path, const struct am_writer_options *o, struct am_volume **ret);

/* Adds the rows of a batch as a block. 0; -ENOSPC if the disk has no room, and nothing
 * has changed; -errno. */
int am_volume_put(struct am_volume *v, const struct am_batch *b);

/* Whether a full disk has room again. */
bool am_volume_has_room(struct am_volume *v);

/* Whether it will be full soon, and nothing can be removed. As it was at the last block, or
 * when am_volume_has_room() was asked. */
bool am_volume_is_low(const struct am_volume *v);

/* A row of its own, likewise; room for it is set aside. */
int am_volume_tell(struct am_volume *v, uint32_t kind, uint32_t reason, uint64_t count,
		   int64_t since_ns, const char *why);

/* Seals all that was put and has it on disk. What could not be written is dropped then,
 * as if it had never been put: 0 or -errno. */
int am_volume_commit(struct am_volume *v, uint32_t flags);

/* Begins a new segment if this one is big or old enough, and removes old ones as
 * retention says. 0 or -errno. */
int am_volume_tend(struct am_volume *v);

/* Removes the oldest segment, with a record of it. 0; -ENOENT if there is none but the
 * one at hand; -errno. */
int am_volume_remove_oldest(struct am_volume *v);

/* Closes the segment with a seal, if it can. NULL is fine. */
void am_volume_free(struct am_volume *v);
AM_DEFINE_AUTO(am_volume);

int64_t am_volume_clock(const struct am_volume *v, clockid_t clock);

/* ---- for recovery, which is a file of its own ------------------------------------- */

/* The header of the next segment of this chain is written, or of a new chain. */
int am_volume_begin(struct am_volume *v, uint64_t segment, enum am_beginning origin);
/* The last seal of the segment at hand. */
int am_volume_end(struct am_volume *v);
int am_volume_recover(struct am_volume *v);
