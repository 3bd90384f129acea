// SPDX-License-Identifier: GPL-2.0
#include "base/when.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)

enum {
	TEXT_MAX = 40,
	DAY_S = 24 * 60 * 60,
	YEAR_MIN = 1970,
	YEAR_MAX = 2200,
};

#define EPOCH_MAX_S INT64_C(7289568000)	/* 2201-01-01 */

const char am_when_forms[] =
	"-2h, -7d, today, yesterday, boot, 14:02, 2026-11-26, 2026-11-26T14:02:07, 2026-11-26T14:02:07.5+05:00, @SECONDS";

static int64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t); /* cannot fail with these clocks */
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

struct am_when am_when_here(void)
{
	int64_t now_ns = clock_ns(CLOCK_REALTIME);

	return (struct am_when){ now_ns, now_ns - clock_ns(CLOCK_BOOTTIME) };
}

/* ---- a number and what it counts ------------------------------------------- */

/* Digits at *at, at most ten: false if there are none, or more. */
static bool take_number(const char **at, int64_t *ret)
{
	const char *p = *at;
	int64_t n = 0;

	while (isdigit((unsigned char)*p) && p - *at < 10)
		n = n * 10 + (*p++ - '0');
	if (p == *at || isdigit((unsigned char)*p))
		return false;
	*at = p;
	*ret = n;
	return true;
}

static int64_t unit_s(char unit)
{
	switch (unit) {
	case 's': return 1;
	case 'm': return 60;
	case 'h': return 60 * 60;
	case 'd': return DAY_S;
	case 'w': return 7 * DAY_S;
	default: return 0;
	}
}

/* "2h", "1d12h" */
static int parse_ago(const char *text, int64_t *ret_s)
{
	int64_t n, total = 0;

	do {
		if (!take_number(&text, &n) || !unit_s(*text))
			return -EINVAL;
		if (n > EPOCH_MAX_S / unit_s(*text))
			return -ERANGE;
		total += n * unit_s(*text++);
	} while (*text);
	*ret_s = total;
	return 0;
}

/* ---- days and times --------------------------------------------------------- */

static bool take_field(const char **at, char before, int digits, int low, int high, int *ret)
{
	const char *p = *at;
	int n = 0, i;

	if (before && *p++ != before)
		return false;
	for (i = 0; i < digits; i++, p++) {
		if (!isdigit((unsigned char)*p))
			return false;
		n = n * 10 + (*p - '0');
	}
	if (n < low || n > high)
		return false;
	*at = p;
	*ret = n;
	return true;
}

static bool take_date(const char **at, struct tm *t)
{
	int year, month, day;

	if (!take_field(at, 0, 4, YEAR_MIN, YEAR_MAX, &year) ||
	    !take_field(at, '-', 2, 1, 12, &month) || !take_field(at, '-', 2, 1, 31, &day))
		return false;
	t->tm_year = year - 1900;
	t->tm_mon = month - 1;
	t->tm_mday = day;
	return true;
}

/* ".113", of a second: at most nine digits. */
static bool take_fraction(const char **at, int64_t *ret_ns)
{
	const char *p = *at + 1;
	int64_t unit = NS_PER_S, ns = 0;

	if (**at != '.')
		return true;
	for (; isdigit((unsigned char)*p) && unit > 1; p++) {
		unit /= 10;
		ns += (*p - '0') * unit;
	}
	if (p == *at + 1 || isdigit((unsigned char)*p))
		return false;
	*at = p;
	*ret_ns = ns;
	return true;
}

static bool take_time(const char **at, struct tm *t, int64_t *ret_ns)
{
	if (!take_field(at, 0, 2, 0, 23, &t->tm_hour) || !take_field(at, ':', 2, 0, 59, &t->tm_min))
		return false;
	if (**at != ':')
		return true;
	return take_field(at, ':', 2, 0, 60, &t->tm_sec) && take_fraction(at, ret_ns);
}

/* Of a place on earth: how far its clocks are ahead. */
struct zone {
	bool given;
	int64_t ahead_s;
};

/* "Z"; behind a time also "+05:00", "-0330", "+05". */
static bool take_zone(const char **at, bool timed, struct zone *ret)
{
	int sign = **at == '-' ? -1 : 1, hours, minutes = 0;

	ret->given = **at == 'Z' || (timed && (**at == '+' || **at == '-'));
	ret->ahead_s = 0;
	if (!ret->given)
		return true;
	if (*(*at)++ == 'Z')
		return true;
	if (!take_field(at, 0, 2, 0, 14, &hours))
		return false;
	if (**at && !take_field(at, **at == ':' ? ':' : 0, 2, 0, 59, &minutes))
		return false;
	ret->ahead_s = sign * (hours * 60 + minutes) * 60;
	return true;
}

static struct tm today(const struct am_when *from)
{
	const time_t now_s = from->now_ns / NS_PER_S;
	struct tm t;

	(void)localtime_r(&now_s, &t);
	t.tm_hour = t.tm_min = t.tm_sec = 0;
	t.tm_isdst = -1;
	return t;
}

static int seconds_of(struct tm t, const struct zone *zone, int64_t *ret_s)
{
	const struct tm asked = t;
	int64_t s = zone->given ? timegm(&t) - zone->ahead_s : mktime(&t);

	/* The 31st of a month that has 30 days. */
	if (t.tm_mday != asked.tm_mday && t.tm_mon != asked.tm_mon)
		return -EINVAL;
	if (s < 0 || s > EPOCH_MAX_S)
		return -ERANGE;
	*ret_s = s;
	return 0;
}

static int parse_calendar(const char *text, const struct am_when *from, int64_t *ret_ns)
{
	bool dated = strlen(text) > 4 && text[4] == '-', timed = !dated;
	struct tm t = today(from);
	int64_t s, ns = 0;
	struct zone zone;
	int r;

	if (dated && !take_date(&text, &t))
		return -EINVAL;
	if (dated && (*text == 'T' || *text == ' ')) {
		timed = true;
		text++;
	}
	if ((timed && !take_time(&text, &t, &ns)) || !take_zone(&text, timed, &zone) || *text)
		return -EINVAL;
	r = seconds_of(t, &zone, &s);
	if (!r)
		*ret_ns = s * NS_PER_S + ns;
	return r;
}

/* ---- all of them ------------------------------------------------------------ */

static int64_t day_ns(const struct am_when *from, int days_back)
{
	struct tm t = today(from);

	t.tm_mday -= days_back;
	return (int64_t)mktime(&t) * NS_PER_S;
}

static bool parse_word(const char *text, const struct am_when *from, int64_t *ret_ns)
{
	if (!strcmp(text, "now"))
		*ret_ns = from->now_ns;
	else if (!strcmp(text, "boot"))
		*ret_ns = from->boot_ns;
	else if (!strcmp(text, "today"))
		*ret_ns = day_ns(from, 0);
	else if (!strcmp(text, "yesterday"))
		*ret_ns = day_ns(from, 1);
	else
		return false;
	return true;
}

static int parse_epoch(const char *text, int64_t *ret_s)
{
	if (!take_number(&text, ret_s) || *text)
		return -EINVAL;
	return *ret_s > EPOCH_MAX_S ? -ERANGE : 0;
}

static int parse_other(const char *text, const struct am_when *from, int64_t *ret_ns)
{
	int64_t s;
	int r = *text == '@' ? parse_epoch(text + 1, &s) : parse_ago(text + (*text == '-'), &s);

	if (r == -EINVAL && *text != '@' && *text != '-')
		return parse_calendar(text, from, ret_ns);
	if (r)
		return r;
	if (*text != '@')
		s = from->now_ns / NS_PER_S - s;
	if (s < 0)
		return -ERANGE;
	*ret_ns = s * NS_PER_S;
	return 0;
}

int am_when_parse(const char *text, size_t len, const struct am_when *from, int64_t *ret_ns)
{
	char word[TEXT_MAX];

	if (!len || len >= sizeof(word) || memchr(text, '\0', len))
		return -EINVAL;
	memcpy(word, text, len);
	word[len] = '\0';
	if (parse_word(word, from, ret_ns))
		return 0;
	return parse_other(word, from, ret_ns);
}

/* ---- told ------------------------------------------------------------------- */

bool am_when_local(int64_t s, char ret[AM_WHEN_TEXT])
{
	const time_t at = s;
	struct tm t = { 0 };
	bool fits = localtime_r(&at, &t) != NULL;

	if (!strftime(ret, AM_WHEN_TEXT, "%Y-%m-%d %H:%M:%S", &t))
		ret[0] = '\0';
	return fits;
}

void am_when_utc(int64_t ns, char ret[AM_WHEN_TEXT])
{
	const time_t at = ns / NS_PER_S;
	struct tm t = { 0 };
	size_t n;

	(void)gmtime_r(&at, &t);	/* a year that does not fit an int leaves zeros */
	n = strftime(ret, AM_WHEN_TEXT, "%Y-%m-%dT%H:%M:%S", &t);
	(void)snprintf(ret + n, AM_WHEN_TEXT - n, ".%03dZ", (int)(ns / 1000000 % 1000));
}
