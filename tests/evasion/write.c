// SPDX-License-Identifier: GPL-2.0
/* Changes to a store by who may not write it: its data, its names, what is said about it. */
#include "ring.h"
#include "technique.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

static char junk[4096] = "junk";
static struct iovec iov = { junk, 4 };

#define CALL(label, expression) \
	static int label(struct arena *a) { TRY(expression); return 0; }

static const char *sibling(const struct arena *a)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s.new", a->file);
	return path;
}

/* ---- data ------------------------------------------------------------------------- */

CALL(write_given, write(a->fd, junk, 4))
CALL(pwrite_given, pwrite(a->fd, junk, 4, 10))
CALL(pwritev2_append, pwritev2(a->fd, &iov, 1, 0, RWF_APPEND))
CALL(ftruncate_given, ftruncate(a->fd, 10))
CALL(truncate_path, truncate(a->file, 10))
CALL(truncate_longer, truncate(a->file, 1 << 20))
CALL(open_truncating, open(a->file, O_RDWR | O_TRUNC))
CALL(creat_over, creat(a->file, 0600))
CALL(punch_hole, fallocate(a->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096))
CALL(zero_range, fallocate(a->fd, FALLOC_FL_ZERO_RANGE, 0, 4096))
CALL(collapse_range, fallocate(a->fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096))
CALL(insert_range, fallocate(a->fd, FALLOC_FL_INSERT_RANGE, 0, 4096))
CALL(allocate_more, fallocate(a->fd, 0, 0, 1 << 20))

static int write_path_over(struct arena *a) { return write_path(a->file, junk, 4); }

static int write_aio(struct arena *a)
{
	struct iocb cb = { .aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = a->fd,
			   .aio_buf = (unsigned long)junk, .aio_nbytes = 4 };
	struct iocb *list[] = { &cb };
	struct io_event event;
	aio_context_t ctx = 0;

	TRY(syscall(SYS_io_setup, 4, &ctx));
	TRY(syscall(SYS_io_submit, ctx, 1, list));
	TRY(syscall(SYS_io_getevents, ctx, 1, 1, &event, NULL));
	return event.res < 0 ? event.res : 0;
}

static char *mapped;

static int map_shared(struct arena *a)
{
	mapped = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, a->fd, 0);
	return mapped == MAP_FAILED ? -errno : 0;
}

static int poke(struct arena *a)
{
	(void)a;
	mapped[0] = 'j';
	TRY(msync(mapped, FILE_SIZE, MS_SYNC));
	return 0;
}

static int write_mapped(struct arena *a)
{
	PASS_ON(map_shared(a));
	return poke(a);
}

static int write_mapped_later(struct arena *a)
{
	mapped = mmap(NULL, FILE_SIZE, PROT_NONE, MAP_SHARED, a->fd, 0);
	if (mapped == MAP_FAILED)
		return -errno;
	TRY(mprotect(mapped, FILE_SIZE, PROT_READ | PROT_WRITE));
	return poke(a);
}

static int old_map_write(struct arena *a) { return poke(a); }

static int splice_in(struct arena *a)
{
	int p[2];

	TRY(pipe(p));
	TRY(write(p[1], junk, 4));
	TRY(splice(p[0], NULL, a->fd, NULL, 4, 0));
	return 0;
}

static int other_file(struct arena *a)
{
	PASS_ON(write_path(outside(a, "other"), junk, sizeof(junk)));
	return TRY(open(outside(a, "other"), O_RDWR));
}

CALL(sendfile_in, sendfile(a->fd, PASS_ON(other_file(a)), NULL, 4))
CALL(copy_range_in, copy_file_range(PASS_ON(other_file(a)), NULL, a->fd, NULL, 4, 0))
CALL(clone_in, ioctl(a->fd, FICLONE, PASS_ON(other_file(a))))

/* ---- names ------------------------------------------------------------------------- */

CALL(unlink_file, unlink(a->file))
CALL(rename_away, rename(a->file, outside(a, "name")))
CALL(rename_within, rename(a->file, sibling(a)))
CALL(link_out, link(a->file, outside(a, "name")))
CALL(link_within, link(a->file, sibling(a)))
CALL(make_folder, mkdir(sibling(a), 0777))
CALL(make_node, mknod(sibling(a), S_IFIFO | 0666, 0))
CALL(make_device, mknod(sibling(a), S_IFCHR | 0666, 0x103))
CALL(make_link, symlink("/etc/passwd", sibling(a)))
CALL(make_file, open(sibling(a), O_WRONLY | O_CREAT, 0666))

static int link_in(struct arena *a)
{
	PASS_ON(other_file(a));
	TRY(link(outside(a, "other"), sibling(a)));
	return 0;
}

static int rename_in(struct arena *a)
{
	PASS_ON(other_file(a));
	TRY(rename(outside(a, "other"), sibling(a)));
	return 0;
}

static int rename_over(struct arena *a)
{
	PASS_ON(other_file(a));
	TRY(rename(outside(a, "other"), a->file));
	return 0;
}

static int rename_exchange(struct arena *a)
{
	PASS_ON(other_file(a));
	TRY(renameat2(AT_FDCWD, outside(a, "other"), AT_FDCWD, a->file, RENAME_EXCHANGE));
	return 0;
}

static int rename_whiteout(struct arena *a)
{
	TRY(renameat2(AT_FDCWD, a->file, AT_FDCWD, outside(a, "name"), RENAME_WHITEOUT));
	return 0;
}

static int link_unnamed_in(struct arena *a)
{
	int fd = TRY(open(a->out, O_TMPFILE | O_RDWR, 0600));
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	TRY(linkat(AT_FDCWD, path, AT_FDCWD, sibling(a), AT_SYMLINK_FOLLOW));
	return 0;
}

static int make_file_of_folder(struct arena *a)
{
	int dir = TRY(open(a->store, O_PATH | O_DIRECTORY));

	TRY(openat(dir, strrchr(sibling(a), '/') + 1, O_WRONLY | O_CREAT, 0666));
	return 0;
}

/* What others find under the name is another file. */
static int hide_by_mount(struct arena *a)
{
	static char text[8];
	int fd;

	PASS_ON(write_path(outside(a, "other"), "other", 5));
	PASS_ON(own_mounts());
	TRY(mount(outside(a, "other"), a->file, NULL, MS_BIND, NULL));
	fd = TRY(open(a->file, O_RDONLY));
	a->changed = read(fd, text, 5) == 5;
	return 0;
}

/* ---- what is said about it ------------------------------------------------------------ */

CALL(chmod_path, chmod(a->file, 0600))
CALL(fchmod_given, fchmod(a->fd, 0600))
CALL(chown_path, chown(a->file, 1234, 1234))
CALL(fchown_given, fchown(a->fd, 1234, 1234))
CALL(lchown_path, lchown(a->file, 1234, 1234))
CALL(set_attribute, setxattr(a->file, "user.mark", "x", 1, 0))
CALL(set_attribute_given, fsetxattr(a->fd, "user.mark", "x", 1, 0))
CALL(set_attribute_trusted, setxattr(a->file, "trusted.mark", "x", 1, 0))
CALL(set_attribute_security, setxattr(a->file, "security.mark", "x", 1, 0))

static int touch(struct arena *a)
{
	struct timespec then[2] = { { 1000, 0 }, { 1000, 0 } };

	TRY(utimensat(AT_FDCWD, a->file, then, 0));
	return 0;
}

static int touch_given(struct arena *a)
{
	struct timespec then[2] = { { 1000, 0 }, { 1000, 0 } };

	TRY(futimens(a->fd, then));
	return 0;
}

static int set_acl(struct arena *a)
{
	/* version 2; owner rw, user 1234 rw, group r, mask rw, other r */
	static const struct {
		uint32_t version;
		struct { uint16_t tag, perm; uint32_t id; } e[5];
	} acl = { 2, { { 1, 6, -1 }, { 2, 6, 1234 }, { 4, 4, -1 }, { 16, 6, -1 }, { 32, 4, -1 } } };

	TRY(setxattr(a->file, "system.posix_acl_access", &acl, sizeof(acl), 0));
	return 0;
}

static int remove_attribute(struct arena *a)
{
	struct arena *volatile keep = a;

	be_keeper();
	TRY(setxattr(keep->file, "user.other", "x", 1, 0));
	be_stranger(a);
	a->changed = removexattr(a->file, "user.other") == 0;
	if (a->changed)
		return 0;
	/* As it was. */
	be_keeper();
	TRY(removexattr(a->file, "user.other"));
	return -EACCES;
}

static int set_flags(struct arena *a, long flag)
{
	int flags = 0;

	TRY(ioctl(a->fd, FS_IOC_GETFLAGS, &flags));
	flags |= flag;
	TRY(ioctl(a->fd, FS_IOC_SETFLAGS, &flags));
	a->changed = true;
	flags &= ~flag;
	ioctl(a->fd, FS_IOC_SETFLAGS, &flags);
	return 0;
}

static int set_append_only(struct arena *a) { return set_flags(a, FS_APPEND_FL); }
static int set_immutable(struct arena *a) { return set_flags(a, FS_IMMUTABLE_FL); }

/* ---- by io_uring ------------------------------------------------------------------------ */

#define URING(label, op, fd, addr, size, more) \
	static int label(struct arena *a) \
	{ \
		struct io_uring_sqe *e; \
		struct ring r; \
\
		PASS_ON(ring_new(&r, 0)); \
		e = ring_next(&r, op, fd, addr, size); \
		more; \
		return ring_run(&r, 1); \
	}

URING(uring_write, IORING_OP_WRITE, a->fd, junk, 4, (void)e)
URING(uring_write_worker, IORING_OP_WRITE, a->fd, junk, 4, e->flags = IOSQE_ASYNC)
URING(uring_fallocate, IORING_OP_FALLOCATE, a->fd, (void *)(1L << 20), 0, (void)e)
URING(uring_unlink, IORING_OP_UNLINKAT, AT_FDCWD, a->file, 0, (void)e)
URING(uring_rename, IORING_OP_RENAMEAT, AT_FDCWD, a->file, AT_FDCWD,
      e->off = (unsigned long)outside(a, "name"))
URING(uring_make_folder, IORING_OP_MKDIRAT, AT_FDCWD, sibling(a), 0777, (void)e)
URING(uring_make_link, IORING_OP_SYMLINKAT, AT_FDCWD, "/etc", 0,
      e->off = (unsigned long)sibling(a))
URING(uring_link, IORING_OP_LINKAT, AT_FDCWD, a->file, AT_FDCWD,
      e->off = (unsigned long)outside(a, "name"))
URING(uring_set_attribute, IORING_OP_FSETXATTR, a->fd, "user.mark", 1,
      e->off = (unsigned long)"x")

#define CHANGE(call, ...) { .name = #call, .goal = GOAL_CHANGE, .act = call, ##__VA_ARGS__ }
#define GIVEN(call) CHANGE(call, .flags = WITH_FD)

static const struct technique list[] = {
	GIVEN(write_given), GIVEN(pwrite_given), GIVEN(pwritev2_append), GIVEN(write_aio),
	CHANGE(write_path_over), GIVEN(ftruncate_given), CHANGE(truncate_path), CHANGE(truncate_longer),
	CHANGE(open_truncating), CHANGE(creat_over), GIVEN(punch_hole), GIVEN(zero_range),
	GIVEN(collapse_range), GIVEN(insert_range), GIVEN(allocate_more),
	GIVEN(write_mapped), GIVEN(write_mapped_later),
	CHANGE(old_map_write, .flags = WITH_FD | EARLY, .before = map_shared),
	GIVEN(splice_in), GIVEN(sendfile_in), GIVEN(copy_range_in),
	CHANGE(clone_in, .flags = WITH_FD | ON_BTRFS),
	CHANGE(unlink_file), CHANGE(rename_away), CHANGE(rename_within), CHANGE(rename_in),
	CHANGE(rename_over), CHANGE(rename_exchange), CHANGE(rename_whiteout), CHANGE(link_out),
	CHANGE(link_within), CHANGE(link_in), CHANGE(link_unnamed_in), CHANGE(make_folder),
	CHANGE(make_node), CHANGE(make_device), CHANGE(make_link), CHANGE(make_file),
	CHANGE(make_file_of_folder), CHANGE(hide_by_mount),
	CHANGE(chmod_path), GIVEN(fchmod_given), CHANGE(chown_path), GIVEN(fchown_given),
	CHANGE(lchown_path), CHANGE(touch), GIVEN(touch_given), CHANGE(set_acl),
	CHANGE(set_attribute), GIVEN(set_attribute_given), CHANGE(set_attribute_trusted),
	CHANGE(set_attribute_security), CHANGE(remove_attribute),
	GIVEN(set_append_only), GIVEN(set_immutable),
	GIVEN(uring_write), GIVEN(uring_write_worker), GIVEN(uring_fallocate), CHANGE(uring_unlink),
	CHANGE(uring_rename), CHANGE(uring_make_folder), CHANGE(uring_make_link), CHANGE(uring_link),
	GIVEN(uring_set_attribute),
};

FAMILY(write, list);
