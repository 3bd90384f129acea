/* SPDX-License-Identifier: GPL-2.0 */
/* Frames (base/frame.h) that several descriptors go with. */
#pragma once

#include "base/frame.h"

enum { AM_PASSING_MAX = 120 };	/* descriptors of one frame */

/* A DATA frame with them. 0; -EINVAL for too many; else as am_frame_send(). */
int am_passing_send(int fd, const void *payload, size_t len, const int *passed, size_t n);

/* As am_frame_recv(), with the descriptors that came along: `passed` has room for
 * AM_PASSING_MAX, they are the caller's. If more came it is -EBADMSG, and none is open. */
int am_passing_recv(int fd, void *buf, struct am_frame *ret, int *passed, size_t *ret_n);
