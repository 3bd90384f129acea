// SPDX-License-Identifier: GPL-2.0
#include "acting.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ring.h"
#include "technique.h"

const volatile char embedded[8 + sizeof(MARK) + 64] = "EMBEDDED" MARK;

static struct arena *memory(const char *fd)
{
	void *p = mmap(NULL, sizeof(struct arena), PROT_READ | PROT_WRITE, MAP_SHARED, atoi(fd), 0);

	return p == MAP_FAILED ? NULL : p;
}

static int read_fd(struct arena *a, const char *fd) { return loot_fd(a, atoi(fd)); }

static int tell_embedded(struct arena *a, const char *unused)
{
	(void)unused;
	loot(a, (const char *)embedded + 8, SECRET_LEN);
	return 0;
}

static int echo(struct arena *a, const char *text)
{
	loot(a, text, strlen(text));
	return 0;
}

static int read_path(struct arena *a, const char *path) { return loot_path(a, path); }

/* A program with plug-ins, of which one is not its own. */
static int load(struct arena *a, const char *path)
{
	(void)a;
	return dlopen(path, RTLD_NOW) ? 0 : -ELIBACC;
}

static int idle(struct arena *a, const char *unused)
{
	(void)a;
	(void)unused;
	return 0;
}

/* What a core dump is piped into, by the kernel and as root. */
static int core_sink(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	static char buffer[1 << 16];
	ssize_t n;

	while ((n = read(0, buffer, sizeof(buffer))) > 0)
		if (write(fd, buffer, n) != n)
			return 1;
	return n < 0;
}

/* No technique: what an honest program does. Every second request is a worker's. */
static int uring_copy(const char *from, const char *to)
{
	static char chunk[1 << 16];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600), n;
	struct io_uring_sqe *e;
	struct ring r;
	off_t at = 0;

	if (in < 0 || out < 0 || ring_new(&r, 0) < 0)
		return 1;
	for (;; at += n) {
		e = ring_next(&r, IORING_OP_READ, in, chunk, sizeof(chunk));
		e->off = at;
		n = ring_run(&r, 1);
		if (n <= 0)
			return n < 0;
		e = ring_next(&r, IORING_OP_WRITE, out, chunk, n);
		e->off = at;
		e->flags = IOSQE_ASYNC;
		if (ring_run(&r, 1) != n)
			return 1;
	}
}

int act_as(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(struct arena *a, const char *arg);
	} acts[] = {
		{ "read-fd", read_fd }, { "embedded", tell_embedded }, { "echo", echo },
		{ "read-path", read_path }, { "load", load }, { "idle", idle },
	};
	struct arena *a;
	size_t i;

	if (argc == 2 && !strcmp(argv[0], "core-sink"))
		return core_sink(argv[1]);
	if (argc == 3 && !strcmp(argv[0], "uring-copy"))
		return uring_copy(argv[1], argv[2]);
	a = argc < 2 ? NULL : memory(argv[1]);
	for (i = 0; a && i < sizeof(acts) / sizeof(*acts); i++)
		if (!strcmp(argv[0], acts[i].name))
			return -acts[i].run(a, argc > 2 ? argv[2] : "");
	return 125;
}
