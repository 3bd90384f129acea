/* SPDX-License-Identifier: GPL-2.0 */
#include "store/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/write.h"

static int write_new(int dirfd, const char *name, const void *bytes, size_t len)
{
	am_autoclose int fd = -1;
	int r;

	fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = am_write_all(fd, bytes, len);
	if (r < 0)
		return r;
	return fsync(fd) < 0 ? -errno : 0;
}

int am_file_replace(int dirfd, const char *name, const void *bytes, size_t len)
{
	char temporary[NAME_MAX + 1];
	int r;

	r = snprintf(temporary, sizeof(temporary), "%s.new", name);
	if (r < 0 || (size_t)r >= sizeof(temporary))
		return -ENAMETOOLONG;
	r = write_new(dirfd, temporary, bytes, len);
	if (!r && renameat(dirfd, temporary, dirfd, name) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(dirfd, temporary, 0); /* the failure to report is the first one */
		return r;
	}
	return fsync(dirfd) < 0 ? -errno : 0;
}

static int read_all(int fd, char *buf, size_t size, size_t *ret)
{
	size_t have = 0;

	while (have < size) {
		ssize_t n = read(fd, buf + have, size - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		have += (size_t)n;
	}
	*ret = have;
	return 0;
}

int am_file_read(int dirfd, const char *name, size_t max, char **ret, size_t *ret_len)
{
	am_autoclose int fd = -1;
	am_autofree char *buf = NULL;
	struct stat st;
	size_t len = 0;
	int r;

	fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size < 0 || (size_t)st.st_size > max)
		return -EFBIG;
	buf = malloc((size_t)st.st_size + 1);
	if (!buf)
		return -ENOMEM;
	r = read_all(fd, buf, (size_t)st.st_size, &len);
	if (r < 0)
		return r;
	buf[len] = '\0';
	*ret = AM_TAKE_PTR(buf);
	*ret_len = len;
	return 0;
}
