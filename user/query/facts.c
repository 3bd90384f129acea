// SPDX-License-Identifier: GPL-2.0
#include "query/facts.h"

#include <string.h>
#include <sys/socket.h>

#include "query/recorded.h"

bool am_facts_is_decision(const struct am_row *row)
{
	unsigned kind = row->deed.kind;

	return (kind == AM_EVENT_ACCESS || kind == AM_EVENT_SEND || kind == AM_EVENT_SPILL) &&
	       row->deed.op > AM_OP_INVALID && row->deed.op < AM_OP_MAX_ &&
	       (row->deed.verdict == AM_VERDICT_ALLOW || row->deed.verdict == AM_VERDICT_DENY);
}

bool am_facts_came_late(const struct am_row *row)
{
	unsigned act = row->deed.act;

	return !(row->deed.flags & AM_EVENT_BLOCKED) && !row->object.store_id &&
	       row->deed.op != AM_OP_SEND &&
	       (act == AM_ACT_READ || act == AM_ACT_TEE || act == AM_ACT_QUEUE || act == AM_ACT_CORE);
}

int am_facts_store(const struct am_row *row, const struct am_model *model)
{
	size_t i;

	for (i = 0; row->object.store && *row->object.store && i < model->n_stores; i++)
		if (!strcmp(model->stores[i].name, row->object.store))
			return (int)i;
	return -1;
}

static uint64_t label_named(const struct am_model *model, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < model->n_labels; i++)
		if (strlen(model->labels[i].name) == len &&
		    !memcmp(model->labels[i].name, name, len))
			return 1ULL << i;
	return 0;
}

bool am_facts_labels(const struct am_row *row, const struct am_model *model, uint64_t *ret)
{
	const char *at = row->deed.label_names ? row->deed.label_names : "";
	int names = 0;

	*ret = 0;
	for (; *at; at += *at == ',') {
		size_t len = strcspn(at, ",");

		*ret |= label_named(model, at, len);
		names++;
		at += len;
	}
	return names == __builtin_popcountll(row->deed.labels);
}

bool am_facts_are_whole(const struct am_row *row)
{
	return row->deed.flags & AM_EVENT_FACTS;
}

bool am_facts_is_itself(const struct am_row *row)
{
	return !(row->deed.flags & (AM_EVENT_FOREIGN_CODE | AM_EVENT_TRACED));
}

int am_facts_purpose(const struct am_row *row, const struct am_model *model)
{
	size_t i;

	for (i = 0; row->actor.purpose && *row->actor.purpose && i < model->n_purposes; i++)
		if (!strcmp(model->purposes[i].name, row->actor.purpose))
			return (int)i;
	return -1;
}

void am_facts_zones(const struct am_row *row, struct am_zones *ret)
{
	const uint64_t words[] = { row->dest.zones_low, row->dest.zones_high };

	_Static_assert(sizeof(*ret) == sizeof(words), "zones are two words");
	memcpy(ret, words, sizeof(*ret));
}

void am_facts_bits(const struct am_row *row, struct am_set *ret)
{
	memcpy(ret->w, row->actor.bits, sizeof(ret->w));
}

/* Zones that every policy has tell what no address does. */
static bool in_zone(const struct am_row *row, unsigned zone)
{
	struct am_zones zones;
	unsigned i;

	am_facts_zones(row, &zones);
	for (i = 0; i < zones.count && i < AM_ZONE_HITS; i++)
		if (zones.id[i] == zone)
			return true;
	return false;
}

static enum am_place_kind kind_of(const struct am_row *row)
{
	if (in_zone(row, AM_ZONE_TERMINAL))
		return AM_PLACE_TERMINAL;
	if (row->dest.family == AF_UNIX || in_zone(row, AM_ZONE_LOCAL))
		return AM_PLACE_LOCAL;
	if (row->dest.family == AF_INET || row->dest.family == AF_INET6)
		return AM_PLACE_NETWORK;
	return AM_PLACE_OTHER;
}

void am_facts_place(const struct am_row *row, const struct am_space *space, struct am_place *ret)
{
	*ret = (struct am_place){
		.kind = kind_of(row),
		.proto = (uint8_t)row->dest.proto,
		.port = (uint16_t)row->dest.port,
	};
	am_recorded_addr(&row->dest, ret->addr);
	am_place_zones((const struct am_image *const *)space->images, space->n_policies, ret);
}
