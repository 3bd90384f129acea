/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <stdbool.h>

#include "base/host.h"
#include "cli/cmd.h"

/* The places of its options in the table. */
enum { AM_DOCTOR_JSON, AM_DOCTOR_SELFTEST };

/* Examines this host. */
int am_cli_doctor(const struct am_cmd_line *line);

/* Examines `host` and shows what was found: an am_exit. */
int am_doctor_show(const struct am_host *host, bool json, FILE *out);
