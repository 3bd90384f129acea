/* SPDX-License-Identifier: GPL-2.0 */
/* The folder of bundles: what is put there and is signed, newer and fit for this host comes
 * into force like a push. Folder and files are to belong to root and to be writable by
 * nobody else, as for keys.
 *
 * Something happening in the folder is only the occasion to look at all of it, so nothing
 * depends on the order in which files, signatures and notifications come. Of what the host
 * would take, the highest serial is taken, a rollback only if there is nothing else; then
 * the folder is looked at again. What is no higher is left alone; what is refused is told
 * once, until it changes. One file is looked at per step, at most AM_INBOX_FILES of them. */
#pragma once

#include "agent/intake.h"
#include "agent/loop.h"

enum { AM_INBOX_FILES = 256 };

struct am_inbox_file;

struct am_inbox {
	const char *path;	/* borrowed */
	struct am_loop *loop;	/* borrowed */
	const struct am_intake *intake;	/* borrowed */
	struct am_source source;	/* inotify; fd is owned, -1: the folder is not watched */
	int dir;		/* owned; open while a look is under way, else -1: who holds a
				 * folder open is not told that it was removed */
	bool changed;		/* since the look that is under way began */
	bool refused;		/* the folder itself, which has been told */
	struct am_inbox_file *files;	/* owned: those of this look */
	size_t count;
	size_t next;		/* to look at */
	struct am_inbox_file *told;	/* owned: refused ones */
	size_t n_told;
	struct am_bundle *best;	/* owned: of this look */
	char *best_name;	/* owned */
};

void am_inbox_init(struct am_inbox *in, const char *path, struct am_loop *loop,
		   const struct am_intake *intake);

/* Looks for the folder if it is not watched yet. To be called now and then. */
void am_inbox_tick(struct am_inbox *in);

/* Looks at everything anew, also at what was refused. */
void am_inbox_again(struct am_inbox *in);

/* A small part of the work; whether some is left. */
bool am_inbox_step(struct am_inbox *in);

/* The bundle that a host without a policy would begin with; -ENOENT if there is none.
 * *ret is owned. */
int am_inbox_first(struct am_inbox *in, struct am_force **ret);

void am_inbox_done(struct am_inbox *in);
