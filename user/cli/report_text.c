// SPDX-License-Identifier: GPL-2.0
/* The report for a terminal. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "cli/report.h"
#include "event/event.h"

enum { ROWS = 20 };	/* of a list; --json and --html have more */

struct sheet {
	const struct am_report *r;
	const struct am_exposure *x;
	FILE *out;
};

static const char *text_of(const struct sheet *s, uint32_t number)
{
	return am_pool_text(&s->x->lineage.pool, number);
}

static void head(const struct sheet *s, const char *title, size_t n)
{
	(void)fprintf(s->out, "\n%s", title);
	if (n != SIZE_MAX)
		(void)fprintf(s->out, " (%zu)", n);
	(void)fputc('\n', s->out);
}

static void rest(const struct sheet *s, size_t n)
{
	if (n > ROWS)
		(void)fprintf(s->out, "  and %zu more; --json lists all\n", n - ROWS);
}

static void between(const struct sheet *s, int64_t first_ns, int64_t last_ns)
{
	char first[AM_REPORT_TIME], last[AM_REPORT_TIME];

	am_report_time(first_ns, first);
	am_report_time(last_ns, last);
	(void)fprintf(s->out, "%s%s%s", first[0] ? first : "an unknown time",
		      first_ns / 1000000000 == last_ns / 1000000000 ? "" : " to ",
		      first_ns / 1000000000 == last_ns / 1000000000 ? "" : last);
}

static void name_subject(const struct sheet *s, const struct am_lineage_subject *who)
{
	char buf[16];

	am_text_print(s->out, am_report_user(s->x, who, buf));
	if (who->login != UINT32_MAX && who->login != who->uid) {
		(void)fputs(", logged in as ", s->out);
		if (who->login_user)
			am_text_print(s->out, text_of(s, who->login_user));
		else
			(void)fprintf(s->out, "%" PRIu32, who->login);
	}
	if (who->unit) {
		(void)fputs(", in ", s->out);
		am_text_print(s->out, text_of(s, who->unit));
	}
	(void)fputs(", by ", s->out);
	am_text_print(s->out, text_of(s, who->exe));
}

static void say_subject(const struct sheet *s, const struct am_lineage_subject *who)
{
	char bytes[AM_REPORT_BYTES];

	am_report_bytes(who->bytes, who->unsized, who->files + who->copies_read, bytes);
	(void)fputs("  ", s->out);
	name_subject(s, who);
	(void)fprintf(s->out, "\n      %" PRIu64 " file%s, %s; %" PRIu64 " reads, %" PRIu64 " writes, %" PRIu64
		      " refused", who->files, who->files == 1 ? "" : "s", bytes, who->reads, who->writes, who->refused);
	if (who->copies_read)
		(void)fprintf(s->out, "; %" PRIu32 " cop%s read", who->copies_read,
			      who->copies_read == 1 ? "y" : "ies");
	if (who->sends)
		(void)fprintf(s->out, "; sent %" PRIu64 " time%s", who->sends, who->sends == 1 ? "" : "s");
	if (who->breaches)
		(void)fprintf(s->out, "; %" PRIu64 " against the policy, which only observes",
			      who->breaches);
	(void)fputs("\n      ", s->out);
	between(s, who->first_ns, who->last_ns);
	(void)fputc('\n', s->out);
}

static void say_place(const struct sheet *s, const struct am_lineage_place *p)
{
	char bytes[AM_REPORT_BYTES];

	(void)fputs("  ", s->out);
	am_text_print(s->out, text_of(s, p->text));
	if (p->zones) {
		(void)fputs(" (", s->out);
		am_text_print(s->out, text_of(s, p->zones));
		(void)fputc(')', s->out);
	}
	(void)fprintf(s->out, "%s: %" PRIu64 " sent, %" PRIu64 " refused", p->local ? ", on this host" : "",
		      p->sends, p->refused);
	if (p->breaches)
		(void)fprintf(s->out, ", %" PRIu64 " against the policy", p->breaches);
	if (p->likely)
		(void)fprintf(s->out, ", %" PRIu64 " uncertain", p->likely);
	if (p->sends) {
		am_report_handed(&p->handed, p->sends, bytes);
		(void)fprintf(s->out, "; %s handed to it", bytes);
		am_report_bytes(p->bytes, p->unsized, p->unsized + (p->bytes > 0), bytes);
		(void)fprintf(s->out, "; the senders had read %s", bytes);
	}
	(void)fputs("\n      ", s->out);
	between(s, p->first_ns, p->last_ns);
	(void)fputc('\n', s->out);
}

static void say_file(const struct sheet *s, const struct am_lineage_file *f)
{
	char bytes[AM_REPORT_BYTES];

	am_report_bytes(f->bytes, !f->bytes, 1, bytes);
	(void)fputs("  ", s->out);
	if (f->path)
		am_text_print(s->out, text_of(s, f->path));
	else
		(void)fprintf(s->out, "inode %" PRIu64, f->ino);
	(void)fprintf(s->out, ": %s, %" PRIu32 " reader%s, %" PRIu64 " reads, %" PRIu64 " writes\n",
		      f->bytes ? bytes + strlen("at most ") : "size unknown", f->readers,
		      f->readers == 1 ? "" : "s", f->reads,
		      f->writes);
}

static void say_copy(const struct sheet *s, const struct am_lineage_file *f)
{
	const struct am_lineage *l = &s->x->lineage;
	const struct am_lineage_process *by =
		AM_TALLY_AT(&l->processes, struct am_lineage_process, f->maker);
	char time[AM_REPORT_TIME];

	am_report_time(f->held_ns, time);
	(void)fputs("  ", s->out);
	if (f->path)
		am_text_print(s->out, text_of(s, f->path));
	else
		(void)fprintf(s->out, "inode %" PRIu64, f->ino);
	(void)fprintf(s->out, "\n      since %s, by process %" PRIu32 " of ", time, by->pid);
	name_subject(s, AM_TALLY_AT(&l->subjects, struct am_lineage_subject, by->subject));
	(void)fprintf(s->out, "; read by %" PRIu32 " since\n", f->readers);
}

static void say_finding(const struct sheet *s, const struct am_exposure_finding *f)
{
	const struct am_lineage_subject *who =
		AM_TALLY_AT(&s->x->lineage.subjects, struct am_lineage_subject, f->subject);

	(void)fprintf(s->out, "  %s %s: ", f->blocked ? "refused" : "NOT BLOCKED",
		      f->op ? am_op_name(f->op) : am_act_name(f->act));
	name_subject(s, who);
	(void)fprintf(s->out, ", %" PRIu64 " time%s (first %s)\n      %s", f->count,
		      f->count == 1 ? "" : "s", f->id,
		      am_reason_name(f->reason));
	if (f->why) {
		(void)fputs(": ", s->out);
		am_text_print(s->out, text_of(s, f->why));
	}
	if (f->dest) {
		(void)fputs(", to ", s->out);
		am_text_print(s->out, text_of(s, f->dest));
	}
	(void)fputs("\n      ", s->out);
	between(s, f->first_ns, f->last_ns);
	(void)fputc('\n', s->out);
}

static void say_policy(const struct sheet *s, const struct am_exposure_policy *p)
{
	char time[AM_REPORT_TIME];

	am_report_time(p->in_force_ns, time);
	(void)fprintf(s->out, "  generation %" PRIu64, p->generation);
	if (p->name) {
		(void)fputs(" of ", s->out);
		am_text_print(s->out, text_of(s, p->name));
	}
	(void)fprintf(s->out, ", in force since %s; decided %" PRIu64 " of the events",
		      time[0] ? time : "before what is recorded", p->events);
	if (p->mark) {
		(void)fputs(" (", s->out);
		am_text_print(s->out, text_of(s, p->mark));
		(void)fputc(')', s->out);
	}
	(void)fputc('\n', s->out);
}

static void say_gap(const struct sheet *s, const struct am_exposure_gap *g)
{
	char span[AM_REPORT_TIME];

	(void)fputs("  ", s->out);
	between(s, g->since_ns, g->until_ns);
	am_report_span(g->until_ns - g->since_ns, span);
	(void)fprintf(s->out, " (%s): %s, ", g->since_ns ? span : "length unknown", am_gap_name(g->reason));
	if (g->count)
		(void)fprintf(s->out, "%" PRIu64 " events\n", g->count);
	else
		(void)fputs("nobody knows how many events\n", s->out);
}

#define LIST(function, type, title, tally, wanted, compare)                                    \
	static int function(const struct sheet *s)                                             \
	{                                                                                      \
		size_t n = 0, i;                                                               \
		am_autofree const void **list = am_report_order(tally, wanted, compare, &n);   \
		if (!list)                                                                     \
			return -ENOMEM;                                                        \
		head(s, title, n);                                                             \
		for (i = 0; i < n && i < ROWS; i++)                                            \
			say_##type(s, list[i]);                                                \
		rest(s, n);                                                                    \
		return 0;                                                                      \
	}

#define L (&s->x->lineage)
LIST(list_who, subject, "Who", &L->subjects, am_report_lists.readers, am_report_lists.by_bytes)
LIST(list_places, place, "Sent to", &L->places, NULL, am_report_lists.by_sends)
LIST(list_copies, copy, "Copies outside of the store", &L->files, am_report_lists.copies,
     am_report_lists.by_readers)
LIST(list_files, file, "Files", &L->files, am_report_lists.inside, am_report_lists.by_readers)
LIST(list_findings, finding, "Findings", &s->x->findings, NULL, am_report_lists.by_count)
LIST(list_policies, policy, "Policies in force", &s->x->policies, NULL, am_report_lists.by_generation)

static void list_gaps(const struct sheet *s)
{
	size_t i;

	head(s, "Gaps", s->x->n_gaps);
	for (i = 0; i < s->x->n_gaps && i < ROWS; i++)
		say_gap(s, &s->x->gaps[i]);
	rest(s, s->x->n_gaps);
}

static void list_notes(const struct sheet *s)
{
	char time[AM_REPORT_TIME];
	size_t i;

	if (!s->x->n_notes)
		return;
	head(s, "The record about itself", s->x->n_notes);
	for (i = 0; i < s->x->n_notes && i < ROWS; i++) {
		am_report_time(s->x->notes[i].wall_ns, time);
		(void)fprintf(s->out, "  %s %s ", time, am_mark_name(s->x->notes[i].mark));
		am_text_print(s->out, text_of(s, s->x->notes[i].why));
		(void)fputc('\n', s->out);
	}
	rest(s, s->x->n_notes);
}

static void tell_unknown(void *ctx, const char *sentence)
{
	const struct sheet *s = ctx;

	(void)fputs("  - ", s->out);
	am_text_print(s->out, sentence);
	(void)fputc('\n', s->out);
}

static void say_record(const struct sheet *s)
{
	const struct am_audit *v = s->r->audit;
	char head_text[AM_HEAD_TEXT], time[AM_REPORT_TIME];

	head(s, "The record", SIZE_MAX);
	(void)fprintf(s->out, "  answer    %s\n", am_verify_name(v->code));
	if (v->n_remarks && v->code) {
		(void)fputs("            ", s->out);
		am_text_print(s->out, v->remarks[0].text);
		(void)fputc('\n', s->out);
	}
	(void)fputs("  host      ", s->out);
	am_text_print(s->out, v->host);
	(void)fputs("\n  ledger    ", s->out);
	am_text_print(s->out, s->r->dir);
	(void)fprintf(s->out, "\n  root key  %s\n", s->r->root_key[0] ? s->r->root_key : "none");
	if (v->head.seal) {
		am_head_format(&v->head, head_text);
		(void)fprintf(s->out, "  head      %.*s\n", (int)strcspn(head_text, "\n"), head_text);
	}
	am_report_time(s->r->made_ns, time);
	(void)fprintf(s->out, "  made      %s on ", time);
	am_text_print(s->out, s->r->host);
	(void)fputc('\n', s->out);
}

static int lists(const struct sheet *s)
{
	int r = list_who(s);

	if (!r)
		r = list_places(s);
	if (!r)
		r = list_copies(s);
	if (!r)
		r = list_files(s);
	if (!r)
		r = list_findings(s);
	if (!r)
		r = list_policies(s);
	return r;
}

int am_report_text(const struct am_report *r, FILE *out)
{
	struct sheet s = { r, r->x, out };
	am_autofree char *summary = am_report_summary(r);
	int err;

	if (!summary)
		return -ENOMEM;
	errno = 0;
	(void)fputs("Exposure of '", out);
	am_text_print(out, r->x->question.store);
	(void)fputs("'\n\n", out);
	am_text_print(out, summary);
	(void)fputc('\n', out);
	err = lists(&s);
	if (err)
		return err;
	list_gaps(&s);
	list_notes(&s);
	head(&s, "What this report cannot know", SIZE_MAX);
	am_report_unknown(r, tell_unknown, &s);
	say_record(&s);
	return ferror(out) ? errno ? -errno : -EIO : 0;
}
