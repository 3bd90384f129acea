// SPDX-License-Identifier: GPL-2.0
#include "store/observed.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "store/file.h"

static const char file_name[] = "observed";
static const char magic[8] = "AMOBSERV";

enum {
	VERSION = 2,
	OLD_VERSION = 1,
	OLD_FACTS = 184,
	SLOTS = 2 * AM_OBSERVED_MAX,	/* of the hash table: never more than half full */
	SUM_LEN = sizeof(__u64),
	HOUR_S = 3600,
	DAY_S = 24 * HOUR_S,
	LOOK_S = 60,			/* between two searches for stale rows in a full table */
	KEY_LEN = offsetof(struct am_observed_facts, count),
	ROW_MAX = sizeof(struct am_observed_facts) + 5 * AM_OBSERVED_TEXT,
	FILE_MAX = 64 + AM_OBSERVED_MAX * ROW_MAX,
};

static const int64_t time_max_s = 9000000000;	/* so that it can be told in nanoseconds */

struct head {
	char magic[8];
	__u32 version;
	__u32 n;
	__u64 left_out;
};

AM_ASSERT_SIZE(struct head, 24);
AM_ASSERT_SIZE(struct am_observed_facts, 192);
_Static_assert(offsetof(struct am_observed_facts, script_len) == OLD_FACTS, "version 1");

struct am_observed {
	struct am_observed_row rows[AM_OBSERVED_MAX];
	size_t count;
	uint16_t slots[SLOTS];		/* index of the row + 1; 0: free */
	uint64_t left_out;
	int64_t looked_s;
	bool dirty;
};

static __u64 add_bytes(__u64 sum, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ p[i]) * 0x100000001b3ULL;
	return sum;
}

static const __u64 sum_start = 0xcbf29ce484222325ULL;

/* ---- rows ---------------------------------------------------------------------- */

static size_t slot_of(const struct am_observed_row *row)
{
	__u64 sum = add_bytes(sum_start, &row->facts, KEY_LEN);

	sum = add_bytes(sum, row->exe, strlen(row->exe) + 1);
	sum = add_bytes(sum, row->unit, strlen(row->unit) + 1);
	sum = add_bytes(sum, row->script, strlen(row->script));
	return (sum ^ sum >> 32) % SLOTS;
}

static bool is_same(const struct am_observed_row *a, const struct am_observed_row *b)
{
	return !memcmp(&a->facts, &b->facts, KEY_LEN) && !strcmp(a->exe, b->exe) &&
	       !strcmp(a->unit, b->unit) && !strcmp(a->script, b->script);
}

/* Where the row is, or would be. */
static size_t find_slot(const struct am_observed *o, const struct am_observed_row *row)
{
	size_t slot = slot_of(row);

	while (o->slots[slot] && !is_same(&o->rows[o->slots[slot] - 1], row))
		slot = (slot + 1) % SLOTS;
	return slot;
}

static void done_row(struct am_observed_row *row)
{
	free(row->exe);
	free(row->unit);
	free(row->path);
	free(row->script);
	free(row->groups);
	*row = (struct am_observed_row){ 0 };
}

static int copy_row(const struct am_observed_row *from, struct am_observed_row *ret)
{
	struct am_observed_row row = { .facts = from->facts };

	row.exe = strdup(from->exe);
	row.unit = strdup(from->unit);
	row.path = strdup(from->path);
	row.script = strdup(from->script);
	row.groups = strdup(from->groups);
	if (!row.exe || !row.unit || !row.path || !row.script || !row.groups) {
		done_row(&row);
		return -ENOMEM;
	}
	*ret = row;
	return 0;
}

/* Rows that nobody will ask about any more make room for new ones. */
static void drop_stale(struct am_observed *o, int64_t now_s)
{
	size_t kept = 0;

	if (now_s - o->looked_s < LOOK_S)
		return;
	o->looked_s = now_s;
	for (size_t i = 0; i < o->count; i++) {
		if (now_s - o->rows[i].facts.last_s > (int64_t)AM_OBSERVED_STALE_DAYS * DAY_S)
			done_row(&o->rows[i]);
		else
			o->rows[kept++] = o->rows[i];
	}
	memset(&o->rows[kept], 0, (o->count - kept) * sizeof(o->rows[0]));
	o->count = kept;
	memset(o->slots, 0, sizeof(o->slots));
	for (size_t i = 0; i < kept; i++)
		o->slots[find_slot(o, &o->rows[i])] = i + 1;
}

/* NULL when there is no room. */
static struct am_observed_row *add_row(struct am_observed *o, const struct am_observed_row *like,
				       int64_t now_s)
{
	struct am_observed_row *row;

	if (o->count == AM_OBSERVED_MAX)
		drop_stale(o, now_s);
	if (o->count == AM_OBSERVED_MAX)
		return NULL;
	row = &o->rows[o->count];
	if (copy_row(like, row))
		return NULL;
	memset((char *)&row->facts + KEY_LEN, 0, sizeof(row->facts) - KEY_LEN);
	row->facts.flags = like->facts.flags;
	row->facts.first_s = row->facts.last_s = now_s;
	o->slots[find_slot(o, row)] = ++o->count;
	return row;
}

/* Moments before 1970 count as its beginning. */
static int64_t hour_of(int64_t s)
{
	return s < 0 ? 0 : s / HOUR_S;
}

/* A clock that was set back counts into the latest hour. */
static void count_hour(struct am_observed_facts *f, int64_t now_s)
{
	int64_t ahead = hour_of(now_s) - hour_of(f->last_s);
	size_t shift = ahead < 0 ? 0 : (size_t)ahead;

	if (shift > AM_OBSERVED_HOURS)
		shift = AM_OBSERVED_HOURS;
	if (shift) {
		memmove(&f->hours[shift], &f->hours[0],
			(AM_OBSERVED_HOURS - shift) * sizeof(f->hours[0]));
		memset(&f->hours[0], 0, shift * sizeof(f->hours[0]));
	}
	if (f->hours[0] < UINT32_MAX)
		f->hours[0]++;
}

/* The latest example is the one that people remember. */
static void keep_path(struct am_observed_row *row, const char *path)
{
	char *copy;

	if (!strcmp(row->path, path))
		return;
	copy = strdup(path);
	if (!copy)
		return;		/* an older example is one too */
	free(row->path);
	row->path = copy;
}

static bool has_item(const char *list, const char *item, size_t len)
{
	while (*list) {
		size_t n = strcspn(list, ",");

		if (n == len && !memcmp(list, item, len))
			return true;
		list += n + (list[n] == ',');
	}
	return false;
}

/* Leaves those that `groups` has too. */
static void keep_groups(struct am_observed_row *row, const char *groups)
{
	const char *from = row->groups;
	char *to = row->groups;

	if (!strcmp(row->groups, groups))
		return;
	while (*from) {
		size_t len = strcspn(from, ",");
		const char *next = from + len + (from[len] == ',');

		if (has_item(groups, from, len)) {
			if (to != row->groups)
				*to++ = ',';
			memmove(to, from, len);
			to += len;
		}
		from = next;
	}
	*to = '\0';
}

void am_observed_add(struct am_observed *o, const struct am_observed_row *like, bool blocked,
		     int64_t now_s)
{
	size_t slot = find_slot(o, like);
	struct am_observed_row *row = o->slots[slot] ? &o->rows[o->slots[slot] - 1]
						     : add_row(o, like, now_s);

	o->dirty = true;
	if (!row) {
		o->left_out++;
		return;
	}
	count_hour(&row->facts, now_s);
	if (now_s > row->facts.last_s)
		row->facts.last_s = now_s;
	row->facts.count++;
	row->facts.blocked += blocked;
	keep_path(row, like->path);
	keep_groups(row, like->groups);
}

uint64_t am_observed_since(const struct am_observed_row *row, int64_t since_s)
{
	const struct am_observed_facts *f = &row->facts;
	int64_t back = hour_of(f->last_s) - hour_of(since_s);
	uint64_t n = 0;

	if (f->last_s < since_s)
		return 0;
	if (f->first_s >= since_s || back >= AM_OBSERVED_HOURS)
		return f->count;
	for (int64_t i = 0; i <= back; i++)
		n += f->hours[i];
	return n;
}

const struct am_observed_row *am_observed_rows(const struct am_observed *o, size_t *ret_n)
{
	*ret_n = o->count;
	return o->rows;
}

uint64_t am_observed_left_out(const struct am_observed *o)
{
	return o->left_out;
}

bool am_observed_is_dirty(const struct am_observed *o)
{
	return o->dirty;
}

int am_observed_new(struct am_observed **ret)
{
	struct am_observed *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	*ret = o;
	return 0;
}

void am_observed_free(struct am_observed *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < o->count; i++)
		done_row(&o->rows[i]);
	free(o);
}

/* ---- the file -------------------------------------------------------------------- */

static char *put(char *at, const void *bytes, size_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

static size_t size_of(const struct am_observed *o)
{
	size_t size = sizeof(struct head) + SUM_LEN;

	for (size_t i = 0; i < o->count; i++)
		size += sizeof(o->rows[i].facts) + strlen(o->rows[i].exe) +
			strlen(o->rows[i].unit) + strlen(o->rows[i].path) +
			strlen(o->rows[i].script) + strlen(o->rows[i].groups);
	return size;
}

static char *put_row(char *at, const struct am_observed_row *row)
{
	struct am_observed_facts facts = row->facts;

	facts.exe_len = strlen(row->exe);
	facts.unit_len = strlen(row->unit);
	facts.path_len = strlen(row->path);
	facts.script_len = strlen(row->script);
	facts.groups_len = strlen(row->groups);
	at = put(at, &facts, sizeof(facts));
	at = put(at, row->exe, facts.exe_len);
	at = put(at, row->unit, facts.unit_len);
	at = put(at, row->path, facts.path_len);
	at = put(at, row->script, facts.script_len);
	return put(at, row->groups, facts.groups_len);
}

int am_observed_pack(const struct am_observed *o, char **ret, size_t *ret_len)
{
	struct head head = { .version = VERSION, .n = o->count, .left_out = o->left_out };
	size_t len = size_of(o);
	char *bytes = malloc(len), *at;
	__u64 sum;

	if (!bytes)
		return -ENOMEM;
	memcpy(head.magic, magic, sizeof(head.magic));
	at = put(bytes, &head, sizeof(head));
	for (size_t i = 0; i < o->count; i++)
		at = put_row(at, &o->rows[i]);
	sum = add_bytes(sum_start, bytes, len - SUM_LEN);
	memcpy(at, &sum, SUM_LEN);
	*ret = bytes;
	*ret_len = len;
	return 0;
}

static bool facts_hold(const struct am_observed_facts *f)
{
	static const __u8 zero[sizeof(f->pad)];

	return !memcmp(f->pad, zero, sizeof(zero)) && f->op > AM_OP_INVALID && f->op < AM_OP_MAX_ &&
	       f->reason > AM_REASON_INVALID && f->reason < AM_REASON_MAX_ &&
	       f->place < AM_OBSERVED_PLACE_MAX_ && f->count && f->blocked <= f->count &&
	       f->first_s >= 0 && f->first_s <= f->last_s && f->last_s <= time_max_s &&
	       f->exe_len < AM_OBSERVED_TEXT &&
	       f->unit_len < AM_OBSERVED_TEXT && f->path_len < AM_OBSERVED_TEXT &&
	       f->script_len < AM_OBSERVED_TEXT && f->groups_len < AM_OBSERVED_TEXT &&
	       f->purpose < AM_PURPOSES_MAX && !f->pad2 &&
	       !(f->flags & ~(AM_OBSERVED_EXE_CUT | AM_OBSERVED_SCRIPT_CUT));
}

struct bytes {
	const char *at;
	size_t left;
};

static const char *take(struct bytes *b, size_t len)
{
	const char *at = b->at;

	if (len > b->left)
		return NULL;
	b->at += len;
	b->left -= len;
	return at;
}

static int take_text(struct bytes *b, size_t len, char **ret)
{
	const char *at = take(b, len);

	if (!at || memchr(at, '\0', len))
		return -EBADMSG;
	*ret = strndup(at, len);
	return *ret ? 0 : -ENOMEM;
}

/* What was made of a row that fails is the table's to free. */
static int take_row(struct bytes *b, unsigned version, struct am_observed_row *row)
{
	size_t len = version == OLD_VERSION ? (size_t)OLD_FACTS : sizeof(row->facts);
	const char *at = take(b, len);
	int r;

	if (!at)
		return -EBADMSG;
	memcpy(&row->facts, at, len);
	if (!facts_hold(&row->facts))
		return -EBADMSG;
	r = take_text(b, row->facts.exe_len, &row->exe);
	if (!r)
		r = take_text(b, row->facts.unit_len, &row->unit);
	if (!r)
		r = take_text(b, row->facts.path_len, &row->path);
	if (!r)
		r = take_text(b, row->facts.script_len, &row->script);
	if (!r)
		r = take_text(b, row->facts.groups_len, &row->groups);
	return r;
}

static int take_rows(struct am_observed *o, struct bytes *b, const struct head *head)
{
	while (o->count < head->n) {
		struct am_observed_row *row = &o->rows[o->count++];
		size_t slot;
		int r = take_row(b, head->version, row);

		if (r < 0)
			return r;
		slot = find_slot(o, row);
		if (o->slots[slot])	/* two rows that should have been one */
			return -EBADMSG;
		o->slots[slot] = o->count;
	}
	return b->left ? -EBADMSG : 0;
}

int am_observed_unpack(const char *bytes, size_t len, struct am_observed **ret)
{
	am_auto(am_observed) struct am_observed *o = NULL;
	struct bytes b;
	struct head head;
	__u64 sum;
	int r;

	if (len < sizeof(head) + SUM_LEN)
		return -EBADMSG;
	memcpy(&head, bytes, sizeof(head));
	memcpy(&sum, bytes + len - SUM_LEN, SUM_LEN);
	if (memcmp(head.magic, magic, sizeof(magic)) ||
	    (head.version != VERSION && head.version != OLD_VERSION) ||
	    head.n > AM_OBSERVED_MAX || sum != add_bytes(sum_start, bytes, len - SUM_LEN))
		return -EBADMSG;
	r = am_observed_new(&o);
	if (r < 0)
		return r;
	o->left_out = head.left_out;
	b = (struct bytes){ bytes + sizeof(head), len - sizeof(head) - SUM_LEN };
	r = take_rows(o, &b, &head);
	if (!r)
		*ret = AM_TAKE_PTR(o);
	return r;
}

int am_observed_load(int dirfd, struct am_observed **ret)
{
	am_autofree char *bytes = NULL;
	size_t len;
	int r;

	r = am_file_read(dirfd, file_name, FILE_MAX, &bytes, &len);
	if (r == -ENOENT)
		return am_observed_new(ret);
	if (r == -EFBIG || r == -EINVAL)
		return -EBADMSG;
	return r < 0 ? r : am_observed_unpack(bytes, len, ret);
}

int am_observed_save(struct am_observed *o, int dirfd)
{
	am_autofree char *bytes = NULL;
	size_t len;
	int r;

	r = am_observed_pack(o, &bytes, &len);
	if (!r)
		r = am_file_replace(dirfd, file_name, bytes, len);
	if (!r)
		o->dirty = false;
	return r;
}
