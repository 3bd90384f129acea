/* SPDX-License-Identifier: GPL-2.0 */
/* Text that a person wrote or will read: is it UTF-8, what did they mean, how
 * is it shown without letting it speak to the terminal. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The character at `text` (`len` bytes are left, at least one). Its length in bytes and
 * *ret; 0 if there is no well-formed UTF-8 character. */
size_t am_text_char(const char *text, size_t len, uint32_t *ret);

/* Whether a character is invisible, moves the cursor or reorders what is around it. */
bool am_text_is_control(uint32_t c);

/* Writes `text`, with control characters and bytes that are not UTF-8 as \xNN. */
void am_text_print(FILE *out, const char *text);

/* Looks for the known word that is nearest to what was written. */
struct am_nearest {
	const char *word;	/* as written, borrowed */
	const char *best;	/* the nearest so far, borrowed; NULL if none is near */
	unsigned distance;
};

void am_nearest_init(struct am_nearest *n, const char *word);
void am_nearest_offer(struct am_nearest *n, const char *candidate);
