/* SPDX-License-Identifier: GPL-2.0 */
#include "base/symbols.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/coverage.h"

enum { SYMBOLS_MAX = 256 };

struct am_symbols {
	size_t count;
	struct {
		const char *hook;	/* of a road */
		char symbol[AM_HOOK_NAME];
		bool found;
	} items[SYMBOLS_MAX];
};

static void add(struct am_symbols *s, enum am_flavour flavour, const char *hook)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		if (!strcmp(s->items[i].hook, hook))
			return;
	if (s->count == SYMBOLS_MAX)
		return;		/* counts as missing: a mistake that a test sees */
	s->items[i].hook = hook;
	am_hook_symbol(flavour, hook, s->items[i].symbol, sizeof(s->items[i].symbol));
	s->count++;
}

static void find(struct am_symbols *s, const char *symbol)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		if (!strcmp(s->items[i].symbol, symbol))
			s->items[i].found = true;
}

/* Lines are `address type name [module]`. The number of lines, or -errno. */
static long scan(struct am_symbols *s, const char *path)
{
	am_autofclose FILE *file = fopen(path, "re");
	char line[512], name[256];
	long n = 0;

	if (!file)
		return -errno;
	for (; fgets(line, sizeof(line), file); n++)
		if (sscanf(line, "%*s %*s %255s", name) == 1)
			find(s, name);
	return n;
}

int am_symbols_read(const struct am_host *host, enum am_flavour flavour, struct am_symbols **ret)
{
	am_auto(am_symbols) struct am_symbols *s = calloc(1, sizeof(*s));
	char path[PATH_MAX];
	size_t i, k;

	if (!s)
		return -ENOMEM;
	for (i = 0; i < am_roads_count; i++)
		for (k = 0; k < AM_ROAD_HOOKS && am_roads[i].hooks[k]; k++)
			add(s, flavour, am_roads[i].hooks[k]);
	if ((size_t)snprintf(path, sizeof(path), "%s/proc/kallsyms", host->root) >= sizeof(path) ||
	    scan(s, path) <= 0)
		return -ENOENT;
	*ret = AM_TAKE_PTR(s);
	return 0;
}

bool am_symbols_have(void *symbols, const char *hook)
{
	const struct am_symbols *s = symbols;
	size_t i;

	for (i = 0; i < s->count; i++)
		if (!strcmp(s->items[i].hook, hook))
			return s->items[i].found;
	return false;
}

void am_symbols_free(struct am_symbols *s)
{
	free(s);
}
