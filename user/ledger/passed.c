// SPDX-License-Identifier: GPL-2.0
#include "ledger/passed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"

static int by_number(const void *a, const void *b)
{
	uint64_t x = ((const struct am_passed *)a)->segment;
	uint64_t y = ((const struct am_passed *)b)->segment;

	return x < y ? -1 : x > y;
}

int am_passed_new(struct am_passed *items, size_t n)
{
	am_autoclose int fd = -1;
	int r = 0;

	if (n > AM_PASSED_MAX)
		return -E2BIG;
	fd = memfd_create("amanat-segments", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (n) {
		qsort(items, n, sizeof(*items), by_number);
		r = am_write_at(fd, items, n * sizeof(*items), 0);
	}
	return r < 0 ? r : AM_TAKE_FD(fd);
}

bool am_passed_is(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode);
}

static int read_items(int fd, struct am_passed items[AM_PASSED_MAX], size_t *ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size < 0 || st.st_size % (off_t)sizeof(*items) ||
	    st.st_size > (off_t)(AM_PASSED_MAX * sizeof(*items)))
		return -EBADMSG;
	*ret = (size_t)st.st_size / sizeof(*items);
	return am_read_at(fd, items, (size_t)st.st_size, 0);
}

int am_passed_listing(int fd, struct am_listing *ret)
{
	struct am_passed items[AM_PASSED_MAX];
	struct am_listing l = { 0 };
	size_t n = 0, i;
	int r = read_items(fd, items, &n);

	for (i = 0; !r && i < n; i++)
		r = AM_APPEND(l.segments, l.count, ((struct am_listed){ items[i].segment, 0 }));
	if (r < 0)
		am_listing_done(&l);
	else
		*ret = l;
	return r;
}

int am_passed_open(int fd, uint64_t segment)
{
	struct am_passed items[AM_PASSED_MAX];
	size_t n = 0, i;
	int r = read_items(fd, items, &n);

	for (i = 0; !r && i < n; i++) {
		if (items[i].segment != segment)
			continue;
		r = fcntl(items[i].fd, F_DUPFD_CLOEXEC, 3);
		return r < 0 ? -errno : r;
	}
	return r < 0 ? r : -ENOENT;
}
