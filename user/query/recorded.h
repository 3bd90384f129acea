/* SPDX-License-Identifier: GPL-2.0 */
/* A row of the ledger as the event that it was, so that what reads, explains or decides
 * events does the same with those of the past. */
#pragma once

#include <stdbool.h>

#include "event/event.h"
#include "event/format.h"
#include "ledger/row.h"

/* Whether the row is an event: not a gap, not a mark. Then *ret is it, and its names are
 * borrowed from the row; `within` and `host` are not known. */
bool am_recorded_event(const struct am_row *row, struct am_decoded *ret,
		       struct am_event_names *ret_names);

enum { AM_RECORDED_ADDR = 16 };

/* A destination as an event has it: IPv4 as ::ffff:a.b.c.d, network byte order. */
void am_recorded_addr(const struct am_row_dest *dest, uint8_t ret[AM_RECORDED_ADDR]);

/* Its address, port, protocol, family and zones; the rest of *ret is left alone. */
void am_recorded_dest(const struct am_row_dest *dest, struct am_event *ret);

/* A gap or a mark in a line like an event's. 0 or -errno of the stream. */
int am_recorded_note(FILE *out, const struct am_row *row, bool color);
