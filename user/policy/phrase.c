// SPDX-License-Identifier: GPL-2.0
#include "policy/phrase.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"

void am_phrase_done(struct am_phrase *p)
{
	free(p->words);
	free(p->text);
}

/* ---- words ------------------------------------------------------------------ */

static const char blanks[] = " \t\n";

/* Each word and comma with its place; `p->text` becomes the texts of the words. */
static int split(struct am_phrase *p, const struct am_node *node)
{
	struct am_node_words places;
	const char *from = node->text;
	char *to;

	/* A word and its NUL byte take at most twice the room. */
	p->text = to = malloc(2 * strlen(from) + 1);
	if (!to)
		return -ENOMEM;
	am_node_words_init(&places, node);
	for (;;) {
		struct am_word word = { .text = to };
		size_t len;

		from += strspn(from, blanks);
		if (!*from)
			return 0;
		len = *from == ',' ? 1 : strcspn(from, ", \t\n");
		word.pos = am_node_words_find(&places, from, len);
		p->end = word.pos;
		memcpy(to, from, len);
		to[len] = '\0';
		if (AM_APPEND(p->words, p->n_words, word))
			return -ENOMEM;
		to += len + 1;
		from += len;
	}
}

int am_phrase_init(struct am_phrase *p, struct am_reader *reader, const char *what,
		   const struct am_node *node)
{
	*p = (struct am_phrase){ .reader = reader, .what = what, .end = node->pos };
	return split(p, node);
}

const char *am_phrase_peek(const struct am_phrase *p)
{
	return p->at < p->n_words ? p->words[p->at].text : NULL;
}

bool am_phrase_is(const struct am_phrase *p, const char *text)
{
	return am_phrase_peek(p) && !strcmp(am_phrase_peek(p), text);
}

bool am_phrase_take(struct am_phrase *p, const char *text)
{
	if (!am_phrase_is(p, text))
		return false;
	p->at++;
	return true;
}

/* ---- faults ----------------------------------------------------------------- */

struct am_pos am_phrase_here(const struct am_phrase *p)
{
	return p->at < p->n_words ? p->words[p->at].pos : p->end;
}

bool am_phrase_fail(struct am_phrase *p, const char *hint, const char *expected)
{
	const char *found = am_phrase_peek(p);

	p->failed = true;
	if (found)
		am_reader_error(p->reader, am_phrase_here(p), hint, "expected %s, found '%.64s'",
				expected, found);
	else
		am_reader_error(p->reader, am_phrase_here(p), hint,
				"the %s ends where %s is missing", p->what, expected);
	return false;
}

bool am_phrase_fail_word(struct am_phrase *p, const char *const *words, size_t n,
			 const char *expected, const char *hint)
{
	struct am_nearest nearest;
	char longer[256];

	am_nearest_init(&nearest, am_phrase_peek(p) ? am_phrase_peek(p) : "");
	for (size_t i = 0; i < n; i++)
		am_nearest_offer(&nearest, words[i]);
	if (!am_phrase_peek(p) || !nearest.best)
		return am_phrase_fail(p, hint, expected);
	snprintf(longer, sizeof(longer), "Did you mean '%s'? %s", nearest.best, hint);
	return am_phrase_fail(p, longer, expected);
}

/* ---- lists of names --------------------------------------------------------- */

static bool has_index(const int *list, size_t n, int index)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == index)
			return true;
	return false;
}

/* Index of the zone in rules, which count the built-in ones; -1 if unknown. */
static int find_zone(const struct am_model *m, const char *name)
{
	int zone = am_zone_builtin(name);

	if (zone >= 0)
		return zone;
	zone = am_model_find(m, AM_NAMED_ZONE, name);
	return zone < 0 ? -1 : zone + AM_ZONE_FIRST_USER;
}

/* A hint for a name that exists, but as something else. */
static bool fail_kind(struct am_phrase *p, enum am_named expected, const char *name)
{
	const struct am_model *m = p->reader->model;
	struct am_pos pos = am_phrase_here(p);

	if (expected == AM_NAMED_STORE && am_model_find(m, AM_NAMED_LABEL, name) >= 0)
		am_reader_error(p->reader, pos,
				"Name the stores that carry it; only send speaks of labels.",
				"'%s' is a label, and read and write are done to stores", name);
	else if (expected == AM_NAMED_LABEL && am_model_find(m, AM_NAMED_STORE, name) >= 0)
		am_reader_error(p->reader, pos,
				"Name the labels of the store; labels follow the data, "
				"a store stays where it is.",
				"'%s' is a store, and send is done to labels", name);
	else
		return false;
	return true;
}

/* One name of a list. Names that are unknown are reported and left out. */
int am_phrase_name(struct am_phrase *p, enum am_named named, int **list, size_t *n)
{
	const struct am_model *m = p->reader->model;
	const char *name = am_phrase_peek(p);
	int index = named == AM_NAMED_ZONE ? find_zone(m, name) : am_model_find(m, named, name);
	int err = 0;

	if (index < 0 && !fail_kind(p, named, name))
		am_reader_unknown(p->reader, am_phrase_here(p), named, name);
	else if (index >= 0 && has_index(*list, *n, index))
		am_reader_error(p->reader, am_phrase_here(p), "Keep one of the two.",
				"'%s' is named twice in this %s", name, p->what);
	else if (index >= 0)
		err = AM_APPEND(*list, *n, index);
	p->at++;
	return err;
}

int am_phrase_everything(struct am_phrase *p, int **list, size_t *n)
{
	static const char hint[] = "Write everything alone, or the names without it.";

	if (*n || p->words[p->at - 1].text[0] == ',') {
		am_phrase_fail(p, hint, "one more name");
		return 0;
	}
	p->at++;
	if (am_phrase_is(p, ",")) {
		am_phrase_fail(p, hint, "the end of the list");
		return 0;
	}
	return AM_APPEND(*list, *n, AM_RULE_EVERYTHING);
}

/* A word that can be one; those that stand between lists are none. */
bool am_phrase_expect_name(struct am_phrase *p, enum am_named named)
{
	char expected[64];

	if (am_phrase_peek(p) && !am_phrase_is(p, ",") && !am_phrase_is(p, "to") &&
	    !am_phrase_is(p, "may"))
		return true;
	snprintf(expected, sizeof(expected), "the name of a %s", am_named_word(named));
	return am_phrase_fail(p, "Put ',' between names and none after the last.", expected);
}

int am_phrase_names(struct am_phrase *p, enum am_named named, int **list, size_t *n)
{
	int err = 0;

	do {
		if (!am_phrase_expect_name(p, named))
			return 0;
		if (named != AM_NAMED_ZONE && am_phrase_is(p, "everything"))
			err = am_phrase_everything(p, list, n);
		else
			err = am_phrase_name(p, named, list, n);
	} while (!err && !p->failed && am_phrase_take(p, ","));
	return err;
}

/* ---- parts of a sentence ----------------------------------------------------- */

static unsigned op_of(const char *word)
{
	if (!strcmp(word, "read"))
		return AM_OP_READ;
	if (!strcmp(word, "write"))
		return AM_OP_WRITE;
	return !strcmp(word, "send") ? AM_OP_SEND : AM_OP_INVALID;
}

bool am_phrase_ops(struct am_phrase *p, unsigned *ret)
{
	static const char *const ops[] = { "read", "write", "send" };
	char hint[128];

	do {
		unsigned op = am_phrase_peek(p) ? op_of(am_phrase_peek(p)) : AM_OP_INVALID;

		if (op == AM_OP_INVALID)
			return am_phrase_fail_word(p, ops, AM_COUNT(ops), "read, write or send",
						   "No ',' stands between the last of them and "
						   "what it is done to.");
		if (*ret & 1U << op)
			return am_phrase_fail(p, "Name each of them once.",
					      "another of read and write");
		if (*ret && (op == AM_OP_SEND || *ret & 1U << AM_OP_SEND)) {
			snprintf(hint, sizeof(hint), "Write two %ss: send is done to labels, "
				 "read and write to stores.", p->what);
			return am_phrase_fail(p, hint, "read or write without send");
		}
		*ret |= 1U << op;
		p->at++;
	} while (am_phrase_take(p, ","));
	return true;
}

bool am_phrase_end(struct am_phrase *p, bool send)
{
	char expected[64];

	if (!am_phrase_peek(p))
		return true;
	if (!send && am_phrase_is(p, "to"))
		snprintf(expected, sizeof(expected), "the end of the %s", p->what);
	else
		snprintf(expected, sizeof(expected), "',' or the end of the %s", p->what);
	return am_phrase_fail(p, !send && am_phrase_is(p, "to") ?
			      "Only send has a destination: send LABEL to ZONE." :
			      "Put ',' between names.", expected);
}

