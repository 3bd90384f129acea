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

/* Adds a stray, or gives it another tag. 0; -E2BIG when there is no room; another errno. */
int am_tags_stray_put(struct am_engine *e, const struct am_stray *stray);
