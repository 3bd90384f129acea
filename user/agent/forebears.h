/* SPDX-License-Identifier: GPL-2.0 */
/* Whom processes descend from, on the way into the record. The kernel tells it once per process; one
 * and the same ancestor comes with many, and is told once.
 *
 * Bounded: AM_FOREBEARS_MAX of those that were told are remembered. When the place of another
 * one is needed it is forgotten, and is told again should it come again: the record has it twice
 * then, and lacks nothing. */
#pragma once

#include <stdbool.h>

#include "base/cleanup.h"
#include "event/event.h"

enum { AM_FOREBEARS_MAX = 4096 };

struct am_forebears;

/* 0 or -ENOMEM. *ret is owned. */
int am_forebears_new(struct am_forebears **ret);

/* Whether this one has been told. From now on it has. */
bool am_forebears_knew(struct am_forebears *f, const struct am_ancestor *a);

/* An ancestor of the event's process as an event of its own, AM_ACT_ANCESTOR, with what it runs at
 * this moment if it still does. */
void am_forebears_event(const struct am_decoded *of, const struct am_ancestor *a,
			struct am_decoded *ret);

void am_forebears_free(struct am_forebears *f);
AM_DEFINE_AUTO(am_forebears);
