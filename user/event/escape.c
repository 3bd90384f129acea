// SPDX-License-Identifier: GPL-2.0
#include "event/escape.h"

#include <string.h>

/* The number of bytes that the first one announces, 0 if it cannot be a first one. */
static size_t announced(unsigned char c)
{
	if (c < 0x80)
		return c ? 1 : 0;
	if (c < 0xc2)	/* continuation, or an overlong two */
		return 0;
	if (c < 0xe0)
		return 2;
	if (c < 0xf0)
		return 3;
	return c < 0xf5 ? 4 : 0;
}

size_t am_utf8_next(const char *s, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *b = (const unsigned char *)s;
	size_t len = announced(b[0]), i;
	uint32_t rune;

	if (!len)
		return 0;
	rune = len == 1 ? b[0] : b[0] & (0x7fu >> len);
	/* The closing NUL is no continuation byte, so this never reads past it. */
	for (i = 1; i < len; i++) {
		if ((b[i] & 0xc0) != 0x80)
			return 0;
		rune = rune << 6 | (b[i] & 0x3f);
	}
	if (rune < least[len] || rune > 0x10ffff || (rune >= 0xd800 && rune <= 0xdfff))
		return 0;
	*ret = rune;
	return len;
}

bool am_utf8_valid(const char *s)
{
	uint32_t rune;
	size_t len;

	for (; *s; s += len) {
		len = am_utf8_next(s, &rune);
		if (!len)
			return false;
	}
	return true;
}

bool am_utf8_acts(uint32_t rune)
{
	if (rune < 0x20 || (rune >= 0x7f && rune < 0xa0))
		return true;	/* C0, delete, C1: 0x9b starts a sequence just like ESC [ */
	if (rune == 0x61c || rune == 0x200e || rune == 0x200f)
		return true;	/* direction marks */
	if (rune >= 0x2028 && rune <= 0x202e)
		return true;	/* line and paragraph ends, embeddings, overrides */
	if (rune >= 0x2066 && rune <= 0x2069)
		return true;	/* isolates */
	return rune == 0xfeff || (rune >= 0xfff9 && rune <= 0xfffb) || rune >= 0xe0000;
}

static bool space_misleads(const char *start, const char *s, enum am_escape how)
{
	return how == AM_ESCAPE_WORD || s == start || s[-1] == ' ' || !s[1];
}

void am_escape_write(FILE *out, const char *s, enum am_escape how)
{
	const char *start = s;
	uint32_t rune;
	size_t len;

	for (; *s; s += len) {
		len = am_utf8_next(s, &rune);
		if (!len || rune < 0x20 || rune == 0x7f ||
		    (rune == ' ' && space_misleads(start, s, how))) {
			fprintf(out, "\\x%02x", (unsigned char)*s);
			len = 1;
		} else if (am_utf8_acts(rune)) {
			fprintf(out, rune > 0xffff ? "\\U%08x" : "\\u%04x", rune);
		} else if (rune == '\\') {
			fputs("\\\\", out);
		} else {
			fwrite(s, 1, len, out);
		}
	}
}
