// SPDX-License-Identifier: GPL-2.0
#include "policy/value.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/cgroup.h"
#include "base/array.h"
#include "policy/path.h"
#include "policy/set.h"

const char *am_fact_word(enum am_fact kind)
{
	static const char *const words[AM_FACT_MAX_] = {
		[AM_FACT_EXE] = "exe", [AM_FACT_USER] = "user", [AM_FACT_GROUP] = "group",
		[AM_FACT_LOGIN] = "login", [AM_FACT_CGROUP] = "cgroup",
		[AM_FACT_PURPOSE] = "purpose", [AM_FACT_SCRIPT] = "script",
	};

	return kind < AM_FACT_MAX_ && words[kind] ? words[kind] : "?";
}

static int add(struct am_space *space, struct am_space_value value)
{
	for (size_t p = 0; p < space->n_policies; p++)
		value.set[p] = *am_space_unlisted(space, p, value.kind);
	return AM_APPEND(space->values, space->n_values, value);
}

/* ---- files ------------------------------------------------------------------ */

static bool is_same_digest(const uint8_t *a, const uint8_t *b)
{
	return a && b ? !memcmp(a, b, AM_SHA256_BYTES) : a == b;
}

static bool is_same_file(const struct am_space_value *v, const struct am_space_value *w)
{
	return v->kind == w->kind &&
	       (!strcmp(v->text, w->text) ||
		((v->file[0] || v->file[1]) && !memcmp(v->file, w->file, sizeof(v->file))));
}

/* The class of a file that an entry is about; the sets come later. */
static struct am_space_value file_value(const struct am_image_exe *e, enum am_fact kind,
					const struct am_space_host *host)
{
	struct am_space_value v = { .kind = kind, .text = e->path,
				    .sha256 = kind == AM_FACT_EXE && e->pinned ? e->sha256 : NULL };

	/* A file that is missing is nobody's twin. */
	if (host && host->file && host->file(host->ctx, e->path, v.file) < 0)
		memset(v.file, 0, sizeof(v.file));
	return v;
}

static int add_file(struct am_space *space, const struct am_space_value *new)
{
	for (size_t i = 0; i < space->n_values; i++)
		if (is_same_file(&space->values[i], new) &&
		    is_same_digest(space->values[i].sha256, new->sha256))
			return 0;
	return add(space, *new);
}

/* A file with a digest is also the file that others name whatever its content; two paths
 * of one file are both named by it. As when a policy is published. */
static void join_file(struct am_space *space, unsigned p, const struct am_image_exe *e,
		      const struct am_space_value *of)
{
	for (size_t i = 0; i < space->n_values; i++) {
		struct am_space_value *v = &space->values[i];

		if (is_same_file(v, of) && (!of->sha256 || is_same_digest(v->sha256, of->sha256)))
			am_set_join(&v->set[p], of->kind == AM_FACT_EXE ? &e->set : &e->script);
	}
}

static int list_files(struct am_space *space, const struct am_space_host *host, bool join)
{
	int err = 0;

	for (unsigned p = 0; p < space->n_policies; p++) {
		for (size_t i = 0; !err && i < space->images[p]->n_exes; i++) {
			const struct am_image_exe *e = &space->images[p]->exes[i];
			struct am_space_value exe = file_value(e, AM_FACT_EXE, host);
			struct am_space_value script = file_value(e, AM_FACT_SCRIPT, host);

			if (join && e->is_exe)
				join_file(space, p, e, &exe);
			else if (e->is_exe)
				err = add_file(space, &exe);
			if (join && e->is_script)
				join_file(space, p, e, &script);
			else if (!err && e->is_script)
				err = add_file(space, &script);
		}
	}
	return err;
}

/* ---- cgroups ---------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len >= n && !strcmp(text + len - n, end);
}

/* Slices tell by their names where they lie: a-b.slice in a.slice. */
static bool slice_is_below(const char *unit, const char *outer)
{
	size_t len = strlen(outer) - strlen(".slice");

	return ends_with(unit, ".slice") && ends_with(outer, ".slice") &&
	       !strncmp(unit, outer, len) && unit[len] == '-';
}

/* Whether a task in `in` is surely in `out` too. */
static bool is_within(const struct am_space_value *in, const struct am_space_value *out)
{
	if (!in->is_unit)
		return out->is_unit ? am_cgroup_in_unit(in->text, out->text) :
				      am_path_is_below(in->text, out->text);
	return out->is_unit ? slice_is_below(in->text, out->text) : false;
}

/* Whether one can lie in the other for all that their names say. Units lie in slices alone, and
 * a path tells all that it lies in. */
static bool can_be_within(const struct am_space_value *in, const struct am_space_value *out)
{
	if (is_within(in, out))
		return true;
	if (!in->is_unit)
		return false;
	return out->is_unit ? ends_with(out->text, ".slice") && !ends_with(in->text, ".slice") :
			      am_cgroup_of_slices(out->text);
}

bool am_cgroups_can_nest(const struct am_space_value *a, const struct am_space_value *b)
{
	return can_be_within(a, b) || can_be_within(b, a);
}

static bool is_same_cgroup(const struct am_space_value *v, const struct am_image_cgroup *c)
{
	return v->kind == AM_FACT_CGROUP && v->is_unit == (c->unit != NULL) &&
	       !strcmp(v->text, c->unit ? c->unit : c->path);
}

static int add_cgroup(struct am_space *space, unsigned p, const struct am_image_cgroup *c)
{
	int err;

	for (size_t i = 0; i < space->n_values; i++) {
		if (!is_same_cgroup(&space->values[i], c))
			continue;
		am_set_join(&space->values[i].set[p], &c->set);
		return 0;
	}
	err = add(space, (struct am_space_value){ .kind = AM_FACT_CGROUP, .is_unit = c->unit,
						  .text = c->unit ? c->unit : c->path });
	if (!err)
		am_set_join(&space->values[space->n_values - 1].set[p], &c->set);
	return err;
}

static int list_cgroups(struct am_space *space)
{
	int err = 0;

	for (unsigned p = 0; p < space->n_policies; p++)
		for (size_t i = 0; !err && i < space->images[p]->n_cgroups; i++)
			err = add_cgroup(space, p, &space->images[p]->cgroups[i]);
	return err;
}

/* A task in a cgroup is in those around it. Joining what has been joined adds nothing: what
 * is around those is around this one too. */
static void join_cgroups(struct am_space *space)
{
	for (size_t i = 0; i < space->n_values; i++) {
		for (size_t j = 0; j < space->n_values; j++) {
			struct am_space_value *in = &space->values[i], *out = &space->values[j];

			if (in->kind != AM_FACT_CGROUP || out->kind != AM_FACT_CGROUP ||
			    !is_within(in, out))
				continue;
			for (unsigned p = 0; p < space->n_policies; p++)
				am_set_join(&in->set[p], &out->set[p]);
		}
	}
}

/* ---- accounts and purposes -------------------------------------------------- */

static struct am_space_value *find_number(const struct am_space *space, enum am_fact kind,
					  uint64_t number)
{
	for (size_t i = 0; i < space->n_values; i++)
		if (space->values[i].kind == kind && space->values[i].number == number)
			return &space->values[i];
	return NULL;
}

static struct am_space_value *find_purpose(const struct am_space *space, const char *name)
{
	for (size_t i = 0; i < space->n_values; i++)
		if (space->values[i].kind == AM_FACT_PURPOSE &&
		    !strcmp(space->values[i].text, name))
			return &space->values[i];
	return NULL;
}

static bool is_account(enum am_fact kind)
{
	return kind == AM_FACT_USER || kind == AM_FACT_GROUP || kind == AM_FACT_LOGIN;
}

static int add_account(struct am_space *space, unsigned p, const struct am_image_fact *fact)
{
	enum am_fact kind = fact->key.kind;
	struct am_space_value *v;

	if (!is_account(kind))
		return 0;
	v = find_number(space, kind, fact->key.value);
	if (!v && add(space, (struct am_space_value){ .kind = kind, .number = fact->key.value }))
		return -ENOMEM;
	v = v ? v : &space->values[space->n_values - 1];
	v->set[p] = fact->set;
	return 0;
}

/* Those that no subject mentions too: stores may. */
static int add_purpose(struct am_space *space, unsigned p, unsigned number, const char *name)
{
	struct am_space_value *v = find_purpose(space, name);

	if (!v && add(space, (struct am_space_value){ .kind = AM_FACT_PURPOSE, .text = name }))
		return -ENOMEM;
	v = v ? v : &space->values[space->n_values - 1];
	v->purpose[p] = number;
	v->set[p] = *am_image_fact_set(space->images[p], AM_FACT_PURPOSE, number);
	return 0;
}

static int list_numbers(struct am_space *space)
{
	int err = 0;

	for (unsigned p = 0; p < space->n_policies; p++) {
		const struct am_image *image = space->images[p];

		for (size_t i = 0; !err && i < image->n_facts; i++)
			err = add_account(space, p, &image->facts[i]);
		for (unsigned n = 1; !err && n < AM_PURPOSES_MAX; n++)
			if (image->purposes[n])
				err = add_purpose(space, p, n, image->purposes[n]);
	}
	return err;
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
	return "?";
}

/* ---- all of them ------------------------------------------------------------ */

int am_space_list_values(struct am_space *space, const struct am_space_host *host)
{
	int err;

	err = list_files(space, host, false);
	if (!err)
		err = list_files(space, host, true);
	if (!err)
		err = list_cgroups(space);
	if (!err)
		err = list_numbers(space);
	if (err)
		return err;
	join_cgroups(space);
	for (size_t i = 0; i < space->n_values; i++) {
		struct am_space_value *v = &space->values[i];

		if (!v->text)
			v->text = text_of(space, v);
		/* What the whole argument rests on. */
		for (unsigned p = 0; p < space->n_policies; p++)
			assert(am_set_contains(&v->set[p], am_space_unlisted(space, p, v->kind)));
	}
	return 0;
}

/* ---- looking one up --------------------------------------------------------- */

/* Twins on a host and accounts have several names; others are called as they are written. */
static bool is_called(const struct am_space *space, const struct am_space_value *v,
		      const char *text)
{
	if (!strcmp(v->text, text))
		return true;
	for (unsigned p = 0; v->kind != AM_FACT_CGROUP && p < space->n_policies; p++) {
		const struct am_model *m = space->models[p];

		for (size_t i = 0; i < m->n_subjects; i++) {
			const char *atom = am_subject_atom(&m->subjects[i], v->kind);

			if (atom && !strcmp(atom, text) && mentions(space, p, i, v))
				return true;
		}
	}
	return false;
}

static bool has_digest(const struct am_space_value *v, const char *sha256)
{
	char hex[2 * AM_SHA256_BYTES + 1];

	if (!v->sha256 || strlen(sha256) != sizeof(hex) - 1)
		return false;
	for (size_t i = 0; i < AM_SHA256_BYTES; i++)
		sprintf(hex + 2 * i, "%02x", v->sha256[i]);
	return !strcasecmp(hex, sha256);
}

/* How well the content of a file is what was asked for; 0: not at all. */
static unsigned rank(const struct am_space_value *v, const char *sha256)
{
	if (!sha256)
		return v->sha256 ? 2 : 1;
	if (has_digest(v, sha256))
		return 2;
	return v->sha256 ? 0 : 1;
}

const struct am_space_value *am_space_value(const struct am_space *space, enum am_fact kind,
					    const char *text, const char *sha256)
{
	const struct am_space_value *best = NULL;

	if (is_account(kind) && !strcmp(text, "root"))
		return find_number(space, kind, 0);
	if (is_account(kind) && text[0] && !text[strspn(text, "0123456789")])
		return find_number(space, kind, strlen(text) > 10 ? UINT64_MAX
								  : strtoull(text, NULL, 10));
	for (size_t i = 0; i < space->n_values; i++) {
		const struct am_space_value *v = &space->values[i];

		if (v->kind == kind && is_called(space, v, text) &&
		    rank(v, sha256) > (best ? rank(best, sha256) : 0))
			best = v;
	}
	return best;
}

bool am_cgroup_holds(const struct am_space_value *v, const char *text)
{
	struct am_space_value in = { .kind = AM_FACT_CGROUP, .text = text,
				     .is_unit = text[0] != '/' };

	return v->kind == AM_FACT_CGROUP &&
	       ((v->is_unit == in.is_unit && !strcmp(v->text, text)) || is_within(&in, v));
}
