// SPDX-License-Identifier: GPL-2.0
#include "query/field.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "base/container.h"
#include "base/when.h"
#include "event/dest.h"
#include "event/event.h"
#include "event/id.h"
#include "ledger/scan.h"
#include "query/handed.h"
#include "query/word.h"

_Static_assert((int)AM_CONTAINER_MAX <= (int)AM_FIELD_TEXT_MAX, "a container fits");

#define OF(member) offsetof(struct am_row, member)
#define COL(name) AM_COLUMN_BIT(AM_COL_##name)
#define TEXT(name_, member, columns_, help_)                                \
	{ .name = name_, .type = AM_FIELD_TEXT, .offset = OF(member),       \
	  .columns = columns_, .help = help_ }
#define LIST(name_, member, columns_, help_)                                \
	{ .name = name_, .type = AM_FIELD_LIST, .offset = OF(member),       \
	  .columns = columns_, .help = help_ }
#define NUMBER(name_, member, columns_, help_)                              \
	{ .name = name_, .type = AM_FIELD_NUMBER, .offset = OF(member),     \
	  .size = sizeof(((struct am_row *)0)->member), .columns = columns_, .help = help_ }
#define POSITIVE(name_, member, columns_, help_)                            \
	{ .name = name_, .type = AM_FIELD_NUMBER, .offset = OF(member), .positive = true, \
	  .size = sizeof(((struct am_row *)0)->member), .columns = columns_, .help = help_ }
#define AMOUNT(name_, member, has_, columns_, help_)                        \
	{ .name = name_, .type = AM_FIELD_NUMBER, .offset = OF(member), .has = has_, \
	  .size = sizeof(((struct am_row *)0)->member), .columns = columns_, .help = help_ }
#define WHO(name_, text_, number_, columns_, help_)                         \
	{ .name = name_, .type = AM_FIELD_WHO, .offset = OF(text_),         \
	  .number = OF(number_), .columns = columns_, .help = help_ }
#define WORD(name_, word_, words_, columns_, help_)                         \
	{ .name = name_, .type = AM_FIELD_WORD, .word = word_, .words = words_, \
	  .columns = columns_, .help = help_ }

static bool is_no_send(const struct am_row *row)
{
	return row->deed.op != AM_OP_SEND;
}

static const struct am_field fields[] = {
	{ .name = "time", .type = AM_FIELD_TIME, .offset = OF(wall_ns), .size = 8,
	  .columns = COL(WALL), .help = "when; in filters write since= and until=" },
	{ .name = "id", .type = AM_FIELD_ID,
	  .columns = COL(EVENT) | COL(CPU) | COL(SEQ) | COL(FLAGS) | COL(KIND),
	  .help = "of an event, as 'tail' shows it" },
	WORD("kind", am_word_kind, am_words_kind, COL(KIND),
	     "access, repeat, send, spill, reseal, foreign, process, gap, mark"),
	WORD("verdict", am_word_verdict, am_words_verdict, COL(VERDICT), "allow, deny"),
	{ .name = "blocked", .type = AM_FIELD_FLAG, .columns = COL(FLAGS),
	  .help = "yes: the kernel refused; no" },
	WORD("reason", am_word_reason, am_words_reason, COL(KIND) | COL(REASON),
	     "rule-denies, no-rule, purpose ... as in 'explain'; of a gap or mark: ring-full, start ..."),
	WORD("op", am_word_op, am_words_op, COL(OP), "read, write, send"),
	WORD("act", am_word_act, am_words_act, COL(ACT), "open, mmap, rename, connect ..."),
	TEXT("store", object.store, COL(STORE), "the store's name"),
	TEXT("path", object.path, COL(PATH),
	     "of the file; * and ? stand for any text, any letter"),
	LIST("label", deed.label_names, COL(LABEL_NAMES), "carried by the data"),
	WHO("user", actor.user, actor.uid, COL(USER) | COL(UID),
	    "the effective user, by name or number"),
	{ .name = "group", .type = AM_FIELD_GROUPS, .offset = OF(actor.groups),
	  .columns = COL(GROUPS), .help = "of all that the process has, by name or number" },
	NUMBER("gid", actor.gid, COL(GID), "the effective group, by number"),
	WHO("login", actor.login_user, actor.login, COL(LOGIN_USER) | COL(LOGIN),
	    "who logged in, whoever he became"),
	NUMBER("session", actor.session, COL(SESSION), "of the login"),
	TEXT("exe", actor.exe, COL(EXE), "path of the executable"),
	TEXT("comm", actor.comm, COL(COMM), "the thread's own name for itself"),
	TEXT("script", actor.script, COL(SCRIPT), "path of what an interpreter was started with"),
	TEXT("unit", actor.unit, COL(UNIT), "of systemd, or the cgroup"),
	TEXT("cgroup", actor.cgroup_path, COL(CGROUP_PATH), "the whole path"),
	{ .name = "container", .type = AM_FIELD_CONTAINER, .offset = OF(actor.cgroup_path),
	  .columns = COL(CGROUP_PATH), .help = "its ID or name, as the cgroup is named" },
	TEXT("purpose", actor.purpose, COL(PURPOSE), "that the process ran under"),
	POSITIVE("pid", actor.pid, COL(PID), "process"),
	POSITIVE("tid", actor.tid, COL(TID), "thread"),
	NUMBER("ppid", actor.ppid, COL(PPID), "the process's parent"),
	{ .name = "dest", .type = AM_FIELD_DEST,
	  .columns = COL(OP) | COL(ADDR_HIGH) | COL(ADDR_LOW) | COL(ZONES_LOW) |
		     COL(ZONES_HIGH) | COL(FAMILY) | COL(PORT) | COL(PROTO),
	  .help = "10.0.0.0/8, 203.0.113.9:443, [fd00::1]:53, terminal, unix ..." },
	POSITIVE("port", dest.port, COL(PORT), "of the destination"),
	WORD("proto", am_word_proto, NULL, COL(PROTO), "tcp, udp ..."),
	LIST("zone", dest.zones, COL(ZONES), "of the destination"),
	TEXT("policy", deed.policy, COL(POLICY), "the policy's name"),
	NUMBER("generation", deed.generation, COL(GENERATION), "of the policy that decided"),
	NUMBER("count", count, COL(COUNT), "how many accesses a repeat stands for"),
	AMOUNT("size", object.bytes, is_no_send, COL(BYTES) | COL(OP),
	       "of the file then, in bytes; 0 also: not told"),
	AMOUNT("bytes", object.bytes, am_handed_is_known, COL(BYTES) | COL(OP) | COL(FLAGS),
	       "handed to a send, or to all that a repeat stands for: at most so much was sent; none: not told"),
	POSITIVE("inode", object.ino, COL(INO), "of the file: repeats have it, and no path"),
	NUMBER("row", number, 0, "in the ledger"),
	TEXT("why", deed.why, COL(WHY), "the reason, in a sentence"),
};

const struct am_field *am_fields(size_t *ret_n)
{
	*ret_n = AM_COUNT(fields);
	return fields;
}

const struct am_field *am_field_find(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < AM_COUNT(fields); i++)
		if (strlen(fields[i].name) == len && !memcmp(fields[i].name, name, len))
			return &fields[i];
	return NULL;
}

static uint32_t number_32(const struct am_row *row, size_t offset)
{
	uint32_t n;

	memcpy(&n, (const char *)row + offset, sizeof(n));
	return n;
}

/* Audit's way to say that there is none; nothing else is that large. */
static bool read_32(const struct am_row *row, size_t offset, int64_t *ret)
{
	*ret = number_32(row, offset);
	return *ret != UINT32_MAX;
}

bool am_field_number(const struct am_field *f, const struct am_row *row, int64_t *ret)
{
	switch (f->type) {
	case AM_FIELD_FLAG:
		*ret = (row->deed.flags & AM_EVENT_BLOCKED) != 0;
		return true;
	case AM_FIELD_WHO:
		return read_32(row, f->number, ret);
	case AM_FIELD_NUMBER:
	case AM_FIELD_TIME:
		if (f->has && !f->has(row))
			return false;
		if (f->size == 4)
			return read_32(row, f->offset, ret) && (*ret || !f->positive);
		memcpy(ret, (const char *)row + f->offset, sizeof(*ret));
		return *ret || !f->positive;
	default:
		return false;
	}
}

static const char *kept_text(const struct am_field *f, const struct am_row *row)
{
	const char *text;

	memcpy(&text, (const char *)row + f->offset, sizeof(text));
	return text ? text : "";
}

static const char *time_text(int64_t ns, char buf[AM_FIELD_TEXT_MAX])
{
	am_when_utc(ns, buf);
	return buf;
}

static const char *number_text(const struct am_field *f, const struct am_row *row,
			       char buf[AM_FIELD_TEXT_MAX])
{
	int64_t n;

	if (!am_field_number(f, row, &n))
		return "";
	(void)snprintf(buf, AM_FIELD_TEXT_MAX, "%" PRId64, n);
	return buf;
}

static const char *who_text(const struct am_field *f, const struct am_row *row,
			    char buf[AM_FIELD_TEXT_MAX])
{
	const char *name = kept_text(f, row);

	return *name ? name : number_text(f, row, buf);
}

/* Gaps and marks are the ledger's own, and have no event's id. */
static const char *id_text(const struct am_row *row, char buf[AM_FIELD_TEXT_MAX])
{
	const struct am_event_id id = {
		.run = (uint32_t)row->event,
		.urgent = row->deed.flags & AM_EVENT_URGENT,
		.cpu = (uint32_t)row->cpu,
		.seq = row->seq,
	};

	buf[0] = '\0';
	if (row->event && row->deed.kind < AM_EVENT_MAX_)
		am_event_id_format(&id, buf);
	return buf;
}

const char *am_field_text(const struct am_field *f, const struct am_row *row,
			  char buf[AM_FIELD_TEXT_MAX])
{
	switch (f->type) {
	case AM_FIELD_TEXT:
	case AM_FIELD_LIST:
	case AM_FIELD_GROUPS:
		return kept_text(f, row);
	case AM_FIELD_WORD:
		return f->word(row);
	case AM_FIELD_WHO:
		return who_text(f, row, buf);
	case AM_FIELD_ID:
		return id_text(row, buf);
	case AM_FIELD_DEST:
		return am_word_dest(row, buf);
	case AM_FIELD_TIME:
		return time_text(row->wall_ns, buf);
	case AM_FIELD_FLAG:
		return row->deed.flags & AM_EVENT_BLOCKED ? "yes" : "no";
	case AM_FIELD_CONTAINER:
		return am_container_of(kept_text(f, row), buf);
	default:
		return number_text(f, row, buf);
	}
}
