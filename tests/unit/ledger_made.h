/* SPDX-License-Identifier: GPL-2.0 */
/* A small ledger in a folder of its own, for tests of what reads one. */
#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "abi.h"
#include "ledger/writer.h"

#define MADE_S INT64_C(1000000000)
#define MADE_START (INT64_C(1772359200) * MADE_S)	/* 2026-03-01T10:00:00Z */

struct made {
	char dir[64];
	int fd;
};

/* Row `i` of many: every third one refused, of ten processes, two stores, three users; one
 * second apart. Every seventh is a send, every 14th one of unknown size. */
static inline void made_row(unsigned i, struct am_row *row)
{
	static const char *const users[] = { "acme", "desk", "root" };
	static const char *const exes[] = { "/usr/bin/psql", "/usr/bin/cat", "/usr/bin/curl" };
	static char path[64];

	(void)snprintf(path, sizeof(path), "/srv/registry/%u.csv", i % 5);
	*row = (struct am_row){
		.event = 12, .cpu = 0, .seq = i + 1, .count = 1,
		.wall_ns = MADE_START + i * MADE_S, .boot_ns = (1000 + i) * MADE_S,
		.actor = { .pid = 100 + i % 10, .tid = 100 + i % 10, .ppid = 1, .uid = 1000 + i % 3,
			   .gid = 100, .login = i % 2 ? 1500 : ~0u, .session = ~0u,
			   .start_ns = 5, .comm = "x", .exe = exes[i % 3], .user = users[i % 3],
			   .unit = "ssh.service" },
		.object = { .ino = 7 + i % 5, .dev = 8 << 20, .store_id = 1 + i % 2,
			    .path = path, .store = i % 2 ? "vault" : "registry" },
		.deed = { .kind = AM_EVENT_ACCESS, .verdict = AM_VERDICT_ALLOW,
			  .reason = AM_REASON_RULE_ALLOWS, .op = AM_OP_READ, .act = AM_ACT_READ,
			  .generation = 3, .labels = 1, .label_names = "cnic",
			  .policy = "registry-host", .why = "rule 1" },
	};
	if (i % 3 == 0) {
		row->deed.verdict = AM_VERDICT_DENY;
		row->deed.reason = AM_REASON_NO_RULE;
		row->deed.flags = AM_EVENT_BLOCKED;
	}
	if (i % 7 == 0) {
		row->deed.kind = AM_EVENT_SEND;
		row->deed.op = AM_OP_SEND;
		row->deed.act = AM_ACT_SEND;
		row->object = (struct am_row_object){ .path = "", .bytes = i % 14 ? i : 0 };
		row->deed.flags |= i % 14 ? AM_EVENT_SIZED : 0;
		row->dest = (struct am_row_dest){ .family = AF_INET, .port = 443,
						  .proto = IPPROTO_TCP, .zones = "anywhere",
						  .addr_low = 0xffffcb007100 + i % 4 };
	}
}

/* `n` rows and a gap of 40 behind them. Exits on failure. */
static inline void made_open(struct made *m, unsigned n)
{
	const struct am_writer_options options = { .no_thread = true };
	am_auto(am_writer) struct am_writer *w = NULL;
	struct am_row row;
	unsigned i;

	(void)snprintf(m->dir, sizeof(m->dir), "/tmp/am-ledger-XXXXXX");
	if (!mkdtemp(m->dir) || am_writer_open(m->dir, &options, &w) < 0)
		abort();
	for (i = 0; i < n; i++) {
		made_row(i, &row);
		if (am_writer_append(w, &row) < 0)
			abort();
	}
	am_writer_lost(w, AM_GAP_RING, 40, MADE_START);
	if (am_writer_flush(w) < 0)
		abort();
	m->fd = open(m->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m->fd < 0)
		abort();
}

static inline void made_done(struct made *m)
{
	char command[128];

	(void)close(m->fd);
	(void)snprintf(command, sizeof(command), "rm -rf %s", m->dir);
	if (system(command))
		abort();
}
