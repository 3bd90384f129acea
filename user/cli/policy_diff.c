// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/cmd.h"
#include "cli/policy.h"
#include "policy/diff.h"

static const char *kind_word(enum am_change_kind kind)
{
	return kind == AM_CHANGE_GAIN ? "gain" : kind == AM_CHANGE_LOSS ? "loss" : "setting";
}

static void print_json_change(struct am_json *j, const struct am_change *c)
{
	am_json_object(j, NULL);
	am_json_text(j, "kind", kind_word(c->kind));
	if (c->kind == AM_CHANGE_SETTING) {
		am_json_text(j, "what", c->what);
		am_json_text(j, "change", c->to);
	} else {
		am_json_text(j, "subject", c->who);
		am_json_text(j, "facts", c->facts);
		am_json_text(j, "operation", c->op);
		am_json_text(j, "what", c->what);
		am_json_text(j, "to", c->to);
		am_json_text(j, "except", c->but[0] ? c->but : NULL);
	}
	am_json_end(j);
}

static int print_json(const char *const files[2], const struct am_diff *diff)
{
	struct am_json j;

	am_json_init(&j, stdout);
	am_json_object(&j, NULL);
	am_json_text(&j, "before", files[0]);
	am_json_text(&j, "after", files[1]);
	am_json_list(&j, "changes");
	for (size_t i = 0; i < diff->count; i++)
		print_json_change(&j, &diff->items[i]);
	am_json_end(&j);
	return am_json_done(&j);
}

/* Of what is wrong with one of them; warnings are for `policy check`. */
static int load(const char *path, struct am_model **ret)
{
	struct am_diags diags;
	int err;

	am_diags_init(&diags);
	err = am_model_load(path, &diags, ret);
	if (err)
		am_diags_print(&diags, stderr);
	am_diags_done(&diags);
	return err;
}

static int compare(const char *const files[2], struct am_diff **ret)
{
	am_auto(am_model) struct am_model *before = NULL;
	am_auto(am_model) struct am_model *after = NULL;
	struct am_diags diags;
	int err, second;

	err = load(files[0], &before);
	second = load(files[1], &after);
	if (err || second)
		return err ? err : second;
	am_diags_init(&diags);
	err = am_diff_make(before, after, &diags, ret);
	if (diags.errors)
		am_diags_print(&diags, stderr);
	else if (err)
		fprintf(stderr, "error: cannot compare the policies: %s\n", strerror(-err));
	am_diags_done(&diags);
	return err;
}

static int run(const char *const files[2], bool json)
{
	am_auto(am_diff) struct am_diff *diff = NULL;
	int out = 0;

	if (compare(files, &diff))
		return AM_EXIT_USAGE;
	if (json)
		out = print_json(files, diff);
	else
		am_diff_print(diff, stdout);
	return am_cli_answered(diff->count ? AM_EXIT_NO : AM_EXIT_YES, out);
}

int am_cli_policy_diff(int argc, char **argv)
{
	const char *files[2] = { NULL, NULL };
	bool json = false;
	int n = 0;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			puts("usage: " AM_USAGE_DIFF);
			return AM_EXIT_YES;
		}
		if (!strcmp(argv[i], "--json"))
			json = true;
		else if (argv[i][0] != '-' && n < 2)
			files[n++] = argv[i];
		else
			n = 3;
	}
	if (n == 2)
		return run(files, json);
	fputs("usage: " AM_USAGE_DIFF "\n", stderr);
	return AM_EXIT_USAGE;
}
