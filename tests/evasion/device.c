// SPDX-License-Identifier: GPL-2.0
/* Below the file system: the disk that it is on, and devices made of a store's file. Whoever
 * reads a disk reads all that is on it, so these have no control but the ones that go through
 * the file. */
#include "ring.h"
#include "technique.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static char block[4096] __attribute__((aligned(4096)));

static int read_block(struct arena *a, int fd, uint64_t at)
{
	ssize_t n;

	posix_fadvise(fd, at, sizeof(block), POSIX_FADV_DONTNEED);
	n = TRY(pread(fd, block, sizeof(block), at));
	loot(a, block, n);
	return 0;
}

static int disk_read(struct arena *a)
{
	return read_block(a, TRY(open(a->device, O_RDONLY)), a->physical);
}

static int disk_read_direct(struct arena *a)
{
	return read_block(a, TRY(open(a->device, O_RDONLY | O_DIRECT)), a->physical);
}

static int disk_other_node(struct arena *a)
{
	struct stat s;

	TRY(stat(a->device, &s));
	TRY(mknod(outside(a, "disk"), S_IFBLK | 0600, s.st_rdev));
	return read_block(a, TRY(open(outside(a, "disk"), O_RDONLY)), a->physical);
}

static int disk_mapped(struct arena *a)
{
	int fd = TRY(open(a->device, O_RDONLY));
	char *p;

	posix_fadvise(fd, a->physical, sizeof(block), POSIX_FADV_DONTNEED);
	p = mmap(NULL, sizeof(block), PROT_READ, MAP_SHARED, fd, a->physical);
	if (p == MAP_FAILED)
		return -errno;
	loot(a, p, sizeof(block));
	return 0;
}

static int disk_uring(struct arena *a)
{
	struct ring r;

	PASS_ON(ring_new(&r, 0));
	ring_next(&r, IORING_OP_READ, TRY(open(a->device, O_RDONLY | O_DIRECT)), block,
		  sizeof(block))->off = a->physical;
	PASS_ON(ring_run(&r, 1));
	loot(a, block, sizeof(block));
	return 0;
}

static int disk_splice(struct arena *a)
{
	int fd = TRY(open(a->device, O_RDONLY)), p[2];
	loff_t at = a->physical;

	posix_fadvise(fd, at, sizeof(block), POSIX_FADV_DONTNEED);
	TRY(pipe(p));
	TRY(splice(fd, &at, p[1], NULL, 200, 0));
	return loot_wait(a, p[0]);
}

static int disk_early(struct arena *a)
{
	a->fd = TRY(open(a->device, O_RDONLY | O_DIRECT));
	return 0;
}

static int old_disk_descriptor(struct arena *a) { return read_block(a, a->fd, a->physical); }

/* A real program: e2fsprogs reads ext4 without the kernel's help. */
static int disk_debugfs(struct arena *a)
{
	char request[300], command[700];
	int fd = TRY(open(a->device, O_RDONLY));

	/* What the disk has, not what was read of it before. */
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);

	snprintf(request, sizeof(request), "dump /store/%s %s", strrchr(a->file, '/') + 1,
		 outside(a, "dump"));
	snprintf(command, sizeof(command), "exec /sbin/debugfs -R '%s' %s >/dev/null 2>&1", request,
		 a->device);
	if (system(command))
		return -EACCES;
	return loot_path(a, outside(a, "dump"));
}

/* The file that the disk is made of, where it is one. */
static int disk_image(struct arena *a)
{
	struct loop_info64 info;
	int fd = TRY(open(a->device, O_RDONLY | O_NONBLOCK));

	TRY(ioctl(fd, LOOP_GET_STATUS64, &info));
	close(fd);
	return read_block(a, TRY(open((char *)info.lo_file_name, O_RDONLY)), a->physical);
}

/* ---- loop devices -------------------------------------------------------------------- */

static int loop_free(char *path, size_t size)
{
	int control = TRY(open("/dev/loop-control", O_RDWR));
	int n = TRY(ioctl(control, LOOP_CTL_GET_FREE));
	struct stat s;

	close(control);
	snprintf(path, size, "/dev/loop%d", n);
	if (stat(path, &s) < 0)
		TRY(mknod(path, S_IFBLK | 0600, makedev(7, n)));
	return TRY(open(path, O_RDWR));
}

static int loop_configured(struct arena *a, int of, uint64_t at, unsigned flags)
{
	struct loop_config c = { .fd = of, .info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_READ_ONLY |
				 flags };
	char path[64];
	int loop = loop_free(path, sizeof(path));

	if (loop < 0)
		return loop;
	/* Another device below has its own memory of what was there. */
	posix_fadvise(of, 0, 0, POSIX_FADV_DONTNEED);
	TRY(ioctl(loop, LOOP_CONFIGURE, &c));
	return read_block(a, loop, at);
}

static int loop_of_given(struct arena *a) { return loop_configured(a, a->fd, 0, 0); }

static int loop_of_given_direct(struct arena *a)
{
	return loop_configured(a, a->fd, 0, LO_FLAGS_DIRECT_IO);
}

static int loop_of_path(struct arena *a)
{
	return loop_configured(a, TRY(open(a->file, O_RDONLY)), 0, 0);
}

static int loop_old_call(struct arena *a)
{
	struct loop_info64 info = { .lo_flags = LO_FLAGS_AUTOCLEAR };
	char path[64];
	int loop = loop_free(path, sizeof(path)), r;

	if (loop < 0)
		return loop;
	TRY(ioctl(loop, LOOP_SET_FD, a->fd));
	ioctl(loop, LOOP_SET_STATUS64, &info);
	r = read_block(a, loop, 0);
	ioctl(loop, LOOP_CLR_FD, 0);
	return r;
}

static int loop_of_disk(struct arena *a)
{
	return loop_configured(a, TRY(open(a->device, O_RDONLY)), a->physical, 0);
}

static int loop_by_losetup(struct arena *a)
{
	char command[500];
	int r;

	snprintf(command, sizeof(command),
		 "d=$(losetup -f --show -r %s) && dd if=$d of=%s bs=4096 count=1 2>/dev/null; "
		 "r=$?; losetup -d $d 2>/dev/null; exit $r", a->file, outside(a, "dump"));
	r = system(command);
	if (r)
		return -EACCES;
	return loot_path(a, outside(a, "dump"));
}

/* ---- and writes ----------------------------------------------------------------------- */

static int disk_write(struct arena *a)
{
	int fd = TRY(open(a->device, O_RDWR | O_DIRECT));

	memset(block, 'X', sizeof(block));
	TRY(pwrite(fd, block, sizeof(block), a->physical));
	/* The file system has the old block in memory. */
	a->changed = pread(fd, block, sizeof(block), a->physical) > 0 && block[0] == 'X';
	return 0;
}

static int loop_write(struct arena *a)
{
	struct loop_config c = { .fd = a->fd, .info.lo_flags = LO_FLAGS_AUTOCLEAR };
	char path[64];
	int loop = loop_free(path, sizeof(path));

	if (loop < 0)
		return loop;
	TRY(ioctl(loop, LOOP_CONFIGURE, &c));
	memset(block, 'X', sizeof(block));
	TRY(pwrite(loop, block, sizeof(block), 0));
	fsync(loop);
	return 0;
}

#define DISK(call) { .name = #call, .goal = GOAL_GET, .flags = NEEDS_PLACE | NO_CONTROL | ALTERS_HOST, \
	  .act = call }
#define LOOP(call, more) \
	{ .name = #call, .goal = GOAL_GET, .flags = NO_CONTROL | ALTERS_HOST | (more), .act = call }

static const struct technique list[] = {
	DISK(disk_read), DISK(disk_read_direct), DISK(disk_other_node), DISK(disk_mapped),
	DISK(disk_uring), DISK(disk_splice), DISK(disk_debugfs), DISK(disk_image), DISK(loop_of_disk),
	{ .name = "old_disk_descriptor", .goal = GOAL_GET, .flags = NEEDS_PLACE | NO_CONTROL | EARLY |
	  ALTERS_HOST,
	  .before = disk_early, .act = old_disk_descriptor },
	LOOP(loop_of_given, WITH_FD), LOOP(loop_of_given_direct, WITH_FD), LOOP(loop_of_path, 0),
	LOOP(loop_old_call, WITH_FD), LOOP(loop_by_losetup, 0),
	{ .name = "disk_write", .goal = GOAL_CHANGE, .flags = NEEDS_PLACE | NO_CONTROL | ALTERS_HOST,
	  .act = disk_write },
	{ .name = "loop_write", .goal = GOAL_CHANGE, .flags = WITH_FD | NO_CONTROL | ALTERS_HOST,
	  .act = loop_write },
};

FAMILY(device, list);
