/* SPDX-License-Identifier: GPL-2.0 */
/* The directories of this agent, and that it is the only one with them. */
#pragma once

#include "base/cleanup.h"

struct am_instance;

/* Creates the directories if need be and locks them. 0; -errno after one line on
 * standard error. *ret is owned. */
int am_instance_open(const char *state, const char *run, struct am_instance **ret);

/* Borrowed descriptors. */
int am_instance_state(const struct am_instance *i);
int am_instance_run(const struct am_instance *i);

/* Removes the locks. */
void am_instance_free(struct am_instance *i);
AM_DEFINE_AUTO(am_instance);
