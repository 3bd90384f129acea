// SPDX-License-Identifier: GPL-2.0
/* Each segment is walked by itself, in threads; then the headers are followed from the
 * root key on, and what the walks found is put together in that order. */
#include "ledger/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "ledger/file.h"
#include "ledger/walk.h"

static const char links_name[] = "links";

enum {
	THREADS_MAX = 8,
	LINKS_MAX = 1 << 20,	/* headers read from `links` */
};

/* ---- one segment ------------------------------------------------------------------ */

enum head_seen { HEAD_UNSEEN, HEAD_SAME, HEAD_OTHER };

struct part {
	uint64_t segment;	/* by its name */
	char name[AM_SEGMENT_NAME];
	int err;		/* it could not be read */
	struct am_walk walk;
	struct am_gap_seen *gaps;	/* owned */
	size_t n_gaps;
	bool gaps_lost;
	enum head_seen head;
	uint64_t clock_back_at;	/* offset of the first seal earlier than the one before; 0 */
	int64_t last_ns;
};

struct walker {
	const struct am_verify_options *options;
	struct part *part;
	struct am_block *block;	/* owned */
	const uint8_t *frame;
};

static int from_frame(void *ctx, uint32_t at, void *to, size_t len)
{
	const struct walker *w = ctx;

	memcpy(to, w->frame + at, len);
	return 0;
}

static int add_gap(struct part *p, const struct am_row *row)
{
	const struct am_gap_seen gap = {
		.row = row->number,
		.reason = row->deed.reason,
		.count = row->count,
		.since_ns = row->since_ns,
		.until_ns = row->wall_ns,
	};

	if (p->n_gaps == AM_GAPS_MAX) {
		p->gaps_lost = true;
		return 0;
	}
	return AM_APPEND(p->gaps, p->n_gaps, gap);
}

/* Gaps are looked at where there are some; a block that was signed and cannot be read is
 * told by whoever reads it. */
static int see_block(void *ctx, const struct am_block_head *head, const uint8_t *frame, uint64_t at)
{
	const uint64_t columns = 1ULL << AM_COL_DEED | 1ULL << AM_COL_WALL | 1ULL << AM_COL_COUNT |
				 1ULL << AM_COL_SINCE | 1ULL << AM_COL_KIND | 1ULL << AM_COL_REASON;
	struct walker *w = ctx;
	struct am_row row;
	uint32_t i;
	int r;

	(void)at;
	if (!(head->kinds >> AM_ROW_GAP & 1))
		return 0;
	w->frame = frame;
	r = am_block_begin(w->block, head, frame);
	if (!r)
		r = am_block_load(w->block, columns, NULL, from_frame, w);
	if (r < 0)
		return r == -EBADMSG ? 0 : r;
	for (i = 0; i < head->rows && !r; i++) {
		am_block_row(w->block, i, &row);
		if (row.deed.kind == AM_ROW_GAP)
			r = add_gap(w->part, &row);
	}
	return r;
}

static int see_seal(void *ctx, const struct am_ledger_seal *seal, uint64_t at)
{
	const struct walker *w = ctx;
	const struct am_head *head = w->options->head;
	struct part *p = w->part;

	if (head && head->seal == seal->number)
		p->head = memcmp(head->h, seal->h, AM_HASH_LEN) ? HEAD_OTHER : HEAD_SAME;
	if (seal->wall_ns < p->last_ns && !p->clock_back_at)
		p->clock_back_at = at;
	p->last_ns = seal->wall_ns;
	return 0;
}

static int walk_part(int dirfd, const struct am_verify_options *options, struct part *p)
{
	struct walker w = { .options = options, .part = p };
	const struct am_walk_calls calls = { &w, see_block, see_seal };
	am_autoclose int fd = openat(dirfd, p->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int r;

	if (fd < 0)
		return -errno;
	r = am_block_new(&w.block);
	if (!r)
		r = am_walk(fd, &calls, &p->walk);
	am_block_free(w.block);
	return r;
}

/* ---- all segments ------------------------------------------------------------------- */

struct links {
	uint8_t *bytes;		/* owned */
	size_t count;
	bool ragged;		/* ends within a header */
};

struct job {
	int dirfd;
	const struct am_verify_options *options;
	struct part *parts;	/* owned */
	size_t count;
	size_t next;		/* taken atomically */
	struct am_listing listing;
	struct links links;
};

static void *work(void *arg)
{
	struct job *job = arg;
	size_t i;

	while ((i = __atomic_fetch_add(&job->next, 1, __ATOMIC_RELAXED)) < job->count)
		job->parts[i].err = walk_part(job->dirfd, job->options, &job->parts[i]);
	return NULL;
}

static void walk_all(struct job *job)
{
	unsigned threads = job->options->threads, started = 0, i;
	pthread_t ids[THREADS_MAX];

	if (!threads)
		threads = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	if (threads > THREADS_MAX)
		threads = THREADS_MAX;
	/* This one works too, and alone if there can be no others. */
	while (started + 1 < threads && !pthread_create(&ids[started], NULL, work, job))
		started++;
	(void)work(job);
	for (i = 0; i < started; i++)
		(void)pthread_join(ids[i], NULL);
}

static void job_done(struct job *job)
{
	size_t i;

	for (i = 0; job->parts && i < job->count; i++)
		free(job->parts[i].gaps);
	free(job->parts);
	free(job->links.bytes);
	am_listing_done(&job->listing);
}

static int read_links(int dirfd, struct links *ret)
{
	am_autoclose int fd = openat(dirfd, links_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	size_t count;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	count = S_ISREG(st.st_mode) ? (size_t)(st.st_size / AM_HEADER_LEN) : 0;
	if (count > LINKS_MAX)
		return -EFBIG;
	ret->bytes = malloc(count * AM_HEADER_LEN + 1);	/* never of size 0 */
	if (!ret->bytes)
		return -ENOMEM;
	ret->count = count;
	ret->ragged = st.st_size % AM_HEADER_LEN;
	return am_read_at(fd, ret->bytes, count * AM_HEADER_LEN, 0);
}

static int prepare(struct job *job)
{
	size_t i;
	int r = am_listing_read(job->dirfd, true, &job->listing);

	if (!r)
		r = read_links(job->dirfd, &job->links);
	if (r < 0)
		return r;
	job->parts = calloc(job->listing.count + 1, sizeof(*job->parts));
	if (!job->parts)
		return -ENOMEM;
	job->count = job->listing.count;
	for (i = 0; i < job->count; i++) {
		job->parts[i].segment = job->listing.segments[i].segment;
		am_segment_name(job->parts[i].segment, job->parts[i].name);
	}
	return 0;
}

/* ---- remarks ------------------------------------------------------------------------- */

struct check {
	struct am_audit *v;
	const struct am_verify_options *options;
	const struct am_roots_pub *roots;
	/* The header before, of this chain. */
	bool has_prev;
	struct am_header prev;
	const struct part *prev_part;	/* NULL: only its header is there */
	uint64_t next_segment;		/* 0: any */
	bool fault;			/* what holds ends here */
	bool head_chain;		/* the head's chain was met */
	bool head_seen;
	uint64_t head_first;		/* first seal of its chain whose segment is there; 0 */
};

static void remark(struct check *c, enum am_verify_code code, const char *file, uint64_t offset,
		   const char *text, ...) __attribute__((format(printf, 5, 6)));

static void remark(struct check *c, enum am_verify_code code, const char *file, uint64_t offset,
		   const char *text, ...)
{
	struct am_remark m = { .code = code, .offset = offset };
	struct am_audit *v = c->v;
	va_list args;

	(void)snprintf(m.file, sizeof(m.file), "%s", file);
	va_start(args, text);
	(void)vsnprintf(m.text, sizeof(m.text), text, args);
	va_end(args);
	/* A tail that is not sealed is the least of it. */
	if (v->code == AM_VERIFY_HOLDS || (v->code == AM_VERIFY_UNSEALED && code))
		v->code = code;
	c->fault |= code != AM_VERIFY_HOLDS;
	if (v->n_remarks == AM_REMARKS_MAX || AM_APPEND(v->remarks, v->n_remarks, m))
		v->remarks_lost = true;
}

/* ---- the chain ------------------------------------------------------------------------ */

/* A header of the sequence and where it is. */
struct place {
	const uint8_t *bytes;
	const struct part *part;	/* NULL: in `links` */
	const char *file;
	uint64_t offset;
	uint64_t segment;		/* that it should be of */
};

static void check_links_to(struct check *c, const struct place *p, const struct am_header *h)
{
	const struct am_walk *prev = &c->prev_part->walk;

	if (prev->fault || !am_walk_is_closed(prev))
		return;		/* told already */
	if (h->first_row > prev->next_row || h->first_seal > prev->next_seal)
		remark(c, AM_VERIFY_MISSING, p->file, p->offset, "rows %" PRIu64 " to %" PRIu64
		       " are missing before it", prev->next_row, h->first_row - 1);
	else if (memcmp(h->link, prev->h, AM_HASH_LEN) != 0 || h->first_row != prev->next_row ||
		 memcmp(h->seal_key, prev->next_key, AM_HASH_LEN) != 0)
		remark(c, AM_VERIFY_REORDERED, p->file, p->offset,
		       "it does not continue the segment before it");
}

/* The first of a chain: signed by a root key. */
static bool check_root(struct check *c, const struct place *p, const struct am_header *h)
{
	const uint8_t *root = am_roots_pub_find(c->roots, h->chain);

	if (!root) {
		remark(c, AM_VERIFY_WRONG_KEY, p->file, p->offset,
		       c->options->roots ? "it is not of the root key that was given" :
					   "there is no root key for it in root.pub");
		return false;
	}
	if (!am_header_is_signed(p->bytes, root)) {
		remark(c, AM_VERIFY_ALTERED, p->file, p->offset + AM_HEADER_LEN - AM_SIG_LEN,
		       "the signature of its header does not hold");
		return false;
	}
	if (!c->has_prev && h->origin == AM_BEGIN_FRESH)
		return true;
	/* Whoever gave a key for the new chain has agreed to it. */
	remark(c, c->options->roots ? AM_VERIFY_HOLDS : AM_VERIFY_BROKEN, p->file, p->offset,
	       "the chain begins anew here, because %s", am_beginning_name(h->origin));
	return true;
}

static bool check_next(struct check *c, const struct place *p, const struct am_header *h)
{
	if (!c->has_prev) {
		remark(c, AM_VERIFY_MISSING, p->file, p->offset,
		       "the headers that lead from the root key to it are missing");
		return false;
	}
	if (memcmp(h->chain, c->prev.chain, AM_CHAIN_LEN) != 0) {
		remark(c, AM_VERIFY_FOREIGN, p->file, p->offset,
		       "it is of another ledger, host '%.63s'", h->host);
		return false;
	}
	if (!am_header_is_signed(p->bytes, c->prev.head_key)) {
		remark(c, h->segment == c->prev.segment + 1 ? AM_VERIFY_ALTERED : AM_VERIFY_MISSING,
		       p->file, p->offset + AM_HEADER_LEN - AM_SIG_LEN,
		       "its header is not signed by the key that the one before names");
		return false;
	}
	if (c->prev_part)
		check_links_to(c, p, h);
	if (memcmp(h->machine, c->prev.machine, AM_HASH_LEN) != 0)
		remark(c, AM_VERIFY_HOLDS, p->file, p->offset, "from here on the machine id is another");
	return true;
}

/* Whether the header takes its place in the sequence. */
static bool check_header(struct check *c, const struct place *p)
{
	struct am_header h;
	bool fits;

	if (am_header_read(p->bytes, &h) < 0) {
		remark(c, AM_VERIFY_ALTERED, p->file, p->offset, "it has no header that holds");
		return false;
	}
	if (p->part && h.segment != p->segment) {
		remark(c, AM_VERIFY_REORDERED, p->file, p->offset,
		       "it is segment %" PRIu64 " under the name of another", h.segment);
		return false;
	}
	if (c->next_segment && h.segment != c->next_segment) {
		if (h.segment > c->next_segment)
			remark(c, AM_VERIFY_MISSING, p->file, p->offset,
			       "segments %" PRIu64 " to %" PRIu64 " are missing before it",
			       c->next_segment, h.segment - 1);
		else
			remark(c, AM_VERIFY_REORDERED, p->file, p->offset,
			       "segment %" PRIu64 " comes a second time", h.segment);
	}
	fits = h.origin ? check_root(c, p, &h) : check_next(c, p, &h);
	if (!fits && c->has_prev && memcmp(h.chain, c->prev.chain, AM_CHAIN_LEN) != 0)
		return false;	/* what follows is compared with what was before it */
	c->has_prev = true;
	c->prev = h;
	c->prev_part = p->part;
	c->next_segment = h.segment + 1;
	return fits;
}

/* ---- what the walk found ------------------------------------------------------------------ */

static void check_end(struct check *c, const struct part *p, bool is_last)
{
	const struct am_walk *w = &p->walk;
	bool closed = w->seals && w->last.flags & AM_SEAL_CLOSES;

	if (closed && w->size > w->sealed)
		remark(c, AM_VERIFY_ALTERED, p->name, w->sealed,
		       "%" PRIu64 " bytes were added behind its closing seal", w->size - w->sealed);
	else if (!is_last && !closed)
		remark(c, AM_VERIFY_TRUNCATED, p->name, w->good,
		       "it ends without a closing seal, though a segment follows");
	else if (w->size > w->sealed)
		remark(c, AM_VERIFY_UNSEALED, p->name, w->sealed,
		       "%" PRIu64 " bytes behind the last seal are not sealed%s", w->size - w->sealed,
		       w->fault ? ", and end within a block" : "");
}

static void check_walk(struct check *c, const struct part *p, bool is_last)
{
	const struct am_walk *w = &p->walk;

	switch (w->fault) {
	case AM_FAULT_ALTERED:
		remark(c, AM_VERIFY_ALTERED, p->name, w->fault_at, "what is here is not what was sealed");
		break;
	case AM_FAULT_MISSING:
		remark(c, AM_VERIFY_MISSING, p->name, w->fault_at,
		       "something is left out here, from row %" PRIu64 " on", w->next_row);
		break;
	case AM_FAULT_REPEATED:
		remark(c, AM_VERIFY_REORDERED, p->name, w->fault_at,
		       "what is here comes before row %" PRIu64, w->next_row);
		break;
	default:
		check_end(c, p, is_last);
	}
	if (p->clock_back_at)
		remark(c, AM_VERIFY_HOLDS, p->name, p->clock_back_at,
		       "the clock was set back before this seal");
}

static void take_gaps(struct check *c, const struct part *p)
{
	struct am_audit *v = c->v;
	size_t i;

	v->gaps_lost |= p->gaps_lost;
	for (i = 0; i < p->n_gaps; i++)
		if (v->n_gaps == AM_GAPS_MAX || AM_APPEND(v->gaps, v->n_gaps, p->gaps[i]))
			v->gaps_lost = true;
}

static void take_sums(struct check *c, const struct part *p, bool held)
{
	const struct am_walk *w = &p->walk;
	struct am_audit *v = c->v;

	v->segments++;
	v->bytes += w->size;
	v->blocks += w->blocks;
	v->seals += w->seals;
	if (!held)
		return;
	/* Up to the first fault, what is sealed here is. */
	if (!v->first_row) {
		v->first_row = w->header.first_row;
		v->first_ns = w->header.wall_ns;
	}
	memcpy(v->host, w->header.host, sizeof(v->host));
	v->last_row = w->sealed_row - 1;
	v->unsealed_rows = w->next_row - w->sealed_row;
	if (!w->seals)
		return;
	v->last_ns = w->last.wall_ns;
	v->head = (struct am_head){ .seal = w->last.number, .wall_ns = w->last.wall_ns };
	memcpy(v->head.chain, w->header.chain, AM_CHAIN_LEN);
	memcpy(v->head.h, w->last.h, AM_HASH_LEN);
}

static void note_head(struct check *c, const struct part *p)
{
	const struct am_head *head = c->options->head;

	if (!head || memcmp(p->walk.header.chain, head->chain, AM_CHAIN_LEN) != 0)
		return;
	c->head_chain = true;
	if (!c->head_first)
		c->head_first = p->walk.header.first_seal;
	if (p->head == HEAD_UNSEEN)
		return;
	c->head_seen = true;
	if (p->head == HEAD_OTHER)
		remark(c, AM_VERIFY_ROLLED_BACK, p->name, 0,
		       "seal %" PRIu64 " is another one than the head that was kept", head->seal);
}

static void check_part(struct check *c, const struct part *p, bool is_last)
{
	const struct place place = { p->walk.bytes, p, p->name, 0, p->segment };
	bool held = !c->fault;

	if (p->err) {
		remark(c, AM_VERIFY_ALTERED, p->name, 0, "it cannot be read: %s", strerror(-p->err));
		return;
	}
	if (p->walk.fault == AM_FAULT_HEADER) {
		remark(c, AM_VERIFY_ALTERED, p->name, 0, "it has the name of a segment and is none");
		return;
	}
	if (!check_header(c, &place))
		return;
	held &= !c->fault;
	check_walk(c, p, is_last);
	take_sums(c, p, held);
	take_gaps(c, p);
	note_head(c, p);
}

/* ---- the directory -------------------------------------------------------------------------- */

static bool is_same_header(const struct part *p, const uint8_t *bytes)
{
	return p && !p->err && !memcmp(p->walk.bytes, bytes, AM_HEADER_LEN);
}

static void check_removed(struct check *c, const struct job *job)
{
	size_t i;

	for (i = 0; i < job->links.count; i++) {
		const struct place place = { job->links.bytes + i * AM_HEADER_LEN, NULL, links_name,
					     i * AM_HEADER_LEN, 0 };

		/* The end came between the two steps of a removal: it is still there. */
		if (i + 1 == job->links.count && job->count &&
		    is_same_header(&job->parts[0], place.bytes))
			break;
		c->v->removed++;
		(void)check_header(c, &place);
	}
	if (job->links.ragged)
		remark(c, AM_VERIFY_HOLDS, links_name, job->links.count * AM_HEADER_LEN,
		       "it ends within a header: an append was cut short");
}

static void check_oldest(struct check *c, const struct job *job)
{
	const struct am_walk *last = &job->parts[job->count - 1].walk;
	uint64_t oldest = job->parts[0].segment;

	if (!last->seals || oldest == last->last.oldest)
		return;
	if (oldest > last->last.oldest)
		remark(c, AM_VERIFY_MISSING, "", 0, "segments %" PRIu64 " to %" PRIu64
		       " are missing: the last seal says that they are kept", last->last.oldest,
		       oldest - 1);
	else
		remark(c, AM_VERIFY_HOLDS, job->parts[0].name, 0,
		       "it is still there, though it was recorded as removed");
}

static void check_head(struct check *c)
{
	const struct am_head *head = c->options->head;

	if (!head || c->head_seen)
		return;
	if (!c->head_chain)
		remark(c, AM_VERIFY_ROLLED_BACK, "", 0, "the head that was kept is of another ledger");
	else if (head->seal < c->head_first)
		remark(c, AM_VERIFY_HOLDS, "", 0,
		       "the head that was kept lies in a segment that retention removed");
	else
		remark(c, AM_VERIFY_ROLLED_BACK, "", 0, "seal %" PRIu64
		       " of the head that was kept is not there", head->seal);
}

static void check_junk(struct check *c, const struct job *job)
{
	size_t i;

	for (i = 0; i < job->listing.n_junk; i++)
		remark(c, AM_VERIFY_HOLDS, job->listing.junk[i], 0, "it is no part of the ledger");
}

static void check_all(struct check *c, const struct job *job)
{
	size_t i;

	check_removed(c, job);
	for (i = 0; i < job->count; i++)
		check_part(c, &job->parts[i], i + 1 == job->count);
	if (job->count)
		check_oldest(c, job);
	else
		remark(c, job->links.count ? AM_VERIFY_MISSING : AM_VERIFY_EMPTY, "", 0,
		       "there is no segment");
	check_head(c);
	check_junk(c, job);
}

/* Who may not read a segment knows nothing about it: that is not an alteration. */
static int find_forbidden(const struct job *job)
{
	size_t i;

	for (i = 0; i < job->count; i++)
		if (job->parts[i].err == -EACCES || job->parts[i].err == -EPERM)
			return job->parts[i].err;
	return 0;
}

int am_verify(int dirfd, const struct am_verify_options *options, struct am_audit **ret)
{
	am_auto(am_audit) struct am_audit *v = calloc(1, sizeof(*v));
	__attribute__((cleanup(job_done))) struct job job = { .dirfd = dirfd, .options = options };
	am_autofree struct am_roots_pub *own = calloc(1, sizeof(*own));
	struct check c = { .v = v, .options = options, .roots = options->roots };
	int r = v && own ? am_chain_init() : -ENOMEM;

	if (!r)
		r = prepare(&job);
	if (r < 0)
		return r;
	if (!c.roots) {
		(void)am_roots_pub_load(dirfd, am_root_name, own);	/* without, no key is found */
		c.roots = own;
		v->by_own_key = true;
	}
	walk_all(&job);
	r = find_forbidden(&job);
	if (r < 0)
		return r;
	check_all(&c, &job);
	*ret = AM_TAKE_PTR(v);
	return 0;
}

void am_audit_free(struct am_audit *v)
{
	if (!v)
		return;
	free(v->remarks);
	free(v->gaps);
	free(v);
}

const char *am_verify_name(enum am_verify_code code)
{
	switch (code) {
	case AM_VERIFY_HOLDS:
		return "holds";
	case AM_VERIFY_UNSEALED:
		return "unsealed";
	case AM_VERIFY_ALTERED:
		return "altered";
	case AM_VERIFY_MISSING:
		return "missing";
	case AM_VERIFY_REORDERED:
		return "reordered";
	case AM_VERIFY_TRUNCATED:
		return "truncated";
	case AM_VERIFY_ROLLED_BACK:
		return "rolled-back";
	case AM_VERIFY_FOREIGN:
		return "foreign";
	case AM_VERIFY_WRONG_KEY:
		return "wrong-key";
	case AM_VERIFY_BROKEN:
		return "broken";
	case AM_VERIFY_EMPTY:
		return "empty";
	}
	return "?";
}
