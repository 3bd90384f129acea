// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "cli/args.h"
#include "cli/cmd.h"
#include "cli/policy.h"
#include "policy/invariant.h"
#include "policy/trust.h"

/* ---- the check -------------------------------------------------------------- */

/* As the agent would, up to the point where it would go into force. The numbers that
 * labels and stores have on this host are not asked for: an empty registry gives some. */
static int compile(const struct am_model *model, struct am_diags *diags)
{
	am_auto(am_registry) struct am_registry *registry = NULL;
	am_auto(am_image) struct am_image *image = NULL;
	int err;

	err = am_registry_new(&registry);
	if (!err)
		err = am_image_compile(model, registry, &am_resolver_host, diags, &image);
	return err;
}

/* What can be said of this host only: which names are one account, which files are one
 * file. Proofs are made anew where these count. */
static int check_host(const struct am_model *model, struct am_diags *diags)
{
	am_auto(am_space) struct am_space *space = NULL;
	int err;

	err = am_trust_check(model, diags);
	if (!err)
		err = am_space_new(&model, 1, &am_trust_host, diags, &space);
	if (!err)
		err = am_invariants_check_in(space, diags);
	return err;
}

/* Whatever the host. Why a policy is none on any host, its compilation for this one says. */
static int prove(const struct am_model *model, struct am_diags *diags)
{
	am_auto(am_space) struct am_space *space = NULL;
	struct am_diags refused;
	int err;

	am_diags_init(&refused);
	err = am_space_new(&model, 1, NULL, &refused, &space);
	am_diags_done(&refused);
	return err ? err : am_invariants_check_in(space, diags);
}

static int check(const char *path, bool host, struct am_diags *diags, struct am_model **ret)
{
	am_auto(am_model) struct am_model *model = NULL;
	int err, proved;

	err = am_model_load(path, diags, &model);
	if (err)
		return err;
	proved = prove(model, diags);
	err = compile(model, diags);
	if (!err)
		err = proved;
	/* What does not hold in general is not asked of this host again. */
	if (!err)
		err = host ? check_host(model, diags) : am_trust_check_writers(model, diags);
	if (err)
		return err;
	*ret = AM_TAKE_PTR(model);
	return 0;
}

/* ---- what is said ----------------------------------------------------------- */

static void print_count(size_t n, const char *what)
{
	printf("%zu %s%s", n, what, n == 1 ? "" : "s");
}

static void print_summary(const struct am_model *m)
{
	printf("policy %s: ", m->name);
	print_count(m->n_stores, "store");
	printf(", ");
	print_count(m->n_subjects, "subject");
	printf(", ");
	print_count(m->n_zones, "zone");
	printf(", ");
	print_count(m->n_rules, "rule");
	if (m->n_invariants) {
		printf(", ");
		print_count(m->n_invariants, "invariant");
		printf(" proved");
	}
	printf(": ok\n");
}

/* `model` is NULL if the policy was refused. */
static int print_json(const char *path, const struct am_model *model, const struct am_diags *diags)
{
	struct am_json j;

	am_json_init(&j, stdout);
	am_json_object(&j, NULL);
	am_json_text(&j, "file", path);
	am_json_bool(&j, "ok", model);
	if (model) {
		am_json_text(&j, "name", model->name);
		am_json_text(&j, "mode", model->mode == AM_MODE_ENFORCE ? "enforce" : "observe");
		am_json_int(&j, "labels", model->n_labels);
		am_json_int(&j, "stores", model->n_stores);
		am_json_int(&j, "subjects", model->n_subjects);
		am_json_int(&j, "zones", model->n_zones);
		am_json_int(&j, "rules", model->n_rules);
		am_json_int(&j, "invariants", model->n_invariants);
	}
	am_findings_json(&j, diags);
	return am_json_done(&j);
}

/* ---- the verb --------------------------------------------------------------- */

static int run(const char *path, bool host, bool json)
{
	am_auto(am_model) struct am_model *model = NULL;
	struct am_diags diags;
	int err, out = 0;

	am_diags_init(&diags);
	err = check(path, host, &diags, &model);
	am_diags_sort(&diags);
	if (json)
		out = print_json(path, model, &diags);
	else
		am_diags_print(&diags, stderr);
	if (err && !diags.errors)
		fprintf(stderr, "error: cannot check '%s': %s\n", path, strerror(-err));
	if (!err && !json)
		print_summary(model);
	am_diags_done(&diags);
	return am_cli_answered(err ? AM_EXIT_NO : AM_EXIT_YES, out);
}

int am_cli_policy_check(int argc, char **argv)
{
	const char *path = NULL;
	bool host = false, json = false;
	const struct am_arg items[] = {
		{ "--host", NULL, &host, false },
		{ "--json", NULL, &json, false },
	};
	const struct am_args args = { AM_USAGE_CHECK, items, AM_COUNT(items), &path };
	int r = am_args_parse(&args, argc, argv);

	return r == AM_ARGS_GO ? run(path, host, json) : r;
}
