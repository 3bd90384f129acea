/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/door.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "agent/asker.h"
#include "agent/log.h"
#include "agent/loop.h"
#include "agent/purpose.h"
#include "base/frame.h"
#include "event/notice.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77		/* since 6.5 */
#endif

static const char socket_name[] = "purpose.sock";

enum {
	ASK_MS = 2000,		/* from connecting to the request */
	BACKLOG = 128,
	ACCEPTS = 16,		/* connections between two looks at everything else */
	PACKET_MAX = sizeof(struct am_frame) + 256,
};

struct guest {
	struct am_door *door;	/* NULL: free */
	struct am_source source;	/* fd is owned */
	int pidfd;		/* owned */
	pid_t pid;
	uid_t uid;
	int64_t since_ms;
};

struct am_door {
	struct am_loop *loop;	/* borrowed */
	int run_fd;		/* borrowed */
	struct am_source listener;	/* fd is owned */
	struct am_purpose purpose;
	struct am_door_counts counts;	/* but for guests */
	struct guest guests[AM_DOOR_GUESTS];
};

/* ---- one guest ------------------------------------------------------------ */

static void show_out(struct guest *g)
{
	am_loop_remove(g->door->loop, &g->source);
	(void)close(g->source.fd); /* what it did not take by now is not wanted */
	(void)close(g->pidfd);
	g->door = NULL;
}

/* Its socket has taken nothing but one empty frame, so this goes out whole, or the guest is
 * gone. */
static void answer(int fd, unsigned code, const char *text)
{
	if (text[0])
		(void)am_frame_send(fd, AM_FRAME_NOTICE, 0, text, strlen(text));
	(void)am_frame_send(fd, AM_FRAME_END, code, NULL, 0);
}

/* One packet and who sent it; 0 or -errno. */
static int receive(int fd, char packet[PACKET_MAX], size_t *ret_len, struct ucred *ret_sender)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec part = { packet, PACKET_MAX };
	/* There is room for the credentials alone: descriptors that are sent along are dropped. */
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c;

	if (n < 0)
		return -errno;
	if (n == 0 || m.msg_flags & MSG_TRUNC)
		return -EBADMSG;
	c = CMSG_FIRSTHDR(&m);
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS ||
	    c->cmsg_len != CMSG_LEN(sizeof(*ret_sender)))
		return -EBADMSG;
	memcpy(ret_sender, CMSG_DATA(c), sizeof(*ret_sender));
	*ret_len = (size_t)n;
	return 0;
}

/* The name of the purpose that is asked for; NULL if that is no request. */
static const char *parse(const char *packet, size_t len)
{
	const char *words[2];
	struct am_frame head;

	if (am_frame_parse(packet, len, &head) < 0 || head.kind != AM_FRAME_REQUEST ||
	    am_frame_words(packet + sizeof(head), head.len, words, 2) != 2 ||
	    strcmp(words[0], "use"))
		return NULL;
	return words[1];
}

static void serve(struct guest *g)
{
	struct am_door *d = g->door;
	char packet[PACKET_MAX], why[1024];
	struct ucred sender;
	const char *name;
	unsigned code;
	size_t len = 0;
	int r = receive(g->source.fd, packet, &len, &sender);

	if (r == -EAGAIN)
		return;
	name = r < 0 ? NULL : parse(packet, len);
	if (name && sender.pid == g->pid) {
		code = am_purpose_ask(&d->purpose, g->pid, g->pidfd, name, why, sizeof(why));
		d->counts.granted += code == AM_PURPOSE_GRANTED;
		d->counts.refused += code != AM_PURPOSE_GRANTED;
		answer(g->source.fd, code == AM_PURPOSE_REFUSED ? 1 : 0, why);
	} else if (name) {
		answer(g->source.fd, 1, "error: who connects must ask, and for itself\n");
	}
	show_out(g);
}

static void guest_ready(void *ctx, uint32_t events)
{
	struct guest *g = ctx;

	if (!g->door)
		return;
	if (events & EPOLLIN)
		serve(g);
	else if (events & (EPOLLHUP | EPOLLERR))
		show_out(g);
}

/* ---- connections ---------------------------------------------------------- */

static unsigned count_of(const struct am_door *d, uid_t uid)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < AM_DOOR_GUESTS; i++)
		n += d->guests[i].door && d->guests[i].uid == uid;
	return n;
}

/* The guest that has been here longest, of the users with the most. */
static struct guest *most_dispensable(struct am_door *d)
{
	struct guest *best = NULL;
	unsigned most = 0;
	size_t i;

	for (i = 0; i < AM_DOOR_GUESTS; i++) {
		struct guest *g = &d->guests[i];
		unsigned n = count_of(d, g->uid);

		if (n < most || (n == most && best->since_ms <= g->since_ms))
			continue;
		best = g;
		most = n;
	}
	return best;
}

static struct guest *find_place(struct am_door *d)
{
	struct guest *g;
	size_t i;

	for (i = 0; i < AM_DOOR_GUESTS; i++)
		if (!d->guests[i].door)
			return &d->guests[i];
	g = most_dispensable(d);
	d->counts.cut_off++;
	show_out(g);
	return g;
}

static int open_peer(int fd, pid_t pid)
{
	socklen_t len = sizeof(int);
	int pidfd;

	if (!getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len))
		return pidfd;
	if (errno != ENOPROTOOPT)
		return -errno;	/* it is gone, and its number may be another's */
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	return pidfd < 0 ? -errno : pidfd;
}

/* Whether the peer has waited, so that whatever it sends it sends from here on. */
static bool has_waited(int fd)
{
	char byte;

	return recv(fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static int let_in(struct am_door *d, int fd, const struct ucred *peer)
{
	am_autoclose int pidfd = open_peer(fd, peer->pid);
	const int on = 1;
	struct guest *g;

	if (pidfd < 0)
		return pidfd;
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return -errno;
	if (!has_waited(fd))
		return -EPROTO;
	g = find_place(d);
	*g = (struct guest){
		.source = { .fd = fd, .ready = guest_ready, .ctx = g },
		.pidfd = pidfd, .pid = peer->pid, .uid = peer->uid, .since_ms = am_now_ms(),
	};
	if (am_loop_add(d->loop, &g->source, EPOLLIN) < 0)
		return -ENOMEM;
	(void)AM_TAKE_FD(pidfd);	/* taken */
	g->door = d;
	return 0;
}

static bool is_welcome(const struct am_door *d, const struct ucred *peer)
{
	return peer->pid > 0 && (!peer->uid || count_of(d, peer->uid) < AM_DOOR_GUESTS_OF_ONE);
}

/* Returns whether there may be more. */
static bool accept_one(struct am_door *d)
{
	am_autoclose int fd = accept4(d->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (fd < 0)
		return false;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || !is_welcome(d, &peer)) {
		d->counts.turned_away++;
		answer(fd, 3, "error: the agent has as many requests of yours as it takes, "
		       "or cannot see your process\n");
		return true;
	}
	if (let_in(d, fd, &peer) < 0)
		return true;	/* it is gone, or there is no room: it will ask once more */
	/* From here on the process is in hand, and may ask. */
	(void)am_frame_send(fd, AM_FRAME_DATA, 0, NULL, 0);
	(void)AM_TAKE_FD(fd);	/* the guest's */
	return true;
}

static void listener_ready(void *ctx, uint32_t events)
{
	struct am_door *d = ctx;
	unsigned i;

	(void)events;
	for (i = 0; i < ACCEPTS && accept_one(d); i++)
		;
}

/* Through the directory's descriptor: any length of path, and no other directory. */
static int bind_socket(const struct am_door *d)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t before;
	int r;

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s",
		       d->run_fd, socket_name);
	(void)unlinkat(d->run_fd, socket_name, 0); /* of an agent that was killed */
	before = umask(0111);
	r = bind(d->listener.fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	(void)umask(before);
	if (!r && listen(d->listener.fd, BACKLOG) < 0)
		r = -errno;
	return r;
}

int am_door_open(struct am_loop *loop, int run_fd, struct am_governor *governor,
		 struct am_names *names, struct am_pipeline *pipeline, struct am_door **ret)
{
	am_auto(am_door) struct am_door *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return am_err(-ENOMEM, "cannot start");
	d->loop = loop;
	d->run_fd = run_fd;
	am_purpose_init(&d->purpose, governor, names, pipeline);
	d->listener = (struct am_source){ .ready = listener_ready, .ctx = d };
	d->listener.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (d->listener.fd < 0)
		return am_err(-errno, "cannot make the socket for purposes");
	r = bind_socket(d);
	if (!r)
		r = am_loop_add(loop, &d->listener, EPOLLIN);
	if (r < 0)
		return am_err(r, "cannot listen on '%s' in the run directory", socket_name);
	*ret = AM_TAKE_PTR(d);
	return 0;
}

void am_door_tick(struct am_door *d, int64_t now_ms)
{
	size_t i;

	for (i = 0; i < AM_DOOR_GUESTS; i++) {
		struct guest *g = &d->guests[i];

		if (!g->door || now_ms - g->since_ms <= ASK_MS)
			continue;
		d->counts.cut_off++;
		show_out(g);
	}
	am_purpose_tick(&d->purpose, now_ms);
}

void am_door_counts(const struct am_door *d, struct am_door_counts *ret)
{
	size_t i;

	*ret = d->counts;
	for (i = 0; i < AM_DOOR_GUESTS; i++)
		ret->guests += d->guests[i].door != NULL;
}

void am_door_free(struct am_door *d)
{
	size_t i;

	if (!d)
		return;
	for (i = 0; i < AM_DOOR_GUESTS; i++)
		if (d->guests[i].door)
			show_out(&d->guests[i]);
	if (d->listener.fd >= 0) {
		am_loop_remove(d->loop, &d->listener);
		(void)close(d->listener.fd); /* holds no data */
		(void)unlinkat(d->run_fd, socket_name, 0); /* else the next start does */
	}
	free(d);
}
