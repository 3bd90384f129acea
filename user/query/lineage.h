/* SPDX-License-Identifier: GPL-2.0 */
/* Where the data of one store went, as far as the record of a period tells: the store, the
 * processes that read it, the copies that they made outside of every store, the processes
 * that read those, and where they sent to.
 *
 * A process holds the store's data from its first read of the store on, or of a copy once
 * there is one, or from its start if its parent held some then; the parent may be one that did
 * nothing but begin it, and was begun by who held some. What a process does that is
 * not known to hold any, though it carries a label of the store, is kept apart: it may have
 * read before the period, or another store with that label.
 *
 * Rows may come in any order within their pass: the kernel's two rings are not one. All
 * tables are bounded, and what found no room is counted. */
#pragma once

#include <stdbool.h>

#include "query/handed.h"
#include "query/pool.h"
#include "query/tally.h"
#include "ledger/row.h"

enum {
	AM_LINEAGE_SUBJECTS_MAX = 1 << 12,
	AM_LINEAGE_PROCESSES_MAX = 1 << 16,
	AM_LINEAGE_FILES_MAX = 1 << 18,
	AM_LINEAGE_LINKS_MAX = 1 << 19,
	AM_LINEAGE_PLACES_MAX = 1 << 12,
	AM_LINEAGE_SENDS_MAX = 1 << 16,
	AM_LINEAGE_BEGUN_MAX = 1 << 16,
};

/* By what a process came to hold the store's data. */
enum am_held {
	AM_HELD_NOT = 0,	/* not known to */
	AM_HELD_READ,		/* it read the store */
	AM_HELD_COPY,		/* it read a copy */
	AM_HELD_PARENT,		/* it is the child of one that held some */
	AM_HELD_MAX_,
};

/* Texts are numbers of the pool. An upper bound of bytes counts each file once, by its
 * largest size that was seen; `unsized` are files whose size nobody told. */

struct am_lineage_subject {
	uint32_t uid, login, user, login_user, unit, exe;	/* the key */
	uint32_t processes;
	uint32_t copies_read;	/* files outside that held the store's data */
	uint64_t reads, writes;	/* of the store, that happened */
	uint64_t refused;	/* of the store, that did not */
	uint64_t breaches;	/* happened though the policy denies: observe mode */
	uint64_t files;		/* of the store, read */
	uint64_t bytes, unsized;	/* of these and of the copies read */
	uint64_t sends, likely, refused_sends, breached_sends;	/* as of places, below */
	int64_t first_ns, last_ns;
};

struct am_lineage_process {
	uint64_t start_ns;	/* the key: CLOCK_BOOTTIME */
	uint32_t pid, boot;
	uint32_t subject, ppid, comm;
	uint32_t source;	/* AM_HELD_COPY: a file; AM_HELD_PARENT: a process */
	enum am_held held;
	int64_t start_wall_ns;
	int64_t held_ns;	/* since when */
	uint64_t bytes, unsized;	/* that it held: own reads, and what its source held */
	int64_t first_ns, last_ns;
};

/* A process as it began, which may have done nothing but begin others. */
struct am_lineage_begun {
	uint64_t start_ns;	/* the key, as of am_lineage_process */
	uint32_t pid, boot;
	uint32_t ppid, zero;
	int64_t start_wall_ns;
};

struct am_lineage_file {
	uint64_t ino;		/* the key */
	uint32_t dev, igen, path_if_no_ino, zero;
	uint32_t path;
	bool inside;		/* of the store; else outside every store */
	bool held;		/* outside, and holds the store's data */
	uint32_t maker;		/* process; of a copy */
	int64_t held_ns;
	uint64_t bytes;		/* 0: nobody told */
	uint64_t reads, writes, refused;
	uint32_t readers;	/* subjects */
};

enum { AM_LINK_COPY = 16 };	/* beside AM_OP_READ, AM_OP_WRITE */

struct am_lineage_link {
	uint32_t process, file, op, refused;	/* the key */
	uint32_t subject, zero;	/* likewise: a process may come to run something else */
	uint64_t count;
	int64_t first_ns, last_ns;
};

struct am_lineage_place {
	uint32_t text, zones, local, zero;	/* the key; local: does not leave the host */
	uint64_t sends;		/* by processes that held the store's data */
	uint64_t likely;	/* by others that carried a label of it */
	uint64_t refused;
	uint64_t breaches;	/* of `sends` and `likely` */
	uint32_t senders;	/* processes of `sends` */
	uint32_t likely_senders;
	uint64_t bytes, unsized;	/* that the senders held */
	struct am_handed handed;	/* to `sends` */
	struct am_handed likely_handed;
	int64_t first_ns, last_ns;	/* of all */
};

struct am_lineage_send {
	uint32_t process, place, refused, zero;	/* the key */
	uint64_t count;
	uint64_t further;	/* of these, through a socket that was used before: old records have
				 * no address for them, and one for datagrams may have several */
	uint64_t breaches;
	struct am_handed handed;
	bool known;		/* the process held the store's data */
	int64_t first_ns, last_ns;
};

struct am_lineage {
	struct am_pool pool;
	uint64_t labels;	/* that the store's data carried */
	uint32_t label_names;
	struct am_tally subjects, processes, files, links, places, sends;
	struct am_tally sockets, dests, begun;
	uint32_t boot;		/* of the rows at hand */
	uint64_t files_read;	/* of the store */
	uint64_t bytes, unsized;	/* of these */
	uint64_t last_row;	/* whose subject is known to be `last_subject`; 0 = none */
	uint32_t last_subject;
	bool unsolved;		/* the chain of copies and children is longer than was followed */
};

void am_lineage_init(struct am_lineage *l);
void am_lineage_done(struct am_lineage *l);

/* The rows that follow are of this boot of the host. 0 or -ENOMEM. */
int am_lineage_boot(struct am_lineage *l, const char *boot);

/* First pass: an access to the store. 0 or -ENOMEM, as the next one. */
int am_lineage_store(struct am_lineage *l, const struct am_row *row);

/* Second pass: any event; only of those with labels of the store something is kept. 1: it was
 * a repeat of a send that is known. */
int am_lineage_other(struct am_lineage *l, const struct am_row *row);

/* When all rows were given: who held what. 0 or -ENOMEM. */
int am_lineage_solve(struct am_lineage *l);

/* Whether such a row tells of data of the store: an event of the second pass that counts. */
bool am_lineage_concerns(const struct am_lineage *l, const struct am_row *row);

/* The subject of a row. 0; -ENOSPC; -ENOMEM. */
int am_lineage_subject(struct am_lineage *l, const struct am_row *row, uint32_t *ret);

const char *am_held_name(enum am_held held);	/* "read", "copy", "parent", "unknown" */
