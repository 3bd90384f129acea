/* SPDX-License-Identifier: GPL-2.0 */
/* A row of the ledger, flat, as it is given to the writer and got from the reader.
 *
 * Its parts are what a block keeps once: the process that acted, the object, the
 * destination, the deed. In each the numbers come first and the texts last, without
 * padding, so that a part is compared and hashed by its bytes. A text that is NULL
 * when written is empty when read. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger/format.h"

struct am_row_actor {
	uint32_t pid;
	uint32_t tid;
	uint32_t ppid;
	uint32_t uid;
	uint32_t gid;
	uint32_t login;		/* audit login uid, ~0 = none */
	uint32_t session;	/* likewise */
	uint32_t exe_dev;
	uint64_t start_ns;	/* CLOCK_BOOTTIME */
	uint64_t cgroup;
	uint64_t exe_ino;
	uint64_t bits[4];	/* am_event.bits */
	const char *comm;
	const char *exe;
	const char *user;	/* of uid */
	const char *login_user;	/* of login */
	const char *unit;
	const char *purpose;	/* it and what follows: AM_COL_PURPOSE ... in format.h */
	const char *groups;
	const char *script;
	const char *cgroup_path;
};

/* Of gaps and marks, which nobody did. */
#define AM_ROW_NOBODY \
	((struct am_row_actor){ .uid = ~0u, .gid = ~0u, .login = ~0u, .session = ~0u })

struct am_row_object {
	uint64_t ino;
	uint32_t dev;
	uint32_t igen;
	uint64_t store_id;
	uint64_t bytes;		/* AM_COL_BYTES */
	const char *path;
	const char *store;
};

struct am_row_dest {
	uint64_t addr_high;	/* IPv6, IPv4 as ::ffff:a.b.c.d, in host order: 1 is ::1 */
	uint64_t addr_low;
	uint64_t zones_low;	/* am_zones as stored */
	uint64_t zones_high;
	uint64_t family;
	uint32_t port;
	uint32_t proto;
	const char *zones;	/* names: "app-tier,loopback" */
};

struct am_row_deed {
	uint32_t kind;		/* am_event_kind, AM_ROW_GAP, AM_ROW_MARK */
	uint32_t verdict;
	uint32_t reason;	/* am_reason, am_gap, am_mark */
	uint32_t op;
	uint32_t act;
	uint32_t flags;		/* am_event_flag */
	uint64_t generation;
	uint64_t labels;
	uint64_t culprits;
	const char *label_names;
	const char *policy;
	const char *why;	/* one sentence */
};

struct am_row {
	uint64_t number;	/* the ledger's; set by it */
	uint64_t event;		/* run of the agent, event/id.h; 0 = none */
	int64_t wall_ns;	/* CLOCK_REALTIME */
	int64_t boot_ns;	/* CLOCK_BOOTTIME */
	uint64_t cpu;
	uint64_t seq;
	uint64_t count;
	int64_t since_ns;	/* CLOCK_REALTIME */
	struct am_row_actor actor;
	struct am_row_object object;
	struct am_row_dest dest;
	struct am_row_deed deed;
};

/* What a row is within its block. */
struct am_row_core {
	uint64_t wall;
	uint64_t boot;
	uint64_t event;
	uint64_t cpu;
	uint64_t seq;
	uint64_t count;
	uint64_t since;
	uint32_t part[4];	/* by am_table - 1 */
};

struct am_schema {
	const char *name;
	uint8_t table;		/* am_table */
	uint8_t encoding;	/* am_encoding when written */
	uint8_t size;		/* of the member: 4, 8; a pointer for texts */
	uint16_t offset;	/* in am_row_core or in the part */
};

extern const struct am_schema am_schema[AM_COL_MAX_];

/* A part of a row: where it is, and where its texts begin. */
struct am_part {
	uint16_t offset;	/* in am_row */
	uint16_t size;
	uint16_t numbers;	/* bytes of numbers; then come the texts */
	uint16_t first_text;	/* am_column */
	uint16_t texts;
};

extern const struct am_part am_parts[AM_TABLE_MAX_];	/* none for AM_TABLE_ROWS */

/* Words, the same wherever rows are shown, reported or filtered; "?" out of range. */
const char *am_row_kind_name(unsigned kind);	/* those of events, and gap, mark */
const char *am_gap_name(unsigned gap);
const char *am_mark_name(unsigned mark);
const char *am_beginning_name(unsigned origin);

/* How many accesses it tells of: those of a repeat, else one. A gap counts them, too. That is how a
 * loss is counted: a process that begins is one then, though it is no access. */
uint64_t am_row_accesses(const struct am_row *row);

/* The row breaks policy: it is sealed at once. */
bool am_row_is_finding(const struct am_row *row);
