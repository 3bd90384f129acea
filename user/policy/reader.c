// SPDX-License-Identifier: GPL-2.0
#include "policy/reader.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/text.h"
#include "policy/path.h"

enum { HINT_LEN = 512 };

void am_reader_error(struct am_reader *r, struct am_pos pos, const char *hint, const char *fact,
		     ...)
{
	va_list args;

	va_start(args, fact);
	am_diags_addv(r->diags, AM_SEVERITY_ERROR, pos, hint, fact, args);
	va_end(args);
}

void am_reader_warning(struct am_reader *r, struct am_pos pos, const char *hint, const char *fact,
		       ...)
{
	va_list args;

	va_start(args, fact);
	am_diags_addv(r->diags, AM_SEVERITY_WARNING, pos, hint, fact, args);
	va_end(args);
}

bool am_reader_expects(struct am_reader *r, const struct am_node *node, enum am_node_kind kind,
		       const char *expected, const char *hint)
{
	/* "key:" with nothing behind it is an empty text to YAML, and a slip to us. */
	if (node->kind == kind && (kind != AM_NODE_TEXT || node->text[0]))
		return true;
	am_reader_error(r, node->pos, hint, "expected %s, found %s",
			expected, am_node_describe(node));
	return false;
}

/* ---- keys ------------------------------------------------------------------- */

static const struct am_key *find_key(const struct am_key *keys, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

const struct am_node *am_node_value(const struct am_node *map, const char *key)
{
	for (size_t i = 0; i < map->n_items; i += 2)
		if (!strcmp(map->items[i]->text, key))
			return map->items[i + 1];
	return NULL;
}

static void refuse_key(struct am_reader *r, const struct am_node *key, const char *what,
		       const struct am_key *keys, size_t n_keys)
{
	char hint[HINT_LEN] = "", known[HINT_LEN / 2] = "", start[HINT_LEN / 4] = "";
	struct am_nearest nearest;
	size_t len = 0;

	am_nearest_init(&nearest, key->text);
	for (size_t i = 0; i < n_keys; i++) {
		am_nearest_offer(&nearest, keys[i].name);
		if (keys[i].read && len < sizeof(known))
			len += snprintf(known + len, sizeof(known) - len, "%s%s", len ? ", " : "",
					keys[i].name);
	}
	if (nearest.best)
		snprintf(start, sizeof(start), "Did you mean '%s'? ", nearest.best);
	snprintf(hint, sizeof(hint), "%sThe keys of %s are %s.", start, what, known);
	am_reader_error(r, key->pos, hint, "'%.64s' is not a key of %s", key->text, what);
}

static void refuse_later_key(struct am_reader *r, const struct am_node *key)
{
	size_t len = strlen(key->text);

	am_reader_error(r, key->pos,
			"Remove it: a policy that cannot be kept in full is not accepted.",
			"%s %s not supported yet", key->text,
			len && key->text[len - 1] == 's' ? "are" : "is");
}

void am_reader_refuse_keys(struct am_reader *r, const struct am_node *map, const char *what,
			   const struct am_key *keys, size_t n_keys)
{
	for (size_t i = 0; i < map->n_items; i += 2) {
		const struct am_key *key = find_key(keys, n_keys, map->items[i]->text);

		if (!key)
			refuse_key(r, map->items[i], what, keys, n_keys);
		else if (!key->read)
			refuse_later_key(r, map->items[i]);
	}
}

int am_reader_keys(struct am_reader *r, const struct am_node *map, const char *what,
		   const struct am_key *keys, size_t n_keys, void *into)
{
	am_reader_refuse_keys(r, map, what, keys, n_keys);
	for (size_t i = 0; i < n_keys; i++) {
		const struct am_node *value = am_node_value(map, keys[i].name);
		int err = 0;

		if (value && keys[i].read)
			err = keys[i].read(r, value, into);
		else if (keys[i].missing)
			am_reader_error(r, map->pos, keys[i].missing, "%s has no '%s'", what,
					keys[i].name);
		if (err)
			return err;
	}
	return 0;
}

int am_reader_list(struct am_reader *r, const struct am_node *list, const char *expected,
		   const char *hint, am_read_fn item, void *into)
{
	if (!am_reader_expects(r, list, AM_NODE_LIST, expected, hint))
		return 0;
	for (size_t i = 0; i < list->n_items; i++) {
		int err = item(r, list->items[i], into);

		if (err)
			return err;
	}
	return 0;
}

int am_reader_choice(struct am_reader *r, const struct am_node *node, const char *const *words,
		     size_t n_words)
{
	char expected[HINT_LEN / 2] = "", hint[HINT_LEN];
	size_t len = 0;

	for (size_t i = 0; i < n_words; i++) {
		if (node->kind == AM_NODE_TEXT && !strcmp(node->text, words[i]))
			return i;
		len += snprintf(expected + len, sizeof(expected) - len, "%s%s", len ? " or " : "",
				words[i]);
	}
	snprintf(hint, sizeof(hint), "Write %s.", expected);
	if (am_reader_expects(r, node, AM_NODE_TEXT, expected, hint))
		am_reader_error(r, node->pos, hint, "expected %s, found '%.64s'", expected,
				node->text);
	return -1;
}

/* ---- names ------------------------------------------------------------------ */

struct named {
	const char *word;
	const void *items;	/* structures that begin as an am_model_label does */
	size_t count, size;
};

static struct named list_of(const struct am_model *m, enum am_named named)
{
	switch (named) {
	case AM_NAMED_LABEL:
		return (struct named){ "label", m->labels, m->n_labels, sizeof(*m->labels) };
	case AM_NAMED_PURPOSE:
		return (struct named){ "purpose", m->purposes, m->n_purposes,
				       sizeof(*m->purposes) };
	case AM_NAMED_STORE:
		return (struct named){ "store", m->stores, m->n_stores, sizeof(*m->stores) };
	case AM_NAMED_SUBJECT:
		return (struct named){ "subject", m->subjects, m->n_subjects,
				       sizeof(*m->subjects) };
	case AM_NAMED_ZONE:
		return (struct named){ "zone", m->zones, m->n_zones, sizeof(*m->zones) };
	default:
		return (struct named){ "policy", NULL, 0, 0 };
	}
}

const char *am_named_word(enum am_named named)
{
	static const struct am_model none;

	return list_of(&none, named).word;
}

size_t am_model_count(const struct am_model *m, enum am_named named)
{
	return list_of(m, named).count;
}

static const struct am_model_label *item_at(const struct am_model *m, enum am_named named,
					    size_t i)
{
	struct named list = list_of(m, named);

	return (const void *)((const char *)list.items + i * list.size);
}

const char *am_model_name(const struct am_model *m, enum am_named named, size_t i)
{
	return item_at(m, named, i)->name;
}

struct am_pos am_model_pos(const struct am_model *m, enum am_named named, size_t i)
{
	return item_at(m, named, i)->pos;
}

const char *am_reader_place(struct am_pos pos, struct am_pos from, char *buf, size_t size)
{
	if (strcmp(pos.file, from.file))
		snprintf(buf, size, "%s, line %u", pos.file, pos.line);
	else
		snprintf(buf, size, "line %u", pos.line);
	return buf;
}

int am_model_find(const struct am_model *m, enum am_named named, const char *name)
{
	size_t count = am_model_count(m, named);

	for (size_t i = 0; i < count; i++)
		if (!strcmp(am_model_name(m, named, i), name))
			return i;
	return -1;
}

static const char *const builtin_zones[AM_ZONE_FIRST_USER] = {
	[AM_ZONE_ANYWHERE] = "anywhere",
	[AM_ZONE_LOCAL] = "local",
	[AM_ZONE_LOOPBACK] = "loopback",
	[AM_ZONE_TERMINAL] = "terminal",
};

int am_zone_builtin(const char *name)
{
	for (int i = 0; i < AM_ZONE_FIRST_USER; i++)
		if (!strcmp(builtin_zones[i], name))
			return i;
	return -1;
}

const char *am_model_zone_name(const struct am_model *m, int zone)
{
	if (zone < 0 || (size_t)zone >= AM_ZONE_FIRST_USER + m->n_zones)
		return NULL;
	return zone < AM_ZONE_FIRST_USER ? builtin_zones[zone]
					 : m->zones[zone - AM_ZONE_FIRST_USER].name;
}

void am_reader_unknown(struct am_reader *r, struct am_pos pos, enum am_named named,
		       const char *name)
{
	char hint[HINT_LEN] = "";
	struct am_nearest nearest;
	const char *word = am_named_word(named);

	if (r->incomplete[named])
		return;
	am_nearest_init(&nearest, name);
	for (size_t i = 0; i < am_model_count(r->model, named); i++)
		am_nearest_offer(&nearest, am_model_name(r->model, named, i));
	if (named == AM_NAMED_ZONE)
		for (int i = 0; i < AM_ZONE_FIRST_USER; i++)
			am_nearest_offer(&nearest, builtin_zones[i]);
	if (named == AM_NAMED_SUBJECT)
		am_nearest_offer(&nearest, "anyone");

	if (nearest.best)
		snprintf(hint, sizeof(hint), "Did you mean '%s'? Otherwise declare it under '%ss'.",
			 nearest.best, word);
	else
		snprintf(hint, sizeof(hint), "Declare it under '%ss', or correct the name.", word);
	am_reader_error(r, pos, hint, "there is no %s '%.64s'", word, name);
}

/* Words of the rules: as names they would make a rule that reads two ways. */
static bool is_reserved(const char *name)
{
	static const char *const reserved[] = {
		"allow", "deny", "to", "read", "write", "send", "anyone", "everything", "all",
		"any", "and", "or", "not", "none", "if", "except", "use", "never", "may", "but",
		"third-party",
	};

	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
		if (!strcmp(name, reserved[i]))
			return true;
	return am_zone_builtin(name) >= 0;
}

static bool is_name(const char *text)
{
	static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789";
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (!strchr(first, text[i]) && (i == 0 || !strchr("-_.", text[i])))
			return false;
	return len && len <= AM_NAME_LEN_MAX;
}

bool am_reader_name(struct am_reader *r, const struct am_node *node, enum am_named named)
{
	static const char hint[] = "A name begins with a letter or digit, holds letters, digits, "
				   "'-', '_' and '.', and has at most 63 of them.";
	const char *word = am_named_word(named);
	char expected[HINT_LEN];

	snprintf(expected, sizeof(expected), "the name of a %s", word);
	if (!am_reader_expects(r, node, AM_NODE_TEXT, expected, hint))
		return false;
	if (!is_name(node->text))
		am_reader_error(r, node->pos, hint, "'%.64s' is not a name", node->text);
	else if (is_reserved(node->text))
		am_reader_error(r, node->pos, "Choose another name.",
				"'%s' is a word of the language and cannot name a %s", node->text,
				word);
	else
		return true;
	return false;
}

/* The same key twice in one file has been refused with the tree. */
static void refuse_again(struct am_reader *r, const struct am_node *key, enum am_named named,
			 struct am_pos first)
{
	char place[AM_PLACE_LEN];

	if (!strcmp(first.file, key->pos.file))
		return;
	am_reader_error(r, key->pos, "A name has one meaning; remove it here or there.",
			"the %s '%s' is already declared in %s", am_named_word(named), key->text,
			am_reader_place(first, key->pos, place, sizeof(place)));
}

bool am_reader_may_add(struct am_reader *r, const struct am_node *key, enum am_named named,
		       size_t max)
{
	bool fits = am_model_count(r->model, named) < max;
	int known = am_model_find(r->model, named, key->text);

	if (known >= 0) {
		refuse_again(r, key, named, am_model_pos(r->model, named, known));
		return false;
	}
	if (!am_reader_name(r, key, named)) {
		r->incomplete[named] = true;
		return false;
	}
	if (!fits && !r->incomplete[named])
		am_reader_error(r, key->pos, "Merge some of them, or split the policy over hosts.",
				"a policy has at most %zu %ss", max, am_named_word(named));
	if (!fits)
		r->incomplete[named] = true;
	return fits;
}

/* ---- paths ------------------------------------------------------------------ */

static const char *path_fault(const char *text)
{
	if (text[0] != '/')
		return "the path is not absolute";
	if (strlen(text) >= PATH_MAX)
		return "the path is longer than a path can be";
	for (const char *c = text; *c; c++)
		if (*c == '\n' || *c == '\t')
			return "the path holds a line break or a tab";
	return NULL;
}

int am_reader_path(struct am_reader *r, const struct am_node *node, char **ret)
{
	char path[PATH_MAX];
	const char *fault;
	char *copy;
	int err;

	if (!am_reader_expects(r, node, AM_NODE_TEXT, "a path",
			       "Write the path from the root on, such as /srv/registry."))
		return 0;
	fault = path_fault(node->text);
	err = fault ? 0 : am_path_normalise(node->text, path);
	if (err == -EINVAL)
		fault = "the path holds '..'";
	else if (err)
		fault = "a name in the path is longer than a name can be";
	else if (!fault && !path[0])
		fault = "the path is the root of the whole system";
	if (fault) {
		am_reader_error(r, node->pos,
				"Write the one path from the root on that names it, such as "
				"/srv/registry.",
				"%s", fault);
		return 0;
	}
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}
