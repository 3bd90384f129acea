// SPDX-License-Identifier: GPL-2.0
/* The report as JSON: report.h says what is in it. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/version.h"
#include "cli/report.h"
#include "event/event.h"
#include "event/json.h"
#include "query/field.h"

struct paper {
	const struct am_report *r;
	const struct am_exposure *x;
	const struct am_lineage *l;
	struct am_json j;
};

static void text(struct paper *p, const char *key, uint32_t number)
{
	am_json_text(&p->j, key, am_pool_text(&p->l->pool, number));
}

static void count(struct paper *p, const char *key, uint64_t n)
{
	am_json_int(&p->j, key, n > INT64_MAX ? INT64_MAX : (int64_t)n);
}

static void moment(struct paper *p, const char *key, int64_t ns)
{
	const struct am_row row = { .wall_ns = ns };
	char buf[AM_FIELD_TEXT_MAX];

	if (ns > 0 && ns < INT64_MAX)
		am_json_text(&p->j, key, am_field_text(am_field_find("time", 4), &row, buf));
}

static void period(struct paper *p, int64_t first_ns, int64_t last_ns)
{
	moment(p, "first", first_ns);
	moment(p, "last", last_ns);
}

static void bytes(struct paper *p, uint64_t at_most, uint64_t unsized, uint64_t files)
{
	am_json_object(&p->j, "bytes");
	count(p, "at_most", at_most);
	am_json_bool(&p->j, "exact", !files);
	count(p, "unsized", unsized);
	am_json_end(&p->j);
}

static void subject(struct paper *p, uint32_t i)
{
	const struct am_lineage_subject *s = AM_TALLY_AT(&p->l->subjects, struct am_lineage_subject, i);

	text(p, "user", s->user);
	am_json_int(&p->j, "uid", s->uid);
	if (s->login_user)
		text(p, "login", s->login_user);
	if (s->login != UINT32_MAX)
		am_json_int(&p->j, "login_uid", s->login);
	text(p, "unit", s->unit);
	text(p, "exe", s->exe);
}

/* ---- heads --------------------------------------------------------------------------- */

static void verification(struct paper *p)
{
	const struct am_audit *v = p->r->audit;
	char head[AM_HEAD_TEXT];
	size_t i;

	am_json_object(&p->j, "verification");
	am_json_text(&p->j, "answer", am_verify_name(v->code));
	am_json_int(&p->j, "code", v->code);
	am_json_bool(&p->j, "holds", v->code == AM_VERIFY_HOLDS || v->code == AM_VERIFY_UNSEALED);
	am_json_text(&p->j, "key", v->by_own_key ? "directory" : "given");
	am_json_text(&p->j, "root_key", p->r->root_key[0] ? p->r->root_key : NULL);
	if (v->head.seal) {
		am_head_format(&v->head, head);
		head[strcspn(head, "\n")] = '\0';
		am_json_text(&p->j, "head", head);
	}
	am_json_text(&p->j, "host", v->host);
	moment(p, "sealed_from", v->first_ns);
	moment(p, "sealed_to", v->last_ns);
	am_json_u64(&p->j, "first_row", v->first_row);
	am_json_u64(&p->j, "last_row", v->last_row);
	count(p, "unsealed_rows", v->unsealed_rows);
	am_json_list(&p->j, "remarks");
	for (i = 0; i < v->n_remarks; i++)
		am_json_text(&p->j, NULL, v->remarks[i].text);
	am_json_end(&p->j);
	am_json_end(&p->j);
}

static void made(struct paper *p)
{
	am_json_object(&p->j, "made");
	moment(p, "at", p->r->made_ns);
	am_json_text(&p->j, "host", p->r->host);
	am_json_text(&p->j, "version", AM_VERSION);
	am_json_text(&p->j, "ledger", p->r->dir);
	am_json_end(&p->j);
}

static void handed(struct paper *p, const char *key, const struct am_handed *h)
{
	am_json_object(&p->j, key);
	count(p, "at_most", h->bytes);
	count(p, "unsized", h->unsized);
	am_json_end(&p->j);
}

static void totals(struct paper *p)
{
	const struct am_exposure *x = p->x;

	am_json_object(&p->j, "totals");
	count(p, "accesses", x->accesses);
	count(p, "refused", x->refused);
	count(p, "breaches", x->breaches);
	count(p, "subjects", x->subjects);
	count(p, "files", p->l->files_read);
	bytes(p, p->l->bytes, p->l->unsized, p->l->files_read);
	text(p, "labels", p->l->label_names);
	count(p, "copies", x->copies);
	count(p, "sends_outside", x->sends);
	count(p, "sends_refused", x->refused_sends);
	count(p, "sends_likely", x->likely_sends);
	count(p, "sends_local", x->local_sends);
	count(p, "sends_breaches", x->breached_sends);
	handed(p, "sent", &x->handed);
	handed(p, "sent_likely", &x->likely_handed);
	am_json_end(&p->j);
}

/* ---- lists ---------------------------------------------------------------------------- */

static uint32_t place_in(const struct am_tally *t, const void *item)
{
	return (uint32_t)((size_t)((const char *)item - t->items) / t->item_size);
}

static void each_who(struct paper *p, const struct am_lineage_subject *s)
{
	subject(p, place_in(&p->l->subjects, s));
	count(p, "processes", s->processes);
	count(p, "reads", s->reads);
	count(p, "writes", s->writes);
	count(p, "refused", s->refused);
	count(p, "breaches", s->breaches);
	count(p, "files", s->files);
	count(p, "copies_read", s->copies_read);
	count(p, "sends", s->sends);
	count(p, "sends_refused", s->refused_sends);
	count(p, "sends_breaches", s->breached_sends);
	bytes(p, s->bytes, s->unsized, s->files + s->copies_read);
	period(p, s->first_ns, s->last_ns);
}

static void each_file(struct paper *p, const struct am_lineage_file *f)
{
	text(p, "path", f->path);
	am_json_u64(&p->j, "ino", f->ino);
	count(p, "bytes", f->bytes);
	am_json_bool(&p->j, "sized", f->bytes);
	count(p, "reads", f->reads);
	count(p, "writes", f->writes);
	count(p, "refused", f->refused);
	count(p, "readers", f->readers);
}

static uint64_t further_to(const struct am_lineage *l, uint32_t place)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < l->sends.n; i++) {
		const struct am_lineage_send *s = AM_TALLY_AT(&l->sends, struct am_lineage_send, i);

		n += s->place == place ? s->further : 0;
	}
	return n;
}

static void each_place(struct paper *p, const struct am_lineage_place *d)
{
	text(p, "to", d->text);
	text(p, "zones", d->zones);
	am_json_bool(&p->j, "leaves_host", !d->local);
	count(p, "sends", d->sends);
	count(p, "likely", d->likely);
	count(p, "refused", d->refused);
	count(p, "breaches", d->breaches);
	count(p, "processes", d->senders);
	count(p, "further", further_to(p->l, place_in(&p->l->places, d)));
	bytes(p, d->bytes, d->unsized, d->senders);
	handed(p, "sent", &d->handed);
	handed(p, "sent_likely", &d->likely_handed);
	period(p, d->first_ns, d->last_ns);
}

static void each_copy(struct paper *p, const struct am_lineage_file *f)
{
	const struct am_lineage_process *by =
		AM_TALLY_AT(&p->l->processes, struct am_lineage_process, f->maker);

	text(p, "path", f->path);
	am_json_u64(&p->j, "ino", f->ino);
	moment(p, "since", f->held_ns);
	count(p, "bytes", f->bytes);
	am_json_bool(&p->j, "sized", f->bytes);
	am_json_object(&p->j, "by");
	am_json_int(&p->j, "pid", by->pid);
	am_json_u64(&p->j, "start_ns", by->start_ns);
	subject(p, by->subject);
	am_json_end(&p->j);
	count(p, "readers", f->readers);
}

static void each_finding(struct paper *p, const struct am_exposure_finding *f)
{
	am_json_text(&p->j, "what", f->op ? am_op_name(f->op) : am_act_name(f->act));
	subject(p, f->subject);
	if (f->dest)
		text(p, "dest", f->dest);
	am_json_text(&p->j, "reason", am_reason_name(f->reason));
	text(p, "why", f->why);
	am_json_bool(&p->j, "blocked", f->blocked);
	count(p, "count", f->count);
	text(p, "path", f->path);
	period(p, f->first_ns, f->last_ns);
	am_json_text(&p->j, "id", f->id);
}

static void each_policy(struct paper *p, const struct am_exposure_policy *g)
{
	count(p, "generation", g->generation);
	text(p, "name", g->name);
	moment(p, "in_force", g->in_force_ns);
	count(p, "events", g->events);
	period(p, g->first_ns, g->last_ns);
	text(p, "mark", g->mark);
}

#define LIST(key, type, tally, wanted, compare)                                            \
	static int list_##key(struct paper *p)                                             \
	{                                                                                  \
		size_t n = 0, i;                                                           \
		am_autofree const void **list = am_report_order(tally, wanted, compare, &n); \
		if (!list)                                                                 \
			return -ENOMEM;                                                    \
		am_json_list(&p->j, #key);                                                 \
		for (i = 0; i < n; i++) {                                                  \
			am_json_object(&p->j, NULL);                                       \
			each_##type(p, list[i]);                                           \
			am_json_end(&p->j);                                                \
		}                                                                          \
		am_json_end(&p->j);                                                        \
		return 0;                                                                  \
	}

LIST(who, who, &p->l->subjects, am_report_lists.readers, am_report_lists.by_bytes)
LIST(files, file, &p->l->files, am_report_lists.inside, am_report_lists.by_readers)
LIST(destinations, place, &p->l->places, NULL, am_report_lists.by_sends)
LIST(copies, copy, &p->l->files, am_report_lists.copies, am_report_lists.by_readers)
LIST(findings, finding, &p->x->findings, NULL, am_report_lists.by_count)
LIST(policies, policy, &p->x->policies, NULL, am_report_lists.by_generation)

static void gaps(struct paper *p)
{
	size_t i;

	am_json_list(&p->j, "gaps");
	for (i = 0; i < p->x->n_gaps; i++) {
		am_json_object(&p->j, NULL);
		am_json_text(&p->j, "reason", am_gap_name(p->x->gaps[i].reason));
		count(p, "count", p->x->gaps[i].count);
		moment(p, "since", p->x->gaps[i].since_ns);
		moment(p, "until", p->x->gaps[i].until_ns);
		am_json_end(&p->j);
	}
	am_json_end(&p->j);
}

static void notes(struct paper *p)
{
	size_t i;

	am_json_list(&p->j, "notes");
	for (i = 0; i < p->x->n_notes; i++) {
		am_json_object(&p->j, NULL);
		am_json_text(&p->j, "what", am_mark_name(p->x->notes[i].mark));
		count(p, "count", p->x->notes[i].count);
		text(p, "why", p->x->notes[i].why);
		moment(p, "at", p->x->notes[i].wall_ns);
		am_json_end(&p->j);
	}
	am_json_end(&p->j);
}

static void timeline(struct paper *p)
{
	size_t i;

	am_json_object(&p->j, "timeline");
	moment(p, "from", p->x->question.from_ns);
	moment(p, "to", p->x->question.to_ns);
	am_json_list(&p->j, "allowed");
	for (i = 0; i < AM_EXPOSURE_BUCKETS; i++)
		count(p, NULL, p->x->timeline[i].allowed);
	am_json_end(&p->j);
	am_json_list(&p->j, "refused");
	for (i = 0; i < AM_EXPOSURE_BUCKETS; i++)
		count(p, NULL, p->x->timeline[i].refused);
	am_json_end(&p->j);
	am_json_end(&p->j);
}

/* ---- lineage ----------------------------------------------------------------------------- */

static void node(struct paper *p, const char *key, const char *kind, uint32_t i)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "%s:%" PRIu32, kind, i);
	am_json_text(&p->j, key, name);
}

static void each_process(struct paper *p, const struct am_lineage_process *a)
{
	const struct am_lineage_subject *s =
		AM_TALLY_AT(&p->l->subjects, struct am_lineage_subject, a->subject);

	am_json_object(&p->j, NULL);
	am_json_int(&p->j, "pid", a->pid);
	am_json_u64(&p->j, "start_ns", a->start_ns);
	am_json_int(&p->j, "ppid", a->ppid);
	text(p, "comm", a->comm);
	text(p, "user", s->user);
	text(p, "exe", s->exe);
	am_json_text(&p->j, "held", am_held_name(a->held));
	if (a->held == AM_HELD_PARENT)
		node(p, "from", "process", a->source);
	if (a->held == AM_HELD_COPY)
		node(p, "from", "file", a->source);
	moment(p, "since", a->held ? a->held_ns : 0);
	am_json_end(&p->j);
}

static void each_link(struct paper *p, const struct am_lineage_link *k)
{
	bool inside = AM_TALLY_AT(&p->l->files, struct am_lineage_file, k->file)->inside;

	am_json_object(&p->j, NULL);
	if (k->op == AM_OP_READ) {
		node(p, "from", "file", k->file);
		node(p, "to", "process", k->process);
	} else {
		node(p, "from", "process", k->process);
		node(p, "to", "file", k->file);
	}
	am_json_text(&p->j, "kind", k->op == AM_OP_READ ? "read" : k->op == AM_LINK_COPY ? "copy" : "write");
	am_json_bool(&p->j, "store", inside);
	count(p, "count", k->count);
	am_json_bool(&p->j, "refused", k->refused);
	period(p, k->first_ns, k->last_ns);
	am_json_end(&p->j);
}

static void each_send(struct paper *p, const struct am_lineage_send *s)
{
	am_json_object(&p->j, NULL);
	node(p, "from", "process", s->process);
	node(p, "to", "dest", s->place);
	am_json_text(&p->j, "kind", "send");
	count(p, "count", s->count);
	am_json_bool(&p->j, "refused", s->refused);
	am_json_bool(&p->j, "known", s->known);
	period(p, s->first_ns, s->last_ns);
	am_json_end(&p->j);
}

static void nodes(struct paper *p)
{
	size_t i;

	am_json_list(&p->j, "processes");
	for (i = 0; i < p->l->processes.n; i++)
		each_process(p, AM_TALLY_AT(&p->l->processes, struct am_lineage_process, i));
	am_json_end(&p->j);
	am_json_list(&p->j, "files");
	for (i = 0; i < p->l->files.n; i++) {
		const struct am_lineage_file *f = AM_TALLY_AT(&p->l->files, struct am_lineage_file, i);

		am_json_object(&p->j, NULL);
		text(p, "path", f->path);
		am_json_bool(&p->j, "inside", f->inside);
		am_json_bool(&p->j, "held", f->inside || f->held);
		am_json_end(&p->j);
	}
	am_json_end(&p->j);
	am_json_list(&p->j, "destinations");
	for (i = 0; i < p->l->places.n; i++)
		text(p, NULL, AM_TALLY_AT(&p->l->places, struct am_lineage_place, i)->text);
	am_json_end(&p->j);
}

static void lineage(struct paper *p)
{
	size_t i;

	am_json_object(&p->j, "lineage");
	nodes(p);
	am_json_list(&p->j, "edges");
	for (i = 0; i < p->l->links.n; i++)
		each_link(p, AM_TALLY_AT(&p->l->links, struct am_lineage_link, i));
	for (i = 0; i < p->l->sends.n; i++)
		each_send(p, AM_TALLY_AT(&p->l->sends, struct am_lineage_send, i));
	am_json_end(&p->j);
	am_json_end(&p->j);
}

static void tell(void *ctx, const char *sentence)
{
	struct paper *p = ctx;

	am_json_text(&p->j, NULL, sentence);
}

static int lists(struct paper *p)
{
	int r = list_who(p);

	if (!r)
		r = list_files(p);
	if (!r)
		r = list_destinations(p);
	if (!r)
		r = list_copies(p);
	if (!r)
		r = list_findings(p);
	return r ? r : list_policies(p);
}

int am_report_json(const struct am_report *r, FILE *out)
{
	struct paper p = { .r = r, .x = r->x, .l = &r->x->lineage };
	am_autofree char *summary = am_report_summary(r);
	int err;

	if (!summary)
		return -ENOMEM;
	am_json_init(&p.j, out);
	am_json_object(&p.j, NULL);
	am_json_text(&p.j, "report", "exposure");
	am_json_int(&p.j, "version", 1);
	am_json_text(&p.j, "store", r->x->question.store);
	moment(&p, "since", r->x->question.since_ns);
	moment(&p, "until", r->x->question.until_ns);
	am_json_text(&p.j, "summary", summary);
	made(&p);
	verification(&p);
	totals(&p);
	err = lists(&p);
	if (err)
		return err;
	gaps(&p);
	notes(&p);
	timeline(&p);
	lineage(&p);
	am_json_list(&p.j, "unknown");
	am_report_unknown(r, tell, &p);
	am_json_end(&p.j);
	count(&p, "left_out", r->x->left_out);
	return am_json_done(&p.j);
}
