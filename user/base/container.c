// SPDX-License-Identifier: GPL-2.0
#include "base/container.h"

#include <stdbool.h>
#include <string.h>

#include "base/array.h"

enum { ID_LEN = 64 };

/* A part of a path; nothing ends it. */
struct name {
	const char *text;
	size_t len;
};

static bool take_begin(struct name *n, const char *begin)
{
	size_t len = strlen(begin);

	if (n->len <= len || memcmp(n->text, begin, len))
		return false;
	n->text += len;
	n->len -= len;
	return true;
}

static bool take_end(struct name *n, const char *end)
{
	size_t len = strlen(end);

	if (n->len <= len || memcmp(n->text + n->len - len, end, len))
		return false;
	n->len -= len;
	return true;
}

static bool is_id(const struct name *n)
{
	size_t i;

	if (n->len != ID_LEN)
		return false;
	for (i = 0; i < n->len; i++)
		if (!strchr("0123456789abcdef", n->text[i]))
			return false;
	return true;
}

/* ID, or MANAGER-ID; what watches over a container (`libpod-conmon-ID`) is not in it. */
static bool find_id(struct name n, struct name *ret)
{
	const struct name before = { n.text, n.len > ID_LEN ? n.len - ID_LEN : 0 };

	*ret = (struct name){ n.text + before.len, n.len - before.len };
	if (!is_id(ret))
		return false;
	return !before.len ||
	       (before.text[before.len - 1] == '-' && !memmem(before.text, before.len, "conmon", 6));
}

/* A name that begins and ends so is that of a machine. */
static bool find_machine(struct name n, struct name *ret)
{
	static const struct {
		const char *begin, *end;
	} kinds[] = {
		{ "lxc.payload.", "" },
		{ "machine-", ".scope" },
		{ "systemd-nspawn@", ".service" },
	};
	size_t i;

	for (i = 0; i < AM_COUNT(kinds); i++) {
		*ret = n;
		if (take_begin(ret, kinds[i].begin) && (!*kinds[i].end || take_end(ret, kinds[i].end)))
			return true;
	}
	return false;
}

static bool find(struct name n, struct name *ret)
{
	struct name bare = n;

	(void)take_end(&bare, ".scope");	/* of systemd's cgroups only */
	return find_id(bare, ret) || find_machine(n, ret);
}

const char *am_container_of(const char *cgroup, char buf[AM_CONTAINER_MAX])
{
	struct name n, found;

	buf[0] = '\0';
	for (; *cgroup; cgroup = n.text + n.len) {
		n.text = cgroup + strspn(cgroup, "/");
		n.len = strcspn(n.text, "/");
		if (!find(n, &found))
			continue;
		if (found.len >= AM_CONTAINER_MAX)
			found.len = AM_CONTAINER_MAX - 1;
		memcpy(buf, found.text, found.len);
		buf[found.len] = '\0';
	}
	return buf;
}
