// SPDX-License-Identifier: GPL-2.0
/* What a writer finds when it comes to a directory, and how it goes on. See "Recovery" in
 * format.h: nothing that was sealed is ever cut off. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/version.h"
#include "ledger/volume.h"
#include "ledger/walk.h"

enum {
	/* Seals that the key file may be behind: one, unless it could not be written. */
	BEHIND_MAX = 1 << 16,
};

struct found {
	struct am_walk walk;	/* of the last segment; header.segment is 0 if there is none */
	enum am_beginning origin;
	uint64_t torn;		/* bytes cut off */
	uint64_t kept;		/* whole rows that were not sealed */
	uint64_t last;		/* number of the last segment, as far as anybody knows */
};

/* ---- is it ours to continue? -------------------------------------------------------- */

static enum am_beginning catch_up(struct am_evolving *e, uint64_t number, const uint8_t *key)
{
	uint8_t public[AM_HASH_LEN];

	if (e->number > number)
		return AM_BEGIN_ROLLED_BACK;
	if (number - e->number > BEHIND_MAX)
		return AM_BEGIN_BAD_KEY;
	while (e->number < number)
		am_evolving_step(e);
	am_evolving_public(e, public);
	return memcmp(public, key, AM_HASH_LEN) ? AM_BEGIN_BAD_KEY : AM_BEGIN_CONTINUES;
}

static enum am_beginning judge(const struct am_walk *w, struct am_keys *keys)
{
	enum am_beginning origin;

	if (w->fault == AM_FAULT_HEADER)
		return AM_BEGIN_DAMAGED;
	if (memcmp(w->header.chain, keys->chain, AM_CHAIN_LEN) != 0)
		return AM_BEGIN_BAD_KEY;
	origin = catch_up(&keys->seal, w->next_seal, w->next_key);
	if (!origin)
		origin = catch_up(&keys->head, w->header.segment + 1, w->header.head_key);
	if (!origin && w->fault && w->fault != AM_FAULT_TORN)
		return AM_BEGIN_DAMAGED;
	return origin;
}

static enum am_beginning origin_without(int key_err, const struct am_keys *keys, bool segments)
{
	/* Everything is gone but the key; or nothing was ever sealed with it. */
	if (!key_err)
		return keys->seal.number > 1 ? AM_BEGIN_ROLLED_BACK : AM_BEGIN_FRESH;
	if (!segments)
		return AM_BEGIN_FRESH;	/* a key that is torn was the first to be written */
	return key_err == -EBADMSG ? AM_BEGIN_BAD_KEY : AM_BEGIN_NO_KEY;
}

/* ---- the last segment ------------------------------------------------------------------ */

static int walk_last(struct am_volume *v, uint64_t segment, struct am_walk *ret)
{
	char name[AM_SEGMENT_NAME];

	am_segment_name(segment, name);
	v->fd = openat(v->dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (v->fd < 0)
		return -errno;
	return am_walk(v->fd, NULL, ret);
}

static int close_last(struct am_volume *v, struct found *f)
{
	const struct am_walk *w = &f->walk;

	v->segment = w->header.segment;
	v->tip.at = w->good;
	memcpy(v->tip.h, w->h, AM_HASH_LEN);
	v->done = v->tip;
	v->oldest = w->seals ? w->last.oldest : v->older.segments[0].segment;
	f->torn = w->size - w->good;
	f->kept = w->next_row - w->sealed_row;
	v->older.count--;	/* it is at hand until it ends */
	v->older_bytes -= w->size;
	if (f->torn && (ftruncate(v->fd, (off_t)w->good) < 0 || fsync(v->fd) < 0))
		return -errno;
	if (!am_walk_is_closed(w))
		return am_volume_end(v);
	v->older.count++;
	v->older.segments[v->older.count - 1].size = w->good;
	v->older_bytes += w->good;
	(void)close(v->fd);	/* nothing was written */
	v->fd = -1;
	return 0;
}

/* What has been recorded as removed, and was not removed before the end came. */
static void finish_removals(struct am_volume *v)
{
	char name[AM_SEGMENT_NAME];

	while (v->older.count && v->older.segments[0].segment < v->oldest) {
		am_segment_name(v->older.segments[0].segment, name);
		(void)unlinkat(v->dir, name, 0);	/* what stays is told by verification */
		v->older_bytes -= v->older.segments[0].size;
		v->older.count--;
		memmove(v->older.segments, v->older.segments + 1,
			v->older.count * sizeof(*v->older.segments));
	}
}

static int look(struct am_volume *v, struct found *f)
{
	int key_err = am_keyfile_load(&v->keyfile, &v->tip.keys), r;
	size_t i;

	if (key_err && key_err != -ENOENT && key_err != -EBADMSG)
		return key_err;
	r = am_listing_read(v->dir, false, &v->older);
	if (r < 0)
		return r;
	for (i = 0; i < v->older.count; i++)
		v->older_bytes += v->older.segments[i].size;
	if (v->older.count) {
		r = walk_last(v, v->older.segments[v->older.count - 1].segment, &f->walk);
		if (r < 0)
			return r;
	}
	f->origin = key_err || !v->older.count ?
			    origin_without(key_err, &v->tip.keys, v->older.count) :
			    judge(&f->walk, &v->tip.keys);
	if (v->older.count)
		f->last = v->older.segments[v->older.count - 1].segment;
	else if (f->origin == AM_BEGIN_ROLLED_BACK)
		f->last = v->tip.keys.head.number - 1;
	return 0;
}

/* ---- going on ---------------------------------------------------------------------------- */

/* Evidence stays as it is; rows keep distinct numbers as far as those are known. */
static void leave(struct am_volume *v)
{
	if (v->older.count)
		v->oldest = v->older.segments[0].segment;
	if (v->fd >= 0)
		(void)close(v->fd);	/* nothing was written */
	v->fd = -1;
	v->tip.keys = (struct am_keys){ 0 };
}

static int tell(struct am_volume *v, const struct found *f)
{
	const struct am_walk *w = &f->walk;
	int64_t last_ns = w->seals ? w->last.wall_ns : w->header.wall_ns;
	int64_t now_ns = am_volume_clock(v, CLOCK_REALTIME);
	char why[128];
	int r;

	(void)snprintf(why, sizeof(why), "amanat %s: %s", AM_VERSION,
		       f->origin ? am_beginning_name(f->origin) : "continues");
	r = am_volume_tell(v, AM_ROW_MARK, AM_MARK_START, 0, 0, why);
	if (!r && f->torn) {
		(void)snprintf(why, sizeof(why), "segment %" PRIu64 " was cut at byte %" PRIu64,
			       w->header.segment, w->good);
		r = am_volume_tell(v, AM_ROW_MARK, AM_MARK_TORN, f->torn, 0, why);
	}
	if (!r && f->kept) {
		(void)snprintf(why, sizeof(why), "%" PRIu64 " rows from %" PRIu64
			       " on were whole and not sealed; they were kept", f->kept, w->sealed_row);
		r = am_volume_tell(v, AM_ROW_MARK, AM_MARK_NOTICE, f->kept, 0, why);
	}
	if (!r && last_ns > now_ns) {
		(void)snprintf(why, sizeof(why), "the clock is behind the last seal");
		r = am_volume_tell(v, AM_ROW_MARK, AM_MARK_CLOCK, (uint64_t)(last_ns - now_ns), 0, why);
	}
	if (!r && f->origin != AM_BEGIN_FRESH)
		r = am_volume_tell(v, AM_ROW_GAP, AM_GAP_NOT_RUNNING, 0, last_ns, "");
	return r ? r : am_volume_commit(v, 0);
}

int am_volume_recover(struct am_volume *v)
{
	struct found f = { 0 };
	int r;

	r = look(v, &f);
	if (r < 0)
		return r;
	if (f.walk.next_row)
		v->tip.next_row = f.walk.next_row;
	if (f.origin)
		leave(v);
	else
		r = close_last(v, &f);
	if (r < 0)
		return r;
	if (!f.origin)
		finish_removals(v);
	else if (!v->older.count)
		v->oldest = f.last + 1;
	r = am_volume_begin(v, f.last + 1, f.origin);
	return r ? r : tell(v, &f);
}
