// SPDX-License-Identifier: GPL-2.0
/* Zones as the kernel looks them up: a trie of networks, each with all zones whose
 * networks hold it, and for each port the zones that hold the port.
 *
 * IPv4 addresses are in the trie as ::ffff:a.b.c.d, below IPv6 prefixes such as ::/0
 * that nobody means to hold them. So the two families are kept apart: IPv4 networks
 * take over no zones from IPv6 ones, and ::ffff:0:0/96 is entered when one is around it. */
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "policy/compile.h"
#include "policy/reader.h"
#include "policy/set.h"

enum { V4_PREFIX = 96 };

static const uint8_t v4_net[16] = { [10] = 0xff, [11] = 0xff };
static const uint8_t v4_loopback[16] = { [10] = 0xff, [11] = 0xff, [12] = 127 };
static const uint8_t v6_loopback[16] = { [15] = 1 };

struct net {
	uint8_t addr[16];
	unsigned prefix;
	struct am_set zones;
	struct am_pos pos;
};

struct nets {
	struct net *items;	/* owned */
	size_t count;
};

static void done_nets(struct nets *n)
{
	free(n->items);
}

/* ---- networks --------------------------------------------------------------- */

static bool is_v4(const struct net *n)
{
	return n->prefix >= V4_PREFIX && !memcmp(n->addr, v4_net, V4_PREFIX / 8);
}

static bool holds(const struct net *outer, const uint8_t addr[16], unsigned prefix)
{
	unsigned bytes = outer->prefix / 8, bits = outer->prefix % 8;

	if (outer->prefix > prefix || memcmp(outer->addr, addr, bytes))
		return false;
	return !bits || !((outer->addr[bytes] ^ addr[bytes]) >> (8 - bits));
}

static int add_net(struct nets *nets, const uint8_t addr[16], unsigned prefix, int zone,
		   struct am_pos pos)
{
	struct net net = { .prefix = prefix, .pos = pos };

	memcpy(net.addr, addr, sizeof(net.addr));
	if (zone >= 0)
		am_set_add(&net.zones, zone);
	return AM_APPEND(nets->items, nets->count, net);
}

/* By family, address and prefix: a network directly before all it holds. */
static int by_net(const void *a, const void *b)
{
	const struct net *x = a, *y = b;
	int order;

	if (is_v4(x) != is_v4(y))
		return is_v4(x) ? -1 : 1;
	order = memcmp(x->addr, y->addr, sizeof(x->addr));
	return order ? order : (int)x->prefix - (int)y->prefix;
}

static void merge_equal(struct nets *nets)
{
	size_t kept = 0;

	for (size_t i = 0; i < nets->count; i++) {
		struct net *last = kept ? &nets->items[kept - 1] : NULL;

		if (last && !by_net(last, &nets->items[i]))
			am_set_join(&last->zones, &nets->items[i].zones);
		else
			nets->items[kept++] = nets->items[i];
	}
	nets->count = kept;
}

static int collect_nets(const struct am_model *m, struct nets *nets)
{
	struct am_pos nowhere = { .file = m->file };
	bool v6_around_v4 = false;
	int err;

	for (size_t i = 0; i < m->n_zones; i++) {
		for (size_t j = 0; j < m->zones[i].n_nets; j++) {
			const struct am_model_net *net = &m->zones[i].nets[j];

			err = add_net(nets, net->addr, net->prefix, AM_ZONE_FIRST_USER + i,
				      net->pos);
			if (err)
				return err;
			v6_around_v4 |= !is_v4(&nets->items[nets->count - 1]) &&
					holds(&nets->items[nets->count - 1], v4_net, V4_PREFIX);
		}
	}
	err = add_net(nets, v4_loopback, V4_PREFIX + 8, AM_ZONE_LOOPBACK, nowhere);
	if (!err)
		err = add_net(nets, v6_loopback, 128, AM_ZONE_LOOPBACK, nowhere);
	if (!err && v6_around_v4)
		err = add_net(nets, v4_net, V4_PREFIX, -1, nowhere);
	return err;
}

/* Gives each network the zones of those around it. The networks around the one at hand
 * are a chain, of at most 129; of IPv4 ones it holds none of IPv6, which come later. */
static void inherit_zones(struct nets *nets)
{
	const struct net *chain[130];
	size_t depth = 0;

	for (size_t i = 0; i < nets->count; i++) {
		struct net *n = &nets->items[i];

		while (depth && !holds(chain[depth - 1], n->addr, n->prefix))
			depth--;
		if (depth)
			am_set_join(&n->zones, &chain[depth - 1]->zones);
		chain[depth++] = n;
	}
}

/* False if there are too many. */
static bool list_zones(const struct am_set *set, struct am_zones *ret)
{
	struct am_zones zones = { 0 };

	if (am_set_count(set) > AM_ZONE_HITS)
		return false;
	for (unsigned zone = 0; zone < AM_ZONES_MAX; zone++)
		if (am_set_has(set, zone))
			zones.id[zones.count++] = zone;
	*ret = zones;
	return true;
}

static int add_entry(struct am_compiler *c, struct net *n, const struct am_set *everywhere)
{
	struct am_image_net entry = { .key = { .prefixlen = 32 + n->prefix } };
	char text[64];

	am_set_join(&n->zones, everywhere);
	memcpy(entry.key.addr, n->addr, sizeof(entry.key.addr));
	if (list_zones(&n->zones, &entry.zones))
		return AM_APPEND(c->image->nets, c->image->n_nets, entry);

	am_net_format(n->addr, n->prefix, text, sizeof(text));
	am_diags_add(c->diags, AM_SEVERITY_ERROR, n->pos,
		     "Merge zones that the same rules speak of.",
		     "the network %s lies in %u zones, more than %d", text,
		     am_set_count(&n->zones), AM_ZONE_HITS);
	return 0;
}

static int fill_nets(struct am_compiler *c)
{
	__attribute__((cleanup(done_nets))) struct nets nets = { 0 };
	const struct am_model *m = c->model;
	struct am_set everywhere = { { 0 } };
	int err;

	for (size_t i = 0; i < m->n_zones; i++)
		if (!m->zones[i].n_nets)
			am_set_add(&everywhere, AM_ZONE_FIRST_USER + i);
	if (!list_zones(&everywhere, &c->image->policy->zones_unlisted)) {
		am_diags_add(c->diags, AM_SEVERITY_ERROR, (struct am_pos){ .file = m->file },
			     "Give them networks, or merge those that the same rules speak of.",
			     "%u zones name no network, more than %d", am_set_count(&everywhere),
			     AM_ZONE_HITS);
		return 0;
	}
	err = collect_nets(m, &nets);
	if (err)
		return err;
	qsort(nets.items, nets.count, sizeof(*nets.items), by_net);
	merge_equal(&nets);
	inherit_zones(&nets);
	for (size_t i = 0; i < nets.count; i++) {
		err = add_entry(c, &nets.items[i], &everywhere);
		if (err)
			return err;
	}
	return 0;
}

/* ---- ports ------------------------------------------------------------------ */

/* Whether the zone holds the port; port 0 asks for every port of the protocol. */
static bool holds_port(const struct am_model_zone *z, uint8_t proto, uint16_t port)
{
	for (size_t i = 0; i < z->n_ports; i++)
		if (z->ports[i].proto == proto &&
		    (!z->ports[i].port || z->ports[i].port == port))
			return true;
	return !z->n_ports;
}

static void fill_port_set(const struct am_model *m, uint8_t proto, uint16_t port,
			  struct am_set *set)
{
	for (unsigned zone = 0; zone < AM_ZONE_FIRST_USER; zone++)
		am_set_add(set, zone);
	for (size_t i = 0; i < m->n_zones; i++)
		if (holds_port(&m->zones[i], proto, port))
			am_set_add(set, AM_ZONE_FIRST_USER + i);
}

static int fill_ports(struct am_compiler *c)
{
	const struct am_model *m = c->model;

	/* No zone names a port of protocol 0: what is left are those that name none. */
	fill_port_set(m, 0, 0, &c->image->policy->unlisted[AM_FACT_PORT]);
	for (size_t i = 0; i < m->n_zones; i++) {
		for (size_t j = 0; j < m->zones[i].n_ports; j++) {
			const struct am_model_port *p = &m->zones[i].ports[j];
			struct am_set set = { { 0 } };

			fill_port_set(m, p->proto, p->port, &set);
			if (!am_compile_fact(c, AM_FACT_PORT, AM_PORT(p->proto, p->port), &set))
				return -ENOMEM;
		}
	}
	return 0;
}

int am_compile_zones(struct am_compiler *c)
{
	int err = fill_ports(c);

	return err ? err : fill_nets(c);
}
