// SPDX-License-Identifier: GPL-2.0
/* Uses the files of stores as fast as it can, and counts what it did, so that what was recorded
 * can be held against it. Each worker opens one file after the other, reads it some times and
 * closes it; now and then it tries a file that is closed to it.
 *
 *   storm SECONDS FILES OPEN-FOLDER CLOSED-FILE UID...     a worker per UID
 *
 * Files are OPEN-FOLDER/0, /1 ... Prints a line of JSON. The figures come through shared memory:
 * a process that has read labelled data cannot write them where we could read them. SECONDS of 0
 * is until it is killed. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	WORKERS_MAX = 16,
	READS = 3,		/* of a file that is open */
	CLOSED_EVERY = 64,	/* files; one that is refused */
	CLOCK_EVERY = 32,	/* files between two looks at the clock */
	NAME_SIZE = 4096,
};

struct counts {
	uint64_t opens;
	uint64_t reads;
	uint64_t refused;
	uint64_t wrong;		/* that went otherwise than it should */
};

struct storm {
	double seconds;
	unsigned files;
	const char *folder;
	const char *closed;
	struct counts *counts;	/* per worker, shared */
};

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);	/* cannot fail */
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void use(const char *path, struct counts *c)
{
	char byte;
	int fd = open(path, O_RDONLY | O_CLOEXEC), i;

	if (fd < 0) {
		c->wrong++;
		return;
	}
	c->opens++;
	for (i = 0; i < READS; i++) {
		if (pread(fd, &byte, 1, i) == 1)
			c->reads++;
		else
			c->wrong++;
	}
	(void)close(fd);	/* was only read */
}

static void try_closed(const char *path, struct counts *c)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == EACCES)
		c->refused++;
	else
		c->wrong++;
	if (fd >= 0)
		(void)close(fd);
}

static void work(const struct storm *s, struct counts *c)
{
	double end = now() + s->seconds;
	char path[NAME_SIZE];
	uint64_t n;

	for (n = 0; n % CLOCK_EVERY || s->seconds <= 0 || now() < end; n++) {
		(void)snprintf(path, sizeof(path), "%s/%u", s->folder, (unsigned)(n % s->files));
		use(path, c);
		if (n % CLOSED_EVERY == CLOSED_EVERY - 1)
			try_closed(s->closed, c);
	}
}

static pid_t start(const struct storm *s, uid_t uid, struct counts *c)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (setgid(uid) < 0 || setuid(uid) < 0)
		_exit(1);
	work(s, c);
	_exit(0);
}

static void print(const char *end, const struct counts *c, const pid_t *pids, int n)
{
	struct counts sum = { 0 };
	int i;

	printf("{\"pids\": [");
	for (i = 0; i < n; i++) {
		printf("%s%d", i ? ", " : "", (int)pids[i]);
		sum.opens += c[i].opens;
		sum.reads += c[i].reads;
		sum.refused += c[i].refused;
		sum.wrong += c[i].wrong;
	}
	printf("], \"opens\": %" PRIu64 ", \"reads\": %" PRIu64 ", \"refused\": %" PRIu64
	       ", \"wrong\": %" PRIu64 "}%s", sum.opens, sum.reads, sum.refused, sum.wrong, end);
}

static bool reap(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && status == 0;
}

int main(int argc, char *argv[])
{
	pid_t pids[WORKERS_MAX];
	int n = argc - 5, i, code = 0;
	struct storm s;

	if (n < 1 || n > WORKERS_MAX) {
		fprintf(stderr, "usage: storm SECONDS FILES OPEN-FOLDER CLOSED-FILE UID...\n");
		return 2;
	}
	s = (struct storm){ atof(argv[1]), (unsigned)atoi(argv[2]), argv[3], argv[4],
			    mmap(NULL, sizeof(struct counts) * WORKERS_MAX, PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0) };
	if (s.counts == MAP_FAILED || !s.files)
		return 2;
	for (i = 0; i < n; i++)
		pids[i] = start(&s, (uid_t)atoi(argv[5 + i]), &s.counts[i]);
	for (i = 0; i < n; i++)
		code |= !reap(pids[i]);
	print("\n", s.counts, pids, n);
	return code;
}
