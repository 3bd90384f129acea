// SPDX-License-Identifier: GPL-2.0
/* Zones as the kernel looks them up: a trie of networks, each with all zones whose
 * networks hold it, and for each port the zones that hold the port.
 *
 * IPv4 addresses are in the trie as ::ffff:a.b.c.d, below IPv6 prefixes such as ::/0
 * that nobody means to hold them. So the two families are kept apart: IPv4 networks
 * take over no zones from IPv6 ones, and ::ffff:0:0/96 is entered when one is around it. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/array.h"
#include "policy/compile.h"
#include "policy/reader.h"
#include "policy/set.h"

enum {
	V4_PREFIX = 96,
	/* Of two policies, while one follows the other, half the room of am_facts. */
	PORT_FACTS_MAX = 32768,
};

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

/* What an entry with the port 0 is about, for a protocol without ports too. */
enum { PORTS = UINT16_MAX + 1 };

/* Ports of one protocol that the same zones hold: from `first` to the next stretch. */
struct stretch {
	unsigned first;
	struct am_set zones;
};

struct stretches {
	struct stretch *items;	/* owned */
	size_t count;
};

static void done_stretches(struct stretches *s)
{
	free(s->items);
}

/* What a zone says of ICMP it says of ICMP for IPv6. */
static uint8_t proto_of_zones(uint8_t proto)
{
	return proto == IPPROTO_ICMPV6 ? IPPROTO_ICMP : proto;
}

/* Whether the zone holds the port; port 0 asks for every port of the protocol. */
static bool holds_port(const struct am_model_zone *z, uint8_t proto, unsigned port)
{
	for (size_t i = 0; i < z->n_ports; i++)
		if (z->ports[i].proto == proto_of_zones(proto) &&
		    (!z->ports[i].port || (port >= z->ports[i].port && port <= z->ports[i].last)))
			return true;
	return !z->n_ports;
}

static void fill_port_set(const struct am_model *m, uint8_t proto, unsigned port,
			  struct am_set *set)
{
	for (unsigned zone = 0; zone < AM_ZONE_FIRST_USER; zone++)
		am_set_add(set, zone);
	for (size_t i = 0; i < m->n_zones; i++)
		if (holds_port(&m->zones[i], proto, port))
			am_set_add(set, AM_ZONE_FIRST_USER + i);
}

static int by_first(const void *a, const void *b)
{
	const struct stretch *x = a, *y = b;

	return (int)x->first - (int)y->first;
}

static int add_cut(struct stretches *s, unsigned first)
{
	struct stretch new = { .first = first };

	return first < PORTS ? AM_APPEND(s->items, s->count, new) : 0;
}

/* Where a port or a range of some zone begins or ends, what holds may change. The first
 * stretch is port 0. */
static int find_stretches(const struct am_model *m, uint8_t proto, struct stretches *ret)
{
	int err = add_cut(ret, 0);
	size_t kept = 0;

	for (size_t i = 0; i < m->n_zones; i++) {
		for (size_t j = 0; !err && j < m->zones[i].n_ports; j++) {
			const struct am_model_port *p = &m->zones[i].ports[j];

			if (p->proto != proto_of_zones(proto) || !p->port)
				continue;
			err = add_cut(ret, p->port);
			if (!err)
				err = add_cut(ret, p->last + 1U);
		}
	}
	if (!err && ret->count > 1)
		err = add_cut(ret, 1);
	if (err)
		return err;
	qsort(ret->items, ret->count, sizeof(*ret->items), by_first);
	for (size_t i = 0; i < ret->count; i++)
		if (!kept || ret->items[i].first != ret->items[kept - 1].first)
			ret->items[kept++] = ret->items[i];
	ret->count = kept;
	for (size_t i = 0; i < kept; i++)
		fill_port_set(m, proto, ret->items[i].first, &ret->items[i].zones);
	return 0;
}

static unsigned end_of(const struct stretches *s, size_t i)
{
	return i + 1 < s->count ? s->items[i + 1].first : PORTS;
}

/* How many ports are not as `other` says. */
static size_t count_unlike(const struct stretches *s, const struct am_set *other)
{
	size_t n = 0;

	for (size_t i = 1; i < s->count; i++)
		if (memcmp(&s->items[i].zones, other, sizeof(*other)))
			n += end_of(s, i) - s->items[i].first;
	return n;
}

/* The set of all ports that have no entry of their own. As a rule that of the zones that
 * name the protocol as a whole, which is also right for what has no port; but where a wide
 * range would make too many entries, the set that leaves the fewest. */
static const struct am_set *common_zones(const struct stretches *s)
{
	const struct am_set *best = &s->items[0].zones;
	size_t fewest = count_unlike(s, best);

	if (fewest <= AM_PORTS_MAX)
		return best;
	for (size_t i = 1; i < s->count; i++) {
		size_t n = count_unlike(s, &s->items[i].zones);

		if (n >= fewest)
			continue;
		fewest = n;
		best = &s->items[i].zones;
	}
	return best;
}

static int add_port(struct am_compiler *c, uint8_t proto, unsigned port, const struct am_set *zones)
{
	struct am_image_fact fact = {
		.key = { .kind = AM_FACT_PORT, .value = AM_PORT(proto, port) },
		.set = *zones,
	};

	return AM_APPEND(c->image->facts, c->image->n_facts, fact);
}

static int fill_proto(struct am_compiler *c, uint8_t proto, size_t *entries)
{
	__attribute__((cleanup(done_stretches))) struct stretches s = { 0 };
	const struct am_set *common;
	int err = find_stretches(c->model, proto, &s);

	if (err)
		return err;
	common = common_zones(&s);
	*entries += count_unlike(&s, common) + 1;
	if (*entries > PORT_FACTS_MAX)
		return 0;
	if (memcmp(common, &c->image->policy->unlisted[AM_FACT_PORT], sizeof(*common)))
		err = add_port(c, proto, 0, common);
	for (size_t i = 1; i < s.count; i++) {
		if (!memcmp(&s.items[i].zones, common, sizeof(*common)))
			continue;
		for (unsigned port = s.items[i].first; !err && port < end_of(&s, i); port++)
			err = add_port(c, proto, port, &s.items[i].zones);
	}
	return err;
}

static int fill_ports(struct am_compiler *c)
{
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP,
					  IPPROTO_ICMPV6 };
	size_t entries = 0;
	int err = 0;

	/* No zone names protocol 0: what is left are those that name no port. */
	fill_port_set(c->model, 0, 0, &c->image->policy->unlisted[AM_FACT_PORT]);
	for (size_t i = 0; !err && i < AM_COUNT(protos); i++)
		err = fill_proto(c, protos[i], &entries);
	if (!err && entries > PORT_FACTS_MAX)
		am_diags_add(c->diags, AM_SEVERITY_ERROR, (struct am_pos){ .file = c->model->file },
			     "Let ranges overlap less, or name protocols as a whole.",
			     "the ranges of ports take more than %d entries", PORT_FACTS_MAX);
	return err;
}

int am_compile_zones(struct am_compiler *c)
{
	int err = fill_ports(c);

	return err ? err : fill_nets(c);
}
