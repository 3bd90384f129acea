// SPDX-License-Identifier: GPL-2.0
#include "policy/history.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"

static const char file_name[] = "history", damaged_name[] = "history.damaged";
static const char opening[] = "amanat history 1\n";

enum {
	CHECK_BYTES = 16,
	CHECK_TEXT = 2 * CHECK_BYTES + 1,
	LINE_MAX_ = 1280,	/* bytes of a line: a signer's name may be of 255 bytes, each %XX */
	LINES_MAX = 2 * AM_HISTORY_MAX,
	FILE_MAX = LINES_MAX * LINE_MAX_ + 64,
	WORDS = 12,		/* of `begin`, without the check */
};

/* ---- a line ----------------------------------------------------------------- */

static void check_of(const char *text, size_t len, char ret[CHECK_TEXT])
{
	uint8_t hash[CHECK_BYTES];

	/* It fails for wrong sizes of hash and key only. */
	(void)crypto_generichash(hash, sizeof(hash), (const uint8_t *)text, len, NULL, 0);
	sodium_bin2hex(ret, CHECK_TEXT, hash, sizeof(hash));
}

static bool is_plain(char c, bool first)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '.' || c == '_' || (c == '-' && !first);
}

static void write_word(const char *text, char ret[3 * AM_SIGNER_MAX + 2])
{
	size_t used = 0;

	if (!*text) {
		strcpy(ret, "-");
		return;
	}
	for (const char *c = text; *c; c++) {
		if (is_plain(*c, c == text))
			ret[used++] = *c;
		else
			used += (size_t)sprintf(ret + used, "%%%02X", (unsigned char)*c);
	}
	ret[used] = '\0';
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool read_word(const char *word, char *ret, size_t size)
{
	size_t used = 0;

	if (!strcmp(word, "-"))
		word = "";
	for (const char *c = word; *c; c++) {
		int high, low;

		if (used + 1 == size)
			return false;
		if (*c != '%') {
			ret[used++] = *c;
			continue;
		}
		high = hex_digit(c[1]);
		low = high < 0 ? -1 : hex_digit(c[2]);
		if (low < 0 || !(high | low))
			return false;
		ret[used++] = (char)(high << 4 | low);
		c += 2;
	}
	ret[used] = '\0';
	return true;
}

static bool read_number(const char *word, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;

	if (!*word || (word[0] == '0' && word[1]))
		return false;
	for (; *word; word++) {
		if (*word < '0' || *word > '9' || n > (UINT64_MAX - 9) / 10)
			return false;
		n = n * 10 + (uint64_t)(*word - '0');
	}
	*ret = n;
	return n <= max;
}

/* The length of the line, line feed included. */
static size_t seal_line(const char *text, char ret[LINE_MAX_])
{
	char check[CHECK_TEXT];

	check_of(text, strlen(text), check);
	return (size_t)snprintf(ret, LINE_MAX_, "%s %s\n", check, text);
}

static size_t format_begin(const struct am_reign *r, char ret[LINE_MAX_])
{
	const struct am_origin *o = &r->origin;
	char text[LINE_MAX_ - CHECK_TEXT - 1], signer[3 * AM_SIGNER_MAX + 2], digest[AM_DIGEST_TEXT];

	write_word(o->signer, signer);
	am_digest_format(o->digest, digest);
	(void)snprintf(text, sizeof(text),
		       "begin %u %" PRId64 " %s %s %s %u %s %" PRIu64 " %" PRIu64 " %s %s",
		       r->generation, r->since_s, r->policy, am_source_name(o->kind),
		       am_road_name(o->road), o->uid, digest, o->serial, o->takes_back,
		       o->key_id[0] ? o->key_id : "-", signer);
	return seal_line(text, ret);
}

static size_t format_end(const struct am_reign *r, char ret[LINE_MAX_])
{
	char text[80];

	(void)snprintf(text, sizeof(text), "end %u %" PRId64, r->generation, r->until_s);
	return seal_line(text, ret);
}

/* ---- reading ---------------------------------------------------------------- */

static unsigned split(char *text, char *words[WORDS + 1])
{
	unsigned n = 0;

	for (char *save = NULL, *w = strtok_r(text, " ", &save); w && n <= WORDS;
	     w = strtok_r(NULL, " ", &save))
		words[n++] = w;
	return n;
}

static bool read_kinds(const char *source, const char *road, struct am_origin *o)
{
	for (unsigned i = 1; i < AM_SOURCE_MAX_; i++)
		if (!strcmp(source, am_source_name(i)))
			o->kind = i;
	for (unsigned i = 1; i < AM_ROAD_MAX_; i++)
		if (!strcmp(road, am_road_name(i)))
			o->road = i;
	return o->kind && o->road;
}

static bool read_digest(const char *word, uint8_t ret[AM_DIGEST_BYTES])
{
	size_t n;

	return !sodium_hex2bin(ret, AM_DIGEST_BYTES, word, strlen(word), NULL, &n, NULL) &&
	       n == AM_DIGEST_BYTES;
}

static bool read_begin(char **w, struct am_reign *r)
{
	struct am_origin *o = &r->origin;
	uint64_t generation, since, uid;

	if (!read_number(w[1], UINT32_MAX, &generation) || !read_number(w[2], INT64_MAX, &since) ||
	    strlen(w[3]) > AM_NAME_LEN_MAX || !read_kinds(w[4], w[5], o) ||
	    !read_number(w[6], UINT32_MAX, &uid) || !read_digest(w[7], o->digest) ||
	    !read_number(w[8], AM_SERIAL_MAX, &o->serial) ||
	    !read_number(w[9], AM_SERIAL_MAX, &o->takes_back) ||
	    !read_word(w[10], o->key_id, sizeof(o->key_id)) ||
	    !read_word(w[11], o->signer, sizeof(o->signer)))
		return false;
	r->generation = (uint32_t)generation;
	r->since_s = (int64_t)since;
	r->ending = AM_ENDING_NONE;
	o->uid = (uint32_t)uid;
	strcpy(r->policy, w[3]);	/* measured above */
	return true;
}

/* What was in force ends with `next`. */
static void end_before(struct am_history *h, const struct am_reign *next)
{
	struct am_reign *last = h->count ? &h->reigns[h->count - 1] : NULL;

	if (!last || last->ending != AM_ENDING_NONE)
		return;
	if (next->origin.road == AM_ROAD_START) {
		last->ending = AM_ENDING_UNKNOWN;
		return;
	}
	last->ending = AM_ENDING_REPLACED;
	last->until_s = next->since_s;
}

static int remember(struct am_history *h, const struct am_reign *r)
{
	int err;

	if (h->count == LINES_MAX) {
		memmove(h->reigns, h->reigns + 1, (h->count - 1) * sizeof(*h->reigns));
		h->count--;
	}
	err = AM_APPEND(h->reigns, h->count, *r);
	if (err)
		return err;
	/* Of one that never came into force, because the agent was killed, the number is
	 * given again by no later one: the number on disk only grows. */
	h->count--;
	end_before(h, r);
	h->count++;
	return 0;
}

static bool read_end(struct am_history *h, char **w)
{
	struct am_reign *last = h->count ? &h->reigns[h->count - 1] : NULL;
	uint64_t generation, until;

	if (!read_number(w[1], UINT32_MAX, &generation) || !read_number(w[2], INT64_MAX, &until) ||
	    !last || last->generation != generation)
		return false;
	last->ending = AM_ENDING_STOPPED;
	last->until_s = (int64_t)until;
	return true;
}

/* 0; -EBADMSG; -ENOMEM. */
static int read_line(struct am_history *h, char *line, size_t len)
{
	char check[CHECK_TEXT], *words[WORDS + 1];
	struct am_reign r = { 0 };
	unsigned n;

	if (len <= CHECK_TEXT || len >= LINE_MAX_ || memchr(line, '\0', len))
		return -EBADMSG;
	line[len] = '\0';
	check_of(line + CHECK_TEXT, len - CHECK_TEXT, check);
	if (memcmp(line, check, CHECK_TEXT - 1) || line[CHECK_TEXT - 1] != ' ')
		return -EBADMSG;
	n = split(line + CHECK_TEXT, words);
	if (n == 3 && !strcmp(words[0], "end"))
		return read_end(h, words) ? 0 : -EBADMSG;
	if (n == WORDS && !strcmp(words[0], "begin") && read_begin(words, &r))
		return remember(h, &r);
	return -EBADMSG;
}

/* Whether the last line is whole is what h->len tells then. */
static int read_lines(struct am_history *h, char *text, size_t len)
{
	size_t at = strlen(opening), good = at;
	int err = 0;

	while (at < len && err != -ENOMEM) {
		char *lf = memchr(text + at, '\n', len - at);
		size_t n = lf ? (size_t)(lf - text) - at : 0;

		if (!lf)
			break;
		err = read_line(h, text + at, n);
		at += n + 1;
		h->lines++;
		h->damaged += err == -EBADMSG;
		good = at;
	}
	h->len = (int64_t)good;
	return err == -ENOMEM ? err : 0;
}

static int read_file(struct am_history *h)
{
	const struct am_blob_terms terms = { FILE_MAX, AM_OWNER_ANY, "a history" };
	am_autoblob struct am_blob blob = { 0 };
	struct am_diags diags;
	int err;

	am_diags_init(&diags);	/* the errno says it all: the caller names the file */
	err = am_blob_read(h->dirfd, file_name, file_name, &terms, &diags, &blob);
	am_diags_done(&diags);
	if (err)
		return err == -EFBIG ? -EBADMSG : err;
	if (blob.len < strlen(opening) || memcmp(blob.bytes, opening, strlen(opening)))
		return -EBADMSG;
	return read_lines(h, blob.bytes, blob.len);
}

/* ---- writing ---------------------------------------------------------------- */

static int reopen(struct am_history *h)
{
	struct stat st;
	int fd = openat(h->dirfd, file_name, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || (st.st_size > h->len && ftruncate(fd, h->len) < 0)) {
		int err = -errno;

		(void)close(fd);	/* nothing was written */
		return err;
	}
	if (h->fd >= 0)
		(void)close(h->fd);	/* what was written to it is on disk */
	h->fd = fd;
	return 0;
}

/* The file anew, with what is remembered. */
static int rewrite(struct am_history *h)
{
	am_autofree char *text = malloc(FILE_MAX);
	size_t len = strlen(opening), lines = 0;
	int err;

	if (!text)
		return -ENOMEM;
	if (h->count > AM_HISTORY_MAX) {
		memmove(h->reigns, h->reigns + h->count - AM_HISTORY_MAX,
			AM_HISTORY_MAX * sizeof(*h->reigns));
		h->count = AM_HISTORY_MAX;
	}
	memcpy(text, opening, len);
	for (size_t i = 0; i < h->count; i++) {
		len += format_begin(&h->reigns[i], text + len);
		lines++;
		if (h->reigns[i].ending != AM_ENDING_STOPPED)
			continue;
		len += format_end(&h->reigns[i], text + len);
		lines++;
	}
	err = am_blob_replace(h->dirfd, file_name, 0600, text, len);
	if (err)
		return err;
	h->lines = lines;
	h->len = h->len_before = (int64_t)len;
	return reopen(h);
}

static int append(struct am_history *h, const char *line, size_t len)
{
	ssize_t n;
	int err;

	if (h->fd < 0)
		return -EBADF;
	n = write(h->fd, line, len);
	err = n < 0 ? -errno : (size_t)n == len ? 0 : -ENOSPC;
	if (!err && fdatasync(h->fd) < 0)
		err = -errno;
	if (err) {
		(void)!ftruncate(h->fd, h->len); /* a cut line is cut off when it is read */
		return err;
	}
	h->len_before = h->len;
	h->len += (int64_t)len;
	h->lines++;
	return 0;
}

int am_history_begin(struct am_history *h, const struct am_reign *r)
{
	struct am_reign reign = *r;
	char line[LINE_MAX_];
	int err;

	/* A failure leaves the file as it is, too long, and the next one tries again. */
	if (h->fd >= 0 && h->lines >= LINES_MAX)
		(void)rewrite(h);
	err = append(h, line, format_begin(r, line));
	if (err)
		return err;
	reign.ending = AM_ENDING_NONE;
	reign.until_s = 0;
	err = remember(h, &reign);
	if (err)
		am_history_revert(h);
	return err;
}

void am_history_revert(struct am_history *h)
{
	struct am_reign *last;

	if (h->len == h->len_before)
		return;
	(void)!ftruncate(h->fd, h->len_before); /* else the line of a policy that did nothing stays */
	h->len = h->len_before;
	h->lines--;
	if (!h->count)
		return;
	h->count--;
	last = h->count ? &h->reigns[h->count - 1] : NULL;
	if (last && last->ending == AM_ENDING_REPLACED) {
		last->ending = AM_ENDING_NONE;
		last->until_s = 0;
	}
}

int am_history_end(struct am_history *h, int64_t now_s)
{
	struct am_reign *last = h->count ? &h->reigns[h->count - 1] : NULL;
	char line[LINE_MAX_];

	if (!last || last->ending != AM_ENDING_NONE)
		return 0;
	last->ending = AM_ENDING_STOPPED;
	last->until_s = now_s;
	return append(h, line, format_end(last, line));
}

const struct am_reign *am_history_find(const struct am_history *h, uint32_t generation)
{
	for (size_t i = h->count; i > 0; i--)
		if (h->reigns[i - 1].generation == generation)
			return &h->reigns[i - 1];
	return NULL;
}

/* ---- open and close --------------------------------------------------------- */

int am_history_open(struct am_history *h, int dirfd)
{
	int err, again;

	*h = (struct am_history){ .dirfd = dirfd, .fd = -1 };
	err = read_file(h);
	if (!err && h->lines < LINES_MAX) {
		h->len_before = h->len;
		return reopen(h);
	}
	if (err == -EBADMSG && renameat(dirfd, file_name, dirfd, damaged_name) < 0)
		return -errno;
	if (err && err != -EBADMSG && err != -ENOENT)
		return err;
	again = rewrite(h);
	return again ? again : err == -EBADMSG ? err : 0;
}

int am_history_read(struct am_history *h, int dirfd)
{
	int err;

	*h = (struct am_history){ .dirfd = dirfd, .fd = -1 };
	err = read_file(h);
	if (err)
		am_history_close(h);
	return err;
}

void am_history_close(struct am_history *h)
{
	if (h->fd >= 0)
		(void)close(h->fd);	/* what was written to it is on disk */
	free(h->reigns);
	*h = (struct am_history){ .dirfd = -1, .fd = -1 };
}
