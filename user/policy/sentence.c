// SPDX-License-Identifier: GPL-2.0
#include "policy/sentence.h"

#include <errno.h>

#include "policy/sorted.h"

/* ---- lists ------------------------------------------------------------------ */

static const char *name_of(const struct am_model *m, enum am_named named, int index)
{
	if (index == AM_RULE_EVERYTHING)
		return "everything";
	return named == AM_NAMED_ZONE ? am_model_zone_name(m, index)
				      : am_model_name(m, named, index);
}

static int add_names(struct am_sorted *s, const struct am_model *m, enum am_named named,
		     const int *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (am_sorted_add(s, name_of(m, named, list[i]), i))
			return -ENOMEM;
	return 0;
}

/* A name that stands for two things is written once. */
static void write_sorted(struct am_sorted *s, FILE *out)
{
	am_sorted_sort(s);
	for (size_t i = 0; i < s->count; i++)
		if (!i || strcmp(s->items[i - 1].name, s->items[i].name))
			fprintf(out, "%s%s", i ? ", " : " ", s->items[i].name);
}

static int write_names(const struct am_model *m, enum am_named named, const int *list, size_t n,
		       FILE *out)
{
	am_autosorted struct am_sorted s = { 0 };

	if (add_names(&s, m, named, list, n))
		return -ENOMEM;
	write_sorted(&s, out);
	return 0;
}

static void write_ops(unsigned ops, FILE *out)
{
	bool read = ops >> AM_OP_READ & 1, write = ops >> AM_OP_WRITE & 1;

	fputs(read && write ? " read, write" : read ? " read" : " write", out);
}

static int write_send(const struct am_model *m, const int *labels, size_t n_labels,
		      const int *zones, size_t n_zones, FILE *out)
{
	fputs(" send", out);
	if (write_names(m, AM_NAMED_LABEL, labels, n_labels, out))
		return -ENOMEM;
	fputs(" to", out);
	return write_names(m, AM_NAMED_ZONE, zones, n_zones, out);
}

/* ---- sentences -------------------------------------------------------------- */

static int write_rule(const struct am_model *m, const void *sentence, FILE *out)
{
	const struct am_model_rule *rule = sentence;

	fprintf(out, "%s %s to", rule->deny ? "deny" : "allow",
		rule->subject == AM_RULE_ANYBODY ? "anyone" : m->subjects[rule->subject].name);
	if (rule->ops >> AM_OP_USE & 1) {
		fputs(" use", out);
		return write_names(m, AM_NAMED_PURPOSE, rule->purposes, rule->n_purposes, out);
	}
	if (rule->ops >> AM_OP_SEND & 1)
		return write_send(m, rule->labels, rule->n_labels, rule->zones, rule->n_zones,
				  out);
	write_ops(rule->ops, out);
	return write_names(m, AM_NAMED_STORE, rule->stores, rule->n_stores, out);
}

static const char *never_who(enum am_never who)
{
	switch (who) {
	case AM_NEVER_ANYONE:
		return " anyone";
	case AM_NEVER_ANYONE_BUT:
		return " anyone but";
	case AM_NEVER_THIRD_PARTY:
		return " third-party";
	default:
		return "";	/* the subject's name follows */
	}
}

/* Stores and labels together: the sentence does not tell them apart. */
static int write_objects(const struct am_model *m, const struct am_model_invariant *inv, FILE *out)
{
	am_autosorted struct am_sorted s = { 0 };

	if (add_names(&s, m, AM_NAMED_STORE, inv->stores, inv->n_stores) ||
	    add_names(&s, m, AM_NAMED_LABEL, inv->labels, inv->n_labels))
		return -ENOMEM;
	write_sorted(&s, out);
	return 0;
}

static int write_invariant(const struct am_model *m, const void *sentence, FILE *out)
{
	const struct am_model_invariant *inv = sentence;

	fprintf(out, "never%s", never_who(inv->who));
	if (write_names(m, AM_NAMED_SUBJECT, inv->subjects, inv->n_subjects, out))
		return -ENOMEM;
	fputs(" may", out);
	if (inv->ops >> AM_OP_USE & 1) {
		fputs(" use", out);
		return write_names(m, AM_NAMED_PURPOSE, inv->purposes, inv->n_purposes, out);
	}
	if (inv->ops >> AM_OP_USE & 1) {
		fputs(" use", out);
		return write_names(m, AM_NAMED_PURPOSE, inv->purposes, inv->n_purposes, out);
	}
	if (inv->ops >> AM_OP_SEND & 1)
		return write_send(m, inv->labels, inv->n_labels, inv->zones, inv->n_zones, out);
	write_ops(inv->ops, out);
	return write_objects(m, inv, out);
}

/* ---- as text ---------------------------------------------------------------- */

static int write_text(const struct am_model *m, const void *sentence,
		      int (*write)(const struct am_model *m, const void *sentence, FILE *out),
		      char **ret)
{
	am_autofree char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int err;

	if (!out)
		return -ENOMEM;
	err = write(m, sentence, out);
	if (fclose(out) != 0 || err)	/* a stream in memory has no other error */
		return -ENOMEM;
	*ret = AM_TAKE_PTR(text);
	return 0;
}

int am_sentence_rule(const struct am_model *m, const struct am_model_rule *rule, char **ret)
{
	return write_text(m, rule, write_rule, ret);
}

int am_sentence_invariant(const struct am_model *m, const struct am_model_invariant *inv,
			  char **ret)
{
	return write_text(m, inv, write_invariant, ret);
}
