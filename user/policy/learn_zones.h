/* SPDX-License-Identifier: GPL-2.0 */
/* The zones of a lesson: where what was sent may go. Private to policy/learn*.c. */
#pragma once

#include "policy/learn.h"

/* Whether a zone can ask for the protocol and port of the place. */
bool am_learn_has_port(const struct am_place *place);

/* Gives each SEND of the lesson a zone: one of the policy's that is not much wider, a
 * built-in one for other processes of the host, or a new one. 0 or -ENOMEM. */
int am_learn_zones(struct am_lesson *l);

/* A name like `wish` that nothing of the policy or the lesson has. 0 or -ENOMEM. */
int am_lesson_name(const struct am_lesson *l, const char *wish, char **ret);
bool am_lesson_has_name(const struct am_lesson *l, const char *name);
