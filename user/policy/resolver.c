// SPDX-License-Identifier: GPL-2.0
/* The accounts of this host, from wherever its name service has them. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>

#include "policy/image.h"

enum { ENTRY_BYTES_MAX = 1 << 20 };	/* a group may have thousands of members */

/* What getpwnam_r(3) and getgrnam_r(3) return for a name that does not exist. */
static bool is_missing(int err)
{
	return err == 0 || err == ENOENT || err == ESRCH || err == EBADF || err == EPERM;
}

static int find_user(void *ctx, const char *name, uint32_t *ret)
{
	(void)ctx;
	for (size_t size = 4096; size <= ENTRY_BYTES_MAX; size *= 4) {
		am_autofree char *buf = malloc(size);
		struct passwd entry, *found = NULL;
		int err;

		if (!buf)
			return -ENOMEM;
		err = getpwnam_r(name, &entry, buf, size, &found);
		if (found) {
			*ret = found->pw_uid;
			return 0;
		}
		if (err != ERANGE)
			return is_missing(err) ? -ENOENT : -err;
	}
	return -E2BIG;
}

static int find_group(void *ctx, const char *name, uint32_t *ret)
{
	(void)ctx;
	for (size_t size = 4096; size <= ENTRY_BYTES_MAX; size *= 4) {
		am_autofree char *buf = malloc(size);
		struct group entry, *found = NULL;
		int err;

		if (!buf)
			return -ENOMEM;
		err = getgrnam_r(name, &entry, buf, size, &found);
		if (found) {
			*ret = found->gr_gid;
			return 0;
		}
		if (err != ERANGE)
			return is_missing(err) ? -ENOENT : -err;
	}
	return -E2BIG;
}

const struct am_resolver am_resolver_host = { .user = find_user, .group = find_group };
