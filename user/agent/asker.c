/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/asker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "kernel/cgroups.h"
#include "kernel/publish.h"

enum { FILE_SIZE = 64 * 1024 };	/* of /proc/PID/status; 65,536 groups do not fit and need not */

bool am_asker_lives(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 0) == 0;	/* readable when it has ended */
}

/* A small file of /proc as text, cut if need be. 0 or -errno. */
static int read_text(int dir, const char *name, char *ret, size_t size)
{
	am_autoclose int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while (len < size - 1 && (n = read(fd, ret + len, size - 1 - len)) != 0) {
		if (n < 0)
			return -errno;
		len += (size_t)n;
	}
	ret[len] = '\0';
	return 0;
}

/* What stands behind "\nKEY:"; NULL if there is no such line. */
static const char *value_of(const char *text, const char *key)
{
	char start[32];
	const char *at;

	(void)snprintf(start, sizeof(start), "\n%s:", key);
	at = strstr(text, start);
	return at ? at + strlen(start) : NULL;
}

static void add_gid(struct am_asker *a, uint32_t gid)
{
	if (a->facts.n_gids < sizeof(a->facts.gids) / sizeof(*a->facts.gids))
		a->facts.gids[a->facts.n_gids++] = gid;
	else
		a->unknown = "it is in more groups than are looked at";
}

/* "Groups:\t4 24 27 \n" */
static void read_groups(struct am_asker *a, const char *at)
{
	char *end;

	for (;;) {
		unsigned long gid;

		while (*at == ' ' || *at == '\t')
			at++;
		if (*at < '0' || *at > '9')
			return;
		gid = strtoul(at, &end, 10);
		at = end;
		add_gid(a, (uint32_t)gid);
	}
}

/* The effective ids are the second of four. */
static int read_status(struct am_asker *a, int dir)
{
	am_autofree char *text = malloc(FILE_SIZE);
	const char *uid, *gid, *groups, *threads, *name;
	unsigned effective_gid;
	int r;

	if (!text)
		return -ENOMEM;
	text[0] = '\n';
	r = read_text(dir, "status", text + 1, FILE_SIZE - 1);
	if (r < 0)
		return r;
	uid = value_of(text, "Uid");
	gid = value_of(text, "Gid");
	groups = value_of(text, "Groups");
	threads = value_of(text, "Threads");
	name = value_of(text, "Name");
	if (!uid || !gid || !groups || !threads || !name ||
	    sscanf(uid, "%*u %u", &a->facts.uid) != 1 || sscanf(gid, "%*u %u", &effective_gid) != 1 ||
	    sscanf(threads, "%u", &a->threads) != 1 || sscanf(name, " %63[^\n]", a->comm) != 1)
		return -EBADMSG;
	add_gid(a, effective_gid);
	read_groups(a, groups);
	return 0;
}

static void read_login(struct am_asker *a, int dir)
{
	char text[32];

	a->facts.login = UINT32_MAX;
	if (read_text(dir, "loginuid", text, sizeof(text)) == 0)	/* else: no auditing, no login */
		a->facts.login = (uint32_t)strtoul(text, NULL, 10);
}

static void read_exe(struct am_asker *a, int dir, const struct am_publisher *publisher)
{
	ssize_t len = readlinkat(dir, "exe", a->exe, sizeof(a->exe) - 1);
	struct stat st;

	a->exe[len > 0 ? len : 0] = '\0';
	if (len > 0 && !fstatat(dir, "exe", &st, 0))
		a->facts.exe = am_publisher_exe_id(publisher, st.st_dev, st.st_ino);
}

static bool add_cgroup(struct am_asker *a, int fd)
{
	struct stat st;

	if (a->facts.n_cgroups == AM_CGROUP_DEPTH || fstat(fd, &st) < 0)
		return false;
	/* The number of the folder is the id of the cgroup (kernfs, on 64-bit machines). */
	a->facts.cgroups[a->facts.n_cgroups++] = st.st_ino;
	a->cgroup = st.st_ino;
	return true;
}

/* Down `path`, "/system.slice/x.service"; it is cut up. */
static bool add_cgroups(struct am_asker *a, char *path)
{
	am_autoclose int fd = am_cgroups_mount();
	char *part, *rest = path;

	if (fd < 0 || !add_cgroup(a, fd))
		return false;
	while ((part = strtok_r(rest, "/", &rest))) {
		int below = openat(fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (below < 0)
			return false;
		(void)close(fd); /* read only: nothing can be lost */
		fd = below;
		if (!strcmp(part, "..") || !add_cgroup(a, fd))
			return false;
	}
	return true;
}

static void read_cgroups(struct am_asker *a, int dir)
{
	char text[PATH_MAX + 1024] = "\n", *at, *end;

	if (read_text(dir, "cgroup", text + 1, sizeof(text) - 1) == 0) {
		at = strstr(text, "\n0::/");
		end = at ? strchr(at + 1, '\n') : NULL;
		if (end) {
			*end = '\0';
			if (add_cgroups(a, at + 4))
				return;
		}
	}
	a->unknown = "its cgroup cannot be found";
}

int am_asker_read(pid_t pid, int pidfd, const struct am_publisher *publisher,
		  struct am_asker *ret)
{
	am_autoclose int dir = -1;
	struct am_task task;
	char path[32];
	int r;

	memset(ret, 0, sizeof(*ret)); /* facts are compared byte by byte */
	ret->pid = pid;
	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	r = read_status(ret, dir);
	if (!r)
		r = am_publisher_task(publisher, pidfd, &task);
	if (r < 0)
		return am_asker_lives(pidfd) ? r : -ESRCH;
	ret->labels = task.labels;
	ret->facts.script = task.script;
	read_login(ret, dir);
	read_exe(ret, dir, publisher);
	read_cgroups(ret, dir);
	/* Who lives now has had this number since before it was looked at. */
	return am_asker_lives(pidfd) ? 0 : -ESRCH;
}
