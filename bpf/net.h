/* SPDX-License-Identifier: GPL-2.0 */
/* Where a send goes to, taken from what the kernel will really use. */
#pragma once

#include <asm/ptrace.h>
#include <asm/unistd_64.h>

#include "flow.h"

/* sendmmsg(2) asks nobody about a further message to the address of the one before: of all but
 * the last message it says that more may follow. */
enum { MSG_BATCH = 0x40000 };

AM_INLINE void am_dest_v4(struct am_dest *dest, __u32 v4, __u16 port)
{
	dest->family = AF_INET;
	dest->addr[10] = 0xff;
	dest->addr[11] = 0xff;
	__builtin_memcpy(&dest->addr[12], &v4, sizeof(v4));
	dest->port = __builtin_bswap16(port);
}

AM_INLINE void am_dest_name(struct am_dest *dest, const struct am_sockaddr *a, __u16 family)
{
	if (family == AF_INET) {
		am_dest_v4(dest, a->v4, a->port);
		return;
	}
	dest->family = AF_INET6;
	__builtin_memcpy(dest->addr, a->v6, sizeof(dest->addr));
	dest->port = __builtin_bswap16(a->port);
}

AM_INLINE void am_dest_peer(struct am_dest *dest, struct sock *sk)
{
	if (sk->__sk_common.skc_family == AF_INET) {
		am_dest_v4(dest, sk->__sk_common.skc_daddr, sk->__sk_common.skc_dport);
		return;
	}
	dest->family = AF_INET6;
	bpf_probe_read_kernel(dest->addr, sizeof(dest->addr), &sk->__sk_common.skc_v6_daddr);
	dest->port = __builtin_bswap16(sk->__sk_common.skc_dport);
}

/* TCP sends to its peer whatever the caller names; only a socket without a peer
 * (fast open) takes the name. Every other protocol takes the name first. */
AM_INLINE bool am_name_counts(struct sock *sk, __u32 proto)
{
	if (proto != IPPROTO_TCP)
		return true;
	return !sk->__sk_common.skc_dport;
}

/* The address family that an inet socket takes a name for; 0: it takes none. */
AM_INLINE __u16 am_name_family(struct sock *sk, __u16 named)
{
	if (named == AF_INET || named == AF_INET6)
		return named;
	/* UDP takes AF_UNSPEC for IPv4 on an IPv4 socket. */
	return sk->__sk_common.skc_family == AF_INET ? AF_INET : 0;
}

/* MPTCP is TCP, and UDP-Lite UDP, to whoever writes a zone. */
AM_INLINE __u32 am_proto_of(struct sock *sk)
{
	__u32 proto = sk->sk_protocol;

	if (proto == IPPROTO_MPTCP)
		return IPPROTO_TCP;
	return proto == IPPROTO_UDPLITE ? IPPROTO_UDP : proto;
}

AM_NOINLINE void am_dest_inet(struct am_dest *dest, struct sock *sk, const void *name, int len)
{
	struct am_sockaddr a = {};
	__u16 family;

	dest->proto = am_proto_of(sk);
	if (name && len >= 8 && am_name_counts(sk, dest->proto)) {
		if (len >= 24)
			bpf_probe_read_kernel(&a, 24, name);
		else
			bpf_probe_read_kernel(&a, 8, name);
		family = am_name_family(sk, a.family);
		if (family) {
			am_dest_name(dest, &a, family);
			return;
		}
	}
	am_dest_peer(dest, sk);
}

/* Messages to the kernel itself, such as route queries, leave no host. */
AM_INLINE bool am_to_kernel(struct sock *sk, const void *name)
{
	struct {
		__u16 family, pad;
		__u32 pid, groups;
	} a = {};

	if (sk->__sk_common.skc_family != AF_NETLINK || sk->sk_protocol == NETLINK_USERSOCK)
		return false;
	if (name)
		bpf_probe_read_kernel(&a, sizeof(a), name);
	return !a.pid && !a.groups;
}

/* Decides a send of labelled data through `sk` to `name`, or to its peer. `bytes`: as of am_send(). */
AM_NOINLINE int am_socket_send(struct socket *sock, const void *name, int len, __u32 act,
			       __u32 bytes)
{
	struct sock *sk = sock->sk;
	struct am_dest dest = {};
	int zone = -1;
	__u16 family;

	if (am_is_null(sk))
		return 0;
	family = sk->__sk_common.skc_family;
	if (family == AF_INET || family == AF_INET6) {
		am_dest_inet(&dest, sk, name, len);
		/* Who writes the headers himself decides where to, whatever he names. */
		if (sk->sk_type == SOCK_RAW)
			zone = AM_ZONE_ANYWHERE;
	} else {
		if (am_to_kernel(sk, name))
			return 0;
		dest.family = family;
		dest.proto = sk->sk_protocol;
		/* Packets, VM sockets and what else there is belong to no network
		 * that a zone can name: only `anywhere` takes them in. */
		zone = family == AF_UNIX || family == AF_NETLINK ? AM_ZONE_LOCAL : AM_ZONE_ANYWHERE;
	}
	return am_send(NULL, &dest, zone, act, bytes);
}

/* Of the calls that write. The numbers are those of 64 bits: in no other way does a call that
 * moves data have one of them. */
AM_INLINE bool am_is_write_call(void)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	__u64 call = regs->orig_rax;

	return call == __NR_write || call == __NR_writev || call == __NR_pwritev2;
}

/* What comes through the file of a socket. A write comes by socket_sendmsg too, and there it says
 * how much; so does all that is spliced since there is no sendpage (6.5, 2dc334f1a63a). Before,
 * nobody says. */
AM_INLINE __u32 am_bytes_by_file(void)
{
	if (!bpf_core_field_exists(struct proto_ops, sendpage) || am_is_write_call())
		return 0;
	return AM_CALL_UNSIZED;
}

/* sendfile and splice into a socket: on 6.1 the only hook that sees them. */
AM_INLINE int am_socket_write(struct file *file)
{
	struct am_task *leader = am_leader_of(bpf_get_current_task_btf());
	struct socket *sock;

	if (!am_labels_of(leader))
		return 0;
	sock = bpf_sock_from_file(file);
	return sock ? am_socket_send(sock, NULL, 0, AM_ACT_SPLICE, am_bytes_by_file()) : 0;
}
