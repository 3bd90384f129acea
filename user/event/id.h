/* SPDX-License-Identifier: GPL-2.0 */
/* The name of an event, for people and for whatever stores it: RUN-RINGCPU-SEQ, such as
 * `12-u0-4711`.
 *
 *   RUN   the run of the agent: the generation of its first policy. Generations are written
 *         to the state directory before they are used and never go back, so no two runs
 *         have the same one
 *   RING  `u` for the urgent ring (findings), `b` for the bulk ring (allowed accesses)
 *   CPU   on which it happened
 *   SEQ   its number in this ring of this CPU, from 1; without gaps unless records were lost
 *
 * All decimal, without leading zeros: an event has one name. It is unique on its host, over
 * restarts and reboots, as long as the state directory lives. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

struct am_event_id {
	uint32_t run;
	bool urgent;
	uint32_t cpu;
	uint64_t seq;
};

enum { AM_EVENT_ID_TEXT = 48 };

void am_event_id_of(const struct am_event *e, uint32_t run, struct am_event_id *ret);

void am_event_id_format(const struct am_event_id *id, char text[AM_EVENT_ID_TEXT]);

/* 0; -EINVAL. *ret is written on success only. */
int am_event_id_parse(const char *text, struct am_event_id *ret);

static inline bool am_event_id_equals(const struct am_event_id *a, const struct am_event_id *b)
{
	return a->seq == b->seq && a->cpu == b->cpu && a->urgent == b->urgent && a->run == b->run;
}
