/* SPDX-License-Identifier: GPL-2.0 */
#include "store/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

static bool is_octal(const char *text)
{
	size_t i;

	for (i = 0; i < 3; i++)
		if (text[i] < '0' || text[i] > '7')
			return false;
	return true;
}

/* mountinfo writes space, tab, line feed and backslash as \ooo. */
static void unescape(char *text)
{
	char *out = text;

	while (*text) {
		if (text[0] == '\\' && is_octal(text + 1)) {
			*out++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 |
					(text[3] - '0'));
			text += 4;
		} else {
			*out++ = *text++;
		}
	}
	*out = '\0';
}

/* Takes `ID PARENT MAJOR:MINOR ROOT POINT OPTIONS... - TYPE SOURCE OPTIONS` apart, in place. */
static bool parse(char *line, struct am_mount *ret)
{
	char *fields[5], *rest = line, *type = strstr(line, " - ");
	size_t i;

	if (!type)
		return false;
	type += strlen(" - ");
	for (i = 0; i < 5; i++) {
		fields[i] = strsep(&rest, " ");
		if (!rest)
			return false;
	}
	if (sscanf(fields[0], "%" SCNu64, &ret->id) != 1 ||
	    sscanf(fields[2], "%u:%u", &ret->major, &ret->minor) != 2)
		return false;
	unescape(fields[3]);
	unescape(fields[4]);
	ret->root = fields[3];
	ret->point = fields[4];
	ret->type = strsep(&type, " ");
	return true;
}

int am_mount_each(int (*each)(void *ctx, const struct am_mount *mount), void *ctx)
{
	am_autofclose FILE *f = fopen("/proc/self/mountinfo", "re");
	am_autofree char *line = NULL;
	size_t size = 0;
	int r = 0;

	if (!f)
		return -errno;
	while (!r && getline(&line, &size, f) > 0) {
		struct am_mount mount;

		if (parse(line, &mount))
			r = each(ctx, &mount);
	}
	return r;
}

/* ---- paths within a file system ------------------------------------------- */

struct inner {
	uint64_t id;
	const char *real;
	char **ret;
};

/* The mounted part of the file system and what `real` has below the mount point. */
static int join(const struct am_mount *mount, const char *real, char **ret)
{
	size_t len = strlen(mount->point);
	const char *rest = real + len, *root = mount->root;

	if (!strcmp(mount->point, "/"))
		rest = real;
	else if (strncmp(real, mount->point, len) || (*rest && *rest != '/'))
		return -ENOENT;	/* moved meanwhile */
	if (!strcmp(rest, "/"))
		rest = "";
	if (!strcmp(root, "/"))
		root = *rest ? "" : "/";
	return asprintf(ret, "%s%s", root, rest) < 0 ? -ENOMEM : 1;
}

static int join_if_same(void *ctx, const struct am_mount *mount)
{
	const struct inner *inner = ctx;

	return mount->id == inner->id ? join(mount, inner->real, inner->ret) : 0;
}

int am_mount_inner_path(int fd, const char *real, char **ret)
{
	struct inner inner = { .real = real, .ret = ret };
	struct statx st;
	int r;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0)
		return -errno;
	inner.id = st.stx_mnt_id;
	r = am_mount_each(join_if_same, &inner);
	if (r < 0)
		return r;
	return r > 0 ? 0 : -ENOENT;
}
