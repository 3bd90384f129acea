// SPDX-License-Identifier: GPL-2.0
#include "event/origins.h"

#include <errno.h>
#include <string.h>

enum { ROWS = 1024, PER_ROW = 8 };

struct row {
	struct am_label_origin items[PER_ROW];	/* label AM_LABELS_MAX: unused */
	unsigned next;
};

struct am_origins {
	struct row rows[ROWS];
	uint64_t forgotten;
};

int am_origins_new(struct am_origins **ret)
{
	struct am_origins *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	for (size_t i = 0; i < ROWS; i++)
		for (size_t j = 0; j < PER_ROW; j++)
			o->rows[i].items[j].label = AM_LABELS_MAX;
	*ret = o;
	return 0;
}

void am_origins_free(struct am_origins *o)
{
	free(o);
}

uint64_t am_origins_forgotten(const struct am_origins *o)
{
	return o->forgotten;
}

static size_t row_of(uint32_t tgid, uint64_t start_ticks, unsigned label)
{
	uint64_t h = (start_ticks ^ tgid) * 0x9e3779b97f4a7c15ULL + label;

	return (h * 0x9e3779b97f4a7c15ULL) >> 54;
}

_Static_assert(ROWS == 1 << 10, "row_of() takes the upper ten bits");

const struct am_label_origin *am_origins_find(const struct am_origins *o, uint32_t tgid,
					uint64_t start_ticks, unsigned label)
{
	const struct row *row = &o->rows[row_of(tgid, start_ticks, label)];

	for (size_t i = 0; i < PER_ROW; i++) {
		const struct am_label_origin *item = &row->items[i];

		if (item->label == label && item->tgid == tgid && item->start_ticks == start_ticks)
			return item;
	}
	return NULL;
}

static void keep_path(struct am_label_origin *item, const struct am_decoded *e)
{
	size_t len = strlen(e->path), from = 0;

	item->cut = len >= sizeof(item->path);
	if (item->cut)
		from = len - sizeof(item->path) + 1;
	memcpy(item->path, e->path + from, len - from + 1);
}

static void add(struct am_origins *o, const struct am_decoded *e, const struct am_event_id *id,
		int64_t wall_ns, unsigned label)
{
	uint64_t start = am_start_ticks(e->raw.start_ns);
	struct row *row = &o->rows[row_of(e->raw.tgid, start, label)];
	struct am_label_origin *item = &row->items[row->next];

	if (item->label != AM_LABELS_MAX)
		o->forgotten++;
	row->next = (row->next + 1) % PER_ROW;
	*item = (struct am_label_origin){
		.id = *id,
		.wall_ns = wall_ns,
		.start_ticks = start,
		.boottime_ns = e->raw.boottime_ns,
		.tgid = e->raw.tgid,
		.ppid = e->raw.ppid,
		.store = e->raw.store,
		.label = label,
	};
	memcpy(item->comm, e->raw.comm, sizeof(item->comm) - 1);
	keep_path(item, e);
}

/* What was read, or opened for it, as the first of both stands for both; and not refused. */
static bool gives_labels(const struct am_event *e)
{
	bool named = e->act >= AM_ACT_CREATE && e->act <= AM_ACT_RENAME;

	return e->kind == AM_EVENT_ACCESS && e->op == AM_OP_READ && e->act != AM_ACT_EXEC &&
	       !named && !(e->flags & AM_EVENT_BLOCKED);
}

void am_origins_take(struct am_origins *o, const struct am_decoded *e,
		     const struct am_event_id *id, int64_t wall_ns)
{
	if (!gives_labels(&e->raw))
		return;
	for (unsigned label = 0; label < AM_LABELS_MAX; label++)
		if (e->raw.labels >> label & 1 &&
		    !am_origins_find(o, e->raw.tgid, am_start_ticks(e->raw.start_ns), label))
			add(o, e, id, wall_ns, label);
}
