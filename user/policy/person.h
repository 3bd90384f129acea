/* SPDX-License-Identifier: GPL-2.0 */
/* Who a process is now, to the policy in force: which subjects, what it may do, what it
 * carries and why. "Person", as people ask "who is this?". */
#pragma once

#include "event/origins.h"
#include "policy/inquiry.h"

/* Why it carries a label. */
struct am_person_label {
	unsigned bit;
	const struct am_label_origin *origin;	/* NULL: not known */
	uint32_t from;		/* an ancestor, whose origin it is; 0: its own */
	const char *store;	/* of the origin, borrowed; NULL: none */
	const char *within;
};

/* All borrowed. */
struct am_person {
	uint32_t pid, ppid;
	const char *comm;
	int64_t start_wall_ns;
	struct am_seen *seen;
	bool exe_is_other;	/* what runs is not the file that its path leads to */
	bool in_container;	/* it has another number in a pid namespace of its own */
	/* What the kernel found at the last access under this policy; NULL: there was none. */
	const struct am_set *bits;
	uint64_t labels;	/* that it carries */
	struct am_person_label reasons[AM_LABELS_MAX];	/* of these, in order */
	size_t n_reasons;
	uint64_t forgotten;	/* origins that had to make room */
};

/* 0 or -errno. */
int am_person_text(const struct am_person *p, const struct am_view *view, FILE *out);
int am_person_json(const struct am_person *p, const struct am_view *view, FILE *out);
