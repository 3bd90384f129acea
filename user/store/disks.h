/* SPDX-License-Identifier: GPL-2.0 */
/* What lies below a file system: partitions, whole disks, what a mapper or a RAID is made of,
 * and the character devices that read the same disks. As sysfs tells it now. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Called for each device: S_IFBLK or S_IFCHR and its number. 0 to go on, else the walk
 * ends with what it returned. */
typedef int (*am_disk_fn)(void *ctx, uint32_t kind, dev_t dev);

/* Each device below the file system of `path`, whose stat() gives `dev`. One may come more than
 * once. A file system without a block device has none. 0; -errno; what `visit` returned. */
int am_disks_below(const char *path, dev_t dev, am_disk_fn visit, void *ctx);

/* Called for each node: a descriptor (O_PATH, borrowed), its kind and number. */
typedef int (*am_node_fn)(void *ctx, int fd, uint32_t kind, dev_t dev);

/* Each block and character node in /dev as any process of this host sees it. 0 or -errno; a folder
 * that goes while it is walked is no error. */
int am_disks_nodes(am_node_fn visit, void *ctx);
