/* SPDX-License-Identifier: GPL-2.0 */
/* Texts, each kept once and known by a number, so that what is counted by texts has keys of
 * one size. Bounded: beyond the bound a text is 0, which also is the empty text, and counted. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	AM_POOL_TEXTS_MAX = 1 << 19,
	AM_POOL_BYTES_MAX = 64 << 20,
};

struct am_pool {
	char **texts;		/* owned; the first is "" */
	size_t n;
	size_t bytes;
	uint32_t *slots;	/* owned */
	size_t n_slots;
	uint64_t left_out;
};

/* All zeros is an empty pool. */
void am_pool_done(struct am_pool *p);

/* The number of a text (NULL is ""), copied at its first time. 0 or -ENOMEM. */
int am_pool_add(struct am_pool *p, const char *text, uint32_t *ret);

/* Borrowed. */
const char *am_pool_text(const struct am_pool *p, uint32_t number);
