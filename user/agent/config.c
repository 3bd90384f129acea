/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/config.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct am_config defaults = {
	.action = AM_CONFIG_RUN,
	.policy = "/etc/amanat/policy.yaml",
	.state = "/var/lib/amanat",
	.run = "/run/amanat",
	.keys = "/etc/amanat/keys",
	.bundles = "/etc/amanat/bundles",
	.hooks = "auto",
};

/* Parsing and help come from here. */
static const struct option {
	const char *word;
	const char *value;	/* what it is called in the help; NULL: takes none */
	const char *help;
	size_t member;		/* of a value: in struct am_config */
	enum am_config_action action;	/* of an option without value */
} options[] = {
	{ "--policy", "FILE", "the policy, until a bundle is in force", offsetof(struct am_config, policy), 0 },
	{ "--state", "DIR", "what outlives the agent", offsetof(struct am_config, state), 0 },
	{ "--ledger", "DIR", "the record of events (else 'ledger' in the state directory)",
	  offsetof(struct am_config, ledger), 0 },
	{ "--ledger-max", "SIZE", "of all its segments (4G, or a quarter of its file system if that is less)",
	  offsetof(struct am_config, keeping_words.max), 0 },
	{ "--ledger-keep", "TIME", "how long segments are kept, such as 90d or 7y (while there is room)",
	  offsetof(struct am_config, keeping_words.keep), 0 },
	{ "--ledger-segment", "SIZE", "of one segment (32M, or an eighth of all if that is less)",
	  offsetof(struct am_config, keeping_words.segment), 0 },
	{ "--ledger-full", "HOW", "with no room left: 'oldest-first' removes old segments (so by default), 'stop' "
	  "records nothing: strict stores deny then",
	  offsetof(struct am_config, keeping_words.full), 0 },
	{ "--run", "DIR", "the socket for 'amanat'", offsetof(struct am_config, run), 0 },
	{ "--keys", "DIR", "whose bundles are taken: public keys", offsetof(struct am_config, keys), 0 },
	{ "--bundles", "DIR", "where bundles may be put besides 'amanat policy push'",
	  offsetof(struct am_config, bundles), 0 },
	{ "--group", "NAME", "whose members may use 'amanat' besides root",
	  offsetof(struct am_config, group), 0 },
	{ "--hooks", "KIND", "lsm, fmod_ret or auto: lsm if bpf is among the kernel's LSMs",
	  offsetof(struct am_config, hooks), 0 },
	{ "--tags", "N", "labelled files in memory at once with fmod_ret hooks; else as many as fit",
	  offsetof(struct am_config, room), 0 },
	{ "--strays", "N", "labelled files outside of stores that are known at once; else 65536",
	  offsetof(struct am_config, stray_room), 0 },
	{ "--help", NULL, "show this", 0, AM_CONFIG_HELP },
	{ "--version", NULL, "show the version", 0, AM_CONFIG_VERSION },
};

enum { ROOM_MIN = 64, TAGS_MAX = 1 << 24, STRAYS_MAX = 1 << 20 };
enum { N_OPTIONS = sizeof(options) / sizeof(options[0]) };

static const char **value_of(struct am_config *config, const struct option *option)
{
	return (const char **)((char *)config + option->member);
}

void am_config_help(FILE *out)
{
	struct am_config config = defaults;
	size_t i;

	(void)fprintf(out, "usage: amanatd [OPTIONS]\n\n"
		      "Refuses access to declared stores of personal data, in the foreground.\n"
		      "SIGHUP loads the policy again; SIGTERM ends it, and with it the refusals.\n"
		      "Once a bundle is in force, the policy file is not used any more.\n\n");
	for (i = 0; i < N_OPTIONS; i++) {
		const struct option *o = &options[i];
		const char *value = o->value ? *value_of(&config, o) : NULL;

		(void)fprintf(out, "  %-16s %-5s %s", o->word, o->value ? o->value : "", o->help);
		if (value)
			(void)fprintf(out, " (%s)", value);
		(void)fputc('\n', out);
	}
}

static const struct option *find_option(const char *word)
{
	size_t i;

	for (i = 0; i < N_OPTIONS; i++)
		if (!strcmp(word, options[i].word))
			return &options[i];
	return NULL;
}

static int refuse(FILE *err, const char *fact, const char *word)
{
	(void)fprintf(err, "error: %s '%s'; see 'amanatd --help'\n", fact, word);
	return -EINVAL;
}

/* How many entries a table is to have; without a word it stays 0. */
static bool take_room(const char *word, unsigned long max, uint32_t *ret)
{
	unsigned long n;
	char *end;

	if (!word)
		return true;
	n = strtoul(word, &end, 10);
	if (*end || n < ROOM_MIN || n > max)
		return false;
	*ret = (uint32_t)n;
	return true;
}

/* What more there is to say of words that are no paths or names. */
static int parse_words(struct am_config *config, FILE *err)
{
	if (am_flavour_parse(config->hooks, &config->flavour) < 0)
		return refuse(err, "unknown kind of hooks", config->hooks);
	if (!take_room(config->room, TAGS_MAX, &config->tags))
		return refuse(err, "a number from 64 to 16777216 is wanted, not", config->room);
	if (!take_room(config->stray_room, STRAYS_MAX, &config->strays))
		return refuse(err, "a number from 64 to 1048576 is wanted, not", config->stray_room);
	return am_keeping_parse(&config->keeping_words, err, &config->keeping);
}

int am_config_parse(int argc, char *const argv[], FILE *err, struct am_config *ret)
{
	struct am_config config = defaults;
	int i;

	for (i = 1; i < argc; i++) {
		const struct option *o = find_option(argv[i]);

		if (!o)
			return refuse(err, "unknown argument", argv[i]);
		if (!o->value) {
			config.action = o->action;
			break;
		}
		if (i + 1 == argc || !argv[i + 1][0])
			return refuse(err, "a value is missing after", argv[i]);
		*value_of(&config, o) = argv[++i];
	}
	if (parse_words(&config, err) < 0)
		return -EINVAL;
	*ret = config;
	return 0;
}
