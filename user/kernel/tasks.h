/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel side keeps of a process, read through a pidfd: who it was at its last
 * access, the labels that it carries, its purpose. */
#pragma once

#include <stdint.h>

#include "abi.h"

struct am_engine;

/* 0; -ENOENT when nothing is kept of it, so that it carries nothing; another errno. */
int am_task_read(struct am_engine *e, int pidfd, struct am_task *ret);

/* Its number in the registry; 0: none. 0 or -errno. */
int am_task_purpose(struct am_engine *e, int pidfd, uint32_t *ret);
