// SPDX-License-Identifier: GPL-2.0
#include "ring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ENTRIES = 8 };

static void *map(int fd, size_t size, off_t at)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, at);

	return p == MAP_FAILED ? NULL : p;
}

static int map_all(struct ring *r, const struct io_uring_params *p)
{
	char *sq, *cq;

	sq = map(r->fd, p->sq_off.array + p->sq_entries * 4, IORING_OFF_SQ_RING);
	cq = map(r->fd, p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe),
		 IORING_OFF_CQ_RING);
	r->sqes = map(r->fd, p->sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
	if (!sq || !cq || !r->sqes)
		return -ENOMEM;
	r->sq_tail = (unsigned *)(sq + p->sq_off.tail);
	r->sq_mask = (unsigned *)(sq + p->sq_off.ring_mask);
	r->sq_array = (unsigned *)(sq + p->sq_off.array);
	r->cq_head = (unsigned *)(cq + p->cq_off.head);
	r->cq_tail = (unsigned *)(cq + p->cq_off.tail);
	r->cq_mask = (unsigned *)(cq + p->cq_off.ring_mask);
	r->cqes = (struct io_uring_cqe *)(cq + p->cq_off.cqes);
	return 0;
}

int ring_new(struct ring *r, unsigned setup)
{
	struct io_uring_params p = { .flags = setup, .sq_thread_idle = 1000 };

	r->setup = setup;
	r->pending = 0;
	r->fd = syscall(SYS_io_uring_setup, ENTRIES, &p);
	if (r->fd < 0)
		return -errno;
	return map_all(r, &p);
}

int ring_attach(struct ring *r, int fd)
{
	/* The layout is that of any ring of the same size. */
	struct io_uring_params p = {};
	int model = syscall(SYS_io_uring_setup, ENTRIES, &p);

	if (model < 0)
		return -errno;
	close(model);
	r->fd = fd;
	return map_all(r, &p);
}

struct io_uring_sqe *ring_next(struct ring *r, unsigned op, int fd, const void *addr, unsigned len)
{
	unsigned slot = (*r->sq_tail + r->pending++) & *r->sq_mask;
	struct io_uring_sqe *e = &r->sqes[slot];

	memset(e, 0, sizeof(*e));
	e->opcode = op;
	e->fd = fd;
	e->addr = (unsigned long)addr;
	e->len = len;
	r->sq_array[slot] = slot;
	return e;
}

static int enter(struct ring *r, unsigned count)
{
	unsigned flags = IORING_ENTER_GETEVENTS;

	/* Not before: the kernel's own thread takes requests at once. */
	__atomic_store_n(r->sq_tail, *r->sq_tail + r->pending, __ATOMIC_RELEASE);
	r->pending = 0;
	if (r->setup & IORING_SETUP_SQPOLL)
		flags |= IORING_ENTER_SQ_WAKEUP;
	return syscall(SYS_io_uring_enter, r->fd, count, count, flags, NULL, 0) < 0 ? -errno : 0;
}

int ring_run(struct ring *r, unsigned count)
{
	int result = -EIO, e = enter(r, count);

	if (e < 0)
		return e;
	while (count--) {
		unsigned head = *r->cq_head;

		if (head == __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE))
			return -EIO;
		result = r->cqes[head & *r->cq_mask].res;
		__atomic_store_n(r->cq_head, head + 1, __ATOMIC_RELEASE);
		if (result < 0)
			return result;
	}
	return result;
}

int ring_register(const struct ring *r, unsigned op, const void *arg, unsigned count)
{
	int n = syscall(SYS_io_uring_register, r->fd, op, arg, count);

	return n < 0 ? -errno : n;
}
