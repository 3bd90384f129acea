/* SPDX-License-Identifier: GPL-2.0 */
/* How many bytes were handed to the calls of sends: at most so much was sent, beside what was
 * sent by those of which nobody said how much. A call that took less than it was handed, and is
 * made again with the rest, counts the rest again. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "ledger/row.h"

struct am_handed {
	uint64_t bytes;
	uint64_t unsized;	/* sends that may have sent more than is in `bytes` */
};

/* Whether the row is of a send, or of several, whose bytes are all known. */
static inline bool am_handed_is_known(const struct am_row *row)
{
	return row->deed.op == AM_OP_SEND && row->deed.flags & AM_EVENT_SIZED;
}

/* Of a row that is no send nothing is added. */
static inline void am_handed_add(struct am_handed *h, const struct am_row *row)
{
	if (row->deed.op != AM_OP_SEND)
		return;
	/* Without the flag the bytes are some of all; older agents told those of a device's inode. */
	h->bytes += row->object.bytes;
	if (!am_handed_is_known(row))
		h->unsized += row->deed.kind == AM_EVENT_REPEAT ? row->count : 1;
}

static inline void am_handed_join(struct am_handed *h, const struct am_handed *other)
{
	h->bytes += other->bytes;
	h->unsized += other->unsized;
}
