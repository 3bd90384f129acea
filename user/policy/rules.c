// SPDX-License-Identifier: GPL-2.0
/* The section `rules`. A rule is one text:
 *
 *   VERB WHO to OP[, OP] STORE[, STORE]          OP: read, write
 *   VERB WHO to send LABEL[, LABEL] to ZONE[, ZONE]
 *   VERB WHO to use PURPOSE[, PURPOSE]
 *
 * VERB is allow or deny; WHO is a subject or anyone; `everything` stands for all
 * stores, labels or purposes. */
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "policy/phrase.h"

static bool read_verb(struct am_phrase *p, struct am_model_rule *rule)
{
	static const char *const verbs[] = { "allow", "deny" };

	rule->deny = am_phrase_is(p, "deny");
	return am_phrase_take(p, "allow") || am_phrase_take(p, "deny") ||
	       am_phrase_fail_word(p, verbs, AM_COUNT(verbs), "allow or deny",
				   "A rule reads: allow SUBJECT to read STORE.");
}

static bool read_subject(struct am_phrase *p, struct am_model_rule *rule)
{
	static const char hint[] = "A rule reads: allow SUBJECT to read STORE; the subject may be "
				   "anyone.";
	const char *name = am_phrase_peek(p);

	if (!name || am_phrase_is(p, ",") || am_phrase_is(p, "to"))
		return am_phrase_fail(p, hint, "a subject");
	rule->subject = am_model_find(p->reader->model, AM_NAMED_SUBJECT, name);
	if (am_phrase_is(p, "anyone"))
		rule->subject = AM_RULE_ANYBODY;
	else if (rule->subject < 0)
		am_reader_unknown(p->reader, am_phrase_here(p), AM_NAMED_SUBJECT, name);
	p->at++;
	return true;
}

static bool read_to(struct am_phrase *p, const char *hint)
{
	if (am_phrase_is(p, ","))
		return am_phrase_fail(p, "A rule names one subject; write one rule for each.",
				      "'to'");
	return am_phrase_take(p, "to") || am_phrase_fail(p, hint, "'to'");
}

static int read_send(struct am_phrase *p, struct am_model_rule *rule)
{
	int err;

	err = am_phrase_names(p, AM_NAMED_LABEL, &rule->labels, &rule->n_labels);
	if (err || p->failed)
		return err;
	if (!am_phrase_take(p, "to")) {
		am_phrase_fail(p, "Say where to: allow SUBJECT to send LABEL to ZONE.", "'to'");
		return 0;
	}
	return am_phrase_names(p, AM_NAMED_ZONE, &rule->zones, &rule->n_zones);
}

/* Who needs a purpose to be the subject cannot take one on: he has none yet. */
static void check_user(struct am_phrase *p, const struct am_model_rule *rule)
{
	const struct am_model_subject *s;

	if (rule->subject == AM_RULE_ANYBODY || rule->subject < 0)
		return;
	s = &p->reader->model->subjects[rule->subject];
	if (s->purpose)
		am_reader_error(p->reader, rule->pos,
				"Name a subject for those who may take it on, without purpose.",
				"the subject '%s' is one only under the purpose '%s', so nobody "
				"could ever take it on", s->name, s->purpose);
}

static int read_use(struct am_phrase *p, struct am_model_rule *rule)
{
	int err;

	rule->ops = 1U << AM_OP_USE;
	check_user(p, rule);
	err = am_phrase_names(p, AM_NAMED_PURPOSE, &rule->purposes, &rule->n_purposes);
	if (!err && !p->failed)
		(void)am_phrase_end(p, true);	/* a fault there is in the diags */
	return err;
}

static int read_phrase(struct am_phrase *p, struct am_model_rule *rule)
{
	bool send;
	int err;

	if (!read_verb(p, rule) || !read_subject(p, rule) ||
	    !read_to(p, "A rule reads: allow SUBJECT to read STORE."))
		return 0;
	if (am_phrase_take(p, "use"))
		return read_use(p, rule);
	if (!am_phrase_ops(p, &rule->ops))
		return 0;
	send = rule->ops & 1U << AM_OP_SEND;
	err = send ? read_send(p, rule) :
		     am_phrase_names(p, AM_NAMED_STORE, &rule->stores, &rule->n_stores);
	if (!err && !p->failed)
		(void)am_phrase_end(p, send);	/* a fault there is in the diags */
	return err;
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
	__attribute__((cleanup(am_phrase_done))) struct am_phrase p = { .reader = r };
	struct am_model_rule *rule = NULL;
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
		if (!r->too_many_rules)
			am_reader_error(r, node->pos,
					"Name several stores, labels or zones in one rule.",
					"a policy has at most %d rules", AM_RULES_MAX);
		r->too_many_rules = true;
		return 0;
	}
	err = am_phrase_init(&p, r, "rule", node);
	if (err)
		return err;
	err = add_rule(r, node, &rule);
	return err ? err : read_phrase(&p, rule);
}
