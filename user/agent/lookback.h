/* SPDX-License-Identifier: GPL-2.0 */
/* `amanat policy history`, and the past bundles that `rollback` goes back to. */
#pragma once

#include <stdio.h>

#include "agent/control.h"
#include "event/json.h"
#include "policy/annals.h"

/* Of a policy: its source and, of a bundle, serial, signer and key. */
void am_origin_json(struct am_json *j, const struct am_origin *o);

/* The request `history [--json] [--show GENERATION]`. The exit code of the command. */
int am_history_answer(const struct am_annals *a, const struct am_control_ask *ask, FILE *out,
		      FILE *err);

/* The request `earlier [SERIAL]`: `highest N` and a line feed, and then the signed bundle
 * that a rollback goes to, as it was taken. */
int am_earlier_answer(const struct am_annals *a, const struct am_control_ask *ask, FILE *out,
		      FILE *err);
