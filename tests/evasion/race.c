// SPDX-License-Identifier: GPL-2.0
/* Between the check and the use: everything that can change meanwhile is changed, a bounded
 * number of times. */
#include "technique.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 250 };

static bool has_mark(const char *data, ssize_t n)
{
	return n > 0 && memmem(data, n, MARK, sizeof(MARK) - 1);
}

/* Reads a path again and again, until it is the secret. */
static int storm_path(struct arena *a, const char *path)
{
	char buffer[256];
	int i, fd, last = 0;
	ssize_t n;

	for (i = 0; i < ROUNDS; i++) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			last = -errno;
			usleep(30);
			continue;
		}
		n = read(fd, buffer, sizeof(buffer));
		last = n < 0 ? -errno : 0;
		close(fd);
		if (has_mark(buffer, n)) {
			loot(a, buffer, n);
			return 0;
		}
		usleep(30);
	}
	return last;
}

static pid_t disturb(struct arena *a, int (*run)(struct arena *a))
{
	pid_t pid = spawn(a, run);

	turn_wait(a, 10);
	return pid;
}

static int storm(struct arena *a, int (*disturbance)(struct arena *a), const char *path)
{
	pid_t pid = disturb(a, disturbance);
	int r = storm_path(a, path);

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return r;
}

/* By who may: names come and go under the stranger's hands. */
static int move_about(struct arena *a)
{
	const char *there = outside(a, "moved");

	be_keeper();
	turn_set(a, 10);
	for (;;) {
		rename(a->file, there);
		usleep(30);
		rename(there, a->file);
		usleep(30);
	}
	return 0;
}

static int link_about(struct arena *a)
{
	const char *there = outside(a, "moved");

	be_keeper();
	turn_set(a, 10);
	for (;;) {
		if (link(a->file, there) < 0 && errno != EEXIST)
			return -errno;
		usleep(30);
		unlink(there);
		usleep(30);
	}
	return 0;
}

static int exchange_about(struct arena *a)
{
	const char *there = outside(a, "moved");

	write_path(there, "decoy", 5);
	be_keeper();
	turn_set(a, 10);
	for (;;) {
		renameat2(AT_FDCWD, a->file, AT_FDCWD, there, RENAME_EXCHANGE);
		usleep(30);
	}
	return 0;
}

static int evict(struct arena *a)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	turn_set(a, 10);
	for (;;) {
		if (write(fd, "2", 1) < 0)
			return -errno;
		usleep(30);
	}
	return 0;
}

static int moved_away(struct arena *a) { return storm(a, move_about, outside(a, "moved")); }
static int moved_back(struct arena *a) { return storm(a, move_about, a->file); }
static int linked(struct arena *a) { return storm(a, link_about, outside(a, "moved")); }
static int exchanged(struct arena *a) { return storm(a, exchange_about, outside(a, "moved")); }
static int evicted(struct arena *a) { return storm(a, evict, a->file); }

/* ---- who one is ------------------------------------------------------------------------- */

static void *flip_groups(void *arg)
{
	gid_t group = GID_READER;
	struct arena *a = arg;

	while (!a->word[3]) {
		syscall(SYS_setgroups, 1, &group);
		syscall(SYS_setgroups, 0, NULL);
	}
	return NULL;
}

/* Another thread is a reader now and then; this one never is. */
static int other_thread_flips(struct arena *a)
{
	pthread_t thread;
	int r;

	pthread_create(&thread, NULL, flip_groups, a);
	r = storm_path(a, a->file);
	a->word[3] = 1;
	pthread_join(thread, NULL);
	return r;
}

static void *become_reader(void *arg)
{
	gid_t group = GID_READER;
	struct arena *a = arg;

	syscall(SYS_setgroups, 1, &group);
	turn_set(a, 10);
	while (!a->word[3])
		usleep(100);
	return NULL;
}

static int other_thread_is_reader(struct arena *a)
{
	pthread_t thread;
	int r;

	pthread_create(&thread, NULL, become_reader, a);
	turn_wait(a, 10);
	r = loot_path(a, a->file);
	a->word[3] = 1;
	pthread_join(thread, NULL);
	return r;
}

static void *read_as_stranger(void *arg)
{
	struct arena *a = arg;

	if (!a->control)
		syscall(SYS_setgroups, 0, NULL);
	a->word[4] = loot_path(a, a->file);
	return NULL;
}

/* The leader may read, the thread that does may not. */
static int leader_is_reader(struct arena *a)
{
	pthread_t thread;

	be_reader(a);
	pthread_create(&thread, NULL, read_as_stranger, a);
	pthread_join(thread, NULL);
	return a->word[4];
}

static int leave_after_open(struct arena *a)
{
	int fd;

	be_reader(a);
	fd = TRY(open(a->file, O_RDONLY));
	be_stranger(a);
	return loot_fd(a, fd);
}

static int leave_after_first_read(struct arena *a)
{
	char buffer[4];
	int fd;

	be_reader(a);
	fd = TRY(open(a->file, O_RDONLY));
	TRY(read(fd, buffer, sizeof(buffer)));
	be_stranger(a);
	return loot_fd(a, fd);
}

/* ---- which file it is -------------------------------------------------------------------- */

/* One number for descriptors of two files, exchanged while it is used. */
static void *exchange_descriptor(void *arg)
{
	struct arena *a = arg;
	int decoy = open("/etc/hostname", O_RDONLY), own = dup(a->fd);

	while (!a->word[3]) {
		dup2(decoy, 77);
		usleep(30);
		dup2(own, 77);
		usleep(30);
	}
	return NULL;
}

static int descriptor_exchanged(struct arena *a)
{
	char buffer[256];
	pthread_t thread;
	int i, r = -EACCES;

	dup2(a->fd, 77);
	pthread_create(&thread, NULL, exchange_descriptor, a);
	for (i = 0; i < ROUNDS && r; i++) {
		ssize_t n = pread(77, buffer, sizeof(buffer), 0);

		if (has_mark(buffer, n)) {
			loot(a, buffer, n);
			r = 0;
		}
		usleep(30);
	}
	a->word[3] = 1;
	pthread_join(thread, NULL);
	return r;
}

/* The number of an inode that was a stranger's a moment ago. */
static int inode_reused(struct arena *a)
{
	char path[200], data[SECRET_LEN + 1];
	int i, fd;

	snprintf(path, sizeof(path), "%s.again", a->file);
	for (i = 0; i < 20; i++) {
		PASS_ON(write_path(outside(a, "old"), "x", 1));
		unlink(outside(a, "old"));
	}
	be_keeper();
	memcpy(data, a->secret, sizeof(data));
	PASS_ON(write_path(path, data, SECRET_LEN));
	be_stranger(a);
	fd = open(path, O_RDONLY);
	i = fd < 0 ? -errno : loot_fd(a, fd);
	be_keeper();
	unlink(path);
	be_stranger(a);
	return i;
}

/* At the very moment that it comes to be. */
static int make_and_remove(struct arena *a)
{
	char path[200];

	snprintf(path, sizeof(path), "%s.again", a->file);
	be_keeper();
	turn_set(a, 10);
	for (;;) {
		write_path(path, a->secret, SECRET_LEN);
		usleep(30);
		unlink(path);
		usleep(30);
	}
	return 0;
}

static int new_file(struct arena *a)
{
	char path[200];

	snprintf(path, sizeof(path), "%s.again", a->file);
	return storm(a, make_and_remove, path);
}

#define GET(call, ...) { .name = #call, .goal = GOAL_GET, .act = call, ##__VA_ARGS__ }

static const struct technique list[] = {
	GET(moved_away), GET(moved_back), GET(linked), GET(exchanged), GET(evicted, .flags = ALTERS_HOST),
	GET(other_thread_flips), GET(other_thread_is_reader), GET(leader_is_reader),
	GET(leave_after_open), GET(leave_after_first_read),
	GET(descriptor_exchanged, .flags = WITH_FD), GET(inode_reused), GET(new_file),
};

FAMILY(race, list);
