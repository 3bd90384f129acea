/* SPDX-License-Identifier: GPL-2.0 */
/* Items of one size that are found again by their key, which are their first bytes: numbers,
 * without padding. Bounded; what finds no room is counted. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct am_tally {
	size_t item_size;
	size_t key_size;
	size_t max;
	char *items;		/* owned */
	size_t n;
	uint32_t *slots;	/* owned */
	size_t n_slots;
	uint64_t left_out;	/* times that there was no room for a key */
};

#define AM_TALLY(type, key_size_, max_) \
	((struct am_tally){ .item_size = sizeof(type), .key_size = (key_size_), .max = (max_) })

/* An item of the tally, of its type; valid until the next one is added. */
#define AM_TALLY_AT(tally, type, i) ((type *)(void *)((tally)->items + (size_t)(i) * sizeof(type)))

void am_tally_done(struct am_tally *t);

/* The number of the item with the key of `item`; if there is none, `item` is copied. 0;
 * -ENOSPC if there is no room; -ENOMEM. */
int am_tally_add(struct am_tally *t, const void *item, uint32_t *ret);

/* 0; -ENOENT. */
int am_tally_find(const struct am_tally *t, const void *key, uint32_t *ret);
