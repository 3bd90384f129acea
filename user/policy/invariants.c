// SPDX-License-Identifier: GPL-2.0
/* The section `invariants`: what must never be, whatever the rules become. One text each:
 *
 *   never WHO may OP[, OP] STORE[, STORE]        OP: read, write
 *   never WHO may read LABEL[, LABEL]            the data that carries it, wherever it is
 *   never WHO may send LABEL[, LABEL] to ZONE[, ZONE]
 *   never WHO may use PURPOSE[, PURPOSE]
 *
 * WHO is a subject, anyone, third-party, or `anyone but` SUBJECT[, SUBJECT]. `everything`
 * stands for all stores, labels or purposes, `all labels` for all labels as well. A name that is
 * a store and a label is both. */
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "policy/phrase.h"

static const char example[] = "An invariant reads: never acme-support may read "
			      "citizen-registry.";

static bool expect(struct am_phrase *p, const char *word)
{
	char expected[64];

	if (am_phrase_take(p, word))
		return true;
	snprintf(expected, sizeof(expected), "'%s'", word);
	return am_phrase_fail_word(p, &word, 1, expected, example);
}

/* ---- who -------------------------------------------------------------------- */

static int read_anyone(struct am_phrase *p, struct am_model_invariant *inv)
{
	inv->who = AM_NEVER_ANYONE;
	if (!am_phrase_take(p, "but"))
		return 0;
	inv->who = AM_NEVER_ANYONE_BUT;
	do {
		int err;

		if (!am_phrase_expect_name(p, AM_NAMED_SUBJECT))
			return 0;
		err = am_phrase_name(p, AM_NAMED_SUBJECT, &inv->subjects, &inv->n_subjects);
		if (err)
			return err;
	} while (am_phrase_take(p, ","));
	return 0;
}

static int read_who(struct am_phrase *p, struct am_model_invariant *inv)
{
	if (am_phrase_take(p, "anyone"))
		return read_anyone(p, inv);
	if (am_phrase_take(p, "third-party")) {
		inv->who = AM_NEVER_THIRD_PARTY;
		return 0;
	}
	inv->who = AM_NEVER_SUBJECT;
	if (!am_phrase_expect_name(p, AM_NAMED_SUBJECT))
		return 0;
	return am_phrase_name(p, AM_NAMED_SUBJECT, &inv->subjects, &inv->n_subjects);
}

/* ---- what ------------------------------------------------------------------- */

static int read_labels(struct am_phrase *p, struct am_model_invariant *inv)
{
	if (!am_phrase_is(p, "all"))
		return am_phrase_names(p, AM_NAMED_LABEL, &inv->labels, &inv->n_labels);
	p->at++;
	if (!expect(p, "labels"))
		return 0;
	return AM_APPEND(inv->labels, inv->n_labels, AM_RULE_EVERYTHING);
}

static int read_send(struct am_phrase *p, struct am_model_invariant *inv)
{
	int err = read_labels(p, inv);

	if (err || p->failed || !expect(p, "to"))
		return err;
	return am_phrase_names(p, AM_NAMED_ZONE, &inv->zones, &inv->n_zones);
}

/* A store, or the label whose data may not be read. */
static int read_object(struct am_phrase *p, struct am_model_invariant *inv)
{
	const struct am_model *m = p->reader->model;
	const char *name = am_phrase_peek(p);
	bool is_label = inv->ops == 1U << AM_OP_READ &&
			am_model_find(m, AM_NAMED_LABEL, name) >= 0;
	int err = 0;

	if (is_label) {
		err = am_phrase_name(p, AM_NAMED_LABEL, &inv->labels, &inv->n_labels);
		if (err || am_model_find(m, AM_NAMED_STORE, name) < 0)
			return err;
		p->at--;	/* it names a store as well */
	}
	return am_phrase_name(p, AM_NAMED_STORE, &inv->stores, &inv->n_stores);
}

static int read_objects(struct am_phrase *p, struct am_model_invariant *inv)
{
	int err = 0;

	do {
		if (!am_phrase_expect_name(p, AM_NAMED_STORE))
			return 0;
		if (am_phrase_is(p, "everything"))
			err = am_phrase_everything(p, &inv->stores, &inv->n_stores);
		else
			err = read_object(p, inv);
	} while (!err && !p->failed && am_phrase_take(p, ","));
	return err;
}

/* ---- an invariant ----------------------------------------------------------- */

static int read_use(struct am_phrase *p, struct am_model_invariant *inv)
{
	int err;

	inv->ops = 1U << AM_OP_USE;
	err = am_phrase_names(p, AM_NAMED_PURPOSE, &inv->purposes, &inv->n_purposes);
	if (!err && !p->failed)
		(void)am_phrase_end(p, true);	/* a fault there is in the diags */
	return err;
}

static int read_phrase(struct am_phrase *p, struct am_model_invariant *inv)
{
	bool send;
	int err;

	if (!expect(p, "never"))
		return 0;
	err = read_who(p, inv);
	if (err || p->failed || !expect(p, "may"))
		return err;
	if (am_phrase_take(p, "use"))
		return read_use(p, inv);
	if (!am_phrase_ops(p, &inv->ops))
		return 0;
	send = inv->ops & 1U << AM_OP_SEND;
	err = send ? read_send(p, inv) : read_objects(p, inv);
	if (!err && !p->failed)
		(void)am_phrase_end(p, send);	/* a fault there is in the diags */
	return err;
}

static int add_invariant(struct am_reader *r, const struct am_node *node,
			 struct am_model_invariant **ret)
{
	struct am_model *m = r->model;
	struct am_model_invariant inv = { .pos = node->pos };
	int err;

	inv.text = strdup(node->text);
	if (!inv.text)
		return -ENOMEM;
	err = AM_APPEND(m->invariants, m->n_invariants, inv);
	if (err) {
		free(inv.text);
		return err;
	}
	*ret = &m->invariants[m->n_invariants - 1];
	return 0;
}

int am_read_invariant(struct am_reader *r, const struct am_node *node)
{
	__attribute__((cleanup(am_phrase_done))) struct am_phrase p = { .reader = r };
	struct am_model_invariant *inv = NULL;
	int err;

	if (!am_reader_expects(r, node, AM_NODE_TEXT, "an invariant", example))
		return 0;
	if (strlen(node->text) > AM_RULE_LEN_MAX) {
		am_reader_error(r, node->pos, "Write several invariants.",
				"the invariant is longer than %d bytes", AM_RULE_LEN_MAX);
		return 0;
	}
	if (r->model->n_invariants == AM_INVARIANTS_MAX) {
		am_reader_error(r, node->pos, "Name several stores or labels in one of them.",
				"a policy has at most %d invariants", AM_INVARIANTS_MAX);
		return 0;
	}
	err = am_phrase_init(&p, r, "invariant", node);
	if (err)
		return err;
	err = add_invariant(r, node, &inv);
	return err ? err : read_phrase(&p, inv);
}
