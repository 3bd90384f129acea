/* SPDX-License-Identifier: GPL-2.0 */
/* The objects of OCSF that an event is made of: each call writes one member, whose name
 * is OCSF's, from what is known of one event. Used by ocsf.c and notice.c alone. */
#pragma once

#include "event/format.h"
#include "event/json.h"

/* A number of OCSF and the caption that goes with it. */
struct am_ocsf_code {
	int id;
	const char *caption;
};

/* Of the definitions that all events keep to. */
extern const char am_ocsf_version[];

/* The host that was given, or this one. Borrowed. */
const struct am_host_id *am_ocsf_host(const struct am_host_id *given);

#define AM_CODE(id, caption) ((struct am_ocsf_code){ (id), (caption) })

/* All borrowed. */
struct am_ocsf_source {
	const struct am_decoded *e;
	const struct am_event_names *n;
	const struct am_host_id *host;
};

void am_ocsf_code(struct am_json *j, const char *id_key, const char *caption_key,
		  struct am_ocsf_code code);

/* "cnic,biometric" as a list. */
void am_ocsf_names(struct am_json *j, const char *key, const char *list);
void am_ocsf_labels(struct am_json *j, const char *list);

void am_ocsf_file(struct am_json *j, const struct am_ocsf_source *s);

/* Whether its cgroup is a container's: the event has OCSF's profile `container`, then. */
bool am_ocsf_in_container(const struct am_ocsf_source *s);
void am_ocsf_actor(struct am_json *j, const struct am_ocsf_source *s);

/* The process itself, with its user; and its parent as the actor, of which the number is known. */
void am_ocsf_process(struct am_json *j, const struct am_ocsf_source *s);
void am_ocsf_parent(struct am_json *j, const struct am_ocsf_source *s);

void am_ocsf_device(struct am_json *j, const struct am_ocsf_source *s);

/* The product, within `metadata`. */
void am_ocsf_product(struct am_json *j);

/* dst_endpoint and connection_info */
void am_ocsf_destination(struct am_json *j, const struct am_ocsf_source *s);

/* traffic: what was handed to the call, where that is known */
void am_ocsf_traffic(struct am_json *j, const struct am_ocsf_source *s);
