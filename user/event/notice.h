/* SPDX-License-Identifier: GPL-2.0 */
/* What the agent itself has to tell those who follow the events: which policy is in
 * force, that one was refused, that an executable is not what it was, who took on a
 * purpose. The kernel makes no record of these. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/host.h"

enum am_notice_kind {
	AM_NOTICE_INVALID = 0,
	AM_NOTICE_POLICY_IN_FORCE,
	AM_NOTICE_POLICY_REFUSED,	/* what was in force still is */
	AM_NOTICE_EXE_CHANGED,		/* another file, or another content, and still trusted */
	AM_NOTICE_EXE_GONE,		/* nobody becomes the subject by it any more */
	AM_NOTICE_EXE_BACK,		/* it is as it should be, for the first time or again */
	AM_NOTICE_PURPOSE_GRANTED,
	AM_NOTICE_PURPOSE_REFUSED,
	AM_NOTICE_PURPOSE_ENDED,	/* a new policy does not grant it any more */
	AM_NOTICE_MAX_,
};

/* All strings are borrowed, and NULL where not known. */
struct am_notice {
	enum am_notice_kind kind;
	bool observed;		/* PURPOSE_REFUSED: in observe mode, so nothing was stopped */
	const char *what;	/* the policy, the path, the purpose */
	const char *subjects;	/* EXE_*: "viewer,report" */
	const char *why;	/* one sentence */
	const char *policy;	/* in force now, with its generation */
	uint32_t generation;
	uint32_t pid;		/* PURPOSE_*: who asked; 0: nobody did */
	uint32_t uid;
	const char *user, *unit, *comm, *exe;
	const struct am_host_id *host;	/* NULL: this one */
	int64_t wall_ns;	/* CLOCK_REALTIME */
	uint64_t seq;		/* of this agent's notices, from 1 */
};

/* policy-in-force, exe-gone ...; "?" out of range. */
const char *am_notice_name(unsigned kind);

/* One line, in the columns of am_event_text(). 0 or -errno of the stream. */
int am_notice_text(FILE *out, const struct am_notice *n, bool color);

/* One OCSF event as one line of JSON: a Detection Finding for what breaks policy or trust,
 * else a Base Event, OCSF's class for what has none of its own. 0 or -errno. */
int am_notice_json(FILE *out, const struct am_notice *n);
