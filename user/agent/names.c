/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/names.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cgroup.h"

enum {
	USERS_MAX = 16384,
	NAME_LEN = 64,
	UNITS = 1024,		/* a power of two */
	UNIT_LEN = 128,
	FILEID_KERNFS = 0xfe,	/* type of a handle that is a kernfs id (linux/exportfs.h) */
};

static const char passwd_path[] = "/etc/passwd";
static const char cgroup_path[] = "/sys/fs/cgroup";

struct user {
	uint32_t uid;
	char name[NAME_LEN];
};

struct unit {
	uint64_t cgroup;	/* 0: unused. Ids are not used again before a reboot */
	char name[UNIT_LEN];	/* empty: looked for and not found */
};

struct am_names {
	struct user *users;	/* owned; ordered by uid */
	size_t n_users;
	struct timespec read_at;	/* st_mtim of what was read */
	int cgroup_fd;		/* owned; -1 without cgroup v2 */
	struct unit units[UNITS];
};

int am_names_new(struct am_names **ret)
{
	am_auto(am_names) struct am_names *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	n->cgroup_fd = open(cgroup_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	am_names_refresh(n);
	*ret = AM_TAKE_PTR(n);
	return 0;
}

void am_names_free(struct am_names *n)
{
	if (!n)
		return;
	if (n->cgroup_fd >= 0)
		(void)close(n->cgroup_fd); /* read only: nothing can be lost */
	free(n->users);
	free(n);
}

/* ---- users ---------------------------------------------------------------- */

static int compare_users(const void *a, const void *b)
{
	uint32_t x = ((const struct user *)a)->uid, y = ((const struct user *)b)->uid;

	return x < y ? -1 : x > y;
}

static size_t read_users(FILE *f, struct user *users, size_t max)
{
	struct passwd *entry;
	size_t n = 0;

	while (n < max && (entry = fgetpwent(f))) {
		users[n].uid = entry->pw_uid;
		(void)snprintf(users[n].name, sizeof(users[n].name), "%s", entry->pw_name);
		n++;
	}
	return n;
}

void am_names_refresh(struct am_names *n)
{
	am_autofclose FILE *f = NULL;
	struct user *users;
	struct stat st;

	if (stat(passwd_path, &st) < 0 || (st.st_mtim.tv_sec == n->read_at.tv_sec &&
					   st.st_mtim.tv_nsec == n->read_at.tv_nsec))
		return;
	f = fopen(passwd_path, "re");
	users = calloc(USERS_MAX, sizeof(*users));
	if (!f || !users) {
		free(users);
		return;		/* numbers instead of names until the next try */
	}
	free(n->users);
	n->users = users;
	n->n_users = read_users(f, users, USERS_MAX);
	n->read_at = st.st_mtim;
	qsort(n->users, n->n_users, sizeof(*n->users), compare_users);
}

const char *am_names_user(struct am_names *n, uint32_t uid)
{
	const struct user key = { .uid = uid }, *found;

	if (!n->n_users)
		return NULL;
	found = bsearch(&key, n->users, n->n_users, sizeof(*n->users), compare_users);
	return found ? found->name : NULL;
}

/* ---- units ---------------------------------------------------------------- */

/* The kernel opens a cgroup by its id, also when the process is gone already. */
static bool find_cgroup(const struct am_names *n, uint64_t cgroup, char *path, size_t size)
{
	union {
		struct file_handle handle;
		char bytes[sizeof(struct file_handle) + sizeof(cgroup)];
	} u = { .handle = { .handle_bytes = sizeof(cgroup), .handle_type = FILEID_KERNFS } };
	am_autoclose int fd = -1;
	char link[32];
	ssize_t len;

	memcpy(u.handle.f_handle, &cgroup, sizeof(cgroup));
	fd = open_by_handle_at(n->cgroup_fd, &u.handle, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return false;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, size - 1);
	if (len < 0)
		return false;
	path[len] = '\0';
	return true;
}

/* Its unit; else the path below the mount, which is empty for the root of all cgroups. */
static void name_unit(const char *path, char *ret, size_t size)
{
	const char *unit;
	size_t len;

	if (!strncmp(path, cgroup_path, strlen(cgroup_path)))
		path += strlen(cgroup_path);
	unit = am_cgroup_unit(path, &len);
	if (unit)
		(void)snprintf(ret, size, "%.*s", (int)len, unit);
	else
		(void)snprintf(ret, size, "%.*s", (int)size - 1, path);
}

const char *am_names_unit(struct am_names *n, uint64_t cgroup)
{
	struct unit *unit = &n->units[(cgroup * 0x9e3779b97f4a7c15ULL) >> 54];
	char path[PATH_MAX];

	if (!cgroup || n->cgroup_fd < 0)
		return NULL;
	if (unit->cgroup != cgroup) {
		unit->cgroup = cgroup;
		unit->name[0] = '\0';
		if (find_cgroup(n, cgroup, path, sizeof(path)))
			name_unit(path, unit->name, sizeof(unit->name));
	}
	return unit->name[0] ? unit->name : NULL;
}
