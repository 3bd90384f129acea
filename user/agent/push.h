/* SPDX-License-Identifier: GPL-2.0 */
/* `amanat policy push`: a signed bundle comes as a memfd beside the request. Only one that
 * is sealed against every change is read: what is verified is what is used, reading it
 * waits for nothing, and it is no longer than its size says. */
#pragma once

#include <stdio.h>

#include "agent/control.h"
#include "agent/intake.h"

/* The request `push NAME [--dry-run] [--json]`; `ask->fd` is borrowed. What is in force
 * then goes to `out`, findings to `err`. The exit code of the command. */
int am_push(const struct am_intake *in, const struct am_control_ask *ask, FILE *out, FILE *err);
