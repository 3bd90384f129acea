// SPDX-License-Identifier: GPL-2.0
#include "event/escape.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"

/* Columns are two spaces apart, so a name may not have two of its own. */
static bool space_misleads(const char *start, const char *s, enum am_escape how)
{
	return how == AM_ESCAPE_WORD || s == start || s[-1] == ' ' || !s[1];
}

static void write_bytes(FILE *out, const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		fprintf(out, "\\x%02x", (unsigned char)s[i]);
}

void am_escape_write(FILE *out, const char *s, enum am_escape how)
{
	const char *start = s, *end = s + strlen(s);
	uint32_t c;
	size_t len;

	for (; s < end; s += len) {
		len = am_text_char(s, (size_t)(end - s), &c);
		if (!len) {
			len = 1;
			write_bytes(out, s, 1);
		} else if (am_text_is_control(c) || (c == ' ' && space_misleads(start, s, how))) {
			write_bytes(out, s, len);
		} else if (c == '\\') {
			fputs("\\\\", out);
		} else {
			fwrite(s, 1, len, out);
		}
	}
}
