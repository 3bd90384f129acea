// SPDX-License-Identifier: GPL-2.0
#include "query/word.h"

#include <string.h>

#include "base/array.h"
#include "event/dest.h"
#include "event/event.h"
#include "query/recorded.h"

_Static_assert((int)AM_WORD_TEXT_MAX >= (int)AM_DEST_TEXT, "a destination fits");

const char *const am_words_kind[] = { "access", "repeat", "send", "spill", "foreign", "gap", "mark", NULL };
const char *const am_words_verdict[] = { "allow", "deny", NULL };
const char *const am_words_op[] = { "read", "write", "send", NULL };

static const char *const gaps[AM_GAP_MAX_] = {
	[AM_GAP_NOT_RUNNING] = "not-running",
	[AM_GAP_RING] = "ring-full",
	[AM_GAP_QUEUE] = "queue-full",
	[AM_GAP_DISK_FULL] = "disk-full",
	[AM_GAP_DISK_ERROR] = "disk-error",
	[AM_GAP_MALFORMED] = "malformed",
	[AM_GAP_SKIPPED] = "hooks-skipped",
};

static const char *const marks[AM_MARK_MAX_] = {
	[AM_MARK_START] = "start",
	[AM_MARK_STOP] = "stop",
	[AM_MARK_POLICY] = "policy",
	[AM_MARK_CLOCK] = "clock",
	[AM_MARK_TORN] = "torn",
	[AM_MARK_DISK_FULL] = "disk-full",
	[AM_MARK_REMOVED] = "removed",
	[AM_MARK_NOTICE] = "notice",
	[AM_MARK_READ] = "read",
};

static const char *pick(const char *const *words, size_t n, uint32_t i)
{
	return i < n && words[i] ? words[i] : "";
}

/* The event's words say "?" for what there is not. */
static const char *known(const char *word)
{
	return *word == '?' ? "" : word;
}

const char *am_word_kind(const struct am_row *row)
{
	switch (row->deed.kind) {
	case AM_EVENT_ACCESS:
		return "access";
	case AM_EVENT_REPEAT:
		return "repeat";
	case AM_EVENT_SEND:
		return "send";
	case AM_EVENT_SPILL:
		return "spill";
	case AM_EVENT_FOREIGN:
		return "foreign";
	case AM_ROW_GAP:
		return "gap";
	case AM_ROW_MARK:
		return "mark";
	default:
		return "";
	}
}

const char *am_word_verdict(const struct am_row *row)
{
	return known(am_verdict_name(row->deed.verdict));
}

const char *am_word_reason(const struct am_row *row)
{
	if (row->deed.kind == AM_ROW_GAP)
		return pick(gaps, AM_COUNT(gaps), row->deed.reason);
	if (row->deed.kind == AM_ROW_MARK)
		return pick(marks, AM_COUNT(marks), row->deed.reason);
	return known(am_reason_name(row->deed.reason));
}

const char *am_word_op(const struct am_row *row)
{
	return known(am_op_name(row->deed.op));
}

const char *am_word_act(const struct am_row *row)
{
	return known(am_act_name(row->deed.act));
}

const char *am_word_proto(const struct am_row *row)
{
	const char *name = am_dest_proto_name(row->dest.proto);

	return name ? name : "";
}

bool am_word_dest_is_local(const struct am_row *row)
{
	struct am_event e = { 0 };
	struct am_dest d;

	am_recorded_dest(&row->dest, &e);
	am_dest_of(&e, &d);
	return d.local;
}

const char *am_word_dest(const struct am_row *row, char buf[AM_WORD_TEXT_MAX])
{
	struct am_event e = { 0 };

	am_recorded_dest(&row->dest, &e);
	buf[0] = '\0';
	if (row->deed.kind == AM_EVENT_SEND)
		am_dest_text(&e, buf);
	return buf;
}
