// SPDX-License-Identifier: GPL-2.0
#include "ledger/batch.h"

#include <errno.h>
#include <string.h>

#include "ledger/bytes.h"

enum {
	SLOTS = 2 * AM_BATCH_ROWS,	/* a power of two */
	TEXTS = 15,
	/* What the texts of one row may take. */
	ROW_TEXT = TEXTS * AM_TEXT_MAX,
};

int am_batch_new(uint64_t seed, struct am_batch **ret)
{
	am_auto(am_batch) struct am_batch *b = calloc(1, sizeof(*b));
	int t;

	if (!b)
		return -ENOMEM;
	b->seed = seed;
	b->rows = malloc(AM_BATCH_ROWS * sizeof(*b->rows));
	b->text = malloc(AM_BATCH_TEXT);
	if (!b->rows || !b->text)
		return -ENOMEM;
	for (t = AM_TABLE_ACTORS; t < AM_TABLE_MAX_; t++) {
		struct am_batch_table *table = &b->tables[t];

		table->items = malloc((size_t)AM_BATCH_ROWS * am_parts[t].size);
		table->hashes = malloc(AM_BATCH_ROWS * sizeof(*table->hashes));
		table->slots = calloc(SLOTS, sizeof(*table->slots));
		if (!table->items || !table->slots || !table->hashes)
			return -ENOMEM;
	}
	*ret = AM_TAKE_PTR(b);
	return 0;
}

void am_batch_free(struct am_batch *b)
{
	int t;

	if (!b)
		return;
	for (t = 0; t < AM_TABLE_MAX_; t++) {
		free(b->tables[t].items);
		free(b->tables[t].slots);
		free(b->tables[t].hashes);
	}
	free(b->rows);
	free(b->text);
	free(b);
}

bool am_batch_is_full(const struct am_batch *b)
{
	return b->n == AM_BATCH_ROWS || b->text_len > AM_BATCH_TEXT - ROW_TEXT;
}

void am_batch_clear(struct am_batch *b)
{
	int t;

	for (t = AM_TABLE_ACTORS; t < AM_TABLE_MAX_; t++) {
		struct am_batch_table *table = &b->tables[t];

		if (table->n)
			memset(table->slots, 0, SLOTS * sizeof(*table->slots));
		table->n = 0;
		memset(table->last, 0, sizeof(table->last));
	}
	b->n = 0;
	b->accesses = 0;
	b->text_len = 0;
	b->finding = false;
	b->next = NULL;
}

/* ---- parts ------------------------------------------------------------------ */

static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Up to eight bytes: as two words that may overlap, or as three bytes that may. */
static uint64_t tail_of(const uint8_t *p, size_t len)
{
	if (len >= 4)
		return (uint64_t)am_get32(p) << 32 | am_get32(p + len - 4);
	return len ? (uint64_t)p[0] << 16 | (uint64_t)p[len / 2] << 8 | p[len - 1] : 0;
}

static uint64_t hash_bytes(uint64_t h, const void *bytes, size_t len)
{
	const uint8_t *p = bytes, *end = p + len;

	for (; end - p > 8; p += 8)
		h = mix(h ^ am_get64(p), 0x9e3779b97f4a7c15ULL);
	return mix(h ^ tail_of(p, (size_t)(end - p)), 0xc2b2ae3d27d4eb4fULL ^ len);
}

static const char *const *texts_of(const struct am_part *part, const void *item)
{
	return (const char *const *)((const char *)item + part->numbers);
}

static bool is_same(const struct am_part *part, const void *have, const void *item)
{
	const char *const *a = texts_of(part, have), *const *b = texts_of(part, item);
	unsigned i;

	if (memcmp(have, item, part->numbers) != 0)
		return false;
	for (i = 0; i < part->texts; i++)
		if (a[i] != b[i] && strcmp(a[i], b[i] ? b[i] : "") != 0)
			return false;
	return true;
}

static uint32_t hash_part(uint64_t seed, const struct am_part *part, const void *item)
{
	const char *const *texts = texts_of(part, item);
	uint64_t h = hash_bytes(seed, item, part->numbers);
	unsigned i;

	for (i = 0; i < part->texts; i++)
		if (texts[i])
			h = hash_bytes(h, texts[i], strnlen(texts[i], AM_TEXT_MAX - 1));
	return (uint32_t)(h >> 32);
}

static const char *keep_text(struct am_batch *b, const char *text)
{
	size_t len = text ? strnlen(text, AM_TEXT_MAX - 1) : 0;
	char *to = b->text + b->text_len;

	if (!len)
		return "";
	memcpy(to, text, len);
	to[len] = '\0';
	b->text_len += len + 1;
	return to;
}

static void keep(struct am_batch *b, const struct am_part *part, void *to, const void *item)
{
	const char **texts = (const char **)((char *)to + part->numbers);
	unsigned i;

	memcpy(to, item, part->size);
	for (i = 0; i < part->texts; i++)
		texts[i] = keep_text(b, texts[i]);
}

/* A text that had to be cut never compares equal and is kept anew: rare, and no loss. */
static uint32_t find(struct am_batch *b, int t, uint64_t cpu, const void *item)
{
	const struct am_part *part = &am_parts[t];
	struct am_batch_table *table = &b->tables[t];
	uint32_t *last = &table->last[cpu % AM_BATCH_LANES];
	uint32_t hash, at;

	if (table->n && is_same(part, table->items + (size_t)*last * part->size, item))
		return *last;
	hash = hash_part(b->seed, part, item);
	for (at = hash % SLOTS; table->slots[at]; at = (at + 1) % SLOTS) {
		uint32_t i = table->slots[at] - 1;

		if (table->hashes[i] == hash &&
		    is_same(part, table->items + (size_t)i * part->size, item))
			return *last = i;
	}
	keep(b, part, table->items + (size_t)table->n * part->size, item);
	table->hashes[table->n] = hash;
	*last = table->n++;
	table->slots[at] = table->n;
	return *last;
}

void am_batch_add(struct am_batch *b, const struct am_row *row)
{
	struct am_row_core *core = &b->rows[b->n++];
	int t;

	*core = (struct am_row_core){
		.wall = (uint64_t)row->wall_ns,
		.boot = (uint64_t)row->wall_ns - (uint64_t)row->boot_ns,
		.event = row->event,
		.cpu = row->cpu,
		.seq = row->seq,
		.count = row->count,
		.since = (uint64_t)row->since_ns,
	};
	for (t = AM_TABLE_ACTORS; t < AM_TABLE_MAX_; t++)
		core->part[t - 1] = find(b, t, row->cpu, (const char *)row + am_parts[t].offset);
	b->accesses += am_row_accesses(row);
	b->finding |= am_row_is_finding(row);
}
