// SPDX-License-Identifier: GPL-2.0
/* A policy as a whole, and the sections `labels` and `purposes`. */
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "policy/reader.h"

/* Whether the name can join a list of names; an error if not. */
static bool may_join(struct am_reader *r, const struct am_node *node, enum am_named named,
		     size_t max, const char *hint)
{
	const struct am_model *m = r->model;
	char place[AM_PLACE_LEN];
	int known;

	if (!am_reader_name(r, node, named)) {
		r->incomplete[named] = true;
		return false;
	}
	known = am_model_find(m, named, node->text);
	if (known >= 0) {
		am_reader_error(r, node->pos, "Keep one of the two.",
				"the %s '%s' is declared twice, see %s", am_named_word(named),
				node->text, am_reader_place(am_model_pos(m, named, known),
							    node->pos, place, sizeof(place)));
		return false;
	}
	if (am_model_count(m, named) < max)
		return true;
	if (!r->incomplete[named])
		am_reader_error(r, node->pos, hint, "a policy has at most %zu %ss", max,
				am_named_word(named));
	r->incomplete[named] = true;
	return false;
}

static int read_label(struct am_reader *r, const struct am_node *node, void *into)
{
	struct am_model *m = r->model;
	struct am_model_label label = { .pos = node->pos };
	int err;

	(void)into;
	if (!may_join(r, node, AM_NAMED_LABEL, AM_LABELS_MAX,
		      "Use one label for kinds of data that the same rules speak of."))
		return 0;
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
	r->incomplete[AM_NAMED_LABEL] |= node->kind != AM_NODE_LIST;
	return am_reader_list(r, node, "a list of labels",
			      "Write the labels as a list, such as [cnic, biometric].", read_label,
			      into);
}

static int read_purpose(struct am_reader *r, const struct am_node *node, void *into)
{
	struct am_model *m = r->model;
	struct am_model_purpose purpose = { .pos = node->pos };
	int err;

	(void)into;
	if (!may_join(r, node, AM_NAMED_PURPOSE, AM_PURPOSES_LIMIT,
		      "Use one purpose for what the same stores are open for."))
		return 0;
	purpose.name = strdup(node->text);
	if (!purpose.name)
		return -ENOMEM;
	err = AM_APPEND(m->purposes, m->n_purposes, purpose);
	if (err)
		free(purpose.name);
	return err;
}

static int read_purposes(struct am_reader *r, const struct am_node *node, void *into)
{
	r->incomplete[AM_NAMED_PURPOSE] |= node->kind != AM_NODE_LIST;
	return am_reader_list(r, node, "a list of purposes",
			      "Write the purposes as a list, such as [sim-registration, kyc].",
			      read_purpose, into);
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
	{ "purposes", read_purposes, NULL },
	{ "stores", read_stores, NULL },
	{ "subjects", read_subjects, NULL },
	{ "zones", read_zones, NULL },
	{ "rules", read_rules, NULL },
	{ "invariants", read_invariants, NULL },
};

/* What every policy must say it says once: in one file, or the same in several. */
static void check_same(struct am_reader *r, const char *key, const struct am_node *first,
		       const struct am_node *value)
{
	char place[AM_PLACE_LEN];

	if (first->kind != AM_NODE_TEXT)
		return;	/* refused where it stands */
	if (value->kind != AM_NODE_TEXT || strcmp(first->text, value->text))
		am_reader_error(r, value->pos, "Say it in one of the files, or the same in each.",
				"%s is '%.64s' in %s", key, first->text,
				am_reader_place(first->pos, value->pos, place, sizeof(place)));
}

static int read_key(struct am_reader *r, const struct am_key *key,
		    const struct am_node *const *roots, size_t n)
{
	const struct am_node *first = NULL;
	struct am_pos whole = { .file = r->model->file };
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		const struct am_node *value = am_node_value(roots[i], key->name);

		if (value && first && key->missing)
			check_same(r, key->name, first, value);
		else if (value)
			err = key->read(r, value, r->model);
		first = first ? first : value;
	}
	if (!err && !first && key->missing)
		am_reader_error(r, n == 1 ? roots[0]->pos : whole, key->missing,
				"a policy has no '%s'", key->name);
	return err;
}

int am_read_policy(struct am_reader *r, const struct am_node *const *roots, size_t n)
{
	bool all = true;
	int err = 0;

	for (size_t i = 0; i < n; i++) {
		if (am_reader_expects(r, roots[i], AM_NODE_MAP, "the keys of a policy",
				      "Begin with 'version: 1'; policies/README.md shows the "
				      "rest."))
			am_reader_refuse_keys(r, roots[i], "a policy", policy_keys,
					      AM_COUNT(policy_keys));
		else
			all = false;
	}
	/* Without one of the files every name may be unknown. */
	for (size_t i = 0; all && !err && i < AM_COUNT(policy_keys); i++)
		err = read_key(r, &policy_keys[i], roots, n);
	return err;
}
