/* SPDX-License-Identifier: GPL-2.0 */
/* A YAML text as a tree in which every value knows its place. Only what a policy
 * needs of YAML: one document of texts, lists and maps; no aliases, anchors or
 * tags, whose cost or meaning is not on the page. Private to policy/. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"

enum am_node_kind {
	AM_NODE_INVALID = 0,
	AM_NODE_TEXT,
	AM_NODE_LIST,
	AM_NODE_MAP,
	AM_NODE_MAX_,
};

struct am_node {
	enum am_node_kind kind;
	struct am_pos pos;
	char *text;		/* TEXT: owned, without control characters but \n and \t */
	bool quoted;		/* TEXT: written in quotes or as a block */
	const char *source;	/* TEXT: as written, quotes included; borrowed from the input */
	size_t source_len;
	struct am_node **items;	/* LIST: items; MAP: key, value, key, value ... (keys are TEXT) */
	size_t n_items;
};

enum {
	AM_YAML_DEPTH_MAX = 16,
	AM_YAML_NODES_MAX = 200000,
};

/* 0, with the tree in *ret and possibly with errors in `diags` (a key given twice);
 * -EINVAL with an error in `diags` when there is no tree; -ENOMEM. Positions borrow
 * `file`, the tree borrows `text`. */
int am_yaml_parse(const char *file, const char *text, size_t len, struct am_diags *diags,
		  struct am_node **ret);

void am_node_free(struct am_node *n);
AM_DEFINE_AUTO(am_node);

/* "a text", "a list", "nothing" ...: what a message says was found. */
const char *am_node_describe(const struct am_node *n);

/* Finds where the words of a TEXT stand in the file, one after the other. */
struct am_node_words {
	const struct am_node *node;
	const char *at;
	struct am_pos pos;
};

void am_node_words_init(struct am_node_words *w, const struct am_node *node);

/* The place of the next `word`; that of the whole text if it was written otherwise
 * there, with escapes. */
struct am_pos am_node_words_find(struct am_node_words *w, const char *word, size_t len);
