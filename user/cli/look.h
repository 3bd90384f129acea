/* SPDX-License-Identifier: GPL-2.0 */
/* How things look on a terminal. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/when.h"

/* Colour is for a person at a terminal who has not declined it (no-color.org). */
bool am_look_wants_color(FILE *out);

/* "2026-11-26 14:02:07", in local time. */
void am_look_time(int64_t wall_ns, char ret[AM_WHEN_TEXT]);

/* "2026-11-26" */
void am_look_day(int64_t wall_ns, char ret[AM_WHEN_TEXT]);
