// SPDX-License-Identifier: GPL-2.0
#include "policy/space.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "policy/set.h"

/* ---- numbers for names, without a host -------------------------------------- */

struct am_space_name {
	const char *text;	/* borrowed from a model */
	uint32_t number;
};

enum { FIRST_NUMBER = 2000000000 };	/* where people who write numbers do not look */

/* The number that `text` is, as the compiler reads it; -EINVAL if it is a name. */
static int parse_number(const char *text, uint64_t *ret)
{
	if (!text[0] || text[strspn(text, "0123456789")])
		return -EINVAL;
	*ret = strlen(text) > 10 ? UINT64_MAX : strtoull(text, NULL, 10);
	return 0;
}

static bool is_number_of(const char *text, uint32_t number)
{
	uint64_t n;

	return text && !parse_number(text, &n) && n == number;
}

static bool is_written(const struct am_space *space, uint32_t number)
{
	for (size_t p = 0; p < space->n_policies; p++) {
		const struct am_model *m = space->models[p];

		for (size_t i = 0; i < m->n_subjects; i++)
			if (is_number_of(m->subjects[i].user, number) ||
			    is_number_of(m->subjects[i].group, number))
				return true;
	}
	return false;
}

static int find_number(const struct am_space *space, const char *text, uint32_t *ret)
{
	if (!strcmp(text, "root")) {
		*ret = 0;
		return 0;
	}
	for (size_t i = 0; i < space->n_names; i++) {
		if (strcmp(space->names[i].text, text))
			continue;
		*ret = space->names[i].number;
		return 0;
	}
	return -ENOENT;
}

/* An am_resolver: every name exists and is somebody else. */
static int give_number(void *ctx, const char *text, uint32_t *ret)
{
	struct am_space *space = ctx;
	struct am_space_name name = { .text = text, .number = FIRST_NUMBER };

	if (!find_number(space, text, ret))
		return 0;
	if (space->n_names)
		name.number = space->names[space->n_names - 1].number + 1;
	while (is_written(space, name.number))
		name.number++;
	if (AM_APPEND(space->names, space->n_names, name))
		return -ENOMEM;
	*ret = name.number;
	return 0;
}

/* ---- compiling -------------------------------------------------------------- */

static int compile(struct am_space *space, unsigned p, const struct am_space_host *host,
		   struct am_diags *diags)
{
	struct am_resolver nowhere = { .user = give_number, .group = give_number, .ctx = space };
	int err;

	err = am_registry_new(&space->registries[p]);
	if (err)
		return err;
	return am_image_compile(space->models[p], space->registries[p],
				host ? host->resolver : &nowhere, diags, &space->images[p]);
}

static const struct am_store *store_named(const struct am_space *space, unsigned p,
					  const char *name, unsigned slot)
{
	const char *known = am_registry_store_name(space->registries[p], slot);

	return known && !strcmp(known, name) ? &space->images[p]->policy->stores[slot] : NULL;
}

/* A fresh registry numbers the stores in their order; if it once does not, they are sought. */
static int index_stores(struct am_space *space, unsigned p)
{
	const struct am_model *m = space->models[p];

	space->stores[p] = calloc(m->n_stores + 1, sizeof(*space->stores[p]));
	if (!space->stores[p])
		return -ENOMEM;
	for (size_t i = 0; i < m->n_stores; i++) {
		const char *name = m->stores[i].name;
		const struct am_store *s = store_named(space, p, name, i + 1);

		for (unsigned slot = 1; !s && slot < AM_STORES_MAX; slot++)
			s = store_named(space, p, name, slot);
		assert(s);	/* it has just been compiled */
		space->stores[p][i] = s;
	}
	return 0;
}

static void index_labels(struct am_space *space, unsigned p)
{
	const struct am_model *m = space->models[p];

	for (size_t i = 0; i < m->n_labels; i++) {
		int bit = am_registry_label(space->registries[p], m->labels[i].name);

		assert(bit >= 0);	/* the compiler has interned it */
		space->labels[p][i] = bit;
	}
}

/* ---- values ----------------------------------------------------------------- */

const char *am_fact_word(enum am_fact kind)
{
	static const char *const words[AM_FACT_MAX_] = {
		[AM_FACT_EXE] = "exe", [AM_FACT_USER] = "user", [AM_FACT_GROUP] = "group",
		[AM_FACT_LOGIN] = "login", [AM_FACT_CGROUP] = "cgroup",
		[AM_FACT_PURPOSE] = "purpose", [AM_FACT_PORT] = "port",
	};

	return kind < AM_FACT_MAX_ && words[kind] ? words[kind] : "?";
}

static struct am_space_value *find_value(const struct am_space *space, enum am_fact kind,
					 uint64_t number)
{
	for (size_t i = 0; i < space->n_values; i++)
		if (space->values[i].kind == kind && space->values[i].number == number)
			return &space->values[i];
	return NULL;
}

static bool is_file(const struct am_space_value *v, const char *path, const uint64_t file[2])
{
	if (v->kind != AM_FACT_EXE)
		return false;
	return !strcmp(v->text, path) ||
	       ((file[0] || file[1]) && !memcmp(v->file, file, sizeof(v->file)));
}

static struct am_space_value *find_exe(const struct am_space *space, const char *path,
				       const uint64_t file[2])
{
	for (size_t i = 0; i < space->n_values; i++)
		if (is_file(&space->values[i], path, file))
			return &space->values[i];
	return NULL;
}

static struct am_space_value *add_value(struct am_space *space, struct am_space_value value)
{
	for (size_t p = 0; p < space->n_policies; p++)
		value.set[p] = *am_space_unlisted(space, p, value.kind);
	if (AM_APPEND(space->values, space->n_values, value))
		return NULL;
	return &space->values[space->n_values - 1];
}

/* Two paths of one file become one value, in both sets, as when a policy is published. */
static int add_exe(struct am_space *space, unsigned p, const struct am_image_exe *exe,
		   const struct am_space_host *host)
{
	struct am_space_value new = { .kind = AM_FACT_EXE, .text = exe->path };
	struct am_space_value *v;

	/* A file that is missing is nobody's twin. */
	if (host && host->file && host->file(host->ctx, exe->path, new.file) < 0)
		memset(new.file, 0, sizeof(new.file));
	v = find_exe(space, exe->path, new.file);
	if (!v)
		v = add_value(space, new);
	if (!v)
		return -ENOMEM;
	am_set_join(&v->set[p], &exe->set);
	return 0;
}

static int add_fact(struct am_space *space, unsigned p, const struct am_image_fact *fact)
{
	struct am_space_value new = { .kind = fact->key.kind, .number = fact->key.value };
	struct am_space_value *v;

	if (new.kind == AM_FACT_PORT)
		return 0;	/* about destinations */
	v = find_value(space, new.kind, new.number);
	if (!v)
		v = add_value(space, new);
	if (!v)
		return -ENOMEM;
	v->set[p] = fact->set;
	return 0;
}

/* A subject that mentions the kind and is in the value's set mentions this value. */
static bool mentions(const struct am_space *space, unsigned p, unsigned subject,
		     const struct am_space_value *v)
{
	return am_set_has(&v->set[p], subject) &&
	       !am_set_has(am_space_unlisted(space, p, v->kind), subject);
}

static const char *text_of(const struct am_space *space, const struct am_space_value *v)
{
	for (size_t p = 0; p < space->n_policies; p++)
		for (size_t i = 0; i < space->models[p]->n_subjects; i++)
			if (mentions(space, p, i, v))
				return am_subject_atom(&space->models[p]->subjects[i], v->kind);
	return NULL;
}

static int list_values(struct am_space *space, const struct am_space_host *host)
{
	int err = 0;

	for (unsigned p = 0; p < space->n_policies; p++) {
		const struct am_image *image = space->images[p];

		for (size_t i = 0; !err && i < image->n_exes; i++)
			err = add_exe(space, p, &image->exes[i], host);
		for (size_t i = 0; !err && i < image->n_facts; i++)
			err = add_fact(space, p, &image->facts[i]);
	}
	for (size_t i = 0; !err && i < space->n_values; i++) {
		struct am_space_value *v = &space->values[i];

		if (!v->text)
			v->text = text_of(space, v);
		/* What the whole argument rests on. */
		for (unsigned p = 0; p < space->n_policies; p++)
			assert(am_set_contains(&v->set[p], am_space_unlisted(space, p, v->kind)));
	}
	return err;
}

static bool is_called(const struct am_space *space, const struct am_space_value *v,
		      const char *text)
{
	for (unsigned p = 0; p < space->n_policies; p++) {
		const struct am_model *m = space->models[p];

		for (size_t i = 0; i < m->n_subjects; i++) {
			const char *atom = am_subject_atom(&m->subjects[i], v->kind);

			if (atom && !strcmp(atom, text) && mentions(space, p, i, v))
				return true;
		}
	}
	return false;
}

const struct am_space_value *am_space_value(const struct am_space *space, enum am_fact kind,
					    const char *text)
{
	bool account = kind == AM_FACT_USER || kind == AM_FACT_GROUP;
	uint64_t number = 0;

	if (account && (!strcmp(text, "root") || !parse_number(text, &number)))
		return find_value(space, kind, number);
	for (size_t i = 0; i < space->n_values; i++)
		if (space->values[i].kind == kind && is_called(space, &space->values[i], text))
			return &space->values[i];
	return NULL;
}

/* ---- a space ---------------------------------------------------------------- */

static int fill(struct am_space *space, const struct am_space_host *host, struct am_diags *diags)
{
	int err = 0;

	for (unsigned p = 0; !err && p < space->n_policies; p++) {
		err = compile(space, p, host, diags);
		if (!err)
			err = index_stores(space, p);
		if (!err)
			index_labels(space, p);
	}
	if (!err)
		err = list_values(space, host);
	if (!err)
		err = am_places_list((const struct am_image *const *)space->images,
				     space->n_policies, &space->places, &space->n_places);
	return err;
}

int am_space_new(const struct am_model *const *models, size_t n, const struct am_space_host *host,
		 struct am_diags *diags, struct am_space **ret)
{
	am_auto(am_space) struct am_space *space = calloc(1, sizeof(*space));
	int err;

	assert(n >= 1 && n <= AM_SPACE_POLICIES);
	if (!space)
		return -ENOMEM;
	space->n_policies = n;
	for (size_t p = 0; p < n; p++)
		space->models[p] = models[p];
	err = fill(space, host, diags);
	if (!err)
		*ret = AM_TAKE_PTR(space);
	return err;
}

void am_space_free(struct am_space *space)
{
	if (!space)
		return;
	for (size_t p = 0; p < AM_SPACE_POLICIES; p++) {
		am_image_free(space->images[p]);
		am_registry_free(space->registries[p]);
		free(space->stores[p]);
	}
	free(space->names);
	free(space->values);
	free(space->places);
	free(space);
}
