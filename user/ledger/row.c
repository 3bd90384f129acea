// SPDX-License-Identifier: GPL-2.0
#include "ledger/row.h"

#include "abi.h"
#include "event/event.h"

#define COLUMN(tab, enc, type, member)                                                  \
	{ .name = #member, .table = (tab), .encoding = (enc),                           \
	  .size = sizeof(((struct type *)0)->member), .offset = offsetof(struct type, member) }

#define ROW(enc, member) COLUMN(AM_TABLE_ROWS, enc, am_row_core, member)
#define ACTOR(member) COLUMN(AM_TABLE_ACTORS, AM_ENC_FIXED, am_row_actor, member)
#define OBJECT(member) COLUMN(AM_TABLE_OBJECTS, AM_ENC_FIXED, am_row_object, member)
#define DEST(member) COLUMN(AM_TABLE_DESTS, AM_ENC_FIXED, am_row_dest, member)
#define DEED(member) COLUMN(AM_TABLE_DEEDS, AM_ENC_FIXED, am_row_deed, member)
#define TEXT(tab, type, member) COLUMN(tab, AM_ENC_TEXT, type, member)

const struct am_schema am_schema[AM_COL_MAX_] = {
	[AM_COL_ACTOR] = ROW(AM_ENC_FIXED, part[0]),
	[AM_COL_OBJECT] = ROW(AM_ENC_FIXED, part[1]),
	[AM_COL_DEST] = ROW(AM_ENC_FIXED, part[2]),
	[AM_COL_DEED] = ROW(AM_ENC_FIXED, part[3]),
	[AM_COL_WALL] = ROW(AM_ENC_DELTA, wall),
	[AM_COL_BOOT] = ROW(AM_ENC_FIXED, boot),
	[AM_COL_EVENT] = ROW(AM_ENC_DELTA, event),
	[AM_COL_CPU] = ROW(AM_ENC_FIXED, cpu),
	[AM_COL_SEQ] = ROW(AM_ENC_LANE, seq),
	[AM_COL_COUNT] = ROW(AM_ENC_FIXED, count),
	[AM_COL_SINCE] = ROW(AM_ENC_FIXED, since),
	[AM_COL_PID] = ACTOR(pid),
	[AM_COL_TID] = ACTOR(tid),
	[AM_COL_PPID] = ACTOR(ppid),
	[AM_COL_UID] = ACTOR(uid),
	[AM_COL_GID] = ACTOR(gid),
	[AM_COL_LOGIN] = ACTOR(login),
	[AM_COL_SESSION] = ACTOR(session),
	[AM_COL_EXE_DEV] = ACTOR(exe_dev),
	[AM_COL_START] = ACTOR(start_ns),
	[AM_COL_CGROUP] = ACTOR(cgroup),
	[AM_COL_EXE_INO] = ACTOR(exe_ino),
	[AM_COL_BITS0] = ACTOR(bits[0]),
	[AM_COL_BITS1] = ACTOR(bits[1]),
	[AM_COL_BITS2] = ACTOR(bits[2]),
	[AM_COL_BITS3] = ACTOR(bits[3]),
	[AM_COL_COMM] = TEXT(AM_TABLE_ACTORS, am_row_actor, comm),
	[AM_COL_EXE] = TEXT(AM_TABLE_ACTORS, am_row_actor, exe),
	[AM_COL_USER] = TEXT(AM_TABLE_ACTORS, am_row_actor, user),
	[AM_COL_LOGIN_USER] = TEXT(AM_TABLE_ACTORS, am_row_actor, login_user),
	[AM_COL_UNIT] = TEXT(AM_TABLE_ACTORS, am_row_actor, unit),
	[AM_COL_INO] = OBJECT(ino),
	[AM_COL_DEV] = OBJECT(dev),
	[AM_COL_IGEN] = OBJECT(igen),
	[AM_COL_STORE_ID] = OBJECT(store_id),
	[AM_COL_PATH] = TEXT(AM_TABLE_OBJECTS, am_row_object, path),
	[AM_COL_STORE] = TEXT(AM_TABLE_OBJECTS, am_row_object, store),
	[AM_COL_ADDR_HIGH] = DEST(addr_high),
	[AM_COL_ADDR_LOW] = DEST(addr_low),
	[AM_COL_ZONES_LOW] = DEST(zones_low),
	[AM_COL_ZONES_HIGH] = DEST(zones_high),
	[AM_COL_FAMILY] = DEST(family),
	[AM_COL_PORT] = DEST(port),
	[AM_COL_PROTO] = DEST(proto),
	[AM_COL_ZONES] = TEXT(AM_TABLE_DESTS, am_row_dest, zones),
	[AM_COL_KIND] = DEED(kind),
	[AM_COL_VERDICT] = DEED(verdict),
	[AM_COL_REASON] = DEED(reason),
	[AM_COL_OP] = DEED(op),
	[AM_COL_ACT] = DEED(act),
	[AM_COL_FLAGS] = DEED(flags),
	[AM_COL_GENERATION] = DEED(generation),
	[AM_COL_LABELS] = DEED(labels),
	[AM_COL_CULPRITS] = DEED(culprits),
	[AM_COL_LABEL_NAMES] = TEXT(AM_TABLE_DEEDS, am_row_deed, label_names),
	[AM_COL_POLICY] = TEXT(AM_TABLE_DEEDS, am_row_deed, policy),
	[AM_COL_WHY] = TEXT(AM_TABLE_DEEDS, am_row_deed, why),
	[AM_COL_BYTES] = OBJECT(bytes),
	[AM_COL_PURPOSE] = TEXT(AM_TABLE_ACTORS, am_row_actor, purpose),
	[AM_COL_GROUPS] = TEXT(AM_TABLE_ACTORS, am_row_actor, groups),
	[AM_COL_SCRIPT] = TEXT(AM_TABLE_ACTORS, am_row_actor, script),
	[AM_COL_CGROUP_PATH] = TEXT(AM_TABLE_ACTORS, am_row_actor, cgroup_path),
};

#define PART(member, type, text, column)                                                 \
	{ .offset = offsetof(struct am_row, member), .size = sizeof(struct type),        \
	  .numbers = offsetof(struct type, text), .first_text = (column),                \
	  .texts = (sizeof(struct type) - offsetof(struct type, text)) / sizeof(char *) }

const struct am_part am_parts[AM_TABLE_MAX_] = {
	[AM_TABLE_ACTORS] = PART(actor, am_row_actor, comm, AM_COL_COMM),
	[AM_TABLE_OBJECTS] = PART(object, am_row_object, path, AM_COL_PATH),
	[AM_TABLE_DESTS] = PART(dest, am_row_dest, zones, AM_COL_ZONES),
	[AM_TABLE_DEEDS] = PART(deed, am_row_deed, label_names, AM_COL_LABEL_NAMES),
};

/* Parts are hashed and compared by their bytes. */
_Static_assert(sizeof(struct am_row_actor) == 8 * 4 + 7 * 8 + 9 * sizeof(char *), "padding");
_Static_assert(sizeof(struct am_row_object) == 4 * 8 + 2 * sizeof(char *), "padding");
_Static_assert(sizeof(struct am_row_dest) == 6 * 8 + sizeof(char *), "padding");
_Static_assert(sizeof(struct am_row_deed) == 6 * 4 + 3 * 8 + 3 * sizeof(char *), "padding");
_Static_assert((int)AM_EVENT_MAX_ <= (int)AM_ROW_GAP, "kinds of the kernel and of the ledger overlap");

#define NAME_OF(table, i) ((i) < sizeof(table) / sizeof((table)[0]) && (table)[i] ? (table)[i] : "?")

const char *am_row_kind_name(unsigned kind)
{
	switch (kind) {
	case AM_ROW_GAP:
		return "gap";
	case AM_ROW_MARK:
		return "mark";
	default:
		return am_kind_name(kind);
	}
}

const char *am_gap_name(unsigned gap)
{
	static const char *const names[AM_GAP_MAX_] = {
		[AM_GAP_NOT_RUNNING] = "not-running",
		[AM_GAP_RING] = "ring-full",
		[AM_GAP_QUEUE] = "writer-slow",
		[AM_GAP_DISK_FULL] = "disk-full",
		[AM_GAP_DISK_ERROR] = "disk-error",
		[AM_GAP_MALFORMED] = "malformed",
		[AM_GAP_SKIPPED] = "hooks-skipped",
	};

	return NAME_OF(names, gap);
}

const char *am_mark_name(unsigned mark)
{
	static const char *const names[AM_MARK_MAX_] = {
		[AM_MARK_START] = "start",
		[AM_MARK_STOP] = "stop",
		[AM_MARK_POLICY] = "policy",
		[AM_MARK_CLOCK] = "clock-jump",
		[AM_MARK_TORN] = "torn-tail",
		[AM_MARK_DISK_FULL] = "disk-full",
		[AM_MARK_REMOVED] = "segment-removed",
		[AM_MARK_NOTICE] = "notice",
		[AM_MARK_READ] = "read",
	};

	return NAME_OF(names, mark);
}

const char *am_beginning_name(unsigned origin)
{
	static const char *const names[AM_BEGIN_MAX_] = {
		[AM_BEGIN_CONTINUES] = "continues",
		[AM_BEGIN_FRESH] = "there was no ledger",
		[AM_BEGIN_NO_KEY] = "the key file was missing",
		[AM_BEGIN_BAD_KEY] = "the key file was damaged or of another ledger",
		[AM_BEGIN_ROLLED_BACK] = "seals that the key file knew of were missing",
		[AM_BEGIN_DAMAGED] = "the segment before did not hold",
	};

	return NAME_OF(names, origin);
}

uint64_t am_row_accesses(const struct am_row *row)
{
	return row->deed.kind == AM_EVENT_REPEAT ? row->count : 1;
}

bool am_row_is_finding(const struct am_row *row)
{
	return row->deed.kind < AM_ROW_GAP &&
	       (row->deed.verdict == AM_VERDICT_DENY || row->deed.flags & AM_EVENT_BLOCKED);
}
