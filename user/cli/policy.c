// SPDX-License-Identifier: GPL-2.0
#include "cli/policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "cli/bundle.h"
#include "cli/cmd.h"
#include "cli/explain.h"
#include "cli/push.h"

static const struct verb {
	const char *name;
	const char *usage;
	int (*run)(int argc, char **argv);
	/* Of those that ask the agent, whose directory comes first. */
	int (*ask)(const char *run, int argc, char **argv);
} verbs[] = {
	{ "check", AM_USAGE_CHECK, .run = am_cli_policy_check },
	{ "test", AM_USAGE_TEST, .run = am_cli_policy_test },
	{ "explain", AM_USAGE_EXPLAIN, .run = am_cli_policy_explain },
	{ "diff", AM_USAGE_DIFF, .run = am_cli_policy_diff },
	{ "compile", AM_USAGE_COMPILE, .run = am_cli_policy_compile },
	{ "keygen", AM_USAGE_KEYGEN, .run = am_cli_policy_keygen },
	{ "sign", AM_USAGE_SIGN, .run = am_cli_policy_sign },
	{ "verify", AM_USAGE_VERIFY, .run = am_cli_policy_verify },
	{ "show", AM_USAGE_SHOW, .run = am_cli_policy_show },
	{ "learn", AM_USAGE_LEARN, .ask = am_cli_policy_learn },
	{ "push", AM_USAGE_PUSH, .ask = am_cli_policy_push },
	{ "history", AM_USAGE_HISTORY, .ask = am_cli_policy_history },
	{ "rollback", AM_USAGE_ROLLBACK, .ask = am_cli_policy_rollback },
};

int am_cli_answered(int code, int err)
{
	if (fflush(stdout) == 0 && !err)
		return code;
	fprintf(stderr, "error: cannot write the result: %s\n", strerror(err ? -err : errno));
	return AM_EXIT_NO;
}

static void print_usage(FILE *out)
{
	for (size_t i = 0; i < AM_COUNT(verbs); i++)
		fprintf(out, "%s%s\n", i ? "       " : "usage: ", verbs[i].usage);
}

static int refuse_verb(const char *word)
{
	struct am_nearest nearest;

	am_nearest_init(&nearest, word);
	for (size_t i = 0; i < AM_COUNT(verbs); i++)
		am_nearest_offer(&nearest, verbs[i].name);
	fputs("error: there is no verb '", stderr);
	am_text_print(stderr, word);	/* it may not speak to the terminal */
	fputs("' of policy\n", stderr);
	if (nearest.best)
		fprintf(stderr, "  hint: Did you mean '%s'?\n", nearest.best);
	else
		print_usage(stderr);
	return AM_EXIT_USAGE;
}

static int run_verb(const struct verb *v, const char *run, int argc, char **argv)
{
	return v->run ? v->run(argc, argv) : v->ask(run, argc, argv);
}

int am_cli_policy(const char *run, int argc, char **argv)
{
	if (argc < 2) {
		print_usage(stderr);
		return AM_EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		print_usage(stdout);
		return AM_EXIT_YES;
	}
	for (size_t i = 0; i < AM_COUNT(verbs); i++)
		if (!strcmp(verbs[i].name, argv[1]))
			return run_verb(&verbs[i], run, argc - 1, argv + 1);
	return refuse_verb(argv[1]);
}
