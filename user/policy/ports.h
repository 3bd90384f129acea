/* SPDX-License-Identifier: GPL-2.0 */
/* The ports that policies tell apart: one for each combination of zones that take it.
 * Private to policy/. */
#pragma once

#include "policy/place.h"

struct am_port_cell {
	uint8_t proto;
	uint16_t port;
	struct am_set zones[AM_PLACE_IMAGES];	/* that take it, under each policy */
};

struct am_ports {
	const struct am_image *const *images;
	size_t n_images;
	const struct am_image_fact **facts[AM_PLACE_IMAGES];	/* about ports, in order */
	size_t n_facts[AM_PLACE_IMAGES];
	struct am_port_cell *items;
	size_t count;
};

/* Of the images; what people know best first. 0 or -ENOMEM, am_ports_done() either way. */
int am_ports_list(struct am_ports *p);
void am_ports_done(struct am_ports *p);
