// SPDX-License-Identifier: GPL-2.0
/* A lesson as JSON. */
#include <errno.h>
#include <string.h>

#include "event/event.h"
#include "event/json.h"
#include "policy/lesson.h"
#include "policy/reader.h"

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
		struct am_evidence e = am_lesson_evidence(l, i);

		if (s->dropped)
			continue;
		am_json_object(j, NULL);
		am_json_text(j, "name", s->name);
		am_json_bool(j, "new", s->known < 0);
		am_json_text(j, "exe", s->exe);
		am_json_text(j, "script", s->script);
		if (s->n_users) {
			am_json_text(j, "group", s->groups[0].name[0] ? s->groups[0].name : NULL);
			am_json_int(j, "gid", s->groups[0].gid);
			am_json_int(j, "users", s->n_users);
		} else {
			am_json_text(j, "user", s->user);
			am_json_int(j, "uid", s->uid);
		}
		am_json_text(j, "purpose", s->purpose);
		am_json_text(j, "unit", s->unit);
		if (s->login != UINT32_MAX)
			am_json_int(j, "login_uid", s->login);
		am_json_text(j, "warning", am_lesson_warning(s));
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

		if (!am_lesson_zone_evidence(l, i).count)
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

static char *text_of_rule(const struct am_lesson_rule *r)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	am_lesson_rule_print(r, out);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

static void rule_as_json(const struct am_lesson_rule *r, void *ctx)
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

		if (!am_lesson_rule_has(r, g))
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
		struct am_evidence e = am_sighting_evidence(s);
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
	am_lesson_each_rule(l, rule_as_json, &w);
	am_json_end(&j);
	json_refusals(&j, l);
	r = w.err ? w.err : json_yaml(&j, l, head);
	return r ? r : am_json_done(&j);
}
