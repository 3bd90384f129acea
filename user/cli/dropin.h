/* SPDX-License-Identifier: GPL-2.0 */
/* The file by which systemd starts a service under a purpose. */
#pragma once

#include "cli/cmd.h"

/* The name that it is to have; one that is there already is not read. */
#define AM_DROPIN_NAME "50-amanat-purpose.conf"

/* Prints it for the unit: an am_exit. */
int am_cli_dropin(const struct am_cmd_line *line, const char *purpose, const char *unit);
