/* SPDX-License-Identifier: GPL-2.0 */
/* `amanat replay --tree`: processes as they were, below those that began them, and what each
 * touched in sum. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "query/family.h"
#include "query/touched.h"

/* Of a family that is solved and shown, and touches that are sorted: text, or an object a line.
 * 0 or -errno of the stream. */
int am_tree_print(FILE *out, const struct am_family *f, const struct am_touches *t, bool json);
