// SPDX-License-Identifier: GPL-2.0
#include "base/passing.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

union control {
	struct cmsghdr head;	/* for its alignment */
	char bytes[CMSG_SPACE(AM_PASSING_MAX * sizeof(int))];
};

int am_passing_send(int fd, const void *payload, size_t len, const int *passed, size_t n)
{
	struct am_frame head = { .magic = AM_FRAME_MAGIC, .kind = AM_FRAME_DATA, .len = len };
	struct iovec parts[] = { { &head, sizeof(head) }, { (void *)payload, len } };
	struct msghdr packet = { .msg_iov = parts, .msg_iovlen = len ? 2 : 1 };
	union control control = { 0 };
	ssize_t sent;

	if (!n || n > AM_PASSING_MAX || len > AM_FRAME_MAX - sizeof(head))
		return -EINVAL;
	packet.msg_control = control.bytes;
	packet.msg_controllen = CMSG_SPACE(n * sizeof(int));
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(&control.head), passed, n * sizeof(int));
	do {
		sent = sendmsg(fd, &packet, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
	return (size_t)sent == sizeof(head) + len ? 0 : -EPROTOTYPE;
}

/* The kernel cuts what does not fit, and closes it. */
static void take(struct msghdr *packet, int *passed, size_t *n)
{
	struct cmsghdr *head;

	for (head = CMSG_FIRSTHDR(packet); head; head = CMSG_NXTHDR(packet, head)) {
		size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
			continue;
		if (count > AM_PASSING_MAX - *n)
			count = AM_PASSING_MAX - *n;	/* there is no room for more in it */
		memcpy(passed + *n, CMSG_DATA(head), count * sizeof(int));
		*n += count;
	}
}

int am_passing_recv(int fd, void *buf, struct am_frame *ret, int *passed, size_t *ret_n)
{
	struct iovec part = { buf, AM_FRAME_MAX };
	struct msghdr packet = { .msg_iov = &part, .msg_iovlen = 1 };
	union control control;
	size_t n = 0;
	ssize_t got;
	int r;

	do {
		packet.msg_control = control.bytes;
		packet.msg_controllen = sizeof(control.bytes);
		got = recvmsg(fd, &packet, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	take(&packet, passed, &n);
	r = got == 0 ? -ENODATA :
	    packet.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? -EBADMSG :
	    am_frame_parse(buf, (size_t)got, ret);
	if (!r) {
		*ret_n = n;
		return 0;
	}
	while (n)
		(void)close(passed[--n]); /* not asked for */
	return r;
}
