// SPDX-License-Identifier: GPL-2.0
/* Roads off the host:
 *   socket_sendmsg   every send call of every family, io_uring's too
 *   socket_connect   so that a labelled task is refused before it says hello
 * Tasks without labels leave after one look-up. */
#include "hook.h"
#include "net.h"

/* The busy hook keeps its context only, see file.bpf.c. */
AM_NOINLINE int send_checked(unsigned long long *ctx)
{
	struct socket *sock = (struct socket *)ctx[0];
	struct msghdr *msg = (struct msghdr *)ctx[1];
	__u32 bytes = ctx[2];

	if ((msg->msg_flags & MSG_BATCH) && msg->msg_name)
		bytes |= AM_CALL_UNSIZED;
	return am_socket_send(sock, msg->msg_name, msg->msg_namelen, AM_ACT_SEND, bytes);
}

AM_HOOK(am_sendmsg, socket_sendmsg)	/* struct socket *sock, struct msghdr *msg, int size */
{
	struct am_task *leader = am_leader_of(bpf_get_current_task_btf());

	if (!am_labels_of(leader))
		return 0;
	return send_checked(ctx);
}

AM_HOOK(am_connect, socket_connect, struct socket *sock, void *address, int addrlen)
{
	struct sock *sk = sock->sk;
	struct am_task *leader;

	leader = am_leader_of(bpf_get_current_task_btf());
	if (am_is_null(sk) || !am_labels_of(leader))
		return 0;
	/* Connecting a datagram or a Unix socket sends nothing; its sends are asked about. */
	if (sock->type == SOCK_DGRAM || sk->__sk_common.skc_family == AF_UNIX)
		return 0;
	return am_socket_send(sock, address, addrlen, AM_ACT_CONNECT, 0);
}
