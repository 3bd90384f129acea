/* SPDX-License-Identifier: GPL-2.0 */
/* The processes of a record: who each of them was, one after the other (a process may come to
 * run another program, as another user), and whose child it was.
 *
 * A process is known once it has left a row: of its own, or as one whom another descends
 * from. A parent that left none is a process without a name: its number is all that its
 * children tell, and may have been another's at another time.
 * Bounded; what finds no room is counted in the tallies. */
#pragma once

#include <stdbool.h>

#include "ledger/row.h"
#include "query/pool.h"
#include "query/tally.h"

enum {
	AM_FAMILY_PROCESSES_MAX = 1 << 18,
	AM_FAMILY_SELVES_MAX = 1 << 19,
};

#define AM_FAMILY_NONE UINT32_MAX	/* no process, no self */

/* Texts are numbers of the pool. */
struct am_family_process {
	uint64_t start_ns;	/* the key: CLOCK_BOOTTIME; 0: of one that left no row */
	uint32_t pid, boot;	/* likewise */
	uint32_t ppid;		/* at its first row */
	uint32_t parent, child, sibling;	/* processes: its own, its first, its parent's next */
	uint32_t self, last_self;	/* who it was at first, who at last */
	int64_t start_wall_ns;
	int64_t first_ns, last_ns;	/* of its rows */
	bool chosen;
	bool shown;		/* chosen, or a forebear of one that is */
};

struct am_family_self {
	uint64_t exe_ino, cgroup;	/* the key, with the next line */
	uint32_t process, exe_dev, uid, login, session, zero;
	uint32_t next;		/* who it was then */
	uint32_t exe, comm, user, login_user, unit;
	int64_t first_ns;
	bool passing;		/* only seen as the process began, or from below */
};

struct am_family {
	struct am_pool pool;
	struct am_tally processes, selves;
	uint32_t first;		/* of those without a parent; then by `sibling` */
	char boot[40];		/* of the last row */
	uint32_t boot_text;
};

#define AM_FAMILY_PROCESS(f, i) AM_TALLY_AT(&(f)->processes, struct am_family_process, i)
#define AM_FAMILY_SELF(f, i) AM_TALLY_AT(&(f)->selves, struct am_family_self, i)

void am_family_init(struct am_family *f);
void am_family_done(struct am_family *f);

/* The process of a row, which is added if need be; `boot` is what the row's host says of its
 * boot. AM_FAMILY_NONE for gaps and marks, and where there is no room. 0 or -ENOMEM. */
int am_family_add(struct am_family *f, const struct am_row *row, const char *boot, uint32_t *ret);

/* That process, if it was added. False: it was not. */
bool am_family_find(struct am_family *f, const struct am_row *row, const char *boot, uint32_t *ret);

/* When all are added: who is whose child, brothers and sisters by their start; and who somebody
 * was for no longer than it takes to become somebody else of the same user is left out. 0 or
 * -ENOMEM. */
int am_family_solve(struct am_family *f);

/* Afterwards. The descendants of those that are chosen are chosen too. */
void am_family_choose_children(struct am_family *f);

/* Those that are chosen are shown, and all whom they descend from. */
void am_family_show(struct am_family *f);

/* The next one that is shown, parents before their children; AM_FAMILY_NONE: begins, and ends.
 * *depth is that of `process`, then of what is returned. */
uint32_t am_family_next(const struct am_family *f, uint32_t process, unsigned *depth);
