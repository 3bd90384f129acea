/* SPDX-License-Identifier: GPL-2.0 */
/* `amanat replay --as-was` and `--policy NEW.yaml`: the past decided again, by the policies
 * of then or by another. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "query/cursor.h"

#define AM_STATE_DIR "/var/lib/amanat"

struct am_past_wish {
	const char *history;	/* the state directory, or a copy of it; NULL: of this host */
	const char *policy;	/* of --policy; NULL: --as-was */
	bool foreign;		/* the ledger was named, so this host's history is not its own */
	bool json;
	FILE *out, *err;
};

/* The exit code: of --as-was YES if something was recomputed and nothing differs, of --policy
 * YES if it would decide nothing otherwise; NO; USAGE; MISSING. */
int am_cli_past(const struct am_past_wish *wish, struct am_cursor *c);
