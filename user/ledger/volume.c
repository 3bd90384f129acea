// SPDX-License-Identifier: GPL-2.0
#include "ledger/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/array.h"
#include "ledger/bytes.h"

static const char links_name[] = "links";
static const char lock_name[] = "lock";
static const char fresh_name[] = "segment.new";	/* the next one, with room that is its own */

enum {
	/* Always free behind the end: for marks, gaps and seals when the disk is full. */
	RESERVE = 64 << 10,
	/* Preallocated at a time beyond that, if a segment is not smaller, and anew when half
	 * of it is used up: so that a disk that gets full is noticed that much before. */
	STRIDE = 2 << 20,
	TELL_MAX = 16 << 10,	/* more than a row of our own and a seal take */
	LINKS_MORE = 8 * AM_HEADER_LEN,	/* room for removals to come */
};

#define NS_PER_S 1000000000LL

int64_t am_volume_clock(const struct am_volume *v, clockid_t clock)
{
	struct timespec t;

	if (v->options->clock_ns)
		return v->options->clock_ns(clock);
	(void)clock_gettime(clock, &t);	/* cannot fail with the clocks that are asked for */
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* ---- room ----------------------------------------------------------------------- */

static bool means_full(int r)
{
	return r == -ENOSPC || r == -EDQUOT || r == -EFBIG;
}

/* Where it may not make room itself, the size of all segments is a bound, too. */
static bool is_beyond_bound(const struct am_volume *v, uint64_t end)
{
	const struct am_writer_options *o = v->options;

	return o->full == AM_FULL_STOP && o->keep_bytes && v->older_bytes + end > o->keep_bytes;
}

static bool has_disk(struct am_volume *v, uint64_t end)
{
	/* Where the file system cannot promise room, writing will show. */
	return !fallocate(v->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)end) || !means_full(-errno);
}

static uint64_t stride_of(const struct am_volume *v)
{
	return v->options->segment_bytes < STRIDE ? v->options->segment_bytes : STRIDE;
}

/* Makes sure of room up to `end` and for the reserve, and looks whether there is more.
 * 0; -ENOSPC. */
static int reserve(struct am_volume *v, uint64_t end)
{
	uint64_t stride = stride_of(v), least = end + RESERVE, want = least + stride;

	v->low = is_beyond_bound(v, end + stride);
	if (is_beyond_bound(v, end))
		return -ENOSPC;
	if (least + stride / 2 <= v->room)
		return 0;
	if (!has_disk(v, want)) {
		v->low = true;
		want = least;
		if (least > v->room && !has_disk(v, least))
			return -ENOSPC;
	}
	if (want > v->room)
		v->room = want;
	return 0;
}

static int add_pending(struct am_volume *v, const uint8_t *frame, size_t len)
{
	size_t wanted = v->pending_len + len;

	if (wanted > v->pending_size) {
		uint8_t *p = realloc(v->pending, wanted * 2);

		if (!p)
			return -ENOMEM;
		v->pending = p;
		v->pending_size = wanted * 2;
	}
	memcpy(v->pending + v->pending_len, frame, len);
	v->pending_len += len;
	v->tip.at += len;
	return 0;
}

/* ---- rows ------------------------------------------------------------------------- */

static int put(struct am_volume *v, const struct am_batch *b, bool from_reserve)
{
	uint8_t h[AM_HASH_LEN], *frame;
	size_t len;
	int r;

	r = am_press_block(v->press, b, v->tip.next_row, &frame, &len);
	if (!r && !from_reserve)
		r = reserve(v, v->tip.at + len + AM_SEAL_LEN);
	if (r < 0)
		return r;
	memcpy(h, v->tip.h, sizeof(h));
	am_chain_step(h, frame, len - AM_HASH_LEN);
	memcpy(frame + len - AM_HASH_LEN, h, sizeof(h));
	r = add_pending(v, frame, len);
	if (r < 0)
		return r;
	memcpy(v->tip.h, h, sizeof(h));
	v->tip.next_row += b->n;
	return 0;
}

int am_volume_put(struct am_volume *v, const struct am_batch *b)
{
	int r;

	if (v->broken)
		return -EIO;
	while ((r = put(v, b, false)) == -ENOSPC && v->options->full == AM_FULL_OLDEST_FIRST)
		if (am_volume_remove_oldest(v) < 0)
			return -ENOSPC;
	return r;
}

bool am_volume_has_room(struct am_volume *v)
{
	return !v->broken && !reserve(v, v->tip.at + 2 * RESERVE);
}

bool am_volume_is_low(const struct am_volume *v)
{
	return v->low && (v->options->full == AM_FULL_STOP || !v->older.count);
}

int am_volume_tell(struct am_volume *v, uint32_t kind, uint32_t reason, uint64_t count,
		   int64_t since_ns, const char *why)
{
	const struct am_row row = {
		.wall_ns = am_volume_clock(v, CLOCK_REALTIME),
		.boot_ns = am_volume_clock(v, CLOCK_BOOTTIME),
		.count = count,
		.since_ns = since_ns,
		.actor = AM_ROW_NOBODY,
		.deed = { .kind = kind, .reason = reason, .why = why },
	};

	if (v->broken)
		return -EIO;
	am_batch_clear(v->own);
	am_batch_add(v->own, &row);
	/* Lets the reserve shrink only if it cannot be had any more. */
	(void)reserve(v, v->tip.at + TELL_MAX);
	return put(v, v->own, true);
}

/* ---- seals -------------------------------------------------------------------------- */

static int add_seal(struct am_volume *v, uint32_t flags)
{
	struct am_ledger_seal seal = {
		.next_row = v->tip.next_row,
		.wall_ns = am_volume_clock(v, CLOCK_REALTIME),
		.boot_ns = am_volume_clock(v, CLOCK_BOOTTIME),
		.oldest = v->oldest,
		.flags = flags,
	};
	uint8_t bytes[AM_SEAL_LEN];

	am_ledger_seal_write(&seal, &v->tip.keys, v->tip.h, bytes);
	v->last_seal_ns = seal.wall_ns;
	return add_pending(v, bytes, sizeof(bytes));
}

/* Back to what is committed. */
static void drop_pending(struct am_volume *v)
{
	v->tip = v->done;
	v->pending_len = 0;
	if (ftruncate(v->fd, (off_t)v->done.at) < 0)
		v->broken = true;
	v->room = 0;	/* gone, too */
}

static int write_pending(struct am_volume *v)
{
	int r = am_write_at(v->fd, v->pending, v->pending_len, (off_t)v->done.at);

	if (r < 0) {
		drop_pending(v);
		return means_full(r) ? -ENOSPC : r;
	}
	if (fdatasync(v->fd) < 0) {
		/* What the page cache holds now may differ from the disk, and nobody will
		 * tell again: only a new segment can be relied on. */
		r = -errno;
		v->broken = true;
		return r;
	}
	return 0;
}

int am_volume_commit(struct am_volume *v, uint32_t flags)
{
	int r;

	if (v->broken)
		return -EIO;
	r = add_seal(v, flags);
	if (r < 0) {
		drop_pending(v);
		return r;
	}
	r = write_pending(v);
	if (r < 0)
		return r;
	/* Transaction point: the rows are sealed. Only now the secret that did it may go,
	 * and if that fails, the key file lags behind, which the next start makes up for. */
	v->done = v->tip;
	v->pending_len = 0;
	memcpy(v->head, v->tip.h, AM_HASH_LEN);
	v->seals++;
	if (am_keyfile_save(&v->keyfile, &v->tip.keys) < 0)
		v->key_errors++;
	return 0;
}

/* ---- segments ---------------------------------------------------------------------- */

/* A header that was cut short goes; room that was set aside stays. */
static int empty(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return st.st_size && ftruncate(fd, 0) < 0 ? -errno : 0;
}

/* The next segment, without a byte in it. A full disk does not hinder it if it was set aside
 * before; and it is had before anything is closed, so that a full disk finds the old one open. */
static int open_fresh(struct am_volume *v, int *ret)
{
	am_autoclose int fd = openat(v->dir, fresh_name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
				     0600);
	int r = fd < 0 ? -errno : empty(fd);

	if (r < 0)
		return r;
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, AM_HEADER_LEN + 2 * RESERVE) < 0 &&
	    means_full(-errno)) {
		(void)unlinkat(v->dir, fresh_name, 0);
		return -ENOSPC;
	}
	*ret = AM_TAKE_FD(fd);
	return 0;
}

/* So that a start on a full disk has a segment, in which it can record what it removes. */
static void set_aside(struct am_volume *v)
{
	am_autoclose int fd = -1;

	if (!v->has_fresh)
		v->has_fresh = !open_fresh(v, &fd);	/* else with the next look */
}

static void fill_header(const struct am_volume *v, uint64_t segment, enum am_beginning origin,
			struct am_header *ret)
{
	*ret = (struct am_header){
		.segment = segment,
		.first_row = v->tip.next_row,
		.wall_ns = am_volume_clock(v, CLOCK_REALTIME),
		.boot_ns = am_volume_clock(v, CLOCK_BOOTTIME),
		.origin = origin,
	};
	if (!origin)
		memcpy(ret->link, v->tip.h, AM_HASH_LEN);
	am_header_host(ret, &v->host);
}

static int write_header(struct am_volume *v, int fd, const uint8_t *bytes, uint64_t segment)
{
	char name[AM_SEGMENT_NAME];
	int r = am_write_at(fd, bytes, AM_HEADER_LEN, 0);

	if (!r && fsync(fd) < 0)
		r = -errno;
	am_segment_name(segment, name);
	if (!r && renameat2(v->dir, fresh_name, v->dir, name, RENAME_NOREPLACE) < 0)
		r = errno == EINVAL && renameat(v->dir, fresh_name, v->dir, name) == 0 ? 0 : -errno;
	if (!r && fsync(v->dir) < 0)
		r = -errno;
	return r;
}

static int begin_in(struct am_volume *v, int fd, uint64_t segment, enum am_beginning origin)
{
	am_autokeys struct am_keys keys = v->tip.keys;
	uint8_t bytes[AM_HEADER_LEN], root[AM_HASH_LEN];
	struct am_header header;
	int r = 0;

	if (origin) {
		am_keys_make(&keys, segment);
		am_evolving_public(&keys.head, root);
		r = am_roots_pub_add(v->dir, root);
	}
	fill_header(v, segment, origin, &header);
	am_header_write(&header, &keys, bytes);
	/* A chain without its key could not go on: there the key comes first. Otherwise it
	 * comes after what it has signed, so that it is never ahead. */
	if (!r && origin)
		r = am_keyfile_save(&v->keyfile, &keys);
	if (!r)
		r = write_header(v, fd, bytes, segment);
	if (r < 0)
		return r;
	if (!origin && am_keyfile_save(&v->keyfile, &keys) < 0)
		v->key_errors++;
	v->tip.keys = keys;
	v->tip.at = AM_HEADER_LEN;
	memcpy(v->tip.h, header.h, AM_HASH_LEN);
	v->done = v->tip;
	v->segment = segment;
	v->born_ns = header.wall_ns;
	v->room = AM_HEADER_LEN + 2 * RESERVE;
	v->has_fresh = false;
	set_aside(v);
	return 0;
}

int am_volume_begin(struct am_volume *v, uint64_t segment, enum am_beginning origin)
{
	am_autoclose int fd = -1;
	int r;

	r = open_fresh(v, &fd);
	if (!r)
		r = begin_in(v, fd, segment, origin);
	if (r < 0)
		return r;
	v->fd = AM_TAKE_FD(fd);
	return 0;
}

int am_volume_end(struct am_volume *v)
{
	struct am_listed item;
	int r = am_volume_commit(v, AM_SEAL_CLOSES);

	if (r < 0)
		return r;
	(void)ftruncate(v->fd, (off_t)v->done.at);	/* gives back the room behind */
	item = (struct am_listed){ v->segment, v->done.at };
	r = AM_APPEND(v->older.segments, v->older.count, item);
	if (!r)
		v->older_bytes += item.size;
	(void)close(v->fd);	/* synced */
	v->fd = -1;
	return r;
}

static int rotate(struct am_volume *v)
{
	am_autoclose int fd = -1;
	int r;

	while ((r = open_fresh(v, &fd)) == -ENOSPC && v->options->full == AM_FULL_OLDEST_FIRST)
		if (am_volume_remove_oldest(v) < 0)
			return -ENOSPC;
	if (!r)
		r = am_volume_end(v);
	if (!r)
		r = begin_in(v, fd, v->segment + 1, AM_BEGIN_CONTINUES);
	if (r < 0) {
		/* With a full disk the old segment goes on growing, unless it is closed. */
		v->broken |= v->fd < 0;
		return r;
	}
	v->fd = AM_TAKE_FD(fd);
	return 0;
}

/* ---- retention ----------------------------------------------------------------------- */

static int read_header_of(const struct am_volume *v, uint64_t segment, uint8_t *ret)
{
	char name[AM_SEGMENT_NAME];
	am_autoclose int fd = -1;

	am_segment_name(segment, name);
	fd = openat(v->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	return am_read_at(fd, ret, AM_HEADER_LEN, 0);
}

/* Half a header of an append that was cut short is written over. One that is there already
 * is of a removal that was. */
static int add_link(struct am_volume *v, const uint8_t *header)
{
	am_autoclose int fd = openat(v->dir, links_name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
				     0644);
	uint8_t last[AM_HEADER_LEN];
	struct stat st;
	off_t end;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	end = st.st_size - st.st_size % AM_HEADER_LEN;
	if (end && !am_read_at(fd, last, AM_HEADER_LEN, end - AM_HEADER_LEN) &&
	    !memcmp(last, header, AM_HEADER_LEN))
		return 0;
	r = am_write_at(fd, header, AM_HEADER_LEN, end);
	if (!r && fsync(fd) < 0)
		r = -errno;
	return r;
}

/* While there is room: else the next removal would make none. */
static void widen_links(const struct am_volume *v)
{
	am_autoclose int fd = openat(v->dir, links_name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
				     0644);
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st))
		(void)fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, st.st_size + LINKS_MORE); /* tried again */
}

static int record_removal(struct am_volume *v, const struct am_listed *item)
{
	uint8_t bytes[AM_HEADER_LEN] = { 0 }, next[AM_HEADER_LEN] = { 0 };
	struct am_header header = { 0 };
	char why[128], hex[2 * AM_HASH_LEN + 1];
	int r;

	/* A header that cannot be read leaves a place that no verification takes for one. */
	(void)read_header_of(v, item->segment, bytes);
	if (!read_header_of(v, item->segment + 1, next))
		(void)am_header_read(next, &header);
	r = add_link(v, bytes);
	if (r < 0)
		return r;
	am_hex_format(header.link, AM_HASH_LEN, hex);
	(void)snprintf(why, sizeof(why), "%llu bytes, ended with %s",
		       (unsigned long long)item->size, hex);
	v->oldest = item->segment + 1;
	r = am_volume_tell(v, AM_ROW_MARK, AM_MARK_REMOVED, item->segment, 0, why);
	return r ? r : am_volume_commit(v, 0);
}

int am_volume_remove_oldest(struct am_volume *v)
{
	struct am_listed item;
	char name[AM_SEGMENT_NAME];
	int r;

	if (!v->older.count)
		return -ENOENT;
	item = v->older.segments[0];
	r = record_removal(v, &item);
	if (r < 0)
		return r;
	am_segment_name(item.segment, name);
	if (unlinkat(v->dir, name, 0) < 0 && errno != ENOENT)
		return -errno;
	v->older_bytes -= item.size;
	v->older.count--;
	memmove(v->older.segments, v->older.segments + 1, v->older.count * sizeof(item));
	widen_links(v);
	return fsync(v->dir) < 0 ? -errno : 0;
}

static bool is_too_much(const struct am_volume *v)
{
	const struct am_writer_options *o = v->options;

	return o->full == AM_FULL_OLDEST_FIRST && o->keep_bytes &&
	       v->older_bytes + v->done.at > o->keep_bytes;
}

static bool is_too_old(const struct am_volume *v, int64_t now_ns)
{
	char name[AM_SEGMENT_NAME];
	struct stat st;

	if (!v->options->keep_age_s)
		return false;
	am_segment_name(v->older.segments[0].segment, name);
	if (fstatat(v->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	return now_ns / NS_PER_S - st.st_mtim.tv_sec > v->options->keep_age_s;
}

int am_volume_tend(struct am_volume *v)
{
	const struct am_writer_options *o = v->options;
	int64_t now_ns = am_volume_clock(v, CLOCK_REALTIME);
	int r = 0;

	if (v->broken)
		return -EIO;
	set_aside(v);
	if (v->done.at >= o->segment_bytes || now_ns - v->born_ns > o->segment_age_s * NS_PER_S)
		r = rotate(v);
	while (!r && v->older.count && (is_too_much(v) || is_too_old(v, now_ns)))
		r = am_volume_remove_oldest(v);
	return r;
}

/* ---- open and close -------------------------------------------------------------------- */

static int lock(struct am_volume *v, const char *path)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	v->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (v->dir < 0)
		return -errno;
	v->lock = openat(v->dir, lock_name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (v->lock < 0 || flock(v->lock, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	return 0;
}

int am_volume_open(const char *path, const struct am_writer_options *o, struct am_volume **ret)
{
	am_auto(am_volume) struct am_volume *v = calloc(1, sizeof(*v));
	int r;

	if (!v)
		return -ENOMEM;
	v->dir = v->lock = v->fd = v->keyfile.fd = -1;
	v->options = o;
	if (o->host)
		v->host = *o->host;
	else
		am_host_id_read(&am_host_here, &v->host);
	v->oldest = 1;
	v->tip.next_row = 1;
	r = am_chain_init();
	if (!r)
		r = lock(v, path);
	if (!r)
		r = am_press_new(o->level, &v->press);
	if (!r)
		r = am_batch_new(randombytes_random(), &v->own);
	if (!r)
		r = am_keyfile_open(v->dir, &v->keyfile);
	if (!r)
		widen_links(v);
	if (!r)
		r = am_volume_recover(v);
	if (r < 0) {
		v->broken = true;	/* nothing is to be closed */
		return r;
	}
	*ret = AM_TAKE_PTR(v);
	return 0;
}

void am_volume_free(struct am_volume *v)
{
	if (!v)
		return;
	if (v->fd >= 0 && !v->broken)
		(void)am_volume_end(v);	/* the next start makes up for it */
	if (v->fd >= 0)
		(void)close(v->fd);
	am_keyfile_close(&v->keyfile);
	am_keys_wipe(&v->tip.keys);
	am_keys_wipe(&v->done.keys);
	am_listing_done(&v->older);
	am_press_free(v->press);
	am_batch_free(v->own);
	free(v->pending);
	if (v->lock >= 0)
		(void)close(v->lock);
	if (v->dir >= 0)
		(void)close(v->dir);
	free(v);
}
