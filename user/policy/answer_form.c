// SPDX-License-Identifier: GPL-2.0
#include "policy/answer_form.h"

#include <errno.h>

#include "base/text.h"
#include "event/event.h"

typedef void (*say_fn)(const struct am_space *space, const struct am_ask *ask,
		       const struct am_answer *answer, FILE *out);

static void say_changes(const struct am_space *space, const struct am_ask *ask,
			const struct am_answer *answer, FILE *out)
{
	am_answer_print_changes(space, ask, &answer->near, out);
}

void am_ask_print(const struct am_space *space, const struct am_ask *ask, FILE *out)
{
	am_who_print(space, &ask->who, AM_WHO_FULL, out);
	fprintf(out, " %s ", am_access_word(ask->access.op));
	am_access_print_object(space, 0, &ask->access, out);
}

static void say_ask(const struct am_space *space, const struct am_ask *ask,
		    const struct am_answer *answer, FILE *out)
{
	(void)answer;
	am_ask_print(space, ask, out);
}

void am_rule_print(const struct am_space *space, const char *title,
		   const struct am_model_rule *rule, FILE *out)
{
	fprintf(out, "%s %zu, ", title, (size_t)(rule - space->models[0]->rules) + 1);
	am_text_print(out, rule->pos.file);
	fprintf(out, ":%u:%u: ", rule->pos.line, rule->pos.column);
	am_text_print(out, rule->text);
	fputc('\n', out);
}

void am_answer_rows(const struct am_space *space, const struct am_ask *ask,
		    const struct am_answer *answer, FILE *out)
{
	fprintf(out, "  reason   %s: ", am_reason_name(answer->decision.reason));
	am_answer_print(space, ask, answer, out);
	fputc('\n', out);
	if (answer->decision.verdict == AM_VERDICT_DENY && !answer->decision.enforce)
		fputs("  mode     observe: it would be logged, and not blocked\n", out);
	if (answer->rule) {
		am_rule_print(space, "  rule    ", answer->rule, out);
		fputs("  fact     ", out);
		am_answer_print_fact(space, ask, answer, out);
		fputc('\n', out);
	}
	if (!answer->near.rule)
		return;
	am_rule_print(space, "  nearest ", answer->near.rule, out);
	fputs("  needs    ", out);
	say_changes(space, ask, answer, out);
	fputc('\n', out);
}

/* A member whose text is what `say` says. */
static int json_said(struct am_json *j, const char *key, say_fn say, const struct am_space *space,
		     const struct am_ask *ask, const struct am_answer *answer)
{
	am_autofree char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return -ENOMEM;
	say(space, ask, answer, out);
	if (fclose(out))
		return -ENOMEM;
	am_json_text(j, key, text);
	return 0;
}

int am_ask_member(struct am_json *j, const char *key, const struct am_space *space,
		  const struct am_ask *ask)
{
	return json_said(j, key, say_ask, space, ask, NULL);
}

static void json_rule(struct am_json *j, const char *key, const struct am_space *space,
		      const struct am_model_rule *rule)
{
	am_json_object(j, key);
	am_json_int(j, "number", rule - space->models[0]->rules + 1);
	am_json_text(j, "file", rule->pos.file);
	am_json_int(j, "line", rule->pos.line);
	am_json_int(j, "column", rule->pos.column);
	am_json_text(j, "text", rule->text);
	am_json_end(j);
}

int am_answer_members(struct am_json *j, const struct am_space *space, const struct am_ask *ask,
		      const struct am_answer *answer)
{
	int err;

	am_json_text(j, "verdict", am_verdict_name(answer->decision.verdict));
	am_json_text(j, "reason", am_reason_name(answer->decision.reason));
	am_json_bool(j, "enforced", answer->decision.enforce);
	err = json_said(j, "why", am_answer_print, space, ask, answer);
	if (!err && answer->rule) {
		json_rule(j, "rule", space, answer->rule);
		err = json_said(j, "fact", am_answer_print_fact, space, ask, answer);
	}
	if (!err && answer->near.rule) {
		json_rule(j, "nearest", space, answer->near.rule);
		err = json_said(j, "needs", say_changes, space, ask, answer);
	}
	return err;
}
