/* SPDX-License-Identifier: GPL-2.0 */
/* The policies that were in force, as the agent's state directory keeps them (or a copy of
 * it): `history`, and the texts in `policies`. Read only, and beside a running agent. What
 * is not kept any more, or is not what its digest says, is not there. */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"

struct am_model;
struct am_past;

/* Of the directory `dirfd` (borrowed). 0; -ENOENT if it has no history; -EBADMSG; another
 * errno. *ret is owned. */
int am_past_open(int dirfd, struct am_past **ret);

/* The policy that was in force as this generation, borrowed; NULL if it is not kept. The
 * same text is the same model. */
const struct am_model *am_past_model(struct am_past *p, uint32_t generation);

void am_past_free(struct am_past *p);
AM_DEFINE_AUTO(am_past);
