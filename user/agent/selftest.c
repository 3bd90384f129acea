/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/selftest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "agent/log.h"
#include "kernel/counters.h"
#include "kernel/engine.h"
#include "kernel/inodes.h"
#include "kernel/ring.h"

enum {
	WAIT_MS = 10 * 1000,
	SIZE = 4096,
	/* A store that no registry hands out: the last slot in its last epoch. */
	SCRATCH_STORE = -1,
	LABEL = 63,
};

/* A bit each in the exit status of the process: it was not refused. */
enum road { ROAD_OPEN, ROAD_READ, ROAD_MMAP, ROAD_SEND, ROAD_MAX_ };

static const char *const names[ROAD_MAX_] = {
	[ROAD_OPEN] = "open",
	[ROAD_READ] = "read of an open file",
	[ROAD_MMAP] = "mmap",
	[ROAD_SEND] = "send by a labelled process",
};

struct scratch {
	int file;		/* all owned */
	int socks[2];
	int go[2];		/* a pipe: the process has its label */
};

static void close_all(struct scratch *s)
{
	const int fds[] = { s->file, s->socks[0], s->socks[1], s->go[0], s->go[1] };
	size_t i;

	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]); /* nothing in them is wanted */
}

static int prepare(struct am_engine *e, struct scratch *s)
{
	const struct am_tag tag = { .store = (uint32_t)SCRATCH_STORE };

	s->file = memfd_create("amanat-selftest", MFD_CLOEXEC);
	if (s->file < 0 || ftruncate(s->file, SIZE) < 0 ||
	    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, s->socks) < 0 ||
	    pipe2(s->go, O_CLOEXEC) < 0)
		return -errno;
	return am_inode_tag_add(e, s->file, &tag);
}

/* ---- the process ---------------------------------------------------------- */

/* Only our own refusal is one. */
static unsigned passed(enum road road, bool failed)
{
	return failed && errno == EACCES ? 0 : 1U << road;
}

static unsigned try_file(int fd)
{
	unsigned all = 0;
	char link[32], byte;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	all |= passed(ROAD_OPEN, open(link, O_RDONLY | O_CLOEXEC) < 0);
	all |= passed(ROAD_READ, pread(fd, &byte, 1, 0) < 0);
	all |= passed(ROAD_MMAP, mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
	return all;
}

static unsigned try_send(const struct scratch *s)
{
	char byte = 0;

	if (read(s->go[0], &byte, 1) != 1)
		return 1U << ROAD_SEND;
	return passed(ROAD_SEND, send(s->socks[0], &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0);
}

/* ---- the agent ------------------------------------------------------------ */

static int label_it(struct am_engine *e, int pidfd, const struct scratch *s)
{
	int r = am_engine_label_task(e, pidfd, 1ULL << LABEL);

	if (!r && write(s->go[1], "", 1) != 1)
		r = -errno;
	return r;
}

/* The exit status, or -errno. The process is gone afterwards. */
static int wait_for(pid_t pid, int pidfd)
{
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };
	int status, ready;

	do
		ready = pidfd < 0 ? 0 : poll(&ended, 1, WAIT_MS);
	while (ready < 0 && errno == EINTR);
	if (ready <= 0)
		(void)kill(pid, SIGKILL); /* it is our child and not waited for: the id is its */
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	if (ready <= 0)
		return -ETIMEDOUT;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}

static int try_roads(struct am_engine *e, const struct scratch *s)
{
	am_autoclose int pidfd = -1;
	int r, status;
	pid_t pid = fork();

	if (!pid)
		_exit((int)(try_file(s->file) | try_send(s)));
	if (pid < 0)
		return -errno;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	r = pidfd < 0 ? -errno : label_it(e, pidfd, s);
	if (r < 0)
		(void)kill(pid, SIGKILL); /* see above */
	status = wait_for(pid, pidfd);
	return r < 0 ? r : status;
}

/* A kernel that skips a hook now and then, which is told elsewhere, runs it at another time; one that
 * does not run it never does. */
static int try_often(struct am_engine *e, const struct scratch *s)
{
	int r, n = 0, never = ~0;

	do {
		r = try_roads(e, s);
		if (r < 0)
			return r;
		never &= r;
	} while (never && am_engine_is_skippable(e) && n++ < AM_SKIP_TRIES);
	return never;
}

static int judge(unsigned not_refused)
{
	char list[128] = "";
	size_t used = 0, road;

	for (road = 0; road < ROAD_MAX_; road++)
		if (not_refused >> road & 1)
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
						 used ? ", " : "", names[road]);
	if (!used)
		return 0;
	am_error("self-test failed: the hooks are attached, but this kernel did not refuse: %s; "
		 "is kernel.ftrace_enabled 0?", list);
	return -EOPNOTSUPP;
}

static void drop(void *ctx, const void *bytes, size_t len)
{
	(void)ctx;
	(void)bytes;
	(void)len;
}

/* The refusals were asked for: nobody is to be told of them. */
static int forget(struct am_engine *e)
{
	am_auto(am_ring) struct am_ring *ring = NULL;
	int r = am_ring_open(e, drop, NULL, &ring);

	if (!r)
		r = am_ring_consume(ring, SIZE_MAX);
	if (!r)
		r = am_counters_clear(e);
	return r < 0 ? am_err(r, "cannot clear what the self-test left") : 0;
}

int am_selftest_run(struct am_engine *e)
{
	struct scratch s = { .file = -1, .socks = { -1, -1 }, .go = { -1, -1 } };
	int r = prepare(e, &s);

	if (!r)
		r = try_often(e, &s);
	close_all(&s);
	if (r == -EOPNOTSUPP)
		return judge((1U << ROAD_MAX_) - 1);
	if (r < 0)
		return am_err(r, "cannot test the hooks on a scratch file");
	r = judge((unsigned)r);
	return r ? r : forget(e);
}
