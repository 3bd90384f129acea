// SPDX-License-Identifier: GPL-2.0
/* File systems that a program serves (FUSE): what is written there it has got, whoever wrote; what
 * it answers, it gives away. The same goes for file systems of other hosts. */
#include "technique.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
	FILE_NODE = 2,		/* the only file, `f` in the root folder */
	WRITE_MAX = 4096,
	ROOM = 1 << 17,
};

static int device = -1, done[2];
static char *request;

/* ---- the server -------------------------------------------------------------------------- */

static int answer(const struct fuse_in_header *in, int error, const void *data, size_t size)
{
	struct fuse_out_header out = { .len = sizeof(out) + size, .error = error,
				       .unique = in->unique };
	struct iovec parts[2] = { { &out, sizeof(out) }, { (void *)data, size } };

	TRY(writev(device, parts, 2));
	return 0;
}

static struct fuse_attr attributes(uint64_t node)
{
	return (struct fuse_attr){
		.ino = node, .size = node == FILE_NODE ? WRITE_MAX : 0, .nlink = 1,
		.mode = node == FILE_NODE ? S_IFREG | 0666 : S_IFDIR | 0777, .blksize = 4096,
	};
}

static int answer_attributes(const struct fuse_in_header *in)
{
	struct fuse_attr_out out = { .attr = attributes(in->nodeid) };

	return answer(in, 0, &out, sizeof(out));
}

static int answer_name(const struct fuse_in_header *in)
{
	struct fuse_entry_out out = { .nodeid = FILE_NODE, .attr = attributes(FILE_NODE) };

	if (strcmp((const char *)(in + 1), "f"))
		return answer(in, -ENOENT, NULL, 0);
	return answer(in, 0, &out, sizeof(out));
}

static int answer_hello(const struct fuse_in_header *in)
{
	struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION, .minor = 31,
				     .max_readahead = WRITE_MAX, .max_write = WRITE_MAX };

	return answer(in, 0, &out, sizeof(out));
}

static int answer_open(const struct fuse_in_header *in)
{
	struct fuse_open_out out = { .open_flags = FOPEN_DIRECT_IO };

	return answer(in, 0, &out, sizeof(out));
}

/* What others write is in the server's hands. */
static int answer_write(struct arena *a, const struct fuse_in_header *in)
{
	const struct fuse_write_in *w = (const struct fuse_write_in *)(in + 1);
	struct fuse_write_out out = { .size = w->size };

	loot(a, w + 1, w->size);
	(void)!write(done[1], "w", 1);
	return answer(in, 0, &out, sizeof(out));
}

/* What the server may read it gives to whoever asks. */
static int answer_read(struct arena *a, const struct fuse_in_header *in)
{
	char data[SECRET_LEN + 1] = "";
	int r = read_secret(a, data, SECRET_LEN);

	return answer(in, r, data, r ? 0 : SECRET_LEN);
}

static int answer_one(struct arena *a, const struct fuse_in_header *in)
{
	switch (in->opcode) {
	case FUSE_INIT:
		return answer_hello(in);
	case FUSE_LOOKUP:
		return answer_name(in);
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		return answer_attributes(in);
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		return answer_open(in);
	case FUSE_WRITE:
		return answer_write(a, in);
	case FUSE_READ:
		return answer_read(a, in);
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_ACCESS:
		return answer(in, 0, NULL, 0);
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		return 0;
	default:
		return answer(in, -ENOSYS, NULL, 0);
	}
}

/* Whoever waits for an answer gets an error when the server ends. */
static int serve(struct arena *a)
{
	request = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (;;) {
		TRY(read(device, request, ROOM));
		PASS_ON(answer_one(a, (const struct fuse_in_header *)request));
	}
}

static int serve_as_stranger(struct arena *a)
{
	be_stranger(a);
	return serve(a);
}

static int serve_as_reader(struct arena *a)
{
	be_reader(a);
	return serve(a);
}

static int mount_served(struct arena *a, int (*server)(struct arena *a))
{
	const char *where = outside(a, "served");
	char options[128];

	PASS_ON(own_mounts());
	TRY(pipe(done));
	TRY(mkdir(where, 0777));
	device = TRY(open("/dev/fuse", O_RDWR));
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other",
		 device);
	TRY(mount("evasion", where, "fuse", MS_NOSUID | MS_NODEV, options));
	TRY(spawn(a, server));
	close(device);
	return 0;
}

/* ---- techniques --------------------------------------------------------------------------- */

static int served_by_stranger(struct arena *a) { return mount_served(a, serve_as_stranger); }
static int served_by_reader(struct arena *a) { return mount_served(a, serve_as_reader); }

static int push_served(struct arena *a, const char *data, size_t size)
{
	int fd = TRY(open(outside(a, "served/f"), O_WRONLY));

	TRY(write(fd, data, size));
	return 0;
}

static int wait_served(struct arena *a)
{
	struct pollfd p = { .fd = done[0], .events = POLLIN };

	return poll(&p, 1, patience(a)) > 0 ? 0 : -ETIMEDOUT;
}

static int push_nothing(struct arena *a, const char *data, size_t size)
{
	(void)a;
	(void)data;
	(void)size;
	return 0;
}

static int pull_served(struct arena *a) { return loot_path(a, outside(a, "served/f")); }

/* The kernel may have to load fuse for it. */
#define SERVED(label, first, to, from) \
	{ .name = #label, .goal = GOAL_PASS, .flags = ALTERS_HOST, .setup = first, .push = to, \
	  .pull = from }

static const struct technique list[] = {
	SERVED(file_of_stranger, served_by_stranger, push_served, wait_served),
	SERVED(file_of_reader, served_by_reader, push_nothing, pull_served),
};

FAMILY(served, list);
