/* SPDX-License-Identifier: GPL-2.0 */
/* The roads to stored data and off the host, and which hooks close each. `status` asks the
 * programs that are attached, `doctor` the kernel. A row names hooks that we have programs
 * for, by their LSM names, and a function that is no hook as "get_pipe_info()". */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum am_cover {
	AM_COVER_INVALID = 0,
	AM_COVER_ENFORCED,	/* a refusal stops it */
	AM_COVER_DETECTED,	/* it is told, or its effect is, and it is not stopped */
	AM_COVER_OPEN,		/* nothing sees it */
	AM_COVER_MAX_,
};

enum { AM_ROAD_HOOKS = 6 };

struct am_coverage_road {
	const char *name;
	const char *op;		/* of the rules that it is for: "read", "write" or "send" */
	/* All are needed. None: nothing we have sees it. */
	const char *hooks[AM_ROAD_HOOKS];
	enum am_cover cover;	/* with all of them */
	enum am_cover without;	/* else; AM_COVER_INVALID: AM_COVER_OPEN */
	const char *why;	/* of what is not enforced: a clause. May be NULL otherwise */
};

extern const struct am_coverage_road am_roads[];
extern const size_t am_roads_count;

/* Whether a program is (or could be) on the hook. */
typedef bool (*am_has_hook)(void *ctx, const char *hook);

/* How far the road is covered; *ret_missing: the first hook that lacks, else NULL. */
enum am_cover am_road_cover(const struct am_coverage_road *road, am_has_hook has, void *ctx,
			    const char **ret_missing);

/* "enforced", "detect-only", "not covered". */
const char *am_cover_word(enum am_cover cover);
