// SPDX-License-Identifier: GPL-2.0
/* What single operations cost: the least of many, each timed on its own. In a guest
 * whose clock counts instructions (scripts/vm -i) that is a number of instructions,
 * the same from boot to boot but for a few.
 *
 *   ops each COLUMN EXEC {WHERE FILE}...   on the same file all the time; a send; an exec
 *   ops first COLUMN DIR                   on another file each time
 *   ops refused COLUMN WHAT FILE           opens that are refused
 *   ops run COLUMN WHAT COMMAND...         a whole command, whose output goes to /dev/null
 *
 * Prints lines `COLUMN <tab> operation <tab> least <tab> median`.
 *
 * A process that reads labelled data carries the label, and could then not write its
 * figures into a pipe. So a child measures, and the figures are in memory shared with
 * it; the parent, which reads nothing, prints them. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

enum {
	ROUNDS = 1500,
	SLOW_ROUNDS = 200,
	RUNS = 10,
	RESULTS_MAX = 32,
	BLOCK = 4096,
};

struct result {
	char name[64];
	uint64_t least;
	uint64_t median;
};

struct results {
	unsigned count;
	struct result items[RESULTS_MAX];
};

static struct results *results;	/* shared with the child */
static uint64_t samples[ROUNDS];

/* What an operation works on. */
struct subject {
	const char *path;
	char *const *command;
	int fd;
	struct sockaddr_in to;
	int receiver;
	DIR *dir;
};

/* One operation, between its two looks at the clock; 0 if it failed. */
typedef uint64_t (*operation)(struct subject *s);

static void fail(const char *what)
{
	fprintf(stderr, "error: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

/* ---- operations ----------------------------------------------------------- */

static uint64_t nothing(struct subject *s)
{
	uint64_t begin = __rdtsc();

	(void)s;
	return __rdtsc() - begin;
}

static uint64_t open_close(struct subject *s)
{
	uint64_t begin = __rdtsc();
	int fd = open(s->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || close(fd) < 0)
		return 0;
	return __rdtsc() - begin;
}

static uint64_t open_refused(struct subject *s)
{
	uint64_t begin = __rdtsc(), took;
	int fd = open(s->path, O_RDONLY | O_CLOEXEC);

	took = __rdtsc() - begin;
	if (fd < 0)
		return took;
	errno = 0;	/* whose text says it: "Success" */
	return 0;
}

static uint64_t pread_some(struct subject *s, size_t bytes)
{
	static char buffer[BLOCK];
	uint64_t begin = __rdtsc();

	if (pread(s->fd, buffer, bytes, 0) != (ssize_t)bytes)
		return 0;
	return __rdtsc() - begin;
}

static uint64_t pread_1(struct subject *s)
{
	return pread_some(s, 1);
}

static uint64_t pread_4k(struct subject *s)
{
	return pread_some(s, BLOCK);
}

static uint64_t pwrite_1(struct subject *s)
{
	uint64_t begin = __rdtsc();
	char byte = 0;

	if (pwrite(s->fd, &byte, 1, 0) != 1)
		return 0;
	return __rdtsc() - begin;
}

static uint64_t send_1(struct subject *s)
{
	uint64_t took, begin = __rdtsc();
	char byte = 0;

	if (sendto(s->fd, &byte, 1, 0, (struct sockaddr *)&s->to, sizeof(s->to)) != 1)
		return 0;
	took = __rdtsc() - begin;
	/* Or its queue fills up, and to drop is cheaper than to deliver. */
	if (recv(s->receiver, &byte, 1, 0) != 1)
		return 0;
	return took;
}

static uint64_t fork_exec(struct subject *s)
{
	uint64_t begin = __rdtsc();
	int status;
	pid_t pid = fork();

	if (!pid) {
		(void)execve(s->command[0], s->command, environ);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		return 0;
	return __rdtsc() - begin;
}

/* The next file of the folder, for the first and only time. */
static uint64_t open_read_close(struct subject *s)
{
	struct dirent *entry;
	uint64_t begin;

	do {
		entry = readdir(s->dir);
	} while (entry && entry->d_name[0] == '.');
	if (!entry)
		return 0;
	begin = __rdtsc();
	s->fd = openat(dirfd(s->dir), entry->d_name, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0 || !pread_1(s) || close(s->fd) < 0)
		return 0;
	return __rdtsc() - begin;
}

/* ---- measuring ------------------------------------------------------------ */

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The first samples pay for cold paths; the sort leaves them behind the median. */
__attribute__((format(printf, 4, 5)))
static void measure(operation op, struct subject *s, unsigned rounds, const char *format, ...)
{
	struct result *r = &results->items[results->count];
	va_list args;
	unsigned i;

	if (results->count == RESULTS_MAX)
		fail("more results than there is room for");
	va_start(args, format);
	(void)vsnprintf(r->name, sizeof(r->name), format, args);
	va_end(args);
	for (i = 0; i < rounds; i++) {
		samples[i] = op(s);
		if (!samples[i])
			fail(r->name);
	}
	qsort(samples, rounds, sizeof(*samples), compare);
	r->least = samples[0];
	r->median = samples[rounds / 2];
	results->count++;
}

static void measure_file(const char *where, const char *path)
{
	struct subject s = { .path = path };

	s.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s.fd < 0)
		fail(path);
	/* Reads first: from then on the process carries what the file does. */
	measure(pread_1, &s, ROUNDS, "read 1 B, %s", where);
	measure(pread_4k, &s, ROUNDS, "read 4 KiB, %s", where);
	measure(open_close, &s, ROUNDS, "open+close, %s", where);
	(void)close(s.fd);
	s.fd = open(path, O_WRONLY | O_CLOEXEC);
	if (s.fd < 0)
		fail(path);
	measure(pwrite_1, &s, ROUNDS, "write 1 B, %s", where);
	(void)close(s.fd);
}

static void measure_send(void)
{
	struct subject s = { .to = { .sin_family = AF_INET } };
	socklen_t size = sizeof(s.to);

	s.to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s.receiver = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	s.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s.receiver < 0 || s.fd < 0 || bind(s.receiver, (struct sockaddr *)&s.to, size) ||
	    getsockname(s.receiver, (struct sockaddr *)&s.to, &size))
		fail("cannot make sockets");
	measure(send_1, &s, ROUNDS, "send 1 B, UDP");
	(void)close(s.fd);
	(void)close(s.receiver);
}

static void measure_each(char *argv[])
{
	char *const command[] = { argv[0], NULL };
	struct subject none = { 0 }, tiny = { .command = command };

	measure(nothing, &none, ROUNDS, "nothing");
	for (argv++; argv[0]; argv += 2)
		measure_file(argv[0], argv[1]);
	measure_send();
	measure(fork_exec, &tiny, SLOW_ROUNDS, "fork+exec");
}

static void measure_first(char *argv[])
{
	struct subject s = { .dir = opendir(argv[0]) };

	if (!s.dir)
		fail(argv[0]);
	measure(open_read_close, &s, SLOW_ROUNDS, "first open+read+close");
	(void)closedir(s.dir);
}

static void measure_refused(char *argv[])
{
	struct subject s = { .path = argv[1] };

	measure(open_refused, &s, SLOW_ROUNDS, "refused open, %s", argv[0]);
}

static void measure_run(char *argv[])
{
	struct subject s = { .command = argv + 1 };
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
		fail("/dev/null");
	measure(fork_exec, &s, RUNS, "%s", argv[0]);
}

/* ---- command line --------------------------------------------------------- */

static bool takes_pairs(int argc)
{
	return argc % 2 == 1;
}

static bool takes_one(int argc)
{
	return argc == 1;
}

static bool takes_two(int argc)
{
	return argc == 2;
}

static bool takes_command(int argc)
{
	return argc >= 2;
}

static const struct kind {
	const char *word;
	bool (*takes)(int argc);
	void (*measure)(char *argv[]);
} kinds[] = {
	{ "each", takes_pairs, measure_each },
	{ "first", takes_one, measure_first },
	{ "refused", takes_two, measure_refused },
	{ "run", takes_command, measure_run },
	{ 0 },
};

static void run_in_child(const struct kind *kind, char *argv[])
{
	int status;
	pid_t pid;

	results = mmap(NULL, sizeof(*results), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (results == MAP_FAILED)
		fail("cannot share memory");
	pid = fork();
	if (!pid) {
		kind->measure(argv);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		fail("cannot run a child");
	if (status)
		exit(EXIT_FAILURE);
}

static void print(const char *column)
{
	unsigned i;

	for (i = 0; i < results->count; i++)
		printf("%s\t%s\t%llu\t%llu\n", column, results->items[i].name,
		       (unsigned long long)results->items[i].least,
		       (unsigned long long)results->items[i].median);
}

int main(int argc, char *argv[])
{
	const struct kind *kind = kinds;

	while (kind->word && argc > 1 && strcmp(kind->word, argv[1]))
		kind++;
	if (argc < 3 || !kind->word || !kind->takes(argc - 3)) {
		fprintf(stderr, "usage: ops each COLUMN EXEC {WHERE FILE}...\n"
				"       ops first COLUMN DIR\n"
				"       ops refused COLUMN WHAT FILE\n"
				"       ops run COLUMN WHAT COMMAND...\n");
		return 2;
	}
	run_in_child(kind, argv + 3);
	print(argv[2]);
	return 0;
}
