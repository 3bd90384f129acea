// SPDX-License-Identifier: GPL-2.0
#include "ledger/block.h"

#include <errno.h>
#include <string.h>
#include <zstd.h>

#include "base/array.h"
#include "ledger/batch.h"
#include "ledger/bytes.h"
#include "ledger/order.h"

enum {
	DIRECTORY_MAX = AM_COL_MAX_ * (3 + 3 * AM_VARINT_MAX),
	DICT_LEAST = 8,		/* texts that a dictionary may always have */
	ZSTD_WORTH = 48,	/* bytes of a column below which zstd is not tried */
	RAW_MAX = AM_BATCH_TEXT + AM_BATCH_ROWS * 2 * AM_VARINT_MAX,
};

struct entry {
	uint8_t id;
	uint8_t encoding;
	uint8_t width;
	uint64_t base;
	size_t stored;
	size_t raw;
};

struct am_press {
	ZSTD_CCtx *zstd;	/* owned, as what follows */
	int level;
	uint64_t *values;	/* of the column at hand */
	struct am_placed *places;	/* of the objects, by path; and as many for the sorting */
	uint32_t *ranks;	/* where an object is among them */
	uint8_t *raw;
	uint8_t *data;		/* of all columns */
	size_t data_size;
	size_t data_len;
	uint8_t *frame;
	size_t frame_size;
	struct entry entries[AM_COL_MAX_];
	unsigned n_entries;
	uint64_t filter[AM_FILTER_WORDS];
};

int am_press_new(int level, struct am_press **ret)
{
	am_auto(am_press) struct am_press *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->level = level;
	p->zstd = ZSTD_createCCtx();
	p->values = malloc(AM_BATCH_ROWS * sizeof(*p->values));
	p->places = malloc(2 * AM_BATCH_ROWS * sizeof(*p->places));
	p->ranks = malloc(AM_BATCH_ROWS * sizeof(*p->ranks));
	p->raw = malloc(RAW_MAX);
	if (!p->zstd || !p->values || !p->places || !p->ranks || !p->raw)
		return -ENOMEM;
	*ret = AM_TAKE_PTR(p);
	return 0;
}

void am_press_free(struct am_press *p)
{
	if (!p)
		return;
	(void)ZSTD_freeCCtx(p->zstd);	/* fails never */
	free(p->values);
	free(p->places);
	free(p->ranks);
	free(p->raw);
	free(p->data);
	free(p->frame);
	free(p);
}

static int grow(uint8_t **bytes, size_t *size, size_t wanted)
{
	size_t to = *size ? *size : 65536;
	uint8_t *p;

	while (to < wanted)
		to *= 2;
	if (to == *size)
		return 0;
	p = realloc(*bytes, to);
	if (!p)
		return -ENOMEM;
	*bytes = p;
	*size = to;
	return 0;
}

/* ---- order of objects ----------------------------------------------------------- */

/* Neighbours in a folder share most of their paths, and of the columns beside them. */
static void sort_objects(struct am_press *p, const struct am_batch *b)
{
	const struct am_row_object *object = (const void *)b->tables[AM_TABLE_OBJECTS].items;
	uint32_t n = b->tables[AM_TABLE_OBJECTS].n, i;

	for (i = 0; i < n; i++)
		p->places[i] = (struct am_placed){ object[i].path, 0, i };
	am_order_texts(p->places, p->places + AM_BATCH_ROWS, n);
	for (i = 0; i < n; i++)
		p->ranks[p->places[i].index] = i;
}

/* ---- columns ------------------------------------------------------------------ */

/* The column's members in a table: where the first is, and how far they are apart. */
struct strip {
	const uint8_t *first;
	size_t step;
	uint32_t n;
	const struct am_placed *order;	/* NULL: as they came */
};

static struct strip strip_of(const struct am_press *p, const struct am_batch *b,
			     const struct am_schema *s)
{
	const struct am_batch_table *t = &b->tables[s->table];

	if (s->table == AM_TABLE_ROWS)
		return (struct strip){ (const uint8_t *)b->rows + s->offset, sizeof(*b->rows), b->n,
				       NULL };
	return (struct strip){ t->items + s->offset, am_parts[s->table].size, t->n,
			       s->table == AM_TABLE_OBJECTS ? p->places : NULL };
}

static const void *member_at(const struct strip *strip, uint32_t i)
{
	return strip->first + (strip->order ? strip->order[i].index : i) * strip->step;
}

static void gather(const struct strip *strip, unsigned size, uint64_t *to)
{
	uint32_t i;

	if (size == 4) {
		for (i = 0; i < strip->n; i++)
			to[i] = *(const uint32_t *)member_at(strip, i);
	} else {
		for (i = 0; i < strip->n; i++)
			to[i] = *(const uint64_t *)member_at(strip, i);
	}
}

/* Rows name objects by where they are now. */
static void rank_objects(struct am_press *p, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		p->values[i] = p->ranks[p->values[i]];
}

static unsigned width_of(uint64_t range)
{
	if (!range)
		return 0;
	if (range <= UINT8_MAX)
		return 1;
	if (range <= UINT16_MAX)
		return 2;
	return range <= UINT32_MAX ? 4 : 8;
}

static size_t write_fixed(struct am_press *p, uint32_t n, struct entry *e)
{
	uint64_t min = p->values[0], max = min;
	uint8_t *to = p->raw;
	uint32_t i;

	for (i = 1; i < n; i++) {
		min = p->values[i] < min ? p->values[i] : min;
		max = p->values[i] > max ? p->values[i] : max;
	}
	e->base = min;
	e->width = (uint8_t)width_of(max - min);
	switch (e->width) {
	case 0:
		return 0;
	case 1:
		for (i = 0; i < n; i++)
			to[i] = (uint8_t)(p->values[i] - min);
		break;
	case 2:
		for (i = 0; i < n; i++) {
			uint16_t v = htole16((uint16_t)(p->values[i] - min));

			memcpy(to + 2 * i, &v, 2);
		}
		break;
	case 4:
		for (i = 0; i < n; i++)
			am_put32(to + 4 * i, (uint32_t)(p->values[i] - min));
		break;
	default:
		for (i = 0; i < n; i++)
			am_put64(to + 8 * i, p->values[i] - min);
	}
	return (size_t)n * e->width;
}

static size_t write_delta(struct am_press *p, uint32_t n, struct entry *e)
{
	uint64_t last = p->values[0];
	uint8_t *to = p->raw;
	uint32_t i;

	e->base = last;
	for (i = 0; i < n; i++) {
		to = am_put_varint(to, am_zigzag(p->values[i] - last));
		last = p->values[i];
	}
	return (size_t)(to - p->raw);
}

static size_t write_lane(struct am_press *p, const struct am_batch *b, struct entry *e)
{
	uint64_t last[AM_LANES];
	uint8_t *to = p->raw;
	uint32_t i;

	e->base = p->values[0];
	for (i = 0; i < AM_LANES; i++)
		last[i] = e->base;
	for (i = 0; i < b->n; i++) {
		uint64_t *before = &last[b->rows[i].cpu % AM_LANES];

		to = am_put_varint(to, am_zigzag(p->values[i] - *before));
		*before = p->values[i];
	}
	return (size_t)(to - p->raw);
}

static size_t shared_bytes(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

static uint8_t *put_text(uint8_t *to, const char *before, const char *text)
{
	size_t shared = shared_bytes(before, text), len = strlen(text + shared);

	to = am_put_varint(to, shared);
	to = am_put_varint(to, len);
	return mempcpy(to, text + shared, len);
}

static const char *text_at(const struct strip *strip, uint32_t i)
{
	return *(const char *const *)member_at(strip, i);
}

static size_t write_texts(struct am_press *p, const struct strip *strip)
{
	const char *before = "";
	uint8_t *to = p->raw;
	uint32_t i;

	for (i = 0; i < strip->n; i++) {
		const char *text = text_at(strip, i);

		to = put_text(to, before, text);
		before = text;
	}
	return (size_t)(to - p->raw);
}

/* Texts of which there are few: each once, and which it is for every value. */
struct dict {
	const char *texts[AM_DICT_MAX];
	uint16_t slots[4 * AM_DICT_MAX];	/* hash table of index + 1 */
	unsigned n;
};

/* Its index; AM_DICT_MAX if there is no room for one more. */
static unsigned dict_index(struct dict *d, const char *text)
{
	unsigned at = (unsigned)(am_filter_hash(0, text, strlen(text)) >> 40) % AM_COUNT(d->slots);

	for (; d->slots[at]; at = (at + 1) % AM_COUNT(d->slots))
		if (!strcmp(d->texts[d->slots[at] - 1], text))
			return d->slots[at] - 1U;
	if (d->n == AM_DICT_MAX)
		return AM_DICT_MAX;
	d->texts[d->n] = text;
	d->slots[at] = (uint16_t)++d->n;
	return d->n - 1;
}

/* Fills in which of the dictionary each value is. False if there are too many texts, so
 * that a dictionary would not be worth it. */
static bool find_dict(struct am_press *p, const struct strip *strip, struct dict *d)
{
	uint32_t i, which = 0;

	for (i = 0; i < strip->n; i++) {
		if (!i || strcmp(text_at(strip, i), d->texts[which]) != 0)
			which = dict_index(d, text_at(strip, i));
		if (which == AM_DICT_MAX || d->n > DICT_LEAST + i / 2)
			return false;
		p->values[i] = which;
	}
	return true;
}

static size_t write_dict(struct am_press *p, const struct strip *strip, const struct dict *d)
{
	uint8_t *to = am_put_varint(p->raw, d->n);
	uint32_t i;

	for (i = 0; i < d->n; i++)
		to = put_text(to, i ? d->texts[i - 1] : "", d->texts[i]);
	for (i = 0; i < strip->n; i++)
		*to++ = (uint8_t)p->values[i];
	return (size_t)(to - p->raw);
}

/* 0 if all are empty. */
static size_t write_text_column(struct am_press *p, const struct strip *strip, struct entry *e)
{
	struct dict d = { .n = 0 };

	if (!find_dict(p, strip, &d))
		return write_texts(p, strip);
	if (d.n == 1 && !d.texts[0][0])
		return 0;
	e->encoding = AM_ENC_DICT;
	return write_dict(p, strip, &d);
}

/* Stores what is in `raw`, smaller if zstd makes it so. */
static int store(struct am_press *p, struct entry *e)
{
	size_t n = 0;
	int r;

	r = grow(&p->data, &p->data_size, p->data_len + ZSTD_compressBound(e->raw));
	if (r < 0)
		return r;
	if (e->raw >= ZSTD_WORTH) {
		n = ZSTD_compressCCtx(p->zstd, p->data + p->data_len, p->data_size - p->data_len,
				      p->raw, e->raw, p->level);
		if (ZSTD_isError(n))
			return -ENOMEM;	/* nothing else is left: there is room enough */
	}
	if (n && n < e->raw) {
		e->encoding |= AM_ENC_ZSTD;
		e->stored = n;
	} else {
		memcpy(p->data + p->data_len, p->raw, e->raw);
		e->stored = e->raw;
	}
	p->data_len += e->stored;
	return 0;
}

static int add_column(struct am_press *p, const struct am_batch *b, unsigned column)
{
	const struct am_schema *s = &am_schema[column];
	struct entry *e = &p->entries[p->n_entries];
	const struct strip strip = strip_of(p, b, s);

	*e = (struct entry){ .id = (uint8_t)column, .encoding = s->encoding };
	if (s->encoding == AM_ENC_TEXT) {
		e->raw = write_text_column(p, &strip, e);
		if (!e->raw)
			return 0;
	} else {
		gather(&strip, s->size, p->values);
		if (column == AM_COL_OBJECT)
			rank_objects(p, strip.n);
		e->raw = s->encoding == AM_ENC_FIXED ? write_fixed(p, strip.n, e) :
			 s->encoding == AM_ENC_DELTA ? write_delta(p, strip.n, e) :
						       write_lane(p, b, e);
		if (s->encoding == AM_ENC_FIXED && !e->width && !e->base)
			return 0;	/* all zeros */
	}
	p->n_entries++;
	return store(p, e);
}

/* ---- skip data ---------------------------------------------------------------- */

uint64_t am_filter_hash(enum am_column column, const void *value, size_t len)
{
	uint64_t h = (0xcbf29ce484222325ULL ^ (uint8_t)column) * 0x100000001b3ULL;
	const uint8_t *p = value;
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3ULL;
	return h;
}

static void filter_add(uint64_t *filter, uint32_t words, enum am_column column, const void *value,
		       size_t len)
{
	uint64_t h = am_filter_hash(column, value, len), bit;
	unsigned i;

	for (i = 0; i < 3; i++) {
		bit = (h >> 20 * i) % (words * 64);
		filter[bit / 64] |= 1ULL << bit % 64;
	}
}

static void filter_text(struct am_press *p, uint32_t words, enum am_column column, const char *text)
{
	if (text[0])
		filter_add(p->filter, words, column, text, strlen(text));
}

/* About ten bits for each value, and few values are told often. */
static uint32_t fill_filter(struct am_press *p, const struct am_batch *b)
{
	const struct am_row_actor *actor = (const void *)b->tables[AM_TABLE_ACTORS].items;
	const struct am_row_object *object = (const void *)b->tables[AM_TABLE_OBJECTS].items;
	uint32_t n = b->tables[AM_TABLE_ACTORS].n, words = 1, i;
	const char *before = "";

	while (words < AM_FILTER_WORDS && words * 64 < n * 20 + 40)
		words *= 2;
	memset(p->filter, 0, words * sizeof(*p->filter));
	for (i = 0; i < n; i++) {
		uint8_t pid[4];

		am_put32(pid, actor[i].pid);
		filter_add(p->filter, words, AM_COL_PID, pid, sizeof(pid));
		filter_text(p, words, AM_COL_USER, actor[i].user);
		filter_text(p, words, AM_COL_EXE, actor[i].exe);
		filter_text(p, words, AM_COL_UNIT, actor[i].unit);
	}
	for (i = 0; i < b->tables[AM_TABLE_OBJECTS].n; before = object[i++].store)
		if (strcmp(before, object[i].store) != 0)
			filter_text(p, words, AM_COL_STORE, object[i].store);
	return words;
}

static void put_walls(uint8_t *head, const struct am_batch *b)
{
	int64_t min = (int64_t)b->rows[0].wall, max = min;
	uint32_t i;

	for (i = 1; i < b->n; i++) {
		int64_t wall = (int64_t)b->rows[i].wall;

		min = wall < min ? wall : min;
		max = wall > max ? wall : max;
	}
	am_put64(head + 24, (uint64_t)min);
	am_put64(head + 32, (uint64_t)max);
}

static void put_range(uint8_t *at, const struct am_batch *b, size_t member)
{
	const struct strip strip = { b->tables[AM_TABLE_ACTORS].items + member,
				     sizeof(struct am_row_actor), b->tables[AM_TABLE_ACTORS].n, NULL };
	uint32_t min = UINT32_MAX, max = 0, i;

	for (i = 0; i < strip.n; i++) {
		uint32_t v = *(const uint32_t *)(strip.first + i * strip.step);

		min = v < min ? v : min;
		max = v > max ? v : max;
	}
	am_put32(at, min);
	am_put32(at + 4, max);
}

static void put_kinds(uint8_t *head, const struct am_batch *b)
{
	const struct am_row_deed *deed = (const void *)b->tables[AM_TABLE_DEEDS].items;
	uint64_t kinds = 0;
	uint32_t verdicts = 0, ops = 0, i;

	for (i = 0; i < b->tables[AM_TABLE_DEEDS].n; i++) {
		kinds |= 1ULL << deed[i].kind % 64;
		verdicts |= 1U << deed[i].verdict % 32;
		ops |= 1U << deed[i].op % 32;
	}
	am_put64(head + 56, kinds);
	am_put32(head + 64, verdicts);
	am_put32(head + 68, ops);
}

/* ---- frame -------------------------------------------------------------------- */

static uint8_t *put_directory(const struct am_press *p, uint8_t *to)
{
	unsigned i;

	for (i = 0; i < p->n_entries; i++) {
		const struct entry *e = &p->entries[i];

		*to++ = e->id;
		*to++ = e->encoding;
		*to++ = e->width;
		to = am_put_varint(to, e->base);
		to = am_put_varint(to, e->stored);
		to = am_put_varint(to, e->raw);
	}
	return to;
}

static void put_head(const struct am_press *p, const struct am_batch *b, uint64_t first_row,
		     uint32_t words, uint8_t *head)
{
	int t;

	memset(head, 0, AM_BLOCK_HEAD_LEN);
	memcpy(head, "AMBK", 4);
	am_put32(head + 8, b->n);
	am_put64(head + 16, first_row);
	put_walls(head, b);
	put_range(head + 40, b, offsetof(struct am_row_actor, pid));
	put_range(head + 48, b, offsetof(struct am_row_actor, uid));
	put_kinds(head, b);
	for (t = AM_TABLE_ACTORS; t < AM_TABLE_MAX_; t++)
		am_put32(head + 68 + 4 * t, b->tables[t].n);
	head[88] = (uint8_t)p->n_entries;
	head[90] = (uint8_t)words;
	head[91] = (uint8_t)(words >> 8);
}

int am_press_block(struct am_press *p, const struct am_batch *b, uint64_t first_row,
		   uint8_t **ret, size_t *ret_len)
{
	uint32_t words = fill_filter(p, b), i;
	size_t size;
	uint8_t *to;
	int r = 0;

	sort_objects(p, b);
	p->data_len = 0;
	p->n_entries = 0;
	for (i = 0; i < AM_COL_MAX_ && !r; i++)
		r = add_column(p, b, i);
	if (!r)
		r = grow(&p->frame, &p->frame_size, AM_BLOCK_HEAD_LEN + sizeof(p->filter) +
			 DIRECTORY_MAX + p->data_len + AM_HASH_LEN);
	if (r < 0)
		return r;
	put_head(p, b, first_row, words, p->frame);
	to = p->frame + AM_BLOCK_HEAD_LEN;
	for (i = 0; i < words; i++, to += 8)
		am_put64(to, p->filter[i]);
	to = put_directory(p, to);
	am_put32(p->frame + 12, (uint32_t)(to - p->frame));
	to = mempcpy(to, p->data, p->data_len);
	size = (size_t)(to - p->frame) + AM_HASH_LEN;
	if (size > AM_LEDGER_FRAME_MAX)
		return -EFBIG;
	am_put32(p->frame + 4, (uint32_t)size);
	*ret = p->frame;
	*ret_len = size;
	return 0;
}
