// SPDX-License-Identifier: GPL-2.0
#include "policy/place.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/array.h"
#include "policy/set.h"

enum { IMAGES = AM_COUNT(((struct am_place *)0)->zones) };

/* ---- networks: who lies in whom --------------------------------------------- */

/* A network of some image; of each image the entry that the kernel would find for an
 * address that lies in this network and in none within it. */
struct net {
	uint8_t addr[16];
	unsigned prefix;
	const struct am_zones *own[IMAGES], *zones[IMAGES];
};

struct nets {
	struct net *items;	/* owned; a network directly before all it holds */
	size_t count;
};

static void done_nets(struct nets *nets)
{
	free(nets->items);
}

static bool bit_at(const uint8_t addr[16], unsigned bit)
{
	return addr[bit / 8] >> (7 - bit % 8) & 1;
}

static bool holds(const struct net *outer, const uint8_t addr[16], unsigned prefix)
{
	unsigned bytes = outer->prefix / 8, bits = outer->prefix % 8;

	if (outer->prefix > prefix || memcmp(outer->addr, addr, bytes))
		return false;
	return !bits || !((outer->addr[bytes] ^ addr[bytes]) >> (8 - bits));
}

static int by_net(const void *a, const void *b)
{
	const struct net *x = a, *y = b;
	int order = memcmp(x->addr, y->addr, sizeof(x->addr));

	return order ? order : (int)x->prefix - (int)y->prefix;
}

static int collect_nets(const struct am_image *const *images, size_t n, struct nets *nets)
{
	struct net all = { .prefix = 0 };

	for (size_t i = 0; i < n; i++)
		all.own[i] = &images[i]->policy->zones_unlisted;
	if (AM_APPEND(nets->items, nets->count, all))
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < images[i]->n_nets; j++) {
			const struct am_image_net *from = &images[i]->nets[j];
			struct net net = { .prefix = from->key.prefixlen - 32 };

			memcpy(net.addr, from->key.addr, sizeof(net.addr));
			net.own[i] = &from->zones;
			if (AM_APPEND(nets->items, nets->count, net))
				return -ENOMEM;
		}
	}
	return 0;
}

static void merge_equal(struct nets *nets)
{
	size_t kept = 0;

	for (size_t i = 0; i < nets->count; i++) {
		struct net *last = kept ? &nets->items[kept - 1] : NULL;

		if (!last || by_net(last, &nets->items[i])) {
			nets->items[kept++] = nets->items[i];
			continue;
		}
		/* Of `::/0` both the network itself and what stands for all addresses. */
		for (size_t k = 0; k < IMAGES; k++)
			if (nets->items[i].own[k])
				last->own[k] = nets->items[i].own[k];
	}
	nets->count = kept;
}

/* The longest prefix wins: the network's own entry, or that of the one around it. */
static void find_entries(struct nets *nets)
{
	const struct net *chain[130];
	size_t depth = 0;

	for (size_t i = 0; i < nets->count; i++) {
		struct net *n = &nets->items[i];

		while (depth && !holds(chain[depth - 1], n->addr, n->prefix))
			depth--;
		for (size_t k = 0; k < IMAGES; k++)
			n->zones[k] = n->own[k] ? n->own[k] :
				      depth ? chain[depth - 1]->zones[k] : NULL;
		chain[depth++] = n;
	}
}

static int list_nets(const struct am_image *const *images, size_t n, struct nets *nets)
{
	int err = collect_nets(images, n, nets);

	if (err)
		return err;
	/* The one for all addresses is first and stays before an equal one: what an image
	 * says of `::/0` overrides it. */
	qsort(nets->items + 1, nets->count - 1, sizeof(*nets->items), by_net);
	merge_equal(nets);
	find_entries(nets);
	return 0;
}

/* ---- an address that lies in one network and in none within it -------------- */

/* An address of the block that none of nets [from, to) holds, all of them within it. */
static bool find_gap(const struct nets *nets, size_t from, size_t to, const uint8_t block[16],
		     unsigned prefix, uint8_t ret[16])
{
	uint8_t upper[16];
	size_t middle = from;

	if (from == to) {
		memcpy(ret, block, 16);
		if (prefix < 128)
			ret[15] |= 1;	/* 10.20.0.1 rather than 10.20.0.0 */
		return true;
	}
	if (nets->items[from].prefix == prefix)
		return false;
	memcpy(upper, block, sizeof(upper));
	upper[prefix / 8] |= 0x80 >> prefix % 8;
	while (middle < to && !bit_at(nets->items[middle].addr, prefix))
		middle++;
	return find_gap(nets, from, middle, block, prefix + 1, ret) ||
	       find_gap(nets, middle, to, upper, prefix + 1, ret);
}

static bool is_in_any(const struct nets *nets, size_t from, size_t to, const uint8_t addr[16])
{
	for (size_t i = from; i < to; i++)
		if (holds(&nets->items[i], addr, 128))
			return true;
	return false;
}

/* Of all the world, an address that people know as an example, if it can be one. */
static bool find_example(const struct nets *nets, size_t from, size_t to, uint8_t ret[16])
{
	static const uint8_t examples[][16] = {
		{ [10] = 0xff, 0xff, 203, 0, 113, 9 },
		{ 0x20, 0x01, 0x0d, 0xb8, [15] = 9 },
	};

	for (size_t i = 0; i < AM_COUNT(examples); i++) {
		if (is_in_any(nets, from, to, examples[i]))
			continue;
		memcpy(ret, examples[i], 16);
		return true;
	}
	return false;
}

static bool find_address(const struct nets *nets, size_t index, uint8_t ret[16])
{
	const struct net *n = &nets->items[index];
	size_t to = index + 1;

	while (to < nets->count && holds(n, nets->items[to].addr, nets->items[to].prefix))
		to++;
	return (!n->prefix && find_example(nets, index + 1, to, ret)) ||
	       find_gap(nets, index + 1, to, n->addr, n->prefix, ret);
}

/* ---- cells of addresses ----------------------------------------------------- */

struct cells {
	struct am_place *items;	/* owned */
	size_t count;
	size_t limit;		/* more are sorted out before more are added */
};

static void done_cells(struct cells *c)
{
	free(c->items);
}

static void set_zones(struct am_place *place, size_t image, const struct am_zones *zones,
		      const struct am_set *ports)
{
	struct am_set in = { { 1ULL << AM_ZONE_ANYWHERE } };
	struct am_zones kept = { .count = zones->count };

	for (unsigned i = 0; i < zones->count; i++) {
		if (ports && !am_set_has(ports, zones->id[i]))
			continue;	/* `anywhere` is left in its place, as in the kernel */
		kept.id[i] = zones->id[i];
		am_set_add(&in, zones->id[i]);
	}
	place->zones[image] = kept;
	place->in[image] = in;
}

static bool is_same_cell(const struct am_place *a, const struct am_place *b)
{
	return !memcmp(a->in, b->in, sizeof(a->in));
}

static int add_distinct(struct cells *c, const struct am_place *place)
{
	for (size_t i = 0; i < c->count; i++)
		if (is_same_cell(&c->items[i], place))
			return 0;
	return AM_APPEND(c->items, c->count, *place);
}

static int list_addresses(const struct am_image *const *images, size_t n, struct cells *ret)
{
	__attribute__((cleanup(done_nets))) struct nets nets = { 0 };
	int err;

	err = list_nets(images, n, &nets);
	for (size_t i = 0; !err && i < nets.count; i++) {
		struct am_place place = { .kind = AM_PLACE_NETWORK };

		if (!find_address(&nets, i, place.addr))
			continue;	/* others cover all of it */
		for (size_t k = 0; k < n; k++)
			set_zones(&place, k, nets.items[i].zones[k], NULL);
		err = add_distinct(ret, &place);
	}
	return err;
}

/* ---- cells of ports --------------------------------------------------------- */

struct port {
	uint8_t proto;
	uint16_t port;
	struct am_set zones[IMAGES];
};

struct ports {
	const struct am_image *const *images;
	size_t n_images;
	const struct am_image_fact **facts[IMAGES];	/* owned: those about ports, in order */
	size_t n_facts[IMAGES];
	struct port *items;	/* owned */
	size_t count;
};

static void done_ports(struct ports *p)
{
	for (size_t k = 0; k < IMAGES; k++)
		free(p->facts[k]);
	free(p->items);
}

static int by_value(const void *a, const void *b)
{
	const struct am_image_fact *const *x = a, *const *y = b;

	if ((*x)->key.value == (*y)->key.value)
		return 0;
	return (*x)->key.value < (*y)->key.value ? -1 : 1;
}

static int index_ports(struct ports *p, size_t k)
{
	const struct am_image *image = p->images[k];

	p->facts[k] = calloc(image->n_facts + 1, sizeof(*p->facts[k]));
	if (!p->facts[k])
		return -ENOMEM;
	for (size_t i = 0; i < image->n_facts; i++)
		if (image->facts[i].key.kind == AM_FACT_PORT)
			p->facts[k][p->n_facts[k]++] = &image->facts[i];
	qsort(p->facts[k], p->n_facts[k], sizeof(*p->facts[k]), by_value);
	return 0;
}

/* NULL if the image has no entry of its own for it. */
static const struct am_set *find_entry(const struct ports *p, size_t k, uint8_t proto,
				       uint16_t port)
{
	const struct am_image_fact wanted = { .key = { .value = AM_PORT(proto, port) } };
	const struct am_image_fact *key = &wanted;
	const struct am_image_fact **found = bsearch(&key, p->facts[k], p->n_facts[k],
						     sizeof(*p->facts[k]), by_value);

	return found ? &(*found)->set : NULL;
}

static const struct am_set *find_port(const struct ports *p, size_t k, uint8_t proto,
				      uint16_t port)
{
	const struct am_set *set = find_entry(p, k, proto, port);

	set = set ? set : find_entry(p, k, proto, 0);
	return set ? set : &p->images[k]->policy->unlisted[AM_FACT_PORT];
}

static bool is_listed(const struct ports *p, uint8_t proto, uint16_t port)
{
	for (size_t k = 0; k < p->n_images; k++)
		if (find_entry(p, k, proto, port))
			return true;
	return false;
}

static int add_port(struct ports *p, uint8_t proto, uint16_t port)
{
	struct port new = { .proto = proto, .port = port };

	for (size_t k = 0; k < p->n_images; k++)
		new.zones[k] = *find_port(p, k, proto, port);
	for (size_t i = 0; i < p->count; i++)
		if (!memcmp(p->items[i].zones, new.zones, sizeof(new.zones)))
			return 0;
	return AM_APPEND(p->items, p->count, new);
}

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
}

/* A port of the protocol for which there is no entry, and if all have one the last: that
 * is then a cell that there is already. */
static uint16_t other_port(const struct ports *p, uint8_t proto)
{
	static const uint16_t known[] = { 443, 80, 8080, 53 };
	unsigned port = 1024;

	if (!has_ports(proto))
		return 0;
	for (size_t i = 0; i < AM_COUNT(known); i++)
		if (!is_listed(p, proto, known[i]))
			return known[i];
	while (port < UINT16_MAX && is_listed(p, proto, port))
		port++;
	return port;
}

/* A protocol that no zone names. */
static uint8_t other_proto(const struct ports *p)
{
	static const uint8_t known[] = { IPPROTO_ICMP, IPPROTO_SCTP, IPPROTO_GRE };
	unsigned proto = 143;	/* from here on none has been given a meaning */

	for (size_t i = 0; i < AM_COUNT(known); i++)
		if (!is_listed(p, known[i], 0))
			return known[i];
	while (proto < UINT8_MAX && is_listed(p, proto, 0))
		proto++;
	return proto;
}

/* Every entry, and for each protocol what has none. */
static int list_ports(struct ports *p)
{
	int err = add_port(p, IPPROTO_TCP, other_port(p, IPPROTO_TCP));

	if (!err)
		err = add_port(p, IPPROTO_UDP, other_port(p, IPPROTO_UDP));
	for (size_t k = 0; k < p->n_images; k++) {
		for (size_t i = 0; !err && i < p->n_facts[k]; i++) {
			uint64_t value = p->facts[k][i]->key.value;
			uint8_t proto = value >> 16;
			uint16_t port = value;

			err = add_port(p, proto, port ? port : other_port(p, proto));
		}
	}
	return err ? err : add_port(p, other_proto(p), 0);
}

static int make_ports(struct ports *p)
{
	int err = 0;

	for (size_t k = 0; !err && k < p->n_images; k++)
		err = index_ports(p, k);
	return err ? err : list_ports(p);
}

/* ---- all cells -------------------------------------------------------------- */

static int by_cell(const void *a, const void *b)
{
	const struct am_place *x = a, *y = b;
	int order = memcmp(x->in, y->in, sizeof(x->in));

	if (order)
		return order;
	order = memcmp(x->addr, y->addr, sizeof(x->addr));
	if (order)
		return order;
	return x->proto != y->proto ? (int)x->proto - (int)y->proto : (int)x->port - (int)y->port;
}

static int by_address(const void *a, const void *b)
{
	const struct am_place *x = a, *y = b;
	int order = memcmp(x->addr, y->addr, sizeof(x->addr));

	if (order)
		return order;
	return x->proto != y->proto ? (int)x->proto - (int)y->proto : (int)x->port - (int)y->port;
}

static void sort_out(struct cells *c)
{
	size_t kept = 0;

	if (c->count)
		qsort(c->items, c->count, sizeof(*c->items), by_cell);
	for (size_t i = 0; i < c->count; i++)
		if (!kept || !is_same_cell(&c->items[kept - 1], &c->items[i]))
			c->items[kept++] = c->items[i];
	c->count = kept;
}

/* The room may have been for more items than are left, which AM_APPEND cannot know. */
static int add_cell(struct cells *c, const struct am_place *place)
{
	if (c->count == c->limit) {
		size_t limit;
		void *items;

		sort_out(c);
		limit = c->count < 1024 ? 2048 : c->count * 2;
		items = reallocarray(c->items, limit, sizeof(*c->items));
		if (!items)
			return -ENOMEM;
		c->items = items;
		c->limit = limit;
	}
	c->items[c->count++] = *place;
	return 0;
}

static int add_product(struct cells *c, const struct cells *addresses, const struct ports *ports,
		       size_t n)
{
	for (size_t i = 0; i < addresses->count; i++) {
		for (size_t j = 0; j < ports->count; j++) {
			struct am_place place = addresses->items[i];

			place.proto = ports->items[j].proto;
			place.port = ports->items[j].port;
			for (size_t k = 0; k < n; k++)
				set_zones(&place, k, &addresses->items[i].zones[k],
					  &ports->items[j].zones[k]);
			if (add_cell(c, &place))
				return -ENOMEM;
		}
	}
	sort_out(c);
	if (c->count)
		qsort(c->items, c->count, sizeof(*c->items), by_address);
	return 0;
}

static int add_without_address(struct cells *c, const struct am_image *const *images, size_t n)
{
	static const enum am_place_kind kinds[] = {
		AM_PLACE_LOCAL, AM_PLACE_TERMINAL, AM_PLACE_OTHER,
	};

	for (size_t i = 0; i < AM_COUNT(kinds); i++) {
		struct am_place place = { .kind = kinds[i] };

		am_place_zones(images, n, &place);
		if (add_cell(c, &place))
			return -ENOMEM;
	}
	return 0;
}

int am_places_list(const struct am_image *const *images, size_t n_images, struct am_place **ret,
		   size_t *ret_n)
{
	__attribute__((cleanup(done_cells))) struct cells addresses = { 0 }, cells = { 0 };
	__attribute__((cleanup(done_ports))) struct ports ports = { .images = images,
								    .n_images = n_images };
	int err;

	err = list_addresses(images, n_images, &addresses);
	if (!err)
		err = make_ports(&ports);
	if (!err)
		err = add_product(&cells, &addresses, &ports, n_images);
	if (!err)
		err = add_without_address(&cells, images, n_images);
	if (err)
		return err;
	*ret = AM_TAKE_PTR(cells.items);
	*ret_n = cells.count;
	return 0;
}

void am_place_zones(const struct am_image *const *images, size_t n_images, struct am_place *place)
{
	for (size_t k = 0; k < n_images; k++) {
		struct am_zones zones = { 0 };

		if (place->kind == AM_PLACE_NETWORK)
			am_image_zones(images[k], place->addr, place->proto, place->port, &zones);
		else if (place->kind != AM_PLACE_OTHER)
			zones = (struct am_zones){
				.count = 1,
				.id = { place->kind == AM_PLACE_LOCAL ? AM_ZONE_LOCAL
								      : AM_ZONE_TERMINAL },
			};
		set_zones(place, k, &zones, NULL);
	}
}
