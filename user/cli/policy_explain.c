// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "cli/cmd.h"
#include "cli/policy.h"
#include "event/event.h"
#include "policy/answer_form.h"

/* What was typed: words of `argv`, of which `at` is the next. */
struct words {
	char **argv;
	int argc;
	int at;
	const char *policy;
	int facts, end_of_facts;	/* where they stand in argv */
	bool json;
};

static int usage(FILE *out, int code)
{
	fputs("usage: " AM_USAGE_EXPLAIN "\n", out);
	return code;
}

static int refuse(const char *what, const char *word, const char *hint)
{
	fprintf(stderr, "error: %s '", what);
	am_text_print(stderr, word);	/* it may not speak to the terminal */
	fprintf(stderr, "'\n  hint: %s\n", hint);
	return AM_EXIT_USAGE;
}

static const char *next(struct words *w)
{
	return w->at < w->argc ? w->argv[w->at++] : NULL;
}

static bool take(struct words *w, const char *word)
{
	if (w->at >= w->argc || strcmp(w->argv[w->at], word))
		return false;
	w->at++;
	return true;
}

/* ---- who -------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum am_fact kind;
} facts[] = {
	{ "exe", AM_FACT_EXE }, { "user", AM_FACT_USER }, { "group", AM_FACT_GROUP },
	{ "login", AM_FACT_LOGIN }, { "unit", AM_FACT_CGROUP }, { "cgroup", AM_FACT_CGROUP },
	{ "script", AM_FACT_SCRIPT }, { "purpose", AM_FACT_PURPOSE },
};

static int refuse_fact(const char *word)
{
	return refuse("no fact is", word,
		      "Write FACT=VALUE; facts are exe, sha256, user, group, login, unit, cgroup, "
		      "script and purpose.");
}

static int read_fact(struct am_ask *ask, const struct am_space *space, char *word)
{
	char *value = strchr(word, '=');

	for (size_t i = 0; value && value[1] && i < AM_COUNT(facts); i++) {
		if (strncmp(facts[i].name, word, value - word) || facts[i].name[value - word])
			continue;
		if (am_who_say(space, &ask->who, facts[i].kind, value + 1))
			return refuse("one too many:", word, "Leave some of them out.");
		return 0;
	}
	return refuse_fact(word);
}

static int read_who(struct words *w, const struct am_space *space, struct am_ask *ask)
{
	struct am_who_fact *exe = &ask->who.facts[AM_FACT_EXE];
	const char *sha256 = NULL;

	for (int i = w->facts; i < w->end_of_facts; i++) {
		int r = 0;

		if (!strncmp(w->argv[i], "sha256=", 7))
			sha256 = w->argv[i] + 7;
		else
			r = read_fact(ask, space, w->argv[i]);
		if (r)
			return r;
	}
	if (sha256 && exe->said)
		exe->value = am_space_value(space, AM_FACT_EXE, exe->said, sha256);
	return 0;
}

/* ---- what ------------------------------------------------------------------- */

/* "cnic,health" or "cnic, health": up to the word `end`, or the last one. */
static int read_labels(struct words *w, const struct am_space *space, struct am_ask *ask,
		       const char *end)
{
	bool any = false;

	while (w->at < w->argc && !(end && take(w, end))) {
		char *list = w->argv[w->at++], *save = NULL;

		for (char *name = strtok_r(list, ",", &save); name;
		     name = strtok_r(NULL, ",", &save)) {
			if (am_ask_label(ask, space, name))
				return refuse("the policy has no label", name,
					      "Name labels that it declares.");
			any = true;
		}
	}
	return any ? 0 : usage(stderr, AM_EXIT_USAGE);
}

static int read_send(struct words *w, const struct am_space *space, struct am_ask *ask)
{
	const char *place;
	int r = read_labels(w, space, ask, "to");

	if (r)
		return r;
	place = next(w);
	if (!place)
		return usage(stderr, AM_EXIT_USAGE);
	if (am_ask_place(ask, space, place))
		return refuse("no destination is", place,
			      "Write ADDRESS:PORT/PROTOCOL, such as 10.20.1.2:5432/tcp or "
			      "[fd00::1]:443/tcp, or local, terminal or device.");
	return 0;
}

static int read_object(struct words *w, const struct am_space *space, struct am_ask *ask)
{
	const char *object = next(w);

	if (!object)
		return usage(stderr, AM_EXIT_USAGE);
	if (am_ask_object(ask, space, object))
		return refuse("the policy has no store", object,
			      "Name one that it declares, or a path from the root on.");
	return take(w, "carrying") ? read_labels(w, space, ask, NULL) : 0;
}

static int read_use(struct words *w, const struct am_space *space, struct am_ask *ask)
{
	const char *purpose = next(w);

	if (!purpose)
		return usage(stderr, AM_EXIT_USAGE);
	return am_ask_use(ask, space, purpose) ?
		refuse("the policy has no purpose", purpose, "Name one that it declares.") : 0;
}

static int read_access(struct words *w, const struct am_space *space, struct am_ask *ask)
{
	const char *op = next(w);
	int r;

	if (!op)
		return usage(stderr, AM_EXIT_USAGE);
	ask->access.op = !strcmp(op, "read") ? (unsigned)AM_OP_READ :
			 !strcmp(op, "write") ? (unsigned)AM_OP_WRITE :
			 !strcmp(op, "send") ? (unsigned)AM_OP_SEND :
			 !strcmp(op, "use") ? (unsigned)AM_OP_USE : (unsigned)AM_OP_INVALID;
	if (ask->access.op == AM_OP_INVALID)
		return refuse("no operation is", op, "Write read, write, send or use.");
	r = ask->access.op == AM_OP_SEND ? read_send(w, space, ask) :
	    ask->access.op == AM_OP_USE ? read_use(w, space, ask) : read_object(w, space, ask);
	return r || w->at == w->argc ? r : usage(stderr, AM_EXIT_USAGE);
}

/* ---- the answer ------------------------------------------------------------- */

static void print_answer(const struct am_space *space, const struct am_ask *ask,
			 const struct am_answer *answer)
{
	printf("%s ", am_verdict_name(answer->decision.verdict));
	am_ask_print(space, ask, stdout);
	fputc('\n', stdout);
	am_answer_rows(space, ask, answer, stdout);
}

static int print_json(const struct am_space *space, const struct am_ask *ask,
		      const struct am_answer *answer)
{
	struct am_json j;
	int err;

	am_json_init(&j, stdout);
	am_json_object(&j, NULL);
	err = am_ask_member(&j, "asked", space, ask);
	if (!err)
		err = am_answer_members(&j, space, ask, answer);
	return err ? err : am_json_done(&j);
}

static int answer(struct words *w, const struct am_space *space)
{
	struct am_answer a;
	struct am_ask ask;
	int r, out = 0;

	am_ask_init(&ask);
	r = read_who(w, space, &ask);
	if (!r)
		r = read_access(w, space, &ask);
	if (r)
		return r;
	am_answer_find(space, &ask, &a);
	if (w->json)
		out = print_json(space, &ask, &a);
	else
		print_answer(space, &ask, &a);
	return am_cli_answered(a.decision.verdict == AM_VERDICT_ALLOW ? AM_EXIT_YES : AM_EXIT_NO,
			       out);
}

/* ---- the verb --------------------------------------------------------------- */

static int run(struct words *w)
{
	am_auto(am_model) struct am_model *model = NULL;
	am_auto(am_space) struct am_space *space = NULL;
	struct am_diags diags;
	int err;

	am_diags_init(&diags);
	err = am_model_load(w->policy, &diags, &model);
	if (!err)
		err = am_space_new((const struct am_model *const *)&model, 1, NULL, &diags, &space);
	if (err)	/* warnings are for `policy check` */
		am_diags_print(&diags, stderr);
	am_diags_done(&diags);
	return err ? AM_EXIT_USAGE : answer(w, space);
}

/* Takes out --json, wherever it stands; the facts stand between --as and what has no '='. */
static void sort_words(struct words *w)
{
	int kept = 0;

	for (int i = 0; i < w->argc; i++) {
		if (!strcmp(w->argv[i], "--json"))
			w->json = true;
		else
			w->argv[kept++] = w->argv[i];
	}
	w->argc = kept;
	w->policy = next(w);
	w->facts = w->end_of_facts = w->at;
	if (!take(w, "--as"))
		return;
	w->facts = w->at;
	take(w, "anyone");
	w->facts = w->at;
	while (w->at < w->argc && strchr(w->argv[w->at], '='))
		w->at++;
	w->end_of_facts = w->at;
}

int am_cli_policy_explain(int argc, char **argv)
{
	struct words w = { .argv = argv + 1, .argc = argc - 1 };

	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return usage(stdout, AM_EXIT_YES);
	sort_words(&w);
	if (!w.policy || w.policy[0] == '-' || w.at == w.argc)
		return usage(stderr, AM_EXIT_USAGE);
	return run(&w);
}
