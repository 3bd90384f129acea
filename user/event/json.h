/* SPDX-License-Identifier: GPL-2.0 */
/* JSON written as it is told, on one line: commas, quotes and escapes are its
 * business, the shape is the caller's. What it writes is well-formed UTF-8
 * whatever the strings hold; bytes that are not become U+FFFD.
 *
 * A member whose string is NULL is left out. `key` is NULL inside a list and for
 * the outermost value. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { AM_JSON_DEPTH = 32 };

struct am_json {
	FILE *out;	/* borrowed */
	unsigned depth;
	uint32_t lists;	/* bit per depth: ends with ] */
	uint32_t comma;	/* bit per depth: a comma is due */
};

void am_json_init(struct am_json *j, FILE *out);

void am_json_object(struct am_json *j, const char *key);
void am_json_list(struct am_json *j, const char *key);
void am_json_end(struct am_json *j);

void am_json_text(struct am_json *j, const char *key, const char *value);
void am_json_int(struct am_json *j, const char *key, int64_t value);
void am_json_bool(struct am_json *j, const char *key, bool value);

/* As a string: most readers of JSON round numbers beyond 2^53. */
void am_json_u64(struct am_json *j, const char *key, uint64_t value);

/* Ends what is open and the line. 0 or -errno of the stream. */
int am_json_done(struct am_json *j);
