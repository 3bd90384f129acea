/* SPDX-License-Identifier: GPL-2.0 */
/* Rows for the eyes of others: who it was is replaced by keyed hashes, the same name by the
 * same hash, so that who did what can still be followed, and nobody without the key can tell
 * who that is, nor try names out.
 *
 * Replaced: users and logins (names and numbers), groups, sessions, every part of paths (of
 * executables too), names of threads, units, addresses, inodes, the host. Left out: sentences, which
 * hold any of these. Kept: stores, labels, zones, policies, times, processes' numbers,
 * verdicts, ports, ids of events (which only the record leads back from). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/host.h"
#include "ledger/row.h"

enum {
	AM_PSEUDONYM_KEY_MIN = 16,	/* bytes of a key */
	AM_PSEUDONYM_KEY_MAX = 4096,
};

struct am_pseudonym;

/* With a key of AM_PSEUDONYM_KEY_MIN to _MAX bytes, or a random one if `key` is NULL. *ret is
 * owned. 0; -EINVAL for a key of another length; -ENOMEM. */
int am_pseudonym_new(const void *key, size_t len, struct am_pseudonym **ret);

/* The row under pseudonyms; borrows from the row, and from `p` until the next call. */
void am_pseudonym_row(struct am_pseudonym *p, const struct am_row *row, struct am_row *ret);

void am_pseudonym_host(const struct am_pseudonym *p, const struct am_host_id *host,
		       struct am_host_id *ret);

/* Wipes the key. */
void am_pseudonym_free(struct am_pseudonym *p);
AM_DEFINE_AUTO(am_pseudonym);
