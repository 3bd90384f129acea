// SPDX-License-Identifier: GPL-2.0
/* What a lesson comes to: its grants as rules, and the evidence of each part. */
#include <string.h>

#include "policy/lesson.h"
#include "policy/reader.h"

/* ---- evidence ------------------------------------------------------------------------ */

const char *am_lesson_zone_name(const struct am_lesson *l, const struct am_lesson_grant *g)
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

struct am_evidence am_lesson_evidence(const struct am_lesson *l, size_t subject)
{
	struct am_evidence all = { 0 };

	for (size_t i = 0; i < l->n_grants; i++)
		if (l->grants[i].subject == subject)
			join_times(&all, &l->grants[i].evidence);
	return all;
}

struct am_evidence am_lesson_zone_evidence(const struct am_lesson *l, size_t zone)
{
	struct am_evidence all = { 0 };

	for (size_t i = 0; i < l->n_grants; i++)
		if (l->grants[i].op == AM_OP_SEND && l->grants[i].zone < 0 &&
		    l->grants[i].new_zone == zone)
			join_times(&all, &l->grants[i].evidence);
	return all;
}

/* ---- rules ------------------------------------------------------------------------------ */

bool am_lesson_rule_has(const struct am_lesson_rule *r, const struct am_lesson_grant *g)
{
	if (g->subject != r->subject || (g->op == AM_OP_SEND) != !r->ops)
		return false;
	return r->ops ? g->ops == r->ops : g->labels == r->labels;
}

static bool same_object(const struct am_lesson_rule *r, const struct am_lesson_grant *a,
			const struct am_lesson_grant *b)
{
	if (r->ops)
		return a->store == b->store;
	return !strcmp(am_lesson_zone_name(r->l, a), am_lesson_zone_name(r->l, b));
}

static void print_objects(const struct am_lesson_rule *r, FILE *out)
{
	const struct am_lesson *l = r->l;
	const char *comma = "";

	for (size_t i = 0; i < l->n_grants; i++) {
		bool told = false;

		if (!am_lesson_rule_has(r, &l->grants[i]))
			continue;
		for (size_t j = 0; j < i && !told; j++)
			told = am_lesson_rule_has(r, &l->grants[j]) &&
			       same_object(r, &l->grants[j], &l->grants[i]);
		if (told)
			continue;
		fprintf(out, "%s%s", comma, r->ops ?
			l->view->model->stores[l->grants[i].store].name :
			am_lesson_zone_name(l, &l->grants[i]));
		comma = ", ";
	}
}

void am_lesson_labels_print(const struct am_lesson *l, uint64_t labels, FILE *out)
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
void am_lesson_rule_print(const struct am_lesson_rule *r, FILE *out)
{
	fprintf(out, "allow %s to ", r->l->subjects[r->subject].name);
	if (r->ops) {
		bool read = r->ops >> AM_OP_READ & 1, write = r->ops >> AM_OP_WRITE & 1;

		fprintf(out, "%s%s%s ", read ? "read" : "", read && write ? ", " : "",
			write ? "write" : "");
	} else {
		fputs("send ", out);
		am_lesson_labels_print(r->l, r->labels, out);
		fputs(" to ", out);
	}
	print_objects(r, out);
}

static bool is_first_of(const struct am_lesson_rule *r, size_t grant)
{
	for (size_t i = 0; i < grant; i++)
		if (am_lesson_rule_has(r, &r->l->grants[i]))
			return false;
	return true;
}

void am_lesson_each_rule(const struct am_lesson *l, am_lesson_rule_fn call, void *ctx)
{
	for (size_t s = 0; s < l->n_subjects; s++) {
		for (size_t i = 0; i < l->n_grants; i++) {
			const struct am_lesson_grant *g = &l->grants[i];
			struct am_lesson_rule r = { .l = l, .subject = s };

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

const char *am_lesson_warning(const struct am_lesson_subject *s)
{
	if (s->script)
		return NULL;
	if (s->is_shell)
		return "a shell: this lets in whatever its user types; name the programs or the "
		       "script instead";
	if (s->is_interpreter)
		return "an interpreter: this lets in every program that its user gives it; add "
		       "'script:' if it is one";
	return NULL;
}

struct am_evidence am_sighting_evidence(const struct am_sighting *s)
{
	return (struct am_evidence){ s->count, s->row->facts.first_s, s->row->facts.last_s,
				     s->row->path };
}

