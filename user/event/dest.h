/* SPDX-License-Identifier: GPL-2.0 */
/* Where an event's data was to go, in the words that people use for it. */
#pragma once

#include <arpa/inet.h>
#include <stdbool.h>

#include "event/event.h"

struct am_dest {
	char ip[INET6_ADDRSTRLEN];	/* empty: it has no address */
	char name[24];			/* without an address: "unix", "terminal", "device" */
	char proto[16];			/* "tcp"; empty when there is none */
	unsigned version;		/* 4, 6; 0 without an address */
	bool local;			/* does not leave the host */
};

/* Enough for "[v6 address]:port/protocol". */
enum { AM_DEST_TEXT = INET6_ADDRSTRLEN + 32 };

/* "tcp"; NULL for one without a name here. */
const char *am_dest_proto_name(unsigned proto);

void am_dest_of(const struct am_event *e, struct am_dest *ret);

/* `203.0.113.9:443/tcp`, `[2001:db8::1]:443/tcp`, `unix`. */
void am_dest_text(const struct am_event *e, char text[AM_DEST_TEXT]);
