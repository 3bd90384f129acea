// SPDX-License-Identifier: GPL-2.0
#include "sniffer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
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

static int up(int fd)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING };

	return ioctl(fd, SIOCSIFFLAGS, &r) < 0 ? -errno : 0;
}

static int add4(int fd)
{
	struct ifreq r = { .ifr_name = "lo:1" };
	struct sockaddr_in *a = (struct sockaddr_in *)&r.ifr_addr;

	a->sin_family = AF_INET;
	inet_pton(AF_INET, FOREIGN4, &a->sin_addr);
	return ioctl(fd, SIOCSIFADDR, &r) < 0 ? -errno : 0;
}

static int add6(void)
{
	/* Of linux/ipv6.h, which does not go with netinet/in.h. */
	struct {
		struct in6_addr addr;
		uint32_t prefix;
		int index;
	} r = { .prefix = 128, .index = 1 };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), e;

	inet_pton(AF_INET6, FOREIGN6, &r.addr);
	e = ioctl(fd, SIOCSIFADDR, &r) < 0 ? -errno : 0;
	close(fd);
	return e;
}

int own_network(void)
{
	int fd, e;

	if (unshare(CLONE_NEWNET) < 0)
		return -errno;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	e = up(fd);
	if (!e)
		e = add4(fd);
	if (!e)
		(void)add6();	/* a host without IPv6 has no way out by it */
	close(fd);
	return e;
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
