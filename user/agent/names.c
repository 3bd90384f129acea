/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/names.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cgroup.h"
#include "event/groups.h"

enum {
	ACCOUNTS_MAX = 16384,	/* users, and groups */
	NAME_LEN = 64,
	UNITS = 1024,		/* a power of two */
	UNIT_LEN = 128,
	CGROUP_LEN = 384,
	FILEID_KERNFS = 0xfe,	/* type of a handle that is a kernfs id (linux/exportfs.h) */
};

static const char cgroup_path[] = "/sys/fs/cgroup";

struct account {
	uint32_t number;
	char name[NAME_LEN];
};

/* Users, or groups. */
struct accounts {
	struct account *items;	/* owned; ordered by number */
	size_t count;
	struct timespec read_at;	/* st_mtim of what was read */
};

struct unit {
	uint64_t cgroup;	/* 0: unused. Ids are not used again before a reboot */
	char name[UNIT_LEN];	/* empty: looked for and not found */
	char path[CGROUP_LEN];	/* likewise, or too long */
};

/* The groups that were asked about last: those of the next event, mostly. */
struct last_groups {
	uint32_t gid, others[AM_GROUPS_MAX];
	unsigned n_others;
	bool known;
	char text[AM_GROUPS_TEXT];
};

struct am_names {
	struct accounts users, groups;
	struct last_groups last;
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
	free(n->users.items);
	free(n->groups.items);
	free(n);
}

/* ---- users and groups ------------------------------------------------------ */

static int compare_accounts(const void *a, const void *b)
{
	uint32_t x = ((const struct account *)a)->number, y = ((const struct account *)b)->number;

	return x < y ? -1 : x > y;
}

static void add_account(struct account *a, uint32_t number, const char *name)
{
	a->number = number;
	(void)snprintf(a->name, sizeof(a->name), "%s", name);
}

static size_t read_users(FILE *f, struct account *items, size_t max)
{
	struct passwd *entry;
	size_t n = 0;

	while (n < max && (entry = fgetpwent(f)))
		add_account(&items[n++], entry->pw_uid, entry->pw_name);
	return n;
}

static size_t read_groups(FILE *f, struct account *items, size_t max)
{
	struct group *entry;
	size_t n = 0;

	while (n < max && (entry = fgetgrent(f)))
		add_account(&items[n++], entry->gr_gid, entry->gr_name);
	return n;
}

/* Returns whether it was read anew. */
static bool refresh(struct accounts *a, const char *path,
		    size_t (*read)(FILE *f, struct account *items, size_t max))
{
	am_autofclose FILE *f = NULL;
	struct account *items;
	struct stat st;

	if (stat(path, &st) < 0 || (st.st_mtim.tv_sec == a->read_at.tv_sec &&
				    st.st_mtim.tv_nsec == a->read_at.tv_nsec))
		return false;
	f = fopen(path, "re");
	items = calloc(ACCOUNTS_MAX, sizeof(*items));
	if (!f || !items) {
		free(items);
		return false;	/* numbers instead of names until the next try */
	}
	free(a->items);
	a->items = items;
	a->count = read(f, items, ACCOUNTS_MAX);
	a->read_at = st.st_mtim;
	qsort(items, a->count, sizeof(*items), compare_accounts);
	return true;
}

void am_names_refresh(struct am_names *n)
{
	(void)refresh(&n->users, "/etc/passwd", read_users);
	if (refresh(&n->groups, "/etc/group", read_groups))
		n->last.known = false;
}

static const char *find_account(const struct accounts *a, uint32_t number)
{
	const struct account key = { .number = number }, *found;

	if (!a->count)
		return NULL;
	found = bsearch(&key, a->items, a->count, sizeof(*a->items), compare_accounts);
	return found ? found->name : NULL;
}

const char *am_names_user(struct am_names *n, uint32_t uid)
{
	return find_account(&n->users, uid);
}

static const char *name_group(void *ctx, uint32_t gid)
{
	struct am_names *n = ctx;

	return find_account(&n->groups, gid);
}

const char *am_names_groups(struct am_names *n, const struct am_decoded *e)
{
	struct last_groups *l = &n->last;
	size_t len = e->n_groups * sizeof(*e->groups);

	if (l->known && l->gid == e->raw.gid && l->n_others == e->n_groups &&
	    !memcmp(l->others, e->groups, len))
		return l->text;
	l->known = true;
	l->gid = e->raw.gid;
	l->n_others = e->n_groups;
	memcpy(l->others, e->groups, len);
	(void)am_groups_text(e, name_group, n, l->text);	/* what has no room is not told */
	return l->text;
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

/* Its unit; else the path, which is empty for the root of all cgroups. */
static void name_unit(const char *path, char *ret, size_t size)
{
	const char *unit;
	size_t len;

	unit = am_cgroup_unit(path, &len);
	if (unit)
		(void)snprintf(ret, size, "%.*s", (int)len, unit);
	else
		(void)snprintf(ret, size, "%.*s", (int)size - 1, path);
}

static const struct unit *find_unit(struct am_names *n, uint64_t cgroup)
{
	struct unit *unit = &n->units[(cgroup * 0x9e3779b97f4a7c15ULL) >> 54];
	char path[PATH_MAX];
	size_t above = strlen(cgroup_path);

	if (unit->cgroup == cgroup)
		return unit;
	*unit = (struct unit){ .cgroup = cgroup };
	if (!find_cgroup(n, cgroup, path, sizeof(path)))
		return unit;
	if (strncmp(path, cgroup_path, above) != 0)
		above = 0;
	name_unit(path + above, unit->name, sizeof(unit->name));
	/* A part of a path would be another cgroup. */
	if (strlen(path + above) < sizeof(unit->path))
		(void)strcpy(unit->path, path + above);
	return unit;
}

const char *am_names_unit(struct am_names *n, uint64_t cgroup)
{
	const struct unit *unit;

	if (!cgroup || n->cgroup_fd < 0)
		return NULL;
	unit = find_unit(n, cgroup);
	return unit->name[0] ? unit->name : NULL;
}

const char *am_names_cgroup(struct am_names *n, uint64_t cgroup)
{
	const struct unit *unit;

	if (!cgroup || n->cgroup_fd < 0)
		return NULL;
	unit = find_unit(n, cgroup);
	return unit->path[0] ? unit->path : NULL;
}
