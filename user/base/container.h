/* SPDX-License-Identifier: GPL-2.0 */
/* Which container a cgroup is of, as container managers name their cgroups:
 *   docker-ID.scope, libpod-ID.scope, cri-containerd-ID.scope, crio-ID.scope   systemd's cgroups
 *   docker/ID, kubepods/.../ID, libpod_parent/libpod-ID                        their own
 *   lxc.payload.NAME, machine-NAME.scope, systemd-nspawn@NAME.service
 * An ID is of 64 hexadecimal digits. Whoever may make cgroups may choose such a name: it says
 * where to look, and decides nothing. */
#pragma once

#include <stddef.h>

enum { AM_CONTAINER_MAX = 65 };	/* with a NUL; longer names are cut */

/* The innermost container of the path below cgroup v2's mount: its whole ID, or its name. ""
 * if there is none. Returns `buf`. */
const char *am_container_of(const char *cgroup, char buf[AM_CONTAINER_MAX]);
