/* SPDX-License-Identifier: GPL-2.0 */
/* Which policy was in force from when to when. The file `history` of the state directory:
 *
 *     amanat history 1
 *     CHECK begin GENERATION TIME POLICY file|bundle ROAD UID DIGEST SERIAL BACK KEY SIGNER
 *     CHECK end GENERATION TIME
 *
 * one line each, its words apart by one space. TIME is in seconds of the epoch; SERIAL and
 * BACK are 0, KEY and SIGNER "-" where there is none; in SIGNER all but letters, digits,
 * '.', '_' and '-' is %XX, and so is a '-' in front. CHECK is the BLAKE2b-128 of what
 * follows it and its space up to the line feed, in hex. A `begin` is on disk before its
 * policy is in force, and is taken back if that fails: no event is of a generation that
 * is not here. Who is killed in between leaves a line of a policy that decided nothing.
 *
 * A policy ends with the next `begin` or with `end`, which an agent writes that is told to
 * stop; where a `begin` with ROAD `start` has no `end` before it, the agent was killed, and
 * when is not known. A line whose CHECK does not hold is left out and counted; one that is
 * cut at the end of the file, as by a power cut, is cut off. At twice AM_HISTORY_MAX lines
 * the file is replaced by the later half. */
#pragma once

#include "policy/origin.h"

enum { AM_HISTORY_MAX = 1024 };	/* policies remembered */

enum am_ending {
	AM_ENDING_INVALID = 0,
	AM_ENDING_NONE,		/* it is in force */
	AM_ENDING_REPLACED,
	AM_ENDING_STOPPED,	/* the agent was told to end */
	AM_ENDING_UNKNOWN,	/* the agent was killed, or the host went down */
};

struct am_reign {
	uint32_t generation;
	int64_t since_s;
	int64_t until_s;	/* REPLACED, STOPPED; 0: not known */
	enum am_ending ending;
	char policy[AM_NAME_LEN_MAX + 1];
	struct am_origin origin;
};

struct am_history {
	int dirfd;		/* borrowed */
	int fd;			/* owned; -1: the file cannot be used */
	struct am_reign *reigns;	/* owned, oldest first */
	size_t count;
	size_t lines;		/* in the file */
	size_t damaged;		/* lines left out when it was read */
	int64_t len;		/* of the file */
	int64_t len_before;	/* before the last `begin` */
};

/* Reads what earlier runs have left. 0; -EBADMSG if the file is something else, and it has
 * then been put aside as `history.damaged` and a new one begun; another errno, and then
 * nothing will be remembered. In every case `h` can be used. */
int am_history_open(struct am_history *h, int dirfd);
void am_history_close(struct am_history *h);

/* Only to look at, also beside the agent whose file it is, and in a copy: nothing is mended
 * and nothing can be added. 0; -ENOENT; -EBADMSG; another errno. Closed likewise. */
int am_history_read(struct am_history *h, int dirfd);

/* On disk when it returns 0; -errno, and the file is as it was. */
int am_history_begin(struct am_history *h, const struct am_reign *r);

/* Takes the last begin() back. */
void am_history_revert(struct am_history *h);

/* The agent ends, and with it what is in force. 0 or -errno. */
int am_history_end(struct am_history *h, int64_t now_s);

/* Borrowed until the next begin(); NULL if it is not known (any more). */
const struct am_reign *am_history_find(const struct am_history *h, uint32_t generation);
