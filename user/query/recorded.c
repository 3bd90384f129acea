// SPDX-License-Identifier: GPL-2.0
#include "query/recorded.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "event/escape.h"
#include "event/groups.h"
#include "event/line.h"
#include "query/word.h"

static uint32_t fit32(uint64_t n)
{
	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/* Beyond what records of the kernel have, a row says nothing that a decision is made of. */
static void fill_deed(const struct am_row *row, struct am_event *e)
{
	e->kind = (__u16)row->deed.kind;
	e->verdict = row->deed.verdict < AM_VERDICT_MAX_ ? row->deed.verdict : 0;
	e->reason = row->deed.reason < AM_REASON_MAX_ ? row->deed.reason : 0;
	e->op = row->deed.op < AM_OP_MAX_ ? row->deed.op : 0;
	e->act = row->deed.act < AM_ACT_MAX_ ? row->deed.act : 0;
	e->flags = row->deed.flags;
	e->generation = fit32(row->deed.generation);
	e->labels = row->deed.labels;
	e->culprits = row->deed.culprits;
	e->count = fit32(row->count);
}

static void fill_actor(const struct am_row *row, struct am_event *e)
{
	const struct am_row_actor *a = &row->actor;

	memcpy(e->bits.w, a->bits, sizeof(e->bits.w));
	e->start_ns = a->start_ns;
	e->cgroup = a->cgroup;
	e->exe_ino = a->exe_ino;
	e->exe_dev = a->exe_dev;
	e->tgid = a->pid;
	e->tid = a->tid;
	e->ppid = a->ppid;
	e->uid = a->uid;
	e->gid = a->gid;
	e->login = a->login;
	e->session = a->session;
	(void)snprintf(e->comm, sizeof(e->comm), "%s", a->comm ? a->comm : "");
}

void am_recorded_addr(const struct am_row_dest *dest, uint8_t ret[AM_RECORDED_ADDR])
{
	const uint64_t words[] = { htobe64(dest->addr_high), htobe64(dest->addr_low) };

	memcpy(ret, words, sizeof(words));
}

void am_recorded_dest(const struct am_row_dest *dest, struct am_event *ret)
{
	const uint64_t zones[] = { htole64(dest->zones_low), htole64(dest->zones_high) };

	am_recorded_addr(dest, ret->addr);
	memcpy(&ret->zones, zones, sizeof(zones));
	ret->family = (__u16)dest->family;
	ret->port = (__u16)dest->port;
	ret->proto = dest->proto;
}

static void fill_object(const struct am_row *row, struct am_event *e)
{
	e->ino = row->object.ino;
	e->dev = row->object.dev;
	e->igen = row->object.igen;
	e->bytes = row->object.bytes;
	e->store = fit32(row->object.store_id);
}

/* The first is the effective one, which the row has for itself. */
static void fill_groups(const struct am_row *row, struct am_decoded *ret)
{
	const char *text = row->actor.groups ? row->actor.groups : "";
	struct am_group group;

	ret->n_groups = 0;
	while (ret->n_groups < AM_GROUPS_MAX && am_groups_next(&text, &group))
		if (group.gid != row->actor.gid)
			ret->groups[ret->n_groups++] = group.gid;
}

static const char *or_null(const char *text)
{
	return text && *text ? text : NULL;
}

bool am_recorded_event(const struct am_row *row, struct am_decoded *ret,
		       struct am_event_names *ret_names)
{
	struct am_event *e = &ret->raw;

	if (!row->deed.kind || row->deed.kind >= AM_EVENT_MAX_)
		return false;
	*e = (struct am_event){
		.size = sizeof(*e),
		.abi = AM_ABI_VERSION,
		.seq = row->seq,
		.cpu = fit32(row->cpu),
		.boottime_ns = (uint64_t)row->boot_ns,
	};
	fill_deed(row, e);
	fill_actor(row, e);
	am_recorded_dest(&row->dest, e);
	fill_object(row, e);
	(void)snprintf(ret->path, sizeof(ret->path), "%s", row->object.path ? row->object.path : "");
	(void)snprintf(ret->exe, sizeof(ret->exe), "%s", row->actor.exe ? row->actor.exe : "");
	(void)snprintf(ret->script, sizeof(ret->script), "%s",
		       row->actor.script ? row->actor.script : "");
	fill_groups(row, ret);
	*ret_names = (struct am_event_names){
		.store = or_null(row->object.store),
		.user = or_null(row->actor.user),
		.login = or_null(row->actor.login_user),
		.unit = or_null(row->actor.unit),
		.purpose = or_null(row->actor.purpose),
		.groups = or_null(row->actor.groups),
		.cgroup = or_null(row->actor.cgroup_path),
		.why = or_null(row->deed.why),
		.policy = or_null(row->deed.policy),
		.labels = or_null(row->deed.label_names),
		.wall_ns = row->wall_ns,
		.run = fit32(row->event),
	};
	return true;
}

static void note_gap(FILE *out, const struct am_row *row)
{
	if (row->count)
		(void)fprintf(out, "%" PRIu64 " events are missing: ", row->count);
	else
		(void)fputs("nobody knows how many events are missing: ", out);
	(void)fputs(am_word_reason(row), out);
}

int am_recorded_note(FILE *out, const struct am_row *row, bool color)
{
	bool gap = row->deed.kind == AM_ROW_GAP;
	const char *look = gap ? "\033[1;35m" : "\033[36m";

	errno = 0;
	am_line_time(out, row->wall_ns);
	(void)fprintf(out, "%s%-5s%s ", color ? look : "", gap ? "GAP" : "NOTE",
		      color ? "\033[0m" : "");
	if (gap)
		note_gap(out, row);
	else
		(void)fputs(am_word_reason(row), out);
	if (row->deed.why && *row->deed.why) {
		(void)fputs(": ", out);
		am_escape_write(out, row->deed.why, AM_ESCAPE_PHRASE);
	}
	(void)fputc('\n', out);
	return ferror(out) ? errno ? -errno : -EIO : 0;
}
