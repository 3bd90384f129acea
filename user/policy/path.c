// SPDX-License-Identifier: GPL-2.0
#include "policy/path.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

int am_path_normalise(const char *text, char *ret)
{
	*ret = '\0';
	while (*text) {
		size_t n;

		text += strspn(text, "/");
		n = strcspn(text, "/");
		if (n > NAME_MAX)
			return -ENAMETOOLONG;
		if (n == 2 && !memcmp(text, "..", 2))
			return -EINVAL;
		if (n && !(n == 1 && text[0] == '.')) {
			*ret++ = '/';
			ret = mempcpy(ret, text, n);
			*ret = '\0';
		}
		text += n;
	}
	return 0;
}

/* The slash before every other character: "/a/b" belongs between "/a" and "/a-b". */
static unsigned rank(char c)
{
	return c == '\0' ? 0 : c == '/' ? 1 : (unsigned char)c + 1U;
}

int am_path_compare(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (int)rank(*a) - (int)rank(*b);
}

bool am_path_is_below(const char *path, const char *outer)
{
	size_t len = strlen(outer);

	return !strncmp(path, outer, len) && path[len] == '/';
}
