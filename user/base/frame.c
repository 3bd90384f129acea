// SPDX-License-Identifier: GPL-2.0
#include "base/frame.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

int am_frame_send(int fd, enum am_frame_kind kind, unsigned code, const void *payload, size_t len)
{
	struct am_frame head = { .magic = AM_FRAME_MAGIC, .kind = kind, .code = code, .len = len };
	struct iovec parts[] = { { &head, sizeof(head) }, { (void *)payload, len } };
	struct msghdr packet = { .msg_iov = parts, .msg_iovlen = len ? 2 : 1 };
	ssize_t n;

	if (kind <= AM_FRAME_INVALID || kind >= AM_FRAME_MAX_ || code > UINT16_MAX)
		return -EINVAL;
	if (len > AM_FRAME_MAX - sizeof(head))
		return -EMSGSIZE;

	do {
		n = sendmsg(fd, &packet, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	/* A packet goes whole or not at all, unless this is no SOCK_SEQPACKET. */
	return (size_t)n == sizeof(head) + len ? 0 : -EPROTOTYPE;
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

int am_frame_recv(int fd, void *buf, struct am_frame *ret)
{
	struct iovec part = { buf, AM_FRAME_MAX };
	/* No room for control data: descriptors that are sent along are dropped. */
	struct msghdr packet = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t n;

	do {
		packet.msg_flags = 0;
		n = recvmsg(fd, &packet, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ENODATA;
	return packet.msg_flags & MSG_TRUNC ? -EBADMSG : am_frame_parse(buf, (size_t)n, ret);
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
