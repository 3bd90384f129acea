// SPDX-License-Identifier: GPL-2.0
#include "policy/ports.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/array.h"

void am_ports_done(struct am_ports *p)
{
	for (size_t k = 0; k < AM_PLACE_IMAGES; k++)
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

static int index_ports(struct am_ports *p, size_t k)
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
static const struct am_set *find_entry(const struct am_ports *p, size_t k, uint8_t proto,
				       uint16_t port)
{
	const struct am_image_fact wanted = { .key = { .value = AM_PORT(proto, port) } };
	const struct am_image_fact *key = &wanted;
	const struct am_image_fact **found = bsearch(&key, p->facts[k], p->n_facts[k],
						     sizeof(*p->facts[k]), by_value);

	return found ? &(*found)->set : NULL;
}

static const struct am_set *find_port(const struct am_ports *p, size_t k, uint8_t proto,
				      uint16_t port)
{
	const struct am_set *set = find_entry(p, k, proto, port);

	set = set ? set : find_entry(p, k, proto, 0);
	return set ? set : &p->images[k]->policy->unlisted[AM_FACT_PORT];
}

static bool is_listed(const struct am_ports *p, uint8_t proto, uint16_t port)
{
	for (size_t k = 0; k < p->n_images; k++)
		if (find_entry(p, k, proto, port))
			return true;
	return false;
}

static int add_port(struct am_ports *p, uint8_t proto, uint16_t port)
{
	struct am_port_cell new = { .proto = proto, .port = port };

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
static uint16_t other_port(const struct am_ports *p, uint8_t proto)
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
static uint8_t other_proto(const struct am_ports *p)
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
static int list_ports(struct am_ports *p)
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

int am_ports_list(struct am_ports *p)
{
	int err = 0;

	for (size_t k = 0; !err && k < p->n_images; k++)
		err = index_ports(p, k);
	return err ? err : list_ports(p);
}
