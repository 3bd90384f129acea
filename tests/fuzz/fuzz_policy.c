// SPDX-License-Identifier: GPL-2.0
/* Any bytes as a policy file: reading must end in a policy or in errors that help, a
 * policy must compile or be refused likewise, and what compiles must hold what abi.h
 * says of it, be proved or refuted, and not differ from itself. Seeds: tests/data/policy; words: fuzz_policy.dict. */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "decide.h"
#include "policy/diff.h"
#include "policy/explain.h"
#include "policy/invariant.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A host on which names that begin with x do not exist. */
static int find_account(void *ctx, const char *name, uint32_t *ret)
{
	(void)ctx;
	if (name[0] == 'x')
		return -ENOENT;
	*ret = name[0] == 'y' ? 7 : (uint32_t)strlen(name);
	return 0;
}

static const struct am_resolver host = { .user = find_account, .group = find_account };

static void check_diags(const struct am_diags *d, size_t lines, int err)
{
	assert((err == 0) == (d->errors == 0));
	for (size_t i = 0; i < d->count; i++) {
		const struct am_diag *item = &d->items[i];

		assert(item->fact[0] && item->hint[0]);
		assert(item->hint[strlen(item->hint) - 1] == '.');
		assert(item->line <= lines + 1);
		assert((item->line == 0) == (item->column == 0));
	}
}

static void check_zones(const struct am_zones *zones)
{
	assert(zones->count <= AM_ZONE_HITS);
	for (unsigned i = 0; i < AM_ZONE_HITS; i++)
		assert(i < zones->count || zones->id[i] == 0);
}

static void check_stores(const struct am_model *m, const struct am_image *image)
{
	for (size_t i = 0; i < image->n_roots; i++) {
		const struct am_store *s = am_store_of(image->policy, image->roots[i].store);

		assert(s && s->labels && image->roots[i].path[0] == '/');
	}
	assert(image->n_roots == m->n_paths);
}

static void check_nets(const struct am_image *image)
{
	check_zones(&image->policy->zones_unlisted);
	for (size_t i = 0; i < image->n_nets; i++) {
		const struct am_image_net *net = &image->nets[i];
		struct am_zones zones;

		assert(net->key.prefixlen >= 32 && net->key.prefixlen <= 160);
		assert(net->key.generation == 9);
		check_zones(&net->zones);
		am_image_zones(image, net->key.addr, 6, 443, &zones);
		check_zones(&zones);
	}
	for (size_t i = 0; i < image->n_facts; i++)
		assert(image->facts[i].key.generation == 9);
}

static void explain(const struct am_model *m, const struct am_image *image,
		    const struct am_registry *registry, const uint8_t *data, size_t size)
{
	struct am_event e = { 0 };
	char text[200];

	memcpy(&e, data, size < sizeof(e) ? size : sizeof(e));
	e.reason %= AM_REASON_MAX_;
	e.op %= AM_OP_MAX_;
	e.store = image->n_roots ? image->roots[0].store : 0;
	am_explain_event(m, image, registry, &e, "/bin/x", text, sizeof(text));
	assert(memchr(text, '\0', sizeof(text)) && !strchr(text, '\n'));
}

/* Proofs end, with errors that help, and nothing gains or loses by staying as it is. */
static void prove(const struct am_model *m, size_t lines)
{
	am_auto(am_diff) struct am_diff *diff = NULL;
	struct am_diags d;
	int err;

	am_diags_init(&d);
	err = am_invariants_check(m, &d);
	assert(err == 0 || err == -EINVAL);
	check_diags(&d, lines, err);
	am_diags_done(&d);
	am_diags_init(&d);
	err = am_diff_make(m, m, &d, &diff);
	assert(err == 0 || err == -EINVAL);
	assert(err || !diff->count);
	am_diags_done(&d);
}

static void compile(const struct am_model *m, const uint8_t *data, size_t size, size_t lines)
{
	am_auto(am_registry) struct am_registry *registry = NULL;
	am_auto(am_image) struct am_image *image = NULL;
	struct am_diags d;
	int err;

	am_diags_init(&d);
	assert(am_registry_new(&registry) == 0);
	err = am_image_compile(m, registry, &host, &d, &image);
	assert(err == 0 || err == -EINVAL);
	assert((err == 0) == (image != NULL));
	check_diags(&d, lines, err);
	am_diags_done(&d);
	if (err)
		return;
	am_image_stamp(image, 9);
	check_stores(m, image);
	check_nets(image);
	explain(m, image, registry, data, size);
	prove(m, lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	am_auto(am_model) struct am_model *model = NULL;
	struct am_diags d;
	size_t lines = 1;
	int err;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n' || data[i] == '\r';
	am_diags_init(&d);
	err = am_model_parse("fuzz", (const char *)data, size, &d, &model);
	assert(err == 0 || err == -EINVAL);
	assert((err == 0) == (model != NULL));
	check_diags(&d, lines, err);
	am_diags_done(&d);
	if (model)
		compile(model, data, size, lines);
	return 0;
}
