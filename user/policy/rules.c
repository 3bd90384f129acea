// SPDX-License-Identifier: GPL-2.0
/* The section `rules`. A rule is one text:
 *
 *   VERB WHO to OP[, OP] STORE[, STORE]          OP: read, write
 *   VERB WHO to send LABEL[, LABEL] to ZONE[, ZONE]
 *
 * VERB is allow or deny; WHO is a subject or anyone; `everything` stands for all
 * stores or all labels. A rule whose words are out of order is left at the first
 * fault; unknown names in it are all reported, each at its own place. */
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "policy/reader.h"

struct word {
	char *text;		/* borrowed from the phrase; "," is a word of its own */
	struct am_pos pos;
};

/* A rule being read. */
struct phrase {
	struct am_reader *reader;
	struct am_model_rule *rule;
	char *text;		/* owned; words are cut out of it */
	struct word *words;	/* owned */
	size_t n_words;
	size_t at;
	struct am_pos end;	/* where a further word would be missed */
	bool failed;
};

static void done_phrase(struct phrase *p)
{
	free(p->words);
	free(p->text);
}

/* ---- words ------------------------------------------------------------------ */

static const char blanks[] = " \t\n";

/* Each word and comma with its place; `p->text` becomes the texts of the words. */
static int split(struct phrase *p, const struct am_node *node)
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
		struct word word = { .text = to };
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

static const char *peek(const struct phrase *p)
{
	return p->at < p->n_words ? p->words[p->at].text : NULL;
}

static bool peek_is(const struct phrase *p, const char *text)
{
	return peek(p) && !strcmp(peek(p), text);
}

static bool take(struct phrase *p, const char *text)
{
	if (!peek_is(p, text))
		return false;
	p->at++;
	return true;
}

/* ---- faults ----------------------------------------------------------------- */

static struct am_pos here(const struct phrase *p)
{
	return p->at < p->n_words ? p->words[p->at].pos : p->end;
}

static bool fail(struct phrase *p, const char *hint, const char *expected)
{
	const char *found = peek(p);

	p->failed = true;
	if (found)
		am_reader_error(p->reader, here(p), hint, "expected %s, found '%.64s'", expected,
				found);
	else
		am_reader_error(p->reader, here(p), hint, "the rule ends where %s is missing",
				expected);
	return false;
}

/* The same, and perhaps they meant one of `words`. */
static bool fail_word(struct phrase *p, const char *const *words, size_t n, const char *expected,
		      const char *hint)
{
	struct am_nearest nearest;
	char longer[256];

	am_nearest_init(&nearest, peek(p) ? peek(p) : "");
	for (size_t i = 0; i < n; i++)
		am_nearest_offer(&nearest, words[i]);
	if (!peek(p) || !nearest.best)
		return fail(p, hint, expected);
	snprintf(longer, sizeof(longer), "Did you mean '%s'? %s", nearest.best, hint);
	return fail(p, longer, expected);
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
static bool fail_kind(struct phrase *p, enum am_named expected, const char *name)
{
	const struct am_model *m = p->reader->model;
	struct am_pos pos = here(p);

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
static int read_name(struct phrase *p, enum am_named named, int **list, size_t *n)
{
	const struct am_model *m = p->reader->model;
	const char *name = peek(p);
	int index = named == AM_NAMED_ZONE ? find_zone(m, name) : am_model_find(m, named, name);
	int err = 0;

	if (index < 0 && !fail_kind(p, named, name))
		am_reader_unknown(p->reader, here(p), named, name);
	else if (index >= 0 && has_index(*list, *n, index))
		am_reader_error(p->reader, here(p), "Keep one of the two.",
				"'%s' is named twice in this rule", name);
	else if (index >= 0)
		err = AM_APPEND(*list, *n, index);
	p->at++;
	return err;
}

static int read_everything(struct phrase *p, int **list, size_t *n)
{
	static const char hint[] = "Write everything alone, or the names without it.";

	if (*n || p->words[p->at - 1].text[0] == ',') {
		fail(p, hint, "one more name");
		return 0;
	}
	p->at++;
	if (peek_is(p, ",")) {
		fail(p, hint, "the end of the list");
		return 0;
	}
	return AM_APPEND(*list, *n, AM_RULE_EVERYTHING);
}

static int read_names(struct phrase *p, enum am_named named, int **list, size_t *n)
{
	static const char hint[] = "Put ',' between names and none after the last.";
	char expected[64];
	int err = 0;

	snprintf(expected, sizeof(expected), "the name of a %s", am_named_word(named));
	do {
		if (!peek(p) || peek_is(p, ",") || peek_is(p, "to")) {
			fail(p, hint, expected);
			return 0;
		}
		if (named != AM_NAMED_ZONE && peek_is(p, "everything"))
			err = read_everything(p, list, n);
		else
			err = read_name(p, named, list, n);
	} while (!err && !p->failed && take(p, ","));
	return err;
}

/* ---- the phrase ------------------------------------------------------------- */

static bool read_verb(struct phrase *p)
{
	static const char *const verbs[] = { "allow", "deny" };

	p->rule->deny = peek_is(p, "deny");
	return take(p, "allow") || take(p, "deny") ||
	       fail_word(p, verbs, AM_COUNT(verbs), "allow or deny",
			 "A rule reads: allow SUBJECT to read STORE.");
}

static bool read_subject(struct phrase *p)
{
	static const char hint[] = "A rule reads: allow SUBJECT to read STORE; the subject may be "
				   "anyone.";

	if (!peek(p) || peek_is(p, ",") || peek_is(p, "to"))
		return fail(p, hint, "a subject");
	p->rule->subject = am_model_find(p->reader->model, AM_NAMED_SUBJECT, peek(p));
	if (peek_is(p, "anyone"))
		p->rule->subject = AM_RULE_ANYBODY;
	else if (p->rule->subject < 0)
		am_reader_unknown(p->reader, here(p), AM_NAMED_SUBJECT, peek(p));
	p->at++;
	return true;
}

static bool read_to(struct phrase *p, const char *hint)
{
	if (peek_is(p, ","))
		return fail(p, "A rule names one subject; write one rule for each.", "'to'");
	return take(p, "to") || fail(p, hint, "'to'");
}

static unsigned op_of(const char *word)
{
	if (!strcmp(word, "read"))
		return AM_OP_READ;
	if (!strcmp(word, "write"))
		return AM_OP_WRITE;
	return !strcmp(word, "send") ? AM_OP_SEND : AM_OP_INVALID;
}

static bool read_ops(struct phrase *p)
{
	static const char *const ops[] = { "read", "write", "send" };

	do {
		unsigned op = peek(p) ? op_of(peek(p)) : AM_OP_INVALID;

		if (op == AM_OP_INVALID)
			return fail_word(p, ops, AM_COUNT(ops), "read, write or send",
					 "No ',' stands between the last of them and what it is "
					 "done to.");
		if (p->rule->ops & 1U << op)
			return fail(p, "Name each of them once.", "another of read and write");
		if (p->rule->ops && (op == AM_OP_SEND || p->rule->ops & 1U << AM_OP_SEND))
			return fail(p, "Write two rules: send is done to labels, "
				    "read and write to stores.",
				    "read or write without send");
		p->rule->ops |= 1U << op;
		p->at++;
	} while (take(p, ","));
	return true;
}

static bool read_end(struct phrase *p, bool send)
{
	if (!peek(p))
		return true;
	if (!send && peek_is(p, "to"))
		return fail(p, "Only send has a destination: allow SUBJECT to send LABEL to ZONE.",
			    "the end of the rule");
	return fail(p, "Put ',' between names.", "',' or the end of the rule");
}

static int read_phrase(struct phrase *p)
{
	struct am_model_rule *rule = p->rule;
	bool send;
	int err;

	if (!read_verb(p) || !read_subject(p) ||
	    !read_to(p, "A rule reads: allow SUBJECT to read STORE.") || !read_ops(p))
		return 0;
	send = rule->ops & 1U << AM_OP_SEND;
	if (send)
		err = read_names(p, AM_NAMED_LABEL, &rule->labels, &rule->n_labels);
	else
		err = read_names(p, AM_NAMED_STORE, &rule->stores, &rule->n_stores);
	if (err || p->failed)
		return err;
	if (send) {
		if (!take(p, "to")) {
			fail(p, "Say where to: allow SUBJECT to send LABEL to ZONE.", "'to'");
			return 0;
		}
		err = read_names(p, AM_NAMED_ZONE, &rule->zones, &rule->n_zones);
		if (err || p->failed)
			return err;
	}
	(void)read_end(p, send);	/* a fault there is in the diags */
	return 0;
}

static int add_rule(struct am_reader *r, const struct am_node *node, struct am_model_rule **ret)
{
	struct am_model *m = r->model;
	struct am_model_rule rule = { .pos = node->pos, .subject = AM_RULE_ANYBODY };
	int err;

	rule.text = strdup(node->text);
	if (!rule.text)
		return -ENOMEM;
	err = AM_APPEND(m->rules, m->n_rules, rule);
	if (err) {
		free(rule.text);
		return err;
	}
	*ret = &m->rules[m->n_rules - 1];
	return 0;
}

int am_read_rule(struct am_reader *r, const struct am_node *node)
{
	__attribute__((cleanup(done_phrase))) struct phrase p = { .reader = r, .end = node->pos };
	int err;

	if (!am_reader_expects(r, node, AM_NODE_TEXT, "a rule",
			       "Write the rule as one line of words, such as: allow registry-db "
			       "to read citizen-registry."))
		return 0;
	if (strlen(node->text) > AM_RULE_LEN_MAX) {
		am_reader_error(r, node->pos, "Write several rules.",
				"the rule is longer than %d bytes", AM_RULE_LEN_MAX);
		return 0;
	}
	if (r->model->n_rules == AM_RULES_MAX) {
		am_reader_error(r, node->pos, "Name several stores, labels or zones in one rule.",
				"a policy has at most %d rules", AM_RULES_MAX);
		return 0;
	}
	err = split(&p, node);
	if (err)
		return err;
	err = add_rule(r, node, &p.rule);
	return err ? err : read_phrase(&p);
}
