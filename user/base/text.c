// SPDX-License-Identifier: GPL-2.0
#include "base/text.h"

#include <string.h>
#include <strings.h>

enum { NEAREST_LEN = 64 };	/* longer words are not compared */

static size_t char_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first < 0xe0)
		return 2;
	if (first >= 0xe0 && first < 0xf0)
		return 3;
	if (first >= 0xf0 && first < 0xf5)
		return 4;
	return 0;
}

size_t am_text_char(const char *text, size_t len, uint32_t *ret)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	static const unsigned char mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	const unsigned char *bytes = (const unsigned char *)text;
	size_t n = len ? char_length(bytes[0]) : 0;
	uint32_t c;

	if (!n || n > len)
		return 0;
	c = bytes[0] & mask[n];
	for (size_t i = 1; i < n; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (bytes[i] & 0x3f);
	}
	if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return n;
}

bool am_text_is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) ||
	       c == 0x2028 || c == 0x2029 ||		/* line breaks that few editors show */
	       (c >= 0x202a && c <= 0x202e) ||		/* bidirectional embedding and override */
	       (c >= 0x2066 && c <= 0x2069) ||		/* bidirectional isolates */
	       c == 0xfeff || (c & 0xfffe) == 0xfffe;	/* byte order mark, not characters */
}

void am_text_print(FILE *out, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		uint32_t c = 0;
		size_t n = am_text_char(text, left, &c);

		if (n && !am_text_is_control(c)) {
			fwrite(text, 1, n, out);
		} else {
			n = n ? n : 1;
			for (size_t i = 0; i < n; i++)
				fprintf(out, "\\x%02x", (unsigned char)text[i]);
		}
		text += n;
		left -= n;
	}
}

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Changes, missing, extra and swapped letters between two words of at most NEAREST_LEN. */
static unsigned distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	unsigned rows[3][NEAREST_LEN + 1];
	unsigned *before = rows[0], *last = rows[1], *now = rows[2];

	for (size_t j = 0; j <= lb; j++)
		last[j] = j;
	for (size_t i = 1; i <= la; i++) {
		unsigned *spare = before;

		now[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned d = last[j - 1] + (a[i - 1] != b[j - 1]);

			d = smaller(d, smaller(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d = smaller(d, before[j - 2] + 1);
			now[j] = d;
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[lb];
}

void am_nearest_init(struct am_nearest *n, const char *word)
{
	/* Up to a third of the letters may differ, one in any case. */
	*n = (struct am_nearest){ .word = word, .distance = (strlen(word) + 2) / 3 + 1 };
}

void am_nearest_offer(struct am_nearest *n, const char *candidate)
{
	unsigned d;

	if (strlen(n->word) > NEAREST_LEN || strlen(candidate) > NEAREST_LEN)
		return;
	d = strcasecmp(n->word, candidate) ? distance(n->word, candidate) : 0;
	/* Nothing of the word left: that is another word, not a slip. */
	if (d < n->distance && d < strlen(candidate) && (d == 0 || d < strlen(n->word))) {
		n->best = candidate;
		n->distance = d;
	}
}
