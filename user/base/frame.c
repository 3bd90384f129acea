// SPDX-License-Identifier: GPL-2.0
#include "base/frame.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/cleanup.h"

/* One descriptor is what a request may bring; the kernel's alignment leaves room for two. */
union control {
	struct cmsghdr head;	/* for its alignment */
	char bytes[CMSG_SPACE(sizeof(int))];
};

static void attach(struct msghdr *packet, union control *control, int passed)
{
	struct cmsghdr *head;

	if (passed < 0)
		return;
	packet->msg_control = control->bytes;
	packet->msg_controllen = sizeof(control->bytes);
	head = CMSG_FIRSTHDR(packet);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(passed));
	memcpy(CMSG_DATA(head), &passed, sizeof(passed));
}

static int send_frame(int fd, const struct am_frame *head, const void *payload, int passed)
{
	struct iovec parts[] = {
		{ (void *)head, sizeof(*head) }, { (void *)payload, head->len }
	};
	struct msghdr packet = { .msg_iov = parts, .msg_iovlen = head->len ? 2 : 1 };
	union control control = { 0 };
	ssize_t n;

	if (head->kind <= AM_FRAME_INVALID || head->kind >= AM_FRAME_MAX_)
		return -EINVAL;
	attach(&packet, &control, passed);
	do {
		n = sendmsg(fd, &packet, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	/* A packet goes whole or not at all, unless this is no SOCK_SEQPACKET. */
	return (size_t)n == sizeof(*head) + head->len ? 0 : -EPROTOTYPE;
}

int am_frame_send(int fd, enum am_frame_kind kind, unsigned code, const void *payload, size_t len)
{
	struct am_frame head = { .magic = AM_FRAME_MAGIC, .kind = kind, .code = code, .len = len };

	if (code > UINT16_MAX)
		return -EINVAL;
	if (len > AM_FRAME_MAX - sizeof(head))
		return -EMSGSIZE;
	return send_frame(fd, &head, payload, -1);
}

int am_frame_send_with(int fd, enum am_frame_kind kind, const void *payload, size_t len,
		       int passed)
{
	struct am_frame head = { .magic = AM_FRAME_MAGIC, .kind = kind, .len = len };

	if (len > AM_FRAME_MAX - sizeof(head))
		return -EMSGSIZE;
	return send_frame(fd, &head, payload, passed);
}

static bool well_formed(const struct am_frame *head, size_t packet_bytes)
{
	return head->magic == AM_FRAME_MAGIC && head->pad == 0 &&
	       head->kind > AM_FRAME_INVALID && head->kind < AM_FRAME_MAX_ &&
	       head->len == packet_bytes - sizeof(*head) &&
	       (head->kind != AM_FRAME_END || head->len == 0);
}

int am_frame_parse(const void *packet, size_t len, struct am_frame *ret)
{
	struct am_frame head;

	if (len < sizeof(head))
		return -EBADMSG;
	memcpy(&head, packet, sizeof(head));
	if (!well_formed(&head, len))
		return -EBADMSG;
	*ret = head;
	return 0;
}

/* The number of descriptors that came; the first is kept in *ret, the others are closed. */
static size_t take_descriptors(struct msghdr *packet, int *ret)
{
	struct cmsghdr *head;
	size_t count = 0;

	for (head = CMSG_FIRSTHDR(packet); head; head = CMSG_NXTHDR(packet, head)) {
		size_t n = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int), i;

		if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
			continue;
		for (i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(head) + i * sizeof(fd), sizeof(fd));
			if (count++)
				(void)close(fd); /* not ours, and nothing was done with it */
			else
				*ret = fd;
		}
	}
	return count;
}

static ssize_t receive(int fd, struct msghdr *packet, union control *control)
{
	ssize_t n;

	do {
		/* No room for control data: descriptors that are sent along are dropped. */
		packet->msg_control = control ? control->bytes : NULL;
		packet->msg_controllen = control ? sizeof(control->bytes) : 0;
		packet->msg_flags = 0;
		n = recvmsg(fd, packet, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static int check_packet(const struct msghdr *packet, ssize_t n, struct am_frame *ret)
{
	if (n == 0)
		return -ENODATA;
	return packet->msg_flags & MSG_TRUNC ? -EBADMSG :
					       am_frame_parse(packet->msg_iov->iov_base, (size_t)n, ret);
}

int am_frame_recv(int fd, void *buf, struct am_frame *ret)
{
	struct iovec part = { buf, AM_FRAME_MAX };
	struct msghdr packet = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t n = receive(fd, &packet, NULL);

	return n < 0 ? (int)n : check_packet(&packet, n, ret);
}

int am_frame_recv_with(int fd, void *buf, struct am_frame *ret, int *ret_passed)
{
	struct iovec part = { buf, AM_FRAME_MAX };
	struct msghdr packet = { .msg_iov = &part, .msg_iovlen = 1 };
	am_autoclose int passed = -1;
	union control control;
	size_t count;
	ssize_t n;
	int r;

	n = receive(fd, &packet, &control);
	if (n < 0)
		return (int)n;
	count = take_descriptors(&packet, &passed);
	r = check_packet(&packet, n, ret);
	if (!r && (count > 1 || packet.msg_flags & MSG_CTRUNC))
		r = -EBADMSG;
	if (!r)
		*ret_passed = AM_TAKE_FD(passed);
	return r;
}

int am_frame_words(const char *payload, size_t len, const char **words, size_t max)
{
	size_t count = 0;

	if (len && payload[len - 1] != '\0')
		return -EBADMSG;
	for (size_t at = 0; at < len; at += strlen(payload + at) + 1) {
		if (count == max)
			return -EBADMSG;
		words[count++] = payload + at;
	}
	return count;
}
