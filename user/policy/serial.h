/* SPDX-License-Identifier: GPL-2.0 */
/* Which bundles a host has had in force, as far as that decides which it takes next.
 *
 *     a bundle         is taken if its serial is higher than every one the host has had;
 *     a rollback       if it takes back just that highest serial, and goes to a lower one
 *                      than that in force.
 *
 * So with every bundle taken either `highest` grows, or it stays and `current` shrinks:
 * whatever was taken once is never taken again, in any order and at any time, also not
 * the bundle that was taken back and not an old rollback. After a rollback the next
 * bundle needs a number above the one taken back, and a further rollback takes back the
 * same number again.
 *
 * A bundle is for the policy of its name: that of another host's policy, signed by the
 * same people, is refused however high its serial.
 *
 * Kept in the file `serial` of the agent's state directory, which is replaced whole:
 *
 *     amanat serial 1
 *     policy NAME
 *     current N
 *     highest N
 *     digest HEX                       of the text of the bundle in force
 *
 * A file that says anything else is an error and not a host without a past. */
#pragma once

#include "policy/bundle.h"

struct am_serial {
	char policy[AM_NAME_LEN_MAX + 1];	/* empty: no bundle was ever in force */
	uint64_t current;
	uint64_t highest;			/* never less than `current` */
	uint8_t digest[AM_DIGEST_BYTES];
};

/* Whether the host would take the bundle: 0; -EALREADY if it is the one in force, which
 * is no fault; -ESTALE, with one error. `name` stands for the bundle in messages. */
int am_serial_check(const struct am_serial *s, const struct am_draft *d, const char *name,
		    struct am_diags *diags);

/* What holds once the bundle, which passed am_serial_check(), is in force. */
void am_serial_advance(struct am_serial *s, const struct am_draft *d);
void am_serial_move(struct am_serial *s, const char *policy, uint64_t serial,
		    const uint8_t digest[AM_DIGEST_BYTES]);

/* Without a file, a host without a past. 0; -EBADMSG; another negative errno. */
int am_serial_load(int dirfd, struct am_serial *ret);

/* On disk when it returns 0. */
int am_serial_save(const struct am_serial *s, int dirfd);

/* The same in two steps, so that what can fail for want of room has happened before the
 * bundle is in force: `s` is on disk as `serial.next`, and commit only renames it. */
int am_serial_stage(const struct am_serial *s, int dirfd);
int am_serial_commit(int dirfd);
void am_serial_unstage(int dirfd);
