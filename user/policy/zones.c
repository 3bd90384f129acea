// SPDX-License-Identifier: GPL-2.0
/* The section `zones`. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "policy/reader.h"

enum {
	MAPPED_BITS = 96,	/* of an IPv6 address, before the IPv4 one it holds */
	ADDRESS_LEN = 64,
};

/* ---- networks --------------------------------------------------------------- */

static bool is_mapped(const uint8_t addr[16])
{
	static const uint8_t prefix[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	return !memcmp(addr, prefix, sizeof(prefix));
}

/* Digits only, no leading zero: what inet_pton() is to addresses. */
static int parse_number(const char *text, unsigned long max, unsigned long *ret)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long n;

	if (!digits || digits > 5 || text[digits] || (digits > 1 && text[0] == '0'))
		return -EINVAL;
	n = strtoul(text, NULL, 10);
	if (n > max)
		return -EINVAL;
	*ret = n;
	return 0;
}

/* "10.0.0.0/8", "fd00::/8", or one address of either kind. */
static int parse_net(const char *text, struct am_model_net *ret)
{
	char addr[ADDRESS_LEN];
	const char *slash = strchrnul(text, '/');
	struct am_model_net net = { 0 };
	unsigned long prefix;
	bool v4;

	if ((size_t)(slash - text) >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, slash - text);
	addr[slash - text] = '\0';

	v4 = strchr(addr, ':') == NULL;
	if (v4)
		net.addr[10] = net.addr[11] = 0xff;
	if (inet_pton(v4 ? AF_INET : AF_INET6, addr, v4 ? net.addr + 12 : net.addr) != 1)
		return -EINVAL;
	prefix = v4 ? 32 : 128;
	if (*slash && parse_number(slash + 1, prefix, &prefix))
		return -EINVAL;
	net.prefix = prefix + (v4 ? MAPPED_BITS : 0);
	*ret = net;
	return 0;
}

/* Clears the bits beyond the prefix; whether there were any. */
static bool mask_net(struct am_model_net *net)
{
	bool changed = false;

	for (unsigned i = 0; i < 16; i++) {
		unsigned bits = net->prefix > 8 * i ? net->prefix - 8 * i : 0;
		uint8_t mask = bits >= 8 ? 0xff : 0xff00 >> bits;

		changed |= net->addr[i] & ~mask;
		net->addr[i] &= mask;
	}
	return changed;
}

void am_net_format(const uint8_t addr[16], unsigned prefix, char *buf, size_t size)
{
	bool v4 = is_mapped(addr) && prefix >= MAPPED_BITS;
	char text[INET6_ADDRSTRLEN] = "?";

	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? addr + 12 : addr, text, sizeof(text));
	snprintf(buf, size, "%s/%u", text, prefix - (v4 ? MAPPED_BITS : 0));
}

/* Errors about a network that can be read; true if there are none. */
static bool check_net(struct am_reader *r, const struct am_node *node, bool v4,
		      struct am_model_net *net)
{
	char masked[ADDRESS_LEN], hint[3 * ADDRESS_LEN];

	if (!v4 && net->prefix >= MAPPED_BITS && is_mapped(net->addr)) {
		am_reader_error(r, node->pos, "Write it as an IPv4 network, such as 10.0.0.0/8.",
				"'%.64s' is an IPv4 network in IPv6 clothes", node->text);
		return false;
	}
	if (!mask_net(net))
		return true;
	am_net_format(net->addr, net->prefix, masked, sizeof(masked));
	snprintf(hint, sizeof(hint), "Write %s for the network.", masked);
	am_reader_error(r, node->pos, hint, "'%.64s' has bits set beyond its prefix", node->text);
	return false;
}

static bool has_net(const struct am_model_zone *z, const struct am_model_net *net)
{
	for (size_t i = 0; i < z->n_nets; i++)
		if (z->nets[i].prefix == net->prefix &&
		    !memcmp(z->nets[i].addr, net->addr, sizeof(net->addr)))
			return true;
	return false;
}

static const char nets_hint[] = "Write the networks as a list, such as [10.20.0.0/16, "
				"\"fd00:20::/64\"], or any.";

static int read_net(struct am_reader *r, const struct am_node *node, void *into)
{
	struct am_model_zone *z = into;
	struct am_model_net net;

	if (!am_reader_expects(r, node, AM_NODE_TEXT, "a network", nets_hint))
		return 0;
	if (parse_net(node->text, &net)) {
		am_reader_error(r, node->pos, nets_hint, "'%.64s' is not a network", node->text);
		return 0;
	}
	if (!check_net(r, node, !strchr(node->text, ':'), &net))
		return 0;
	if (has_net(z, &net)) {
		am_reader_error(r, node->pos, "Keep one of the two.",
				"the zone has the network '%.64s' twice", node->text);
		return 0;
	}
	if (r->model->n_nets == AM_NETS_MAX) {
		am_reader_error(r, node->pos, "Name a wider network that holds several of them.",
				"a policy has at most %d networks", AM_NETS_MAX);
		return 0;
	}
	net.pos = node->pos;
	r->model->n_nets++;
	return AM_APPEND(z->nets, z->n_nets, net);
}

static bool is_any(const struct am_node *node)
{
	if (node->kind == AM_NODE_LIST && node->n_items == 1)
		node = node->items[0];
	return node->kind == AM_NODE_TEXT && !strcmp(node->text, "any");
}

static int read_cidr(struct am_reader *r, const struct am_node *node, void *into)
{
	if (is_any(node))
		return 0;
	if (node->kind == AM_NODE_LIST && !node->n_items)
		am_reader_error(r, node->pos, nets_hint, "the list of networks is empty");
	return am_reader_list(r, node, "a list of networks", nets_hint, read_net, into);
}

/* ---- ports ------------------------------------------------------------------ */

static const char ports_hint[] = "Write the ports as a list, such as [tcp/5432, tcp/8000-8099, "
				 "udp, icmp], or any.";

static const struct {
	const char *name;
	uint8_t number;
	bool has_ports;
} protos[] = {
	{ "tcp", IPPROTO_TCP, true },
	{ "udp", IPPROTO_UDP, true },
	{ "sctp", IPPROTO_SCTP, true },
	{ "icmp", IPPROTO_ICMP, false },
};

const char *am_proto_name(uint8_t proto)
{
	for (size_t i = 0; i < AM_COUNT(protos); i++)
		if (protos[i].number == proto)
			return protos[i].name;
	return NULL;
}

/* "80" or "8000-8099". */
static int parse_range(const char *text, struct am_model_port *ret)
{
	const char *dash = strchr(text, '-');
	unsigned long first, last;
	char number[8];

	if (!dash) {
		if (parse_number(text, UINT16_MAX, &first) || !first)
			return -EINVAL;
		ret->port = ret->last = first;
		return 0;
	}
	if ((size_t)(dash - text) >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, dash - text);
	number[dash - text] = '\0';
	if (parse_number(number, UINT16_MAX, &first) || !first ||
	    parse_number(dash + 1, UINT16_MAX, &last) || last <= first)
		return -EINVAL;
	ret->port = first;
	ret->last = last;
	return 0;
}

static int parse_port(const char *text, struct am_model_port *ret)
{
	const char *slash = strchrnul(text, '/');

	for (size_t i = 0; i < AM_COUNT(protos); i++) {
		if (strncmp(protos[i].name, text, slash - text) ||
		    protos[i].name[slash - text])
			continue;
		ret->proto = protos[i].number;
		if (!*slash)
			return 0;
		return protos[i].has_ports ? parse_range(slash + 1, ret) : -EINVAL;
	}
	return -EINVAL;
}

static bool has_port(const struct am_model_zone *z, const struct am_model_port *port)
{
	for (size_t i = 0; i < z->n_ports; i++)
		if (z->ports[i].proto == port->proto && z->ports[i].port == port->port &&
		    z->ports[i].last == port->last)
			return true;
	return false;
}

static int read_port(struct am_reader *r, const struct am_node *node, void *into)
{
	struct am_model_zone *z = into;
	struct am_model_port port = { 0 };

	if (!am_reader_expects(r, node, AM_NODE_TEXT, "a port", ports_hint))
		return 0;
	if (parse_port(node->text, &port)) {
		am_reader_error(r, node->pos, ports_hint, "'%.64s' is not a port", node->text);
		return 0;
	}
	if (has_port(z, &port)) {
		am_reader_error(r, node->pos, "Keep one of the two.",
				"the zone has the port '%.64s' twice", node->text);
		return 0;
	}
	if (r->model->n_ports == AM_PORTS_MAX) {
		am_reader_error(r, node->pos, "Name the protocol alone, for all of its ports.",
				"a policy has at most %d ports", AM_PORTS_MAX);
		return 0;
	}
	r->model->n_ports++;
	return AM_APPEND(z->ports, z->n_ports, port);
}

static int read_ports(struct am_reader *r, const struct am_node *node, void *into)
{
	if (is_any(node))
		return 0;
	if (node->kind == AM_NODE_LIST && !node->n_items)
		am_reader_error(r, node->pos, ports_hint, "the list of ports is empty");
	return am_reader_list(r, node, "a list of ports", ports_hint, read_port, into);
}

/* ---- a zone ----------------------------------------------------------------- */

static const struct am_key zone_keys[] = {
	{ "cidr", read_cidr, NULL },
	{ "ports", read_ports, NULL },
};

int am_read_zone(struct am_reader *r, const struct am_node *key, const struct am_node *value)
{
	struct am_model *m = r->model;
	struct am_model_zone zone = { .pos = key->pos };
	int err;

	if (!am_reader_may_add(r, key, AM_NAMED_ZONE, AM_ZONES_MAX - AM_ZONE_FIRST_USER))
		return 0;
	zone.name = strdup(key->text);
	if (!zone.name)
		return -ENOMEM;
	err = AM_APPEND(m->zones, m->n_zones, zone);
	if (err) {
		free(zone.name);
		return err;
	}
	if (!am_reader_expects(r, value, AM_NODE_MAP, "the keys of a zone",
			       "Give the zone cidr or ports, indented below its name."))
		return 0;
	if (!value->n_items)
		am_reader_error(r, value->pos,
				"Give it cidr or ports; every destination is the zone anywhere.",
				"the zone names neither networks nor ports");
	return am_reader_keys(r, value, "a zone", zone_keys, AM_COUNT(zone_keys),
			      &m->zones[m->n_zones - 1]);
}
