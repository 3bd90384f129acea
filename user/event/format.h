/* SPDX-License-Identifier: GPL-2.0 */
/* An event as text for a person and as OCSF JSON for a machine: one line each. */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "base/host.h"
#include "event/event.h"

/* What the record does not carry itself: names, resolved by whoever has them.
 * All borrowed; NULL where not known. */
struct am_event_names {
	const char *store;	/* name of the store */
	const char *within;	/* path below the store's root, without a leading slash */
	const char *user;	/* of raw.uid */
	const char *login;	/* of raw.login */
	const char *unit;	/* systemd unit or cgroup path */
	const char *purpose;	/* of raw.purpose */
	const char *groups;	/* event/groups.h: the effective one, and the others */
	const char *cgroup;	/* path below the mount */
	const char *why;	/* am_explain_event() */
	const char *policy;	/* name of the policy that was in force */
	const char *labels;	/* "cnic,biometric" of raw.labels */
	const struct am_host_id *host;	/* where it happened; NULL: on this host */
	int64_t wall_ns;	/* CLOCK_REALTIME of the event */
	uint32_t run;		/* of the agent, for the event's id (event/id.h); 0: not known */
};

/* `14:02:07.113 DENY  read  citizen-registry/0042.csv  psql[4711] user=acme … why (policy NAME#GENERATION)`
 * and a line feed. Control characters in names are escaped. 0 or -errno of the stream. */
int am_event_text(FILE *out, const struct am_decoded *e, const struct am_event_names *n, bool color);

/* One OCSF event as one line of JSON: File System Activity, Network Activity, or a
 * Detection Finding for what breaks policy. 0 or -errno of the stream. */
int am_event_json(FILE *out, const struct am_decoded *e, const struct am_event_names *n);
