// SPDX-License-Identifier: GPL-2.0
#include "policy/yaml.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <yaml.h>

#include "base/array.h"
#include "base/text.h"

/* ---- the tree --------------------------------------------------------------- */

/* Recursion is bounded by AM_YAML_DEPTH_MAX. */
void am_node_free(struct am_node *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->n_items; i++)
		am_node_free(n->items[i]);
	free(n->items);
	free(n->text);
	free(n);
}

const char *am_node_describe(const struct am_node *n)
{
	switch (n->kind) {
	case AM_NODE_TEXT:
		return n->text[0] ? "a text" : n->quoted ? "an empty text" : "nothing";
	case AM_NODE_LIST:
		return "a list";
	case AM_NODE_MAP:
		return "a map of keys";
	default:
		return "?";
	}
}

/* ---- places ----------------------------------------------------------------- */

/* Moves `pos` past the bytes from `at` to `end`, as editors and libyaml count. */
static void advance(struct am_pos *pos, const char *at, const char *end)
{
	for (; at < end; at++) {
		if (*at == '\n' || (*at == '\r' && (at + 1 == end || at[1] != '\n'))) {
			pos->line++;
			pos->column = 1;
		} else if (((unsigned char)*at & 0xc0) != 0x80) {
			pos->column++;
		}
	}
}

void am_node_words_init(struct am_node_words *w, const struct am_node *node)
{
	*w = (struct am_node_words){ .node = node, .at = node->source, .pos = node->pos };
}

struct am_pos am_node_words_find(struct am_node_words *w, const char *word, size_t len)
{
	const char *end = w->node->source + w->node->source_len;
	const char *found = memmem(w->at, end - w->at, word, len);
	struct am_pos pos;

	if (!found)
		return w->node->pos;
	advance(&w->pos, w->at, found);
	pos = w->pos;
	advance(&w->pos, found, found + len);
	w->at = found + len;
	return pos;
}

/* ---- the text --------------------------------------------------------------- */

static int refuse_char(struct am_diags *diags, struct am_pos pos, unsigned char byte, size_t len,
		       uint32_t c)
{
	if (!len)
		am_diags_add(diags, AM_SEVERITY_ERROR, pos,
			     "A policy is a text file in UTF-8; save it as such.",
			     "byte 0x%02x is not UTF-8", byte);
	else if (!c)
		am_diags_add(diags, AM_SEVERITY_ERROR, pos,
			     "A policy is a text file; this one looks like something else.",
			     "the file holds a NUL byte");
	else
		am_diags_add(diags, AM_SEVERITY_ERROR, pos,
			     "Remove it: nobody can see it, and it may make the text look "
			     "different from what it says.",
			     "the file holds the control character U+%04X", c);
	return -EINVAL;
}

/* Before any YAML: what no reader of the file can see must not be in it. */
static int check_text(const char *file, const char *text, size_t len, struct am_diags *diags)
{
	struct am_pos pos = { .file = file, .line = 1, .column = 1 };

	for (size_t at = 0; at < len;) {
		uint32_t c = 0;
		size_t n = am_text_char(text + at, len - at, &c);

		if (!n || (am_text_is_control(c) && c != '\n' && c != '\r' && c != '\t'))
			return refuse_char(diags, pos, text[at], n, c);
		if (c == '\r' && at + 1 < len && text[at + 1] == '\n')
			n = 2;	/* one line break */
		advance(&pos, text + at, text + at + n);
		at += n;
	}
	return 0;
}

/* ---- from events to the tree ------------------------------------------------ */

struct builder {
	yaml_parser_t parser;
	const char *file;
	struct am_diags *diags;
	const char *text;
	size_t len;
	size_t mark_chars;	/* a place met before, in characters and in bytes: */
	size_t mark_bytes;	/* libyaml counts the former, and marks only grow */
	struct am_node *root;
	struct am_node *open[AM_YAML_DEPTH_MAX];
	size_t depth;
	size_t n_nodes;
	unsigned documents;
};

static void done_builder(struct builder *b)
{
	yaml_parser_delete(&b->parser);
	am_node_free(b->root);
}

static struct am_pos mark_pos(const struct builder *b, const yaml_mark_t *mark)
{
	return (struct am_pos){ .file = b->file, .line = mark->line + 1,
				.column = mark->column + 1 };
}

static size_t mark_offset(struct builder *b, const yaml_mark_t *mark)
{
	if (mark->index < b->mark_chars)
		b->mark_chars = b->mark_bytes = 0;
	while (b->mark_chars < mark->index && b->mark_bytes < b->len) {
		do {
			b->mark_bytes++;
		} while (b->mark_bytes < b->len &&
			 ((unsigned char)b->text[b->mark_bytes] & 0xc0) == 0x80);
		b->mark_chars++;
	}
	return b->mark_bytes;
}

static int refuse(struct builder *b, const yaml_mark_t *mark, const char *fact, const char *hint)
{
	am_diags_add(b->diags, AM_SEVERITY_ERROR, mark_pos(b, mark), hint, "%s", fact);
	return -EINVAL;
}

static int attach(struct builder *b, struct am_node *n)
{
	struct am_node *parent = b->depth ? b->open[b->depth - 1] : NULL;

	if (!parent) {
		b->root = n;
		return 0;
	}
	return AM_APPEND(parent->items, parent->n_items, n);
}

/* A new node, which already belongs to the tree. */
static int add_node(struct builder *b, enum am_node_kind kind, const yaml_event_t *event,
		    struct am_node **ret)
{
	am_auto(am_node) struct am_node *n = NULL;
	int err;

	if (++b->n_nodes > AM_YAML_NODES_MAX)
		return refuse(b, &event->start_mark, "the policy has too many values",
			      "Split it: no host needs that many stores and networks.");
	n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->kind = kind;
	n->pos = mark_pos(b, &event->start_mark);
	err = attach(b, n);
	if (err)
		return err;
	*ret = AM_TAKE_PTR(n);
	return 0;
}

static int check_scalar(struct builder *b, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t left = event->data.scalar.length;

	while (left) {
		uint32_t c = 0;
		size_t n = am_text_char(text, left, &c);

		if (!n || (am_text_is_control(c) && c != '\n' && c != '\t'))
			return refuse(b, &event->start_mark,
				      "the text holds an escaped control character",
				      "Write the text without it.");
		text += n;
		left -= n;
	}
	return 0;
}

static int add_text(struct builder *b, const yaml_event_t *event)
{
	struct am_node *n;
	size_t end;
	int err;

	err = check_scalar(b, event);
	if (err)
		return err;
	err = add_node(b, AM_NODE_TEXT, event, &n);
	if (err)
		return err;
	n->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	n->source = b->text + mark_offset(b, &event->start_mark);
	end = mark_offset(b, &event->end_mark);
	n->source_len = b->text + end - n->source;
	n->text = strndup((const char *)event->data.scalar.value, event->data.scalar.length);
	return n->text ? 0 : -ENOMEM;
}

static int open_node(struct builder *b, enum am_node_kind kind, const yaml_event_t *event)
{
	struct am_node *n;
	int err;

	if (b->depth == AM_YAML_DEPTH_MAX)
		return refuse(b, &event->start_mark, "the policy is nested too deeply",
			      "No part of a policy needs more than five levels.");
	err = add_node(b, kind, event, &n);
	if (err)
		return err;
	b->open[b->depth++] = n;
	return 0;
}

static int by_key_then_place(const void *a, const void *b)
{
	const struct am_node *const *x = a, *const *y = b;
	int order = strcmp((*x)->text, (*y)->text);

	if (order)
		return order;
	if ((*x)->pos.line != (*y)->pos.line)
		return (*x)->pos.line < (*y)->pos.line ? -1 : 1;
	return (*x)->pos.column < (*y)->pos.column ? -1 : 1;
}

static int check_keys_differ(struct builder *b, const struct am_node *map)
{
	size_t n = map->n_items / 2;
	am_autofree const struct am_node **keys = calloc(n ? n : 1, sizeof(*keys));

	if (!keys)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		keys[i] = map->items[2 * i];
	qsort(keys, n, sizeof(*keys), by_key_then_place);
	for (size_t i = 1; i < n; i++)
		if (!strcmp(keys[i - 1]->text, keys[i]->text))
			am_diags_add(b->diags, AM_SEVERITY_ERROR, keys[i]->pos,
				     "Keep one of the two.",
				     "'%.64s' is already given on line %u", keys[i]->text,
				     keys[i - 1]->pos.line);
	return 0;
}

static int close_map(struct builder *b)
{
	struct am_node *map = b->open[--b->depth];

	for (size_t i = 0; i < map->n_items; i += 2) {
		if (map->items[i]->kind == AM_NODE_TEXT)
			continue;
		am_diags_add(b->diags, AM_SEVERITY_ERROR, map->items[i]->pos,
			     "Write a word before the ':'.", "a key is a word, and this is %s",
			     am_node_describe(map->items[i]));
		return -EINVAL;
	}
	return check_keys_differ(b, map);
}

static int check_properties(struct builder *b, const yaml_event_t *event,
			    const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		return refuse(b, &event->start_mark, "a policy has no anchors ('&')",
			      "Write the value out, or put it in quotes if '&' belongs to it.");
	if (tag)
		return refuse(b, &event->start_mark, "a policy has no tags ('!')",
			      "Remove the tag, or put the value in quotes if '!' belongs to it.");
	return 0;
}

static int start_document(struct builder *b, const yaml_event_t *event)
{
	if (b->documents++)
		return refuse(b, &event->start_mark, "a second document begins here",
			      "A file holds one policy; remove the '---' or split the file.");
	return 0;
}

static int take_event(struct builder *b, const yaml_event_t *event)
{
	int err = 0;

	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		return start_document(b, event);
	case YAML_ALIAS_EVENT:
		return refuse(b, &event->start_mark, "a policy has no aliases ('*')",
			      "Write the value out, or put it in quotes if '*' belongs to it.");
	case YAML_SCALAR_EVENT:
		err = check_properties(b, event, event->data.scalar.anchor,
				       event->data.scalar.tag);
		return err ? err : add_text(b, event);
	case YAML_SEQUENCE_START_EVENT:
		err = check_properties(b, event, event->data.sequence_start.anchor,
				       event->data.sequence_start.tag);
		return err ? err : open_node(b, AM_NODE_LIST, event);
	case YAML_MAPPING_START_EVENT:
		err = check_properties(b, event, event->data.mapping_start.anchor,
				       event->data.mapping_start.tag);
		return err ? err : open_node(b, AM_NODE_MAP, event);
	case YAML_SEQUENCE_END_EVENT:
		b->depth--;
		return 0;
	case YAML_MAPPING_END_EVENT:
		return close_map(b);
	default:
		return 0;
	}
}

/* ---- libyaml's complaints, in our words ------------------------------------- */

static const struct complaint {
	const char *problem;	/* libyaml's */
	const char *fact;
	const char *hint;
} complaints[] = {
	{ "mapping values are not allowed in this context",
	  "a ':' stands where no key can be",
	  "Check the indentation of this line, or put a value that holds ': ' in quotes." },
	{ "could not find expected ':'",
	  "a ':' is missing after a key",
	  "Write 'key: value', and begin the items of a list with '- '." },
	{ "did not find expected key",
	  "this does not fit the lines above it",
	  "Indent all keys of one map alike." },
	{ "did not find expected '-' indicator",
	  "this does not fit the list above it",
	  "Begin each item of the list with '- ', indented alike." },
	{ "block sequence entries are not allowed in this context",
	  "a list item stands where no list can be",
	  "Begin the list on the line after its key." },
	{ "did not find expected ',' or ']'",
	  "a '[' is not closed",
	  "Put ',' between the items and ']' after the last." },
	{ "did not find expected ',' or '}'",
	  "a '{' is not closed",
	  "Put ',' between the keys and '}' after the last." },
	{ "did not find expected node content",
	  "a value is missing",
	  "Write the value, or remove the ',' or bracket that announces it." },
	{ "found unexpected end of stream",
	  "a quote is not closed",
	  "Close the text with the quote it begins with." },
};

static bool mark_is_at(struct builder *b, const yaml_mark_t *mark, char c)
{
	size_t at = mark_offset(b, mark);

	return at < b->len && b->text[at] == c;
}

static int refuse_syntax(struct builder *b)
{
	const char *problem = b->parser.problem ? b->parser.problem : "not YAML";
	const yaml_mark_t *mark = &b->parser.problem_mark;

	if (b->parser.error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (!strcmp(problem, "found character that cannot start any token"))
		return mark_is_at(b, mark, '\t') ?
			refuse(b, mark, "a tab stands where only spaces may",
			       "Indent with spaces.") :
			refuse(b, mark, "no value begins with this character",
			       "Put the value in quotes.");
	for (size_t i = 0; i < sizeof(complaints) / sizeof(*complaints); i++)
		if (!strcmp(problem, complaints[i].problem))
			return refuse(b, mark, complaints[i].fact, complaints[i].hint);

	am_diags_add(b->diags, AM_SEVERITY_ERROR, mark_pos(b, mark),
		     "Check indentation, quotes and brackets on this line and the one above.",
		     "this is not YAML: %s", problem);
	return -EINVAL;
}

static int build(struct builder *b)
{
	yaml_event_type_t type = YAML_NO_EVENT;

	while (type != YAML_STREAM_END_EVENT) {
		yaml_event_t event;
		int err;

		if (!yaml_parser_parse(&b->parser, &event))
			return refuse_syntax(b);
		type = event.type;
		err = take_event(b, &event);
		yaml_event_delete(&event);
		if (err)
			return err;
	}
	return 0;
}

int am_yaml_parse(const char *file, const char *text, size_t len, struct am_diags *diags,
		  struct am_node **ret)
{
	__attribute__((cleanup(done_builder))) struct builder b = { .file = file,
								    .diags = diags };
	int err;

	/* Windows editors begin UTF-8 files with a byte order mark. */
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
		text += 3;
		len -= 3;
	}
	err = check_text(file, text, len, diags);
	if (err)
		return err;

	b.text = text;
	b.len = len;
	if (!yaml_parser_initialize(&b.parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b.parser, (const unsigned char *)text, len);
	err = build(&b);
	if (err)
		return err;
	if (!b.root) {
		am_diags_add(diags, AM_SEVERITY_ERROR, (struct am_pos){ .file = file },
			     "Begin with 'version: 1'; policies/README.md shows the rest.",
			     "the file holds no policy");
		return -EINVAL;
	}
	*ret = AM_TAKE_PTR(b.root);
	return 0;
}
