// SPDX-License-Identifier: GPL-2.0
/* Grouped so that a zone holds exactly what was seen: destinations of one subject and the same
 * labels that have the same port make a zone; ports that were seen at the same addresses share
 * one. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/array.h"
#include "policy/lesson.h"
#include "policy/reader.h"
#include "policy/set.h"

enum {
	/* A zone of the policy that is no wider than a site's network is what its author
	 * would name; a wider one would be `anywhere` by another name. */
	NARROW_V4 = 96 + 16,
	NARROW_V6 = 48,
};

bool am_learn_has_port(const struct am_place *p)
{
	switch (p->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		return p->port;
	default:
		return p->proto == IPPROTO_ICMP || p->proto == IPPROTO_ICMPV6;
	}
}

static bool is_v4(const uint8_t addr[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(addr, mapped, sizeof(mapped));
}

static bool is_narrow(const struct am_model_zone *z)
{
	for (size_t i = 0; i < z->n_nets; i++)
		if (z->nets[i].prefix < (is_v4(z->nets[i].addr) ? NARROW_V4 : NARROW_V6))
			return false;
	return z->n_nets && z->n_ports;
}

static int known_zone(const struct am_view *view, const struct am_place *p)
{
	if (p->kind == AM_PLACE_LOCAL)
		return AM_ZONE_LOCAL;
	for (size_t i = 0; i < view->model->n_zones; i++)
		if (am_set_has(&p->in[0], AM_ZONE_FIRST_USER + i) &&
		    is_narrow(&view->model->zones[i]))
			return AM_ZONE_FIRST_USER + i;
	return -1;
}

/* ---- new ones --------------------------------------------------------------------- */

static struct am_model_port port_of(const struct am_place *p)
{
	struct am_model_port port = { .proto = p->proto, .port = p->port, .last = p->port };

	if (p->proto == IPPROTO_ICMP || p->proto == IPPROTO_ICMPV6)
		port = (struct am_model_port){ .proto = IPPROTO_ICMP };
	return port;
}

static bool is_same_port(const struct am_model_port *a, const struct am_model_port *b)
{
	return a->proto == b->proto && a->port == b->port;
}

static bool belongs(const struct am_lesson_grant *g, const struct am_lesson_grant *like)
{
	struct am_model_port a = port_of(&g->place), b = port_of(&like->place);

	return g->op == AM_OP_SEND && g->zone < 0 && g->subject == like->subject &&
	       g->labels == like->labels && is_same_port(&a, &b);
}

static int by_address(const void *a, const void *b)
{
	return memcmp(((const struct am_place *)a)->addr, ((const struct am_place *)b)->addr, 16);
}

/* The addresses of those that are like it. */
static int list_places(const struct am_lesson *l, const struct am_lesson_grant *like,
		       struct am_lesson_zone *zone)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n_grants; i++)
		if (belongs(&l->grants[i], like) &&
		    AM_APPEND(zone->places, zone->n_places, l->grants[i].place))
			return -ENOMEM;
	qsort(zone->places, zone->n_places, sizeof(*zone->places), by_address);
	for (size_t i = 0; i < zone->n_places; i++)
		if (!kept || by_address(&zone->places[kept - 1], &zone->places[i]))
			zone->places[kept++] = zone->places[i];
	zone->n_places = kept;
	return 0;
}

static bool has_places(const struct am_lesson_zone *a, const struct am_lesson_zone *b)
{
	if (a->n_places != b->n_places)
		return false;
	for (size_t i = 0; i < a->n_places; i++)
		if (by_address(&a->places[i], &b->places[i]))
			return false;
	return true;
}

/* One at the same addresses for the same subject and labels; n_zones: none. */
static size_t find_sibling(const struct am_lesson *l, const struct am_lesson_zone *zone)
{
	size_t i;

	for (i = 0; i < l->n_zones; i++)
		if (l->zones[i].subject == zone->subject && l->zones[i].labels == zone->labels &&
		    has_places(&l->zones[i], zone))
			break;
	return i;
}

static void assign(struct am_lesson *l, const struct am_lesson_grant *like, size_t zone)
{
	const struct am_lesson_grant first = *like;

	for (size_t i = 0; i < l->n_grants; i++)
		if (belongs(&l->grants[i], &first))
			l->grants[i].new_zone = zone;
}

static int add_zone(struct am_lesson *l, const struct am_lesson_grant *like)
{
	struct am_lesson_zone zone = { .subject = like->subject, .labels = like->labels };
	struct am_model_port port = port_of(&like->place);
	size_t at;
	int r = list_places(l, like, &zone);

	at = find_sibling(l, &zone);
	if (!r && at == l->n_zones)
		r = AM_APPEND(l->zones, l->n_zones, zone);
	else
		free(AM_TAKE_PTR(zone.places));
	if (r) {
		free(zone.places);
		return r;
	}
	r = AM_APPEND(l->zones[at].ports, l->zones[at].n_ports, port);
	if (!r)
		assign(l, like, at);
	return r;
}

static bool is_first(const struct am_lesson *l, size_t grant)
{
	for (size_t i = 0; i < grant; i++)
		if (belongs(&l->grants[i], &l->grants[grant]))
			return false;
	return true;
}

/* ---- shared by subjects -------------------------------------------------------------- */

static bool is_same_zone(const struct am_lesson_zone *a, const struct am_lesson_zone *b)
{
	if (!has_places(a, b) || a->n_ports != b->n_ports)
		return false;
	for (size_t i = 0; i < a->n_ports; i++) {
		bool found = false;

		for (size_t j = 0; j < b->n_ports; j++)
			found |= is_same_port(&a->ports[i], &b->ports[j]);
		if (!found)
			return false;
	}
	return true;
}

static void share_zones(struct am_lesson *l)
{
	for (size_t i = 0; i < l->n_grants; i++) {
		struct am_lesson_grant *g = &l->grants[i];

		for (size_t j = 0; g->op == AM_OP_SEND && g->zone < 0 && j < g->new_zone; j++)
			if (is_same_zone(&l->zones[j], &l->zones[g->new_zone]))
				g->new_zone = j;
	}
}

static int name_zones(struct am_lesson *l)
{
	int r = 0;

	for (size_t i = 0; !r && i < l->n_zones; i++) {
		struct am_lesson_zone *z = &l->zones[i];
		const char *proto = am_proto_name(z->ports[0].proto);
		char wish[128];

		snprintf(wish, sizeof(wish), "%.32s-%s-%u", l->subjects[z->subject].name,
			 proto ? proto : "net", z->ports[0].port);
		r = am_lesson_name(l, wish, &z->name);
	}
	return r;
}

int am_learn_zones(struct am_lesson *l)
{
	int r = 0;

	for (size_t i = 0; i < l->n_grants; i++)
		if (l->grants[i].op == AM_OP_SEND)
			l->grants[i].zone = known_zone(l->view, &l->grants[i].place);
	for (size_t i = 0; !r && i < l->n_grants; i++) {
		struct am_lesson_grant *g = &l->grants[i];

		if (g->op == AM_OP_SEND && g->zone < 0 && is_first(l, i))
			r = add_zone(l, g);
	}
	share_zones(l);
	return r ? r : name_zones(l);
}
