/* SPDX-License-Identifier: GPL-2.0 */
/* The service manager is told how the agent is (sd_notify protocol): datagrams to the
 * socket in $NOTIFY_SOCKET. Without one, nothing happens. */
#pragma once

#include <stdint.h>

/* Sends the lines of a state, such as "READY=1\nSTATUS=...". Never blocks; a manager that
 * does not listen is not the agent's trouble. */
void am_notify(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The interval at which "WATCHDOG=1" is expected, in milliseconds; 0: not at all. */
int64_t am_notify_watchdog_ms(void);
