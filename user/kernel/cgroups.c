/* SPDX-License-Identifier: GPL-2.0 */
#include "kernel/cgroups.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/cgroup.h"
#include "base/cleanup.h"
#include "decide.h"

enum { FOUND_MAX = 4096 };

/* Where cgroup v2 is: by itself, or beside the hierarchies of v1. */
static const char *const mounts[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

struct search {
	const struct am_image *image;
	char path[PATH_MAX];		/* of the folder looked at, below the mount; "" is the mount */
	size_t len;
	struct am_image_cgroup_at *at;	/* owned, with the paths */
	uint64_t *ids;			/* owned; one per item of `at` */
	size_t n;
};

static void free_search(struct search *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		free((char *)s->at[i].path);	/* ours, see add_found() */
	free(s->at);
	free(s->ids);
}

static bool is_named(const struct am_image_cgroup *named, const struct search *s)
{
	if (named->unit)
		return am_cgroup_is_unit(s->path, named->unit);
	return !strcmp(named->path, s->len ? s->path : "/");
}

static int add_found(struct search *s, int fd, const struct am_set *set)
{
	struct stat st;
	char *path;

	if (s->n == FOUND_MAX)
		return -E2BIG;
	if (fstat(fd, &st) < 0)
		return -errno;
	path = strdup(s->path);
	if (!path)
		return -ENOMEM;
	/* The number of the folder is the id of the cgroup (kernfs, on 64-bit machines). */
	s->ids[s->n] = st.st_ino;
	s->at[s->n++] = (struct am_image_cgroup_at){ .path = path, .set = *set };
	return 0;
}

static int match(struct search *s, int fd)
{
	struct am_set set = { 0 };
	bool found = false;
	size_t i;

	for (i = 0; i < s->image->n_cgroups; i++) {
		if (!is_named(&s->image->cgroups[i], s))
			continue;
		am_set_join(&set, &s->image->cgroups[i].set);
		found = true;
	}
	return found ? add_found(s, fd, &set) : 0;
}

static int look_below(struct search *s, DIR *dir, unsigned depth);

/* A cgroup may be gone when it is opened. */
static int look_at(struct search *s, int parent, const char *name, unsigned depth)
{
	am_autoclose int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir;
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = match(s, fd);
	if (r < 0 || !depth)
		return r;
	dir = fdopendir(fd);
	if (!dir)
		return -errno;
	(void)AM_TAKE_FD(fd);	/* the stream's now */
	r = look_below(s, dir, depth - 1);
	(void)closedir(dir); /* it was only read */
	return r;
}

static int look_below(struct search *s, DIR *dir, unsigned depth)
{
	size_t len = s->len;
	struct dirent *e;
	int r = 0;

	while (!r && (e = readdir(dir))) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.' ||
		    len + strlen(e->d_name) + 2 > sizeof(s->path))
			continue;
		s->len = len + (size_t)sprintf(s->path + len, "/%s", e->d_name);
		r = look_at(s, dirfd(dir), e->d_name, depth);
	}
	s->path[len] = '\0';
	s->len = len;
	return r;
}

int am_cgroups_mount(void)
{
	size_t i;

	for (i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		am_autoclose int fd = open(mounts[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct statfs fs;

		if (fd >= 0 && !fstatfs(fd, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC)
			return AM_TAKE_FD(fd);
	}
	return -ENOENT;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = ((const struct am_cgroup *)a)->id, y = ((const struct am_cgroup *)b)->id;

	return x < y ? -1 : x > y;
}

static int collect(const struct search *s, struct am_cgroup **ret, size_t *ret_n)
{
	struct am_cgroup *found = calloc(s->n + 1, sizeof(*found));
	size_t i;

	if (!found)
		return -ENOMEM;
	am_image_cgroup_join(s->at, s->n);
	for (i = 0; i < s->n; i++)
		found[i] = (struct am_cgroup){ .id = s->ids[i], .set = s->at[i].set };
	qsort(found, s->n, sizeof(*found), compare);
	*ret = found;
	*ret_n = s->n;
	return 0;
}

int am_cgroups_find(const struct am_image *image, struct am_cgroup **ret, size_t *ret_n)
{
	struct search s = { .image = image };
	am_autoclose int mount = image->n_cgroups ? am_cgroups_mount() : -1;
	int r = 0;

	s.at = calloc(FOUND_MAX, sizeof(*s.at));
	s.ids = calloc(FOUND_MAX, sizeof(*s.ids));
	if (!s.at || !s.ids)
		r = -ENOMEM;
	else if (mount >= 0)
		r = look_at(&s, mount, ".", AM_CGROUP_DEPTH);
	if (!r)
		r = collect(&s, ret, ret_n);
	free_search(&s);
	return r;
}
