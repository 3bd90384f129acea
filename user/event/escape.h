/* SPDX-License-Identifier: GPL-2.0 */
/* Names that somebody else chose (files, commands, users), made safe to show: no
 * control character, no line feed, no byte that is not UTF-8 and nothing that
 * reorders text reaches a terminal or a log, and no name can pass for another column.
 *
 * What is escaped becomes \xNN (a byte) or \uNNNN (a character), and a backslash
 * becomes two, so that the original can always be recovered. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum am_escape {
	AM_ESCAPE_INVALID = 0,
	AM_ESCAPE_PHRASE,	/* single spaces stay; at the ends or repeated they are \x20 */
	AM_ESCAPE_WORD,		/* every space is \x20 */
	AM_ESCAPE_MAX_,
};

/* The stream keeps its error, as with fputs(). */
void am_escape_write(FILE *out, const char *s, enum am_escape how);

/* The length of the well-formed UTF-8 sequence at `s`, with its code point in *ret;
 * 0 when there is none. `s` ends with a NUL byte, which is not a sequence. */
size_t am_utf8_next(const char *s, uint32_t *ret);

bool am_utf8_valid(const char *s);

/* Whether a character does something to the text around it instead of showing. */
bool am_utf8_acts(uint32_t rune);
