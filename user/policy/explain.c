// SPDX-License-Identifier: GPL-2.0
#include "policy/explain.h"

#include <string.h>

#include "event/dest.h"
#include "event/event.h"
#include "policy/question.h"
#include "policy/reader.h"
#include "policy/rule.h"
#include "policy/set.h"

/* ---- names ------------------------------------------------------------------ */

/* The bit of a label of the model; AM_LABELS_MAX if the registry has none. */
static unsigned label_bit(const struct am_question *q, unsigned label)
{
	const char *name = q->model->labels[label].name;

	for (unsigned bit = 0; bit < AM_LABELS_MAX; bit++) {
		const char *known = am_registry_label_name(q->registry, bit);

		if (known && !strcmp(known, name))
			return bit;
	}
	return AM_LABELS_MAX;
}

static bool carries(const struct am_question *q, uint64_t labels, unsigned label)
{
	unsigned bit = label_bit(q, label);

	return bit < AM_LABELS_MAX && labels >> bit & 1;
}

static void say_labels(const struct am_question *q, uint64_t labels)
{
	const char *comma = "";

	for (unsigned bit = 0; bit < AM_LABELS_MAX; bit++) {
		const char *name = am_registry_label_name(q->registry, bit);

		if (!(labels >> bit & 1))
			continue;
		fprintf(q->out, "%s%s", comma, name ? name : "?");
		comma = ", ";
	}
}

static void say_label_noun(const struct am_question *q, uint64_t labels)
{
	fputs(labels & (labels - 1) ? "labels " : "label ", q->out);
	say_labels(q, labels);
}

static const char *subject_name(const struct am_question *q, int subject)
{
	return subject == AM_RULE_ANYBODY ? "anyone" : q->model->subjects[subject].name;
}

static size_t rule_number(const struct am_question *q, const struct am_model_rule *rule)
{
	return rule - q->model->rules + 1;
}

static int find_store(const struct am_question *q)
{
	const char *name = am_registry_store_name(q->registry, q->event->store);
	const struct am_store *store = am_store_of(q->image->policy, q->event->store);

	return name && store ? am_model_find(q->model, AM_NAMED_STORE, name) : -1;
}

/* ---- rules ------------------------------------------------------------------ */

static bool is_subject(const struct am_question *q, const struct am_model_rule *rule)
{
	return rule->subject == AM_RULE_ANYBODY || am_set_has(&q->event->bits, rule->subject);
}

static bool in_zone(const struct am_event *e, unsigned zone)
{
	for (unsigned i = 0; i < e->zones.count && i < AM_ZONE_HITS; i++)
		if (e->zones.id[i] == zone)
			return true;
	return zone == AM_ZONE_ANYWHERE;
}

/* A zone of the rule in which the destination lies; -1 if none. */
static int common_zone(const struct am_question *q, const struct am_model_rule *rule)
{
	for (size_t i = 0; i < rule->n_zones; i++)
		if (in_zone(q->event, rule->zones[i]))
			return rule->zones[i];
	return -1;
}

/* The first of `labels` that the rule is about sending, as an index; -1 if none. */
static int common_label(const struct am_question *q, const struct am_model_rule *rule,
			uint64_t labels)
{
	for (size_t i = 0; i < q->model->n_labels; i++)
		if (carries(q, labels, i) &&
		    am_rule_speaks_of(rule->labels, rule->n_labels, i))
			return i;
	return -1;
}

/* As the kernel has it. */
static const struct am_store *image_store(const struct am_question *q, unsigned store)
{
	return &q->image->policy->stores[q->image->stores[store] & AM_STORE_SLOT_MASK];
}

/* Whether the task may read copies of the store by the rule: under one of the store's
 * purposes, if it has some. */
static bool reads_copies(const struct am_question *q, const struct am_model_rule *rule,
			 const struct am_store *s)
{
	unsigned subject = rule->subject == AM_RULE_ANYBODY ? (unsigned)AM_SUBJECT_ANYONE
							    : (unsigned)rule->subject;
	unsigned bit = am_image_narrow(q->image, q->model, subject, s->purposes);

	return bit < AM_SUBJECTS_MAX && am_set_has(&q->event->bits, bit);
}

/* A store of the rule that carries one of `labels`; -1 if none. One whose copies the task
 * may read by the rule, if there is one. */
static int common_store(const struct am_question *q, const struct am_model_rule *rule,
			uint64_t labels)
{
	int found = -1;

	for (size_t i = 0; i < q->model->n_stores; i++) {
		const struct am_store *s = image_store(q, i);

		if (!(s->labels & labels) ||
		    !am_rule_speaks_of(rule->stores, rule->n_stores, i))
			continue;
		if (reads_copies(q, rule, s))
			return i;
		found = found < 0 ? (int)i : found;
	}
	return found;
}

/* Whether a rule that lets read the labels does so under purposes that the task lacks. */
static bool lacks_purpose(const struct am_question *q, const struct am_model_rule *rule,
			  uint64_t labels)
{
	int store = q->event->op == AM_OP_READ && labels ? common_store(q, rule, labels) : -1;

	return store >= 0 && q->model->stores[store].n_purposes &&
	       !reads_copies(q, rule, image_store(q, store));
}

/* The rule that allows or denies what the event did: to its store, or else to `labels`. */
static bool decides(const struct am_question *q, const struct am_model_rule *rule, uint64_t labels)
{
	if (!am_rule_does(rule, q->event->op) || !is_subject(q, rule))
		return false;
	if (q->event->op == AM_OP_SEND)
		return common_label(q, rule, labels) >= 0 && common_zone(q, rule) >= 0;
	if (!labels)
		return am_rule_speaks_of(rule->stores, rule->n_stores, q->store);
	return common_store(q, rule, labels) >= 0 &&
	       (rule->deny || !lacks_purpose(q, rule, labels));
}

static const struct am_model_rule *find_rule(const struct am_question *q, bool deny, uint64_t labels)
{
	for (size_t i = 0; i < q->model->n_rules; i++)
		if (q->model->rules[i].deny == deny &&
		    decides(q, &q->model->rules[i], labels))
			return &q->model->rules[i];
	return NULL;
}

/* "rule 3: registry-db may send cnic to app-tier" */
static void say_label_rule(const struct am_question *q, const struct am_model_rule *rule,
			   uint64_t labels)
{
	const struct am_model *m = q->model;

	fprintf(q->out, "rule %zu: %s may%s ", rule_number(q, rule),
		subject_name(q, rule->subject), rule->deny ? " not" : "");
	if (q->event->op == AM_OP_SEND)
		fprintf(q->out, "send %s to %s", m->labels[common_label(q, rule, labels)].name,
			am_model_zone_name(m, common_zone(q, rule)));
	else
		fprintf(q->out, "read %s, which carries the same labels",
			m->stores[common_store(q, rule, labels)].name);
}

/* ---- what would change it --------------------------------------------------- */

static bool is_about(const struct am_question *q, const struct am_model_rule *rule, uint64_t labels)
{
	if (rule->deny || !am_rule_does(rule, q->event->op))
		return false;
	if (q->event->op == AM_OP_SEND)
		return common_label(q, rule, labels) >= 0;
	if (!labels)
		return am_rule_speaks_of(rule->stores, rule->n_stores, q->store);
	return common_store(q, rule, labels) >= 0;
}

/* How far a rule is from allowing it: conditions that do not hold, the zone, the purpose. */
static unsigned misses(const struct am_question *q, const struct am_model_rule *rule,
		       uint64_t labels)
{
	unsigned n = (q->event->op == AM_OP_SEND && common_zone(q, rule) < 0) +
		     lacks_purpose(q, rule, labels);

	if (is_subject(q, rule))
		return n;
	return n + 1 + __builtin_popcount(am_question_unmet(q, rule->subject));
}

static const struct am_model_rule *nearest_rule(const struct am_question *q, uint64_t labels)
{
	const struct am_model_rule *best = NULL;

	for (size_t i = 0; i < q->model->n_rules; i++) {
		const struct am_model_rule *rule = &q->model->rules[i];

		if (is_about(q, rule, labels) &&
		    (!best || misses(q, rule, labels) < misses(q, best, labels)))
			best = rule;
	}
	return best;
}

static void say_purposes(const struct am_question *q, const struct am_model_store *s)
{
	fprintf(q->out, "purpose%s ", s->n_purposes > 1 ? "s" : "");
	for (size_t i = 0; i < s->n_purposes; i++)
		fprintf(q->out, "%s%s", i ? ", " : "", q->model->purposes[s->purposes[i]].name);
}

static void say_nearest(const struct am_question *q, uint64_t labels)
{
	const struct am_model_rule *rule = nearest_rule(q, labels);

	if (!rule)
		return;
	fprintf(q->out, "; rule %zu lets %s", rule_number(q, rule),
		subject_name(q, rule->subject));
	if (q->event->op == AM_OP_SEND && common_zone(q, rule) < 0)
		fprintf(q->out, " send to %s", am_model_zone_name(q->model, rule->zones[0]));
	if (lacks_purpose(q, rule, labels)) {
		fputs(" under the ", q->out);
		say_purposes(q, &q->model->stores[common_store(q, rule, labels)]);
	}
	if (!is_subject(q, rule)) {
		fputs(", which needs", q->out);
		am_question_say_needs(q, rule->subject);
	}
}

/* ---- one answer for each reason --------------------------------------------- */

static void say_store_rule(const struct am_question *q, bool deny)
{
	const struct am_model_rule *rule = q->store < 0 ? NULL : find_rule(q, deny, 0);

	if (rule)
		fprintf(q->out, "rule %zu: %s is %s", rule_number(q, rule),
			subject_name(q, rule->subject), deny ? "denied" : "allowed");
	else
		fprintf(q->out, "a rule %s it", deny ? "denies" : "allows");
}

/* One rule for each label, each rule once. */
static void say_label_rules(const struct am_question *q)
{
	const struct am_model_rule *last = NULL;

	for (unsigned bit = 0; bit < AM_LABELS_MAX; bit++) {
		uint64_t label = q->event->labels & 1ULL << bit;
		const struct am_model_rule *rule = label ? find_rule(q, false, label) : NULL;

		if (!rule || rule == last)
			continue;
		fputs(last ? "; " : "", q->out);
		say_label_rule(q, rule, label);
		last = rule;
	}
	if (!last && in_zone(q->event, AM_ZONE_TERMINAL))
		fputs("who may read data may see it on a terminal, and no rule denies it", q->out);
	else if (!last)
		fputs("a rule allows it", q->out);
}

static void say_allowed(const struct am_question *q)
{
	if (q->store >= 0) {
		say_store_rule(q, false);
	} else if (q->event->op == AM_OP_WRITE) {
		fputs("what is written to takes over the ", q->out);
		say_label_noun(q, q->event->labels);
	} else {
		say_label_rules(q);
	}
}

static void say_no_rule(const struct am_question *q)
{
	fputs("no rule lets ", q->out);
	am_question_say_who(q);
	fprintf(q->out, " %s %s", am_op_name(q->event->op),
		q->store < 0 ? "a store that the policy does not have"
			     : q->model->stores[q->store].name);
	if (q->store >= 0)
		say_nearest(q, 0);
}

/* ---- purposes --------------------------------------------------------------- */

/* A rule that lets somebody use the purpose: of those that the task is, or the nearest. */
static const struct am_model_rule *find_use(const struct am_question *q, unsigned purpose)
{
	const struct am_model_rule *best = NULL;

	for (size_t i = 0; i < q->model->n_rules; i++) {
		const struct am_model_rule *rule = &q->model->rules[i];

		if (!rule->deny && am_rule_does(rule, AM_OP_USE) &&
		    am_rule_speaks_of(rule->purposes, rule->n_purposes, purpose) &&
		    (!best || misses(q, rule, 0) < misses(q, best, 0)))
			best = rule;
	}
	return best;
}

static bool may_use(const struct am_question *q, unsigned purpose)
{
	const char *name = q->model->purposes[purpose].name;

	for (unsigned n = 1; n < AM_PURPOSES_MAX; n++)
		if (q->image->purposes[n] && !strcmp(q->image->purposes[n], name))
			return am_image_may_use(q->image, &q->event->bits, n);
	return false;
}

static void say_use(const struct am_question *q, unsigned purpose)
{
	const struct am_model_rule *rule = find_use(q, purpose);

	if (!rule)
		return;
	fprintf(q->out, "; rule %zu lets %s use %s", rule_number(q, rule),
		subject_name(q, rule->subject), q->model->purposes[purpose].name);
	if (is_subject(q, rule))
		return;
	fputs(", which needs", q->out);
	am_question_say_needs(q, rule->subject);
}

static void say_purpose(const struct am_question *q)
{
	const struct am_model_store *s = q->store < 0 ? NULL : &q->model->stores[q->store];
	unsigned best;

	if (!s || !s->n_purposes) {
		fputs("the store is open for other purposes only", q->out);
		return;
	}
	best = s->purposes[0];
	for (size_t i = 1; i < s->n_purposes; i++)
		if (may_use(q, s->purposes[i]) && !may_use(q, best))
			best = s->purposes[i];
	fprintf(q->out, "%s is open for the ", s->name);
	say_purposes(q, s);
	fputs(" only; ", q->out);
	am_question_say_who(q);
	fputs(" runs under another or none", q->out);
	say_use(q, best);
}

static void say_label_denies(const struct am_question *q)
{
	const struct am_model_rule *rule = find_rule(q, true, q->event->culprits);

	if (rule) {
		say_label_rule(q, rule, q->event->culprits);
		return;
	}
	fputs("a rule denies it for ", q->out);
	say_label_noun(q, q->event->culprits);
}

static void say_zones(const struct am_question *q)
{
	const struct am_zones *zones = &q->event->zones;
	const char *comma = "";

	fputs(" (zones: ", q->out);
	for (unsigned i = 0; i < zones->count && i < AM_ZONE_HITS; i++) {
		const char *name = am_model_zone_name(q->model, zones->id[i]);

		/* Every destination is in it: said only where there is no other. */
		if (zones->id[i] == AM_ZONE_ANYWHERE)
			continue;
		fprintf(q->out, "%s%s", comma, name ? name : "?");
		comma = ", ";
	}
	fputs(*comma ? ")" : "anywhere)", q->out);
}

static void say_label_no_rule(const struct am_question *q)
{
	uint64_t first = q->event->culprits & -q->event->culprits;
	char where[AM_DEST_TEXT];

	if (q->event->op == AM_OP_SEND) {
		am_dest_text(q->event, where);
		say_label_noun(q, q->event->culprits);
		fprintf(q->out, " may not be sent to %s", where);
		say_zones(q);
	} else {
		fputs("no rule lets ", q->out);
		am_question_say_who(q);
		fputs(" read data that carries the ", q->out);
		say_label_noun(q, q->event->culprits);
	}
	if (first)
		say_nearest(q, first);
}

static void say_spill(const struct am_question *q)
{
	say_label_noun(q, q->event->culprits);
	fputs(" may not be written outside the stores that have it (spill: deny)", q->out);
}

static void say_unknown(const struct am_question *q)
{
	const char *word = q->event->verdict == AM_VERDICT_ALLOW ? "allow" : "deny";

	fputs("who asks could not be established, and on-error is ", q->out);
	if (q->store >= 0)
		fprintf(q->out, "%s for %s", word, q->model->stores[q->store].name);
	else
		fprintf(q->out, "%s for the stores that share its labels", word);
}

static void say_unrecorded(const struct am_question *q)
{
	fputs("it could not be recorded, and without that nothing is done with ", q->out);
	if (q->store >= 0 && q->model->stores[q->store].strict)
		fputs(q->model->stores[q->store].name, q->out);
	else
		say_label_noun(q, q->event->culprits);
	fputs(" (strict)", q->out);
}

static void answer(const struct am_question *q)
{
	switch (q->event->reason) {
	case AM_REASON_RULE_ALLOWS:
		say_allowed(q);
		break;
	case AM_REASON_RULE_DENIES:
		say_store_rule(q, true);
		break;
	case AM_REASON_NO_RULE:
		say_no_rule(q);
		break;
	case AM_REASON_PURPOSE:
		say_purpose(q);
		break;
	case AM_REASON_LABEL_DENIES:
		say_label_denies(q);
		break;
	case AM_REASON_LABEL_NO_RULE:
		say_label_no_rule(q);
		break;
	case AM_REASON_SPILL:
		say_spill(q);
		break;
	case AM_REASON_UNKNOWN_FACT:
		say_unknown(q);
		break;
	case AM_REASON_UNRECORDED:
		say_unrecorded(q);
		break;
	default:
		fputs("nothing that the policy protects", q->out);
	}
}

/* Why a task that looks like an executable is not it. */
static void say_doubts(const struct am_question *q)
{
	if (q->event->flags & AM_EVENT_FOREIGN_CODE)
		fputs("; it does not count as its executable: it runs code from a file that "
		      "others than root can write",
		      q->out);
	if (q->event->flags & AM_EVENT_TRACED)
		fputs("; it does not count as its executable: another process has looked into it",
		      q->out);
}

static void answer_without_model(const struct am_question *q)
{
	fprintf(q->out, "%s, under policy generation %u, whose text is not known any more",
		am_reason_name(q->event->reason), q->event->generation);
}

void am_explain_event(const struct am_model *model, const struct am_image *image,
		      const struct am_registry *registry, const struct am_event *event,
		      const char *exe, char *buf, size_t size)
{
	struct am_question q = { .model = model, .image = image, .registry = registry,
			      .event = event, .exe = exe, .store = -1 };
	am_autofclose FILE *out = NULL;

	if (!size)
		return;
	/* The stream ends the text only where there is room for it. */
	memset(buf, 0, size);
	if (event->kind == AM_EVENT_PROCESS)	/* nothing was decided */
		return;
	out = size > 1 ? fmemopen(buf, size - 1, "w") : NULL;
	if (!out)
		return;
	q.out = out;
	if (event->kind == AM_EVENT_FOREIGN && event->act == AM_ACT_EXEC) {
		fputs("the caller has set LD_PRELOAD, LD_AUDIT or LD_LIBRARY_PATH for a program that the policy "
		      "names; the loader leaves them out", out);
	} else if (event->kind == AM_EVENT_FOREIGN) {
		fputs("others than root can write this file and its code runs in the process, which "
		      "therefore does not count as its executable until the next exec",
		      out);
	} else if (event->reason == AM_REASON_NO_POLICY) {
		fputs("no policy is in force", out);
	} else if (!model || !image) {
		answer_without_model(&q);
	} else {
		q.store = find_store(&q);
		answer(&q);
		if (event->verdict == AM_VERDICT_DENY)
			say_doubts(&q);
	}
}

/* ---- taking on a purpose ---------------------------------------------------- */

/* The rule that decides: one that denies, or else one that allows. */
static const struct am_model_rule *find_use_rule(const struct am_question *q, unsigned purpose,
						 bool deny)
{
	for (size_t i = 0; i < q->model->n_rules; i++) {
		const struct am_model_rule *rule = &q->model->rules[i];

		if (rule->deny == deny && am_rule_does(rule, AM_OP_USE) && is_subject(q, rule) &&
		    am_rule_speaks_of(rule->purposes, rule->n_purposes, purpose))
			return rule;
	}
	return NULL;
}

static void answer_use(const struct am_question *q, unsigned purpose, bool allowed)
{
	const char *name = q->model->purposes[purpose].name;
	const struct am_model_rule *rule = find_use_rule(q, purpose, true);

	if (!rule)
		rule = find_use_rule(q, purpose, false);
	if (rule && rule->deny != allowed) {
		fprintf(q->out, "rule %zu: %s may%s use %s", rule_number(q, rule),
			subject_name(q, rule->subject), allowed ? "" : " not", name);
		return;
	}
	fprintf(q->out, "no rule lets ");
	am_question_say_who(q);
	fprintf(q->out, " use %s", name);
	say_use(q, purpose);
}

void am_explain_use(const struct am_model *model, const struct am_image *image,
		    const struct am_registry *registry, const struct am_event *who,
		    const char *exe, const char *name, bool allowed, char *buf, size_t size)
{
	struct am_question q = { .model = model, .image = image, .registry = registry,
				 .event = who, .exe = exe, .store = -1 };
	int purpose = am_model_find(model, AM_NAMED_PURPOSE, name);
	am_autofclose FILE *out = NULL;

	if (!size)
		return;
	memset(buf, 0, size);	/* as in am_explain_event() */
	out = size > 1 ? fmemopen(buf, size - 1, "w") : NULL;
	if (!out)
		return;
	q.out = out;
	if (purpose < 0)
		fprintf(out, "the policy has no purpose '%s'", name);
	else
		answer_use(&q, purpose, allowed);
}
