/* SPDX-License-Identifier: GPL-2.0 */
/* Records as the kernel side would write them, for tests. */
#pragma once

#include <assert.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "abi.h"

struct record {
	struct am_event head;
	char strings[AM_EVENT_SIZE_MAX - sizeof(struct am_event)];
};

/* An allowed read by psql[4711] of uid 1001, without paths. */
static inline void record_init(struct record *r, enum am_event_kind kind)
{
	memset(r, 0, sizeof(*r));
	r->head = (struct am_event){
		.size = sizeof(r->head),
		.abi = AM_ABI_VERSION,
		.kind = kind,
		.seq = 7,
		.boottime_ns = 5000000000,
		.generation = 12,
		.verdict = AM_VERDICT_ALLOW,
		.reason = AM_REASON_RULE_ALLOWS,
		.op = AM_OP_READ,
		.act = AM_ACT_OPEN,
		.ino = 1234,
		.dev = 8 << 20 | 1,
		.start_ns = 3000000000,
		.exe_ino = 77,
		.exe_dev = 8 << 20 | 2,
		.tgid = 4711,
		.tid = 4712,
		.ppid = 1,
		.uid = 1001,
		.gid = 1001,
		.login = ~0u,
		.session = ~0u,
		.comm = "psql",
	};
}

static inline struct am_span record_names(struct record *r, const char *names, size_t len)
{
	struct am_span s = { .off = r->head.size, .len = len };
	size_t used = r->head.size - sizeof(r->head);

	assert(len <= sizeof(r->strings) - used);
	if (len)
		memcpy(r->strings + used, names, len);
	r->head.size += len;
	return s;
}

/* For a literal such as "0042.csv\0registry\0srv": the compiler adds the last NUL. */
#define record_path(r, names) ((r)->head.path = record_names(r, names, sizeof(names)))
#define record_exe(r, names) ((r)->head.exe = record_names(r, names, sizeof(names)))
#define record_script(r, names) ((r)->head.script = record_names(r, names, sizeof(names)))

/* As a kernel that tells groups, purposes and scripts: these are the supplementary gids. */
static inline void record_groups(struct record *r, const uint32_t *gids, size_t n)
{
	r->head.groups = record_names(r, (const char *)gids, n * sizeof(*gids));
	r->head.flags |= AM_EVENT_FACTS;
}

/* As with the first event of a process: whom it descends from, the parent first. */
static inline void record_ancestors(struct record *r, const struct am_ancestor *all, size_t n)
{
	r->head.ancestors = record_names(r, (const char *)all, n * sizeof(*all));
}

/* Of a process that begins: nothing was decided, and nothing accessed. */
static inline void record_birth(struct record *r, enum am_act act)
{
	record_init(r, AM_EVENT_PROCESS);
	r->head.verdict = r->head.reason = r->head.op = 0;
	r->head.act = act;
	r->head.ino = r->head.dev = 0;
}

/* The kernel would have refused; `blocked`: it did. */
static inline void record_deny(struct record *r, enum am_reason reason, int blocked)
{
	r->head.verdict = AM_VERDICT_DENY;
	r->head.reason = reason;
	if (blocked)
		r->head.flags |= AM_EVENT_BLOCKED;
}

static inline void record_dest(struct record *r, unsigned family, const char addr[16], unsigned port,
			       unsigned proto)
{
	r->head.op = AM_OP_SEND;
	r->head.act = AM_ACT_SEND;
	r->head.family = family;
	r->head.port = port;
	r->head.proto = proto;
	if (addr)
		memcpy(r->head.addr, addr, 16);
}

#define IPV4_203_0_113_9 "\0\0\0\0\0\0\0\0\0\0\xff\xff\xcb\0\x71\x09"
#define IPV6_2001_DB8_1 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
