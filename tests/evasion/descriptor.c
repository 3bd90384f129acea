// SPDX-License-Identifier: GPL-2.0
/* Descriptors: inherited, passed, stolen, opened anew from what refers to them, older than
 * the agent, and files reached through folders, handles and other processes' views. */
#include "ring.h"
#include "technique.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int read_given(struct arena *a) { return loot_fd(a, a->fd); }
static int inherited_by_child(struct arena *a) { return ended(spawn(a, read_given)); }

static int exec_reads(struct arena *a)
{
	char fd[16], memory[16], exe[200];

	snprintf(fd, sizeof(fd), "%d", a->fd);
	snprintf(memory, sizeof(memory), "%d", a->memory);
	snprintf(exe, sizeof(exe), "%s/evasion", a->bin);
	execl(exe, exe, "as", "read-fd", memory, fd, NULL);
	return -errno;
}

static int inherited_over_exec(struct arena *a) { return ended(spawn(a, exec_reads)); }

static int duplicated(struct arena *a)
{
	int fd = TRY(dup3(a->fd, 77, 0));

	close(a->fd);
	return loot_fd(a, fd);
}

/* ---- from a process that may read, and goes on running --------------------------- */

static int hold_file(struct arena *a)
{
	be_reader(a);
	a->word[0] = open(a->file, O_RDONLY);
	TRY(chdir(a->store));
	turn_set(a, 10);
	turn_wait(a, 11);
	return 0;
}

static pid_t holder(struct arena *a)
{
	pid_t pid = spawn(a, hold_file);

	turn_wait(a, 10);
	return pid;
}

static int stolen(struct arena *a)
{
	pid_t pid = holder(a);

	return loot_fd(a, PASS_ON(steal_fd(pid, a->word[0])));
}

static int proc_path(struct arena *a, const char *format)
{
	char path[300];
	pid_t pid = holder(a);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(path, sizeof(path), format, pid, (int)a->word[0]);
#pragma GCC diagnostic pop
	return loot_path(a, path);
}

static int proc_fd_of_reader(struct arena *a) { return proc_path(a, "/proc/%d/fd/%d"); }

static int proc_cwd_of_reader(struct arena *a)
{
	char path[300];

	snprintf(path, sizeof(path), "/proc/%d/cwd/%s", holder(a), strrchr(a->file, '/') + 1);
	return loot_path(a, path);
}

static int proc_root_of_reader(struct arena *a)
{
	char path[300];

	snprintf(path, sizeof(path), "/proc/%d/root%s", holder(a), a->file);
	return loot_path(a, path);
}

static int send_file(struct arena *a)
{
	be_reader(a);
	return pass_fd(a->word[0], TRY(open(a->file, O_RDONLY)));
}

static int passed(struct arena *a)
{
	int s[2];

	TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	a->word[0] = s[1];
	PASS_ON(ended(spawn(a, send_file)));
	return loot_fd(a, PASS_ON(take_fd(s[0])));
}

static int passed_to_ring(struct arena *a)
{
	char control[CMSG_SPACE(sizeof(int))] = {}, byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct ring r;
	int s[2], fd;

	TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	a->word[0] = s[1];
	PASS_ON(ended(spawn(a, send_file)));
	PASS_ON(ring_new(&r, 0));
	ring_next(&r, IORING_OP_RECVMSG, s[0], &m, 1);
	PASS_ON(ring_run(&r, 1));
	if (!CMSG_FIRSTHDR(&m))
		return -EACCES;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return loot_fd(a, fd);
}

/* In the socket's queue while the sender has gone. */
static int passed_by_the_dead(struct arena *a)
{
	int s[2];

	TRY(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	a->word[0] = s[1];
	PASS_ON(ended(spawn(a, send_file)));
	close(s[1]);
	return loot_fd(a, PASS_ON(take_fd(s[0])));
}

/* ---- opened anew from what refers to the file ------------------------------------- */

static int reopen(struct arena *a, int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return loot_path(a, path);
}

static int reopened(struct arena *a) { return reopen(a, a->fd); }

static int path_reopened(struct arena *a)
{
	return reopen(a, TRY(open(a->file, O_PATH)));
}

static int path_reopened_unlinked(struct arena *a)
{
	int fd = TRY(open(a->file, O_PATH));

	/* The name goes; what refers to the file does not. */
	be_keeper();
	unlink(a->file);
	be_stranger(a);
	return reopen(a, fd);
}

static int unlinked_given(struct arena *a)
{
	be_keeper();
	unlink(a->file);
	be_stranger(a);
	return loot_fd(a, a->fd);
}

static int unlinked_reopened(struct arena *a)
{
	be_keeper();
	unlink(a->file);
	be_stranger(a);
	return reopen(a, a->fd);
}

/* ---- by handle --------------------------------------------------------------------- */

struct handle {
	struct file_handle h;
	unsigned char bytes[128];
};

static int open_handle(struct arena *a, struct handle *h)
{
	int mount = TRY(open(a->disk, O_RDONLY | O_DIRECTORY));

	return loot_fd(a, TRY(open_by_handle_at(mount, &h->h, O_RDONLY)));
}

static int by_handle(struct arena *a)
{
	struct handle h = { .h.handle_bytes = sizeof(h.bytes) };
	int id;

	TRY(name_to_handle_at(AT_FDCWD, a->file, &h.h, &id, 0));
	return open_handle(a, &h);
}

static int drop_caches(void)
{
	int fd = TRY(open("/proc/sys/vm/drop_caches", O_WRONLY));

	sync();
	TRY(write(fd, "2", 1));
	close(fd);
	return 0;
}

static int by_handle_uncached(struct arena *a)
{
	struct handle h = { .h.handle_bytes = sizeof(h.bytes) };
	int id;

	TRY(name_to_handle_at(AT_FDCWD, a->file, &h.h, &id, 0));
	PASS_ON(drop_caches());
	return open_handle(a, &h);
}

/* Made up from the number of the inode, which stat() tells. */
static int by_made_up_handle(struct arena *a)
{
	struct handle h = { .h = { .handle_bytes = 8, .handle_type = 1 } };
	int fd = TRY(open(outside(a, "own"), O_RDWR | O_CREAT, 0600));
	struct stat s;
	int id;

	close(fd);
	TRY(stat(a->file, &s));
	TRY(name_to_handle_at(AT_FDCWD, a->file, &h.h, &id, 0));
	((uint32_t *)h.bytes)[0] = s.st_ino;
	return open_handle(a, &h);
}

/* ---- folders ------------------------------------------------------------------------ */

static int from_folder(struct arena *a)
{
	int dir = TRY(open(a->store, O_PATH | O_DIRECTORY));

	return loot_fd(a, TRY(openat(dir, strrchr(a->file, '/') + 1, O_RDONLY)));
}

static int from_working_folder(struct arena *a)
{
	TRY(chdir(a->store));
	return loot_path(a, strrchr(a->file, '/') + 1);
}

static int from_changed_root(struct arena *a)
{
	TRY(chroot(a->store));
	return loot_path(a, strrchr(a->file, '/'));
}

/* ---- shared tables -------------------------------------------------------------------- */

static char stack[65536] __attribute__((aligned(64)));

static int open_there(void *arg)
{
	struct arena *a = arg;

	be_reader(a);
	a->word[0] = open(a->file, O_RDONLY);
	return 0;
}

/* One table of descriptors, two processes: what one opens, the other has. */
static int shared_table(struct arena *a)
{
	pid_t pid = TRY(clone(open_there, stack + sizeof(stack), CLONE_FILES | SIGCHLD, a));

	PASS_ON(ended(pid));
	return loot_fd(a, a->word[0]);
}

static int old_descriptor(struct arena *a) { return loot_fd(a, a->fd); }
static int old_descriptor_reopened(struct arena *a) { return reopen(a, a->fd); }
static int old_descriptor_of_child(struct arena *a) { return ended(spawn(a, read_given)); }

static int old_socket;

static int queue_descriptor(struct arena *a)
{
	int s[2];

	TRY(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	PASS_ON(pass_fd(s[1], a->fd));
	close(a->fd);
	old_socket = s[0];
	return 0;
}

static int old_descriptor_in_queue(struct arena *a)
{
	return loot_fd(a, PASS_ON(take_fd(old_socket)));
}

#define GET(call, ...) { .name = #call, .goal = GOAL_GET, .act = call, ##__VA_ARGS__ }
#define GIVEN(call) GET(call, .flags = WITH_FD)
#define OLD(call, ...) GET(call, .flags = WITH_FD | EARLY, ##__VA_ARGS__)

static const struct technique list[] = {
	GIVEN(inherited_by_child), GIVEN(inherited_over_exec), GIVEN(duplicated), GIVEN(reopened),
	GET(stolen), GET(proc_fd_of_reader), GET(proc_cwd_of_reader), GET(proc_root_of_reader),
	GET(passed), GET(passed_to_ring), GET(passed_by_the_dead),
	GET(path_reopened), GET(path_reopened_unlinked), GIVEN(unlinked_given),
	GIVEN(unlinked_reopened),
	GET(by_handle), GET(by_handle_uncached, .flags = ALTERS_HOST), GET(by_made_up_handle),
	GET(from_folder), GET(from_working_folder), GET(from_changed_root), GET(shared_table),
	OLD(old_descriptor), OLD(old_descriptor_reopened), OLD(old_descriptor_of_child),
	OLD(old_descriptor_in_queue, .before = queue_descriptor),
};

FAMILY(descriptor, list);
