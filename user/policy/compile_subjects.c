// SPDX-License-Identifier: GPL-2.0
/* Subjects as bits: a fact's set holds the subjects that mention this value of it and
 * those that do not mention the fact at all. */
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "policy/compile.h"
#include "policy/set.h"

/* AM_SUBJECT_ANYONE mentions nothing, so every task has its bit. */
static void fill_unlisted(struct am_compiler *c)
{
	const struct am_model *m = c->model;
	struct am_policy *policy = c->image->policy;
	bool anyone = m->n_subjects <= AM_SUBJECT_ANYONE;

	for (unsigned kind = AM_FACT_EXE; kind < AM_FACT_PORT; kind++) {
		struct am_set *set = &policy->unlisted[kind];

		for (size_t i = 0; i < m->n_subjects; i++)
			if (am_subject_atom(&m->subjects[i], kind))
				policy->mentioned |= 1ULL << kind;
			else
				am_set_add(set, i);
		if (anyone)
			am_set_add(set, AM_SUBJECT_ANYONE);
	}
	for (size_t i = 0; i < m->n_subjects; i++)
		am_set_add(&policy->live, i);
	if (anyone)
		am_set_add(&policy->live, AM_SUBJECT_ANYONE);
}

/* Subject by subject into the fact's set. */
static int add_fact(struct am_compiler *c, enum am_fact kind, uint64_t value, size_t subject)
{
	struct am_set *set = am_compile_fact(c, kind, value, &c->image->policy->unlisted[kind]);

	if (!set)
		return -ENOMEM;
	am_set_add(set, subject);
	return 0;
}

/* ---- users and groups ------------------------------------------------------- */

/* The number that `text` is; -EINVAL if it is a name; -ERANGE if it cannot be an id. */
static int parse_id(const char *text, uint32_t *ret)
{
	unsigned long long n;

	if (text[strspn(text, "0123456789")])
		return -EINVAL;
	if (strlen(text) > 10)
		return -ERANGE;
	n = strtoull(text, NULL, 10);
	if (n >= UINT32_MAX)	/* the highest stands for "unchanged" in the kernel */
		return -ERANGE;
	*ret = n;
	return 0;
}

static void refuse_account(struct am_compiler *c, const char *what, const char *text,
			   struct am_pos pos, int err)
{
	if (err == -ENOENT)
		am_diags_add(c->diags, AM_SEVERITY_ERROR, pos,
			     "Create it before the policy, or correct the name.",
			     "this host has no %s '%.64s'", what, text);
	else if (err == -ERANGE)
		am_diags_add(c->diags, AM_SEVERITY_ERROR, pos,
			     "Write a name, or a number below 4294967295.",
			     "no %s can have the number %.64s", what, text);
	else
		am_diags_add(c->diags, AM_SEVERITY_ERROR, pos,
			     "Check the name service of this host, or write the number.",
			     "the %s '%.64s' cannot be looked up: %s", what, text, strerror(-err));
}

static int resolve(struct am_compiler *c, enum am_fact kind, const char *text, struct am_pos pos,
		   uint32_t *ret)
{
	const struct am_resolver *resolver = c->resolver;
	int err = parse_id(text, ret);

	if (err == -EINVAL)
		err = kind == AM_FACT_GROUP ? resolver->group(resolver->ctx, text, ret)
					    : resolver->user(resolver->ctx, text, ret);
	if (err == -ENOMEM)
		return err;
	if (err)
		refuse_account(c, kind == AM_FACT_GROUP ? "group" : "user", text, pos, err);
	return err ? 1 : 0;
}

static int add_account(struct am_compiler *c, enum am_fact kind, size_t subject, const char *text,
		       struct am_pos pos)
{
	uint32_t id = 0;
	int r;

	if (!text)
		return 0;
	r = resolve(c, kind, text, pos, &id);
	if (r)
		return r < 0 ? r : 0;
	return add_fact(c, kind, id, subject);
}

/* ---- files ------------------------------------------------------------------ */

/* The entry for the file, made if new: one for each digest that is asked of it, and one
 * for those who ask for none. */
static struct am_image_exe *file_entry(struct am_compiler *c, const char *path, struct am_pos pos,
				       const uint8_t *sha256)
{
	struct am_image *image = c->image;
	struct am_image_exe new = { .path = path, .pos = pos, .pinned = sha256,
				    .set = image->policy->unlisted[AM_FACT_EXE],
				    .script = image->policy->unlisted[AM_FACT_SCRIPT] };

	if (sha256)
		memcpy(new.sha256, sha256, sizeof(new.sha256));
	for (size_t i = 0; i < image->n_exes; i++)
		if (!strcmp(image->exes[i].path, path) && image->exes[i].pinned == new.pinned &&
		    !memcmp(image->exes[i].sha256, new.sha256, sizeof(new.sha256)))
			return &image->exes[i];
	if (AM_APPEND(image->exes, image->n_exes, new))
		return NULL;
	return &image->exes[image->n_exes - 1];
}

static int add_exe(struct am_compiler *c, size_t subject, const struct am_model_subject *s)
{
	struct am_image_exe *entry;

	if (!s->exe)
		return 0;
	entry = file_entry(c, s->exe, s->exe_pos, s->pinned ? s->sha256 : NULL);
	if (!entry)
		return -ENOMEM;
	entry->is_exe = true;
	am_set_add(&entry->set, subject);
	return 0;
}

static int add_script(struct am_compiler *c, size_t subject, const struct am_model_subject *s)
{
	struct am_image_exe *entry;

	if (!s->script)
		return 0;
	entry = file_entry(c, s->script, s->script_pos, NULL);
	if (!entry)
		return -ENOMEM;
	entry->is_script = true;
	am_set_add(&entry->script, subject);
	return 0;
}

/* ---- cgroups and purposes --------------------------------------------------- */

static bool is_same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static int add_cgroup(struct am_compiler *c, size_t subject, const struct am_model_subject *s)
{
	struct am_image *image = c->image;
	struct am_image_cgroup new = { .path = s->cgroup, .unit = s->unit, .pos = s->cgroup_pos,
				       .set = image->policy->unlisted[AM_FACT_CGROUP] };

	if (!s->cgroup && !s->unit)
		return 0;
	am_set_add(&new.set, subject);
	for (size_t i = 0; i < image->n_cgroups; i++) {
		struct am_image_cgroup *known = &image->cgroups[i];

		if (!is_same(known->path, new.path) || !is_same(known->unit, new.unit))
			continue;
		am_set_add(&known->set, subject);
		return 0;
	}
	return AM_APPEND(image->cgroups, image->n_cgroups, new);
}

static int add_purpose(struct am_compiler *c, size_t subject, const struct am_model_subject *s)
{
	const struct am_model *m = c->model;

	for (size_t i = 0; s->purpose && i < m->n_purposes; i++)
		if (!strcmp(m->purposes[i].name, s->purpose))
			return add_fact(c, AM_FACT_PURPOSE, c->purposes[i], subject);
	return 0;
}

static int add_subject(struct am_compiler *c, size_t index, const struct am_model_subject *s)
{
	int err;

	err = add_exe(c, index, s);
	if (!err)
		err = add_script(c, index, s);
	if (!err)
		err = add_account(c, AM_FACT_USER, index, s->user, s->user_pos);
	if (!err)
		err = add_account(c, AM_FACT_GROUP, index, s->group, s->group_pos);
	if (!err)
		err = add_account(c, AM_FACT_LOGIN, index, s->login, s->login_pos);
	if (!err)
		err = add_cgroup(c, index, s);
	return err ? err : add_purpose(c, index, s);
}

int am_compile_subjects(struct am_compiler *c)
{
	int err = 0;

	fill_unlisted(c);
	for (size_t i = 0; !err && i < c->model->n_subjects; i++)
		err = add_subject(c, i, &c->model->subjects[i]);
	return err;
}
