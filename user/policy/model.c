// SPDX-License-Identifier: GPL-2.0
#include "policy/model.h"

#include <errno.h>
#include <string.h>

#include "policy/reader.h"

static void free_store(struct am_model_store *s)
{
	for (size_t i = 0; i < s->n_paths; i++)
		free(s->paths[i].path);
	free(s->paths);
	free(s->labels);
	free(s->purposes);
	free(s->class);
	free(s->name);
}

static void free_subject(struct am_model_subject *s)
{
	free(s->name);
	free(s->exe);
	free(s->user);
	free(s->group);
	free(s->login);
	free(s->unit);
	free(s->cgroup);
	free(s->script);
	free(s->purpose);
	free(s->third_party);
}

static void free_zone(struct am_model_zone *z)
{
	free(z->name);
	free(z->nets);
	free(z->ports);
}

static void free_rule(struct am_model_rule *r)
{
	free(r->text);
	free(r->stores);
	free(r->labels);
	free(r->zones);
	free(r->purposes);
}

static void free_invariant(struct am_model_invariant *inv)
{
	free(inv->text);
	free(inv->subjects);
	free(inv->stores);
	free(inv->labels);
	free(inv->zones);
	free(inv->purposes);
}

void am_model_free(struct am_model *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_labels; i++)
		free(m->labels[i].name);
	for (size_t i = 0; i < m->n_purposes; i++)
		free(m->purposes[i].name);
	for (size_t i = 0; i < m->n_files; i++)
		free(m->files[i]);
	for (size_t i = 0; i < m->n_stores; i++)
		free_store(&m->stores[i]);
	for (size_t i = 0; i < m->n_subjects; i++)
		free_subject(&m->subjects[i]);
	for (size_t i = 0; i < m->n_zones; i++)
		free_zone(&m->zones[i]);
	for (size_t i = 0; i < m->n_rules; i++)
		free_rule(&m->rules[i]);
	for (size_t i = 0; i < m->n_invariants; i++)
		free_invariant(&m->invariants[i]);
	free(m->labels);
	free(m->purposes);
	free(m->files);
	free(m->stores);
	free(m->subjects);
	free(m->zones);
	free(m->rules);
	free(m->invariants);
	free(m->name);
	free(m->file);
	free(m);
}

const char *am_subject_atom(const struct am_model_subject *subject, enum am_fact kind)
{
	switch (kind) {
	case AM_FACT_EXE:
		return subject->exe;
	case AM_FACT_USER:
		return subject->user;
	case AM_FACT_GROUP:
		return subject->group;
	case AM_FACT_LOGIN:
		return subject->login;
	case AM_FACT_CGROUP:
		return subject->unit ? subject->unit : subject->cgroup;
	case AM_FACT_PURPOSE:
		return subject->purpose;
	case AM_FACT_SCRIPT:
		return subject->script;
	default:
		return NULL;
	}
}

/* ---- parsing ---------------------------------------------------------------- */

static void free_roots(struct am_node **roots, size_t n)
{
	for (size_t i = 0; i < n; i++)
		am_node_free(roots[i]);
	free(roots);
}

/* A text that is not YAML is no reason not to look at the others. */
static int parse_all(const struct am_source *sources, size_t n, struct am_diags *diags,
		     struct am_node **roots)
{
	int err = 0;

	for (size_t i = 0; i < n && err != -ENOMEM; i++) {
		int r = am_yaml_parse(sources[i].name, sources[i].text, sources[i].len, diags,
				      &roots[i]);

		err = r ? r : err;
	}
	return err;
}

static int read_model(struct am_model *m, const struct am_source *sources, size_t n,
		      struct am_diags *diags)
{
	struct am_reader reader = { .model = m, .diags = diags };
	struct am_node **roots = calloc(n + 1, sizeof(*roots));
	int err;

	if (!roots)
		return -ENOMEM;
	err = parse_all(sources, n, diags, roots);
	if (!err)
		err = am_read_policy(&reader, (const struct am_node *const *)roots, n);
	free_roots(roots, n);
	return err ? err : am_check_policy(&reader);
}

int am_model_read(struct am_model *m, const struct am_source *sources, size_t n,
		  struct am_diags *diags)
{
	size_t errors = diags->errors;
	int err = read_model(m, sources, n, diags);

	am_diags_sort(diags);
	if (err)
		return err;
	return diags->errors != errors ? -EINVAL : 0;
}

int am_model_parse(const char *name, const char *text, size_t len, struct am_diags *diags,
		   struct am_model **ret)
{
	am_auto(am_model) struct am_model *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return -ENOMEM;
	m->file = strdup(name);
	if (!m->file)
		return -ENOMEM;
	err = am_model_read(m, &(struct am_source){ m->file, text, len }, 1, diags);
	if (!err)
		*ret = AM_TAKE_PTR(m);
	return err;
}
