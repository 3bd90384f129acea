// SPDX-License-Identifier: GPL-2.0
#include "base/read.h"

#include <errno.h>
#include <unistd.h>

ssize_t am_read_all(int fd, void *buf, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, (char *)buf + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += n;
	}
	return len;
}
