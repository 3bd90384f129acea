// SPDX-License-Identifier: GPL-2.0
/* What all techniques use. */
#include "technique.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void keep(struct arena *a, const char *data, size_t size)
{
	uint32_t used = a->loot_size;

	if (used + size > LOOT_SIZE)
		return;
	memcpy(a->loot + used, data, size);
	a->loot_size = used + size;
}

void loot(struct arena *a, const void *data, size_t size)
{
	const char *at = data, *end = at + size, *mark;

	if (!memmem(at, size, MARK, sizeof(MARK) - 1))
		keep(a, at, size < 64 ? size : 64);
	while ((mark = memmem(at, end - at, MARK, sizeof(MARK) - 1)) && end - mark >= SECRET_LEN) {
		/* Each once: files are full of the same. */
		if (!memmem(a->loot, a->loot_size, mark, SECRET_LEN))
			keep(a, mark, SECRET_LEN);
		at = mark + SECRET_LEN;
	}
}

void note(struct arena *a, const char *format, ...)
{
	va_list args;
	char *at;

	va_start(args, format);
	vsnprintf(a->note, sizeof(a->note), format, args);
	va_end(args);
	/* It becomes a field of a line. */
	for (at = a->note; *at; at++)
		if (*at < ' ')
			*at = ' ';
}

static void set_groups(size_t count, const gid_t *groups)
{
	if (setgroups(count, groups) < 0)
		_exit(EPERM);
}

void be_stranger(const struct arena *a)
{
	set_groups(a->control ? 3 : 0, (gid_t[]){ GID_READER, GID_WRITER, GID_COURIER });
}

void be_reader(const struct arena *a)
{
	set_groups(a->control ? 3 : 1, (gid_t[]){ GID_READER, GID_WRITER, GID_COURIER });
}

void be_keeper(void)
{
	set_groups(2, (gid_t[]){ GID_READER, GID_WRITER });
}

pid_t spawn(struct arena *a, int (*run)(struct arena *a))
{
	pid_t pid = fork();

	if (!pid)
		_exit(-run(a));
	return pid;
}

int ended(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

void turn_set(struct arena *a, uint32_t turn)
{
	if (a->turn < turn)
		a->turn = turn;
	syscall(SYS_futex, &a->turn, FUTEX_WAKE, 99, NULL, NULL, 0);
}

bool turn_wait(struct arena *a, uint32_t turn)
{
	struct timespec left = { .tv_sec = 5 };
	uint32_t now;

	while ((now = a->turn) < turn)
		if (syscall(SYS_futex, &a->turn, FUTEX_WAIT, now, &left, NULL, 0) < 0 &&
		    errno == ETIMEDOUT)
			return false;
	return true;
}

int loot_fd(struct arena *a, int fd)
{
	char buffer[4096];
	ssize_t n = TRY(pread(fd, buffer, sizeof(buffer), 0));

	loot(a, buffer, n);
	return 0;
}

int loot_path(struct arena *a, const char *path)
{
	int fd = TRY(open(path, O_RDONLY | O_CLOEXEC));
	int r = loot_fd(a, fd);

	close(fd);
	return r;
}

int patience(const struct arena *a)
{
	return a->other < 0 ? 20 : 700;
}

int loot_wait(struct arena *a, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buffer[4096];
	ssize_t n;

	if (poll(&p, 1, patience(a)) == 0)
		return -ETIMEDOUT;
	n = TRY(read(fd, buffer, sizeof(buffer)));
	loot(a, buffer, n);
	return 0;
}

int read_secret(const struct arena *a, char *buffer, size_t size)
{
	int fd = TRY(open(a->file, O_RDONLY | O_CLOEXEC));
	ssize_t n = read(fd, buffer, size);
	int r = n < 0 ? -errno : 0;

	close(fd);
	return r;
}

const char *outside(const struct arena *a, const char *name)
{
	static char names[4][256];
	static unsigned next;
	char *to = names[next++ % 4];

	snprintf(to, sizeof(names[0]), "%s/%s", a->out, name);
	return to;
}

int write_path(const char *path, const void *data, size_t size)
{
	int fd = TRY(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
	ssize_t n = write(fd, data, size);
	int r = n < 0 ? -errno : 0;

	close(fd);
	return r;
}

int own_mounts(void)
{
	TRY(unshare(CLONE_NEWNS));
	TRY(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	return 0;
}
