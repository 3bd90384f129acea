// SPDX-License-Identifier: GPL-2.0
#include "query/touched.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "abi.h"
#include "query/word.h"

struct file {
	uint64_t ino;		/* the key */
	uint32_t touch, dev, igen, path_if_no_ino;
	uint64_t bytes;
};

/* A socket that a process has sent through: the kernel tells its destination once. */
struct socket {
	uint64_t ino;		/* the key */
	uint32_t dev, process;
	uint32_t target;
};

void am_touches_init(struct am_touches *t, struct am_pool *pool)
{
	*t = (struct am_touches){
		.pool = pool,
		.touches = AM_TALLY(struct am_touched, offsetof(struct am_touched, done),
				    AM_TOUCHES_MAX),
		.files = AM_TALLY(struct file, offsetof(struct file, bytes), AM_TOUCH_FILES_MAX),
		.sockets = AM_TALLY(struct socket, offsetof(struct socket, target),
				    AM_TOUCH_FILES_MAX),
	};
}

void am_touches_done(struct am_touches *t)
{
	am_tally_done(&t->touches);
	am_tally_done(&t->files);
	am_tally_done(&t->sockets);
}

/* No room is no failure: the tally has counted it. */
static int or_left_out(int r)
{
	return r == -ENOSPC ? 0 : r;
}

/* ---- where it went -------------------------------------------------------------------------- */

static int find_place(struct am_touches *t, uint32_t process, const struct am_row *row, uint32_t *ret)
{
	struct socket s = { .ino = row->object.ino, .dev = row->object.dev, .process = process };
	char text[AM_WORD_TEXT_MAX];
	uint32_t i;
	int r;

	if (row->deed.kind == AM_EVENT_REPEAT) {
		*ret = am_tally_find(&t->sockets, &s, &i) < 0 ? 0 :
			AM_TALLY_AT(&t->sockets, struct socket, i)->target;
		return 0;
	}
	r = am_pool_add(t->pool, am_word_dest(row, text), ret);
	s.target = *ret;
	return r || !s.ino ? r : or_left_out(am_tally_add(&t->sockets, &s, &i));
}

static int find_key(struct am_touches *t, uint32_t process, const struct am_row *row,
		    struct am_touched *ret)
{
	*ret = (struct am_touched){ .process = process, .op = row->deed.op,
				  .first_ns = row->wall_ns, .last_ns = row->wall_ns };
	if (row->deed.kind == AM_EVENT_SPILL)
		ret->op = AM_TOUCH_COPY;
	if (row->deed.op == AM_OP_SEND)
		return find_place(t, process, row, &ret->target);
	return am_pool_add(t->pool, row->object.store, &ret->target);
}

/* ---- how much ---------------------------------------------------------------------------------- */

static int count_file(struct am_touches *t, uint32_t touch, const struct am_row *row)
{
	const struct am_row_object *o = &row->object;
	struct file key = { .ino = o->ino, .dev = o->dev, .igen = o->igen, .touch = touch }, *f;
	uint64_t bytes = row->deed.flags & AM_EVENT_DIR ? 0 : o->bytes;
	struct am_touched *sum;
	size_t before = t->files.n;
	uint32_t i;
	int r = o->ino ? 0 : am_pool_add(t->pool, o->path, &key.path_if_no_ino);

	if (!r)
		r = am_tally_add(&t->files, &key, &i);
	if (r < 0)
		return or_left_out(r);
	sum = AM_TALLY_AT(&t->touches, struct am_touched, touch);
	f = AM_TALLY_AT(&t->files, struct file, i);
	sum->files += t->files.n - before;
	sum->unsized += t->files.n - before;
	if (bytes <= f->bytes)
		return 0;
	sum->unsized -= !f->bytes;
	sum->bytes += bytes - f->bytes;
	f->bytes = bytes;
	return 0;
}

int am_touches_add(struct am_touches *t, uint32_t process, const struct am_row *row)
{
	uint64_t times = row->deed.kind == AM_EVENT_REPEAT ? row->count : 1;
	struct am_touched key, *sum;
	uint32_t i;
	int r;

	/* What the kernel says of a folder or of code is no access. */
	if (!row->deed.op && row->deed.kind != AM_EVENT_SPILL)
		return 0;
	r = find_key(t, process, row, &key);
	if (!r)
		r = am_tally_add(&t->touches, &key, &i);
	if (r < 0)
		return or_left_out(r);
	sum = AM_TALLY_AT(&t->touches, struct am_touched, i);
	if (row->wall_ns < sum->first_ns)
		sum->first_ns = row->wall_ns;
	if (row->wall_ns > sum->last_ns)
		sum->last_ns = row->wall_ns;
	if (row->deed.flags & AM_EVENT_BLOCKED) {
		sum->refused += times;
		return 0;
	}
	sum->done += times;
	if (row->deed.verdict == AM_VERDICT_DENY)
		sum->breaches += times;
	am_handed_add(&sum->handed, row);
	return key.op == AM_OP_SEND ? 0 : count_file(t, i, row);
}

/* ---- the answer ---------------------------------------------------------------------------------- */

static int compare_touches(const void *a, const void *b)
{
	const struct am_touched *x = a, *y = b;

	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	if (x->op != y->op)
		return x->op < y->op ? -1 : 1;
	if (x->done + x->refused != y->done + y->refused)
		return x->done + x->refused > y->done + y->refused ? -1 : 1;
	return x->target < y->target ? -1 : x->target > y->target;
}

void am_touches_sort(struct am_touches *t)
{
	if (t->touches.n)
		qsort(t->touches.items, t->touches.n, sizeof(struct am_touched), compare_touches);
}

const struct am_touched *am_touches_of(const struct am_touches *t, uint32_t process, size_t *ret_n)
{
	const struct am_touched *all = (const void *)t->touches.items;
	size_t low = 0, high = t->touches.n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (all[mid].process < process)
			low = mid + 1;
		else
			high = mid;
	}
	for (high = low; high < t->touches.n && all[high].process == process; high++)
		;
	*ret_n = high - low;
	return *ret_n ? &all[low] : NULL;
}

uint64_t am_touches_left_out(const struct am_touches *t)
{
	return t->touches.left_out + t->files.left_out + t->sockets.left_out;
}
