/* SPDX-License-Identifier: GPL-2.0 */
/* Who a row's process can have been, in the terms of policies, and what one of them says of
 * what it did.
 *
 * A row holds the path of the executable and of the script, the users, the groups, the cgroup
 * and the purpose. The contents of executables it does not hold, nor do rows from before
 * AM_EVENT_FACTS groups, scripts, purposes and what is around a unit; but which subjects the kernel
 * found the process to be under the policy of then, and what that policy answered. So every
 * combination of what is not recorded is tried that leads to just these subjects and this
 * answer; and only if the other policy says the same of all of them, that is what it says. */
#pragma once

#include <stdbool.h>

#include "ledger/row.h"
#include "policy/access.h"

enum { AM_POINTS_MAX = 4096 };	/* combinations that are tried */

enum am_pointed {
	AM_POINTED_INVALID = 0,
	AM_POINTED_TOLD,	/* it says this */
	AM_POINTED_OPEN,	/* what is not recorded makes the difference */
	AM_POINTED_NOBODY,	/* no facts lead to what the kernel found */
	AM_POINTED_TOO_MANY,
};

struct am_point {
	struct am_who who;	/* TOLD: one of them */
	struct am_decision decision;
};

/* What the last policy of the space says. Of a space of two policies the first is the one
 * that decided the row, and accesses[0] is its access. */
enum am_pointed am_point_find(const struct am_space *space, const struct am_row *row,
			      const struct am_access *accesses, struct am_point *ret);
