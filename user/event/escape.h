/* SPDX-License-Identifier: GPL-2.0 */
/* Names that somebody else chose (files, commands, users) as parts of one line: no
 * control character, line feed or byte that is not UTF-8 gets out, and no name can
 * pass for another column of the line.
 *
 * What is escaped becomes \xNN for each byte, and a backslash becomes two, so that
 * the original can always be told. */
#pragma once

#include <stdio.h>

enum am_escape {
	AM_ESCAPE_INVALID = 0,
	AM_ESCAPE_PHRASE,	/* single spaces stay; repeated or at an end they are \x20 */
	AM_ESCAPE_WORD,		/* every space is \x20 */
	AM_ESCAPE_MAX_,
};

/* The stream keeps its error, as with fputs(). */
void am_escape_write(FILE *out, const char *s, enum am_escape how);
