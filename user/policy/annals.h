/* SPDX-License-Identifier: GPL-2.0 */
/* What outlives the agent of the policies it had in force: their texts (archive.h), from
 * when to when (history.h), and which bundle governs this host (serial.h). A policy takes
 * over in this order:
 *
 *     prepare    its text, the line in the history and the next `serial` are on disk
 *     (publish   by the caller: the transaction point of the running host)
 *     commit     `serial.next` becomes `serial`: the transaction point of the next start
 *
 * or, if it could not be published, revert. Whatever needs room on the disk comes before
 * publishing. Who is killed at any moment leaves the old `serial` or the new one, and the
 * text that it names is there: texts are removed after a commit only. */
#pragma once

#include "policy/archive.h"
#include "policy/history.h"
#include "policy/serial.h"

struct am_annals {
	int dirfd;		/* of the state directory; borrowed */
	struct am_history history;
	struct am_serial serial;	/* of what is in force */
	struct am_serial next;	/* staged */
	bool staged;
};

/* 0, and *ret_history tells how the history was found (am_history_open()); -EBADMSG if
 * `serial` is damaged; another errno. `a` can be closed in every case. */
int am_annals_open(struct am_annals *a, int dirfd, int *ret_history);
void am_annals_close(struct am_annals *a);

/* Whether a bundle governs, and files do not count any more. */
bool am_annals_has_bundle(const struct am_annals *a);

/* The signed bundle that governs, as it was taken. 0; -ENOENT, -EBADMSG; another errno. */
int am_annals_bundle(const struct am_annals *a, struct am_blob *ret);

/* `bytes` are those of the signed bundle, or the canonical text. -errno: of a bundle
 * nothing has changed; of a file as much as could be is remembered, and it may go on. */
int am_annals_prepare(struct am_annals *a, const struct am_reign *r, const void *bytes,
		      size_t len);
void am_annals_revert(struct am_annals *a);

/* 0; -errno if the next start will be with the bundle before. */
int am_annals_commit(struct am_annals *a);

/* The last reign of this host's bundle with this serial or, for 0, of the highest that is
 * lower than the one in force. Borrowed; NULL if there is none. */
const struct am_reign *am_annals_earlier(const struct am_annals *a, uint64_t serial);
