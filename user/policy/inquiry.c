// SPDX-License-Identifier: GPL-2.0
#include "policy/inquiry.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/when.h"
#include "event/dest.h"
#include "event/escape.h"
#include "policy/answer_form.h"
#include "policy/explain.h"

enum { NS_PER_S = 1000000000, NS_PER_MS = 1000000, WHY_SIZE = 512 };

void am_instant_format(int64_t wall_ns, char text[AM_INSTANT_TEXT])
{
	int64_t ns = wall_ns % NS_PER_S;
	time_t s = wall_ns / NS_PER_S;
	size_t len;

	if (ns < 0) {
		ns += NS_PER_S;
		s--;
	}
	(void)am_when_local(s, text);	/* zeros will do */
	len = strlen(text);
	snprintf(text + len, AM_INSTANT_TEXT - len, ".%03d", (int)(ns / NS_PER_MS));
}

/* ---- the question, in the terms of a policy ----------------------------------- */

/* The event as a question to one policy. */
struct put {
	struct am_seen seen;
	uint32_t gids[AM_GROUPS_MAX + 1];	/* the effective one first */
	struct am_ask ask;
	struct am_answer answer;
	bool exact;	/* the facts make the subjects that the kernel found */
};

/* Of the model: beyond those that the store gives by itself. */
static uint64_t labels_of(const struct am_view *view, const struct am_event *e, int store)
{
	uint64_t labels = 0;

	for (unsigned bit = 0; bit < AM_LABELS_MAX; bit++) {
		int label = e->labels >> bit & 1 ? am_view_label(view, bit) : -1;

		if (label < 0 ||
		    (store >= 0 && view->space->stores[0][store]->labels >>
				    view->space->labels[0][label] & 1))
			continue;
		labels |= 1ULL << label;
	}
	return labels;
}

/* False when the policy does not have what the event is about. */
static bool put_access(const struct am_view *view, const struct am_event *e, struct am_ask *ask)
{
	am_ask_init(ask);
	ask->access.op = e->op;
	ask->access.store = am_view_store(view, e->store);
	if (e->store && ask->access.store < 0)
		return false;
	ask->access.labels = labels_of(view, e, ask->access.store);
	if (am_view_place(view, e, &ask->place))
		ask->access.place = &ask->place;
	return true;
}

/* A file that was replaced, or has another digest, is not what its path says. */
static void settle_exe(const struct am_view *view, const struct am_set *bits, struct put *put)
{
	struct am_who other = put->ask.who;

	put->exact = am_who_is(view, &other, bits);
	if (put->exact)
		return;
	other.facts[AM_FACT_EXE].value = NULL;
	put->exact = am_who_is(view, &other, bits);
	if (put->exact)
		put->ask.who = other;
}

static void put_groups(const struct am_recent_item *item, struct put *put)
{
	put->gids[0] = item->raw.gid;
	memcpy(put->gids + 1, item->groups, item->n_groups * sizeof(*item->groups));
	put->seen.gids = put->gids;
	put->seen.n_gids = item->n_groups + 1;
}

/* Code of others in it makes it neither its executable nor its script. */
static bool is_itself(const struct am_event *e)
{
	return !(e->flags & (AM_EVENT_FOREIGN_CODE | AM_EVENT_TRACED));
}

static void put_who(const struct am_inquiry *q, const struct am_view *view, struct put *put)
{
	const struct am_event *e = &q->item->raw;
	struct am_seen *seen = &put->seen;
	bool itself = is_itself(e);

	*seen = (struct am_seen){
		.exe = itself && q->item->exe[0] ? q->item->exe : NULL,
		.script = itself && q->item->script[0] ? q->item->script : NULL,
		.user = q->user,
		.login_name = q->login_name,
		.uid = e->uid,
		.login = e->login,
		.cgroup = q->cgroup ? q->cgroup : q->unit,
		.purpose = q->purpose,
	};
	put_groups(q->item, put);
	if (q->then)
		am_seen_infer(seen, q->then, &e->bits);
	am_seen_who(seen, view, &put->ask.who);
	put->ask.who.unknown = e->reason == AM_REASON_UNKNOWN_FACT || e->flags & AM_EVENT_UNKNOWN;
	if (view->generation == e->generation && !put->ask.who.unknown)
		settle_exe(view, &e->bits, put);
}

static bool is_decision(const struct am_event *e)
{
	return e->kind == AM_EVENT_ACCESS || e->kind == AM_EVENT_SPILL || e->kind == AM_EVENT_SEND;
}

static bool put_question(const struct am_inquiry *q, const struct am_view *view, struct put *put)
{
	const struct am_event *e = &q->item->raw;

	memset(put, 0, sizeof(*put));
	if (!view || !is_decision(e) || !e->op || !e->verdict || !put_access(view, e, &put->ask))
		return false;
	put_who(q, view, put);
	am_answer_find(view->space, &put->ask, &put->answer);
	return true;
}

/* Whether what is explained is what the kernel did. */
static bool agrees(const struct am_event *e, const struct put *put)
{
	return put->answer.decision.verdict == e->verdict &&
	       put->answer.decision.reason == e->reason;
}

static void why(const struct am_inquiry *q, char text[WHY_SIZE])
{
	const struct am_view *v = q->then ? q->then : q->now;

	text[0] = '\0';
	if (v)
		am_explain_event(q->then ? v->model : NULL, q->then ? v->image : NULL, v->registry,
				 &q->item->raw, q->item->exe[0] ? q->item->exe : NULL, text,
				 WHY_SIZE);
}

/* ---- sentences ------------------------------------------------------------------ */

/* That there is none is told where it matters. */
static void say_purpose(const struct am_inquiry *q, FILE *out)
{
	if (q->purpose) {
		fputs(" under the purpose ", out);
		am_escape_write(out, q->purpose, AM_ESCAPE_WORD);
	} else if (q->item->raw.reason == AM_REASON_PURPOSE) {
		fputs(" under no purpose", out);
	}
}

static void say_process(const struct am_inquiry *q, FILE *out)
{
	const struct am_event *e = &q->item->raw;

	am_escape_write(out, e->comm, AM_ESCAPE_WORD);
	fprintf(out, "[%u]", e->tgid);
	if (q->item->exe[0]) {
		fputs(", which is ", out);
		am_escape_write(out, q->item->exe, AM_ESCAPE_PHRASE);
	}
	if (q->item->script[0]) {
		fputs(", running the script ", out);
		am_escape_write(out, q->item->script, AM_ESCAPE_PHRASE);
	}
	fputs(", run by ", out);
	if (q->user)
		am_escape_write(out, q->user, AM_ESCAPE_WORD);
	fprintf(out, q->user ? " (uid %u)" : "uid %u", e->uid);
	if (e->login != UINT32_MAX && e->login != e->uid) {
		fputs(" logged in as ", out);
		if (q->login_name)
			am_escape_write(out, q->login_name, AM_ESCAPE_WORD);
		else
			fprintf(out, "uid %u", e->login);
	}
	if (q->unit && q->unit[0]) {
		fputs(" in ", out);
		am_escape_write(out, q->unit, AM_ESCAPE_PHRASE);
	}
	say_purpose(q, out);
	fprintf(out, ", child of process %u,", e->ppid);
}

static void say_labels(const struct am_view *view, uint64_t labels, FILE *out)
{
	const char *comma = "";

	for (unsigned bit = 0; bit < AM_LABELS_MAX; bit++) {
		const char *name = view ? am_registry_label_name(view->registry, bit) : NULL;

		if (!(labels >> bit & 1))
			continue;
		fprintf(out, "%s%s", comma, name ? name : "?");
		comma = ", ";
	}
}

static void say_object(const struct am_inquiry *q, FILE *out)
{
	const struct am_event *e = &q->item->raw;

	if (q->store && q->within) {
		am_escape_write(out, q->store, AM_ESCAPE_WORD);
		fputc('/', out);
		am_escape_write(out, q->within, AM_ESCAPE_PHRASE);
	} else if (q->item->path[0]) {
		am_escape_write(out, q->item->path, AM_ESCAPE_PHRASE);
	} else {
		fprintf(out, "an object without a name (inode %llu)", (unsigned long long)e->ino);
	}
	if (q->store && !q->within)
		fprintf(out, " of the store %s", q->store);
	if (!q->store && e->labels) {
		fputs(", which is in no store and carries ", out);
		say_labels(q->then ? q->then : q->now, e->labels, out);
	}
}

static void say_verb(const struct am_inquiry *q, bool tried, FILE *out)
{
	static const char *const past[AM_OP_MAX_] = {
		[AM_OP_READ] = "read", [AM_OP_WRITE] = "wrote to", [AM_OP_SEND] = "sent",
	};
	const struct am_event *e = &q->item->raw;
	char dest[AM_DEST_TEXT];

	if (!e->op || e->op >= AM_OP_MAX_)
		fprintf(out, "%s", am_act_name(e->act));
	else if (tried)
		fprintf(out, "tried to %s", e->op == AM_OP_WRITE ? "write to" : am_op_name(e->op));
	else
		fputs(past[e->op], out);
	fputc(' ', out);
	if (e->op != AM_OP_SEND) {
		say_object(q, out);
	} else {
		am_dest_text(e, dest);
		say_labels(q->then ? q->then : q->now, e->labels, out);
		fprintf(out, " to %s", dest);
	}
	if (e->op)
		fprintf(out, " (by %s)", am_act_name(e->act));
}

/* One sentence: who did what, and what came of it. */
static void say_what(const struct am_inquiry *q, FILE *out)
{
	const struct am_event *e = &q->item->raw;
	bool blocked = e->flags & AM_EVENT_BLOCKED;

	say_process(q, out);
	fputc(' ', out);
	if (e->kind == AM_EVENT_SPILL && !e->op) {
		fputs("wrote what it carries outside the stores: ", out);
		say_object(q, out);
		return;
	}
	if (e->kind == AM_EVENT_REPEAT) {
		fprintf(out, "did %u more times what an earlier event tells: ", e->count);
		say_verb(q, false, out);
		return;
	}
	say_verb(q, blocked, out);
	if (blocked)
		fputs("; the kernel refused it", out);
	else if (e->verdict == AM_VERDICT_DENY)
		fputs("; policy denies it, and as it is observed only, it went ahead", out);
	else if (e->verdict == AM_VERDICT_ALLOW)
		fputs("; it was allowed", out);
}

static void say_policy(const struct am_inquiry *q, FILE *out)
{
	uint32_t generation = q->item->raw.generation;

	if (!generation)
		fputs("No policy was in force", out);
	else if (!q->then)
		fprintf(out, "It was decided by generation %u, whose text is not kept any more",
			generation);
	else
		fprintf(out, "It was decided by policy %s, generation %u, which %s",
			q->then->model->name, generation,
			q->now && q->now->generation == generation ? "is in force" :
								      "is not in force any more");
}

/* ---- labels, one by one ----------------------------------------------------------- */

/* The part of the question that is about one label alone. */
static void ask_label(const struct am_view *view, const struct put *put, unsigned label,
		      struct am_ask *ask, struct am_answer *answer)
{
	*ask = put->ask;
	if (ask->access.op == AM_OP_SEND)
		ask->access.place = &ask->place;
	ask->access.store = -1;
	ask->access.labels = 1ULL << label;
	am_answer_find(view->space, ask, answer);
}

static void rows_of_labels(const struct am_view *view, const struct put *put, FILE *out)
{
	const struct am_model *m = view->model;
	int store = put->ask.access.store;
	const char *comma = "";

	if (store >= 0) {
		fprintf(out, "  labels   of %s: ", m->stores[store].name);
		for (size_t i = 0; i < m->n_labels; i++) {
			if (!(view->space->stores[0][store]->labels >>
			      view->space->labels[0][i] & 1))
				continue;
			fprintf(out, "%s%s", comma, m->labels[i].name);
			comma = ", ";
		}
		fputc('\n', out);
	}
	for (size_t i = 0; i < m->n_labels; i++) {
		struct am_answer answer;
		struct am_ask ask;

		if (!(put->ask.access.labels >> i & 1))
			continue;
		ask_label(view, put, i, &ask, &answer);
		fprintf(out, "  label    %s: %s, ", m->labels[i].name,
			answer.decision.verdict == AM_VERDICT_ALLOW ? "allowed" : "denied");
		am_answer_print(view->space, &ask, &answer, out);
		fputc('\n', out);
	}
}

static int members_of_labels(struct am_json *j, const struct am_view *view, const struct put *put)
{
	const struct am_model *m = view->model;
	int err = 0;

	am_json_list(j, "labels");
	for (size_t i = 0; !err && i < m->n_labels; i++) {
		struct am_answer answer;
		struct am_ask ask;

		if (!(put->ask.access.labels >> i & 1))
			continue;
		ask_label(view, put, i, &ask, &answer);
		am_json_object(j, NULL);
		am_json_text(j, "label", m->labels[i].name);
		err = am_answer_members(j, view->space, &ask, &answer);
		am_json_end(j);
	}
	am_json_end(j);
	return err;
}

/* ---- today ------------------------------------------------------------------------ */

static void say_today(const struct am_inquiry *q, const struct put *today, bool asked, FILE *out)
{
	if (!q->now || q->now->generation == q->item->raw.generation || !is_decision(&q->item->raw))
		return;
	fprintf(out, "  today    policy %s, generation %u, ", q->now->model->name,
		q->now->generation);
	if (!asked) {
		fputs("has no such store\n", out);
		return;
	}
	fputs(today->answer.decision.verdict == q->item->raw.verdict ?
	      "decides the same: " : today->answer.decision.verdict == AM_VERDICT_ALLOW ?
	      "would allow it: " : "would deny it: ", out);
	am_answer_print(q->now->space, &today->ask, &today->answer, out);
	fputc('\n', out);
}

/* ---- text --------------------------------------------------------------------------- */

static const char *note_of(const struct am_inquiry *q, const struct put *put, bool asked)
{
	const struct am_event *e = &q->item->raw;

	if (!asked)
		return NULL;
	if (!agrees(e, put))
		return "the facts that the event holds lead to another answer than the kernel's, "
		       "which knew more; the kernel's is told";
	if (!put->exact && !put->ask.who.unknown)
		return "the event does not hold every fact that made the process who it was";
	return NULL;
}

static int finish(FILE *out)
{
	return ferror(out) ? -EIO : 0;
}

int am_inquiry_text(const struct am_inquiry *q, FILE *out)
{
	struct put then, today;
	bool asked = put_question(q, q->then, &then);
	bool asked_today = put_question(q, q->now, &today);
	const char *note = note_of(q, &then, asked);
	char id[AM_EVENT_ID_TEXT], time[AM_INSTANT_TEXT], reason[WHY_SIZE];

	am_event_id_format(&q->item->id, id);
	am_instant_format(q->item->wall_ns, time);
	fprintf(out, "%s, %s\n", id, time);
	say_what(q, out);
	fputs(".\n", out);
	say_policy(q, out);
	fputs(".\n", out);
	if (asked && agrees(&q->item->raw, &then)) {
		am_answer_rows(q->then->space, &then.ask, &then.answer, out);
	} else if (q->item->raw.reason) {
		why(q, reason);
		fprintf(out, "  reason   %s: ", am_reason_name(q->item->raw.reason));
		am_escape_write(out, reason, AM_ESCAPE_PHRASE);
		fputc('\n', out);
	}
	if (asked)
		rows_of_labels(q->then, &then, out);
	say_today(q, &today, asked_today, out);
	if (note)
		fprintf(out, "  note     %s\n", note);
	return finish(out);
}

/* ---- JSON --------------------------------------------------------------------------- */

static int member_what(struct am_json *j, const struct am_inquiry *q)
{
	am_autofree char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return -ENOMEM;
	say_what(q, out);
	if (fclose(out))
		return -ENOMEM;
	am_json_text(j, "what", text);
	return 0;
}

static void member_process(struct am_json *j, const struct am_inquiry *q)
{
	const struct am_event *e = &q->item->raw;

	am_json_object(j, "process");
	am_json_int(j, "pid", e->tgid);
	am_json_int(j, "parent", e->ppid);
	am_json_u64(j, "start_ns", e->start_ns);
	am_json_text(j, "comm", e->comm);
	am_json_text(j, "exe", q->item->exe[0] ? q->item->exe : NULL);
	am_json_text(j, "script", q->item->script[0] ? q->item->script : NULL);
	am_json_int(j, "uid", e->uid);
	am_json_text(j, "user", q->user);
	if (e->login != UINT32_MAX)
		am_json_int(j, "login_uid", e->login);
	am_json_text(j, "unit", q->unit);
	am_json_text(j, "cgroup", q->cgroup);
	am_json_text(j, "purpose", q->purpose);
	am_json_list(j, "gids");
	am_json_int(j, NULL, e->gid);
	for (unsigned i = 0; i < q->item->n_groups; i++)
		am_json_int(j, NULL, q->item->groups[i]);
	am_json_end(j);
	am_json_end(j);
}

static int member_decision(struct am_json *j, const struct am_inquiry *q, const struct put *then,
			   bool asked)
{
	const struct am_event *e = &q->item->raw;
	char reason[WHY_SIZE];
	int err = 0;

	am_json_object(j, "decision");
	if (asked && agrees(e, then)) {
		err = am_answer_members(j, q->then->space, &then->ask, &then->answer);
	} else {
		why(q, reason);
		am_json_text(j, "verdict", e->verdict ? am_verdict_name(e->verdict) : NULL);
		am_json_text(j, "reason", e->reason ? am_reason_name(e->reason) : NULL);
		am_json_text(j, "why", reason[0] ? reason : NULL);
	}
	am_json_end(j);
	return err;
}

static int member_today(struct am_json *j, const struct am_inquiry *q, const struct put *today,
			bool asked)
{
	int err = 0;

	if (!q->now)
		return 0;
	am_json_object(j, "today");
	am_json_text(j, "policy", q->now->model->name);
	am_json_int(j, "generation", q->now->generation);
	if (asked) {
		am_json_bool(j, "same",
			     today->answer.decision.verdict == q->item->raw.verdict);
		err = am_answer_members(j, q->now->space, &today->ask, &today->answer);
	}
	am_json_end(j);
	return err;
}

int am_inquiry_json(const struct am_inquiry *q, FILE *out)
{
	struct put then, today;
	bool asked = put_question(q, q->then, &then);
	bool asked_today = put_question(q, q->now, &today);
	char id[AM_EVENT_ID_TEXT], time[AM_INSTANT_TEXT];
	struct am_json j;
	int err;

	am_event_id_format(&q->item->id, id);
	am_instant_format(q->item->wall_ns, time);
	am_json_init(&j, out);
	am_json_object(&j, NULL);
	am_json_text(&j, "id", id);
	am_json_int(&j, "time_ms", q->item->wall_ns / NS_PER_MS);
	am_json_text(&j, "time", time);
	am_json_bool(&j, "blocked", q->item->raw.flags & AM_EVENT_BLOCKED);
	am_json_text(&j, "policy", q->then ? q->then->model->name : NULL);
	am_json_int(&j, "generation", q->item->raw.generation);
	am_json_text(&j, "store", q->store);
	am_json_text(&j, "path", q->item->path[0] ? q->item->path : NULL);
	err = member_what(&j, q);
	member_process(&j, q);
	if (!err)
		err = member_decision(&j, q, &then, asked);
	if (!err && asked)
		err = members_of_labels(&j, q->then, &then);
	if (!err)
		err = member_today(&j, q, &today, asked_today);
	am_json_text(&j, "note", note_of(q, &then, asked));
	return err ? err : am_json_done(&j);
}
