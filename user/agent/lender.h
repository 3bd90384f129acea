/* SPDX-License-Identifier: GPL-2.0 */
/* `read WORDS`: lends the ledger to a client, who has been found to be root or of the
 * agent's group. The files are root's alone, so he is given descriptors of the segments,
 * to read only; and as reading the record is itself an event, it is in the record first
 * (with the ledger's writer, that is, and sealed a second later at the latest). What cannot
 * be recorded is not lent.
 *
 * At most AM_PASSED_MAX segments, the latest; he is told what is left out. */
#pragma once

#include <stdio.h>

#include "agent/control.h"

struct am_names;
struct am_recorder;

/* On the client's socket `fd`: DATA frames (base/passing.h) whose payload is the names of the
 * segments, each ended by a NUL byte, in the order of their descriptors. 0; -errno after a
 * sentence in `err`. Does not wait for the client: its socket is empty yet. */
int am_lender_lend(struct am_recorder *recorder, struct am_names *names,
		   const struct am_control_ask *ask, int fd, FILE *err);
