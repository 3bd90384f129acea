/* SPDX-License-Identifier: GPL-2.0 */
/* The labels that the kernel holds: on cached inodes, and the strays. */
#pragma once

#include <stddef.h>

#include "store/seal.h"
#include "store/strays.h"

struct am_engine;

/* The labels on inodes, for the walk. *ret borrows the engine. */
void am_tags_ops(struct am_engine *e, struct am_seal_ops *ret);

/* All strays that the kernel knows. 0 or -errno; *ret is owned. */
int am_tags_strays(struct am_engine *e, struct am_stray **ret, size_t *ret_n);

/* Reads the tag of stray->key into stray->tag. 0; -ENOENT; another errno. */
int am_tags_stray_get(struct am_engine *e, struct am_stray *stray);

/* Adds a stray that the kernel does not know. 0; -EEXIST; -E2BIG: no room; another errno. */
int am_tags_stray_add(struct am_engine *e, const struct am_stray *stray);

/* Gives a stray another tag. 0; -ENOENT; another errno. */
int am_tags_stray_change(struct am_engine *e, const struct am_stray *stray);

/* Forgets a stray. 0; -ENOENT; another errno. */
int am_tags_stray_drop(struct am_engine *e, const struct am_stray *stray);
