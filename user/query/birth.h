/* SPDX-License-Identifier: GPL-2.0 */
/* Processes by their number and the moment of their start. Numbers are taken again, and all of
 * it begins anew with each boot: a parent's number alone leads to nobody. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct am_birth {
	uint64_t start_ns;	/* CLOCK_BOOTTIME */
	uint32_t boot, pid;
	uint32_t process;	/* the caller's number for it */
};

void am_births_sort(struct am_birth *all, size_t n);

/* Of sorted ones, the last with the number `ppid` that began before a process of that boot did:
 * so nobody is his own forebear. NULL: there is none. */
const struct am_birth *am_births_parent(const struct am_birth *all, size_t n, uint32_t boot,
					uint32_t ppid, uint64_t start_ns);
