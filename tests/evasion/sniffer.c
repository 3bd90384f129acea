// SPDX-License-Identifier: GPL-2.0
#include "sniffer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int sniffer_open(struct sniffer *s)
{
	int size = 8 << 20;

	s->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));
	if (s->fd < 0)
		return -errno;
	return setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 ? -errno : 0;
}

bool sniffer_heard(struct sniffer *s, const char *secret)
{
	static char frame[1 << 17];
	bool heard = false;
	ssize_t n;

	while ((n = recv(s->fd, frame, sizeof(frame), 0)) >= 0)
		heard = heard || memmem(frame, n, secret, SECRET_LEN);
	return heard;
}

int send_foreign(const void *data, size_t size)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(7) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r = 0;

	if (fd < 0)
		return -errno;
	inet_pton(AF_INET, FOREIGN4, &to.sin_addr);
	if (sendto(fd, data, size, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		r = -errno;
	close(fd);
	return r;
}
