// SPDX-License-Identifier: GPL-2.0
#include "event/format.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "event/dest.h"
#include "event/escape.h"
#include "event/id.h"
#include "event/line.h"

enum { NS_PER_S = 1000000000, NS_PER_MS = 1000000 };

struct look {
	const char *word;
	const char *color;
};

static struct look look_of(const struct am_event *e)
{
	if (e->flags & AM_EVENT_BLOCKED)
		return (struct look){ "DENY", "\033[1;31m" };
	if (e->verdict == AM_VERDICT_DENY)
		return (struct look){ "WOULD-DENY", "\033[33m" };
	if (e->verdict == AM_VERDICT_ALLOW)
		return (struct look){ "ALLOW", "\033[32m" };
	return (struct look){ "NOTE", "\033[36m" };
}

void am_line_time(FILE *out, int64_t wall_ns)
{
	int64_t ns = wall_ns % NS_PER_S;
	time_t s = wall_ns / NS_PER_S;
	struct tm tm = { 0 };

	if (ns < 0) {
		ns += NS_PER_S;
		s--;
	}
	(void)localtime_r(&s, &tm);	/* a year that does not fit an int leaves zeros */
	fprintf(out, "%02d:%02d:%02d.%03d ", tm.tm_hour, tm.tm_min, tm.tm_sec,
		(int)(ns / NS_PER_MS));
}

/* `citizen-registry/0042.csv`; a path where the store is not known or not where it was found. */
static void object(FILE *out, const struct am_decoded *e, const struct am_event_names *n)
{
	if (n->store) {
		am_escape_write(out, n->store, AM_ESCAPE_WORD);
		if (n->within) {
			fputc('/', out);
			am_escape_write(out, n->within, AM_ESCAPE_PHRASE);
			return;
		}
		fputc(':', out);
	}
	if (e->path[0] == '/' && e->raw.flags & AM_EVENT_FS_PATH)
		fputs("\xe2\x80\xa6", out);	/* where that file system is mounted */
	if (e->path[0])
		am_escape_write(out, e->path, AM_ESCAPE_PHRASE);
	else
		fprintf(out, "inode %u:%u/%" PRIu64, e->raw.dev >> 20, e->raw.dev & 0xfffff,
			(uint64_t)e->raw.ino);
}

static void target(FILE *out, const struct am_decoded *e, const struct am_event_names *n)
{
	char text[AM_DEST_TEXT];

	if (e->raw.kind == AM_EVENT_PROCESS) {	/* what it runs */
		am_escape_write(out, e->exe[0] ? e->exe : e->raw.comm, AM_ESCAPE_PHRASE);
		return;
	}
	if (e->raw.op != AM_OP_SEND) {
		object(out, e, n);
		return;
	}
	am_dest_text(&e->raw, text);
	fputs(text, out);
	if (!e->path[0])
		return;
	/* A device is where the data goes; of a socket's record it is where it comes from. */
	fputs(e->raw.family ? " from " : " ", out);
	object(out, e, n);
}

void am_line_field(FILE *out, const char *name, const char *value)
{
	if (!value || !value[0])
		return;
	fprintf(out, " %s=", name);
	am_escape_write(out, value, AM_ESCAPE_WORD);
}

/* The act says something only where it is not what the op is usually done by. */
static bool act_tells(const struct am_event *e)
{
	if (!e->op)
		return false;	/* it is the verb */
	switch (e->act) {
	case AM_ACT_OPEN:	/* an allowed one is followed by lines of what came of it */
		return e->verdict == AM_VERDICT_ALLOW;
	case AM_ACT_READ:
		return e->op != AM_OP_READ;
	case AM_ACT_WRITE:
		return e->op != AM_OP_WRITE;
	case AM_ACT_SEND:
		return e->op != AM_OP_SEND;
	default:
		return true;
	}
}

static void process(FILE *out, const struct am_decoded *e, const struct am_event_names *n)
{
	am_escape_write(out, e->raw.comm, AM_ESCAPE_WORD);
	fprintf(out, "[%u]", e->raw.tgid);
	if (n->user)
		am_line_field(out, "user", n->user);
	else
		fprintf(out, " user=%u", e->raw.uid);
	am_line_field(out, "unit", n->unit);
	am_line_field(out, "script", e->script);
	am_line_field(out, "purpose", n->purpose);
	if (act_tells(&e->raw))
		am_line_field(out, "act", am_act_name(e->raw.act));
	if (e->raw.op == AM_OP_SEND && e->raw.bytes && e->raw.flags & AM_EVENT_SIZED)
		fprintf(out, " bytes=%" PRIu64, (uint64_t)e->raw.bytes);
	/* A store's labels are known by its name; what else carries some must say so. */
	if (e->raw.op == AM_OP_SEND || !n->store || e->raw.kind == AM_EVENT_SPILL)
		am_line_field(out, "labels", n->labels);
}

static void reason(FILE *out, const struct am_decoded *e, const struct am_event_names *n)
{
	if (e->raw.kind == AM_EVENT_PROCESS)
		fprintf(out, "child of process %u", e->raw.ppid);
	else if (n->why && n->why[0])
		am_escape_write(out, n->why, AM_ESCAPE_PHRASE);
	else if (e->raw.reason)
		fputs(am_reason_name(e->raw.reason), out);
	else
		fputs(e->raw.kind == AM_EVENT_SPILL ? "carries labels from here on" :
						      "its tree is being sealed", out);
	if (!e->raw.generation) {
		fputs(" (no policy)", out);
		return;
	}
	fputs(" (policy ", out);
	if (n->policy)
		am_escape_write(out, n->policy, AM_ESCAPE_WORD);
	fprintf(out, "#%u)", e->raw.generation);
}

/* What `amanat explain` takes. */
static void identity(FILE *out, const struct am_decoded *e, const struct am_event_names *n,
		     bool color)
{
	struct am_event_id id;
	char text[AM_EVENT_ID_TEXT];

	if (!n->run)
		return;
	am_event_id_of(&e->raw, n->run, &id);
	am_event_id_format(&id, text);
	fprintf(out, " %s[%s]%s", color ? "\033[2m" : "", text, color ? "\033[0m" : "");
}

int am_event_text(FILE *out, const struct am_decoded *e, const struct am_event_names *n, bool color)
{
	struct look look = look_of(&e->raw);

	errno = 0;
	am_line_time(out, n->wall_ns);
	fprintf(out, "%s%-5s%s %-5s ", color ? look.color : "", look.word, color ? "\033[0m" : "",
		am_event_verb(&e->raw));
	target(out, e, n);
	fputs("  ", out);
	process(out, e, n);
	fputs("  ", out);
	reason(out, e, n);
	if (e->raw.kind == AM_EVENT_REPEAT)
		fprintf(out, " x%u", e->raw.count);
	identity(out, e, n, color);
	fputc('\n', out);
	if (!ferror(out))
		return 0;
	return errno ? -errno : -EIO;
}
