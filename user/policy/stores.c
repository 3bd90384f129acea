// SPDX-License-Identifier: GPL-2.0
/* The section `stores`. */
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "policy/reader.h"

static int read_store_path(struct am_reader *r, const struct am_node *node, void *into)
{
	struct am_model_store *s = into;
	struct am_model_path path = { .pos = node->pos };
	int err;

	if (r->model->n_paths == AM_PATHS_MAX) {
		am_reader_error(r, node->pos, "Name a folder that holds several of them.",
				"a policy has at most %d paths", AM_PATHS_MAX);
		return 0;
	}
	err = am_reader_path(r, node, &path.path);
	if (err || !path.path)
		return err;
	err = AM_APPEND(s->paths, s->n_paths, path);
	if (err)
		free(path.path);
	else
		r->model->n_paths++;
	return err;
}

static int read_store_paths(struct am_reader *r, const struct am_node *node, void *into)
{
	static const char hint[] = "Write the paths as a list, such as [/srv/registry].";

	if (node->kind == AM_NODE_LIST && !node->n_items)
		am_reader_error(r, node->pos, hint, "the store has no path");
	return am_reader_list(r, node, "a list of paths", hint, read_store_path, into);
}

static int read_store_label(struct am_reader *r, const struct am_node *node, void *into)
{
	struct am_model_store *s = into;
	int label;

	if (!am_reader_expects(r, node, AM_NODE_TEXT, "a label",
			       "Name a label that is declared under 'labels'."))
		return 0;
	label = am_model_find(r->model, AM_NAMED_LABEL, node->text);
	if (label < 0) {
		am_reader_unknown(r, node->pos, AM_NAMED_LABEL, node->text);
		return 0;
	}
	for (size_t i = 0; i < s->n_labels; i++) {
		if (s->labels[i] != (unsigned)label)
			continue;
		am_reader_error(r, node->pos, "Keep one of the two.",
				"the store has the label '%s' twice", node->text);
		return 0;
	}
	return AM_APPEND(s->labels, s->n_labels, (unsigned)label);
}

static const char labels_hint[] = "Say what kind of data it is, such as labels: [cnic]; rules "
				  "about sending speak of labels.";

static int read_store_labels(struct am_reader *r, const struct am_node *node, void *into)
{
	if (node->kind == AM_NODE_LIST && !node->n_items)
		am_reader_error(r, node->pos, labels_hint, "the store has no label");
	return am_reader_list(r, node, "a list of labels", labels_hint, read_store_label, into);
}

static int read_store_purpose(struct am_reader *r, const struct am_node *node, void *into)
{
	struct am_model_store *s = into;
	int purpose;

	if (!am_reader_expects(r, node, AM_NODE_TEXT, "a purpose",
			       "Name a purpose that is declared under 'purposes'."))
		return 0;
	purpose = am_model_find(r->model, AM_NAMED_PURPOSE, node->text);
	if (purpose < 0) {
		am_reader_unknown(r, node->pos, AM_NAMED_PURPOSE, node->text);
		return 0;
	}
	for (size_t i = 0; i < s->n_purposes; i++) {
		if (s->purposes[i] != (unsigned)purpose)
			continue;
		am_reader_error(r, node->pos, "Keep one of the two.",
				"the store has the purpose '%s' twice", node->text);
		return 0;
	}
	return AM_APPEND(s->purposes, s->n_purposes, (unsigned)purpose);
}

static int read_store_purposes(struct am_reader *r, const struct am_node *node, void *into)
{
	static const char hint[] = "Write the purposes as a list, such as [kyc]; leave them out to "
				   "open the store whatever the purpose.";

	if (node->kind == AM_NODE_LIST && !node->n_items)
		am_reader_error(r, node->pos, hint, "the list of purposes is empty");
	return am_reader_list(r, node, "a list of purposes", hint, read_store_purpose, into);
}

static int read_store_class(struct am_reader *r, const struct am_node *node, void *into)
{
	struct am_model_store *s = into;

	if (!am_reader_expects(r, node, AM_NODE_TEXT, "a class",
			       "Write your word for it, such as restricted."))
		return 0;
	if (strlen(node->text) > AM_NAME_LEN_MAX || strpbrk(node->text, "\n\t")) {
		am_reader_error(r, node->pos, "Write a word, such as restricted.",
				"the class is longer than %d bytes or more than a line",
				AM_NAME_LEN_MAX);
		return 0;
	}
	s->class = strdup(node->text);
	return s->class ? 0 : -ENOMEM;
}

static int read_store_mode(struct am_reader *r, const struct am_node *node, void *into)
{
	struct am_model_store *s = into;

	return am_read_mode(r, node, &s->mode);
}

static int read_store_spill(struct am_reader *r, const struct am_node *node, void *into)
{
	static const char *const words[] = { "track", "deny" };
	struct am_model_store *s = into;

	s->spill_deny = am_reader_choice(r, node, words, AM_COUNT(words)) == 1;
	return 0;
}

static int read_store_on_error(struct am_reader *r, const struct am_node *node, void *into)
{
	static const char *const words[] = { "deny", "allow" };
	struct am_model_store *s = into;

	s->error_allow = am_reader_choice(r, node, words, AM_COUNT(words)) == 1;
	return 0;
}

static int read_store_strict(struct am_reader *r, const struct am_node *node, void *into)
{
	static const char *const words[] = { "false", "true" };
	struct am_model_store *s = into;

	s->strict = am_reader_choice(r, node, words, AM_COUNT(words)) == 1;
	return 0;
}

static const struct am_key store_keys[] = {
	{ "paths", read_store_paths,
	  "Say what the store protects, such as paths: [/srv/registry]." },
	{ "labels", read_store_labels, labels_hint },
	{ "purposes", read_store_purposes, NULL },
	{ "class", read_store_class, NULL },
	{ "mode", read_store_mode, NULL },
	{ "spill", read_store_spill, NULL },
	{ "on-error", read_store_on_error, NULL },
	{ "strict", read_store_strict, NULL },
	{ "retention", NULL, NULL },
};

int am_read_store(struct am_reader *r, const struct am_node *key, const struct am_node *value)
{
	struct am_model *m = r->model;
	struct am_model_store store = { .pos = key->pos, .mode = m->mode };
	int err;

	if (!am_reader_may_add(r, key, AM_NAMED_STORE, AM_STORES_MAX))
		return 0;
	store.name = strdup(key->text);
	if (!store.name)
		return -ENOMEM;
	err = AM_APPEND(m->stores, m->n_stores, store);
	if (err) {
		free(store.name);
		return err;
	}
	if (!am_reader_expects(r, value, AM_NODE_MAP, "the keys of a store",
			       "Give the store paths and labels, indented below its name."))
		return 0;
	return am_reader_keys(r, value, "a store", store_keys, AM_COUNT(store_keys),
			      &m->stores[m->n_stores - 1]);
}
