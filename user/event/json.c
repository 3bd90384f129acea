// SPDX-License-Identifier: GPL-2.0
#include "event/json.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/text.h"

void am_json_init(struct am_json *j, FILE *out)
{
	*j = (struct am_json){ .out = out };
	errno = 0;	/* so that am_json_done() tells this line's failure */
}

static void quoted_char(FILE *out, const char *s, size_t len, uint32_t c)
{
	if (!len)
		fputs("\\ufffd", out);
	else if (c == '"' || c == '\\')
		fprintf(out, "\\%c", (char)c);
	else if (!am_text_is_control(c))
		fwrite(s, 1, len, out);
	else if (c > 0xffff)	/* as its surrogates */
		fprintf(out, "\\u%04x\\u%04x", 0xd7c0 + (c >> 10), 0xdc00 + (c & 0x3ff));
	else
		fprintf(out, "\\u%04x", c);
}

static void quoted(FILE *out, const char *s)
{
	size_t left = strlen(s), len;
	uint32_t c;

	fputc('"', out);
	for (; left; s += len, left -= len) {
		c = 0;
		len = am_text_char(s, left, &c);
		quoted_char(out, s, len, c);
		len = len ? len : 1;
	}
	fputc('"', out);
}

/* What precedes a value at this depth. */
static void lead(struct am_json *j, const char *key)
{
	uint32_t bit = 1u << j->depth;

	if (j->comma & bit)
		fputc(',', j->out);
	j->comma |= bit;
	if (key) {
		quoted(j->out, key);
		fputc(':', j->out);
	}
}

static void nest(struct am_json *j, const char *key, bool list)
{
	lead(j, key);
	fputc(list ? '[' : '{', j->out);
	assert(j->depth + 1 < AM_JSON_DEPTH);
	j->depth++;
	j->comma &= ~(1u << j->depth);
	j->lists = (j->lists & ~(1u << j->depth)) | (uint32_t)list << j->depth;
}

void am_json_object(struct am_json *j, const char *key)
{
	nest(j, key, false);
}

void am_json_list(struct am_json *j, const char *key)
{
	nest(j, key, true);
}

void am_json_end(struct am_json *j)
{
	assert(j->depth > 0);
	fputc(j->lists >> j->depth & 1 ? ']' : '}', j->out);
	j->depth--;
}

void am_json_text(struct am_json *j, const char *key, const char *value)
{
	if (!value)
		return;
	lead(j, key);
	quoted(j->out, value);
}

void am_json_int(struct am_json *j, const char *key, int64_t value)
{
	lead(j, key);
	fprintf(j->out, "%" PRId64, value);
}

void am_json_bool(struct am_json *j, const char *key, bool value)
{
	lead(j, key);
	fputs(value ? "true" : "false", j->out);
}

void am_json_u64(struct am_json *j, const char *key, uint64_t value)
{
	lead(j, key);
	fprintf(j->out, "\"%" PRIu64 "\"", value);
}

int am_json_done(struct am_json *j)
{
	while (j->depth)
		am_json_end(j);
	fputc('\n', j->out);
	if (!ferror(j->out))
		return 0;
	return errno ? -errno : -EIO;
}
