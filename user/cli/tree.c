// SPDX-License-Identifier: GPL-2.0
#include "cli/tree.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "abi.h"
#include "cli/look.h"
#include "cli/report.h"
#include "event/escape.h"
#include "event/event.h"
#include "event/json.h"
#include "event/line.h"

enum { RAILS_MAX = 24 };	/* generations that are indented; deeper ones lie below these */

struct tree {
	FILE *out;
	const struct am_family *f;
	const struct am_touches *t;
};

static const struct am_family_process *process_at(const struct tree *t, uint32_t i)
{
	return AM_FAMILY_PROCESS(t->f, i);
}

static const char *text(const struct tree *t, uint32_t number)
{
	return am_pool_text(&t->f->pool, number);
}

/* ---- rails ---------------------------------------------------------------------------- */

static bool has_sister(const struct tree *t, const struct am_family_process *p)
{
	uint32_t i = p->sibling;

	while (i != AM_FAMILY_NONE && !process_at(t, i)->shown)
		i = process_at(t, i)->sibling;
	return i != AM_FAMILY_NONE;
}

static bool has_child(const struct tree *t, const struct am_family_process *p)
{
	uint32_t i = p->child;

	while (i != AM_FAMILY_NONE && !process_at(t, i)->shown)
		i = process_at(t, i)->sibling;
	return i != AM_FAMILY_NONE;
}

/* What is in front of a line of `p`: of its own name, or of what is below. */
static void rails(const struct tree *t, const struct am_family_process *p, bool name)
{
	const struct am_family_process *line[RAILS_MAX];
	const struct am_family_process *at = p;
	unsigned n = 0;

	for (; at->parent != AM_FAMILY_NONE && n < RAILS_MAX; at = process_at(t, at->parent))
		line[n++] = at;
	while (n--) {
		bool more = has_sister(t, line[n]);

		if (name && !n)
			(void)fputs(more ? "├─ " : "└─ ", t->out);
		else
			(void)fputs(more ? "│  " : "   ", t->out);
	}
}

/* ---- who ---------------------------------------------------------------------------------- */

static void print_self(const struct tree *t, const struct am_family_self *s)
{
	if (*text(t, s->exe)) {
		(void)fputc(' ', t->out);
		am_escape_write(t->out, text(t, s->exe), AM_ESCAPE_WORD);
	}
	if (*text(t, s->user))
		am_line_field(t->out, "user", text(t, s->user));
	else
		(void)fprintf(t->out, " user=%" PRIu32, s->uid);
	if (*text(t, s->login_user))
		am_line_field(t->out, "login", text(t, s->login_user));
	else if (s->login != UINT32_MAX)
		(void)fprintf(t->out, " login=%" PRIu32, s->login);
	if (s->session != UINT32_MAX)
		(void)fprintf(t->out, " session=%" PRIu32, s->session);
	am_line_field(t->out, "unit", *text(t, s->unit) ? text(t, s->unit) : NULL);
}

static void print_name(const struct tree *t, const struct am_family_process *p)
{
	const struct am_family_self *s = p->self == AM_FAMILY_NONE ? NULL :
							AM_FAMILY_SELF(t->f, p->self);
	char began[AM_WHEN_TEXT];

	rails(t, p, true);
	if (!s) {
		(void)fprintf(t->out, "process %" PRIu32 ", of which the record has nothing\n", p->pid);
		return;
	}
	am_look_time(p->start_wall_ns, began);
	am_escape_write(t->out, text(t, s->comm), AM_ESCAPE_WORD);
	(void)fprintf(t->out, "[%" PRIu32 "]", p->pid);
	print_self(t, s);
	(void)fprintf(t->out, ", began %s", began);
	if (p->parent == AM_FAMILY_NONE && p->ppid)
		(void)fprintf(t->out, ", child of process %" PRIu32, p->ppid);
	(void)fputc('\n', t->out);
}

static void begin_line(const struct tree *t, const struct am_family_process *p)
{
	rails(t, p, false);
	(void)fputs(has_child(t, p) ? "│    " : "     ", t->out);
}

/* It may have come to run something else, or to be somebody else. */
static void print_later(const struct tree *t, const struct am_family_process *p)
{
	uint32_t i = p->self == AM_FAMILY_NONE ? p->self : AM_FAMILY_SELF(t->f, p->self)->next;
	char since[AM_WHEN_TEXT];

	for (; i != AM_FAMILY_NONE; i = AM_FAMILY_SELF(t->f, i)->next) {
		am_look_time(AM_FAMILY_SELF(t->f, i)->first_ns, since);
		begin_line(t, p);
		(void)fputs("then", t->out);
		print_self(t, AM_FAMILY_SELF(t->f, i));
		(void)fprintf(t->out, ", seen since %s\n", since);
	}
}

/* ---- what --------------------------------------------------------------------------------- */

static const char *op_word(const struct am_touched *x)
{
	return x->op == AM_TOUCH_COPY ? "copy" : am_op_name(x->op);
}

static const char *target_word(const struct tree *t, const struct am_touched *x)
{
	if (*text(t, x->target))
		return text(t, x->target);
	return x->op == AM_OP_SEND ? "by a socket whose destination the record lacks" :
				     "outside of stores";
}

static void print_amount(const struct tree *t, const struct am_touched *x)
{
	char bytes[AM_REPORT_BYTES];

	if (x->done)
		(void)fprintf(t->out, "%" PRIu64 " time%s", x->done, x->done == 1 ? "" : "s");
	if (x->files)
		(void)fprintf(t->out, ", %" PRIu64 " file%s", x->files, x->files == 1 ? "" : "s");
	if (x->files && !x->bytes) {
		(void)fputs(" of unknown size", t->out);
	} else if (x->files) {
		am_report_bytes(x->bytes, x->unsized, x->files, bytes);
		(void)fprintf(t->out, ", %s", bytes);
	}
	if (x->handed.bytes) {
		am_report_handed(&x->handed, x->done, bytes);
		(void)fprintf(t->out, ", %s", bytes);
	}
	if (x->breaches)
		(void)fprintf(t->out, ", %" PRIu64 " against the policy", x->breaches);
	if (x->refused)
		(void)fprintf(t->out, "%s%" PRIu64 " refused", x->done ? ", " : "", x->refused);
}

static void print_when(const struct tree *t, const struct am_touched *x)
{
	char first[AM_WHEN_TEXT], last[AM_WHEN_TEXT];

	am_look_time(x->first_ns, first);
	am_look_time(x->last_ns, last);
	(void)fprintf(t->out, "; %s", first);
	if (strcmp(first, last) != 0)
		(void)fprintf(t->out, " to %s", last);
	(void)fputc('\n', t->out);
}

static void print_touches(const struct tree *t, uint32_t process)
{
	const struct am_family_process *p = process_at(t, process);
	size_t n, i;
	const struct am_touched *all = am_touches_of(t->t, process, &n);

	for (i = 0; i < n; i++) {
		begin_line(t, p);
		(void)fprintf(t->out, "%-5s ", op_word(&all[i]));
		am_escape_write(t->out, target_word(t, &all[i]), AM_ESCAPE_PHRASE);
		(void)fputs(": ", t->out);
		print_amount(t, &all[i]);
		print_when(t, &all[i]);
	}
}

/* ---- JSON --------------------------------------------------------------------------------- */

static const char *or_null(const char *word)
{
	return *word ? word : NULL;
}

static void json_self(struct am_json *j, const struct tree *t, const struct am_family_self *s)
{
	am_json_object(j, NULL);
	am_json_text(j, "exe", or_null(text(t, s->exe)));
	am_json_text(j, "comm", or_null(text(t, s->comm)));
	am_json_int(j, "uid", s->uid);
	am_json_text(j, "user", or_null(text(t, s->user)));
	if (s->login != UINT32_MAX)
		am_json_int(j, "login_uid", s->login);
	am_json_text(j, "login", or_null(text(t, s->login_user)));
	if (s->session != UINT32_MAX)
		am_json_int(j, "session", s->session);
	am_json_text(j, "unit", or_null(text(t, s->unit)));
	am_json_int(j, "since_ms", s->first_ns / 1000000);
	am_json_end(j);
}

static void json_touch(struct am_json *j, const struct tree *t, const struct am_touched *x)
{
	am_json_object(j, NULL);
	am_json_text(j, "op", op_word(x));
	am_json_text(j, x->op == AM_OP_SEND ? "dest" : "store", or_null(text(t, x->target)));
	am_json_int(j, "done", (int64_t)x->done);
	am_json_int(j, "against_policy", (int64_t)x->breaches);
	am_json_int(j, "refused", (int64_t)x->refused);
	if (x->op != AM_OP_SEND) {
		am_json_int(j, "files", (int64_t)x->files);
		am_json_int(j, "bytes_at_most", (int64_t)x->bytes);
		am_json_int(j, "files_of_unknown_size", (int64_t)x->unsized);
	} else {
		am_json_int(j, "bytes_at_most", (int64_t)x->handed.bytes);
		am_json_int(j, "sends_of_unknown_size", (int64_t)x->handed.unsized);
	}
	am_json_int(j, "first_ms", x->first_ns / 1000000);
	am_json_int(j, "last_ms", x->last_ns / 1000000);
	am_json_end(j);
}

/* Numbers of processes are taken again; with the moment of their start they are one only. */
static void json_identity(struct am_json *j, const struct am_family_process *p)
{
	am_json_int(j, "pid", p->pid);
	if (p->start_ns)
		am_json_int(j, "start_ms", p->start_wall_ns / 1000000);
	am_json_bool(j, "recorded", p->self != AM_FAMILY_NONE);
}

static void json_parent(struct am_json *j, const struct tree *t, const struct am_family_process *p)
{
	if (p->parent == AM_FAMILY_NONE && !p->ppid)
		return;
	am_json_object(j, "parent");
	if (p->parent != AM_FAMILY_NONE) {
		json_identity(j, process_at(t, p->parent));
	} else {
		am_json_int(j, "pid", p->ppid);
		am_json_bool(j, "recorded", false);
	}
	am_json_end(j);
}

static int json_process(const struct tree *t, uint32_t process, unsigned depth)
{
	const struct am_family_process *p = process_at(t, process);
	size_t n, i;
	const struct am_touched *all = am_touches_of(t->t, process, &n);
	struct am_json j;
	uint32_t self;

	am_json_init(&j, t->out);
	am_json_object(&j, NULL);
	am_json_int(&j, "depth", depth);
	json_identity(&j, p);
	json_parent(&j, t, p);
	am_json_bool(&j, "asked_for", p->chosen);
	am_json_list(&j, "was");
	for (self = p->self; self != AM_FAMILY_NONE; self = AM_FAMILY_SELF(t->f, self)->next)
		json_self(&j, t, AM_FAMILY_SELF(t->f, self));
	am_json_end(&j);
	am_json_list(&j, "touched");
	for (i = 0; i < n; i++)
		json_touch(&j, t, &all[i]);
	am_json_end(&j);
	am_json_end(&j);
	return am_json_done(&j);
}

/* ---- all ---------------------------------------------------------------------------------- */

int am_tree_print(FILE *out, const struct am_family *f, const struct am_touches *touches, bool json)
{
	const struct tree t = { out, f, touches };
	uint32_t i = AM_FAMILY_NONE;
	unsigned depth = 0;
	int r = 0;

	errno = 0;
	while (!r && (i = am_family_next(f, i, &depth)) != AM_FAMILY_NONE) {
		if (json) {
			r = json_process(&t, i, depth);
			continue;
		}
		print_name(&t, process_at(&t, i));
		print_later(&t, process_at(&t, i));
		print_touches(&t, i);
		if (ferror(out))
			r = errno ? -errno : -EIO;
	}
	return r;
}
