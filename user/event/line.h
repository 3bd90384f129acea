/* SPDX-License-Identifier: GPL-2.0 */
/* Columns that every line for a person has, whether of an event or of a notice. */
#pragma once

#include <stdint.h>
#include <stdio.h>

/* `14:02:07.113 `, local time. */
void am_line_time(FILE *out, int64_t wall_ns);

/* ` name=value`, escaped; nothing without a value. */
void am_line_field(FILE *out, const char *name, const char *value);
