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

enum { AM_WORDS_MAX = 64 };

/* The words that are no options, of a verb that takes any number of them. */
struct am_words {
	const char *items[AM_WORDS_MAX];	/* borrowed */
	size_t count;
};

/* The same for such a verb; args->file is NULL. */
int am_args_parse_words(const struct am_args *args, int argc, char **argv, struct am_words *ret);
