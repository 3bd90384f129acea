// SPDX-License-Identifier: GPL-2.0
#include "query/glob.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

/* The bytes of the character at `text`; one where it is no UTF-8. */
static size_t char_len(const char *text)
{
	uint32_t c;
	size_t len = am_text_char(text, strlen(text), &c);

	return len ? len : 1;
}

/* Only the last gap is ever tried anew: what fits before it fits there for good. */
bool am_glob_matches(const char *pattern, const char *text)
{
	const char *gap = NULL, *behind = NULL;

	while (*text) {
		if (*pattern == AM_GLOB_ANY) {
			gap = ++pattern;
			behind = text;
		} else if (*pattern == AM_GLOB_ONE) {
			pattern++;
			text += char_len(text);
		} else if (*pattern && *pattern == *text) {
			pattern++;
			text++;
		} else if (gap) {
			pattern = gap;
			text = ++behind;
		} else {
			return false;
		}
	}
	while (*pattern == AM_GLOB_ANY)
		pattern++;
	return !*pattern;
}
