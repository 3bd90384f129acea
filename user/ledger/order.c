// SPDX-License-Identifier: GPL-2.0
#include "ledger/order.h"

#include <string.h>

enum {
	KEY_LEN = 8,
	FEW = 24,	/* that are put in one by one */
};

/* Eight bytes as a number that is in their order, zeros behind the end. */
static uint64_t key_of(const char *text)
{
	uint64_t key = 0;
	unsigned i;

	for (i = 0; i < KEY_LEN && text[i]; i++)
		key = key << 8 | (unsigned char)text[i];
	return i ? key << 8 * (KEY_LEN - i) : 0;
}

static void insert_few(struct am_placed *all, size_t n)
{
	size_t i, to;

	for (i = 1; i < n; i++) {
		const struct am_placed item = all[i];

		for (to = i; to && all[to - 1].key > item.key; to--)
			all[to] = all[to - 1];
		all[to] = item;
	}
}

static void sort_by_byte(const struct am_placed *from, struct am_placed *to, size_t n, unsigned shift)
{
	size_t begins[256] = { 0 }, i, sum = 0;

	for (i = 0; i < n; i++)
		begins[from[i].key >> shift & 255]++;
	for (i = 0; i < 256; i++) {
		size_t count = begins[i];

		begins[i] = sum;
		sum += count;
	}
	for (i = 0; i < n; i++)
		to[begins[from[i].key >> shift & 255]++] = from[i];
}

/* From the last byte to the first, but for those that all have alike. */
static void sort_many(struct am_placed *all, struct am_placed *room, size_t n)
{
	struct am_placed *from = all, *to = room, *before;
	uint64_t differ = 0;
	unsigned shift;
	size_t i;

	for (i = 1; i < n; i++)
		differ |= all[i].key ^ all[0].key;
	for (shift = 0; shift < 64; shift += 8) {
		if (!(differ >> shift & 255))
			continue;
		sort_by_byte(from, to, n, shift);
		before = from;
		from = to;
		to = before;
	}
	if (from != all)
		memcpy(all, from, n * sizeof(*all));
}

static void sort_from(struct am_placed *all, struct am_placed *room, size_t n, size_t depth)
{
	size_t i, run;

	for (i = 0; i < n; i++)
		all[i].key = key_of(all[i].text + depth);
	if (n <= FEW)
		insert_few(all, n);
	else
		sort_many(all, room, n);
	for (i = 0; i < n; i += run) {
		for (run = 1; i + run < n && all[i + run].key == all[i].key; run++)
			;
		if (run > 1 && all[i].key & 255)	/* these texts go on */
			sort_from(all + i, room, run, depth + KEY_LEN);
	}
}

void am_order_texts(struct am_placed *all, struct am_placed *room, size_t n)
{
	sort_from(all, room, n, 0);
}
