/* SPDX-License-Identifier: GPL-2.0 */
/* A ledger that tells a story with a known answer, for tests of reports. Times are seconds
 * after MADE_START.
 *
 *   psql[100], acme: reads a.csv (grows from 1000 to 1500 bytes) and b.csv (2 MB), writes a copy,
 *                    is refused two sends to 192.0.2.1:25
 *   sh[110], acme:   child of psql since 55; sends 3000 bytes to 203.0.113.9:443
 *   scp[120], desk:  reads the copy, sends 2000 bytes to 198.51.100.7:22, three times more through
 *                    that socket, 4000 bytes in all, and makes a second copy with a hostile name
 *   cat[130], root:  refused five reads of c.csv; cat[131] reads a.csv though the policy, which
 *                    observes then, denies it
 *   curl[140], web:  sends `cnic`, nobody knows how much, and nobody saw it read
 *   old[150], acme:  read the store before the period of the tests that have one
 *   a gap of 40 events from 40 to 50; one of nobody knows how many from 200 to 230 */
#pragma once

#include "unit/ledger_made.h"

#define STORY_EVIL "/home/desk/\"><script>alert(1)</script>'\xe2\x80\xae\x1b[31m\xff.csv"

static int64_t story_s;

static inline int64_t story_clock(clockid_t clock)
{
	return clock == CLOCK_REALTIME ? MADE_START + story_s * MADE_S : (1000 + story_s) * MADE_S;
}

struct story_who {
	uint32_t pid, ppid, uid;
	unsigned start_s;	/* after MADE_START; its clock is 1000 s ahead */
	const char *user, *exe;
};

static const struct story_who story_psql = { 100, 1, 1000, 1, "acme", "/usr/bin/psql" };
static const struct story_who story_sh = { 110, 100, 1000, 55, "acme", "/bin/sh" };
static const struct story_who story_scp = { 120, 1, 1001, 2, "desk", "/usr/bin/scp" };
static const struct story_who story_cat = { 130, 1, 0, 3, "root", "/usr/bin/cat" };
static const struct story_who story_cat2 = { 131, 1, 0, 3, "root", "/usr/bin/cat" };
static const struct story_who story_curl = { 140, 1, 1002, 3, "web' onload='x", "/usr/bin/curl" };
static const struct story_who story_old = { 150, 1, 1000, 1, "acme", "/usr/bin/old" };

static inline struct am_row story_row(unsigned s, const struct story_who *who, uint32_t kind, uint32_t op)
{
	return (struct am_row){
		.event = 12, .seq = s + 1, .count = 1,
		.wall_ns = MADE_START + s * MADE_S, .boot_ns = (1000 + s) * MADE_S,
		.actor = { .pid = who->pid, .tid = who->pid, .ppid = who->ppid, .uid = who->uid,
			   .login = 1500, .session = 7, .start_ns = (1000 + who->start_s) * MADE_S,
			   .comm = "x", .exe = who->exe, .user = who->user, .unit = "ssh.service" },
		.deed = { .kind = kind, .verdict = AM_VERDICT_ALLOW, .reason = AM_REASON_RULE_ALLOWS,
			  .op = op, .act = op == AM_OP_SEND ? AM_ACT_SEND : AM_ACT_OPEN, .generation = 3,
			  .labels = 1, .label_names = "cnic", .policy = "registry-host" },
	};
}

static inline struct am_row story_read(unsigned s, const struct story_who *who, unsigned file,
				       uint64_t bytes)
{
	static const char *const paths[] = { "/srv/registry/a.csv", "/srv/registry/b.csv",
					     "/srv/registry/c.csv" };
	struct am_row row = story_row(s, who, AM_EVENT_ACCESS, AM_OP_READ);

	row.object = (struct am_row_object){ .ino = 7 + file, .dev = 8 << 20, .store_id = 1,
					     .bytes = bytes, .path = paths[file], .store = "registry" };
	return row;
}

static inline struct am_row story_outside(unsigned s, const struct story_who *who, uint32_t kind,
					  uint32_t op, uint64_t ino, const char *path)
{
	struct am_row row = story_row(s, who, kind, op);

	row.object = (struct am_row_object){ .ino = ino, .dev = 9 << 20, .path = path };
	return row;
}

static inline struct am_row story_send(unsigned s, const struct story_who *who, uint32_t ip,
				       uint32_t port)
{
	struct am_row row = story_row(s, who, AM_EVENT_SEND, AM_OP_SEND);

	row.object = (struct am_row_object){ .ino = 5000 + who->pid, .dev = 7 };
	row.dest = (struct am_row_dest){ .family = AF_INET, .port = port, .proto = IPPROTO_TCP,
					 .addr_low = 0xffff00000000 | ip, .zones = "internet" };
	return row;
}

/* As a kernel that says how much. */
static inline struct am_row story_sized(struct am_row row, uint64_t bytes)
{
	row.object.bytes = bytes;
	row.deed.flags |= AM_EVENT_SIZED;
	return row;
}

static inline struct am_row story_deny(struct am_row row, bool blocked)
{
	row.deed.verdict = AM_VERDICT_DENY;
	row.deed.reason = AM_REASON_NO_RULE;
	row.deed.flags |= blocked ? AM_EVENT_BLOCKED : 0;
	row.deed.why = "no rule lets <b>them</b>";
	return row;
}

static inline void story_put(struct am_writer *w, struct am_row row)
{
	if (am_writer_append(w, &row) < 0)
		abort();
}

static inline void story_repeat(struct am_writer *w, struct am_row row, uint64_t count)
{
	row.deed.kind = AM_EVENT_REPEAT;	/* as the kernel: less is told than at first */
	row.deed.labels = 0;
	row.deed.label_names = NULL;
	row.count = count;
	row.object.path = NULL;
	row.object.bytes = row.deed.op == AM_OP_SEND ? row.object.bytes : 0;
	row.dest = (struct am_row_dest){ 0 };
	story_put(w, row);
}

static inline void story_gap(struct am_writer *w, enum am_gap reason, uint64_t count, unsigned from_s,
			     unsigned to_s)
{
	story_put(w, (struct am_row){
		.wall_ns = MADE_START + to_s * MADE_S, .boot_ns = (1000 + to_s) * MADE_S,
		.since_ns = MADE_START + from_s * MADE_S, .count = count,
		.deed = { .kind = AM_ROW_GAP, .reason = reason },
	});
}

static inline void story_reads(struct am_writer *w)
{
	unsigned i;

	/* Findings come first: the kernel has a ring of its own for them. */
	story_put(w, story_deny(story_sized(story_send(32, &story_psql, 0xc0000201, 25), 700), true));
	story_put(w, story_deny(story_send(33, &story_psql, 0xc0000201, 25), true));
	story_put(w, story_outside(30, &story_psql, AM_EVENT_SPILL, AM_OP_WRITE, 900, "/tmp/copy.csv"));
	story_put(w, story_outside(96, &story_scp, AM_EVENT_SPILL, AM_OP_WRITE, 901, STORY_EVIL));
	for (i = 0; i < 5; i++)
		story_put(w, story_deny(story_read(15 + i, &story_cat, 2, 70), true));
	story_put(w, story_read(2, &story_old, 0, 1000));
	story_put(w, story_read(10, &story_psql, 0, 1000));
	story_put(w, story_read(20, &story_psql, 1, 2000000));
	story_repeat(w, story_read(25, &story_psql, 0, 0), 41);
	story_put(w, story_read(26, &story_psql, 0, 1500));
}

static inline void story_spreads(struct am_writer *w)
{
	struct am_row other = story_read(70, &story_curl, 0, 10);

	story_put(w, story_sized(story_send(60, &story_sh, 0xcb007109, 443), 3000));
	story_put(w, story_outside(90, &story_scp, AM_EVENT_ACCESS, AM_OP_READ, 900, "/tmp/copy.csv"));
	story_put(w, story_sized(story_send(95, &story_scp, 0xc6336407, 22), 2000));
	story_repeat(w, story_sized(story_send(97, &story_scp, 0, 0), 4000), 3);
	story_put(w, story_send(100, &story_curl, 0xc6336463, 80));
	story_put(w, story_deny(story_read(120, &story_cat2, 0, 1500), false));
	other.object.store = "vault";
	other.object.ino = 77;
	other.deed.labels = 2;
	other.deed.label_names = "health";
	story_put(w, other);
}

/* Exits on failure. */
static inline void story_open(struct made *m)
{
	const struct am_writer_options options = { .no_thread = true, .clock_ns = story_clock };
	am_auto(am_writer) struct am_writer *w = NULL;

	story_s = 0;
	(void)snprintf(m->dir, sizeof(m->dir), "/tmp/am-ledger-XXXXXX");
	if (!mkdtemp(m->dir) || am_writer_open(m->dir, &options, &w) < 0 ||
	    am_writer_mark(w, AM_MARK_POLICY, 3, "registry-host#3, mode enforce") < 0)
		abort();
	story_reads(w);
	story_s = 50;
	story_gap(w, AM_GAP_RING, 40, 40, 50);
	story_s = 110;
	if (am_writer_mark(w, AM_MARK_POLICY, 4, "registry-host#4, mode observe") < 0)
		abort();
	story_spreads(w);
	story_s = 230;
	story_gap(w, AM_GAP_NOT_RUNNING, 0, 200, 230);
	if (am_writer_flush(w) < 0)
		abort();
	story_s = 300;
	m->fd = open(m->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m->fd < 0)
		abort();
}
