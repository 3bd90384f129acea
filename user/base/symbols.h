/* SPDX-License-Identifier: GPL-2.0 */
/* Which hooks a host's kernel has for a flavour, as /proc/kallsyms names its functions. */
#pragma once

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/flavour.h"
#include "base/host.h"

struct am_symbols;

/* Looks for the hooks of all roads. 0; -ENOENT: the file cannot be read or is empty; -ENOMEM. *ret
 * is owned. */
int am_symbols_read(const struct am_host *host, enum am_flavour flavour, struct am_symbols **ret);

/* An am_has_hook, see coverage.h. */
bool am_symbols_have(void *symbols, const char *hook);

void am_symbols_free(struct am_symbols *s);
AM_DEFINE_AUTO(am_symbols);
