// SPDX-License-Identifier: GPL-2.0
#include "ledger/block.h"

#include <errno.h>
#include <string.h>
#include <zstd.h>

#include "ledger/bytes.h"

struct column {
	bool listed;
	bool loaded;
	uint8_t encoding;
	uint8_t width;
	uint64_t base;
	uint32_t at;		/* of its data in the block */
	uint32_t stored;
	uint32_t raw;
	uint64_t *numbers;	/* owned; of texts: where each begins in `chars` */
	size_t room;		/* of `numbers` */
	char *chars;		/* owned; the texts, each with its NUL */
	size_t chars_size;
};

struct am_block {
	struct am_block_head head;
	struct column columns[AM_COL_MAX_];
	ZSTD_DCtx *zstd;	/* owned, as the next two */
	uint8_t *stored;
	size_t stored_size;
	uint8_t *raw;
	size_t raw_size;
};

int am_block_new(struct am_block **ret)
{
	am_auto(am_block) struct am_block *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->zstd = ZSTD_createDCtx();
	if (!b->zstd)
		return -ENOMEM;
	*ret = AM_TAKE_PTR(b);
	return 0;
}

void am_block_free(struct am_block *b)
{
	int i;

	if (!b)
		return;
	for (i = 0; i < AM_COL_MAX_; i++) {
		free(b->columns[i].numbers);
		free(b->columns[i].chars);
	}
	(void)ZSTD_freeDCtx(b->zstd);	/* fails never */
	free(b->stored);
	free(b->raw);
	free(b);
}

/* ---- head --------------------------------------------------------------------- */

static bool entries_hold(const struct am_block_head *h)
{
	int t;

	for (t = AM_TABLE_ACTORS; t < AM_TABLE_MAX_; t++)
		if (!h->entries[t] || h->entries[t] > h->rows)
			return false;
	return true;
}

static bool head_holds(const struct am_block_head *h)
{
	uint32_t words = h->filter_words;

	return h->rows && h->rows <= AM_BLOCK_ROWS && h->size <= AM_LEDGER_FRAME_MAX && h->first_row &&
	       words <= AM_FILTER_WORDS && !(words & (words - 1)) && entries_hold(h) &&
	       h->data >= AM_BLOCK_HEAD_LEN + words * 8 && h->size >= AM_HASH_LEN &&
	       h->data <= h->size - AM_HASH_LEN;
}

int am_block_head(const uint8_t *bytes, struct am_block_head *ret)
{
	struct am_block_head h = {
		.size = am_get32(bytes + 4),
		.rows = am_get32(bytes + 8),
		.data = am_get32(bytes + 12),
		.first_row = am_get64(bytes + 16),
		.wall_min = (int64_t)am_get64(bytes + 24),
		.wall_max = (int64_t)am_get64(bytes + 32),
		.pid_min = am_get32(bytes + 40),
		.pid_max = am_get32(bytes + 44),
		.uid_min = am_get32(bytes + 48),
		.uid_max = am_get32(bytes + 52),
		.kinds = am_get64(bytes + 56),
		.verdicts = am_get32(bytes + 64),
		.ops = am_get32(bytes + 68),
		.columns = am_get16(bytes + 88),
		.filter_words = am_get16(bytes + 90),
	};
	int t;

	h.entries[AM_TABLE_ROWS] = h.rows;
	for (t = AM_TABLE_ACTORS; t < AM_TABLE_MAX_; t++)
		h.entries[t] = am_get32(bytes + 68 + 4 * t);
	if (memcmp(bytes, "AMBK", 4) != 0 || am_get32(bytes + 92) || !head_holds(&h))
		return -EBADMSG;
	*ret = h;
	return 0;
}

bool am_filter_may_have(const uint8_t *filter, uint32_t words, enum am_column column,
			const void *value, size_t len)
{
	uint64_t h = am_filter_hash(column, value, len), bit;
	unsigned i;

	for (i = 0; words && i < 3; i++) {
		bit = (h >> 20 * i) % (words * 64);
		if (!(am_get64(filter + bit / 64 * 8) >> bit % 64 & 1))
			return false;
	}
	return true;
}

/* ---- directory ---------------------------------------------------------------- */

/* Whether a column of this build can be what the directory says of it. */
static bool column_holds(const struct am_block *b, unsigned id, const struct column *c)
{
	const struct am_schema *s = &am_schema[id];
	uint32_t n = b->head.entries[s->table];
	unsigned encoding = c->encoding & ~AM_ENC_ZSTD;

	if (c->raw > AM_COLUMN_MAX || (!(c->encoding & AM_ENC_ZSTD) && c->raw != c->stored))
		return false;
	if ((encoding == AM_ENC_TEXT || encoding == AM_ENC_DICT) != (s->encoding == AM_ENC_TEXT))
		return false;
	if (encoding == AM_ENC_LANE && s->table != AM_TABLE_ROWS)
		return false;
	if (encoding == AM_ENC_FIXED)
		return c->width <= 8 && !(c->width & (c->width - 1)) &&
		       c->raw == (uint64_t)n * c->width;
	return encoding > AM_ENC_FIXED && encoding < AM_ENC_MAX_ && !c->width;
}

static const uint8_t *read_entry(const uint8_t *p, const uint8_t *end, unsigned *ret_id,
				 struct column *ret)
{
	uint64_t base, stored, raw;

	if (end - p < 3)
		return NULL;
	*ret_id = p[0];
	ret->encoding = p[1];
	ret->width = p[2];
	p = am_get_varint(p + 3, end, &base);
	if (p)
		p = am_get_varint(p, end, &stored);
	if (p)
		p = am_get_varint(p, end, &raw);
	if (!p || stored > AM_LEDGER_FRAME_MAX || raw > AM_LEDGER_FRAME_MAX)
		return NULL;
	ret->base = base;
	ret->stored = (uint32_t)stored;
	ret->raw = (uint32_t)raw;
	return p;
}

static void list_column(struct column *c, const struct column *said, uint32_t at)
{
	c->listed = true;
	c->encoding = said->encoding;
	c->width = said->width;
	c->base = said->base;
	c->stored = said->stored;
	c->raw = said->raw;
	c->at = at;
}

int am_block_begin(struct am_block *b, const struct am_block_head *head, const uint8_t *bytes)
{
	const uint8_t *p = bytes + AM_BLOCK_HEAD_LEN + head->filter_words * 8;
	const uint8_t *end = bytes + head->data;
	uint32_t at = head->data, i;
	unsigned id, least = 0;

	b->head = *head;
	for (i = 0; i < AM_COL_MAX_; i++)
		b->columns[i].listed = b->columns[i].loaded = false;
	for (i = 0; i < head->columns; i++, least = id + 1) {
		struct column said = { 0 };

		p = read_entry(p, end, &id, &said);
		if (!p || id < least || said.stored > head->size - AM_HASH_LEN - at)
			return -EBADMSG;
		if (id < AM_COL_MAX_) {
			if (!column_holds(b, id, &said))
				return -EBADMSG;
			list_column(&b->columns[id], &said, at);
		}
		at += said.stored;
	}
	return p == end && at == head->size - AM_HASH_LEN ? 0 : -EBADMSG;
}

/* ---- columns ------------------------------------------------------------------ */

static int need(void **bytes, size_t *size, size_t wanted)
{
	void *p;

	if (wanted <= *size)
		return 0;
	free(*bytes);	/* what is in it is not needed any more */
	*bytes = NULL;
	*size = 0;
	p = malloc(wanted);
	if (!p)
		return -ENOMEM;
	*bytes = p;
	*size = wanted;
	return 0;
}

static int fetch(struct am_block *b, const struct column *c, am_block_read read, void *ctx,
		 const uint8_t **ret)
{
	size_t n;
	int r;

	/* Never of size 0: what comes out is a pointer in any case. */
	r = need((void **)&b->stored, &b->stored_size, c->stored + 1);
	if (!r)
		r = read(ctx, c->at, b->stored, c->stored);
	*ret = b->stored;
	if (r < 0 || !(c->encoding & AM_ENC_ZSTD))
		return r;
	r = need((void **)&b->raw, &b->raw_size, c->raw + 1);
	if (r < 0)
		return r;
	n = ZSTD_decompressDCtx(b->zstd, b->raw, c->raw, b->stored, c->stored);
	*ret = b->raw;
	return ZSTD_isError(n) || n != c->raw ? -EBADMSG : 0;
}

static void read_fixed(const struct column *c, const uint8_t *p, uint32_t n)
{
	uint32_t i;

	switch (c->width) {
	case 0:
		for (i = 0; i < n; i++)
			c->numbers[i] = c->base;
		break;
	case 1:
		for (i = 0; i < n; i++)
			c->numbers[i] = c->base + p[i];
		break;
	case 2:
		for (i = 0; i < n; i++)
			c->numbers[i] = c->base + am_get16(p + 2 * i);
		break;
	case 4:
		for (i = 0; i < n; i++)
			c->numbers[i] = c->base + am_get32(p + 4 * i);
		break;
	default:
		for (i = 0; i < n; i++)
			c->numbers[i] = c->base + am_get64(p + 8 * i);
	}
}

static int read_delta(const struct column *c, const uint8_t *p, uint32_t n)
{
	const uint8_t *end = p + c->raw;
	uint64_t last = c->base, v;
	uint32_t i;

	for (i = 0; i < n; i++) {
		p = am_get_varint(p, end, &v);
		if (!p)
			return -EBADMSG;
		c->numbers[i] = last += am_unzigzag(v);
	}
	return p == end ? 0 : -EBADMSG;
}

static int read_lane(const struct am_block *b, const struct column *c, const uint8_t *p, uint32_t n)
{
	const uint64_t *cpu = b->columns[AM_COL_CPU].numbers;
	const uint8_t *end = p + c->raw;
	uint64_t last[AM_LANES], v;
	uint32_t i;

	for (i = 0; i < AM_LANES; i++)
		last[i] = c->base;
	for (i = 0; i < n; i++) {
		p = am_get_varint(p, end, &v);
		if (!p)
			return -EBADMSG;
		c->numbers[i] = last[cpu[i] % AM_LANES] += am_unzigzag(v);
	}
	return p == end ? 0 : -EBADMSG;
}

/* Room for `more` bytes behind `used`. */
static int grow_chars(struct column *c, size_t used, size_t more)
{
	size_t wanted = c->chars_size * 2 > used + more ? c->chars_size * 2 : used + more;
	char *p;

	if (used + more <= c->chars_size)
		return 0;
	p = realloc(c->chars, wanted);
	if (!p)
		return -ENOMEM;
	c->chars = p;
	c->chars_size = wanted;
	return 0;
}

struct text {
	char bytes[AM_TEXT_MAX];
	size_t len;
};

/* The next one, which shares its first bytes with the one before. The byte behind, or NULL.
 * A NUL within one only makes it shorter for who reads it. */
static const uint8_t *next_text(const uint8_t *p, const uint8_t *end, struct text *t)
{
	uint64_t shared, len;

	p = am_get_varint(p, end, &shared);
	if (p)
		p = am_get_varint(p, end, &len);
	if (!p || shared > t->len || len >= AM_TEXT_MAX || shared + len >= AM_TEXT_MAX ||
	    len > (size_t)(end - p))
		return NULL;
	memcpy(t->bytes + shared, p, len);
	t->len = shared + len;
	return p + len;
}

/* `n` texts into c->chars, which begins with the empty one; where each is into `begins`. *ret
 * is behind them. */
static int read_text_list(struct column *c, uint64_t *begins, const uint8_t *needed,
			  const uint8_t *p, const uint8_t *end, uint32_t n, const uint8_t **ret)
{
	struct text t = { .len = 0 };
	size_t total = 0, used = 1;
	uint32_t i;
	int r = grow_chars(c, 0, 1);

	if (r < 0)
		return r;
	c->chars[0] = '\0';
	for (i = 0; i < n; i++) {
		p = next_text(p, end, &t);
		total += t.len + 1;
		if (!p || total > AM_COLUMN_MAX)
			return -EBADMSG;
		begins[i] = 0;
		if (needed && !needed[i])
			continue;
		r = grow_chars(c, used, t.len + 1);
		if (r < 0)
			return r;
		begins[i] = used;
		memcpy(c->chars + used, t.bytes, t.len);
		c->chars[used + t.len] = '\0';
		used += t.len + 1;
	}
	*ret = p;
	return 0;
}

static int read_texts(struct column *c, const uint8_t *needed, const uint8_t *p, uint32_t n)
{
	const uint8_t *end = p + c->raw, *behind;
	int r = read_text_list(c, c->numbers, needed, p, end, n, &behind);

	return r < 0 ? r : behind == end ? 0 : -EBADMSG;
}

static int read_dict(struct column *c, const uint8_t *p, uint32_t n)
{
	const uint8_t *end = p + c->raw, *which;
	uint64_t d, begins[AM_DICT_MAX];
	uint32_t i;
	int r;

	p = am_get_varint(p, end, &d);
	if (!p || !d || d > AM_DICT_MAX)
		return -EBADMSG;
	r = read_text_list(c, begins, NULL, p, end, (uint32_t)d, &which);
	if (r < 0)
		return r;
	if ((size_t)(end - which) != n)
		return -EBADMSG;
	for (i = 0; i < n; i++) {
		if (which[i] >= d)
			return -EBADMSG;
		c->numbers[i] = begins[which[i]];
	}
	return 0;
}

static int read_zeros(struct column *c, bool texts, uint32_t n)
{
	int r = texts ? need((void **)&c->chars, &c->chars_size, 1) : 0;

	if (r < 0)
		return r;
	if (texts)
		c->chars[0] = '\0';
	memset(c->numbers, 0, n * sizeof(*c->numbers));
	return 0;
}

static int read_listed(struct am_block *b, struct column *c, uint32_t n, const uint8_t *needed,
		       am_block_read read, void *ctx)
{
	const uint8_t *raw;
	int r = fetch(b, c, read, ctx, &raw);

	if (r < 0)
		return r;
	switch (c->encoding & ~AM_ENC_ZSTD) {
	case AM_ENC_FIXED:
		read_fixed(c, raw, n);
		return 0;
	case AM_ENC_DELTA:
		return read_delta(c, raw, n);
	case AM_ENC_LANE:
		return read_lane(b, c, raw, n);
	case AM_ENC_DICT:
		return read_dict(c, raw, n);
	default:
		return read_texts(c, needed, raw, n);
	}
}

static bool indexes_hold(const struct am_block *b, unsigned id)
{
	uint64_t limit = b->head.entries[id - AM_COL_ACTOR + AM_TABLE_ACTORS];
	const uint64_t *numbers = b->columns[id].numbers;
	bool bad = false;
	uint32_t i;

	for (i = 0; i < b->head.rows; i++)	/* without a way out: the compiler takes several at once */
		bad |= numbers[i] >= limit;
	return !bad;
}

static int load_column(struct am_block *b, unsigned id, const uint8_t *const *needed,
		       am_block_read read, void *ctx)
{
	const struct am_schema *s = &am_schema[id];
	struct column *c = &b->columns[id];
	uint32_t n = b->head.entries[s->table];
	size_t bytes = c->room;
	int r;

	if (c->loaded)
		return 0;
	r = need((void **)&c->numbers, &bytes, n * sizeof(*c->numbers));
	c->room = bytes;
	if (!r)
		r = c->listed ? read_listed(b, c, n, needed ? needed[s->table] : NULL, read, ctx) :
				read_zeros(c, s->encoding == AM_ENC_TEXT, n);
	if (!r && id <= AM_COL_DEED && !indexes_hold(b, id))
		r = -EBADMSG;
	c->loaded = !r;
	return r;
}

int am_block_load(struct am_block *b, uint64_t columns, const uint8_t *const *needed,
		  am_block_read read, void *ctx)
{
	unsigned id;
	int r = 0;

	if (columns >> AM_COL_SEQ & 1)
		columns |= 1ULL << AM_COL_CPU;	/* comes first, as its id is lower */
	for (id = 0; id < AM_COL_MAX_ && !r; id++)
		if (columns >> id & 1)
			r = load_column(b, id, needed, read, ctx);
	return r;
}

const uint64_t *am_block_numbers(const struct am_block *b, enum am_column column)
{
	return b->columns[column].numbers;
}

const char *am_block_text(const struct am_block *b, enum am_column column, uint32_t i)
{
	return b->columns[column].chars + b->columns[column].numbers[i];
}

/* ---- rows --------------------------------------------------------------------- */

static void fill_part(const struct am_block *b, unsigned id, uint32_t i, void *part)
{
	const struct am_schema *s = &am_schema[id];
	uint8_t *to = (uint8_t *)part + s->offset;

	if (s->encoding == AM_ENC_TEXT) {
		const char *text = am_block_text(b, id, i);

		memcpy(to, &text, sizeof(text));
	} else if (s->size == 4) {
		*(uint32_t *)to = (uint32_t)b->columns[id].numbers[i];
	} else {
		*(uint64_t *)to = b->columns[id].numbers[i];
	}
}

void am_block_row(const struct am_block *b, uint32_t i, struct am_row *ret)
{
	struct am_row_core core = { 0 };
	unsigned id;

	*ret = (struct am_row){ .number = b->head.first_row + i };
	for (id = 0; id < AM_COL_MAX_; id++) {
		const struct am_schema *s = &am_schema[id];

		if (!b->columns[id].loaded)
			continue;
		if (s->table == AM_TABLE_ROWS)
			fill_part(b, id, i, &core);
		else if (b->columns[AM_COL_ACTOR + s->table - AM_TABLE_ACTORS].loaded)
			fill_part(b, id, core.part[s->table - 1],
				  (uint8_t *)ret + am_parts[s->table].offset);
	}
	ret->event = core.event;
	ret->wall_ns = (int64_t)core.wall;
	ret->boot_ns = (int64_t)(core.wall - core.boot);
	ret->cpu = core.cpu;
	ret->seq = core.seq;
	ret->count = core.count;
	ret->since_ns = (int64_t)core.since;
}
