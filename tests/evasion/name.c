// SPDX-License-Identifier: GPL-2.0
/* Other names for the same file: links, moves, mounts, roots, namespaces, overlays, clones. */
#include "technique.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	/* sys/mount.h and linux/mount.h do not go together. */
	MS_BIND_ = 4096,
};

int mount(const char *source, const char *target, const char *kind, unsigned long flags,
	  const void *data);
int umount2(const char *target, int flags);

static const char *leaf(const struct arena *a) { return strrchr(a->file, '/') + 1; }

static const char *folder(const struct arena *a, const char *name)
{
	const char *path = outside(a, name);

	mkdir(path, 0777);
	return path;
}

static int hard_link(struct arena *a)
{
	TRY(link(a->file, outside(a, "name")));
	return loot_path(a, outside(a, "name"));
}

static int hard_link_of_descriptor(struct arena *a)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", a->fd);
	TRY(linkat(AT_FDCWD, path, AT_FDCWD, outside(a, "name"), AT_SYMLINK_FOLLOW));
	return loot_path(a, outside(a, "name"));
}

static int moved_out(struct arena *a)
{
	TRY(rename(a->file, outside(a, "name")));
	return loot_path(a, outside(a, "name"));
}

static int exchanged(struct arena *a)
{
	PASS_ON(write_path(outside(a, "name"), "decoy", 5));
	TRY(renameat2(AT_FDCWD, a->file, AT_FDCWD, outside(a, "name"), RENAME_EXCHANGE));
	return loot_path(a, outside(a, "name"));
}

static int symbolic_link(struct arena *a)
{
	TRY(symlink(a->file, outside(a, "name")));
	return loot_path(a, outside(a, "name"));
}

static int symbolic_folder(struct arena *a)
{
	char path[300];

	TRY(symlink(a->store, outside(a, "dir")));
	snprintf(path, sizeof(path), "%s/%s", outside(a, "dir"), leaf(a));
	return loot_path(a, path);
}

/* ---- older than the agent ------------------------------------------------------- */

static int link_early(struct arena *a)
{
	TRY(link(a->file, outside(a, "name")));
	return 0;
}

static int old_hard_link(struct arena *a) { return loot_path(a, outside(a, "name")); }

static int old_bind_mount(struct arena *a)
{
	return loot_path(a, outside(a, "mounted"));
}

static int bind_early(struct arena *a)
{
	PASS_ON(own_mounts());
	PASS_ON(write_path(outside(a, "mounted"), "", 0));
	TRY(mount(a->file, outside(a, "mounted"), NULL, MS_BIND_, NULL));
	return 0;
}

/* ---- mounts ------------------------------------------------------------------------ */

static int in_folder(struct arena *a, const char *at, const char *below)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s%s", at, below, leaf(a));
	return loot_path(a, path);
}

static int bind_mount(struct arena *a)
{
	PASS_ON(own_mounts());
	TRY(mount(a->store, folder(a, "m"), NULL, MS_BIND_, NULL));
	return in_folder(a, outside(a, "m"), "");
}

static int bind_mount_of_file(struct arena *a)
{
	PASS_ON(bind_early(a));
	return old_bind_mount(a);
}

static int second_mount(struct arena *a)
{
	PASS_ON(own_mounts());
	TRY(mount(a->device, folder(a, "m"), "ext4", 0, NULL));
	return in_folder(a, outside(a, "m"), "store/");
}

static int second_mount_early(struct arena *a)
{
	PASS_ON(own_mounts());
	TRY(mount(a->device, folder(a, "m"), "ext4", 0, NULL));
	return 0;
}

static int old_second_mount(struct arena *a)
{
	return in_folder(a, outside(a, "m"), "store/");
}

static int detached_tree(struct arena *a)
{
	int tree = TRY(syscall(SYS_open_tree, AT_FDCWD, a->store, OPEN_TREE_CLONE));

	return loot_fd(a, TRY(openat(tree, leaf(a), O_RDONLY)));
}

static int moved_tree(struct arena *a)
{
	int tree;

	PASS_ON(own_mounts());
	tree = TRY(syscall(SYS_open_tree, AT_FDCWD, a->store, OPEN_TREE_CLONE | AT_RECURSIVE));
	TRY(syscall(SYS_move_mount, tree, "", AT_FDCWD, folder(a, "m"), MOVE_MOUNT_F_EMPTY_PATH));
	return in_folder(a, outside(a, "m"), "");
}

static int changed_root(struct arena *a)
{
	char path[300];

	TRY(chroot(a->disk));
	TRY(chdir("/"));
	snprintf(path, sizeof(path), "/store/%s", leaf(a));
	return loot_path(a, path);
}

static int pivoted_root(struct arena *a)
{
	char path[300];

	PASS_ON(own_mounts());
	TRY(mount(a->disk, folder(a, "m"), NULL, MS_BIND_, NULL));
	TRY(chdir(outside(a, "m")));
	TRY(syscall(SYS_pivot_root, ".", "."));
	TRY(umount2(".", 2));
	snprintf(path, sizeof(path), "/store/%s", leaf(a));
	return loot_path(a, path);
}

static int other_namespace(struct arena *a)
{
	PASS_ON(own_mounts());
	return loot_path(a, a->file);
}

static int user_namespace(struct arena *a)
{
	TRY(unshare(CLONE_NEWUSER | CLONE_NEWNS));
	PASS_ON(write_path("/proc/self/uid_map", "0 0 1", 5));
	return loot_path(a, a->file);
}

/* There, the group that opens the store is another one. */
static int read_as_group(struct arena *a)
{
	TRY(unshare(CLONE_NEWUSER));
	turn_set(a, 10);
	turn_wait(a, 11);
	TRY(setgid(GID_READER));
	return loot_path(a, a->file);
}

static int group_of_user_namespace(struct arena *a)
{
	const char *map = a->control ? "61021 61021 1" : "61021 0 1";
	pid_t pid = spawn(a, read_as_group);
	char path[64];

	turn_wait(a, 10);
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	PASS_ON(write_path(path, map, strlen(map)));
	turn_set(a, 11);
	return ended(pid);
}

static int hold_mounts(struct arena *a)
{
	PASS_ON(own_mounts());
	turn_set(a, 10);
	turn_wait(a, 11);
	return 0;
}

static int mount_of_other_process(struct arena *a)
{
	pid_t pid = spawn(a, hold_mounts);
	char path[64];
	int ns;

	turn_wait(a, 10);
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	ns = TRY(open(path, O_RDONLY));
	TRY(setns(ns, CLONE_NEWNS));
	return loot_path(a, a->file);
}

static int hold_users(struct arena *a)
{
	TRY(unshare(CLONE_NEWUSER));
	turn_set(a, 10);
	turn_wait(a, 11);
	return 0;
}

/* Files of everybody become mine: owners are another matter than who asks. */
static int mapped_owner_mount(struct arena *a)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	pid_t pid = spawn(a, hold_users);
	char path[64];
	int tree;

	turn_wait(a, 10);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	PASS_ON(write_path(path, "0 1000 1", 8));
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	PASS_ON(write_path(path, "0 1000 1", 8));
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	attr.userns_fd = TRY(open(path, O_RDONLY));
	tree = TRY(syscall(SYS_open_tree, AT_FDCWD, a->store, OPEN_TREE_CLONE));
	TRY(syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)));
	return loot_fd(a, TRY(openat(tree, leaf(a), O_RDONLY)));
}

/* ---- overlays ------------------------------------------------------------------------- */

static int overlay(struct arena *a, const char *lower, const char *upper)
{
	char data[1024];

	PASS_ON(own_mounts());
	snprintf(data, sizeof(data), "lowerdir=%s,upperdir=%s,workdir=%s", lower, upper,
		 folder(a, "work"));
	TRY(mount("overlay", folder(a, "m"), "overlay", 0, data));
	return 0;
}

static int overlay_lower(struct arena *a)
{
	PASS_ON(overlay(a, a->store, folder(a, "upper")));
	return in_folder(a, outside(a, "m"), "");
}

static int overlay_lower_mapped(struct arena *a)
{
	char path[300];
	char *p;
	int fd;

	PASS_ON(overlay(a, a->store, folder(a, "upper")));
	snprintf(path, sizeof(path), "%s/%s", outside(a, "m"), leaf(a));
	fd = TRY(open(path, O_RDONLY));
	p = mmap(NULL, FILE_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	loot(a, p, 256);
	return 0;
}

static int overlay_copied_up(struct arena *a)
{
	char path[300];
	int fd;

	PASS_ON(overlay(a, a->store, folder(a, "upper")));
	snprintf(path, sizeof(path), "%s/%s", outside(a, "m"), leaf(a));
	/* Opening it for writing copies it, in the kernel. */
	fd = TRY(open(path, O_WRONLY | O_APPEND));
	close(fd);
	return in_folder(a, outside(a, "upper"), "");
}

static int overlay_copied_up_by_chmod(struct arena *a)
{
	char path[300];

	PASS_ON(overlay(a, a->store, folder(a, "upper")));
	snprintf(path, sizeof(path), "%s/%s", outside(a, "m"), leaf(a));
	TRY(chmod(path, 0640));
	return in_folder(a, outside(a, "upper"), "");
}

static int overlay_hidden_lower(struct arena *a)
{
	char data[1024];

	PASS_ON(own_mounts());
	snprintf(data, sizeof(data), "lowerdir=%s:%s", folder(a, "upper"), a->store);
	TRY(mount("overlay", folder(a, "m"), "overlay", 0, data));
	return in_folder(a, outside(a, "m"), "");
}

/* ---- file systems that share blocks ------------------------------------------------------ */

static int cloned(struct arena *a)
{
	int fd = TRY(open(outside(a, "clone"), O_RDWR | O_CREAT, 0600));

	TRY(ioctl(fd, FICLONE, a->fd));
	return loot_fd(a, fd);
}

static int cloned_range(struct arena *a)
{
	struct file_clone_range range = { .src_fd = a->fd, .src_length = 4096 };
	int fd = TRY(open(outside(a, "clone"), O_RDWR | O_CREAT, 0600));

	TRY(ioctl(fd, FICLONERANGE, &range));
	return loot_fd(a, fd);
}

static int snapshot(struct arena *a)
{
	struct btrfs_ioctl_vol_args args = {};
	int dir = TRY(open(a->out, O_RDONLY | O_DIRECTORY));
	char path[400];

	sync();
	args.fd = TRY(open(a->btrfs, O_RDONLY | O_DIRECTORY));
	strcpy(args.name, "snapshot");
	TRY(ioctl(dir, BTRFS_IOC_SNAP_CREATE, &args));
	snprintf(path, sizeof(path), "%s/snapshot/store/%s", a->out, leaf(a));
	return loot_path(a, path);
}

#define GET(call, ...) { .name = #call, .goal = GOAL_GET, .act = call, ##__VA_ARGS__ }
#define GIVEN(call, more) GET(call, .flags = WITH_FD | (more))
#define OLD(call, first) GET(call, .flags = EARLY, .before = first)

static const struct technique list[] = {
	GET(hard_link), GIVEN(hard_link_of_descriptor, 0), GET(moved_out), GET(exchanged),
	GET(symbolic_link), GET(symbolic_folder),
	OLD(old_hard_link, link_early), OLD(old_bind_mount, bind_early),
	GET(old_second_mount, .flags = EARLY | ALTERS_HOST, .before = second_mount_early),
	GET(bind_mount), GET(bind_mount_of_file), GET(second_mount, .flags = ALTERS_HOST), GET(detached_tree),
	GET(moved_tree), GET(changed_root), GET(pivoted_root), GET(other_namespace),
	GET(user_namespace), GET(group_of_user_namespace), GET(mount_of_other_process),
	GET(mapped_owner_mount),
	GET(overlay_lower), GET(overlay_lower_mapped), GET(overlay_copied_up),
	GET(overlay_copied_up_by_chmod), GET(overlay_hidden_lower),
	GIVEN(cloned, ON_BTRFS), GIVEN(cloned_range, ON_BTRFS), GET(snapshot, .flags = ON_BTRFS),
};

FAMILY(name, list);
