/* SPDX-License-Identifier: GPL-2.0 */
#include "store/root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "store/mount.h"

static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFBLK:
		return "a block device";
	case S_IFCHR:
		return "a character device";
	case S_IFIFO:
		return "a named pipe";
	case S_IFSOCK:
		return "a socket";
	}
	return "a special file";
}

/* Whoever may write the folder that holds a link could point the store elsewhere. */
static void refuse_link(const struct am_root_spec *spec, struct am_diags *diags)
{
	char target[PATH_MAX], hint[PATH_MAX + 64];
	bool resolves = realpath(spec->path, target) != NULL;

	if (resolves)
		(void)snprintf(hint, sizeof(hint), "Write what it points to instead: '%s'.", target);
	am_diags_add(diags, AM_SEVERITY_ERROR, spec->pos, resolves ? hint : NULL,
		     "the store path '%s' is a symbolic link", spec->path);
}

static void refuse_missing(const struct am_root_spec *spec, int error, struct am_diags *diags)
{
	am_diags_add(diags, AM_SEVERITY_ERROR, spec->pos,
		     error == -ENOENT ? "Create it before the policy is loaded, or mount it." : NULL,
		     "cannot open the store path '%s': %s", spec->path, strerror(-error));
}

static int copy_names(struct am_root *root, const struct am_root_spec *spec)
{
	char link[32], real[PATH_MAX];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", root->fd);
	n = readlink(link, real, sizeof(real) - 1);
	real[n > 0 ? n : 0] = '\0';
	root->path = strdup(spec->path);
	root->real = strdup(n > 0 ? real : spec->path);
	if (!root->path || !root->real)
		return -ENOMEM;
	/* Without it some events show a path less well. */
	(void)am_mount_inner_path(root->fd, root->real, &root->inner);
	return 0;
}

/* 0, also when it was refused: the errors are counted in `diags`. */
static int open_root(const struct am_root_spec *spec, struct am_diags *diags, struct am_root *root)
{
	struct stat st;

	/* O_PATH: opening a device or a pipe for real would have effects of its own. */
	root->fd = open(spec->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (root->fd < 0 || fstat(root->fd, &st) < 0) {
		refuse_missing(spec, -errno, diags);
		return 0;
	}
	if (S_ISLNK(st.st_mode)) {
		refuse_link(spec, diags);
		return 0;
	}
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
		am_diags_add(diags, AM_SEVERITY_ERROR, spec->pos,
			     "A store is made of folders and regular files.",
			     "the store path '%s' is %s", spec->path, kind_of(st.st_mode));
		return 0;
	}
	root->store = spec->store;
	root->dev = st.st_dev;
	root->ino = st.st_ino;
	root->is_dir = S_ISDIR(st.st_mode);
	return copy_names(root, spec);
}

static int compare_inodes(const struct am_root *a, const struct am_root *b)
{
	if (a->dev != b->dev)
		return a->dev < b->dev ? -1 : 1;
	if (a->ino != b->ino)
		return a->ino < b->ino ? -1 : 1;
	return 0;
}

static int compare_indices(const void *x, const void *y, void *items)
{
	const size_t *a = x, *b = y;
	int order = compare_inodes((struct am_root *)items + *a, (struct am_root *)items + *b);

	if (order)
		return order;
	return *a < *b ? -1 : *a > *b;	/* of equal inodes the one named first */
}

/* Bind mounts and hard links give one inode several paths. */
static void refuse_shared(const struct am_roots *roots, const struct am_root_spec *specs,
			  struct am_diags *diags)
{
	size_t i;

	for (i = 1; i < roots->count; i++) {
		size_t a = roots->by_inode[i - 1], b = roots->by_inode[i];

		if (compare_inodes(&roots->items[a], &roots->items[b]) ||
		    roots->items[a].store == roots->items[b].store)
			continue;
		am_diags_add(diags, AM_SEVERITY_ERROR, specs[b].pos,
			     "Each file belongs to one store: keep one of the two paths.",
			     "'%s' is the same %s as '%s' of another store", specs[b].path,
			     roots->items[b].is_dir ? "folder" : "file", specs[a].path);
	}
}

int am_roots_open(const struct am_root_spec *specs, size_t n, struct am_diags *diags,
		  struct am_roots **ret)
{
	am_auto(am_roots) struct am_roots *roots = calloc(1, sizeof(*roots));
	size_t i, errors = diags->errors;
	int r;

	if (!roots)
		return -ENOMEM;
	roots->items = calloc(n + 1, sizeof(*roots->items));
	roots->by_inode = calloc(n + 1, sizeof(*roots->by_inode));
	if (!roots->items || !roots->by_inode)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		roots->by_inode[i] = i;
		roots->count = i + 1;
		r = open_root(&specs[i], diags, &roots->items[i]);
		if (r < 0)
			return r;
	}
	if (diags->errors > errors)
		return -EINVAL;
	qsort_r(roots->by_inode, n, sizeof(*roots->by_inode), compare_indices, roots->items);
	refuse_shared(roots, specs, diags);
	if (diags->errors > errors)
		return -EINVAL;
	*ret = AM_TAKE_PTR(roots);
	return 0;
}

const struct am_root *am_roots_find(const struct am_roots *roots, uint64_t dev, uint64_t ino)
{
	const struct am_root key = { .dev = dev, .ino = ino };
	size_t low = 0, high = roots->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct am_root *root = &roots->items[roots->by_inode[middle]];
		int order = compare_inodes(&key, root);

		if (!order)
			return root;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* What `path` has below `top`; NULL if it is not below. */
static const char *below(const char *top, bool is_dir, const char *path)
{
	size_t len = strlen(top);

	while (len && top[len - 1] == '/')
		len--;
	if (strncmp(path, top, len))
		return NULL;
	if (path[len] == '/')
		return path + len + 1;
	if (path[len])
		return NULL;
	return is_dir ? path + len : strrchr(path, '/') + 1;
}

const char *am_roots_within(const struct am_roots *roots, uint32_t store, const char *path,
			    bool inner)
{
	const char *best = NULL;
	size_t i;

	if (*path != '/')
		return NULL;
	/* Of nested roots the deepest: the shortest rest. */
	for (i = 0; i < roots->count; i++) {
		const struct am_root *root = &roots->items[i];
		const char *top = inner ? root->inner : root->real, *rest;

		if (root->store != store || !top)
			continue;
		rest = below(top, root->is_dir, path);
		if (rest && (!best || rest > best))
			best = rest;
	}
	return best;
}

void am_roots_close(struct am_roots *roots)
{
	size_t i;

	for (i = 0; i < roots->count; i++) {
		if (roots->items[i].fd >= 0)
			(void)close(roots->items[i].fd); /* read only: nothing can be lost */
		roots->items[i].fd = -1;
	}
}

void am_roots_free(struct am_roots *roots)
{
	size_t i;

	if (!roots)
		return;
	for (i = 0; i < roots->count; i++) {
		free(roots->items[i].path);
		free(roots->items[i].real);
		free(roots->items[i].inner);
		if (roots->items[i].fd >= 0)
			(void)close(roots->items[i].fd); /* read only: nothing can be lost */
	}
	free(roots->items);
	free(roots->by_inode);
	free(roots);
}
