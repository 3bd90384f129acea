/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel side's counters, summed over the CPUs. They only ever grow. */
#pragma once

#include <stdint.h>

#include "abi.h"

struct am_engine;

/* All return 0 or -errno. */

/* Sets all to 0, and the numbers of records with them: no hook that counts may run. */
int am_counters_clear(struct am_engine *e);

int am_counters_read(struct am_engine *e, uint64_t ret[AM_COUNT_MAX_]);

/* One of them: for what is asked often, as while a map is being read no probe runs (see AM_PROBE() in
 * bpf/hook.h). */
int am_counter_read(struct am_engine *e, enum am_count which, uint64_t *ret);

/* A word for output, such as `urgent-lost`; "?" out of range. */
const char *am_counter_name(unsigned count);
