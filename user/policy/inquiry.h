/* SPDX-License-Identifier: GPL-2.0 */
/* One event, explained in full: what happened, which rule and which fact decided, what
 * would have let it pass, and what the policy in force says today. Both are found by the
 * function that decides in the kernel. */
#pragma once

#include "event/recent.h"
#include "policy/seen.h"

/* What is known of it. All borrowed; NULL where not known. */
struct am_inquiry {
	const struct am_recent_item *item;
	const char *user;		/* name of raw.uid */
	const char *login_name;
	const char *unit;		/* unit or cgroup path */
	const char *cgroup;		/* path */
	const char *purpose;		/* name of raw.purpose */
	const char *store;		/* names as in am_event_names */
	const char *within;
	const struct am_view *then;	/* the policy that decided; NULL: its text is not known */
	const struct am_view *now;	/* the policy in force */
};

/* Full sentences; the exit code is in the event: denied or not. 0 or -errno. */
int am_inquiry_text(const struct am_inquiry *q, FILE *out);
int am_inquiry_json(const struct am_inquiry *q, FILE *out);

/* "2026-11-26 14:02:07.113", in local time. */
enum { AM_INSTANT_TEXT = 48 };
void am_instant_format(int64_t wall_ns, char text[AM_INSTANT_TEXT]);

/* The index of a label of the view's model by its bit; -1: the model has it not. */
int am_view_label(const struct am_view *view, unsigned bit);

/* The index of a store by its id; -1: the model has it not. */
int am_view_store(const struct am_view *view, uint32_t id);

/* Where the event's data was to go, in the terms of the view's policy. False: to nowhere. */
bool am_view_place(const struct am_view *view, const struct am_event *e, struct am_place *ret);
