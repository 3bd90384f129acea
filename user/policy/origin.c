// SPDX-License-Identifier: GPL-2.0
#include "policy/origin.h"

#include <string.h>

static const char *const sources[AM_SOURCE_MAX_] = {
	[AM_SOURCE_INVALID] = "?",
	[AM_SOURCE_FILE] = "file",
	[AM_SOURCE_BUNDLE] = "bundle",
};

static const char *const roads[AM_ROAD_MAX_] = {
	[AM_ROAD_INVALID] = "?",
	[AM_ROAD_START] = "start",
	[AM_ROAD_RELOAD] = "reload",
	[AM_ROAD_PUSH] = "push",
	[AM_ROAD_FOLDER] = "folder",
};

const char *am_source_name(enum am_source_kind kind)
{
	return sources[kind < AM_SOURCE_MAX_ ? kind : AM_SOURCE_INVALID];
}

const char *am_road_name(enum am_road road)
{
	return roads[road < AM_ROAD_MAX_ ? road : AM_ROAD_INVALID];
}

void am_origin_of_bundle(struct am_origin *o, const struct am_bundle *b)
{
	o->kind = AM_SOURCE_BUNDLE;
	o->serial = b->draft->serial;
	o->takes_back = b->draft->takes_back;
	memcpy(o->digest, b->draft->digest, sizeof(o->digest));
	am_key_id_format(b->key_id, o->key_id);
	(void)snprintf(o->signer, sizeof(o->signer), "%s", b->signer); /* a file's name: it fits */
}
