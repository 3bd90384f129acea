// SPDX-License-Identifier: GPL-2.0
#include "agent/recorder.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "agent/force.h"
#include "agent/keeping.h"
#include "agent/log.h"
#include "event/format.h"
#include "event/notice.h"

enum {
	RETRY_MS = 10000,
	ZONES_SIZE = 1024,
};

struct am_recorder {
	char path[PATH_MAX];
	const struct am_keeping *keeping;	/* borrowed */
	struct am_writer *writer;	/* owned; NULL: there is none now */
	int error;
	bool low;			/* told: there is hardly any room left */
	int64_t tried_ms;
	uint64_t lost;
	uint64_t untold;		/* in no gap record, and without a writer to tell */
	int64_t untold_since_ns;
	char zones[ZONES_SIZE];
	struct am_row row;		/* the last one */
};

static int64_t wall_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);	/* cannot fail */
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int64_t boot_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);	/* cannot fail */
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* ---- open and close -------------------------------------------------------------- */

static void try_open(struct am_recorder *r)
{
	struct am_writer_options options;
	int err;

	am_keeping_fit(r->keeping, r->path, &options);
	err = am_writer_open(r->path, &options, &r->writer);
	if (err < 0) {
		if (err != r->error)
			(void)am_err(err, "cannot open the ledger '%s', events are not recorded", r->path);
		r->error = err;
		return;
	}
	if (r->error)
		am_say("the ledger '%s' records again", r->path);
	r->error = 0;
	if (r->untold)
		am_writer_lost(r->writer, AM_GAP_DISK_ERROR, r->untold, r->untold_since_ns);
	r->untold = 0;
}

int am_recorder_new(const char *dir, const char *state, const struct am_keeping *keeping,
		    struct am_recorder **ret)
{
	struct am_recorder *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->keeping = keeping;
	if (dir)
		(void)snprintf(r->path, sizeof(r->path), "%s", dir);
	else
		(void)snprintf(r->path, sizeof(r->path), "%s/ledger", state);
	try_open(r);
	*ret = r;
	return 0;
}

void am_recorder_free(struct am_recorder *r)
{
	if (!r)
		return;
	am_writer_free(r->writer);
	free(r);
}

/* ---- losses ------------------------------------------------------------------------ */

static void tell_gap(struct am_recorder *r, enum am_gap reason, uint64_t count)
{
	if (r->writer) {
		am_writer_lost(r->writer, reason, count, wall_ns());
		return;
	}
	if (!r->untold)
		r->untold_since_ns = wall_ns();
	r->untold += count;
}

void am_recorder_lost(struct am_recorder *r, enum am_gap reason, uint64_t count)
{
	r->lost += count;
	tell_gap(r, reason, count);
}

void am_recorder_skipped(struct am_recorder *r, uint64_t runs)
{
	tell_gap(r, AM_GAP_SKIPPED, runs);
}

static enum am_gap gap_of(int err)
{
	switch (err) {
	case -EAGAIN:
		return AM_GAP_QUEUE;
	case -ENOSPC:
		return AM_GAP_DISK_FULL;
	default:
		return AM_GAP_DISK_ERROR;
	}
}

/* A writer whose disk failed: what it could not tell is for the next one. */
static void drop(struct am_recorder *r, const struct am_writer_stats *stats)
{
	(void)am_err(stats->error, "the ledger '%s' failed, events are not recorded", r->path);
	r->error = stats->error;
	if (stats->untold && !r->untold)
		r->untold_since_ns = stats->untold_since_ns;
	r->untold += stats->untold;
	am_writer_free(r->writer);
	r->writer = NULL;
}

static void watch_room(struct am_recorder *r, const struct am_writer_stats *stats)
{
	int now = stats->state == AM_WRITER_FULL ? -ENOSPC : 0;

	if (now && !r->error)
		(void)am_err(now, "the ledger '%s' has no room, events are not recorded", r->path);
	else if (!now && stats->low && !r->low)
		am_error("the ledger '%s' has hardly any room left: strict stores deny", r->path);
	if (!now && r->error)
		am_say("the ledger '%s' records again", r->path);
	if (!now && !stats->low && r->low)
		am_say("the ledger '%s' has room again", r->path);
	r->error = now;
	r->low = stats->low;
}

void am_recorder_tick(struct am_recorder *r, int64_t now_ms)
{
	struct am_writer_stats stats;

	if (r->writer) {
		am_writer_stats(r->writer, &stats);
		if (stats.state == AM_WRITER_FAILED)
			drop(r, &stats);
		else
			watch_room(r, &stats);
	}
	if (r->writer || now_ms - r->tried_ms < RETRY_MS)
		return;
	r->tried_ms = now_ms;
	try_open(r);
}

bool am_recorder_is_busy(struct am_recorder *r, unsigned rows)
{
	return r->writer && !am_writer_has_room(r->writer, rows);
}

bool am_recorder_records(struct am_recorder *r)
{
	struct am_writer_stats stats;

	if (!r->writer)
		return false;
	am_writer_stats(r->writer, &stats);
	return stats.state == AM_WRITER_RUNS && !stats.low;
}

void am_recorder_state(struct am_recorder *r, struct am_recorder_state *ret)
{
	*ret = (struct am_recorder_state){
		.path = r->path,
		.open = r->writer,
		.records = am_recorder_records(r),
		.error = r->error,
		.lost = r->lost,
	};
	if (r->writer)
		am_writer_stats(r->writer, &ret->ledger);
}

/* ---- rows --------------------------------------------------------------------------- */

static const char *zone_names(struct am_recorder *r, const struct am_event *e,
			      const struct am_model *model)
{
	size_t len = 0;
	unsigned i;

	r->zones[0] = '\0';
	for (i = 0; model && i < e->zones.count; i++) {
		const char *name = e->zones.id[i] < AM_ZONE_FIRST_USER + model->n_zones ?
					   am_model_zone_name(model, e->zones.id[i]) : NULL;

		if (!name || len + strlen(name) + 2 > sizeof(r->zones))
			continue;
		len += (size_t)snprintf(r->zones + len, sizeof(r->zones) - len, "%s%s",
					len ? "," : "", name);
	}
	return r->zones;
}

static void fill_actor(const struct am_decoded *d, const struct am_event_names *n,
		       struct am_row_actor *ret)
{
	const struct am_event *e = &d->raw;

	*ret = (struct am_row_actor){
		.pid = e->tgid, .tid = e->tid, .ppid = e->ppid, .uid = e->uid, .gid = e->gid,
		.login = e->login, .session = e->session, .exe_dev = e->exe_dev,
		.start_ns = e->start_ns, .cgroup = e->cgroup, .exe_ino = e->exe_ino,
		.comm = e->comm, .exe = d->exe, .user = n->user,
		.login_user = n->login, .unit = n->unit, .purpose = n->purpose,
		.groups = n->groups, .script = d->script, .cgroup_path = n->cgroup,
	};
	memcpy(ret->bits, e->bits.w, sizeof(ret->bits));
}

static void fill_dest(const struct am_event *e, const char *zones, struct am_row_dest *ret)
{
	uint64_t words[2];

	*ret = (struct am_row_dest){ .family = e->family, .port = e->port, .proto = e->proto,
				     .zones = zones };
	memcpy(words, e->addr, sizeof(words));
	ret->addr_high = be64toh(words[0]);
	ret->addr_low = be64toh(words[1]);
	memcpy(words, &e->zones, sizeof(words));
	ret->zones_low = le64toh(words[0]);
	ret->zones_high = le64toh(words[1]);
}

/* The sentence is kept of findings only: of the rest the facts are enough, and many. */
static void fill_deed(const struct am_event *e, const struct am_event_names *n,
		      struct am_row_deed *ret)
{
	bool finding = e->verdict == AM_VERDICT_DENY || e->flags & AM_EVENT_BLOCKED;

	*ret = (struct am_row_deed){
		.kind = e->kind, .verdict = e->verdict, .reason = e->reason, .op = e->op,
		.act = e->act, .flags = e->flags, .generation = e->generation,
		.labels = e->labels, .culprits = e->culprits, .label_names = n->labels,
		.policy = n->policy, .why = finding ? n->why : NULL,
	};
}

const struct am_row *am_recorder_take(struct am_recorder *r, const struct am_decoded *d,
				      const struct am_event_names *n, const struct am_force *force)
{
	const struct am_event *e = &d->raw;
	struct am_row *row = &r->row;
	int err = -EIO;

	*row = (struct am_row){
		.event = n->run,
		.wall_ns = n->wall_ns, .boot_ns = (int64_t)e->boottime_ns,
		.cpu = e->cpu, .seq = e->seq, .count = e->count,
		.object = {
			.ino = e->ino, .dev = e->dev, .igen = e->igen, .store_id = e->store,
			.bytes = e->bytes,
			.path = d->path, .store = n->store,
		},
	};
	fill_actor(d, n, &row->actor);
	fill_dest(e, zone_names(r, e, force ? force->model : NULL), &row->dest);
	fill_deed(e, n, &row->deed);
	if (r->writer)
		err = am_writer_append(r->writer, row);
	if (err < 0)
		am_recorder_lost(r, gap_of(err), am_row_accesses(row));
	return row;
}

void am_recorder_policy(struct am_recorder *r, const struct am_force *force)
{
	char why[256];

	if (!r->writer)
		return;
	(void)snprintf(why, sizeof(why), "%s#%u, mode %s", force->model->name, force->generation,
		       force->model->mode == AM_MODE_ENFORCE ? "enforce" : "observe");
	/* Every event says its policy, too: a mark that finds no room is no loss. */
	(void)am_writer_mark(r->writer, AM_MARK_POLICY, force->generation, why);
}

int am_recorder_read(struct am_recorder *r, const struct am_reader *reader)
{
	struct am_row row = {
		.wall_ns = wall_ns(),
		.actor = AM_ROW_NOBODY,
		.deed = { .kind = AM_ROW_MARK, .reason = AM_MARK_READ, .why = reader->words },
	};

	row.boot_ns = boot_ns();
	row.actor.pid = row.actor.tid = reader->pid;
	row.actor.uid = reader->uid;
	row.actor.login = reader->login;
	row.actor.user = reader->user;
	row.actor.login_user = reader->login_user;
	return r->writer ? am_writer_append(r->writer, &row) : -EIO;
}

/* A policy in force has a mark of its own. */
void am_recorder_notice(struct am_recorder *r, const struct am_notice *n)
{
	char why[1024], who[64] = "";

	if (!r->writer || n->kind == AM_NOTICE_POLICY_IN_FORCE)
		return;
	if (n->pid)
		(void)snprintf(who, sizeof(who), ", process %u of uid %u", n->pid, n->uid);
	(void)snprintf(why, sizeof(why), "%s %s%s%s%s%s%s", am_notice_name(n->kind),
		       n->what ? n->what : "", n->subjects ? " of " : "",
		       n->subjects ? n->subjects : "", who, n->why ? ": " : "",
		       n->why ? n->why : "");
	if (am_writer_mark(r->writer, AM_MARK_NOTICE, 0, why) < 0)
		am_recorder_lost(r, AM_GAP_QUEUE, 1);
}
