// SPDX-License-Identifier: GPL-2.0
/* A lesson as a file for the policy's folder, and as JSON. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "event/event.h"
#include "event/json.h"
#include "policy/ask.h"
#include "policy/learn.h"
#include "policy/reader.h"

enum { NS_PER_S = 1000000000, MINUTES = 16 };

/* "2026-11-26 14:02" */
static void minute_format(int64_t s, char text[AM_INSTANT_TEXT])
{
	am_instant_format(s * NS_PER_S, text);
	text[MINUTES] = '\0';
}

static void print_evidence(const struct am_evidence *e, FILE *out)
{
	char first[AM_INSTANT_TEXT], last[AM_INSTANT_TEXT];

	minute_format(e->first_s, first);
	minute_format(e->last_s, last);
	fprintf(out, "%" PRIu64 " time%s, ", e->count, e->count == 1 ? "" : "s");
	if (strcmp(first, last))
		fprintf(out, "first %s, last %s", first, last);
	else
		fprintf(out, "at %s", first);
	if (!e->example || !e->example[0])
		return;
	fputs(", such as ", out);
	am_text_print(out, e->example);
}

/* As a double-quoted text of YAML; it holds no control characters. */
static void print_quoted(const char *text, FILE *out)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

/* ---- what is used ------------------------------------------------------------------ */

static bool is_used(const struct am_lesson *l, size_t zone)
{
	for (size_t i = 0; i < l->n_grants; i++)
		if (l->grants[i].op == AM_OP_SEND && l->grants[i].zone < 0 &&
		    l->grants[i].new_zone == zone)
			return true;
	return false;
}

static bool has_new_zones(const struct am_lesson *l)
{
	for (size_t i = 0; i < l->n_zones; i++)
		if (is_used(l, i))
			return true;
	return false;
}

static bool has_new_subjects(const struct am_lesson *l)
{
	for (size_t i = 0; i < l->n_subjects; i++)
		if (!l->subjects[i].dropped && l->subjects[i].known < 0)
			return true;
	return false;
}

static const char *zone_name(const struct am_lesson *l, const struct am_lesson_grant *g)
{
	return g->zone >= 0 ? am_model_zone_name(l->view->model, g->zone)
			    : l->zones[g->new_zone].name;
}

static void join_times(struct am_evidence *all, const struct am_evidence *e)
{
	if (!all->count || e->first_s < all->first_s)
		all->first_s = e->first_s;
	if (!all->count || e->last_s > all->last_s)
		all->last_s = e->last_s;
	all->count += e->count;
}

static struct am_evidence evidence_of(const struct am_lesson *l, size_t subject)
{
	struct am_evidence all = { 0 };

	for (size_t i = 0; i < l->n_grants; i++)
		if (l->grants[i].subject == subject)
			join_times(&all, &l->grants[i].evidence);
	return all;
}

static struct am_evidence evidence_of_zone(const struct am_lesson *l, size_t zone)
{
	struct am_evidence all = { 0 };

	for (size_t i = 0; i < l->n_grants; i++)
		if (l->grants[i].op == AM_OP_SEND && l->grants[i].zone < 0 &&
		    l->grants[i].new_zone == zone)
			join_times(&all, &l->grants[i].evidence);
	return all;
}

/* ---- subjects ------------------------------------------------------------------------ */

static void print_conditions(const struct am_lesson_subject *s, FILE *out)
{
	fputs("    exe: ", out);
	print_quoted(s->exe, out);
	fputs("\n    user: ", out);
	if (s->user)
		print_quoted(s->user, out);
	else
		fprintf(out, "%" PRIu32, s->uid);
	if (s->unit) {
		fputs("\n    unit: ", out);
		print_quoted(s->unit, out);
	}
	if (s->login != UINT32_MAX) {
		fputs("\n    login: ", out);
		if (s->login_name)
			print_quoted(s->login_name, out);
		else
			fprintf(out, "%" PRIu32, s->login);
	}
	fputc('\n', out);
}

static const char *warning_of(const struct am_lesson_subject *s)
{
	if (s->is_shell)
		return "a shell: this lets in whatever its user types; name the programs or the "
		       "script instead";
	if (s->is_interpreter)
		return "an interpreter: this lets in every program that its user gives it; add "
		       "'script:' if it is one";
	return NULL;
}

static void print_subjects(const struct am_lesson *l, FILE *out)
{
	if (has_new_subjects(l))
		fputs("\nsubjects:\n", out);
	for (size_t i = 0; i < l->n_subjects; i++) {
		const struct am_lesson_subject *s = &l->subjects[i];
		struct am_evidence evidence = evidence_of(l, i);

		if (s->dropped || s->known >= 0)
			continue;
		fprintf(out, "  %s:  # ", s->name);
		print_evidence(&evidence, out);
		fputc('\n', out);
		if (warning_of(s))
			fprintf(out, "    # WARNING: %s\n", warning_of(s));
		print_conditions(s, out);
	}
}

/* ---- zones ---------------------------------------------------------------------------- */

static void print_net(const struct am_place *p, FILE *out)
{
	char text[AM_PLACE_LEN];

	am_net_format(p->addr, 128, text, sizeof(text));
	fprintf(out, "\"%s\"", text);
}

static void print_port(const struct am_model_port *port, FILE *out)
{
	fprintf(out, "%s", am_proto_name(port->proto));
	if (port->port)
		fprintf(out, "/%u", port->port);
}

static void print_zones(const struct am_lesson *l, FILE *out)
{
	if (has_new_zones(l))
		fputs("\nzones:\n", out);
	for (size_t i = 0; i < l->n_zones; i++) {
		const struct am_lesson_zone *z = &l->zones[i];
		struct am_evidence evidence = evidence_of_zone(l, i);

		if (!evidence.count)
			continue;
		fprintf(out, "  %s:  # ", z->name);
		print_evidence(&evidence, out);
		fputs("\n    cidr: [", out);
		for (size_t j = 0; j < z->n_places; j++) {
			fputs(j ? ", " : "", out);
			print_net(&z->places[j], out);
		}
		fputs("]\n    ports: [", out);
		for (size_t j = 0; j < z->n_ports; j++) {
			fputs(j ? ", " : "", out);
			print_port(&z->ports[j], out);
		}
		fputs("]\n", out);
	}
}

/* ---- rules ------------------------------------------------------------------------------ */

/* What one rule is made of: grants of one subject that can be said in one sentence. */
struct rule {
	const struct am_lesson *l;
	size_t subject;
	unsigned ops;		/* bits of READ, WRITE; 0: SEND */
	uint64_t labels;	/* SEND */
};

static bool is_of(const struct rule *r, const struct am_lesson_grant *g)
{
	if (g->subject != r->subject || (g->op == AM_OP_SEND) != !r->ops)
		return false;
	return r->ops ? g->ops == r->ops : g->labels == r->labels;
}

static bool same_object(const struct rule *r, const struct am_lesson_grant *a,
			const struct am_lesson_grant *b)
{
	return r->ops ? a->store == b->store : !strcmp(zone_name(r->l, a), zone_name(r->l, b));
}

static void print_objects(const struct rule *r, FILE *out)
{
	const struct am_lesson *l = r->l;
	const char *comma = "";

	for (size_t i = 0; i < l->n_grants; i++) {
		bool told = false;

		if (!is_of(r, &l->grants[i]))
			continue;
		for (size_t j = 0; j < i && !told; j++)
			told = is_of(r, &l->grants[j]) &&
			       same_object(r, &l->grants[j], &l->grants[i]);
		if (told)
			continue;
		fprintf(out, "%s%s", comma, r->ops ?
			l->view->model->stores[l->grants[i].store].name :
			zone_name(l, &l->grants[i]));
		comma = ", ";
	}
}

static void print_labels(const struct am_lesson *l, uint64_t labels, FILE *out)
{
	const char *comma = "";

	for (size_t i = 0; i < l->view->model->n_labels; i++) {
		if (!(labels >> i & 1))
			continue;
		fprintf(out, "%s%s", comma, l->view->model->labels[i].name);
		comma = ", ";
	}
}

/* `allow psql-acme to read, write citizen-registry` */
static void print_rule(const struct rule *r, FILE *out)
{
	fprintf(out, "allow %s to ", r->l->subjects[r->subject].name);
	if (r->ops) {
		bool read = r->ops >> AM_OP_READ & 1, write = r->ops >> AM_OP_WRITE & 1;

		fprintf(out, "%s%s%s ", read ? "read" : "", read && write ? ", " : "",
			write ? "write" : "");
	} else {
		fputs("send ", out);
		print_labels(r->l, r->labels, out);
		fputs(" to ", out);
	}
	print_objects(r, out);
}

static void print_grant(const struct am_lesson *l, const struct am_lesson_grant *g, FILE *out)
{
	if (g->op == AM_OP_SEND) {
		fputs("send ", out);
		print_labels(l, g->labels, out);
		fprintf(out, " to %s: ", g->dest);
	} else {
		fprintf(out, "%s %s: ", am_op_name(g->op), l->view->model->stores[g->store].name);
	}
	print_evidence(&g->evidence, out);
}

typedef void (*rule_fn)(const struct rule *r, void *ctx);

static bool is_first_of(const struct rule *r, size_t grant)
{
	for (size_t i = 0; i < grant; i++)
		if (is_of(r, &r->l->grants[i]))
			return false;
	return true;
}

static void each_rule(const struct am_lesson *l, rule_fn call, void *ctx)
{
	for (size_t s = 0; s < l->n_subjects; s++) {
		for (size_t i = 0; i < l->n_grants; i++) {
			const struct am_lesson_grant *g = &l->grants[i];
			struct rule r = { .l = l, .subject = s };

			if (g->subject != s)
				continue;
			if (g->op == AM_OP_SEND)
				r.labels = g->labels;
			else
				r.ops = g->ops;
			if (is_first_of(&r, i))
				call(&r, ctx);
		}
	}
}

static void rule_as_yaml(const struct rule *r, void *ctx)
{
	const struct am_lesson_subject *s = &r->l->subjects[r->subject];
	FILE *out = ctx;

	for (size_t i = 0; i < r->l->n_grants; i++) {
		if (!is_of(r, &r->l->grants[i]))
			continue;
		fputs("  # ", out);
		print_grant(r->l, &r->l->grants[i], out);
		fputc('\n', out);
	}
	if (s->known >= 0 && warning_of(s))
		fprintf(out, "  # WARNING: %s\n", warning_of(s));
	fputs("  - ", out);
	print_rule(r, out);
	fputc('\n', out);
}

/* ---- what is not proposed ------------------------------------------------------------------ */

static void print_sighting(const struct am_lesson *l, const struct am_lesson_refusal *r, FILE *out)
{
	const struct am_sighting *s = r->sighting;
	const struct am_observed_facts *f = &s->row->facts;
	int store = am_view_store(l->view, f->store);
	char place[AM_PLACE_TEXT];

	fputs("user=", out);
	if (s->user)
		am_text_print(out, s->user);
	else
		fprintf(out, "%" PRIu32, f->uid);
	fputs(" exe=", out);
	am_text_print(out, s->row->exe[0] ? s->row->exe : "?");
	if (s->row->unit[0]) {
		fputs(" unit=", out);
		am_text_print(out, s->row->unit);
	}
	fprintf(out, " %s ", am_op_name(f->op));
	if (f->op == AM_OP_SEND) {
		am_place_format(&r->place, place);
		fprintf(out, "to %s", place);
	} else {
		fputs(store >= 0 ? l->view->model->stores[store].name : "a copy outside the stores",
		      out);
	}
}

static struct am_evidence evidence_of_sighting(const struct am_sighting *s)
{
	return (struct am_evidence){ s->count, s->row->facts.first_s, s->row->facts.last_s,
				     s->row->path };
}

static void print_refusals(const struct am_lesson *l, FILE *out)
{
	if (l->n_refusals)
		fputs("\n# Not proposed:\n", out);
	for (size_t i = 0; i < l->n_refusals; i++) {
		struct am_evidence e = evidence_of_sighting(l->refusals[i].sighting);

		fputs("#   ", out);
		print_sighting(l, &l->refusals[i], out);
		fputs("\n#     ", out);
		am_text_print(out, l->refusals[i].why);
		fputs("\n#     ", out);
		print_evidence(&e, out);
		fputc('\n', out);
	}
}

/* ---- YAML ---------------------------------------------------------------------------------- */

static void print_head(const struct am_lesson *l, const struct am_lesson_head *head, FILE *out)
{
	char now[AM_INSTANT_TEXT], since[AM_INSTANT_TEXT];

	minute_format(head->now_s, now);
	fprintf(out, "# Learned at %s from what policy %s (generation %u in force) refused, or would have",
		now, l->view->model->name, l->view->generation);
	if (head->since_s) {
		minute_format(head->since_s, since);
		fprintf(out, ", since %s", since);
	}
	fputs(".\n# Review it line by line: it allows what was seen, whether or not that was right.\n"
	      "# Put what stays into a file of the policy's folder, or paste it into its sections.\n",
	      out);
	if (l->allowed)
		fprintf(out, "# %" PRIu64 " of the accesses are allowed by now.\n", l->allowed);
	if (head->left_out)
		fprintf(out, "# %" PRIu64 " accesses found no room in the agent's table and are not in it.\n",
			head->left_out);
	if (l->too_many)
		fprintf(out, "# %zu lines more would be too many: narrow it by --store or --since.\n",
			l->too_many);
	if (head->lost)
		fprintf(out, "# %" PRIu64 " refusals were lost in a full ring since the agent started.\n",
			head->lost);
	if (!l->n_grants)
		fputs("# There is nothing to propose.\n", out);
}

int am_lesson_yaml(const struct am_lesson *l, const struct am_lesson_head *head, FILE *out)
{
	print_head(l, head, out);
	print_subjects(l, out);
	print_zones(l, out);
	if (l->n_grants)
		fputs("\nrules:\n", out);
	each_rule(l, rule_as_yaml, out);
	print_refusals(l, out);
	return ferror(out) ? -EIO : 0;
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void members_of_evidence(struct am_json *j, const struct am_evidence *e)
{
	am_json_u64(j, "count", e->count);
	am_json_int(j, "first", e->first_s);
	am_json_int(j, "last", e->last_s);
	am_json_text(j, "example", e->example && e->example[0] ? e->example : NULL);
}

static void json_subjects(struct am_json *j, const struct am_lesson *l)
{
	am_json_list(j, "subjects");
	for (size_t i = 0; i < l->n_subjects; i++) {
		const struct am_lesson_subject *s = &l->subjects[i];
		struct am_evidence e = evidence_of(l, i);

		if (s->dropped)
			continue;
		am_json_object(j, NULL);
		am_json_text(j, "name", s->name);
		am_json_bool(j, "new", s->known < 0);
		am_json_text(j, "exe", s->exe);
		am_json_text(j, "user", s->user);
		am_json_int(j, "uid", s->uid);
		am_json_text(j, "unit", s->unit);
		if (s->login != UINT32_MAX)
			am_json_int(j, "login_uid", s->login);
		am_json_text(j, "warning", warning_of(s));
		members_of_evidence(j, &e);
		am_json_end(j);
	}
	am_json_end(j);
}

static void json_zones(struct am_json *j, const struct am_lesson *l)
{
	am_json_list(j, "zones");
	for (size_t i = 0; i < l->n_zones; i++) {
		const struct am_lesson_zone *z = &l->zones[i];
		char text[AM_PLACE_LEN];

		if (!is_used(l, i))
			continue;
		am_json_object(j, NULL);
		am_json_text(j, "name", z->name);
		am_json_list(j, "cidr");
		for (size_t k = 0; k < z->n_places; k++) {
			am_net_format(z->places[k].addr, 128, text, sizeof(text));
			am_json_text(j, NULL, text);
		}
		am_json_end(j);
		am_json_list(j, "ports");
		for (size_t k = 0; k < z->n_ports; k++) {
			snprintf(text, sizeof(text), "%s/%u", am_proto_name(z->ports[k].proto),
				 z->ports[k].port);
			am_json_text(j, NULL, text);
		}
		am_json_end(j);
		am_json_end(j);
	}
	am_json_end(j);
}

/* A rule on its way into JSON; `err` holds the first failure. */
struct writer {
	struct am_json *j;
	int err;
};

static char *text_of_rule(const struct rule *r)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	print_rule(r, out);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

static void rule_as_json(const struct rule *r, void *ctx)
{
	am_autofree char *text = text_of_rule(r);
	struct writer *w = ctx;

	if (!text) {
		w->err = -ENOMEM;
		return;
	}
	am_json_object(w->j, NULL);
	am_json_text(w->j, "text", text);
	am_json_list(w->j, "evidence");
	for (size_t i = 0; i < r->l->n_grants; i++) {
		const struct am_lesson_grant *g = &r->l->grants[i];

		if (!is_of(r, g))
			continue;
		am_json_object(w->j, NULL);
		am_json_text(w->j, "op", am_op_name(g->op));
		am_json_text(w->j, "store",
			     g->op == AM_OP_SEND ? NULL : r->l->view->model->stores[g->store].name);
		am_json_text(w->j, "to", g->op == AM_OP_SEND ? g->dest : NULL);
		members_of_evidence(w->j, &g->evidence);
		am_json_end(w->j);
	}
	am_json_end(w->j);
	am_json_end(w->j);
}

static void json_refusals(struct am_json *j, const struct am_lesson *l)
{
	am_json_list(j, "not_proposed");
	for (size_t i = 0; i < l->n_refusals; i++) {
		const struct am_sighting *s = l->refusals[i].sighting;
		struct am_evidence e = evidence_of_sighting(s);
		int store = am_view_store(l->view, s->row->facts.store);

		am_json_object(j, NULL);
		am_json_text(j, "why", l->refusals[i].why);
		am_json_text(j, "op", am_op_name(s->row->facts.op));
		am_json_text(j, "store", store >= 0 ? l->view->model->stores[store].name : NULL);
		am_json_text(j, "exe", s->row->exe);
		am_json_text(j, "user", s->user);
		am_json_int(j, "uid", s->row->facts.uid);
		members_of_evidence(j, &e);
		am_json_end(j);
	}
	am_json_end(j);
}

static int json_yaml(struct am_json *j, const struct am_lesson *l,
		     const struct am_lesson_head *head)
{
	am_autofree char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int r;

	if (!out)
		return -ENOMEM;
	r = am_lesson_yaml(l, head, out);
	if (fclose(out) && !r)
		r = -ENOMEM;
	if (!r)
		am_json_text(j, "yaml", text);
	return r;
}

int am_lesson_json(const struct am_lesson *l, const struct am_lesson_head *head, FILE *out)
{
	struct am_json j;
	struct writer w = { .j = &j };
	int r;

	am_json_init(&j, out);
	am_json_object(&j, NULL);
	am_json_text(&j, "policy", l->view->model->name);
	am_json_int(&j, "generation", l->view->generation);
	am_json_int(&j, "since", head->since_s);
	am_json_u64(&j, "allowed_by_now", l->allowed);
	am_json_u64(&j, "left_out", head->left_out);
	am_json_u64(&j, "lost", head->lost);
	am_json_u64(&j, "too_many", l->too_many);
	json_subjects(&j, l);
	json_zones(&j, l);
	am_json_list(&j, "rules");
	each_rule(l, rule_as_json, &w);
	am_json_end(&j);
	json_refusals(&j, l);
	r = w.err ? w.err : json_yaml(&j, l, head);
	return r ? r : am_json_done(&j);
}
