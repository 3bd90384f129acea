/* SPDX-License-Identifier: GPL-2.0 */
/* The agent's words for the person or the journal that reads its standard error:
 * one line per thing that happened. Never used per event. */
#pragma once

#include "base/diag.h"

/* `amanatd: ...` */
void am_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* `error: ...` */
void am_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* `error: ...: Permission denied`; returns `r`, which is -errno. */
int am_err(int r, const char *format, ...) __attribute__((format(printf, 2, 3)));
