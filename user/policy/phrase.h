/* SPDX-License-Identifier: GPL-2.0 */
/* A sentence of the policy language (a rule, an invariant) being read word by word, each
 * word with its place. One whose words are out of order is left at the first fault;
 * unknown names in it are all reported, each at its own place. Private to policy/. */
#pragma once

#include "policy/reader.h"

struct am_word {
	char *text;		/* borrowed from the phrase; "," is a word of its own */
	struct am_pos pos;
};

struct am_phrase {
	struct am_reader *reader;
	const char *what;	/* "rule" */
	char *text;		/* owned; words are cut out of it */
	struct am_word *words;	/* owned */
	size_t n_words;
	size_t at;
	struct am_pos end;	/* where a further word would be missed */
	bool failed;
};

/* 0 or -ENOMEM; am_phrase_done() in either case. */
int am_phrase_init(struct am_phrase *p, struct am_reader *reader, const char *what,
		   const struct am_node *node);
void am_phrase_done(struct am_phrase *p);

/* The word at hand; NULL at the end. */
const char *am_phrase_peek(const struct am_phrase *p);
bool am_phrase_is(const struct am_phrase *p, const char *text);
bool am_phrase_take(struct am_phrase *p, const char *text);
struct am_pos am_phrase_here(const struct am_phrase *p);

/* Refuses the word at hand. Always false. */
bool am_phrase_fail(struct am_phrase *p, const char *hint, const char *expected);

/* The same, and perhaps they meant one of `words`. */
bool am_phrase_fail_word(struct am_phrase *p, const char *const *words, size_t n,
			 const char *expected, const char *hint);

/* The parts that sentences have in common. Faults are in the diags; those that return a
 * number do so for lack of memory only, and set p->failed for faults. */
bool am_phrase_ops(struct am_phrase *p, unsigned *ret);		/* read, write */
bool am_phrase_expect_name(struct am_phrase *p, enum am_named named);
int am_phrase_name(struct am_phrase *p, enum am_named named, int **list, size_t *n);
int am_phrase_everything(struct am_phrase *p, int **list, size_t *n);
int am_phrase_names(struct am_phrase *p, enum am_named named, int **list, size_t *n);
bool am_phrase_end(struct am_phrase *p, bool send);
