/* SPDX-License-Identifier: GPL-2.0 */
/* Texts in the order of their bytes. Of some thousand paths, most of which begin alike, the
 * common way compares the same beginnings again and again; here each byte is looked at once or
 * so, eight at a time. The time is bounded by the bytes of all texts, whatever they are. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct am_placed {
	const char *text;	/* borrowed */
	uint64_t key;		/* scratch */
	uint32_t index;		/* the caller's */
};

/* Equal ones stay as they came. `room` is as large as `all`, for what is between. */
void am_order_texts(struct am_placed *all, struct am_placed *room, size_t n);
