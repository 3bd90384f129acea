/* SPDX-License-Identifier: GPL-2.0 */
/* Where data can go, as far as policies can tell: one destination for each combination
 * of zones that some destination lies in. Networks and ports cut the destinations into
 * finitely many cells; what is true of the one that stands for a cell is true of all. */
#pragma once

#include "policy/image.h"

enum am_place_kind {
	AM_PLACE_INVALID = 0,
	AM_PLACE_NETWORK,
	AM_PLACE_LOCAL,		/* another process of this host */
	AM_PLACE_TERMINAL,
	AM_PLACE_OTHER,		/* a device, a packet socket: in no zone but `anywhere` */
	AM_PLACE_MAX_,
};

enum { AM_PLACE_IMAGES = 2 };	/* policies that are looked at together, at most */

struct am_place {
	enum am_place_kind kind;
	uint8_t proto;		/* AM_PLACE_NETWORK: IPPROTO_* */
	uint16_t port;
	uint8_t addr[16];
	unsigned rank;		/* of places of one cell the lowest is kept */
	struct am_zones zones[AM_PLACE_IMAGES];	/* under each policy, as the kernel computes them */
	struct am_set in[AM_PLACE_IMAGES];		/* the same, with `anywhere` */
};

enum { AM_PLACE_TEXT = 80 };

/* All cells, each once, those of the network first. *ret is the caller's. 0 or -ENOMEM. */
int am_places_list(const struct am_image *const *images, size_t n_images, struct am_place **ret,
		   size_t *ret_n);

/* The zones of a place of which only the destination is filled in. */
void am_place_zones(const struct am_image *const *images, size_t n_images, struct am_place *place);

/* `10.20.0.1:5432/tcp`, `[fd00::1]:443/tcp`, `local`, `terminal`, or the name of a device
 * socket's zone. 0; -EINVAL. Zones are not filled in. */
int am_place_parse(const char *text, struct am_place *ret);

/* The same for a person. */
void am_place_format(const struct am_place *place, char ret[AM_PLACE_TEXT]);
