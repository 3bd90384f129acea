// SPDX-License-Identifier: GPL-2.0
#include "ledger/writer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "ledger/volume.h"

enum {
	/* Bytes of blocks that wait for their seal, and as a part of a segment. */
	PENDING_MAX = 4 << 20,
	PENDING_PART = 8,
	TEND_MS = 10000,	/* how often retention is looked at without new rows */
	MS_PER_S = 1000,
};

#define NS_PER_MS 1000000LL
#define CLOCK_JUMP_NS (1000 * NS_PER_MS)

struct loss {
	uint64_t count;
	int64_t since_ns;
};

struct am_writer {
	struct am_writer_options options;
	struct am_volume *volume;	/* owned; the thread's, once it runs */
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t mutex;		/* of what follows, never held during I/O */
	pthread_cond_t work;
	pthread_cond_t done;
	struct am_batch *all[AM_WRITER_BATCHES];	/* owned */
	struct am_batch *unused;
	struct am_batch *filling;
	struct am_batch *full;		/* in order, as `full_end` */
	struct am_batch **full_end;
	int64_t due_ms;			/* CLOCK_MONOTONIC by which to seal; 0: nothing waits */
	bool urgent;
	bool stop;
	int64_t boot_offset;		/* CLOCK_REALTIME - CLOCK_BOOTTIME of the last row */
	bool has_offset;
	struct loss losses[AM_GAP_MAX_];
	struct am_writer_stats stats;
	uint64_t taken;			/* rows that are settled: sealed or lost */
	uint64_t appended;
	/* the thread's */
	uint64_t unsealed;		/* rows put, not committed */
	uint64_t unsealed_accesses;	/* that they tell of */
	int64_t unsealed_ns;		/* of the first of them */
};

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);	/* cannot fail */
	return t.tv_sec * MS_PER_S + t.tv_nsec / NS_PER_MS;
}

/* ---- losses ------------------------------------------------------------------- */

static void lose(struct am_writer *w, enum am_gap reason, uint64_t count, int64_t since_ns)
{
	struct loss *loss = &w->losses[reason];

	if (!loss->count)
		loss->since_ns = since_ns;
	loss->count += count;
	if (!w->stats.untold)
		w->stats.untold_since_ns = since_ns;
	w->stats.untold += count;
	w->stats.lost += count;
}

/* What is told is out of the books when its seal is on disk, not before. */
static int tell_losses(struct am_writer *w, const struct loss *losses)
{
	int reason, r = 0;

	for (reason = 0; reason < AM_GAP_MAX_ && !r; reason++)
		if (losses[reason].count)
			r = am_volume_tell(w->volume, AM_ROW_GAP, (uint32_t)reason,
					   losses[reason].count, losses[reason].since_ns, "");
	return r;
}

static void settle_losses(struct am_writer *w, const struct loss *told)
{
	int reason;

	for (reason = 0; reason < AM_GAP_MAX_; reason++) {
		w->losses[reason].count -= told[reason].count;
		w->stats.untold -= told[reason].count;
	}
}

/* ---- the disk's side --------------------------------------------------------------- */

/* What is to be done in one go. */
struct job {
	struct am_batch *batches;
	struct loss losses[AM_GAP_MAX_];
	bool tells;		/* some loss is to be told */
	bool seal;
	bool finding;
	enum am_writer_state state;	/* before */
};

/* What came of it. */
struct outcome {
	int error;
	uint64_t sealed;	/* rows */
	uint64_t lost;
	uint64_t lost_accesses;	/* that these told of */
	int64_t since_ns;
	bool told;
};

static void give_up(struct am_writer *w, struct outcome *o, int error)
{
	if (!o->error)
		o->error = error;
	if (w->unsealed && !o->lost)
		o->since_ns = w->unsealed_ns;
	o->lost += w->unsealed;
	o->lost_accesses += w->unsealed_accesses;
	w->unsealed = w->unsealed_accesses = 0;
}

static void put_batch(struct am_writer *w, const struct am_batch *b, struct outcome *o)
{
	int64_t first_ns = (int64_t)b->rows[0].wall;
	int r = o->error ? o->error : am_volume_put(w->volume, b);

	if (r < 0) {
		o->error = r;
		if (!o->lost)
			o->since_ns = first_ns;
		o->lost += b->n;
		o->lost_accesses += b->accesses;
		return;
	}
	if (!w->unsealed)
		w->unsealed_ns = first_ns;
	w->unsealed += b->n;
	w->unsealed_accesses += b->accesses;
}

static void seal(struct am_writer *w, const struct job *job, struct outcome *o)
{
	int r = am_volume_commit(w->volume, job->finding ? AM_SEAL_FINDING : 0);

	if (r < 0) {
		give_up(w, o, r);
		return;
	}
	o->sealed = w->unsealed;
	o->told = job->tells;
	w->unsealed = w->unsealed_accesses = 0;
	r = am_volume_tend(w->volume);
	if (r < 0 && r != -ENOSPC)	/* with a full disk the segment just goes on */
		o->error = r;
}

/* Says so while there is the reserve to say it in. */
static void enter_full(struct am_writer *w)
{
	if (!am_volume_tell(w->volume, AM_ROW_MARK, AM_MARK_DISK_FULL, 0, 0,
			    "nothing is recorded until there is room"))
		(void)am_volume_commit(w->volume, 0);	/* the gap record will say it too */
}

static bool is_much(const struct am_writer *w)
{
	uint64_t len = w->volume->pending_len;

	return len > PENDING_MAX || len > w->options.segment_bytes / PENDING_PART;
}

/* Age may have made room. */
static bool finds_room(struct am_volume *v)
{
	return am_volume_tend(v) != -EIO && am_volume_has_room(v);
}

static void work(struct am_writer *w, const struct job *job, struct outcome *o)
{
	const struct am_batch *b;
	int r;

	if (job->state == AM_WRITER_FAILED)
		o->error = w->stats.error;	/* only this thread sets it */
	if (job->state == AM_WRITER_FULL && !finds_room(w->volume))
		o->error = -ENOSPC;
	if (!o->error && job->tells) {
		r = tell_losses(w, job->losses);
		if (r < 0)
			o->error = r;
	}
	for (b = job->batches; b; b = b->next)
		put_batch(w, b, o);
	/* Also after a failure: what was put before it is sound. */
	if (w->volume->pending_len && (job->seal || o->error || is_much(w)))
		seal(w, job, o);
	else if (job->seal && !o->error && am_volume_tend(w->volume) == -EIO)
		o->error = -EIO;
	if (job->seal && !o->error && am_volume_is_low(w->volume))
		(void)am_volume_has_room(w->volume);	/* looks again */
	if (o->error == -ENOSPC && job->state == AM_WRITER_RUNS)
		enter_full(w);
}

/* ---- between the two ------------------------------------------------------------------ */

static void take_job(struct am_writer *w, struct job *job)
{
	bool due = w->due_ms && now_ms() >= w->due_ms;
	int reason;

	*job = (struct job){ .batches = w->full, .state = w->stats.state,
			     .seal = w->urgent || w->stop || due };
	if (job->seal && w->filling && w->filling->n) {
		*w->full_end = w->filling;
		w->filling = NULL;
		job->batches = w->full;
	}
	w->full = NULL;
	w->full_end = &w->full;
	for (struct am_batch *b = job->batches; b; b = b->next)
		job->finding |= b->finding;
	if (!job->seal)
		return;
	for (reason = 0; reason < AM_GAP_MAX_; reason++)
		job->tells |= w->losses[reason].count;
	memcpy(job->losses, w->losses, sizeof(job->losses));
	w->urgent = false;
	w->due_ms = 0;
}

static void give_back(struct am_writer *w, struct am_batch *b)
{
	struct am_batch *next;

	for (; b; b = next) {
		next = b->next;
		am_batch_clear(b);
		b->next = w->unused;
		w->unused = b;
	}
}

static void set_due(struct am_writer *w)
{
	if (!w->due_ms)
		w->due_ms = now_ms() + w->options.interval_ms;
}

static void settle(struct am_writer *w, const struct job *job, const struct outcome *o)
{
	const struct am_volume *v = w->volume;
	struct am_writer_stats *s = &w->stats;

	if (o->told)
		settle_losses(w, job->losses);
	if (o->lost)
		lose(w, o->error == -ENOSPC ? AM_GAP_DISK_FULL : AM_GAP_DISK_ERROR,
		     o->lost_accesses, o->since_ns);
	w->taken += o->sealed + o->lost;
	s->rows += o->sealed;
	s->state = !o->error ? AM_WRITER_RUNS :
		   o->error == -ENOSPC ? AM_WRITER_FULL : AM_WRITER_FAILED;
	if (o->error)
		s->error = o->error;
	s->seals = v->seals;
	s->segment = v->segment;
	s->oldest = v->oldest;
	s->bytes = v->older_bytes + v->done.at;
	s->key_errors = v->key_errors;
	s->sealed_ns = v->last_seal_ns;
	s->low = am_volume_is_low(v);
	if (s->state == AM_WRITER_FULL || s->low)
		set_due(w);	/* to look again */
	give_back(w, job->batches);
	(void)pthread_cond_broadcast(&w->done);
}

/* With the mutex, which is not held during the work itself. */
static void do_job(struct am_writer *w)
{
	struct outcome o = { 0 };
	struct job job;

	take_job(w, &job);
	(void)pthread_mutex_unlock(&w->mutex);
	work(w, &job, &o);
	(void)pthread_mutex_lock(&w->mutex);
	settle(w, &job, &o);
}

static bool has_work(const struct am_writer *w)
{
	return w->urgent || w->stop || w->full || (w->due_ms && now_ms() >= w->due_ms);
}

static void wait_for_work(struct am_writer *w)
{
	int64_t until = w->due_ms ? w->due_ms : now_ms() + TEND_MS;
	const struct timespec t = { until / MS_PER_S, until % MS_PER_S * NS_PER_MS };

	(void)pthread_cond_timedwait(&w->work, &w->mutex, &t);	/* has_work() is asked again */
}

static void *run(void *arg)
{
	struct am_writer *w = arg;

	(void)pthread_mutex_lock(&w->mutex);
	while (!w->stop || w->full || (w->filling && w->filling->n)) {
		if (has_work(w))
			do_job(w);
		else
			wait_for_work(w);
	}
	(void)pthread_mutex_unlock(&w->mutex);
	return NULL;
}

static void wake(struct am_writer *w)
{
	if (w->has_thread)
		(void)pthread_cond_signal(&w->work);
	else if (has_work(w))
		do_job(w);
}

/* ---- the caller's side ---------------------------------------------------------------- */

static int find_room(struct am_writer *w)
{
	if (w->stats.state == AM_WRITER_FULL)
		return -ENOSPC;
	if (w->stats.state != AM_WRITER_RUNS)
		return -EIO;
	if (w->filling)
		return 0;
	if (!w->unused)
		return -EAGAIN;
	w->filling = w->unused;
	w->unused = w->unused->next;
	w->filling->next = NULL;
	return 0;
}

static void add(struct am_writer *w, const struct am_row *row)
{
	am_batch_add(w->filling, row);
	w->appended++;
	if (!w->due_ms)
		set_due(w);
	if (am_row_is_finding(row))
		w->urgent = true;
	if (!am_batch_is_full(w->filling))
		return;
	*w->full_end = w->filling;
	w->full_end = &w->filling->next;
	w->filling = NULL;
}

static int add_clock_mark(struct am_writer *w, const struct am_row *row, int64_t jump_ns)
{
	struct am_row mark = {
		.wall_ns = row->wall_ns,
		.boot_ns = row->boot_ns,
		.count = (uint64_t)(jump_ns < 0 ? -jump_ns : jump_ns),
		.actor = AM_ROW_NOBODY,
		.deed = { .kind = AM_ROW_MARK, .reason = AM_MARK_CLOCK,
			  .why = jump_ns < 0 ? "the clock was set back" : "the clock was set forward" },
	};
	int r = find_room(w);

	if (!r)
		add(w, &mark);
	return r;
}

/* CLOCK_BOOTTIME cannot be set: when the two clocks drift apart, the other one was. */
static int watch_clock(struct am_writer *w, const struct am_row *row)
{
	int64_t offset = row->wall_ns - row->boot_ns, jump = offset - w->boot_offset;
	int r = 0;

	if (w->has_offset && (jump > CLOCK_JUMP_NS || jump < -CLOCK_JUMP_NS))
		r = add_clock_mark(w, row, jump);
	if (r < 0)
		return r;
	w->boot_offset = offset;
	w->has_offset = true;
	return 0;
}

int am_writer_append(struct am_writer *w, const struct am_row *row)
{
	bool rests;
	int r;

	(void)pthread_mutex_lock(&w->mutex);
	rests = !w->due_ms;
	r = find_room(w);
	if (!r)
		r = watch_clock(w, row);
	if (!r)
		r = find_room(w);
	if (!r)
		add(w, row);
	if (!r && (rests || w->urgent || w->full))
		wake(w);
	(void)pthread_mutex_unlock(&w->mutex);
	return r;
}

bool am_writer_has_room(struct am_writer *w, unsigned rows)
{
	bool room;

	(void)pthread_mutex_lock(&w->mutex);
	room = w->stats.state != AM_WRITER_RUNS || w->unused ||
	       (w->filling && w->filling->n + rows <= AM_BATCH_ROWS);
	(void)pthread_mutex_unlock(&w->mutex);
	return room;
}

void am_writer_lost(struct am_writer *w, enum am_gap reason, uint64_t count, int64_t since_ns)
{
	(void)pthread_mutex_lock(&w->mutex);
	lose(w, reason, count, since_ns);
	if (!w->due_ms) {
		set_due(w);
		wake(w);
	}
	(void)pthread_mutex_unlock(&w->mutex);
}

int am_writer_mark(struct am_writer *w, enum am_mark mark, uint64_t count, const char *why)
{
	const struct am_row row = {
		.wall_ns = am_volume_clock(w->volume, CLOCK_REALTIME),
		.boot_ns = am_volume_clock(w->volume, CLOCK_BOOTTIME),
		.count = count,
		.actor = AM_ROW_NOBODY,
		.deed = { .kind = AM_ROW_MARK, .reason = (uint32_t)mark, .why = why },
	};
	int r;

	(void)pthread_mutex_lock(&w->mutex);
	r = find_room(w);
	if (!r) {
		add(w, &row);
		w->urgent = true;
		wake(w);
	}
	(void)pthread_mutex_unlock(&w->mutex);
	return r;
}

int am_writer_flush(struct am_writer *w)
{
	bool tried = false;
	uint64_t until;
	int r = 0;

	(void)pthread_mutex_lock(&w->mutex);
	until = w->appended;
	while (w->taken < until || w->stats.untold) {
		if (tried && w->stats.state != AM_WRITER_RUNS && w->taken >= until)
			break;
		tried = true;
		w->urgent = true;
		wake(w);
		if (w->has_thread)
			(void)pthread_cond_wait(&w->done, &w->mutex);
	}
	if (w->stats.state != AM_WRITER_RUNS)
		r = w->stats.error;
	(void)pthread_mutex_unlock(&w->mutex);
	return r;
}

void am_writer_stats(struct am_writer *w, struct am_writer_stats *ret)
{
	(void)pthread_mutex_lock(&w->mutex);
	*ret = w->stats;
	ret->waiting = w->appended - w->taken;
	(void)pthread_mutex_unlock(&w->mutex);
}

/* ---- open and close -------------------------------------------------------------------- */

static void set_defaults(struct am_writer_options *o)
{
	if (!o->segment_bytes)
		o->segment_bytes = 32 << 20;
	if (!o->segment_age_s)
		o->segment_age_s = 86400;
	if (!o->interval_ms)
		o->interval_ms = 1000;
	if (!o->level)
		o->level = 1;
}

static int start_thread(struct am_writer *w)
{
	sigset_t all, before;
	int r;

	/* Signals are for the caller's thread. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&w->thread, NULL, run, w);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	w->has_thread = !r;
	return -r;
}

static int init_sync(struct am_writer *w)
{
	pthread_condattr_t attr;
	int r;

	r = pthread_mutex_init(&w->mutex, NULL);
	if (!r)
		r = pthread_condattr_init(&attr);
	if (r)
		return -r;
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);	/* a clock it knows */
	r = pthread_cond_init(&w->work, &attr);
	if (!r)
		r = pthread_cond_init(&w->done, &attr);
	(void)pthread_condattr_destroy(&attr);	/* not used any more */
	return -r;
}

int am_writer_open(const char *path, const struct am_writer_options *options,
		   struct am_writer **ret)
{
	am_auto(am_writer) struct am_writer *w = calloc(1, sizeof(*w));
	int i, r;

	if (!w)
		return -ENOMEM;
	w->options = *options;
	w->full_end = &w->full;
	w->stats.state = AM_WRITER_RUNS;
	set_defaults(&w->options);
	r = init_sync(w);
	if (!r)
		r = am_volume_open(path, &w->options, &w->volume);
	for (i = 0; i < AM_WRITER_BATCHES && !r; i++) {
		r = am_batch_new((uint64_t)randombytes_random() << 32 | randombytes_random(),
				 &w->all[i]);
		if (!r)
			give_back(w, w->all[i]);
	}
	if (!r) {
		w->stats.segment = w->volume->segment;
		w->stats.oldest = w->volume->oldest;
		w->stats.bytes = w->volume->older_bytes + w->volume->done.at;
		w->stats.sealed_ns = w->volume->last_seal_ns;
	}
	if (!r && !w->options.no_thread)
		r = start_thread(w);
	if (r < 0)
		return r;
	*ret = AM_TAKE_PTR(w);
	return 0;
}

static void stop(struct am_writer *w)
{
	(void)pthread_mutex_lock(&w->mutex);
	w->stop = true;
	wake(w);
	(void)pthread_mutex_unlock(&w->mutex);
	if (w->has_thread)
		(void)pthread_join(w->thread, NULL);
	w->has_thread = false;
	if (w->stats.state != AM_WRITER_FAILED)
		(void)am_volume_tell(w->volume, AM_ROW_MARK, AM_MARK_STOP, 0, 0, "");
}

void am_writer_free(struct am_writer *w)
{
	int i;

	if (!w)
		return;
	if (w->volume && w->all[AM_WRITER_BATCHES - 1])
		stop(w);
	am_volume_free(w->volume);
	for (i = 0; i < AM_WRITER_BATCHES; i++)
		am_batch_free(w->all[i]);
	(void)pthread_cond_destroy(&w->work);
	(void)pthread_cond_destroy(&w->done);
	(void)pthread_mutex_destroy(&w->mutex);
	free(w);
}
