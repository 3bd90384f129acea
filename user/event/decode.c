// SPDX-License-Identifier: GPL-2.0
#include "event/event.h"

#include <errno.h>
#include <string.h>

/* Shown for the part of a path that the record could not hold. */
static const char cut_mark[] = "\xe2\x80\xa6";

/* Every NUL of the span becomes a slash, and the mark may come in front. */
_Static_assert(sizeof(((struct am_decoded *)0)->path) >= AM_PATH_LEN + sizeof(cut_mark), "path");
_Static_assert(sizeof(((struct am_decoded *)0)->exe) >= AM_PATH_LEN + sizeof(cut_mark), "exe");
_Static_assert(sizeof(((struct am_decoded *)0)->script) >= AM_SCRIPT_LEN + sizeof(cut_mark),
	       "script");

/* Whether the span lies behind the head of a record of `len` bytes. */
static bool span_holds(size_t len, struct am_span s, size_t max)
{
	return !s.len || (s.len <= max && s.off >= sizeof(struct am_event) && s.off <= len &&
			  s.len <= len - s.off);
}

/* And whether its last name ends. An empty name is no reason to lose a finding: it shows as
 * two slashes. */
static bool names_hold(const char *bytes, size_t len, struct am_span s, size_t max)
{
	return span_holds(len, s, max) && (!s.len || !bytes[s.off + s.len - 1]);
}

static bool spans_hold(const struct am_event *e, const char *bytes, size_t len)
{
	return names_hold(bytes, len, e->path, AM_PATH_LEN) &&
	       names_hold(bytes, len, e->exe, AM_PATH_LEN) &&
	       names_hold(bytes, len, e->script, AM_SCRIPT_LEN) &&
	       span_holds(len, e->groups, AM_GROUPS_MAX * sizeof(uint32_t)) &&
	       e->groups.len % sizeof(uint32_t) == 0 &&
	       span_holds(len, e->ancestors, AM_ANCESTORS * sizeof(struct am_ancestor)) &&
	       e->ancestors.len % sizeof(struct am_ancestor) == 0;
}

static bool in_range(unsigned value, unsigned max, bool needed)
{
	return value < max && (value || !needed);
}

/* A process that begins, or runs something else, is no access, and nothing was decided. */
static bool is_birth(const struct am_event *e)
{
	return !e->verdict && !e->op && !(e->flags & AM_EVENT_BLOCKED) &&
	       (e->act == AM_ACT_FORK || e->act == AM_ACT_EXEC);
}

/* Which facts a record must have depends on what it tells: a notice (SPILL, RESEAL) need
 * not be a decision, and a REPEAT does not say again what its ACCESS has said. */
static bool head_holds(const struct am_event *e)
{
	bool decides = e->kind == AM_EVENT_ACCESS || e->kind == AM_EVENT_SEND;
	bool told = decides || e->kind == AM_EVENT_REPEAT;

	return e->abi == AM_ABI_VERSION && in_range(e->kind, AM_EVENT_MAX_, true) &&
	       in_range(e->verdict, AM_VERDICT_MAX_, told) &&
	       in_range(e->reason, AM_REASON_MAX_, decides) &&
	       in_range(e->op, AM_OP_MAX_, decides) && in_range(e->act, AM_ACT_MAX_, told) &&
	       (e->kind != AM_EVENT_PROCESS || is_birth(e)) &&
	       e->purpose < AM_PURPOSES_MAX && e->zones.count <= AM_ZONE_HITS &&
	       memchr(e->comm, '\0', sizeof(e->comm));
}

/* The root of a file system may be given as the name "/": it adds no part of its own. */
static bool is_root(const char *name)
{
	return name[0] == '/' && !name[1];
}

/* Turns the names of a checked span, innermost first, into a path. */
static void join(const char *names, size_t len, bool cut, char *to)
{
	const char *end = names + len, *name;
	char *start = to;

	if (cut && len)
		to = stpcpy(to, cut_mark);
	while (end > names) {
		size_t n;

		for (name = end - 1; name > names && name[-1]; name--)
			;
		n = (size_t)(end - 1 - name);
		end = name;
		if (is_root(name))
			continue;
		*to++ = '/';
		to = mempcpy(to, name, n);
	}
	if (len && to == start)
		*to++ = '/';
	*to = '\0';
}

/* Whether `a` can be the parent of who has this number and began then. */
static bool is_parent(const struct am_ancestor *a, uint32_t tgid, uint64_t start_ns)
{
	return a->tgid && a->tgid != tgid && a->start_ns <= start_ns &&
	       memchr(a->comm, '\0', sizeof(a->comm));
}

static void take_ancestors(const char *bytes, const struct am_event *e, struct am_decoded *ret)
{
	size_t n = e->ancestors.len / sizeof(ret->ancestors[0]), i;
	uint64_t start_ns = e->start_ns;
	uint32_t tgid = e->tgid;

	memset(ret->ancestors, 0, sizeof(ret->ancestors));
	memcpy(ret->ancestors, bytes + e->ancestors.off, n * sizeof(ret->ancestors[0]));
	for (i = 0; i < n && is_parent(&ret->ancestors[i], tgid, start_ns); i++) {
		tgid = ret->ancestors[i].tgid;
		start_ns = ret->ancestors[i].start_ns;
	}
	ret->n_ancestors = (unsigned)i;
}

int am_event_decode(const void *bytes, size_t len, struct am_decoded *ret)
{
	struct am_event e;

	if (len < sizeof(e) || len > AM_EVENT_SIZE_MAX)
		return -EBADMSG;
	memcpy(&e, bytes, sizeof(e));
	if (e.size != len || !head_holds(&e))
		return -EBADMSG;
	if (!spans_hold(&e, bytes, len))
		return -EBADMSG;

	ret->raw = e;
	join((const char *)bytes + e.path.off, e.path.len, e.flags & AM_EVENT_PATH_CUT, ret->path);
	join((const char *)bytes + e.exe.off, e.exe.len, e.flags & AM_EVENT_EXE_CUT, ret->exe);
	join((const char *)bytes + e.script.off, e.script.len, e.flags & AM_EVENT_SCRIPT_CUT,
	     ret->script);
	memcpy(ret->groups, (const char *)bytes + e.groups.off, e.groups.len);
	ret->n_groups = e.groups.len / sizeof(uint32_t);
	take_ancestors(bytes, &e, ret);
	return 0;
}

#define NAME_OF(table, i) ((i) < sizeof(table) / sizeof((table)[0]) && (table)[i] ? (table)[i] : "?")

const char *am_op_name(unsigned op)
{
	static const char *const names[AM_OP_MAX_] = {
		[AM_OP_READ] = "read",
		[AM_OP_WRITE] = "write",
		[AM_OP_SEND] = "send",
	};

	return NAME_OF(names, op);
}

const char *am_act_name(unsigned act)
{
	static const char *const names[AM_ACT_MAX_] = {
		[AM_ACT_OPEN] = "open",
		[AM_ACT_READ] = "read",
		[AM_ACT_WRITE] = "write",
		[AM_ACT_MMAP] = "mmap",
		[AM_ACT_MPROTECT] = "mprotect",
		[AM_ACT_CREATE] = "create",
		[AM_ACT_LINK] = "link",
		[AM_ACT_UNLINK] = "unlink",
		[AM_ACT_RENAME] = "rename",
		[AM_ACT_TRUNCATE] = "truncate",
		[AM_ACT_CONNECT] = "connect",
		[AM_ACT_SEND] = "send",
		[AM_ACT_SPLICE] = "splice",
		[AM_ACT_EXEC] = "exec",
		[AM_ACT_ATTR] = "attr",
		[AM_ACT_XATTR] = "xattr",
		[AM_ACT_TEE] = "tee",
		[AM_ACT_TRACE] = "trace",
		[AM_ACT_RAW] = "raw",
		[AM_ACT_LOOP] = "loop",
		[AM_ACT_RING] = "ring",
		[AM_ACT_QUEUE] = "queue",
		[AM_ACT_SOCKET] = "socket",
		[AM_ACT_KEY] = "key",
		[AM_ACT_BPF] = "bpf",
		[AM_ACT_CORE] = "core",
		[AM_ACT_SIGNAL] = "signal",
		[AM_ACT_FORK] = "fork",
		[AM_ACT_ANCESTOR] = "ancestor",
	};

	return NAME_OF(names, act);
}

const char *am_kind_name(unsigned kind)
{
	static const char *const names[AM_EVENT_MAX_] = {
		[AM_EVENT_ACCESS] = "access", [AM_EVENT_REPEAT] = "repeat",
		[AM_EVENT_SEND] = "send",     [AM_EVENT_SPILL] = "spill",
		[AM_EVENT_RESEAL] = "reseal", [AM_EVENT_FOREIGN] = "foreign",
		[AM_EVENT_PROCESS] = "process",
	};

	return NAME_OF(names, kind);
}

const char *am_event_verb(const struct am_event *e)
{
	if (e->kind == AM_EVENT_SPILL || e->kind == AM_EVENT_RESEAL || e->kind == AM_EVENT_FOREIGN)
		return am_kind_name(e->kind);
	return e->op ? am_op_name(e->op) : am_act_name(e->act);
}

const char *am_verdict_name(unsigned verdict)
{
	static const char *const names[AM_VERDICT_MAX_] = {
		[AM_VERDICT_ALLOW] = "allow",
		[AM_VERDICT_DENY] = "deny",
	};

	return NAME_OF(names, verdict);
}

const char *am_reason_name(unsigned reason)
{
	static const char *const names[AM_REASON_MAX_] = {
		[AM_REASON_RULE_ALLOWS] = "rule-allows",
		[AM_REASON_RULE_DENIES] = "rule-denies",
		[AM_REASON_NO_RULE] = "no-rule",
		[AM_REASON_LABEL_DENIES] = "label-denies",
		[AM_REASON_LABEL_NO_RULE] = "label-no-rule",
		[AM_REASON_SPILL] = "spill",
		[AM_REASON_UNKNOWN_FACT] = "unknown-fact",
		[AM_REASON_NO_POLICY] = "no-policy",
		[AM_REASON_UNPROTECTED] = "unprotected",
		[AM_REASON_PURPOSE] = "purpose",
		[AM_REASON_UNRECORDED] = "unrecorded",
	};

	return NAME_OF(names, reason);
}
