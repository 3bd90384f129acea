// SPDX-License-Identifier: GPL-2.0
/* Who may read copies: data outside every store. A copy is as closed as its source, so
 * that of each label it carries some rule must let read a store with it, and none deny.
 *
 * Where that store is open for some purposes only, so are its copies. The kernel asks of
 * a copy which subjects the reader is and nothing else; so each subject that may read the
 * store stands there as a narrower one, which no policy names: who is the subject and runs
 * under one of the store's purposes. Its bit is behind those of the model. */
#include <errno.h>

#include "base/array.h"
#include "policy/compile.h"
#include "policy/set.h"

static void copy_bit(struct am_set *set, unsigned from, unsigned to)
{
	if (am_set_has(set, from))
		am_set_add(set, to);
}

/* The purposes as facts, before the narrow subject is in some of their sets only. */
static int list_purposes(struct am_compiler *c, uint64_t purposes)
{
	const struct am_set *unlisted = &c->image->policy->unlisted[AM_FACT_PURPOSE];

	for (unsigned n = 1; n < AM_PURPOSES_MAX; n++)
		if (purposes >> n & 1 && !am_compile_fact(c, AM_FACT_PURPOSE, n, unlisted))
			return -ENOMEM;
	c->image->policy->mentioned |= 1ULL << AM_FACT_PURPOSE;
	return 0;
}

/* The narrow one is in every set that the subject is in, but of purposes in those of its
 * own only: the subject mentions none. */
static int enter(struct am_compiler *c, const struct am_image_narrow *n)
{
	struct am_image *image = c->image;
	int err = list_purposes(c, n->purposes);

	if (err)
		return err;
	copy_bit(&image->policy->live, n->subject, n->bit);
	for (unsigned kind = AM_FACT_INVALID + 1; kind < AM_FACT_PORT; kind++)
		if (kind != AM_FACT_PURPOSE)
			copy_bit(&image->policy->unlisted[kind], n->subject, n->bit);
	for (size_t i = 0; i < image->n_facts; i++) {
		struct am_image_fact *f = &image->facts[i];

		if (f->key.kind == AM_FACT_PORT)
			continue;
		if (f->key.kind != AM_FACT_PURPOSE || n->purposes >> f->key.value & 1)
			copy_bit(&f->set, n->subject, n->bit);
	}
	for (size_t i = 0; i < image->n_exes; i++) {
		copy_bit(&image->exes[i].set, n->subject, n->bit);
		copy_bit(&image->exes[i].script, n->subject, n->bit);
	}
	for (size_t i = 0; i < image->n_cgroups; i++)
		copy_bit(&image->cgroups[i].set, n->subject, n->bit);
	return 0;
}

/* Enters a subject that is not there yet; an error in the diags if there is no room. */
static int add_narrow(struct am_compiler *c, unsigned subject, uint64_t purposes,
		      const struct am_model_store *store)
{
	struct am_image *image = c->image;
	size_t bit = c->model->n_subjects + image->n_narrows;
	struct am_image_narrow new = { .subject = subject, .bit = bit, .purposes = purposes };
	int err;

	if (bit >= AM_SUBJECT_ANYONE) {
		am_diags_add(c->diags, AM_SEVERITY_ERROR, store->pos,
			     "Remove subjects, or give those of its rules a purpose of their own.",
			     "with %zu subjects there is no room for who may read copies of '%s' "
			     "under its purposes", c->model->n_subjects, store->name);
		return 0;
	}
	err = AM_APPEND(image->narrows, image->n_narrows, new);
	return err ? err : enter(c, &new);
}

/* One that mentions a purpose is as narrow as can be: it need not be narrowed, or there is
 * no task that could. */
static bool has_purpose(const struct am_compiler *c, unsigned subject)
{
	return subject < c->model->n_subjects && c->model->subjects[subject].purpose;
}

static int allow_narrow(struct am_compiler *c, const struct am_store *s, size_t store,
			struct am_set *ret)
{
	AM_SET_EACH(subject, &s->read.allow) {
		unsigned bit = am_image_narrow(c->image, c->model, subject, s->purposes);
		int err = 0;

		if (bit == AM_SUBJECTS_MAX && !has_purpose(c, subject)) {
			err = add_narrow(c, subject, s->purposes, &c->model->stores[store]);
			bit = am_image_narrow(c->image, c->model, subject, s->purposes);
		}
		if (err)
			return err;
		if (bit < AM_SUBJECTS_MAX)
			am_set_add(ret, bit);
	}
	return 0;
}

int am_compile_copies(struct am_compiler *c)
{
	struct am_policy *policy = c->image->policy;

	for (size_t i = 0; i < c->model->n_stores; i++) {
		const struct am_store *s = &policy->stores[c->stores[i] & AM_STORE_SLOT_MASK];
		struct am_set allow = { { 0 } };
		int err = allow_narrow(c, s, i, &allow);

		if (err)
			return err;
		for (unsigned label = 0; label < AM_LABELS_MAX; label++) {
			if (!(s->labels >> label & 1))
				continue;
			am_set_join(&policy->label_read[label].allow, &allow);
			am_set_join(&policy->label_read[label].deny, &s->read.deny);
		}
	}
	return 0;
}
