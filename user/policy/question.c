// SPDX-License-Identifier: GPL-2.0
/* Facts about the task of an event: what it shows, and what a subject would need. */
#include <string.h>

#include "event/escape.h"
#include "policy/question.h"
#include "policy/set.h"

static bool fact_holds(const struct am_question *q, enum am_fact kind, uint64_t value,
		       unsigned subject)
{
	for (size_t i = 0; i < q->image->n_facts; i++) {
		const struct am_image_fact *f = &q->image->facts[i];

		if (f->key.kind == kind && f->key.value == value)
			return am_set_has(&f->set, subject);
	}
	return false;
}

/* The name that some subject has for the number; NULL if none. */
static const char *account_name(const struct am_question *q, enum am_fact kind, uint32_t id)
{
	for (size_t i = 0; i < q->model->n_subjects; i++) {
		const char *atom = am_subject_atom(&q->model->subjects[i], kind);

		if (atom && fact_holds(q, kind, id, i))
			return atom;
	}
	return NULL;
}

static void say_account(const struct am_question *q, enum am_fact kind, const char *word,
			const char *number_word, uint32_t id)
{
	const char *name = account_name(q, kind, id);

	if (name)
		fprintf(q->out, "%s=%s", word, name);
	else
		fprintf(q->out, "%s=%u", number_word, id);
}

/* Who logged in is said where rules may have asked for it. */
void am_question_say_who(const struct am_question *q)
{
	say_account(q, AM_FACT_USER, "user", "uid", q->event->uid);
	if (q->image->policy->mentioned >> AM_FACT_LOGIN & 1 && q->event->login != UINT32_MAX) {
		fputc(' ', q->out);
		say_account(q, AM_FACT_LOGIN, "login", "login", q->event->login);
	}
	if (q->exe && q->exe[0]) {
		fputs(" exe=", q->out);
		am_escape_write(q->out, q->exe, AM_ESCAPE_WORD);
	}
}

/* What is known to hold of one that the task is holds of the task. */
static bool holds_of_another(const struct am_question *q, enum am_fact kind, const char *atom)
{
	for (size_t i = 0; i < q->model->n_subjects; i++) {
		const char *other = am_subject_atom(&q->model->subjects[i], kind);

		if (other && !strcmp(other, atom) && am_set_has(&q->event->bits, i))
			return true;
	}
	return false;
}

/* Whether the event shows that a condition of the subject holds. */
static bool is_shown(const struct am_question *q, unsigned subject, enum am_fact kind,
		     const char *atom)
{
	switch (kind) {
	case AM_FACT_EXE:
		return q->exe && !strcmp(atom, q->exe);
	case AM_FACT_USER:
		return fact_holds(q, kind, q->event->uid, subject);
	case AM_FACT_GROUP:
		return fact_holds(q, kind, q->event->gid, subject) ||
		       holds_of_another(q, kind, atom);
	case AM_FACT_LOGIN:
		return fact_holds(q, kind, q->event->login, subject);
	default:
		return holds_of_another(q, kind, atom);
	}
}

unsigned am_question_unmet(const struct am_question *q, unsigned subject)
{
	unsigned missing = 0;

	for (unsigned kind = AM_FACT_INVALID + 1; kind < AM_FACT_MAX_; kind++) {
		const char *atom = am_subject_atom(&q->model->subjects[subject], kind);

		if (atom && !is_shown(q, subject, kind, atom))
			missing |= 1U << kind;
	}
	return missing;
}

/* The key under which a policy asks for it. */
static const char *condition_key(const struct am_model_subject *s, enum am_fact kind)
{
	static const char *const keys[AM_FACT_MAX_] = {
		[AM_FACT_EXE] = "exe", [AM_FACT_USER] = "user", [AM_FACT_GROUP] = "group",
		[AM_FACT_LOGIN] = "login", [AM_FACT_CGROUP] = "cgroup",
		[AM_FACT_PURPOSE] = "purpose", [AM_FACT_SCRIPT] = "script",
	};

	return kind == AM_FACT_CGROUP && s->unit ? "unit" : keys[kind];
}

void am_question_say_needs(const struct am_question *q, unsigned subject)
{
	const struct am_model_subject *s = &q->model->subjects[subject];
	unsigned missing = am_question_unmet(q, subject);

	for (unsigned kind = AM_FACT_INVALID + 1; kind < AM_FACT_MAX_; kind++)
		if (missing >> kind & 1)
			fprintf(q->out, " %s=%s", condition_key(s, kind),
				am_subject_atom(s, kind));
	if (missing)
		return;
	if (s->pinned)
		fprintf(q->out, " the file %s with the sha256 of the policy", s->exe);
	else
		fprintf(q->out, " the file that is %s now",
			s->exe ? s->exe : "its executable");
}
