/* SPDX-License-Identifier: GPL-2.0 */
/* Which flavour of hook this host gets, see bpf/hook.h, and the proof that it works. */
#pragma once

#include "agent/config.h"
#include "kernel/engine.h"

/* 0; -EOPNOTSUPP after one line: what was asked for cannot work here. */
int am_hooks_choose(const struct am_config *config, struct am_engine_options *ret);
