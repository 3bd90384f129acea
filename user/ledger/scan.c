// SPDX-License-Identifier: GPL-2.0
#include "ledger/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/host.h"
#include "ledger/block.h"
#include "ledger/bytes.h"
#include "ledger/chain.h"
#include "ledger/file.h"
#include "ledger/passed.h"

enum {
	HEAD_ROOM = 8192,	/* read at a time where a frame begins: mostly its whole head */
	DATA_MAX = AM_BLOCK_HEAD_LEN + 8 * AM_FILTER_WORDS + UINT16_MAX,
};

struct am_scan {
	int dir;			/* borrowed */
	const struct am_query *query;	/* borrowed */
	uint64_t wanted;		/* columns */
	uint64_t asked;			/* columns that the query is about, of parts */
	struct am_listing listing;
	size_t next_segment;
	int fd;				/* owned; of the segment at hand */
	uint64_t size;
	uint64_t at;			/* of the next frame */
	struct am_block *block;		/* owned */
	struct am_block_head head;	/* of the block at hand */
	uint64_t block_at;
	uint32_t *hits;			/* owned; rows of the block that match */
	uint32_t n_hits;
	uint32_t next_hit;
	uint8_t *bytes;			/* owned; where a block begins */
	/* owned; per entry of a table: whether it matches, then whether a row that does has it */
	uint8_t *fits[AM_TABLE_MAX_];
	bool tested[AM_TABLE_MAX_];	/* the query is about this table */
	struct am_host_id host;		/* of the segment at hand */
	struct am_scan_counts counts;
};

/* ---- what is asked ---------------------------------------------------------------- */

static uint64_t index_of(unsigned table)
{
	return AM_COLUMN_BIT(AM_COL_ACTOR + table - AM_TABLE_ACTORS);
}

static void ask(struct am_scan *s, enum am_column column)
{
	unsigned table = am_schema[column].table;

	s->tested[table] = true;
	s->asked |= AM_COLUMN_BIT(column) | index_of(table);
}

static void find_asked(struct am_scan *s)
{
	const struct am_query *q = s->query;

	if (q->kinds)
		ask(s, AM_COL_KIND);
	if (q->verdicts)
		ask(s, AM_COL_VERDICT);
	if (q->ops)
		ask(s, AM_COL_OP);
	if (q->store)
		ask(s, AM_COL_STORE);
	if (q->path)
		ask(s, AM_COL_PATH);
	if (q->user)
		ask(s, AM_COL_USER);
	if (q->exe)
		ask(s, AM_COL_EXE);
	if (q->unit)
		ask(s, AM_COL_UNIT);
	if (q->has_pid)
		ask(s, AM_COL_PID);
	if (q->has_uid)
		ask(s, AM_COL_UID);
}

/* Columns of a part need the index of the part in the row. */
static uint64_t with_indexes(uint64_t columns)
{
	unsigned id;

	for (id = 0; id < AM_COL_MAX_; id++)
		if (columns >> id & 1 && am_schema[id].table != AM_TABLE_ROWS)
			columns |= index_of(am_schema[id].table);
	/* CLOCK_BOOTTIME is kept as a distance. */
	if (columns & AM_COLUMN_BIT(AM_COL_BOOT))
		columns |= AM_COLUMN_BIT(AM_COL_WALL);
	return columns;
}

int am_scan_open(int dirfd, const struct am_query *query, uint64_t columns, struct am_scan **ret)
{
	am_auto(am_scan) struct am_scan *s = calloc(1, sizeof(*s));
	int t, r;

	if (!s)
		return -ENOMEM;
	s->dir = dirfd;
	s->fd = -1;
	s->query = query;
	s->wanted = with_indexes(columns);
	find_asked(s);
	s->bytes = malloc(DATA_MAX > HEAD_ROOM ? DATA_MAX : HEAD_ROOM);
	s->hits = calloc(AM_BLOCK_ROWS, sizeof(*s->hits));
	if (!s->bytes || !s->hits)
		return -ENOMEM;
	for (t = AM_TABLE_ACTORS; t < AM_TABLE_MAX_; t++) {
		s->fits[t] = malloc(AM_BLOCK_ROWS);
		if (!s->fits[t])
			return -ENOMEM;
	}
	r = am_block_new(&s->block);
	if (!r)
		r = am_passed_is(dirfd) ? am_passed_listing(dirfd, &s->listing)
					: am_listing_read(dirfd, false, &s->listing);
	if (r < 0)
		return r;
	*ret = AM_TAKE_PTR(s);
	return 0;
}

void am_scan_free(struct am_scan *s)
{
	int t;

	if (!s)
		return;
	if (s->fd >= 0)
		(void)close(s->fd);
	am_listing_done(&s->listing);
	am_block_free(s->block);
	for (t = 0; t < AM_TABLE_MAX_; t++)
		free(s->fits[t]);
	free(s->hits);
	free(s->bytes);
	free(s);
}

const struct am_host_id *am_scan_host(const struct am_scan *s)
{
	return &s->host;
}

void am_scan_counts(const struct am_scan *s, struct am_scan_counts *ret)
{
	*ret = s->counts;
}

/* ---- blocks -------------------------------------------------------------------------- */

static bool outside(uint64_t low, uint64_t high, uint64_t min, uint64_t max)
{
	return max < low || min > high;
}

static bool lacks(const struct am_block_head *h, const uint8_t *filter, enum am_column column,
		  const char *text)
{
	return text && text[0] &&
	       !am_filter_may_have(filter, h->filter_words, column, text, strlen(text));
}

/* Whether no row of the block can match. */
static bool is_skipped(const struct am_query *q, const struct am_block_head *h)
{
	if ((q->since_ns && h->wall_max < q->since_ns) || (q->until_ns && h->wall_min >= q->until_ns))
		return true;
	if (outside(q->first_row, q->last_row ? q->last_row : UINT64_MAX, h->first_row,
		    h->first_row + h->rows - 1))
		return true;
	if ((q->kinds && !(q->kinds & h->kinds)) || (q->verdicts && !(q->verdicts & h->verdicts)) ||
	    (q->ops && !(q->ops & h->ops)))
		return true;
	return (q->has_pid && outside(q->pid, q->pid, h->pid_min, h->pid_max)) ||
	       (q->has_uid && outside(q->uid, q->uid, h->uid_min, h->uid_max));
}

static bool is_filtered(const struct am_query *q, const struct am_block_head *h,
			const uint8_t *filter)
{
	uint8_t pid[4];

	am_put32(pid, q->pid);
	if (q->has_pid && !am_filter_may_have(filter, h->filter_words, AM_COL_PID, pid, sizeof(pid)))
		return true;
	return lacks(h, filter, AM_COL_STORE, q->store) || lacks(h, filter, AM_COL_USER, q->user) ||
	       lacks(h, filter, AM_COL_EXE, q->exe) || lacks(h, filter, AM_COL_UNIT, q->unit);
}

static int read_block(void *ctx, uint32_t at, void *to, size_t len)
{
	const struct am_scan *s = ctx;

	return am_read_at(s->fd, to, len, (off_t)(s->block_at + at));
}

static void fit_text(struct am_scan *s, enum am_column column, const char *text)
{
	unsigned table = am_schema[column].table;
	const uint64_t *begins;
	uint64_t tried = UINT64_MAX;
	uint8_t *fits = s->fits[table];
	bool fit = false;
	uint32_t i;

	if (!text)
		return;
	/* Texts of a dictionary are kept once, and mostly come in runs. */
	begins = am_block_numbers(s->block, column);
	for (i = 0; i < s->head.entries[table]; i++) {
		if (begins[i] != tried)
			fit = !strcmp(am_block_text(s->block, column, i), text);
		tried = begins[i];
		fits[i] &= fit;
	}
}

static void fit_number(struct am_scan *s, enum am_column column, uint64_t number)
{
	unsigned table = am_schema[column].table;
	const uint64_t *numbers = am_block_numbers(s->block, column);
	uint32_t i;

	for (i = 0; i < s->head.entries[table]; i++)
		s->fits[table][i] &= numbers[i] == number;
}

static void fit_bits(struct am_scan *s, enum am_column column, uint64_t bits)
{
	const uint64_t *numbers;
	uint32_t i;

	if (!bits)
		return;
	numbers = am_block_numbers(s->block, column);
	for (i = 0; i < s->head.entries[AM_TABLE_DEEDS]; i++)
		s->fits[AM_TABLE_DEEDS][i] &= numbers[i] < 64 && bits >> numbers[i] & 1;
}

/* Which entries of the tables match: each is tried once, however many rows have it. */
static void fit_tables(struct am_scan *s)
{
	const struct am_query *q = s->query;
	int t;

	for (t = AM_TABLE_ACTORS; t < AM_TABLE_MAX_; t++)
		memset(s->fits[t], 1, s->head.entries[t]);
	fit_bits(s, AM_COL_KIND, q->kinds);
	fit_bits(s, AM_COL_VERDICT, q->verdicts);
	fit_bits(s, AM_COL_OP, q->ops);
	fit_text(s, AM_COL_STORE, q->store);
	fit_text(s, AM_COL_PATH, q->path);
	fit_text(s, AM_COL_USER, q->user);
	fit_text(s, AM_COL_EXE, q->exe);
	fit_text(s, AM_COL_UNIT, q->unit);
	if (q->has_pid)
		fit_number(s, AM_COL_PID, q->pid);
	if (q->has_uid)
		fit_number(s, AM_COL_UID, q->uid);
}

static bool any_fits(const struct am_scan *s)
{
	int t;

	for (t = AM_TABLE_ACTORS; t < AM_TABLE_MAX_; t++)
		if (s->tested[t] && !memchr(s->fits[t], 1, s->head.entries[t]))
			return false;
	return true;
}

/* Whether some row of the block may lie outside of the time that is asked for. */
static bool is_cut(const struct am_query *q, const struct am_block_head *h)
{
	return (q->since_ns && h->wall_min < q->since_ns) || (q->until_ns && h->wall_max >= q->until_ns);
}

/* The rows of the block that are asked for by number. */
static void find_range(const struct am_scan *s, uint32_t *ret_from, uint32_t *ret_to)
{
	const struct am_query *q = s->query;
	uint64_t first = s->head.first_row;

	*ret_from = q->first_row > first ? (uint32_t)(q->first_row - first) : 0;
	*ret_to = s->head.rows;
	if (q->last_row && q->last_row - first < s->head.rows)
		*ret_to = (uint32_t)(q->last_row - first) + 1;
}

static void drop_by_time(struct am_scan *s)
{
	const uint64_t *wall = am_block_numbers(s->block, AM_COL_WALL);
	const struct am_query *q = s->query;
	uint32_t kept = 0, i;

	for (i = 0; i < s->n_hits; i++) {
		int64_t at = (int64_t)wall[s->hits[i]];

		s->hits[kept] = s->hits[i];
		kept += (!q->since_ns || at >= q->since_ns) && (!q->until_ns || at < q->until_ns);
	}
	s->n_hits = kept;
}

static void drop_by_table(struct am_scan *s, unsigned table)
{
	const uint64_t *index = am_block_numbers(s->block, AM_COL_ACTOR + table - AM_TABLE_ACTORS);
	const uint8_t *fits = s->fits[table];
	uint32_t kept = 0, i;

	for (i = 0; i < s->n_hits; i++) {
		s->hits[kept] = s->hits[i];
		kept += fits[index[s->hits[i]]];
	}
	s->n_hits = kept;
}

static void find_hits(struct am_scan *s, bool cut)
{
	uint32_t from, to;
	unsigned t;

	find_range(s, &from, &to);
	for (s->n_hits = 0; from < to; from++)
		s->hits[s->n_hits++] = from;
	for (t = AM_TABLE_ACTORS; t < AM_TABLE_MAX_; t++)
		if (s->tested[t])
			drop_by_table(s, t);
	if (cut)
		drop_by_time(s);
}

/* The columns that are wanted are decoded when a row matches, not before. */
static int enter_block(struct am_scan *s)
{
	bool cut = is_cut(s->query, &s->head);
	int r = am_block_begin(s->block, &s->head, s->bytes);

	if (!r)
		r = am_block_load(s->block, s->asked | (cut ? AM_COLUMN_BIT(AM_COL_WALL) : 0), NULL,
				  read_block, s);
	if (r < 0)
		return r;
	fit_tables(s);
	if (any_fits(s))
		find_hits(s, cut);
	return 0;
}

/* Which entries of the tables the rows that match have: the texts of others are not made. */
static void find_needed(struct am_scan *s)
{
	unsigned t;
	uint32_t i;

	for (t = AM_TABLE_ACTORS; t < AM_TABLE_MAX_; t++) {
		const uint64_t *index;

		if (!(s->wanted & index_of(t)))
			continue;
		index = am_block_numbers(s->block, AM_COL_ACTOR + t - AM_TABLE_ACTORS);
		memset(s->fits[t], 0, s->head.entries[t]);
		for (i = 0; i < s->n_hits; i++)
			s->fits[t][index[s->hits[i]]] = 1;
	}
}

static int load_wanted(struct am_scan *s)
{
	int r = am_block_load(s->block, s->wanted & AM_COLUMNS_INDEXES, NULL, read_block, s);

	if (r < 0)
		return r;
	find_needed(s);
	return am_block_load(s->block, s->wanted, (const uint8_t *const *)s->fits, read_block, s);
}

/* ---- segments ------------------------------------------------------------------------ */

static void leave_segment(struct am_scan *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);	/* read only: nothing can be lost */
	s->fd = -1;
}

/* The descriptor; -1 and errno. */
static int open_segment(const struct am_scan *s, uint64_t segment)
{
	char name[AM_SEGMENT_NAME];
	int r;

	if (!am_passed_is(s->dir)) {
		am_segment_name(segment, name);
		return openat(s->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	}
	r = am_passed_open(s->dir, segment);
	if (r >= 0)
		return r;
	errno = -r;
	return -1;
}

/* 1 if there is one; 0; -errno. */
static int enter_segment(struct am_scan *s)
{
	uint8_t bytes[AM_HEADER_LEN];
	struct am_header header;
	struct stat st;

	if (s->next_segment == s->listing.count)
		return 0;
	s->fd = open_segment(s, s->listing.segments[s->next_segment++].segment);
	if (s->fd < 0 || fstat(s->fd, &st) < 0) {
		leave_segment(s);
		return errno == ENOENT ? 1 : -errno;	/* removed meanwhile */
	}
	s->counts.segments++;
	s->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	s->at = AM_HEADER_LEN;
	if (s->size < AM_HEADER_LEN || am_read_at(s->fd, bytes, sizeof(bytes), 0) < 0 ||
	    am_header_read(bytes, &header) < 0) {
		s->counts.bad_segments++;
		leave_segment(s);
		return 1;
	}
	am_header_told_host(&header, &s->host);
	return 1;
}

/* Reads where a frame begins: head, filter and directory of a block are in s->bytes then.
 * 1 if it is a block that may have something, 0 if not, -EBADMSG, -errno. */
static int read_frame(struct am_scan *s)
{
	uint64_t left = s->size - s->at;
	size_t have = left < HEAD_ROOM ? left : HEAD_ROOM;
	uint32_t size;
	int r;

	if (left < AM_BLOCK_HEAD_LEN)
		return -EBADMSG;
	r = am_read_at(s->fd, s->bytes, have, (off_t)s->at);
	if (r < 0)
		return r == -ENODATA ? -EBADMSG : r;
	size = am_get32(s->bytes + 4);
	if (!memcmp(s->bytes, "AMSL", 4) && size == AM_SEAL_LEN) {
		s->at += size;
		return 0;
	}
	if (am_block_head(s->bytes, &s->head) < 0 || s->head.size > left || s->head.data > DATA_MAX)
		return -EBADMSG;
	s->block_at = s->at;
	s->at += s->head.size;
	s->counts.blocks++;
	if (is_skipped(s->query, &s->head)) {
		s->counts.skipped++;
		return 0;
	}
	if (s->head.data > have) {
		r = am_read_at(s->fd, s->bytes + have, s->head.data - have,
			       (off_t)(s->block_at + have));
		if (r < 0)
			return -EBADMSG;
	}
	if (is_filtered(s->query, &s->head, s->bytes + AM_BLOCK_HEAD_LEN)) {
		s->counts.skipped++;
		return 0;
	}
	return 1;
}

static void leave_damaged(struct am_scan *s)
{
	s->counts.bad_segments++;
	s->n_hits = s->next_hit = 0;
	leave_segment(s);
}

/* 1 with a block that has what is asked for, 0 at the end, -errno. */
static int next_block(struct am_scan *s)
{
	int r;

	for (s->n_hits = s->next_hit = 0; !s->n_hits;) {
		if (s->fd < 0) {
			r = enter_segment(s);
			if (r <= 0)
				return r;
			continue;
		}
		if (s->at >= s->size) {
			leave_segment(s);
			continue;
		}
		r = read_frame(s);
		if (r > 0)
			r = enter_block(s);
		if (r == -EBADMSG || r == -ENODATA)
			leave_damaged(s);
		else if (r < 0)
			return r;
	}
	return 1;
}

/* ---- rows ------------------------------------------------------------------------------ */

int am_scan_next(struct am_scan *s, struct am_row *ret)
{
	int r;

	while (s->next_hit == s->n_hits) {
		r = next_block(s);
		if (r <= 0)
			return r;
		r = load_wanted(s);
		if (r == -EBADMSG || r == -ENODATA)
			leave_damaged(s);
		else if (r < 0)
			return r;
	}
	am_block_row(s->block, s->hits[s->next_hit++], ret);
	return 1;
}

int am_scan_count(struct am_scan *s, uint64_t *ret)
{
	uint64_t n = s->n_hits - s->next_hit;
	int r;

	while ((r = next_block(s)) > 0)
		n += s->n_hits;
	if (!r)
		*ret = n;
	return r;
}
