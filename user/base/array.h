/* SPDX-License-Identifier: GPL-2.0 */
/* Arrays that grow one item at a time: a pointer and a count, with room for the
 * next power of two, so that no third field has to be kept. */
#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define AM_COUNT(array) (sizeof(array) / sizeof(*(array)))

/* `items` with room for one more than `count`, moved if need be; NULL, and `items`
 * left as it was, for lack of memory. */
static inline void *am_array_room(void *items, size_t count, size_t item_size)
{
	size_t room = count ? count * 2 : 1;

	if (count & (count - 1))	/* between two powers of two there is room */
		return items;
	if (room > SIZE_MAX / item_size)
		return NULL;
	return realloc(items, room * item_size);
}

/* Appends `item` (taken): 0 or -ENOMEM. */
#define AM_APPEND(items, count, item)                                              \
	({                                                                         \
		void *room_ = am_array_room((items), (count), sizeof(*(items)));   \
		if (room_) {                                                       \
			(items) = room_;                                           \
			(items)[(count)++] = (item);                               \
		}                                                                  \
		room_ ? 0 : -ENOMEM;                                               \
	})
