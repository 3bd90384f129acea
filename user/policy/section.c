// SPDX-License-Identifier: GPL-2.0
/* A policy as a whole, and the section `labels`. */
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "policy/reader.h"

static int read_label(struct am_reader *r, const struct am_node *node, void *into)
{
	struct am_model *m = r->model;
	struct am_model_label label = { .pos = node->pos };
	int err;

	(void)into;
	if (!am_reader_name(r, node, AM_NAMED_LABEL)) {
		r->incomplete[AM_NAMED_LABEL] = true;
		return 0;
	}
	if (am_model_find(m, AM_NAMED_LABEL, node->text) >= 0) {
		am_reader_error(r, node->pos, "Keep one of the two.",
				"the label '%s' is declared twice", node->text);
		return 0;
	}
	if (m->n_labels == AM_LABELS_MAX) {
		if (!r->incomplete[AM_NAMED_LABEL])
			am_reader_error(r, node->pos,
					"Use one label for kinds of data that the same rules "
					"speak of.",
					"a policy has at most %d labels", AM_LABELS_MAX);
		r->incomplete[AM_NAMED_LABEL] = true;
		return 0;
	}
	label.name = strdup(node->text);
	if (!label.name)
		return -ENOMEM;
	err = AM_APPEND(m->labels, m->n_labels, label);
	if (err)
		free(label.name);
	return err;
}

static int read_labels(struct am_reader *r, const struct am_node *node, void *into)
{
	r->incomplete[AM_NAMED_LABEL] = node->kind != AM_NODE_LIST;
	return am_reader_list(r, node, "a list of labels",
			      "Write the labels as a list, such as [cnic, biometric].", read_label,
			      into);
}

static int read_entries(struct am_reader *r, const struct am_node *node, enum am_named named,
			int (*entry)(struct am_reader *r, const struct am_node *key,
				     const struct am_node *value))
{
	char expected[64];

	snprintf(expected, sizeof(expected), "the names of %ss", am_named_word(named));
	if (!am_reader_expects(r, node, AM_NODE_MAP, expected,
			       "Write each name with a ':' behind it, and its keys below it.")) {
		r->incomplete[named] = true;
		return 0;
	}
	for (size_t i = 0; i < node->n_items; i += 2) {
		int err = entry(r, node->items[i], node->items[i + 1]);

		if (err)
			return err;
	}
	return 0;
}

static int read_version(struct am_reader *r, const struct am_node *node, void *into)
{
	(void)into;
	if (node->kind == AM_NODE_TEXT && !strcmp(node->text, "1"))
		return 0;
	if (am_reader_expects(r, node, AM_NODE_TEXT, "1", "Write version: 1."))
		am_reader_error(r, node->pos, "Write version: 1, the only one so far.",
				"version '%.64s' of the language is not known", node->text);
	return 0;
}

static int read_name(struct am_reader *r, const struct am_node *node, void *into)
{
	struct am_model *m = into;

	if (!am_reader_name(r, node, AM_NAMED_POLICY))
		return 0;
	m->name = strdup(node->text);
	return m->name ? 0 : -ENOMEM;
}

int am_read_mode(struct am_reader *r, const struct am_node *node, enum am_mode *ret)
{
	static const char *const modes[] = { "observe", "enforce" };
	int mode = am_reader_choice(r, node, modes, AM_COUNT(modes));

	if (mode >= 0)
		*ret = mode ? AM_MODE_ENFORCE : AM_MODE_OBSERVE;
	return 0;
}

static int read_mode(struct am_reader *r, const struct am_node *node, void *into)
{
	struct am_model *m = into;

	return am_read_mode(r, node, &m->mode);
}

static int read_stores(struct am_reader *r, const struct am_node *node, void *into)
{
	(void)into;
	return read_entries(r, node, AM_NAMED_STORE, am_read_store);
}

static int read_subjects(struct am_reader *r, const struct am_node *node, void *into)
{
	(void)into;
	return read_entries(r, node, AM_NAMED_SUBJECT, am_read_subject);
}

static int read_zones(struct am_reader *r, const struct am_node *node, void *into)
{
	(void)into;
	return read_entries(r, node, AM_NAMED_ZONE, am_read_zone);
}

static int read_rule(struct am_reader *r, const struct am_node *node, void *into)
{
	(void)into;
	return am_read_rule(r, node);
}

static int read_rules(struct am_reader *r, const struct am_node *node, void *into)
{
	return am_reader_list(r, node, "a list of rules",
			      "Write each rule on a line of its own that begins with '- '.",
			      read_rule, into);
}

static int read_invariant(struct am_reader *r, const struct am_node *node, void *into)
{
	(void)into;
	return am_read_invariant(r, node);
}

static int read_invariants(struct am_reader *r, const struct am_node *node, void *into)
{
	return am_reader_list(r, node, "a list of invariants",
			      "Write each invariant on a line of its own that begins with '- '.",
			      read_invariant, into);
}

/* In the order of what refers to what, whatever their order in the file. */
static const struct am_key policy_keys[] = {
	{ "version", read_version, "Begin the policy with version: 1." },
	{ "name", read_name, "Name the policy, such as name: registry-host." },
	{ "mode", read_mode,
	  "Write mode: observe to log what breaks the policy, or mode: enforce to block it." },
	{ "labels", read_labels, NULL },
	{ "stores", read_stores, NULL },
	{ "subjects", read_subjects, NULL },
	{ "zones", read_zones, NULL },
	{ "rules", read_rules, NULL },
	{ "invariants", read_invariants, NULL },
	{ "purposes", NULL, NULL },
};

int am_read_policy(struct am_reader *r, const struct am_node *root)
{
	if (!am_reader_expects(r, root, AM_NODE_MAP, "the keys of a policy",
			       "Begin with 'version: 1'; policies/README.md shows the rest."))
		return 0;
	return am_reader_keys(r, root, "a policy", policy_keys, AM_COUNT(policy_keys), r->model);
}
