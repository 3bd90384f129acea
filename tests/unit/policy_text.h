/* SPDX-License-Identifier: GPL-2.0 */
/* Policies as texts, for the tests of policy/: parsed, checked and compiled against a
 * host that has the users root (0), postgres (114) and acme (1001), and the groups
 * root (0) and staff (50). */
#pragma once

#include <errno.h>
#include <string.h>

#include "decide.h"
#include "policy/image.h"

static inline int find_account(const char *const *names, const uint32_t *ids, const char *name,
			       uint32_t *ret)
{
	for (; *names; names++, ids++) {
		if (strcmp(*names, name))
			continue;
		*ret = *ids;
		return 0;
	}
	return -ENOENT;
}

static inline int test_user(void *ctx, const char *name, uint32_t *ret)
{
	static const char *const names[] = { "root", "postgres", "acme", NULL };
	static const uint32_t ids[] = { 0, 114, 1001 };

	(void)ctx;
	if (!strcmp(name, "broken"))
		return -EIO;
	return find_account(names, ids, name, ret);
}

static inline int test_group(void *ctx, const char *name, uint32_t *ret)
{
	static const char *const names[] = { "root", "staff", NULL };
	static const uint32_t ids[] = { 0, 50 };

	(void)ctx;
	return find_account(names, ids, name, ret);
}

static const struct am_resolver test_resolver = { .user = test_user, .group = test_group };

static inline bool ends_with_stop(const char *text)
{
	return text && text[0] && text[strlen(text) - 1] == '.';
}

/* A fact is a sentence without its full stop, and every one comes with a hint. */
static inline bool is_well_said(const struct am_diag *d)
{
	return d->fact && d->fact[0] && !ends_with_stop(d->fact) && !strchr(d->fact, '\n') &&
	       ends_with_stop(d->hint);
}

/* ---- compiled --------------------------------------------------------------- */

struct compiled {
	struct am_model *model;
	struct am_image *image;
	struct am_registry *registry;
	struct am_diags diags;
};

/* Parses and compiles; a registry given before is used and kept. The result of the compiler. */
static inline int compile_text(struct compiled *c, const char *text)
{
	am_diags_init(&c->diags);
	if (!c->registry && am_registry_new(&c->registry))
		return -ENOMEM;
	if (am_model_parse("p.yaml", text, strlen(text), &c->diags, &c->model)) {
		am_diags_print(&c->diags, stderr);
		return -EPROTO;
	}
	return am_image_compile(c->model, c->registry, &test_resolver, &c->diags, &c->image);
}

static inline void drop_compiled(struct compiled *c)
{
	am_image_free(c->image);
	am_model_free(c->model);
	am_registry_free(c->registry);
	am_diags_done(&c->diags);
	*c = (struct compiled){ 0 };
}

static inline unsigned label_bit_of(const struct compiled *c, const char *name)
{
	for (unsigned bit = 0; bit < AM_LABELS_MAX; bit++) {
		const char *known = am_registry_label_name(c->registry, bit);

		if (known && !strcmp(known, name))
			return bit;
	}
	return AM_LABELS_MAX;
}

static inline const struct am_store *store_named(const struct compiled *c, const char *name)
{
	const char *known;

	for (unsigned slot = 1; (known = am_registry_store_name(c->registry, slot)); slot++)
		if (!strcmp(known, name) && c->image->policy->stores[slot].id)
			return &c->image->policy->stores[slot];
	return NULL;
}

/* Who asks, as the kernel knows it. */
struct asker {
	const char *exe;
	uint32_t uid;
	uint32_t gids[4];
	unsigned n_gids;
	uint32_t login;		/* 0: root's */
	const char *cgroup;	/* NULL: the root */
	unsigned purpose;	/* number, 0 = none */
	const char *script;	/* NULL: none */
};

/* The set of a fact, as the kernel looks it up. */
static inline struct am_set fact_set(const struct am_image *image, unsigned kind, uint64_t value)
{
	for (size_t i = 0; i < image->n_facts; i++)
		if (image->facts[i].key.kind == kind && image->facts[i].key.value == value)
			return image->facts[i].set;
	return image->policy->unlisted[kind];
}

/* As published on a host on which each file has the digest that the test gives it, if any
 * does: entries of one file are joined, those with another digest count for nothing. */
static inline struct am_set file_set(const struct am_image *image, enum am_fact kind,
				     const char *path, const uint8_t *sha256)
{
	struct am_set set = image->policy->unlisted[kind];

	for (size_t i = 0; path && i < image->n_exes; i++) {
		const struct am_image_exe *e = &image->exes[i];

		if (strcmp(e->path, path) ||
		    (e->pinned && (!sha256 || memcmp(e->sha256, sha256, sizeof(e->sha256)))))
			continue;
		am_set_join(&set, kind == AM_FACT_EXE ? &e->set : &e->script);
	}
	return set;
}

/* As published on a host on which unit x.service is the cgroup /x.service: the nearest
 * listed one counts. */
static inline struct am_set cgroup_set(const struct am_image *image, const char *path)
{
	struct am_image_cgroup_at at[AM_SUBJECTS_MAX];
	char names[AM_SUBJECTS_MAX][64];
	const struct am_image_cgroup_at *best = NULL;
	size_t n = image->n_cgroups;

	for (size_t i = 0; i < n; i++) {
		const struct am_image_cgroup *c = &image->cgroups[i];

		snprintf(names[i], sizeof(names[i]), "%s%s", c->unit ? "/" : "",
			 c->unit ? c->unit : c->path);
		at[i] = (struct am_image_cgroup_at){ names[i], c->set };
	}
	am_image_cgroup_join(at, n);
	for (size_t i = 0; path && i < n; i++) {
		size_t len = strlen(at[i].path);

		if (!strncmp(at[i].path, path, len) && (!path[len] || path[len] == '/') &&
		    (!best || len > strlen(best->path)))
			best = &at[i];
	}
	return best ? best->set : image->policy->unlisted[AM_FACT_CGROUP];
}

/* The subjects that a task is, computed as the kernel does. */
static inline struct am_set bits_of(const struct am_image *image, const struct asker *who)
{
	struct am_set bits = file_set(image, AM_FACT_EXE, who->exe, NULL), groups = { { 0 } };
	struct am_set others[] = {
		fact_set(image, AM_FACT_USER, who->uid),
		fact_set(image, AM_FACT_LOGIN, who->login),
		fact_set(image, AM_FACT_PURPOSE, who->purpose),
		file_set(image, AM_FACT_SCRIPT, who->script, NULL),
		cgroup_set(image, who->cgroup),
	};

	for (unsigned i = 0; i < who->n_gids; i++) {
		struct am_set group = fact_set(image, AM_FACT_GROUP, who->gids[i]);

		am_set_join(&groups, &group);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		am_set_keep(&bits, &others[i]);
	am_set_keep(&bits, &groups);
	am_set_keep(&bits, &image->policy->live);
	return bits;
}
