// SPDX-License-Identifier: GPL-2.0
/* `amanat explain` and `amanat policy learn`: the agent answers. What is left to do here is
 * what it must not wait for: names of users, and times as people write them. */
#include "cli/explain.h"

#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/when.h"
#include "cli/client.h"

enum { ANSWER_MS = 60 * 1000, NUMBER_SIZE = 24 };

static int ask(struct am_client *c)
{
	int r = am_client_ask(c);

	if (r == -EPIPE)	/* nobody wants the answer any more */
		return AM_EXIT_NO;
	return r < 0 ? am_client_failed(c, r) : r;
}

static int refuse(FILE *err, const char *what, const char *word, const char *hint)
{
	fprintf(err, "error: %s '", what);
	am_text_print(err, word);	/* it may not speak to the terminal */
	fprintf(err, "'\n  hint: %s\n", hint);
	return AM_EXIT_USAGE;
}

/* ---- explain --------------------------------------------------------------------- */

static const char explain_help[] =
	"usage: " AM_USAGE_EXPLAIN_EVENT "\n"
	"\n"
	"Asks the agent that runs here why it decided as it did.\n"
	"  ID       an event, as `amanat tail` shows it in brackets at the end of a line, or\n"
	"           metadata.uid of `amanat tail --json`\n"
	"  last     the latest refusal, of any process, of process N, or of a user\n"
	"  --pid N  without an event: who process N is now, what it may do, which labels it\n"
	"           carries and why\n"
	"\n"
	"To ask a policy file instead, without an agent and about an access that has not happened:\n"
	"  amanat policy explain FILE --as user=acme exe=/usr/bin/psql read /srv/registry/a.csv\n";

struct words {
	const char *event, *pid, *user;
	bool json;
};

static const char **option_of(struct words *w, const char *word)
{
	if (!strcmp(word, "--pid"))
		return &w->pid;
	if (!strcmp(word, "--user"))
		return &w->user;
	return NULL;
}

/* False when it is no use of the command. */
static bool sort_words(struct words *w, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char **value = option_of(w, argv[i]);

		if (!strcmp(argv[i], "--json"))
			w->json = true;
		else if (value && i + 1 < argc)
			*value = argv[++i];
		else if (argv[i][0] != '-' && !w->event)
			w->event = argv[i];
		else
			return false;
	}
	if (w->event && strcmp(w->event, "last"))
		return !w->pid && !w->user;
	return w->event || (w->pid && !w->user);
}

/* Digits are a number, whoever may be called so. */
static int find_user(const char *name, char number[NUMBER_SIZE])
{
	const struct passwd *entry;

	if (name[0] && !name[strspn(name, "0123456789")]) {
		snprintf(number, NUMBER_SIZE, "%s", name);
		return 0;
	}
	entry = getpwnam(name);
	if (!entry)
		return -ENOENT;
	snprintf(number, NUMBER_SIZE, "%u", entry->pw_uid);
	return 0;
}

static int ask_explain(const struct am_cmd_line *line, const struct words *w, const char *uid)
{
	struct am_client c = { .run = line->run, .words = { "explain" }, .silence_ms = ANSWER_MS,
			       .stop_fd = -1, .out = line->out, .err = line->err };
	size_t n = 1;

	if (w->event)
		c.words[n++] = w->event;
	if (w->pid) {
		c.words[n++] = "--pid";
		c.words[n++] = w->pid;
	}
	if (uid) {
		c.words[n++] = "--uid";
		c.words[n++] = uid;
	}
	if (w->json)
		c.words[n++] = "--json";
	return ask(&c);
}

int am_cli_explain(const struct am_cmd_line *line)
{
	char uid[NUMBER_SIZE];
	struct words w = { 0 };

	for (int i = 1; i < line->argc; i++) {
		if (strcmp(line->argv[i], "--help") && strcmp(line->argv[i], "-h"))
			continue;
		fputs(explain_help, line->out);
		return AM_EXIT_YES;
	}
	if (!sort_words(&w, line->argc, line->argv)) {
		fputs(explain_help, line->err);
		return AM_EXIT_USAGE;
	}
	if (w.user && find_user(w.user, uid) < 0)
		return refuse(line->err, "there is no user", w.user, "Write a name or a number.");
	return ask_explain(line, &w, w.user ? uid : NULL);
}

/* ---- learn ------------------------------------------------------------------------ */

static int parse_learn(int argc, char **argv, struct am_client *c, char since[NUMBER_SIZE])
{
	const struct am_when here = am_when_here();
	size_t n = 1;

	for (int i = 1; i < argc; i++) {
		int64_t ns;

		if (!strcmp(argv[i], "--json") && n + 1 < AM_CLIENT_WORDS) {
			c->words[n++] = "--json";
			continue;
		}
		if (i + 1 == argc || n + 2 >= AM_CLIENT_WORDS ||
		    (strcmp(argv[i], "--store") && strcmp(argv[i], "--since"))) {
			fputs("usage: " AM_USAGE_LEARN "\n", stderr);
			return AM_EXIT_USAGE;
		}
		c->words[n++] = argv[i++];
		c->words[n++] = argv[i];
		if (strcmp(argv[i - 1], "--since"))
			continue;
		if (am_when_parse(argv[i], strlen(argv[i]), &here, &ns) < 0)
			return refuse(stderr, "no time is", argv[i],
				      "Write how long ago, such as 30m, 2h or 3d, or a day or a "
				      "moment, such as 2026-11-30 or 2026-11-30T14:00.");
		snprintf(since, NUMBER_SIZE, "%lld", (long long)(ns / 1000000000));
		c->words[n - 1] = since;
	}
	return 0;
}

int am_cli_policy_learn(const char *run, int argc, char **argv)
{
	struct am_client c = { .run = run, .words = { "learn" }, .silence_ms = ANSWER_MS,
			       .stop_fd = -1, .out = stdout, .err = stderr };
	char since[NUMBER_SIZE];
	int r;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") && strcmp(argv[i], "-h"))
			continue;
		fputs("usage: " AM_USAGE_LEARN "\n", stdout);
		return AM_EXIT_YES;
	}
	r = parse_learn(argc, argv, &c, since);
	return r ? r : ask(&c);
}
