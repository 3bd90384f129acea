// SPDX-License-Identifier: GPL-2.0
#include "ledger/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/cleanup.h"

int am_write_at(int fd, const void *bytes, size_t len, off_t at)
{
	const char *p = bytes;

	while (len) {
		ssize_t n = pwrite(fd, p, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int am_read_at(int fd, void *bytes, size_t len, off_t at)
{
	char *p = bytes;

	while (len) {
		ssize_t n = pread(fd, p, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -ENODATA;
		p += n;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static int put_new(int dirfd, const char *name, mode_t mode, const void *bytes, size_t len)
{
	am_autoclose int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC |
				     O_NOFOLLOW, mode);
	int r;

	if (fd < 0)
		return -errno;
	r = am_write_at(fd, bytes, len, 0);
	if (!r && fsync(fd) < 0)
		r = -errno;
	return r;
}

int am_put_file(int dirfd, const char *name, mode_t mode, const void *bytes, size_t len)
{
	char fresh[NAME_MAX + 1];
	int r;

	if ((size_t)snprintf(fresh, sizeof(fresh), "%s.new", name) >= sizeof(fresh))
		return -ENAMETOOLONG;
	r = put_new(dirfd, fresh, mode, bytes, len);
	if (!r && renameat(dirfd, fresh, dirfd, name) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(dirfd, fresh, 0);	/* the failure to tell is the first one */
		return r;
	}
	return fsync(dirfd) < 0 ? -errno : 0;
}

/* ---- segments ------------------------------------------------------------------- */

void am_segment_name(uint64_t segment, char ret[AM_SEGMENT_NAME])
{
	(void)snprintf(ret, AM_SEGMENT_NAME, "%016llx.aml", (unsigned long long)segment);
}

bool am_segment_number(const char *name, uint64_t *ret)
{
	uint64_t n = 0;
	int i;

	if (strlen(name) != AM_SEGMENT_NAME - 1 || strcmp(name + 16, ".aml") != 0)
		return false;
	for (i = 0; i < 16; i++) {
		const char *digits = "0123456789abcdef", *at = strchr(digits, name[i]);

		if (!at)
			return false;
		n = n << 4 | (uint64_t)(at - digits);
	}
	*ret = n;
	return true;
}

void am_listing_done(struct am_listing *l)
{
	size_t i;

	for (i = 0; i < l->n_junk; i++)
		free(l->junk[i]);
	free(l->junk);
	free(l->segments);
	*l = (struct am_listing){ 0 };
}

static int add_junk(struct am_listing *l, const char *name)
{
	static const char *const ours[] = { ".", "..", "links", "root.pub", "key", "lock",
					    "segment.new" };
	char *copy;
	size_t i;

	for (i = 0; i < AM_COUNT(ours); i++)
		if (!strcmp(name, ours[i]))
			return 0;
	copy = strdup(name);
	if (!copy || AM_APPEND(l->junk, l->n_junk, copy)) {
		free(copy);
		return -ENOMEM;
	}
	return 0;
}

static int add_name(int dirfd, struct am_listing *l, const char *name, bool junk)
{
	struct am_listed item;
	struct stat st;

	if (!am_segment_number(name, &item.segment))
		return junk ? add_junk(l, name) : 0;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;	/* removed meanwhile */
	item.size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	return AM_APPEND(l->segments, l->count, item);
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = ((const struct am_listed *)a)->segment;
	uint64_t y = ((const struct am_listed *)b)->segment;

	return x < y ? -1 : x > y;
}

int am_listing_read(int dirfd, bool junk, struct am_listing *ret)
{
	struct am_listing l = { 0 };
	struct dirent *entry;
	int fd, r = 0;
	DIR *dir;

	fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	for (errno = 0; !r && (entry = readdir(dir)); errno = 0)
		r = add_name(dirfd, &l, entry->d_name, junk);
	if (!r && errno)
		r = -errno;
	(void)closedir(dir);	/* read only: nothing can be lost */
	if (r < 0) {
		am_listing_done(&l);
		return r;
	}
	if (l.count)
		qsort(l.segments, l.count, sizeof(*l.segments), by_number);
	*ret = l;
	return 0;
}
