/* SPDX-License-Identifier: GPL-2.0 */
/* A moment as a person says it, in local time unless it says otherwise:
 *
 *     -2h  -30m  -7d  -90s  -1w      so long before now (the sign may be left out)
 *     now  today  yesterday          the start of the day
 *     boot                           when this host came up
 *     14:02  14:02:07                today
 *     2026-11-26                     the start of that day
 *     2026-11-26T14:02[:07[.113]]    also with a blank for the T; behind it Z is UTC, +05:00
 *                                    or -0330 a zone
 *     @1795698769                    seconds of the epoch */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where words that depend on the moment start from. */
struct am_when {
	int64_t now_ns;		/* CLOCK_REALTIME */
	int64_t boot_ns;	/* CLOCK_REALTIME at which CLOCK_BOOTTIME was 0 */
};

/* Of this host, now. */
struct am_when am_when_here(void);

/* What am_when_parse() understands, for hints. */
extern const char am_when_forms[];

/* The first `len` bytes of `text` as CLOCK_REALTIME, ns. 0, and *ret; -EINVAL; -ERANGE for a
 * moment before 1970 or after 2200. */
int am_when_parse(const char *text, size_t len, const struct am_when *from, int64_t *ret_ns);

enum { AM_WHEN_TEXT = 48 };

/* "2026-11-26 14:02:07", in local time. False, and zeros, for a year that does not fit. */
bool am_when_local(int64_t s, char ret[AM_WHEN_TEXT]);

/* "2026-11-26T14:02:07.113Z"; a moment from 1970 on. */
void am_when_utc(int64_t ns, char ret[AM_WHEN_TEXT]);
