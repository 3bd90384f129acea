// SPDX-License-Identifier: GPL-2.0
#include "cli/policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "event/json.h"
#include "policy/image.h"

static const char usage[] = "usage: amanat policy check FILE [--json]\n";

/* As the agent would, up to the point where it would go into force. The numbers that
 * labels and stores have on this host are not asked for: an empty registry gives some. */
static int check(const char *path, struct am_diags *diags, struct am_model **ret)
{
	am_auto(am_registry) struct am_registry *registry = NULL;
	am_auto(am_model) struct am_model *model = NULL;
	am_auto(am_image) struct am_image *image = NULL;
	int err;

	err = am_model_load(path, diags, &model);
	if (!err)
		err = am_registry_new(&registry);
	if (!err)
		err = am_image_compile(model, registry, &am_resolver_host, diags, &image);
	if (err)
		return err;
	*ret = AM_TAKE_PTR(model);
	return 0;
}

/* ---- what is said ----------------------------------------------------------- */

static void print_count(size_t n, const char *one, const char *many)
{
	printf("%zu %s", n, n == 1 ? one : many);
}

static void print_summary(const struct am_model *m)
{
	printf("policy %s: ", m->name);
	print_count(m->n_stores, "store", "stores");
	printf(", ");
	print_count(m->n_subjects, "subject", "subjects");
	printf(", ");
	print_count(m->n_zones, "zone", "zones");
	printf(", ");
	print_count(m->n_rules, "rule", "rules");
	printf(": ok\n");
}

static void print_json_diag(struct am_json *j, const struct am_diag *d)
{
	am_json_object(j, NULL);
	am_json_text(j, "severity", am_severity_name(d->severity));
	am_json_text(j, "file", d->file);
	if (d->line) {
		am_json_int(j, "line", d->line);
		am_json_int(j, "column", d->column);
	}
	am_json_text(j, "fact", d->fact);
	am_json_text(j, "hint", d->hint);
	am_json_end(j);
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
	}
	am_json_list(&j, "findings");
	for (size_t i = 0; i < diags->count; i++)
		print_json_diag(&j, &diags->items[i]);
	am_json_end(&j);
	am_json_bool(&j, "findings_left_out", diags->lost);
	am_json_end(&j);
	return am_json_done(&j);
}

/* ---- the verb --------------------------------------------------------------- */

static int run_check(const char *path, bool json)
{
	am_auto(am_model) struct am_model *model = NULL;
	struct am_diags diags;
	int err, out = 0;

	am_diags_init(&diags);
	err = check(path, &diags, &model);
	if (json)
		out = print_json(path, model, &diags);
	else
		am_diags_print(&diags, stderr);
	if (err && !diags.errors)
		fprintf(stderr, "error: cannot check '%s': %s\n", path, strerror(-err));
	if (!err && !json)
		print_summary(model);
	am_diags_done(&diags);

	if (fflush(stdout) != 0 || out) {
		fprintf(stderr, "error: cannot write the result: %s\n",
			strerror(out ? -out : errno));
		return AM_EXIT_NO;
	}
	return err ? AM_EXIT_NO : AM_EXIT_YES;
}

int am_cli_policy(int argc, char **argv)
{
	const char *path = NULL;
	bool json = false, bad = argc < 3 || strcmp(argv[1], "check") != 0;

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(usage, stdout);
		return AM_EXIT_YES;
	}
	for (int i = 2; i < argc && !bad; i++) {
		if (!strcmp(argv[i], "--json"))
			json = true;
		else if (argv[i][0] == '-' || path)
			bad = true;
		else
			path = argv[i];
	}
	if (bad || !path) {
		fputs(usage, stderr);
		return AM_EXIT_USAGE;
	}
	return run_check(path, json);
}
