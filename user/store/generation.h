/* SPDX-License-Identifier: GPL-2.0 */
/* The number of the last policy that was in force, kept over restarts so that a
 * number in an event never means two policies. The file `generation` in the
 * state directory: the number in decimal digits and a line feed. */
#pragma once

#include <stdint.h>

/* 0, and 0 in *ret when there is no file; -EBADMSG when it is malformed; another errno. */
int am_generation_load(int dirfd, uint32_t *ret);

/* 0 or -errno; then the old number is still there. */
int am_generation_save(int dirfd, uint32_t generation);
