// SPDX-License-Identifier: GPL-2.0
/* `learn [--store S] [--since SECONDS] [--json]`, and the counting that it is made of. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "agent/memory.h"
#include "agent/names.h"
#include "kernel/counters.h"
#include "policy/learn.h"
#include "policy/reader.h"

enum { NS_PER_S = 1000000000 };

/* ---- counting ---------------------------------------------------------------------------- */

static bool in_zone(const struct am_event *e, unsigned zone)
{
	for (unsigned i = 0; i < e->zones.count && i < AM_ZONE_HITS; i++)
		if (e->zones.id[i] == zone)
			return true;
	return false;
}

static enum am_observed_place place_of(const struct am_event *e)
{
	if (e->op != AM_OP_SEND)
		return AM_OBSERVED_NOWHERE;
	if (in_zone(e, AM_ZONE_TERMINAL))
		return AM_OBSERVED_TERMINAL;
	if (e->family == AF_UNIX || in_zone(e, AM_ZONE_LOCAL))
		return AM_OBSERVED_LOCAL;
	if (e->family == AF_INET || e->family == AF_INET6)
		return AM_OBSERVED_NETWORK;
	return AM_OBSERVED_OTHER;
}

static struct am_observed_facts facts_of(const struct am_event *e)
{
	struct am_observed_facts f = {
		.labels = e->labels,
		.store = e->store,
		.uid = e->uid,
		.login = e->login,
		.op = e->op,
		.reason = e->reason,
		.place = place_of(e),
		.purpose = e->purpose < AM_PURPOSES_MAX ? e->purpose : 0,
		.flags = (e->flags & AM_EVENT_EXE_CUT ? AM_OBSERVED_EXE_CUT : 0) |
			 (e->flags & (AM_EVENT_SCRIPT_CUT | AM_EVENT_SCRIPT_LOST)
				  ? AM_OBSERVED_SCRIPT_CUT : 0),
	};

	/* Of other sends an address means nothing. */
	if (f.place == AM_OBSERVED_NETWORK) {
		f.proto = e->proto;
		f.port = e->port;
		memcpy(f.addr, e->addr, sizeof(f.addr));
	}
	return f;
}

/* Groups that a text of a row has room for. */
static const char *groups_of(struct am_witness *w, const struct am_decoded *e)
{
	const char *groups = e->raw.flags & AM_EVENT_FACTS ? am_names_groups(w->names, e) : "";

	return strlen(groups) < AM_OBSERVED_TEXT ? groups : "";
}

void am_learner_take(struct am_witness *w, const struct am_decoded *e, int64_t wall_ns)
{
	const char *unit;
	struct am_observed_row row = { .facts = facts_of(&e->raw) };

	if (e->raw.verdict != AM_VERDICT_DENY || !e->raw.op || !e->raw.reason)
		return;
	unit = am_names_unit(w->names, e->raw.cgroup);
	row.exe = (char *)e->exe;	/* looked at and copied, like the next ones */
	row.script = (char *)e->script;
	row.groups = (char *)groups_of(w, e);
	row.unit = (char *)(unit ? unit : "");
	row.path = (char *)e->path;
	am_observed_add(w->observed, &row, e->raw.flags & AM_EVENT_BLOCKED, wall_ns / NS_PER_S);
}

/* ---- the request ---------------------------------------------------------------------------- */

struct request {
	const char *store;
	int64_t since_s;
	bool json;
};

static bool parse(struct request *q, const char *const *words, int n)
{
	for (int i = 1; i < n; i++) {
		char *end = NULL;

		if (!strcmp(words[i], "--json")) {
			q->json = true;
		} else if (i + 1 < n && !strcmp(words[i], "--store")) {
			q->store = words[++i];
		} else if (i + 1 < n && !strcmp(words[i], "--since")) {
			q->since_s = strtoll(words[++i], &end, 10);
			if (*end || q->since_s < 0)
				return false;
		} else {
			return false;
		}
	}
	return true;
}

static void sight(const struct am_witness *w, const struct am_observed_row *row, int64_t since_s,
		  struct am_sighting *ret)
{
	*ret = (struct am_sighting){
		.row = row,
		.user = am_names_user(w->names, row->facts.uid),
		.login_name = row->facts.login == UINT32_MAX
				      ? NULL : am_names_user(w->names, row->facts.login),
		.count = am_observed_since(row, since_s),
	};
}

static uint64_t count_lost(const struct am_witness *w)
{
	uint64_t count;

	return am_counter_read(w->engine, AM_COUNT_URGENT_LOST, &count) < 0 ? 0 : count;
}

static int tell(const struct am_witness *w, const struct am_view *view, const struct request *q,
		int store, FILE *out)
{
	am_auto(am_lesson) struct am_lesson *lesson = NULL;
	const struct am_learn_wish wish = { .store = store };
	const struct am_lesson_head head = { q->since_s, time(NULL),
					     am_observed_left_out(w->observed), count_lost(w) };
	const struct am_observed_row *rows;
	am_autofree struct am_sighting *sightings = NULL;
	size_t n;
	int r;

	rows = am_observed_rows(w->observed, &n);
	sightings = calloc(n + 1, sizeof(*sightings));
	if (!sightings)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		sight(w, &rows[i], q->since_s, &sightings[i]);
	r = am_learn(view, sightings, n, &wish, &lesson);
	if (!r)
		r = q->json ? am_lesson_json(lesson, &head, out) :
			      am_lesson_yaml(lesson, &head, out);
	if (r)
		return r;
	return am_lesson_proposes(lesson) ? AM_ANSWER_YES : AM_ANSWER_NO;
}

int am_learner_answer(struct am_witness *w, const char *const *words, int n, FILE *out, FILE *err)
{
	const struct am_view *view = am_witness_now(w);
	struct request q = { 0 };
	int store = -1, r;

	if (!parse(&q, words, n)) {
		fputs("'learn' takes --store NAME, --since SECONDS and --json", err);
		return AM_ANSWER_USAGE;
	}
	if (view && q.store) {
		store = am_model_find(view->model, AM_NAMED_STORE, q.store);
		if (store < 0) {
			fprintf(err, "the policy in force has no store '%.64s'", q.store);
			return AM_ANSWER_USAGE;
		}
	}
	r = view ? tell(w, view, &q, store, out) : -ENOMEM;
	if (r < 0) {
		fputs("the agent is out of memory", err);
		return AM_ANSWER_NO;
	}
	return r;
}
