/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel side has hung on an inode, by a descriptor of it (an O_PATH one will do): its
 * tag, the id of an executable. In either flavour of hook, see bpf/tag.h and bpf/serve.bpf.c.
 *
 * Hooks must be attached where tags are in tables: -EOPNOTSUPP if they do not run. */
#pragma once

#include <stdint.h>

#include "abi.h"

struct am_engine;

/* 0; -ENOENT: it has none; another errno. */
int am_inode_tag_read(struct am_engine *e, int fd, struct am_tag *ret);

/* 0; -EEXIST: it has one; -ENOSPC: the table is full; another errno. */
int am_inode_tag_add(struct am_engine *e, int fd, const struct am_tag *tag);

int am_inode_tag_replace(struct am_engine *e, int fd, const struct am_tag *tag);

int am_inode_exe_put(struct am_engine *e, int fd, uint32_t id);
int am_inode_exe_delete(struct am_engine *e, int fd);
