/* SPDX-License-Identifier: GPL-2.0 */
/* Names to numbers that outlive a policy: labels to bits, purposes to numbers,
 * stores to ids. Labels on inodes and on processes, and the purposes that processes
 * run under, are these numbers, so a number keeps its name as long as the agent's
 * state directory lives.
 *
 * Always true of it: a label's bit, a purpose's number and a store's slot are never
 * given to another name while the old one may still be in use; a store's epoch
 * grows whenever one of its paths is gone, so that tags handed out before are
 * stale. The file is replaced atomically and read back whole or refused. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct am_registry;

/* An empty registry that lives in memory only. */
int am_registry_new(struct am_registry **ret);

/* Reads `dirfd`/registry; a missing file is an empty registry. -EBADMSG when it is malformed. */
int am_registry_load(int dirfd, struct am_registry **ret);

/* Writes `dirfd`/registry: temporary file, fsync, rename, fsync of the directory. */
int am_registry_save(struct am_registry *r, int dirfd);

/* A copy to try a policy on: taken into force, or thrown away with the policy. */
int am_registry_copy(const struct am_registry *r, struct am_registry **ret);

void am_registry_free(struct am_registry *r);
AM_DEFINE_AUTO(am_registry);

/* The label's bit, 0..63, interned if new. -ENOSPC when 64 are in use. */
int am_registry_label(struct am_registry *r, const char *name);

/* The purpose's number, 1..63, interned if new. -ENOSPC when 63 are in use. */
int am_registry_purpose(struct am_registry *r, const char *name);

/* The store's id for this set of paths, interned if new: the same slot for the
 * same name, a new epoch when a path that it had is not among `paths`.
 * -ENOSPC when AM_STORES_MAX slots are in use. */
int am_registry_store(struct am_registry *r, const char *name, const char *const *paths,
		      size_t n_paths, uint32_t *ret_id);

/* Borrowed names, NULL when unknown; a store by its slot, whatever its epoch. */
const char *am_registry_label_name(const struct am_registry *r, unsigned bit);
const char *am_registry_purpose_name(const struct am_registry *r, unsigned number);
const char *am_registry_store_name(const struct am_registry *r, uint32_t id);
