// SPDX-License-Identifier: GPL-2.0
#include "agent/keeping.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

enum {
	DISK_PART = 4,		/* of the file system is what the ledger takes by itself */
	SEGMENTS_MIN = 8,	/* so that little goes at a time */
};

#define MIB (1ULL << 20)
#define MAX_DEFAULT (4096 * MIB)
#define MAX_LEAST MIB
#define SEGMENT_DEFAULT (32 * MIB)
#define SEGMENT_LEAST (128ULL << 10)
#define SEGMENT_MOST (1024 * MIB)
#define NUMBER_MOST (1ULL << 50)
#define HOUR_S 3600LL

/* ---- what is written --------------------------------------------------------------- */

static const struct unit {
	char letter;
	uint64_t factor;
} sizes[] = {
	{ 'K', 1ULL << 10 }, { 'M', MIB }, { 'G', 1ULL << 30 }, { 'T', 1ULL << 40 }, { 0, 0 },
}, times[] = {
	{ 'h', HOUR_S }, { 'd', 24 * HOUR_S }, { 'w', 168 * HOUR_S }, { 'y', 8766 * HOUR_S }, { 0, 0 },
};

/* A whole number and one of the letters. */
static bool parse_quantity(const char *word, const struct unit *units, uint64_t *ret)
{
	unsigned long long n;
	char *end;

	if (word[0] < '0' || word[0] > '9')
		return false;
	errno = 0;
	n = strtoull(word, &end, 10);
	for (; units->letter && *end != units->letter; units++)
		;
	if (errno || !units->letter || end[1] || n > NUMBER_MOST / units->factor)
		return false;
	*ret = n * units->factor;
	return true;
}

static int refuse(FILE *err, const char *option, const char *wanted, const char *word)
{
	(void)fprintf(err, "error: '%s' takes %s, not '%s'; see 'amanatd --help'\n", option, wanted, word);
	return -EINVAL;
}

static int parse_full(const char *word, FILE *err, enum am_full_policy *ret)
{
	if (!word || !strcmp(word, "oldest-first"))
		*ret = AM_FULL_OLDEST_FIRST;
	else if (!strcmp(word, "stop"))
		*ret = AM_FULL_STOP;
	else
		return refuse(err, "--ledger-full", "'oldest-first' or 'stop'", word);
	return 0;
}

int am_keeping_parse(const struct am_keeping_words *words, FILE *err, struct am_keeping *ret)
{
	struct am_keeping k = { 0 };
	uint64_t keep_s = 0;

	if (words->max && (!parse_quantity(words->max, sizes, &k.max_bytes) || k.max_bytes < MAX_LEAST))
		return refuse(err, "--ledger-max", "a size from 1M on, such as 512M or 20G", words->max);
	if (words->segment && (!parse_quantity(words->segment, sizes, &k.segment_bytes) ||
			       k.segment_bytes < SEGMENT_LEAST || k.segment_bytes > SEGMENT_MOST))
		return refuse(err, "--ledger-segment", "a size from 128K to 1G, such as 32M",
			      words->segment);
	if (k.max_bytes && k.segment_bytes > k.max_bytes / 2)
		return refuse(err, "--ledger-segment", "at most half of '--ledger-max'", words->segment);
	if (words->keep && (!parse_quantity(words->keep, times, &keep_s) || !keep_s))
		return refuse(err, "--ledger-keep", "a time in h, d, w or y, such as 90d or 7y",
			      words->keep);
	k.keep_s = (int64_t)keep_s;
	if (parse_full(words->full, err, &k.full) < 0)
		return -EINVAL;
	*ret = k;
	return 0;
}

/* ---- what it comes to --------------------------------------------------------------- */

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void am_keeping_fit_disk(const struct am_keeping *k, uint64_t disk_bytes,
			 struct am_writer_options *ret)
{
	uint64_t max = k->max_bytes, segment = k->segment_bytes;

	if (!max)
		max = disk_bytes ? smaller(MAX_DEFAULT, larger(disk_bytes / DISK_PART, MAX_LEAST)) :
				   MAX_DEFAULT;
	if (!segment)
		segment = larger(smaller(SEGMENT_DEFAULT, max / SEGMENTS_MIN), SEGMENT_LEAST);
	*ret = (struct am_writer_options){
		.segment_bytes = segment,
		.keep_bytes = max,
		.keep_age_s = k->keep_s,
		.full = k->full,
	};
}

/* Of the nearest directory above that exists. */
static uint64_t disk_bytes_of(const char *dir)
{
	char path[PATH_MAX];
	struct statvfs st;
	char *slash;

	(void)snprintf(path, sizeof(path), "%s", dir);
	while (statvfs(path, &st) < 0) {
		slash = strrchr(path, '/');
		if (!slash)
			return 0;
		slash[slash == path] = '\0';
		if (slash == path && statvfs(path, &st) < 0)
			return 0;
	}
	return (uint64_t)st.f_blocks * st.f_frsize;
}

void am_keeping_fit(const struct am_keeping *k, const char *dir, struct am_writer_options *ret)
{
	am_keeping_fit_disk(k, k->max_bytes ? 0 : disk_bytes_of(dir), ret);
}
