// SPDX-License-Identifier: GPL-2.0
/* Roads off the host:
 *   socket_sendmsg   every send call of every family, io_uring's too
 *   socket_connect   so that a labelled task is refused before it says hello
 * Tasks without labels leave after one look-up. */
#include "net.h"

/* The busy hook keeps its context only, see file.bpf.c. */
AM_NOINLINE int send_checked(unsigned long long *ctx)
{
	struct socket *sock = (struct socket *)ctx[0];
	struct msghdr *msg = (struct msghdr *)ctx[1];
	struct am_object none = {};

	return am_socket_send(sock, msg->msg_name, msg->msg_namelen, &none, AM_ACT_SEND);
}

SEC("lsm/socket_sendmsg")	/* struct socket *sock, struct msghdr *msg, int size */
int am_sendmsg(unsigned long long *ctx)
{
	struct am_task *leader = am_leader_of(bpf_get_current_task_btf());

	if (!am_labels_of(leader))
		return 0;
	return send_checked(ctx);
}

SEC("lsm/socket_connect")
int BPF_PROG(am_connect, struct socket *sock, void *address, int addrlen, int ret)
{
	struct am_object none = {};
	struct sock *sk = sock->sk;
	struct am_task *leader;

	if (ret)
		return ret;
	leader = am_leader_of(bpf_get_current_task_btf());
	if (!sk || !am_labels_of(leader))
		return 0;
	/* Connecting a datagram or a Unix socket sends nothing; its sends are asked about. */
	if (sock->type == SOCK_DGRAM || sk->__sk_common.skc_family == AF_UNIX)
		return 0;
	return am_socket_send(sock, address, addrlen, &none, AM_ACT_CONNECT);
}
