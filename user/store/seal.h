/* SPDX-License-Identifier: GPL-2.0 */
/* Sealing: every inode below the roots of the stores gets its label.
 *
 * Files that enter the kernel's cache inherit the label of their folder, so this
 * walk is for those that were cached before the store was labelled. It is one
 * pass, in steps, so that its caller can do other work in between. It follows no
 * symbolic link, crosses no mount, and ends at the root of another store. What
 * appears or moves behind it is the kernel's to label. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "store/root.h"

enum {
	AM_SEAL_DEPTH = 1024,	/* folders within folders; each is an open descriptor meanwhile */
	AM_SEAL_PATH = 512,	/* bytes kept of the path of a failure */
};

/* The labels on inodes. 0 or -errno; `fd` may be an O_PATH one. */
struct am_seal_ops {
	int (*read)(void *ctx, int fd, struct am_tag *ret);	/* -ENOENT: has none */
	int (*add)(void *ctx, int fd, const struct am_tag *tag);	/* -EEXIST: has one */
	int (*replace)(void *ctx, int fd, const struct am_tag *tag);
	/* Has a labelled file or folder remembered by its own identity, not by its folder's. */
	int (*stray)(void *ctx, int fd);
	void *ctx;
};

/* How far one store is. */
struct am_seal_state {
	bool sealed;		/* walked, and every file found was labelled */
	bool walked;		/* nothing left to do, but maybe failures */
	uint64_t files;		/* seen since the walk began, folders included */
	uint64_t mounts;	/* mount points below a root: not part of the store */
	uint64_t failures;	/* files that could not be labelled */
	int error;		/* of the first failure: -errno */
	const char *where;	/* its path; borrowed until the next step */
};

struct am_seal;

/* `roots` and `policy` must outlive it. *ret is owned. */
int am_seal_new(const struct am_roots *roots, const struct am_policy *policy,
		const struct am_seal_ops *ops, struct am_seal **ret);

/* Before the policy goes into force: tells the kernel side whose the roots will be, so that they
 * are from its first instant on. 0, or -errno after all is as it was. */
int am_seal_announce(struct am_seal *s);

/* The policy did not go into force. */
void am_seal_revoke(struct am_seal *s);

/* Labels the roots themselves: from then on every file below is the store's. 0, or -errno of
 * the first that failed. */
int am_seal_roots(struct am_seal *s);

/* Has the roots of the store walked (again), of all stores if 0. */
void am_seal_begin(struct am_seal *s, uint32_t store);

/* Goes on for at most `budget` files. Whether there is more to do. */
bool am_seal_step(struct am_seal *s, size_t budget);

/* Whether all stores are walked and every file found was labelled. */
bool am_seal_is_sealed(const struct am_seal *s);

void am_seal_state(const struct am_seal *s, uint32_t store, struct am_seal_state *ret);

void am_seal_free(struct am_seal *s);
AM_DEFINE_AUTO(am_seal);
