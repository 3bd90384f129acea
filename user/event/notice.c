// SPDX-License-Identifier: GPL-2.0
#include "event/notice.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "event/escape.h"
#include "event/line.h"
#include "event/ocsf_object.h"

enum { NS_PER_MS = 1000000, CLASS_BASE = 0, CLASS_FINDING = 2004 };

/* How each kind is shown, and what a machine is told of it. */
struct form {
	const char *name;
	const char *word;	/* NOTE, DENY ... */
	const char *color;
	const char *verb;
	const char *fact;	/* before the reason, in text */
	bool finding;
	struct am_ocsf_code severity;
};

static const char green[] = "\033[32m", red[] = "\033[1;31m", yellow[] = "\033[33m",
		  cyan[] = "\033[36m";

static const struct form forms[AM_NOTICE_MAX_] = {
	[AM_NOTICE_POLICY_IN_FORCE] = { "policy-in-force", "NOTE", cyan, "policy", "in force", false,
					{ 1, "Informational" } },
	[AM_NOTICE_POLICY_REFUSED] = { "policy-refused", "ERROR", red, "policy", "refused", false,
				       { 3, "Medium" } },
	[AM_NOTICE_EXE_CHANGED] = { "exe-changed", "NOTE", cyan, "exe", "changed", false,
				    { 1, "Informational" } },
	[AM_NOTICE_EXE_GONE] = { "exe-gone", "WARN", yellow, "exe", "gone", true,
				 { 3, "Medium" } },
	[AM_NOTICE_EXE_BACK] = { "exe-back", "NOTE", cyan, "exe", "there", false,
				 { 1, "Informational" } },
	[AM_NOTICE_PURPOSE_GRANTED] = { "purpose-granted", "ALLOW", green, "use", NULL, false,
					{ 1, "Informational" } },
	[AM_NOTICE_PURPOSE_REFUSED] = { "purpose-refused", "DENY", red, "use", NULL, true,
					{ 3, "Medium" } },
	[AM_NOTICE_PURPOSE_ENDED] = { "purpose-ended", "NOTE", cyan, "use", "ended", false,
				      { 2, "Low" } },
};

static const struct form *form_of(const struct am_notice *n)
{
	return &forms[n->kind < AM_NOTICE_MAX_ ? n->kind : AM_NOTICE_INVALID];
}

const char *am_notice_name(unsigned kind)
{
	return kind < AM_NOTICE_MAX_ && forms[kind].name ? forms[kind].name : "?";
}

/* ---- the line for a person --------------------------------------------------- */

static void text_head(FILE *out, const struct am_notice *n, bool color)
{
	const struct form *f = form_of(n);
	bool observed = n->kind == AM_NOTICE_PURPOSE_REFUSED && n->observed;

	am_line_time(out, n->wall_ns);
	fprintf(out, "%s%-5s%s %-5s ", color ? observed ? yellow : f->color : "",
		observed ? "WOULD-DENY" : f->word, color ? "\033[0m" : "", f->verb);
	am_escape_write(out, n->what ? n->what : "?", AM_ESCAPE_PHRASE);
	fputs("  ", out);
}

static void text_asker(FILE *out, const struct am_notice *n)
{
	if (!n->pid)
		return;
	am_escape_write(out, n->comm ? n->comm : "?", AM_ESCAPE_WORD);
	fprintf(out, "[%u]", n->pid);
	if (n->user)
		am_line_field(out, "user", n->user);
	else
		fprintf(out, " user=%u", n->uid);
	am_line_field(out, "unit", n->unit);
	fputs("  ", out);
}

static void text_reason(FILE *out, const struct am_notice *n)
{
	const char *fact = form_of(n)->fact;

	if (n->subjects && n->subjects[0]) {
		am_escape_write(out, n->subjects, AM_ESCAPE_WORD);
		fputs(" is ", out);
	}
	if (fact)
		fputs(fact, out);
	if (fact && n->why && n->why[0])
		fputs(": ", out);
	if (n->why)
		am_escape_write(out, n->why, AM_ESCAPE_PHRASE);
	if (!n->generation)
		return;
	fputs(" (policy ", out);
	if (n->policy)
		am_escape_write(out, n->policy, AM_ESCAPE_WORD);
	fprintf(out, "#%u)", n->generation);
}

int am_notice_text(FILE *out, const struct am_notice *n, bool color)
{
	errno = 0;
	text_head(out, n, color);
	text_asker(out, n);
	text_reason(out, n);
	fputc('\n', out);
	if (!ferror(out))
		return 0;
	return errno ? -errno : -EIO;
}

/* ---- OCSF ----------------------------------------------------------------------- */

static void classification(struct am_json *j, const struct am_notice *n)
{
	const struct form *f = form_of(n);

	if (f->finding) {
		am_ocsf_code(j, "category_uid", "category_name", AM_CODE(2, "Findings"));
		am_ocsf_code(j, "class_uid", "class_name", AM_CODE(CLASS_FINDING, "Detection Finding"));
		am_ocsf_code(j, "activity_id", "activity_name", AM_CODE(1, "Create"));
		am_ocsf_code(j, "type_uid", "type_name",
			     AM_CODE(CLASS_FINDING * 100 + 1, "Detection Finding: Create"));
	} else {
		am_ocsf_code(j, "category_uid", "category_name", AM_CODE(0, "Uncategorized"));
		am_ocsf_code(j, "class_uid", "class_name", AM_CODE(CLASS_BASE, "Base Event"));
		am_ocsf_code(j, "activity_id", "activity_name", AM_CODE(99, f->name));
		am_ocsf_code(j, "type_uid", "type_name", AM_CODE(99, "Base Event: Other"));
	}
	am_ocsf_code(j, "severity_id", "severity", f->severity);
}

static void outcome(struct am_json *j, const struct am_notice *n)
{
	struct am_ocsf_code action = { 3, "Observed" }, disposition = { 17, "Logged" };
	char version[16];

	if (n->kind == AM_NOTICE_PURPOSE_GRANTED) {
		action = AM_CODE(1, "Allowed");
		disposition = AM_CODE(1, "Allowed");
	} else if (n->kind == AM_NOTICE_PURPOSE_REFUSED && !n->observed) {
		action = AM_CODE(2, "Denied");
		disposition = AM_CODE(2, "Blocked");
	}
	am_ocsf_code(j, "action_id", "action", action);
	am_ocsf_code(j, "disposition_id", "disposition", disposition);
	if (form_of(n)->finding)
		am_json_bool(j, "is_alert", true);
	if (!n->generation)
		return;
	snprintf(version, sizeof(version), "%u", n->generation);
	am_json_object(j, "policy");
	am_json_text(j, "name", n->policy ? n->policy : "unnamed");
	am_json_text(j, "version", version);
	am_json_bool(j, "is_applied", true);
	am_json_end(j);
}

static void file(struct am_json *j, const char *path)
{
	const char *slash = strrchr(path, '/');

	am_json_object(j, "file");
	am_json_text(j, "name", slash && slash[1] ? slash + 1 : path);
	am_json_text(j, "path", path);
	am_ocsf_code(j, "type_id", "type", AM_CODE(0, "Unknown"));
	am_json_end(j);
}

static bool is_of_exe(const struct am_notice *n)
{
	return n->kind == AM_NOTICE_EXE_CHANGED || n->kind == AM_NOTICE_EXE_GONE ||
	       n->kind == AM_NOTICE_EXE_BACK;
}

static void finding(struct am_json *j, const struct am_notice *n, const char *uid,
		    const char *message)
{
	am_json_object(j, "finding_info");
	am_json_text(j, "uid", uid);
	am_json_text(j, "title", message);
	am_json_text(j, "desc", n->why);
	am_json_int(j, "created_time", n->wall_ns / NS_PER_MS);
	am_json_object(j, "analytic");
	am_json_text(j, "name", am_notice_name(n->kind));
	am_ocsf_code(j, "type_id", "type", AM_CODE(1, "Rule"));
	am_json_end(j);
	am_json_end(j);
	am_ocsf_code(j, "status_id", "status", AM_CODE(1, "New"));
	if (!is_of_exe(n) || !n->what)
		return;
	am_json_list(j, "evidences");
	am_json_object(j, NULL);
	file(j, n->what);
	am_json_end(j);
	am_json_end(j);
}

static void actor(struct am_json *j, const struct am_notice *n)
{
	char uid[16];

	if (!n->pid)
		return;
	snprintf(uid, sizeof(uid), "%u", n->uid);
	am_json_object(j, "actor");
	am_json_object(j, "process");
	am_json_int(j, "pid", n->pid);
	am_json_text(j, "name", n->comm);
	am_json_text(j, "path", n->exe);
	am_json_end(j);
	am_json_object(j, "user");
	am_json_text(j, "name", n->user);
	am_json_text(j, "uid", uid);
	am_json_end(j);
	am_json_end(j);
}

static void metadata(struct am_json *j, const struct am_notice *n, const char *uid)
{
	am_json_object(j, "metadata");
	am_json_text(j, "version", am_ocsf_version);
	am_ocsf_product(j);
	am_json_list(j, "profiles");
	am_json_text(j, NULL, "security_control");
	am_json_text(j, NULL, "host");
	am_json_end(j);
	am_json_text(j, "uid", uid);
	am_json_text(j, "event_code", am_notice_name(n->kind));
	am_json_end(j);
}

static void unmapped(struct am_json *j, const struct am_notice *n)
{
	am_json_object(j, "unmapped");
	am_json_text(j, "kind", am_notice_name(n->kind));
	am_json_text(j, "what", n->what);
	am_ocsf_names(j, "subjects", n->subjects);
	am_json_text(j, "why", n->why);
	am_json_text(j, "unit", n->unit);
	if (n->kind == AM_NOTICE_PURPOSE_REFUSED)
		am_json_bool(j, "blocked", !n->observed);
	am_json_int(j, "generation", n->generation);
	am_json_end(j);
}

/* "exe /usr/bin/psql gone: does not have the digest that the policy asks for" */
static void put_message(const struct am_notice *n, char *ret, size_t size)
{
	const struct form *f = form_of(n);
	const char *fact = f->fact ? f->fact :
			   n->kind == AM_NOTICE_PURPOSE_GRANTED ? "allowed" : "refused";

	snprintf(ret, size, "%s %s %s%s%s", f->verb ? f->verb : "?", n->what ? n->what : "?", fact,
		 n->why ? ": " : "", n->why ? n->why : "");
}

int am_notice_json(FILE *out, const struct am_notice *n)
{
	const struct am_ocsf_source from = { .host = am_ocsf_host(n->host) };
	char uid[128], message[512];
	struct am_json j;

	snprintf(uid, sizeof(uid), "%s-notice-%" PRIu64, from.host->boot, n->seq);
	put_message(n, message, sizeof(message));
	am_json_init(&j, out);
	am_json_object(&j, NULL);
	am_json_int(&j, "time", n->wall_ns / NS_PER_MS);
	classification(&j, n);
	am_json_text(&j, "message", message);
	outcome(&j, n);
	if (form_of(n)->finding)
		finding(&j, n, uid, message);
	else
		am_ocsf_code(&j, "status_id", "status",
			     n->kind == AM_NOTICE_POLICY_REFUSED ? AM_CODE(2, "Failure") :
								   AM_CODE(1, "Success"));
	actor(&j, n);
	am_ocsf_device(&j, &from);
	metadata(&j, n, uid);
	unmapped(&j, n);
	return am_json_done(&j);
}
