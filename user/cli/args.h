/* SPDX-License-Identifier: GPL-2.0 */
/* The words of a verb that takes a file and options in any order. Options are exact, a
 * near miss is answered with what was probably meant. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct am_arg {
	const char *name;	/* "--serial" */
	const char **value;	/* where the word behind it goes, or NULL if it takes none */
	bool *given;		/* set if it takes no word */
	bool must;		/* without it the verb cannot do anything */
};

struct am_args {
	const char *usage;	/* "amanat policy sign BUNDLE -k SECRETKEY ..." */
	const struct am_arg *items;
	size_t count;
	const char **file;	/* the word that is no option, NULL if the verb takes none */
};

enum { AM_ARGS_GO = -1 };

/* AM_ARGS_GO, or what the verb is to return at once: help was asked for and is given,
 * or something is wrong and was said. argv[0] is the verb. */
int am_args_parse(const struct am_args *args, int argc, char **argv);
