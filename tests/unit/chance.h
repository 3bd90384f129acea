/* SPDX-License-Identifier: GPL-2.0 */
/* Chance that is the same in every run: set `chance` to begin. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

static uint64_t chance = 0x9e3779b97f4a7c15;

static inline unsigned below(unsigned n)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return chance % n;
}

static inline bool one_in(unsigned n)
{
	return below(n) == 0;
}
