// SPDX-License-Identifier: GPL-2.0
/* What an event names by number, in the terms of a policy. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "policy/inquiry.h"
#include "policy/reader.h"
#include "policy/set.h"

int am_view_label(const struct am_view *view, unsigned bit)
{
	const char *name = am_registry_label_name(view->registry, bit);

	return name ? am_model_find(view->model, AM_NAMED_LABEL, name) : -1;
}

int am_view_store(const struct am_view *view, uint32_t id)
{
	const char *name = id ? am_registry_store_name(view->registry, id) : NULL;

	return name ? am_model_find(view->model, AM_NAMED_STORE, name) : -1;
}

static bool in_zone(const struct am_event *e, unsigned zone)
{
	for (unsigned i = 0; i < e->zones.count && i < AM_ZONE_HITS; i++)
		if (e->zones.id[i] == zone)
			return true;
	return false;
}

static bool is_in_any(const struct am_event *e)
{
	for (unsigned i = 0; i < e->zones.count && i < AM_ZONE_HITS; i++)
		if (e->zones.id[i])
			return true;
	return false;
}

static enum am_place_kind kind_of(const struct am_event *e)
{
	if (in_zone(e, AM_ZONE_TERMINAL))
		return AM_PLACE_TERMINAL;
	if (e->family == AF_UNIX || in_zone(e, AM_ZONE_LOCAL))
		return AM_PLACE_LOCAL;
	if (e->family == AF_INET || e->family == AF_INET6)
		return AM_PLACE_NETWORK;
	return AM_PLACE_OTHER;
}

bool am_view_place(const struct am_view *view, const struct am_event *e, struct am_place *ret)
{
	const struct am_image *images[] = { view->space->images[0] };
	struct am_place place = { .kind = kind_of(e), .proto = e->proto, .port = e->port };

	if (e->op != AM_OP_SEND)
		return false;
	memcpy(place.addr, e->addr, sizeof(place.addr));
	am_place_zones(images, 1, &place);
	/* A raw socket has an address and is in no zone: what goes out is its own affair. */
	if (place.kind == AM_PLACE_NETWORK && e->generation == view->generation &&
	    !is_in_any(e) && am_set_count(&place.in[0]) > 1) {
		place.kind = AM_PLACE_OTHER;
		am_place_zones(images, 1, &place);
	}
	*ret = place;
	return true;
}
