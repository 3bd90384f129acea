/* SPDX-License-Identifier: GPL-2.0 */
/* Names of users, groups and systemd units for events. Looked up without waiting for
 * anybody: in /etc/passwd and /etc/group, not through name services on the network;
 * units by the identity of their cgroup. Bounded; what is not known has no name. */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"

struct am_names;
struct am_decoded;

/* 0 or -errno. *ret is owned. */
int am_names_new(struct am_names **ret);

/* Reads /etc/passwd and /etc/group again if they have changed. To be called now and then. */
void am_names_refresh(struct am_names *n);

/* Borrowed until the next call of any of these; NULL when not known. */
const char *am_names_user(struct am_names *n, uint32_t uid);

/* The groups of the event's process, see event/groups.h. Never NULL. */
const char *am_names_groups(struct am_names *n, const struct am_decoded *e);

/* The unit, such as `ssh.service`, or the path of a cgroup that belongs to none. */
const char *am_names_unit(struct am_names *n, uint64_t cgroup);

/* The path of the cgroup below the mount, such as `/system.slice/ssh.service`. */
const char *am_names_cgroup(struct am_names *n, uint64_t cgroup);

void am_names_free(struct am_names *n);
AM_DEFINE_AUTO(am_names);
