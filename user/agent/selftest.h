/* SPDX-License-Identifier: GPL-2.0 */
/* The proof that this kernel refuses: a scratch file of a store that nobody has a rule for, and a
 * process that is not the agent. Run at start, before any policy is in force. */
#pragma once

#include "kernel/engine.h"

/* Tries to open, read and map the file, and to send as a process that carries a label. 0 when
 * all were refused; -EOPNOTSUPP after one line that names what was not; another errno after one
 * line. Waits for the process, ten seconds at most. What it leaves in counters and rings is
 * cleared. */
int am_selftest_run(struct am_engine *e);
