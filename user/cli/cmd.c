// SPDX-License-Identifier: GPL-2.0
#include "cli/cmd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const char default_run[] = "/run/amanat";

enum {
	NAME_WIDTH = 30,	/* of a command with its words in the list */
	WORDS_MAX = 512,	/* of those words */
};

/* ---- help ----------------------------------------------------------------------- */

static size_t options_of(const struct am_cmd *cmd)
{
	size_t n = 0;

	while (n < AM_CMD_OPTIONS && cmd->options[n].name)
		n++;
	return n;
}

/* "status [--wait N] [--json]" */
static void synopsis(const struct am_cmd *cmd, char *ret, size_t size)
{
	size_t i, used;

	used = (size_t)snprintf(ret, size, "%s%s%s", cmd->name, cmd->words ? " " : "",
				cmd->words ? cmd->words : "");
	for (i = 0; i < options_of(cmd) && used < size; i++) {
		const struct am_cmd_option *o = &cmd->options[i];

		used += (size_t)snprintf(ret + used, size - used, " [%s%s%s]", o->name,
					 o->arg ? " " : "", o->arg ? o->arg : "");
	}
}

static void list_item(FILE *out, const char *what, const char *help)
{
	if (strlen(what) > NAME_WIDTH)
		fprintf(out, "  %s\n  %-*s  %s\n", what, NAME_WIDTH, "", help);
	else
		fprintf(out, "  %-*s  %s\n", NAME_WIDTH, what, help);
}

static void help_all(const struct am_cmds *cmds, FILE *out)
{
	char words[WORDS_MAX];
	size_t i;

	fprintf(out, "%s: %s\n\nUsage: %s [--run DIR] COMMAND ...\n\nCommands:\n", cmds->program,
		cmds->purpose, cmds->program);
	for (i = 0; i < cmds->count; i++) {
		synopsis(&cmds->items[i], words, sizeof(words));
		list_item(out, words, cmds->items[i].summary);
	}
	list_item(out, "help [COMMAND]", "tells what a command does");
	fprintf(out, "\nOptions:\n");
	snprintf(words, sizeof(words), "where the agent runs (else $AMANAT_RUN, else %s)",
		 default_run);
	list_item(out, "--run DIR", words);
	list_item(out, "--help", "shows this");
	list_item(out, "--version", "shows the version");
	fputs("\nData goes to standard output, talk to standard error. Exit codes: 0 yes, 1 it ran\n"
	      "and the answer is no, 2 usage, 3 the agent or a feature of the kernel is missing.\n",
	      out);
}

static void help_one(const struct am_cmds *cmds, const struct am_cmd *cmd, FILE *out)
{
	char words[WORDS_MAX];
	size_t i;

	synopsis(cmd, words, sizeof(words));
	fprintf(out, "Usage: %s [--run DIR] %s\n\n%s %s\n", cmds->program, words, cmd->name,
		cmd->summary);
	for (i = 0; i < options_of(cmd); i++) {
		const struct am_cmd_option *o = &cmd->options[i];

		snprintf(words, sizeof(words), "%s%s%s", o->name, o->arg ? " " : "",
			 o->arg ? o->arg : "");
		fprintf(out, "%s  %-10s  %s\n", i ? "" : "\n", words, o->help);
	}
}

/* ---- refusals --------------------------------------------------------------------- */

/* What was typed is shown, but may not speak to the terminal. */
static int refuse(FILE *err, const char *what, const char *word, const char *hint, ...)
	__attribute__((format(printf, 4, 5)));

static int refuse(FILE *err, const char *what, const char *word, const char *hint, ...)
{
	va_list args;

	fprintf(err, "error: %s '", what);
	am_text_print(err, word);
	fprintf(err, "'\n  hint: ");
	va_start(args, hint);
	vfprintf(err, hint, args);
	va_end(args);
	fputc('\n', err);
	return AM_EXIT_USAGE;
}

static int no_command(const struct am_cmds *cmds, const char *word, FILE *err)
{
	struct am_nearest nearest;
	size_t i;

	am_nearest_init(&nearest, word);
	for (i = 0; i < cmds->count; i++)
		am_nearest_offer(&nearest, cmds->items[i].name);
	am_nearest_offer(&nearest, "help");
	if (nearest.best)
		return refuse(err, "there is no command", word, "Did you mean '%s'?",
			      nearest.best);
	return refuse(err, "there is no command", word, "'%s --help' lists the commands.",
		      cmds->program);
}

static int no_option(const struct am_cmds *cmds, const struct am_cmd *cmd, const char *word,
		     FILE *err)
{
	struct am_nearest nearest;
	size_t i;

	am_nearest_init(&nearest, word);
	for (i = 0; cmd && i < options_of(cmd); i++)
		am_nearest_offer(&nearest, cmd->options[i].name);
	am_nearest_offer(&nearest, "--run");
	am_nearest_offer(&nearest, "--help");
	if (nearest.best && word[0] == '-')
		return refuse(err, "there is no option", word, "Did you mean '%s'?", nearest.best);
	return refuse(err, word[0] == '-' ? "there is no option" : "nothing is known of", word,
		      "'%s help%s%s' tells what there is.", cmds->program, cmd ? " " : "",
		      cmd ? cmd->name : "");
}

/* ---- parsing ------------------------------------------------------------------------ */

static const struct am_cmd *find(const struct am_cmds *cmds, const char *word)
{
	size_t i;

	for (i = 0; i < cmds->count; i++)
		if (strcmp(cmds->items[i].name, word) == 0)
			return &cmds->items[i];
	return NULL;
}

/* Takes the word behind `--option`, which must be there. */
static int take_arg(const struct am_cmd_line *line, int *i, const char *arg, const char **ret)
{
	if (*i + 1 >= line->argc || !line->argv[*i + 1][0])
		return refuse(line->err, "a word is missing behind", line->argv[*i],
			      "It is written '%s %s'.", line->argv[*i], arg);
	*ret = line->argv[++*i];
	return 0;
}

static int parse_options(const struct am_cmds *cmds, const struct am_cmd *cmd,
			 struct am_cmd_line *line)
{
	int i, r;

	for (i = 1; i < line->argc; i++) {
		const char *word = line->argv[i];
		size_t n = options_of(cmd), o = 0;

		while (o < n && strcmp(cmd->options[o].name, word) != 0)
			o++;
		if (o < n && !cmd->options[o].arg) {
			line->values[o] = "";
			continue;
		}
		if (o == n && strcmp(word, "--run") != 0)
			return no_option(cmds, cmd, word, line->err);
		r = o < n ? take_arg(line, &i, cmd->options[o].arg, &line->values[o]) :
			    take_arg(line, &i, "DIR", &line->run);
		if (r)
			return r;
	}
	return 0;
}

static bool asks_for_help(const struct am_cmd_line *line)
{
	int i;

	for (i = 1; i < line->argc; i++)
		if (strcmp(line->argv[i], "--help") == 0)
			return true;
	return false;
}

static int run_command(const struct am_cmds *cmds, struct am_cmd_line *line)
{
	const struct am_cmd *cmd = find(cmds, line->argv[0]);
	int r;

	if (!cmd)
		return no_command(cmds, line->argv[0], line->err);
	if (cmd->words)
		return cmd->run(line);
	if (asks_for_help(line)) {
		help_one(cmds, cmd, line->out);
		return AM_EXIT_YES;
	}
	r = parse_options(cmds, cmd, line);
	return r ? r : cmd->run(line);
}

static int run_help(const struct am_cmds *cmds, const struct am_cmd_line *line)
{
	const struct am_cmd *cmd;

	if (line->argc == 1 || strcmp(line->argv[1], "help") == 0) {
		help_all(cmds, line->out);
		return AM_EXIT_YES;
	}
	cmd = find(cmds, line->argv[1]);
	if (!cmd)
		return no_command(cmds, line->argv[1], line->err);
	help_one(cmds, cmd, line->out);
	return AM_EXIT_YES;
}

static int parse(const struct am_cmds *cmds, struct am_cmd_line *line)
{
	int i = 1, r;

	for (; i < line->argc && line->argv[i][0] == '-'; i++) {
		const char *word = line->argv[i];

		if (strcmp(word, "--help") == 0) {
			help_all(cmds, line->out);
			return AM_EXIT_YES;
		}
		if (strcmp(word, "--version") == 0) {
			fprintf(line->out, "%s %s\n", cmds->program, cmds->version);
			return AM_EXIT_YES;
		}
		if (strcmp(word, "--run") != 0)
			return no_option(cmds, NULL, word, line->err);
		r = take_arg(line, &i, "DIR", &line->run);
		if (r)
			return r;
	}
	if (i >= line->argc) {
		help_all(cmds, line->err);
		return AM_EXIT_USAGE;
	}
	line->argc -= i;
	line->argv += i;
	return strcmp(line->argv[0], "help") == 0 ? run_help(cmds, line) : run_command(cmds, line);
}

int am_cmds_main(const struct am_cmds *cmds, int argc, char **argv, FILE *out, FILE *err)
{
	const char *run = getenv("AMANAT_RUN");
	struct am_cmd_line line = { .run = run && run[0] ? run : default_run, .argc = argc,
				    .argv = argv, .out = out, .err = err };
	int code = parse(cmds, &line);

	/* An answer that did not arrive is no answer; who closed the pipe did not want it. */
	errno = 0;
	if ((fflush(out) != 0 || ferror(out)) && errno != EPIPE) {
		fprintf(err, "error: cannot write to standard output: %s\n",
			strerror(errno ? errno : EIO));
		return AM_EXIT_MISSING;
	}
	return code;
}
