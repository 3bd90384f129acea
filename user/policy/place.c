// SPDX-License-Identifier: GPL-2.0
#include "policy/place.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "policy/ports.h"
#include "policy/set.h"

/* ---- networks: who lies in whom --------------------------------------------- */

/* A network of some image; of each image the entry that the kernel would find for an
 * address that lies in this network and in none within it. */
struct net {
	uint8_t addr[16];
	unsigned prefix;
	const struct am_zones *own[AM_PLACE_IMAGES], *zones[AM_PLACE_IMAGES];
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
		for (size_t k = 0; k < AM_PLACE_IMAGES; k++)
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
		for (size_t k = 0; k < AM_PLACE_IMAGES; k++)
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

/* ---- all cells -------------------------------------------------------------- */

/* IPv4 first, then what people know best. */
static int by_preference(const void *a, const void *b)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const struct am_place *x = a, *y = b;
	bool v4 = !memcmp(x->addr, mapped, sizeof(mapped));
	int order;

	if (v4 != !memcmp(y->addr, mapped, sizeof(mapped)))
		return v4 ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	order = memcmp(x->addr, y->addr, sizeof(x->addr));
	if (order)
		return order;
	return x->proto != y->proto ? (int)x->proto - (int)y->proto : (int)x->port - (int)y->port;
}

static int by_cell(const void *a, const void *b)
{
	const struct am_place *x = a, *y = b;
	int order = memcmp(x->in, y->in, sizeof(x->in));

	return order ? order : by_preference(a, b);
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

static int add_product(struct cells *c, const struct cells *addresses, const struct am_ports *ports,
		       size_t n)
{
	for (size_t i = 0; i < addresses->count; i++) {
		for (size_t j = 0; j < ports->count; j++) {
			struct am_place place = addresses->items[i];

			place.proto = ports->items[j].proto;
			place.port = ports->items[j].port;
			place.rank = j;
			for (size_t k = 0; k < n; k++)
				set_zones(&place, k, &addresses->items[i].zones[k],
					  &ports->items[j].zones[k]);
			if (add_cell(c, &place))
				return -ENOMEM;
		}
	}
	sort_out(c);
	if (c->count)
		qsort(c->items, c->count, sizeof(*c->items), by_preference);
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
	__attribute__((cleanup(am_ports_done))) struct am_ports ports = { .images = images,
									  .n_images = n_images };
	int err;

	err = list_addresses(images, n_images, &addresses);
	if (!err)
		err = am_ports_list(&ports);
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
