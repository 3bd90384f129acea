// SPDX-License-Identifier: GPL-2.0
/* Events in the words of the Open Cybersecurity Schema Framework, version 1.8.0:
 *
 *   allowed, on a file           File System Activity   1001
 *   allowed, to a destination    Network Activity       4001
 *   a process that begins        Process Activity       1007, whose actor is the parent; by exec itself
 *   what breaks policy           Detection Finding      2004, with the file or the
 *                                destination as its evidence
 *
 * A finding is Blocked (action Denied) when the kernel refused, and Logged (action
 * Observed) in observe mode. What OCSF has no word for is under `unmapped`. The
 * tests validate every form against OCSF's own definitions. */
#include "event/format.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "base/text.h"
#include "event/dest.h"
#include "event/id.h"
#include "event/ocsf_object.h"

const char am_ocsf_version[] = "1.8.0";

enum { NS_PER_MS = 1000000 };

enum { CLASS_FILE = 1001, CLASS_PROCESS = 1007, CLASS_FINDING = 2004, CLASS_NETWORK = 4001 };

struct class {
	struct am_ocsf_code category, class;
	bool has_actor;		/* by itself; else by the profile `host` */
};

static const struct class class_file = { { 1, "System Activity" },
					 { CLASS_FILE, "File System Activity" }, true };
static const struct class class_process = { { 1, "System Activity" },
					    { CLASS_PROCESS, "Process Activity" }, true };
static const struct class class_network = { { 4, "Network Activity" },
					    { CLASS_NETWORK, "Network Activity" }, false };
static const struct class class_finding = { { 2, "Findings" },
					    { CLASS_FINDING, "Detection Finding" }, false };

/* One event on its way out. */
struct form {
	struct am_json j;
	struct am_ocsf_source from;
	const struct class *class;
	char uid[128];		/* of the event */
	char act[96];		/* "read of citizen-registry" */
};

static struct am_host_id this_host;

static void find_this_host(void)
{
	am_host_id_read(&am_host_here, &this_host);
}

const struct am_host_id *am_ocsf_host(const struct am_host_id *given)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (given)
		return given;
	(void)pthread_once(&once, find_this_host);	/* fails only if `once` is not one */
	return &this_host;
}

/* The kernel refused, or would have: also BLOCKED without a verdict breaks policy. */
static bool is_finding(const struct am_event *e)
{
	return e->verdict == AM_VERDICT_DENY || e->flags & AM_EVENT_BLOCKED;
}

/* ---- which class, which activity ------------------------------------------- */

static const struct class *class_of(const struct am_event *e)
{
	if (is_finding(e))
		return &class_finding;
	if (e->kind == AM_EVENT_PROCESS)
		return &class_process;
	return e->op == AM_OP_SEND ? &class_network : &class_file;
}

static struct am_ocsf_code file_activity(const struct am_event *e)
{
	if (e->kind == AM_EVENT_SPILL)
		return AM_CODE(3, "Update");
	switch (e->act) {
	case AM_ACT_OPEN:
		return AM_CODE(14, "Open");
	case AM_ACT_CREATE:
		return AM_CODE(1, "Create");
	case AM_ACT_UNLINK:
		return AM_CODE(4, "Delete");
	case AM_ACT_RENAME:
		return AM_CODE(5, "Rename");
	case AM_ACT_LINK:
		return AM_CODE(99, "link");
	case AM_ACT_INVALID:
		return AM_CODE(0, "Unknown");
	default:
		break;
	}
	if (e->op == AM_OP_WRITE)
		return AM_CODE(3, "Update");
	return AM_CODE(2, "Read");
}

/* OCSF has no word for a process that is only seen to be there. */
static struct am_ocsf_code process_activity(const struct am_event *e)
{
	return e->act == AM_ACT_ANCESTOR ? AM_CODE(99, "ancestor") : AM_CODE(1, "Launch");
}

static struct am_ocsf_code activity_of(const struct form *f)
{
	if (f->class == &class_finding)
		return AM_CODE(1, "Create");
	if (f->class == &class_file)
		return file_activity(&f->from.e->raw);
	if (f->class == &class_process)
		return process_activity(&f->from.e->raw);
	if (f->from.e->raw.act == AM_ACT_CONNECT)
		return AM_CODE(1, "Open");
	return AM_CODE(6, "Traffic");
}

static bool is_trouble(enum am_reason reason)
{
	return reason == AM_REASON_UNKNOWN_FACT || reason == AM_REASON_NO_POLICY ||
	       reason == AM_REASON_UNRECORDED;
}

/* Data on its way off its place is worse than a look at it; a refusal for want of
 * a fact, a policy or a record is more likely trouble than intent. The same whether it was
 * blocked: the severity is of what was tried. */
static struct am_ocsf_code severity_of(const struct form *f)
{
	const struct am_event *e = &f->from.e->raw;

	if (!is_finding(e))
		return AM_CODE(1, "Informational");
	if (is_trouble(e->reason))
		return AM_CODE(2, "Low");
	if (e->op == AM_OP_SEND)
		return AM_CODE(4, "High");
	return AM_CODE(3, "Medium");
}

/* ---- parts of the event ------------------------------------------------------ */

static void metadata(struct form *f)
{
	struct am_json *j = &f->j;

	am_json_object(j, "metadata");
	am_json_text(j, "version", am_ocsf_version);
	am_ocsf_product(j);
	am_json_list(j, "profiles");
	am_json_text(j, NULL, "security_control");
	if (!f->class->has_actor)
		am_json_text(j, NULL, "host");
	if (am_ocsf_in_container(&f->from))
		am_json_text(j, NULL, "container");
	am_json_end(j);
	am_json_text(j, "uid", f->uid);
	if (f->from.e->raw.reason)
		am_json_text(j, "event_code", am_reason_name(f->from.e->raw.reason));
	am_json_end(j);
}

static void classification(struct form *f)
{
	struct am_ocsf_code activity = activity_of(f);
	struct am_json *j = &f->j;
	char type[64];

	snprintf(type, sizeof(type), "%s: %s", f->class->class.caption,
		 activity.id == 99 ? "Other" : activity.caption);
	am_ocsf_code(j, "category_uid", "category_name", f->class->category);
	am_ocsf_code(j, "class_uid", "class_name", f->class->class);
	am_ocsf_code(j, "activity_id", "activity_name", activity);
	am_ocsf_code(j, "type_uid", "type_name",
		     AM_CODE(f->class->class.id * 100 + activity.id, type));
	am_ocsf_code(j, "severity_id", "severity", severity_of(f));
}

/* The profile security_control: what the control did. */
static void outcome(struct form *f)
{
	const struct am_event *e = &f->from.e->raw;
	struct am_json *j = &f->j;
	struct am_ocsf_code action = { 1, "Allowed" }, disposition = { 1, "Allowed" };
	char version[16];

	if (e->flags & AM_EVENT_BLOCKED) {
		action = AM_CODE(2, "Denied");
		disposition = AM_CODE(2, "Blocked");
	} else if (is_finding(e) || !e->verdict) {
		action = AM_CODE(3, "Observed");
		disposition = AM_CODE(17, "Logged");
	}
	am_ocsf_code(j, "action_id", "action", action);
	am_ocsf_code(j, "disposition_id", "disposition", disposition);
	am_json_bool(j, "is_alert", is_finding(e));
	if (!e->generation)
		return;
	snprintf(version, sizeof(version), "%u", e->generation);
	am_json_object(j, "policy");
	am_json_text(j, "name", f->from.n->policy ? f->from.n->policy : "unnamed");
	am_json_text(j, "version", version);
	am_json_bool(j, "is_applied", true);
	am_json_end(j);
}

static void finding_info(struct form *f)
{
	const struct am_event *e = &f->from.e->raw;
	struct am_json *j = &f->j;
	char title[160];

	snprintf(title, sizeof(title), "%s: %s",
		 e->flags & AM_EVENT_BLOCKED ? "Refused" : "Against policy", f->act);
	am_json_object(j, "finding_info");
	am_json_text(j, "uid", f->uid);
	am_json_text(j, "title", title);
	am_json_text(j, "desc", f->from.n->why);
	am_json_int(j, "created_time", f->from.n->wall_ns / NS_PER_MS);
	am_json_object(j, "analytic");
	am_json_text(j, "name", am_reason_name(e->reason));
	am_ocsf_code(j, "type_id", "type", AM_CODE(1, "Rule"));
	am_json_end(j);
	am_json_end(j);
	am_ocsf_code(j, "status_id", "status", AM_CODE(1, "New"));
}

static void evidence(struct form *f)
{
	const struct am_event *e = &f->from.e->raw;
	struct am_json *j = &f->j;

	am_json_list(j, "evidences");
	am_json_object(j, NULL);
	if (e->op != AM_OP_SEND || f->from.e->path[0])
		am_ocsf_file(&f->j, &f->from);
	if (e->op == AM_OP_SEND)
		am_ocsf_destination(&f->j, &f->from);
	am_json_end(j);
	am_json_end(j);
}

/* The store is what a finding is about, whichever of its files it was. */
static void resources(struct form *f)
{
	struct am_json *j = &f->j;

	if (!f->from.n->store)
		return;
	am_json_list(j, "resources");
	am_json_object(j, NULL);
	am_json_text(j, "name", f->from.n->store);
	am_json_text(j, "type", "store");
	am_ocsf_code(j, "role_id", "role", AM_CODE(1, "Target"));
	am_ocsf_labels(j, f->from.n->labels);
	am_json_end(j);
	am_json_end(j);
}

static bool is_utf8(const char *s)
{
	size_t left = strlen(s), n;
	uint32_t c;

	for (; left; s += n, left -= n) {
		n = am_text_char(s, left, &c);
		if (!n)
			return false;
	}
	return true;
}

/* Bytes that are no UTF-8 become U+FFFD in `path`; here they are whole. */
static void path_bytes(struct am_json *j, const char *path)
{
	char hex[2 * sizeof(((struct am_decoded *)0)->path) + 1];
	size_t i;

	if (is_utf8(path))
		return;
	for (i = 0; path[i]; i++)
		snprintf(hex + 2 * i, 3, "%02x", (unsigned char)path[i]);
	am_json_text(j, "path_hex", hex);
}

static void unmapped(struct form *f)
{
	const struct am_event *e = &f->from.e->raw;
	struct am_json *j = &f->j;

	am_json_object(j, "unmapped");
	am_json_text(j, "kind", am_kind_name(e->kind));
	if (e->verdict)
		am_json_text(j, "verdict", am_verdict_name(e->verdict));
	am_json_bool(j, "blocked", e->flags & AM_EVENT_BLOCKED);
	if (e->reason)
		am_json_text(j, "reason", am_reason_name(e->reason));
	am_json_text(j, "why", f->from.n->why);
	if (e->op)
		am_json_text(j, "op", am_op_name(e->op));
	if (e->act)
		am_json_text(j, "act", am_act_name(e->act));
	am_json_text(j, "store", f->from.n->store);
	am_json_text(j, "within", f->from.n->within);
	am_ocsf_labels(j, f->from.n->labels);
	if (e->ino)
		am_json_int(j, "inode_generation", e->igen);
	am_json_text(j, "unit", f->from.n->unit);
	am_json_u64(j, "cgroup", e->cgroup);
	am_json_text(j, "cgroup_path", f->from.n->cgroup);
	am_json_text(j, "purpose", f->from.n->purpose);
	if (f->from.e->script[0])
		am_json_text(j, "script", f->from.e->script);
	if (e->login != ~0u)
		am_json_int(j, "login_uid", e->login);
	am_json_int(j, "gid", e->gid);
	am_json_int(j, "generation", e->generation);
	am_json_int(j, "cpu", e->cpu);
	am_json_u64(j, "seq", e->seq);
	am_json_u64(j, "boottime_ns", e->boottime_ns);
	if (e->kind == AM_EVENT_REPEAT)
		am_json_int(j, "repeats", e->count);
	if (e->op == AM_OP_SEND) {
		am_json_int(j, "bytes", (int64_t)(e->bytes & INT64_MAX));
		am_json_bool(j, "bytes_known", e->flags & AM_EVENT_SIZED);
	}
	if (e->flags & AM_EVENT_PATH_CUT)
		am_json_bool(j, "path_cut", true);
	if (e->flags & AM_EVENT_FS_PATH)
		am_json_bool(j, "path_within_file_system", true);
	if (e->flags & AM_EVENT_FOREIGN_CODE)
		am_json_bool(j, "foreign_code", true);
	if (e->flags & AM_EVENT_TRACED)
		am_json_bool(j, "traced", true);
	if (e->flags & AM_EVENT_UNKNOWN)
		am_json_bool(j, "unknown_fact", true);
	if (e->flags & AM_EVENT_GROUPS_CUT)
		am_json_bool(j, "groups_cut", true);
	if (e->flags & AM_EVENT_SCRIPT_CUT)
		am_json_bool(j, "script_cut", true);
	if (e->flags & AM_EVENT_SCRIPT_LOST)
		am_json_bool(j, "script_lost", true);
	if (f->class == &class_network && f->from.e->path[0])	/* that class knows no file */
		am_json_text(j, "file_path", f->from.e->path);
	path_bytes(j, f->from.e->path);
	am_json_end(j);
}

static void launch(struct form *f)
{
	const struct am_event *e = &f->from.e->raw;
	struct am_json *j = &f->j;

	if (e->act == AM_ACT_FORK)
		am_ocsf_code(j, "launch_type_id", "launch_type", AM_CODE(2, "Fork"));
	else if (e->act == AM_ACT_EXEC)
		am_ocsf_code(j, "launch_type_id", "launch_type", AM_CODE(3, "Exec"));
	am_ocsf_process(j, &f->from);
}

/* ---- the event --------------------------------------------------------------- */

static void body(struct form *f)
{
	if (f->class == &class_finding) {
		finding_info(f);
		evidence(f);
		resources(f);
	} else if (f->class == &class_process) {
		launch(f);
	} else if (f->class == &class_network) {
		am_ocsf_destination(&f->j, &f->from);
		am_ocsf_traffic(&f->j, &f->from);
	} else {
		am_ocsf_file(&f->j, &f->from);
	}
}

/* The id by which `amanat explain` knows it; without a run, which only a record from
 * elsewhere lacks, what tells it from all others of its host. */
static void name_event(struct form *f)
{
	const struct am_event *e = &f->from.e->raw;
	struct am_event_id id;

	if (e->act == AM_ACT_ANCESTOR) {	/* no event of its own: it came with another */
		snprintf(f->uid, sizeof(f->uid), "%s-%u@%" PRIu64, f->from.host->boot, e->tgid,
			 (uint64_t)e->start_ns);
		return;
	}
	if (f->from.n->run) {
		am_event_id_of(e, f->from.n->run, &id);
		am_event_id_format(&id, f->uid);
		return;
	}
	snprintf(f->uid, sizeof(f->uid), "%s-%" PRIu64 "-%u-%" PRIu64, f->from.host->boot,
		 (uint64_t)e->boottime_ns, e->cpu, (uint64_t)e->seq);
}

static void prepare(struct form *f)
{
	const struct am_event *e = &f->from.e->raw;
	char text[AM_DEST_TEXT];

	name_event(f);
	if (e->op == AM_OP_SEND) {
		am_dest_text(e, text);
		snprintf(f->act, sizeof(f->act), "send to %s", text);
	} else if (e->kind == AM_EVENT_PROCESS) {
		snprintf(f->act, sizeof(f->act), "%s: process %u, child of %u", am_act_name(e->act),
			 e->tgid, e->ppid);
	} else {
		snprintf(f->act, sizeof(f->act), "%s of %s", am_event_verb(e),
			 f->from.n->store ? f->from.n->store : "labelled data outside every store");
	}
}

int am_event_json(FILE *out, const struct am_decoded *e, const struct am_event_names *n)
{
	struct form f = { .from = { e, n, am_ocsf_host(n->host) }, .class = class_of(&e->raw) };
	char message[512];

	prepare(&f);
	snprintf(message, sizeof(message), "%s%s%s", f.act, n->why ? ": " : "",
		 n->why ? n->why : "");
	am_json_init(&f.j, out);
	am_json_object(&f.j, NULL);
	am_json_int(&f.j, "time", n->wall_ns / NS_PER_MS);
	classification(&f);
	am_json_text(&f.j, "message", message);
	/* OCSF's integers have 32 bits; `repeats` has them all. */
	if (e->raw.kind == AM_EVENT_REPEAT)
		am_json_int(&f.j, "count", e->raw.count > INT32_MAX ? INT32_MAX : e->raw.count);
	outcome(&f);
	body(&f);
	if (f.class == &class_process && e->raw.act != AM_ACT_EXEC)
		am_ocsf_parent(&f.j, &f.from);
	else
		am_ocsf_actor(&f.j, &f.from);
	am_ocsf_device(&f.j, &f.from);
	metadata(&f);
	unmapped(&f);
	return am_json_done(&f.j);
}
