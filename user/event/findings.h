/* SPDX-License-Identifier: GPL-2.0 */
/* Findings for a person, as JSON. */
#pragma once

#include "base/diag.h"
#include "event/json.h"

/* The findings as a list `findings`, and whether some are missing. */
void am_findings_json(struct am_json *j, const struct am_diags *diags);
