/* SPDX-License-Identifier: GPL-2.0 */
/* An io_uring, by its system calls: techniques need what a library hides. */
#pragma once

#include <linux/io_uring.h>

struct ring {
	int fd;
	unsigned *sq_tail, *sq_mask, *sq_array;
	unsigned *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	unsigned setup;		/* IORING_SETUP_* */
	unsigned pending;	/* filled, not submitted yet */
};

/* 0 or -errno. */
int ring_new(struct ring *r, unsigned setup);
/* One that somebody else has made by ring_new(), from its descriptor. */
int ring_attach(struct ring *r, int fd);
/* The next request; the caller fills in what else it needs before ring_run(). */
struct io_uring_sqe *ring_next(struct ring *r, unsigned op, int fd, const void *addr, unsigned len);
/* Submits all and waits for as many results; returns the last one's. */
int ring_run(struct ring *r, unsigned count);
int ring_register(const struct ring *r, unsigned op, const void *arg, unsigned count);
