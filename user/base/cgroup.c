// SPDX-License-Identifier: GPL-2.0
#include "base/cgroup.h"

#include <string.h>

static bool ends_with(const char *name, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len > n && !memcmp(name + len - n, end, n);
}

/* The next name of the path, and its length; NULL at its end. */
static const char *next_name(const char **at, size_t *len)
{
	const char *name = *at + strspn(*at, "/");

	*len = strcspn(name, "/");
	*at = name + *len;
	return *len ? name : NULL;
}

bool am_cgroup_of_slices(const char *path)
{
	const char *name;
	size_t len;

	while ((name = next_name(&path, &len)))
		if (!ends_with(name, len, ".slice"))
			return false;
	return true;
}

/* The part of `path` that is the unit, with the rest of the path behind it; else NULL. */
static const char *find_unit(const char *path, const char *unit)
{
	const char *name;
	size_t len;

	while ((name = next_name(&path, &len))) {
		if (len == strlen(unit) && !memcmp(name, unit, len))
			return name;
		if (!ends_with(name, len, ".slice"))
			break;
	}
	return NULL;
}

bool am_cgroup_is_unit(const char *path, const char *unit)
{
	const char *found = find_unit(path, unit);

	return found && !found[strlen(unit)];
}

bool am_cgroup_in_unit(const char *path, const char *unit)
{
	return find_unit(path, unit);
}

const char *am_cgroup_unit(const char *path, size_t *ret_len)
{
	static const char *const kinds[] = { ".service", ".scope", ".socket", ".mount", ".swap" };
	const char *name;
	size_t i;

	while ((name = next_name(&path, ret_len)) && ends_with(name, *ret_len, ".slice"))
		;
	for (i = 0; name && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (ends_with(name, *ret_len, kinds[i]))
			return name;
	return NULL;
}
