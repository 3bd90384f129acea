/* SPDX-License-Identifier: GPL-2.0 */
/* The commands of a program as one table: what is parsed, run and told in the help
 * comes from it and from nowhere else. Words are exact; a near miss is answered
 * with what was probably meant, and is never guessed. */
#pragma once

#include <stddef.h>
#include <stdio.h>

/* What a command returns, and the program with it. Part of the interface. */
enum am_exit {
	AM_EXIT_YES = 0,
	AM_EXIT_NO = 1,		/* it ran, and the answer is no */
	AM_EXIT_USAGE = 2,
	AM_EXIT_MISSING = 3,	/* the agent, or a feature of the kernel */
};

enum { AM_CMD_OPTIONS = 4 };

struct am_cmd_option {
	const char *name;	/* "--wait" */
	const char *arg;	/* what it takes, "N"; NULL: nothing */
	const char *help;
};

struct am_cmd_line;

struct am_cmd {
	const char *name;
	const char *summary;	/* one line, a verb first */
	/* Set: the command reads its words itself, and these stand for them in the help. */
	const char *words;
	struct am_cmd_option options[AM_CMD_OPTIONS];	/* up to the first without a name */
	int (*run)(const struct am_cmd_line *line);
};

/* What was typed. All borrowed. */
struct am_cmd_line {
	const char *run;	/* the agent's run directory */
	/* Of each option of the command: NULL when it was not given, else what it was
	 * given, "" for one that takes nothing. */
	const char *values[AM_CMD_OPTIONS];
	int argc;		/* from the command's own word on, as typed */
	char **argv;
	FILE *out;		/* data */
	FILE *err;		/* talk */
};

struct am_cmds {
	const char *program;
	const char *version;
	const char *purpose;	/* one line */
	const struct am_cmd *items;
	size_t count;
};

/* Parses, runs, and makes sure that all data is out: an am_exit. */
int am_cmds_main(const struct am_cmds *cmds, int argc, char **argv, FILE *out, FILE *err);
