/* SPDX-License-Identifier: GPL-2.0 */
#include "store/disks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	LAYERS_MAX = 8,		/* of mappers on RAIDs on partitions */
	FOLDERS_MAX = 8,	/* below /dev */
	NAMESPACES_MAX = 256,
};

struct walk {
	am_disk_fn visit;
	void *ctx;
};

static void closedirp(DIR **d)
{
	if (*d)
		(void)closedir(*d);	/* read only: nothing can be lost */
}

/* The number in a sysfs file `dev`; 0 if there is none. */
static dev_t dev_in(const char *folder, const char *name)
{
	char path[PATH_MAX];
	am_autofclose FILE *f = NULL;
	unsigned major_nr, minor_nr;

	(void)snprintf(path, sizeof(path), "%s/%s%sdev", folder, name, *name ? "/" : "");
	f = fopen(path, "re");
	if (!f || fscanf(f, "%u:%u", &major_nr, &minor_nr) != 2)
		return 0;
	return makedev(major_nr, minor_nr);
}

/* Each entry of a sysfs folder that is a device; a folder that is not there has none. */
static int each(const struct walk *w, const char *folder, uint32_t kind, int layer,
		int (*take)(const struct walk *w, uint32_t kind, dev_t dev, int layer))
{
	__attribute__((cleanup(closedirp))) DIR *d = opendir(folder);
	struct dirent *e;
	int r = 0;

	while (d && !r && (e = readdir(d))) {
		dev_t dev = e->d_name[0] == '.' ? 0 : dev_in(folder, e->d_name);

		if (dev)
			r = take(w, kind, dev, layer);
	}
	return r;
}

static int below(const struct walk *w, uint32_t kind, dev_t dev, int layer);

static int tell(const struct walk *w, uint32_t kind, dev_t dev, int layer)
{
	(void)layer;
	return w->visit(w->ctx, kind, dev);
}

/* Others by which a disk can be read: /dev/sg0, /dev/bsg/0:0:0:0, /dev/nvme0, /dev/ng0n1. */
static int aliases(const struct walk *w, const char *sys)
{
	static const char *const folders[] = {
		"device/scsi_generic", "device/bsg", "device", "device/device",
	};
	char path[PATH_MAX];
	dev_t dev;
	int r = 0;

	for (size_t i = 0; !r && i < sizeof(folders) / sizeof(*folders); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", sys, folders[i]);
		r = each(w, path, S_IFCHR, 0, tell);
		dev = r ? 0 : dev_in(path, "");
		if (dev)
			r = tell(w, S_IFCHR, dev, 0);
	}
	return r;
}

/* The disk that a partition is of; 0 for what is none. */
static dev_t disk_of(const char *sys)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/partition", sys);
	if (access(path, F_OK) < 0)
		return 0;
	(void)snprintf(path, sizeof(path), "%s/..", sys);
	return dev_in(path, "");
}

static int below(const struct walk *w, uint32_t kind, dev_t dev, int layer)
{
	char sys[64], path[PATH_MAX];
	dev_t disk;
	int r;

	(void)snprintf(sys, sizeof(sys), "/sys/dev/block/%u:%u", major(dev), minor(dev));
	if (layer >= LAYERS_MAX || access(sys, F_OK) < 0)
		return 0;
	r = w->visit(w->ctx, kind, dev);
	if (!r)
		r = aliases(w, sys);
	(void)snprintf(path, sizeof(path), "%s/slaves", sys);
	if (!r)
		r = each(w, path, S_IFBLK, layer + 1, below);
	disk = disk_of(sys);
	return r || !disk ? r : below(w, S_IFBLK, disk, layer + 1);
}

/* ---- file systems whose device number is made up (btrfs) ----------------------- */

/* Whether the mount at `at` is where `path` lies. */
static bool holds(const char *at, const char *path)
{
	size_t len = strlen(at);

	return !strncmp(path, at, len) && (len == 1 || path[len] == '/' || !path[len]);
}

/* The device that the innermost mount above `path` names as its source; 0 if none. */
static dev_t source_of(const char *path)
{
	am_autofclose FILE *f = fopen("/proc/self/mountinfo", "re");
	char at[PATH_MAX], from[PATH_MAX];
	am_autofree char *line = NULL;
	size_t size = 0, best = 0;
	dev_t dev = 0;
	struct stat st;

	while (f && getline(&line, &size, f) > 0) {
		const char *rest = strstr(line, " - ");

		if (!rest || sscanf(line, "%*s %*s %*s %*s %4095s", at) != 1 ||
		    sscanf(rest, " - %*s %4095s", from) != 1 || !holds(at, path) ||
		    strlen(at) < best)
			continue;
		best = strlen(at);
		dev = !stat(from, &st) && S_ISBLK(st.st_mode) ? st.st_rdev : 0;
	}
	return dev;
}

/* btrfs may be on several disks: each that is listed with this one. */
static int siblings(const struct walk *w, dev_t dev)
{
	__attribute__((cleanup(closedirp))) DIR *d = opendir("/sys/fs/btrfs");
	char path[PATH_MAX + NAME_MAX + 64], link[PATH_MAX];
	const char *name;
	struct dirent *e;
	ssize_t n;
	int r = 0;

	(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(dev), minor(dev));
	n = readlink(path, link, sizeof(link) - 1);
	if (!d || n < 0)
		return 0;
	link[n] = '\0';
	name = strrchr(link, '/') ? strrchr(link, '/') + 1 : link;
	while (!r && (e = readdir(d))) {
		(void)snprintf(path, sizeof(path), "/sys/fs/btrfs/%s/devices/%s", e->d_name, name);
		if (access(path, F_OK) < 0)
			continue;
		(void)snprintf(path, sizeof(path), "/sys/fs/btrfs/%s/devices", e->d_name);
		r = each(w, path, S_IFBLK, 1, below);
	}
	return r;
}

int am_disks_below(const char *path, dev_t dev, am_disk_fn visit, void *ctx)
{
	const struct walk w = { .visit = visit, .ctx = ctx };
	int r;

	if (!major(dev))
		dev = source_of(path);
	if (!dev)
		return 0;
	r = below(&w, S_IFBLK, dev, 0);
	return r ? r : siblings(&w, dev);
}

/* ---- nodes ---------------------------------------------------------------------- */

static int node(int at, const char *name, am_node_fn visit, void *ctx)
{
	am_autoclose int fd = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return 0;	/* gone */
	if (!S_ISBLK(st.st_mode) && !S_ISCHR(st.st_mode))
		return 0;
	return visit(ctx, fd, st.st_mode & S_IFMT, st.st_rdev);
}

static int nodes_in(int at, const char *name, int depth, am_node_fn visit, void *ctx)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	__attribute__((cleanup(closedirp))) DIR *d = NULL;
	struct dirent *e;
	int r = 0;

	if (fd < 0)
		return 0;
	d = fdopendir(fd);
	if (!d) {
		(void)close(fd);
		return -ENOMEM;
	}
	while (!r && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (e->d_type == DT_DIR && depth < FOLDERS_MAX)
			r = nodes_in(dirfd(d), e->d_name, depth + 1, visit, ctx);
		else if (e->d_type == DT_BLK || e->d_type == DT_CHR || e->d_type == DT_UNKNOWN)
			r = node(dirfd(d), e->d_name, visit, ctx);
	}
	return r;
}

/* Folders that were walked: a container's /dev is its own, most processes share one. */
struct seen {
	dev_t dev[NAMESPACES_MAX];
	size_t count;
};

static bool is_new(struct seen *seen, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0 || seen->count == NAMESPACES_MAX)
		return false;
	for (size_t i = 0; i < seen->count; i++)
		if (seen->dev[i] == st.st_dev)
			return false;
	seen->dev[seen->count++] = st.st_dev;
	return true;
}

int am_disks_nodes(am_node_fn visit, void *ctx)
{
	__attribute__((cleanup(closedirp))) DIR *d = opendir("/proc");
	struct seen seen = { .count = 0 };
	char path[NAME_MAX + 32];
	struct dirent *e;
	int r = 0;

	if (!d)
		return -errno;
	while (!r && (e = readdir(d))) {
		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%s/root/dev", e->d_name);
		if (is_new(&seen, path))
			r = nodes_in(AT_FDCWD, path, 0, visit, ctx);
	}
	return r;
}
