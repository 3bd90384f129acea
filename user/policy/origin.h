/* SPDX-License-Identifier: GPL-2.0 */
/* Where a policy in force came from: a file of this host, or a bundle, and on which road.
 * Without pointers, so that it can be copied and outlive what it was made of. */
#pragma once

#include "policy/bundle.h"

enum am_source_kind {
	AM_SOURCE_INVALID = 0,
	AM_SOURCE_FILE,
	AM_SOURCE_BUNDLE,
	AM_SOURCE_MAX_,
};

enum am_road {
	AM_ROAD_INVALID = 0,
	AM_ROAD_START,		/* the agent started with it */
	AM_ROAD_RELOAD,		/* SIGHUP */
	AM_ROAD_PUSH,		/* `amanat policy push` */
	AM_ROAD_FOLDER,		/* put into the folder of bundles */
	AM_ROAD_MAX_,
};

enum { AM_SIGNER_MAX = 255 };

struct am_origin {
	enum am_source_kind kind;
	enum am_road road;
	uint32_t uid;		/* who pushed it; else the agent's own user */
	uint64_t serial;	/* this and the next: of a bundle */
	uint64_t takes_back;
	uint8_t digest[AM_DIGEST_BYTES];	/* of the bundle's text, or of the canonical one */
	char key_id[AM_KEY_ID_TEXT];	/* empty: of a file */
	char signer[AM_SIGNER_MAX + 1];	/* name of the key; empty: not trusted here any more */
};

const char *am_source_name(enum am_source_kind kind);	/* file, bundle */
const char *am_road_name(enum am_road road);	/* start, reload, push, folder */

/* Of a bundle that is believed. */
void am_origin_of_bundle(struct am_origin *o, const struct am_bundle *b);
