/* SPDX-License-Identifier: GPL-2.0 */
/* An event as user space knows it: the kernel's record, checked, with its
 * strings in reading order. Decoding never trusts the record's bytes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

struct am_decoded {
	struct am_event raw;		/* a copy, aligned */
	char path[AM_PATH_LEN + AM_PATH_DEPTH + 8];	/* "/srv/registry/0042.csv"; "…/" in front when cut */
	char exe[AM_PATH_LEN + AM_PATH_DEPTH + 8];
	char script[AM_SCRIPT_LEN + AM_PATH_DEPTH + 8];
	uint32_t groups[AM_GROUPS_MAX];	/* supplementary ones */
	unsigned n_groups;
	struct am_ancestor ancestors[AM_ANCESTORS];	/* the parent first */
	unsigned n_ancestors;
};

/* 0; -EBADMSG when the bytes are not one whole record of this ABI (sizes, spans,
 * enums out of range, strings without end). *ret is written on success only. Nobody descends from
 * who began later, or from himself: ancestors end before the first of whom that is said, and
 * the event is none the worse for it. */
int am_event_decode(const void *bytes, size_t len, struct am_decoded *ret);

/* What was done, in one word: the op; the act where a record has no op; "spill". */
const char *am_event_verb(const struct am_event *e);

/* Words as in output and filters; "?" out of range. */
const char *am_kind_name(unsigned kind);	/* access, repeat, send ... */
const char *am_op_name(unsigned op);		/* read, write, send */
const char *am_act_name(unsigned act);		/* open, read, mmap, connect ... */
const char *am_verdict_name(unsigned verdict);	/* allow, deny */
const char *am_reason_name(unsigned reason);	/* rule-allows, no-rule ... */
