/* SPDX-License-Identifier: GPL-2.0 */
/* What rules are carried out on, see base/coverage.h, for a person and as JSON. */
#pragma once

#include <stdio.h>

#include "base/coverage.h"
#include "event/json.h"

/* Each line begins with `first`, further ones with as many spaces: what rules to read, write and
 * send are enforced on, and each road on which they are not, with the reason. */
void am_roads_text(FILE *out, const char *first, am_has_hook has, void *ctx);

/* The member "roads", a list. */
void am_roads_json(struct am_json *j, am_has_hook has, void *ctx);
