/* SPDX-License-Identifier: GPL-2.0 */
/* What techniques execute: the same program under `as`, sometimes under another name. */
#pragma once

/* In a copy of this program, a secret takes the place of what follows its first 8 bytes. */
extern const volatile char embedded[];

int act_as(int argc, char **argv);
