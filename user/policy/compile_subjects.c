// SPDX-License-Identifier: GPL-2.0
/* Subjects as bits: a fact's set holds the subjects that mention this value of it and
 * those that do not mention the fact at all. */
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "policy/compile.h"
#include "policy/set.h"

static bool mentions(const struct am_model_subject *s, enum am_fact kind)
{
	switch (kind) {
	case AM_FACT_EXE:
		return s->exe;
	case AM_FACT_USER:
		return s->user;
	case AM_FACT_GROUP:
		return s->group;
	default:
		return false;
	}
}

/* AM_SUBJECT_ANYONE mentions nothing, so every task has its bit. */
static void fill_unlisted(struct am_compiler *c)
{
	const struct am_model *m = c->model;
	struct am_policy *policy = c->image->policy;
	bool anyone = m->n_subjects <= AM_SUBJECT_ANYONE;

	for (unsigned kind = AM_FACT_EXE; kind < AM_FACT_PORT; kind++) {
		struct am_set *set = &policy->unlisted[kind];

		for (size_t i = 0; i < m->n_subjects; i++)
			if (mentions(&m->subjects[i], kind))
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
		err = kind == AM_FACT_USER ? resolver->user(resolver->ctx, text, ret)
					   : resolver->group(resolver->ctx, text, ret);
	if (err == -ENOMEM)
		return err;
	if (err)
		refuse_account(c, kind == AM_FACT_USER ? "user" : "group", text, pos, err);
	return err ? 1 : 0;
}

static int add_account(struct am_compiler *c, enum am_fact kind, size_t subject, const char *text,
		       struct am_pos pos)
{
	struct am_set *set;
	uint32_t id = 0;
	int r;

	if (!text)
		return 0;
	r = resolve(c, kind, text, pos, &id);
	if (r)
		return r < 0 ? r : 0;
	set = am_compile_fact(c, kind, id, &c->image->policy->unlisted[kind]);
	if (!set)
		return -ENOMEM;
	am_set_add(set, subject);
	return 0;
}

/* ---- executables ------------------------------------------------------------ */

static int add_exe(struct am_compiler *c, size_t subject, const struct am_model_subject *s)
{
	struct am_image *image = c->image;
	struct am_image_exe exe = { .path = s->exe, .pos = s->exe_pos,
				    .set = image->policy->unlisted[AM_FACT_EXE] };

	if (!s->exe)
		return 0;
	for (size_t i = 0; i < image->n_exes; i++) {
		if (strcmp(image->exes[i].path, s->exe))
			continue;
		am_set_add(&image->exes[i].set, subject);
		return 0;
	}
	am_set_add(&exe.set, subject);
	return AM_APPEND(image->exes, image->n_exes, exe);
}

int am_compile_subjects(struct am_compiler *c)
{
	fill_unlisted(c);
	for (size_t i = 0; i < c->model->n_subjects; i++) {
		const struct am_model_subject *s = &c->model->subjects[i];
		int err;

		err = add_exe(c, i, s);
		if (!err)
			err = add_account(c, AM_FACT_USER, i, s->user, s->user_pos);
		if (!err)
			err = add_account(c, AM_FACT_GROUP, i, s->group, s->group_pos);
		if (err)
			return err;
	}
	return 0;
}
