/* SPDX-License-Identifier: GPL-2.0 */
/* A text with gaps. What stands for a gap is told apart from the same letter meant as
 * itself: it is one of two bytes that no text of ours has. */
#pragma once

#include <stdbool.h>

enum {
	AM_GLOB_ANY = '\1',	/* any text, `*` */
	AM_GLOB_ONE = '\2',	/* any one character, `?` */
};

bool am_glob_matches(const char *pattern, const char *text);
