// SPDX-License-Identifier: GPL-2.0
#include "cli/args.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/cmd.h"

static int refuse(const struct am_args *args, const char *what, const char *word,
		  const char *near)
{
	fprintf(stderr, "error: %s '", what);
	am_text_print(stderr, word);	/* it may not speak to the terminal */
	fputs("'\n", stderr);
	if (near)
		fprintf(stderr, "  hint: Did you mean '%s'?\n", near);
	fprintf(stderr, "usage: %s\n", args->usage);
	return AM_EXIT_USAGE;
}

static const struct am_arg *find(const struct am_args *args, const char *word)
{
	for (size_t i = 0; i < args->count; i++)
		if (!strcmp(args->items[i].name, word))
			return &args->items[i];
	return NULL;
}

static int refuse_option(const struct am_args *args, const char *word)
{
	struct am_nearest nearest;

	am_nearest_init(&nearest, word);
	for (size_t i = 0; i < args->count; i++)
		am_nearest_offer(&nearest, args->items[i].name);
	return refuse(args, "there is no option", word, nearest.best);
}

static int take_word(const struct am_args *args, struct am_words *words, const char *word)
{
	if (words && words->count < AM_WORDS_MAX) {
		words->items[words->count++] = word;
		return AM_ARGS_GO;
	}
	if (!args->file || *args->file)
		return refuse(args, "one word too many:", word, NULL);
	*args->file = word;
	return AM_ARGS_GO;
}

static int take_option(const struct am_args *args, int argc, char **argv, int *i)
{
	const struct am_arg *arg = find(args, argv[*i]);

	if (!arg)
		return refuse_option(args, argv[*i]);
	if (!arg->value) {
		*arg->given = true;
		return AM_ARGS_GO;
	}
	if (*arg->value)
		return refuse(args, "given twice:", argv[*i], NULL);
	if (*i + 1 >= argc || !argv[*i + 1][0])
		return refuse(args, "a word is missing behind", argv[*i], NULL);
	*arg->value = argv[++*i];
	return AM_ARGS_GO;
}

static int check_complete(const struct am_args *args, const char *verb)
{
	for (size_t i = 0; i < args->count; i++)
		if (args->items[i].must && !*args->items[i].value)
			return refuse(args, "there must be", args->items[i].name, NULL);
	if (args->file && !*args->file)
		return refuse(args, "a word is missing behind", verb, NULL);
	return AM_ARGS_GO;
}

static int parse(const struct am_args *args, struct am_words *words, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int r;

		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			printf("usage: %s\n", args->usage);
			return AM_EXIT_YES;
		}
		/* "-" alone is a word like another. */
		r = argv[i][0] == '-' && argv[i][1] ? take_option(args, argc, argv, &i)
						    : take_word(args, words, argv[i]);
		if (r != AM_ARGS_GO)
			return r;
	}
	return check_complete(args, argc > 0 ? argv[0] : "");
}

int am_args_parse(const struct am_args *args, int argc, char **argv)
{
	return parse(args, NULL, argc, argv);
}

int am_args_parse_words(const struct am_args *args, int argc, char **argv, struct am_words *ret)
{
	ret->count = 0;
	return parse(args, ret, argc, argv);
}
