/* SPDX-License-Identifier: GPL-2.0 */
#include "kernel/ring.h"

#include <errno.h>

#include "kernel/object.h"

struct am_ring {
	struct ring_buffer *buffer;	/* owned */
	am_ring_take take;
	void *ctx;
	size_t budget;			/* left of the call under way */
};

/* A negative result ends libbpf's round, after this record has been given back. */
enum { ENOUGH = -ECANCELED };

static int take_one(void *ctx, void *bytes, size_t len)
{
	struct am_ring *ring = ctx;

	ring->take(ring->ctx, bytes, len);
	return --ring->budget ? 0 : ENOUGH;
}

int am_ring_open(struct am_engine *e, am_ring_take take, void *ctx, struct am_ring **ret)
{
	am_auto(am_ring) struct am_ring *ring = calloc(1, sizeof(*ring));
	int urgent = bpf_map__fd(e->object->maps.am_urgent);
	int bulk = bpf_map__fd(e->object->maps.am_bulk), r;

	if (!ring)
		return -ENOMEM;
	ring->take = take;
	ring->ctx = ctx;
	ring->buffer = ring_buffer__new(urgent, take_one, ring, NULL);
	if (!ring->buffer)
		return -errno;
	r = ring_buffer__add(ring->buffer, bulk, take_one, ring);
	if (r < 0)
		return r;
	*ret = AM_TAKE_PTR(ring);
	return 0;
}

int am_ring_fd(const struct am_ring *ring)
{
	return ring_buffer__epoll_fd(ring->buffer);
}

int am_ring_consume(struct am_ring *ring, size_t budget)
{
	int r;

	if (!budget)
		return 1;
	ring->budget = budget;
	r = ring_buffer__consume(ring->buffer);
	if (r == ENOUGH)
		return 1;
	return r < 0 ? r : 0;
}

void am_ring_free(struct am_ring *ring)
{
	if (!ring)
		return;
	ring_buffer__free(ring->buffer);
	free(ring);
}
