// SPDX-License-Identifier: GPL-2.0
#include "cli/past.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/cmd.h"
#include "cli/look.h"
#include "event/event.h"
#include "event/json.h"
#include "policy/model.h"
#include "query/aswas.h"
#include "query/past.h"
#include "query/whatif.h"

enum { DIFFERENCES = 20 };	/* told one by one */

/* ---- the policies of then ------------------------------------------------------------- */

static int refuse_history(const struct am_past_wish *w, const char *dir, int err)
{
	(void)fputs("error: cannot read the history of policies in '", w->err);
	am_text_print(w->err, dir);
	(void)fprintf(w->err, "': %s\n  hint: Name a copy of the agent's state directory, with its "
		      "'history' and 'policies', by --history.\n", strerror(-err));
	return AM_EXIT_MISSING;
}

/* 0 with NULL where there is none and it can be done without. */
static int open_past(const struct am_past_wish *w, int *ret_fd, struct am_past **ret)
{
	const char *dir = w->history ? w->history : AM_STATE_DIR;
	int err = 0;

	if (w->foreign && !w->history) {
		(void)fputs(w->policy ? "note: without --history fewer accesses can be told: the "
					"policies that decided them are not known\n"
				      : "error: whose policies decided this ledger is not known\n"
					"  hint: Name a copy of that agent's state directory by "
					"--history.\n", w->err);
		return w->policy ? 0 : AM_EXIT_USAGE;
	}
	*ret_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = *ret_fd < 0 ? -errno : am_past_open(*ret_fd, ret);
	if (!err)
		return 0;
	if (!w->policy || w->history)
		return refuse_history(w, dir, err);
	(void)fprintf(w->err, "note: fewer accesses can be told, as the history of policies in "
		      "'%s' cannot be read: %s\n", dir, strerror(-err));
	return 0;
}

static int fail(const struct am_past_wish *w, int err)
{
	(void)fprintf(w->err, "error: cannot replay: %s\n", strerror(-err));
	return AM_EXIT_MISSING;
}

/* ---- as it was ---------------------------------------------------------------------------- */

struct difference {
	char id[AM_EVENT_ID_TEXT];
	int64_t wall_ns;
	uint32_t verdict, reason;	/* recorded */
	bool blocked;
	struct am_decision decision;	/* recomputed */
};

struct proof {
	uint64_t n[AM_ASWAS_MAX_];
	struct difference differences[DIFFERENCES];
	size_t told;
};

static void keep(struct proof *p, const struct am_row *row, const struct am_decision *d)
{
	const struct am_event_id id = {
		.run = (uint32_t)row->event, .cpu = (uint32_t)row->cpu, .seq = row->seq,
		.urgent = row->deed.flags & AM_EVENT_URGENT,
	};
	struct difference *diff = &p->differences[p->told];

	if (p->told == DIFFERENCES)
		return;
	p->told++;
	*diff = (struct difference){ .wall_ns = row->wall_ns, .verdict = row->deed.verdict,
				     .reason = row->deed.reason, .decision = *d,
				     .blocked = row->deed.flags & AM_EVENT_BLOCKED };
	am_event_id_format(&id, diff->id);
}

static int prove(struct am_again *again, struct am_cursor *c, struct proof *p)
{
	const struct am_row *row;
	struct am_decision d;
	enum am_aswas kind;
	int err;

	while ((err = am_cursor_next(c, &row)) > 0) {
		err = am_again_decide(again, row, &kind, &d);
		if (err)
			return err;
		p->n[kind]++;
		if (kind == AM_ASWAS_DIFFERS)
			keep(p, row, &d);
	}
	return err;
}

static void print_verdict(FILE *out, unsigned verdict, unsigned reason, bool blocked)
{
	(void)fprintf(out, "%s%s (%s)", am_verdict_name(verdict), blocked ? ", blocked" : "",
		      am_reason_name(reason));
}

static bool blocks(const struct am_decision *d)
{
	return d->verdict == AM_VERDICT_DENY && d->enforce;
}

static void print_proof(const struct am_past_wish *w, const struct proof *p)
{
	uint64_t all = p->n[AM_ASWAS_EQUAL] + p->n[AM_ASWAS_DIFFERS];

	for (size_t i = 0; i < p->told; i++) {
		const struct difference *d = &p->differences[i];
		char time[AM_WHEN_TEXT];

		am_look_time(d->wall_ns, time);
		(void)fprintf(w->out, "%s %s was ", d->id, time);
		print_verdict(w->out, d->verdict, d->reason, d->blocked);
		(void)fputs(", recomputed ", w->out);
		print_verdict(w->out, d->decision.verdict, d->decision.reason, blocks(&d->decision));
		(void)fputc('\n', w->out);
	}
	(void)fprintf(w->out, "recomputed %" PRIu64 ", equal %" PRIu64 ", different %" PRIu64 "\n", all,
		      p->n[AM_ASWAS_EQUAL], p->n[AM_ASWAS_DIFFERS]);
	for (int kind = AM_ASWAS_NOT_KEPT; kind < AM_ASWAS_MAX_; kind++)
		if (p->n[kind])
			(void)fprintf(w->out, "not recomputed %" PRIu64 ": %s\n", p->n[kind],
				      am_aswas_words(kind));
	if (p->n[AM_ASWAS_NO_DECISION])
		(void)fprintf(w->out, "no decisions %" PRIu64 ": repeats of one, gaps, marks\n",
			      p->n[AM_ASWAS_NO_DECISION]);
}

static void json_verdict(struct am_json *j, const char *key, unsigned verdict, unsigned reason,
			 bool blocked)
{
	am_json_object(j, key);
	am_json_text(j, "verdict", am_verdict_name(verdict));
	am_json_text(j, "reason", am_reason_name(reason));
	am_json_bool(j, "blocked", blocked);
	am_json_end(j);
}

static void json_differences(struct am_json *j, const struct proof *p)
{
	am_json_list(j, "differences");
	for (size_t i = 0; i < p->told; i++) {
		const struct difference *d = &p->differences[i];

		am_json_object(j, NULL);
		am_json_text(j, "id", d->id);
		am_json_int(j, "time_ms", d->wall_ns / 1000000);
		json_verdict(j, "recorded", d->verdict, d->reason, d->blocked);
		json_verdict(j, "recomputed", d->decision.verdict, d->decision.reason,
			     blocks(&d->decision));
		am_json_end(j);
	}
	am_json_end(j);
}

static int json_proof(const struct am_past_wish *w, const struct proof *p)
{
	struct am_json j;

	am_json_init(&j, w->out);
	am_json_object(&j, NULL);
	am_json_int(&j, "recomputed", (int64_t)(p->n[AM_ASWAS_EQUAL] + p->n[AM_ASWAS_DIFFERS]));
	am_json_int(&j, "equal", (int64_t)p->n[AM_ASWAS_EQUAL]);
	am_json_int(&j, "different", (int64_t)p->n[AM_ASWAS_DIFFERS]);
	am_json_int(&j, "no_decisions", (int64_t)p->n[AM_ASWAS_NO_DECISION]);
	json_differences(&j, p);
	am_json_list(&j, "not_recomputed");
	for (int kind = AM_ASWAS_NOT_KEPT; kind < AM_ASWAS_MAX_; kind++) {
		if (!p->n[kind])
			continue;
		am_json_object(&j, NULL);
		am_json_text(&j, "why", am_aswas_words(kind));
		am_json_int(&j, "count", (int64_t)p->n[kind]);
		am_json_end(&j);
	}
	am_json_end(&j);
	am_json_end(&j);
	return am_json_done(&j);
}

static int as_was(const struct am_past_wish *w, struct am_past *past, struct am_cursor *c)
{
	am_auto(am_again) struct am_again *again = NULL;
	struct proof p = { .told = 0 };
	int err = am_again_new(past, &again);

	if (!err)
		err = prove(again, c, &p);
	if (!err && w->json)
		err = json_proof(w, &p);
	if (err)
		return fail(w, err);
	if (!w->json)
		print_proof(w, &p);
	/* A proof of nothing is none. */
	if (!p.n[AM_ASWAS_EQUAL] && !p.n[AM_ASWAS_DIFFERS])
		(void)fputs("note: nothing could be recomputed\n", w->err);
	return p.n[AM_ASWAS_EQUAL] && !p.n[AM_ASWAS_DIFFERS] ? AM_EXIT_YES : AM_EXIT_NO;
}

/* ---- under another policy --------------------------------------------------------------- */

static const char *kind_word(enum am_whatif_kind kind)
{
	static const char *const words[] = {
		[AM_WHATIF_GAIN] = "gain", [AM_WHATIF_LOSS] = "loss",
		[AM_WHATIF_BLOCK] = "block", [AM_WHATIF_UNBLOCK] = "unblock",
	};

	return words[kind];
}

static const char *could(const struct am_whatif_group *g)
{
	switch (g->kind) {
	case AM_WHATIF_GAIN:
		return "could";
	case AM_WHATIF_LOSS:
		return "could no longer";
	case AM_WHATIF_BLOCK:
		return "would be kept, not only observed, when it is to";
	default:
		return "would be observed, and no longer kept, when it is to";
	}
}

static void print_group(const struct am_past_wish *w, const struct am_whatif_group *g)
{
	static const char signs[] = { [AM_WHATIF_GAIN] = '+', [AM_WHATIF_LOSS] = '-',
				      [AM_WHATIF_BLOCK] = '!', [AM_WHATIF_UNBLOCK] = '~' };
	char first[AM_WHEN_TEXT], last[AM_WHEN_TEXT], id[AM_EVENT_ID_TEXT];

	am_look_time(g->first_ns, first);
	am_look_time(g->last_ns, last);
	(void)fprintf(w->out, "%c ", signs[g->kind]);
	am_text_print(w->out, g->who);
	(void)fprintf(w->out, " %s %s ", could(g), am_op_name(g->op));
	am_text_print(w->out, g->what);
	if (*g->to)
		(void)fprintf(w->out, " to %s", g->to);
	if (g->kind == AM_WHATIF_LOSS && !g->blocks)
		(void)fputs(" (observed only)", w->out);
	(void)fprintf(w->out, ": %" PRIu64 " time%s, %s .. %s", g->count, g->count == 1 ? "" : "s",
		      first, last);
	for (unsigned i = 0; i < g->n_examples; i++) {
		am_event_id_format(&g->examples[i], id);
		(void)fprintf(w->out, "%s %s", i ? "," : ", such as", id);
	}
	(void)fputs(" (", w->out);
	am_text_print(w->out, g->why);
	(void)fputs(")\n", w->out);
}

static uint64_t untold(const struct am_whatif *f)
{
	uint64_t n = 0;

	for (int kind = AM_WHATIF_FACTS; kind < AM_WHATIF_MAX_; kind++)
		n += am_whatif_count(f, kind);
	return n;
}

static void print_counts(const struct am_past_wish *w, const struct am_whatif *f)
{
	(void)fprintf(w->out, "gained %" PRIu64 ", lost %" PRIu64 ", blocked instead of observed %" PRIu64
		      ", observed instead of blocked %" PRIu64 ", the same %" PRIu64
		      ", cannot be told %" PRIu64 "\n",
		      am_whatif_count(f, AM_WHATIF_GAIN), am_whatif_count(f, AM_WHATIF_LOSS),
		      am_whatif_count(f, AM_WHATIF_BLOCK), am_whatif_count(f, AM_WHATIF_UNBLOCK),
		      am_whatif_count(f, AM_WHATIF_SAME), untold(f));
	for (int kind = AM_WHATIF_FACTS; kind < AM_WHATIF_MAX_; kind++)
		if (am_whatif_count(f, kind))
			(void)fprintf(w->out, "cannot be told %" PRIu64 ": %s\n",
				      am_whatif_count(f, kind), am_whatif_words(kind));
	if (am_whatif_left_out(f))
		(void)fprintf(w->err, "note: %" PRIu64 " accesses are counted only: there are more than "
			      "%d kinds of them\n", am_whatif_left_out(f), AM_WHATIF_GROUPS_MAX);
}

static void json_group(struct am_json *j, const struct am_whatif_group *g)
{
	char id[AM_EVENT_ID_TEXT];

	am_json_object(j, NULL);
	am_json_text(j, "kind", kind_word(g->kind));
	am_json_text(j, "who", g->who);
	am_json_text(j, "operation", am_op_name(g->op));
	am_json_text(j, "what", g->what);
	am_json_text(j, "to", *g->to ? g->to : NULL);
	am_json_text(j, "why", g->why);
	am_json_bool(j, "blocks", g->blocks);
	am_json_int(j, "count", (int64_t)g->count);
	am_json_int(j, "first_ms", g->first_ns / 1000000);
	am_json_int(j, "last_ms", g->last_ns / 1000000);
	am_json_list(j, "examples");
	for (unsigned i = 0; i < g->n_examples; i++) {
		am_event_id_format(&g->examples[i], id);
		am_json_text(j, NULL, id);
	}
	am_json_end(j);
	am_json_end(j);
}

static int json_whatif(const struct am_past_wish *w, struct am_whatif *f)
{
	size_t n;
	const struct am_whatif_group *groups = am_whatif_groups(f, &n);
	struct am_json j;

	am_json_init(&j, w->out);
	am_json_object(&j, NULL);
	am_json_text(&j, "policy", w->policy);
	am_json_int(&j, "gained", (int64_t)am_whatif_count(f, AM_WHATIF_GAIN));
	am_json_int(&j, "lost", (int64_t)am_whatif_count(f, AM_WHATIF_LOSS));
	am_json_int(&j, "blocked", (int64_t)am_whatif_count(f, AM_WHATIF_BLOCK));
	am_json_int(&j, "unblocked", (int64_t)am_whatif_count(f, AM_WHATIF_UNBLOCK));
	am_json_int(&j, "same", (int64_t)am_whatif_count(f, AM_WHATIF_SAME));
	am_json_int(&j, "left_out", (int64_t)am_whatif_left_out(f));
	am_json_list(&j, "changes");
	for (size_t i = 0; i < n; i++)
		json_group(&j, &groups[i]);
	am_json_end(&j);
	am_json_list(&j, "cannot_be_told");
	for (int kind = AM_WHATIF_FACTS; kind < AM_WHATIF_MAX_; kind++) {
		if (!am_whatif_count(f, kind))
			continue;
		am_json_object(&j, NULL);
		am_json_text(&j, "why", am_whatif_words(kind));
		am_json_int(&j, "count", (int64_t)am_whatif_count(f, kind));
		am_json_end(&j);
	}
	am_json_end(&j);
	am_json_end(&j);
	return am_json_done(&j);
}

static int conclude(const struct am_past_wish *w, struct am_whatif *f)
{
	size_t n;
	const struct am_whatif_group *groups = am_whatif_groups(f, &n);
	int err;

	if (w->json) {
		err = json_whatif(w, f);
		if (err)
			return fail(w, err);
	} else {
		for (size_t i = 0; i < n; i++)
			print_group(w, &groups[i]);
		print_counts(w, f);
	}
	return n ? AM_EXIT_NO : AM_EXIT_YES;
}

static int judge(const struct am_past_wish *w, struct am_past *past, const struct am_model *model,
		 struct am_cursor *c)
{
	am_auto(am_whatif) struct am_whatif *f = NULL;
	const struct am_row *row;
	struct am_diags diags;
	int err;

	am_diags_init(&diags);
	err = am_whatif_new(past, model, &diags, &f);
	if (err == -EINVAL)
		am_diags_print(&diags, w->err);
	am_diags_done(&diags);
	if (err == -EINVAL)
		return AM_EXIT_USAGE;
	while (!err && (err = am_cursor_next(c, &row)) > 0)
		err = am_whatif_add(f, row);
	return err ? fail(w, err) : conclude(w, f);
}

static int what_if(const struct am_past_wish *w, struct am_past *past, struct am_cursor *c)
{
	am_auto(am_model) struct am_model *model = NULL;
	struct am_diags diags;
	int err;

	am_diags_init(&diags);
	err = am_model_load(w->policy, &diags, &model);
	if (err)
		am_diags_print(&diags, w->err);
	am_diags_done(&diags);
	return err ? AM_EXIT_USAGE : judge(w, past, model, c);
}

int am_cli_past(const struct am_past_wish *wish, struct am_cursor *c)
{
	am_auto(am_past) struct am_past *past = NULL;
	am_autoclose int fd = -1;
	int code = open_past(wish, &fd, &past);

	if (code)
		return code;
	return wish->policy ? what_if(wish, past, c) : as_was(wish, past, c);
}
