/* SPDX-License-Identifier: GPL-2.0 */
/* The two rings of events, read. Urgent records come first. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct am_engine;
struct am_ring;

/* Called per record; the bytes are borrowed and not to be trusted. */
typedef void (*am_ring_take)(void *ctx, const void *bytes, size_t len);

/* *ret is owned and must not outlive the engine. 0 or -errno. */
int am_ring_open(struct am_engine *e, am_ring_take take, void *ctx, struct am_ring **ret);

/* Readable when an urgent record waits, or many others. Few others must be looked for. */
int am_ring_fd(const struct am_ring *ring);

/* Takes at most `budget` records. 1 when there may be more; 0; -errno. */
int am_ring_consume(struct am_ring *ring, size_t budget);

void am_ring_free(struct am_ring *ring);
AM_DEFINE_AUTO(am_ring);
