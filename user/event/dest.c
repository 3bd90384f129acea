// SPDX-License-Identifier: GPL-2.0
#include "event/dest.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const char *family_name(unsigned family)
{
	switch (family) {
	case AF_UNIX:
		return "unix";
	case AF_NETLINK:
		return "netlink";
	case AF_PACKET:
		return "packet";
	case AF_VSOCK:
		return "vsock";
	case AF_ALG:
		return "alg";
	case AF_BLUETOOTH:
		return "bluetooth";
	case AF_CAN:
		return "can";
	case AF_TIPC:
		return "tipc";
	case AF_XDP:
		return "xdp";
	default:
		return NULL;
	}
}

const char *am_dest_proto_name(unsigned proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_ICMPV6:
		return "ipv6-icmp";
	case IPPROTO_SCTP:
		return "sctp";
	case IPPROTO_UDPLITE:
		return "udplite";
	case IPPROTO_DCCP:
		return "dccp";
	case IPPROTO_MPTCP:
		return "mptcp";
	default:
		return NULL;
	}
}

static bool in_zone(const struct am_event *e, unsigned zone)
{
	unsigned i;

	for (i = 0; i < e->zones.count && i < AM_ZONE_HITS; i++)
		if (e->zones.id[i] == zone)
			return true;
	return false;
}

static void name_dest(const struct am_event *e, struct am_dest *d)
{
	const char *family = family_name(e->family);

	d->local = e->family == AF_UNIX || in_zone(e, AM_ZONE_LOCAL) || in_zone(e, AM_ZONE_TERMINAL);
	if (in_zone(e, AM_ZONE_TERMINAL))
		snprintf(d->name, sizeof(d->name), "terminal");
	else if (family)
		snprintf(d->name, sizeof(d->name), "%s", family);
	else if (!e->family)	/* no socket: a disk, a tape, a serial line */
		snprintf(d->name, sizeof(d->name), "device");
	else
		snprintf(d->name, sizeof(d->name), "family %u", e->family);
}

static void address_dest(const struct am_event *e, struct am_dest *d)
{
	static const __u8 mapped[12] = { [10] = 0xff, [11] = 0xff };
	const char *proto = am_dest_proto_name(e->proto);

	/* A socket of family AF_INET6 that reaches an IPv4 address is IPv4 to a person. */
	if (memcmp(e->addr, mapped, sizeof(mapped)) == 0) {
		d->version = 4;
		inet_ntop(AF_INET, e->addr + sizeof(mapped), d->ip, sizeof(d->ip));
	} else {
		d->version = 6;
		inet_ntop(AF_INET6, e->addr, d->ip, sizeof(d->ip));
	}
	d->local = in_zone(e, AM_ZONE_LOOPBACK);
	if (proto)
		snprintf(d->proto, sizeof(d->proto), "%s", proto);
	else if (e->proto)
		snprintf(d->proto, sizeof(d->proto), "%u", e->proto);
}

void am_dest_of(const struct am_event *e, struct am_dest *ret)
{
	struct am_dest d = { 0 };

	if (e->family == AF_INET || e->family == AF_INET6)
		address_dest(e, &d);
	else
		name_dest(e, &d);
	*ret = d;
}

void am_dest_text(const struct am_event *e, char text[AM_DEST_TEXT])
{
	struct am_dest d;
	char port[8] = "";

	am_dest_of(e, &d);
	if (!d.version) {
		snprintf(text, AM_DEST_TEXT, "%s", d.name);
		return;
	}
	if (e->port)
		snprintf(port, sizeof(port), ":%u", e->port);
	snprintf(text, AM_DEST_TEXT, "%s%s%s%s%s%s", d.version == 6 ? "[" : "", d.ip,
		 d.version == 6 ? "]" : "", port, d.proto[0] ? "/" : "", d.proto);
}
