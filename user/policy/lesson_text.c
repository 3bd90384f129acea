// SPDX-License-Identifier: GPL-2.0
/* A lesson as a file for the policy's folder. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "event/event.h"
#include "policy/ask.h"
#include "policy/lesson.h"
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

/* ---- what is new ----------------------------------------------------------------------- */

static bool has_new_zones(const struct am_lesson *l)
{
	for (size_t i = 0; i < l->n_zones; i++)
		if (am_lesson_zone_evidence(l, i).count)
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

/* ---- subjects ------------------------------------------------------------------------ */

static void print_group(const struct am_group *g, FILE *out)
{
	if (g->name[0] && am_learn_is_plain(g->name))
		print_quoted(g->name, out);
	else
		fprintf(out, "%" PRIu32, g->gid);
}

static void print_conditions(const struct am_lesson_subject *s, FILE *out)
{
	fputs("    exe: ", out);
	print_quoted(s->exe, out);
	if (s->script) {
		fputs("\n    script: ", out);
		print_quoted(s->script, out);
	}
	fputs(s->n_users ? "\n    group: " : "\n    user: ", out);
	if (s->n_users)
		print_group(&s->groups[0], out);
	else if (s->user)
		print_quoted(s->user, out);
	else
		fprintf(out, "%" PRIu32, s->uid);
	if (s->purpose) {
		fputs("\n    purpose: ", out);
		print_quoted(s->purpose, out);
	}
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

static void print_subjects(const struct am_lesson *l, FILE *out)
{
	if (has_new_subjects(l))
		fputs("\nsubjects:\n", out);
	for (size_t i = 0; i < l->n_subjects; i++) {
		const struct am_lesson_subject *s = &l->subjects[i];
		struct am_evidence evidence = am_lesson_evidence(l, i);

		if (s->dropped || s->known >= 0)
			continue;
		fprintf(out, "  %s:  # ", s->name);
		print_evidence(&evidence, out);
		fputc('\n', out);
		if (am_lesson_warning(s))
			fprintf(out, "    # WARNING: %s\n", am_lesson_warning(s));
		if (s->n_users)
			fprintf(out, "    # %u users of this group were seen; the others of it may "
				     "the same.\n", s->n_users);
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
		struct am_evidence evidence = am_lesson_zone_evidence(l, i);

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

static void print_grant(const struct am_lesson *l, const struct am_lesson_grant *g, FILE *out)
{
	if (g->op == AM_OP_SEND) {
		fputs("send ", out);
		am_lesson_labels_print(l, g->labels, out);
		fprintf(out, " to %s: ", g->dest);
	} else {
		fprintf(out, "%s %s: ", am_op_name(g->op), l->view->model->stores[g->store].name);
	}
	print_evidence(&g->evidence, out);
}

static void rule_as_yaml(const struct am_lesson_rule *r, void *ctx)
{
	const struct am_lesson_subject *s = &r->l->subjects[r->subject];
	FILE *out = ctx;

	for (size_t i = 0; i < r->l->n_grants; i++) {
		if (!am_lesson_rule_has(r, &r->l->grants[i]))
			continue;
		fputs("  # ", out);
		print_grant(r->l, &r->l->grants[i], out);
		fputc('\n', out);
	}
	if (s->known >= 0 && am_lesson_warning(s))
		fprintf(out, "  # WARNING: %s\n", am_lesson_warning(s));
	fputs("  - ", out);
	am_lesson_rule_print(r, out);
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

static void print_refusals(const struct am_lesson *l, FILE *out)
{
	if (l->n_refusals)
		fputs("\n# Not proposed:\n", out);
	for (size_t i = 0; i < l->n_refusals; i++) {
		struct am_evidence e = am_sighting_evidence(l->refusals[i].sighting);

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
	am_lesson_each_rule(l, rule_as_yaml, out);
	print_refusals(l, out);
	return ferror(out) ? -EIO : 0;
}
