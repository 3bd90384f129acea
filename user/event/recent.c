// SPDX-License-Identifier: GPL-2.0
#include "event/recent.h"

#include <errno.h>
#include <string.h>

#include "event/origins.h"

struct ring {
	struct am_recent_item *items;	/* owned */
	size_t room;
	size_t count;
	size_t next;	/* where the next one goes: the oldest, once the ring is full */
};

struct am_recent {
	struct ring findings;
	struct ring others;
};

int am_recent_new(size_t findings, size_t others, struct am_recent **ret)
{
	am_auto(am_recent) struct am_recent *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->findings.items = calloc(findings, sizeof(*r->findings.items));
	r->others.items = calloc(others, sizeof(*r->others.items));
	if (!r->findings.items || !r->others.items)
		return -ENOMEM;
	r->findings.room = findings;
	r->others.room = others;
	*ret = AM_TAKE_PTR(r);
	return 0;
}

static void done_item(struct am_recent_item *item)
{
	free(item->path);
	free(item->exe);
	free(item->script);
	free(item->groups);
	*item = (struct am_recent_item){ 0 };
}

static void done_ring(struct ring *ring)
{
	for (size_t i = 0; i < ring->count; i++)
		done_item(&ring->items[i]);
	free(ring->items);
}

void am_recent_free(struct am_recent *r)
{
	if (!r)
		return;
	done_ring(&r->findings);
	done_ring(&r->others);
	free(r);
}

int am_recent_add(struct am_recent *r, const struct am_decoded *e, const struct am_event_id *id,
		  int64_t wall_ns)
{
	struct ring *ring = id->urgent ? &r->findings : &r->others;
	struct am_recent_item item = { .id = *id, .wall_ns = wall_ns, .raw = e->raw };

	item.path = strdup(e->path);
	item.exe = strdup(e->exe);
	item.script = strdup(e->script);
	item.groups = malloc(e->n_groups * sizeof(*item.groups) + 1);
	item.n_groups = e->n_groups;
	if (!item.path || !item.exe || !item.script || !item.groups) {
		done_item(&item);
		return -ENOMEM;
	}
	memcpy(item.groups, e->groups, e->n_groups * sizeof(*item.groups));
	if (ring->count == ring->room)
		done_item(&ring->items[ring->next]);
	else
		ring->count++;
	ring->items[ring->next] = item;
	ring->next = (ring->next + 1) % ring->room;
	return 0;
}

/* The i-th from the latest on. */
static const struct am_recent_item *nth(const struct ring *ring, size_t i)
{
	return &ring->items[(ring->next + ring->room - 1 - i) % ring->room];
}

const struct am_recent_item *am_recent_find(const struct am_recent *r,
					    const struct am_event_id *id)
{
	const struct ring *ring = id->urgent ? &r->findings : &r->others;

	for (size_t i = 0; i < ring->count; i++)
		if (am_event_id_equals(&nth(ring, i)->id, id))
			return nth(ring, i);
	return NULL;
}

static bool fits(const struct am_recent_item *item, const struct am_recent_wish *wish)
{
	return item->raw.verdict == AM_VERDICT_DENY &&
	       (!wish->has_pid || item->raw.tgid == wish->pid) &&
	       (!wish->has_uid || item->raw.uid == wish->uid);
}

/* Rings of several CPUs come one after the other: the latest is not always the last. */
const struct am_recent_item *am_recent_last(const struct am_recent *r,
					    const struct am_recent_wish *wish)
{
	const struct am_recent_item *best = NULL;

	for (size_t i = 0; i < r->findings.count; i++) {
		const struct am_recent_item *item = nth(&r->findings, i);

		if (fits(item, wish) && (!best || item->raw.boottime_ns > best->raw.boottime_ns))
			best = item;
	}
	return best;
}

static bool ring_uses(const struct ring *ring, uint32_t generation)
{
	for (size_t i = 0; i < ring->count; i++)
		if (ring->items[i].raw.generation == generation)
			return true;
	return false;
}

bool am_recent_uses(const struct am_recent *r, uint32_t generation)
{
	return ring_uses(&r->findings, generation) || ring_uses(&r->others, generation);
}

const struct am_recent_item *am_recent_oldest(const struct am_recent *r, bool finding)
{
	const struct ring *ring = finding ? &r->findings : &r->others;

	return ring->count ? nth(ring, ring->count - 1) : NULL;
}

static const struct am_recent_item *earlier(const struct ring *ring, uint32_t tgid,
					    uint64_t start_ticks, const struct am_recent_item *best)
{
	for (size_t i = 0; i < ring->count; i++) {
		const struct am_recent_item *item = &ring->items[i];

		if (item->raw.tgid == tgid && am_start_ticks(item->raw.start_ns) == start_ticks &&
		    (!best || item->raw.boottime_ns < best->raw.boottime_ns))
			best = item;
	}
	return best;
}

uint32_t am_recent_parent(const struct am_recent *r, uint32_t tgid, uint64_t start_ticks)
{
	const struct am_recent_item *first = earlier(&r->findings, tgid, start_ticks, NULL);

	first = earlier(&r->others, tgid, start_ticks, first);
	return first ? first->raw.ppid : 0;
}
