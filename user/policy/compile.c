// SPDX-License-Identifier: GPL-2.0
#include "policy/compile.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "policy/rule.h"
#include "policy/set.h"

struct am_set *am_compile_fact(struct am_compiler *c, enum am_fact kind, uint64_t value,
			       const struct am_set *fresh)
{
	struct am_image *image = c->image;
	struct am_image_fact fact = { .key = { .kind = kind, .value = value }, .set = *fresh };

	for (size_t i = 0; i < image->n_facts; i++)
		if (image->facts[i].key.kind == kind && image->facts[i].key.value == value)
			return &image->facts[i].set;
	if (AM_APPEND(image->facts, image->n_facts, fact))
		return NULL;
	return &image->facts[image->n_facts - 1].set;
}

/* ---- rules ------------------------------------------------------------------ */

static struct am_store *store_at(struct am_compiler *c, unsigned index)
{
	return &c->image->policy->stores[c->stores[index] & AM_STORE_SLOT_MASK];
}

static void grant(struct am_grant *g, const struct am_model_rule *rule, unsigned bit)
{
	am_set_add(rule->deny ? &g->deny : &g->allow, bit);
}

static void grant_stores(struct am_compiler *c, const struct am_model_rule *rule, unsigned bit)
{
	size_t n = am_rule_count(rule->stores, rule->n_stores, c->model->n_stores);

	for (size_t i = 0; i < n; i++) {
		struct am_store *s = store_at(c, am_rule_item(rule->stores, i));

		if (am_rule_does(rule, AM_OP_READ))
			grant(&s->read, rule, bit);
		if (am_rule_does(rule, AM_OP_WRITE))
			grant(&s->write, rule, bit);
	}
}

static void grant_labels(struct am_compiler *c, const struct am_model_rule *rule, unsigned bit)
{
	size_t n = am_rule_count(rule->labels, rule->n_labels, c->model->n_labels);

	for (size_t i = 0; i < n; i++) {
		unsigned label = c->labels[am_rule_item(rule->labels, i)];

		for (size_t j = 0; j < rule->n_zones; j++)
			grant(&c->image->policy->send[label][rule->zones[j]], rule, bit);
	}
}

static void grant_purposes(struct am_compiler *c, const struct am_model_rule *rule, unsigned bit)
{
	size_t n = am_rule_count(rule->purposes, rule->n_purposes, c->model->n_purposes);

	for (size_t i = 0; i < n; i++)
		grant(&c->image->use[c->purposes[am_rule_item(rule->purposes, i)]], rule, bit);
}

int am_compile_rules(struct am_compiler *c)
{
	const struct am_model *m = c->model;

	for (size_t i = 0; i < m->n_rules; i++) {
		const struct am_model_rule *rule = &m->rules[i];
		bool anybody = rule->subject == AM_RULE_ANYBODY;

		if (anybody && m->n_subjects > AM_SUBJECT_ANYONE) {
			am_diags_add(c->diags, AM_SEVERITY_ERROR, rule->pos,
				     "Remove a subject, or name subjects in place of anyone.",
				     "with %zu subjects there is no room for rules about anyone",
				     m->n_subjects);
			continue;
		}
		grant_stores(c, rule, anybody ? AM_SUBJECT_ANYONE : rule->subject);
		grant_labels(c, rule, anybody ? AM_SUBJECT_ANYONE : rule->subject);
		grant_purposes(c, rule, anybody ? AM_SUBJECT_ANYONE : rule->subject);
	}
	return am_compile_copies(c);
}

/* ---- the whole -------------------------------------------------------------- */

static int compile_all(struct am_compiler *c)
{
	int err;

	err = am_compile_stores(c);
	if (err)
		return err;
	err = am_compile_subjects(c);
	if (err)
		return err;
	err = am_compile_zones(c);
	if (err)
		return err;
	return am_compile_rules(c);
}

int am_image_compile(const struct am_model *model, struct am_registry *registry,
		     const struct am_resolver *resolver, struct am_diags *diags,
		     struct am_image **ret)
{
	am_auto(am_image) struct am_image *image = calloc(1, sizeof(*image));
	am_autofree uint32_t *stores = calloc(model->n_stores + 1, sizeof(*stores));
	struct am_compiler c = { .model = model, .registry = registry, .resolver = resolver,
				 .diags = diags, .image = image, .stores = stores };
	size_t errors = diags->errors;
	int err;

	if (!image || !stores)
		return -ENOMEM;
	image->policy = calloc(1, sizeof(*image->policy));
	if (!image->policy)
		return -ENOMEM;
	image->policy->abi = AM_ABI_VERSION;
	err = compile_all(&c);
	am_diags_sort(diags);
	if (err)
		return err;
	if (diags->errors != errors)
		return -EINVAL;
	image->stores = AM_TAKE_PTR(stores);
	*ret = AM_TAKE_PTR(image);
	return 0;
}
