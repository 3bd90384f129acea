// SPDX-License-Identifier: GPL-2.0
/* io_uring: the same reads, by workers and kernel threads, through rings and tables of
 * descriptors that go from one process to another. */
#include "ring.h"
#include "technique.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static char buffer[4096] __attribute__((aligned(4096)));
static struct iovec iov = { buffer, 200 };

static int got(struct arena *a, int n)
{
	if (n < 0)
		return n;
	loot(a, buffer, sizeof(buffer));
	return 0;
}

static int one(struct arena *a, unsigned setup, unsigned flags)
{
	struct ring r;

	PASS_ON(ring_new(&r, setup));
	ring_next(&r, IORING_OP_READ, a->fd, buffer, 200)->flags = flags;
	return got(a, ring_run(&r, 1));
}

static int uring_read(struct arena *a) { return one(a, 0, 0); }
static int uring_worker(struct arena *a) { return one(a, 0, IOSQE_ASYNC); }
static int uring_sqpoll(struct arena *a) { return one(a, IORING_SETUP_SQPOLL, 0); }
static int uring_sqpoll_worker(struct arena *a) { return one(a, IORING_SETUP_SQPOLL, IOSQE_ASYNC); }

static int uring_defer(struct arena *a)
{
	return one(a, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, 0);
}

static int uring_readv(struct arena *a)
{
	struct ring r;

	PASS_ON(ring_new(&r, 0));
	ring_next(&r, IORING_OP_READV, a->fd, &iov, 1);
	return got(a, ring_run(&r, 1));
}

static int uring_fixed_buffer(struct arena *a)
{
	struct iovec whole = { buffer, sizeof(buffer) };
	struct ring r;

	PASS_ON(ring_new(&r, 0));
	PASS_ON(ring_register(&r, IORING_REGISTER_BUFFERS, &whole, 1));
	ring_next(&r, IORING_OP_READ_FIXED, a->fd, buffer, 200);
	return got(a, ring_run(&r, 1));
}

static int uring_selected_buffer(struct arena *a)
{
	struct io_uring_sqe *e;
	struct ring r;

	PASS_ON(ring_new(&r, 0));
	e = ring_next(&r, IORING_OP_PROVIDE_BUFFERS, 1, buffer, sizeof(buffer));
	e->buf_group = 7;
	PASS_ON(ring_run(&r, 1));
	e = ring_next(&r, IORING_OP_READ, a->fd, NULL, 200);
	e->flags = IOSQE_BUFFER_SELECT;
	e->buf_group = 7;
	return got(a, ring_run(&r, 1));
}

static int uring_registered_file(struct arena *a)
{
	struct ring r;

	PASS_ON(ring_new(&r, 0));
	PASS_ON(ring_register(&r, IORING_REGISTER_FILES, &a->fd, 1));
	close(a->fd);
	ring_next(&r, IORING_OP_READ, 0, buffer, 200)->flags = IOSQE_FIXED_FILE;
	return got(a, ring_run(&r, 1));
}

static int uring_linked_copy(struct arena *a)
{
	int fd = TRY(open(outside(a, "copy"), O_RDWR | O_CREAT, 0600));
	struct ring r;

	PASS_ON(ring_new(&r, 0));
	ring_next(&r, IORING_OP_READ, a->fd, buffer, 200)->flags = IOSQE_IO_LINK;
	ring_next(&r, IORING_OP_WRITE, fd, buffer, 200);
	PASS_ON(ring_run(&r, 2));
	return loot_fd(a, fd);
}

static int uring_open(struct arena *a)
{
	struct ring r;

	PASS_ON(ring_new(&r, 0));
	ring_next(&r, IORING_OP_OPENAT, AT_FDCWD, a->file, 0);
	return loot_fd(a, PASS_ON(ring_run(&r, 1)));
}

static int uring_open_direct(struct arena *a)
{
	struct open_how how = { .flags = O_RDONLY };
	struct io_uring_sqe *e;
	int none = -1;
	struct ring r;

	PASS_ON(ring_new(&r, 0));
	PASS_ON(ring_register(&r, IORING_REGISTER_FILES, &none, 1));
	e = ring_next(&r, IORING_OP_OPENAT2, AT_FDCWD, a->file, sizeof(how));
	e->off = (unsigned long)&how;
	e->file_index = 1;
	e->flags = IOSQE_IO_LINK;
	ring_next(&r, IORING_OP_READ, 0, buffer, 200)->flags = IOSQE_FIXED_FILE;
	return got(a, ring_run(&r, 2));
}

static int uring_splice(struct arena *a)
{
	struct io_uring_sqe *e;
	struct ring r;
	int p[2];

	TRY(pipe(p));
	PASS_ON(ring_new(&r, 0));
	e = ring_next(&r, IORING_OP_SPLICE, p[1], NULL, 200);
	e->splice_fd_in = a->fd;
	e->splice_off_in = 0;
	e->off = -1;
	PASS_ON(ring_run(&r, 1));
	return loot_wait(a, p[0]);
}

/* A ring that somebody else has made, with the file registered in it. */
static struct ring shared_ring;

static int make_ring_with_file(struct arena *a)
{
	int fd = TRY(open(a->file, O_RDONLY | O_CLOEXEC));

	PASS_ON(ring_new(&shared_ring, 0));
	return ring_register(&shared_ring, IORING_REGISTER_FILES, &fd, 1);
}

/* As a reader who has not read; afterwards the process is what it was. */
static int as_reader(struct arena *a, int (*run)(struct arena *a))
{
	int r;

	be_reader(a);
	r = run(a);
	be_stranger(a);
	return r;
}

static int read_of_ring(struct arena *a)
{
	ring_next(&shared_ring, IORING_OP_READ, 0, buffer, 200)->flags = IOSQE_FIXED_FILE;
	return got(a, ring_run(&shared_ring, 1));
}

static int uring_ring_kept(struct arena *a)
{
	PASS_ON(as_reader(a, make_ring_with_file));
	return read_of_ring(a);
}

static int uring_ring_over_fork(struct arena *a)
{
	PASS_ON(as_reader(a, make_ring_with_file));
	return ended(spawn(a, read_of_ring));
}

/* What the kernel's thread reads for the ring's owner, into memory that two processes have. */
static char *both;

static int read_into_both(struct arena *a)
{
	int n;

	ring_next(&shared_ring, IORING_OP_READ, 0, both, 200)->flags = IOSQE_FIXED_FILE;
	n = PASS_ON(ring_run(&shared_ring, 1));
	loot(a, both, n);
	return 0;
}

/* The kernel's thread works for the process that made the ring, whoever submits. */
static int serve_stranger(struct arena *a)
{
	be_reader(a);
	a->fd = open(a->file, O_RDONLY | O_CLOEXEC);
	a->code = ring_new(&shared_ring, IORING_SETUP_SQPOLL);
	if (!a->code)
		a->code = ring_register(&shared_ring, IORING_REGISTER_FILES, &a->fd, 1);
	if (a->code)
		return a->code;
	if (!fork()) {
		be_stranger(a);
		a->word[0] = read_into_both(a);
		turn_set(a, 10);
		_exit(0);
	}
	turn_wait(a, 10);
	return a->word[0];
}

static int uring_sqpoll_of_reader(struct arena *a)
{
	both = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (both == MAP_FAILED)
		return -errno;
	return ended(spawn(a, serve_stranger));
}

/* Taken from the process that has it, which goes on running. */
static int hold_ring(struct arena *a)
{
	be_reader(a);
	a->word[1] = make_ring_with_file(a);
	a->word[0] = shared_ring.fd;
	turn_set(a, 10);
	turn_wait(a, 11);
	return 0;
}

static int uring_ring_stolen(struct arena *a)
{
	pid_t pid = spawn(a, hold_ring);
	struct ring r = {};
	int fd;

	turn_wait(a, 10);
	fd = steal_fd(pid, a->word[0]);
	if (fd < 0)
		return fd;
	PASS_ON(ring_attach(&r, fd));
	ring_next(&r, IORING_OP_READ, 0, buffer, 200)->flags = IOSQE_FIXED_FILE;
	return got(a, ring_run(&r, 1));
}

/* From the table of one ring into that of another: no descriptor is ever received. */
static int uring_msg_ring(struct arena *a)
{
	struct io_uring_sqe *e;
	struct ring to;
	int none = -1;

	PASS_ON(as_reader(a, make_ring_with_file));
	PASS_ON(ring_new(&to, 0));
	PASS_ON(ring_register(&to, IORING_REGISTER_FILES, &none, 1));
	e = ring_next(&shared_ring, IORING_OP_MSG_RING, to.fd, (void *)IORING_MSG_SEND_FD, 0);
	e->addr3 = 0;
	e->file_index = 1;
	e->msg_ring_flags = IORING_MSG_RING_CQE_SKIP;
	PASS_ON(ring_run(&shared_ring, 1));
	ring_next(&to, IORING_OP_READ, 0, buffer, 200)->flags = IOSQE_FIXED_FILE;
	return got(a, ring_run(&to, 1));
}

static int64_t personality;

static int keep_personality(struct arena *a)
{
	(void)a;
	PASS_ON(ring_new(&shared_ring, 0));
	personality = ring_register(&shared_ring, IORING_REGISTER_PERSONALITY, NULL, 0);
	return personality < 0 ? (int)personality : 0;
}

/* Credentials that a ring has kept: requests are made under them, whoever makes them. */
static int uring_personality(struct arena *a)
{
	int fd;

	PASS_ON(as_reader(a, keep_personality));
	ring_next(&shared_ring, IORING_OP_OPENAT, AT_FDCWD, a->file, 0)->personality = personality;
	fd = PASS_ON(ring_run(&shared_ring, 1));
	ring_next(&shared_ring, IORING_OP_READ, fd, buffer, 200)->personality = personality;
	return got(a, ring_run(&shared_ring, 1));
}

static int uring_personality_worker(struct arena *a)
{
	struct io_uring_sqe *e;
	int fd;

	PASS_ON(as_reader(a, keep_personality));
	e = ring_next(&shared_ring, IORING_OP_OPENAT, AT_FDCWD, a->file, 0);
	e->personality = personality;
	e->flags = IOSQE_ASYNC;
	fd = PASS_ON(ring_run(&shared_ring, 1));
	e = ring_next(&shared_ring, IORING_OP_READ, fd, buffer, 200);
	e->personality = personality;
	e->flags = IOSQE_ASYNC;
	return got(a, ring_run(&shared_ring, 1));
}

#define GET(call, ...) { .name = #call, .goal = GOAL_GET, .act = call, ##__VA_ARGS__ }
#define GIVEN(call) GET(call, .flags = WITH_FD)

static const struct technique list[] = {
	GIVEN(uring_read), GIVEN(uring_readv), GIVEN(uring_worker), GIVEN(uring_sqpoll),
	GIVEN(uring_sqpoll_worker), GIVEN(uring_defer), GIVEN(uring_fixed_buffer),
	GIVEN(uring_selected_buffer), GIVEN(uring_registered_file), GIVEN(uring_linked_copy),
	GIVEN(uring_splice), GET(uring_open), GET(uring_open_direct),
	GET(uring_ring_kept), GET(uring_ring_over_fork), GET(uring_sqpoll_of_reader),
	GET(uring_ring_stolen), GET(uring_msg_ring),
	GET(uring_personality), GET(uring_personality_worker),
};

FAMILY(uring, list);
