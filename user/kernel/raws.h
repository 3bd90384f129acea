/* SPDX-License-Identifier: GPL-2.0 */
/* Tells the kernel side which devices hold the bytes of stores, see bpf/raw.h. */
#pragma once

#include "store/root.h"

struct am_engine;

/* Enters every device below the roots, and marks every node that may lead to one. What was
 * entered before stays: a store may have been there. 0; -ENOSPC: too many devices; -errno. */
int am_raws_enter(struct am_engine *e, const struct am_roots *roots);
