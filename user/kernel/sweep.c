/* SPDX-License-Identifier: GPL-2.0 */
#include "kernel/sweep.h"

#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/object.h"

/* The program runs as the iterator is read, once for each task, and writes nothing to it. */
static int read_through(int link)
{
	am_autoclose int fd = bpf_iter_create(link);
	char nothing[64];
	ssize_t n;

	if (fd < 0)
		return -errno;
	do
		n = read(fd, nothing, sizeof(nothing));
	while (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)));
	return n < 0 ? -errno : 0;
}

int am_engine_sweep(struct am_engine *e)
{
	struct bpf_link *link = bpf_program__attach_iter(e->object->progs.am_sweep, NULL);
	int r;

	if (!link)
		return -errno;
	r = read_through(bpf_link__fd(link));
	(void)bpf_link__destroy(link);	/* it is no hook: nothing can be lost */
	return r;
}
