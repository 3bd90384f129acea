// SPDX-License-Identifier: GPL-2.0
#include "policy/learn.h"

#include <errno.h>
#include <stdarg.h>
#include <netinet/in.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "policy/ask.h"
#include "policy/lesson.h"
#include "policy/reader.h"
#include "policy/set.h"

struct learner {
	const struct am_view *view;
	const struct am_learn_wish *wish;
	struct am_lesson *lesson;
};

/* ---- a sighting, in the terms of the policy ------------------------------------- */

struct sight {
	const struct am_sighting *s;
	struct am_seen seen;
	uint32_t gids[AM_GROUPS_MAX + 1];
	struct am_ask ask;
	struct am_decision decision;
};

static enum am_place_kind place_kind(unsigned place)
{
	static const enum am_place_kind kinds[AM_OBSERVED_PLACE_MAX_] = {
		[AM_OBSERVED_NETWORK] = AM_PLACE_NETWORK, [AM_OBSERVED_LOCAL] = AM_PLACE_LOCAL,
		[AM_OBSERVED_TERMINAL] = AM_PLACE_TERMINAL, [AM_OBSERVED_OTHER] = AM_PLACE_OTHER,
	};

	return place < AM_OBSERVED_PLACE_MAX_ ? kinds[place] : AM_PLACE_OTHER;
}

static void see_place(const struct am_view *view, const struct am_observed_facts *f,
		      struct am_place *ret)
{
	const struct am_image *images[] = { view->space->images[0] };
	struct am_place place = { .kind = place_kind(f->place), .proto = f->proto,
				  .port = f->port };

	memcpy(place.addr, f->addr, sizeof(place.addr));
	am_place_zones(images, 1, &place);
	*ret = place;
}

static uint64_t see_labels(const struct am_view *view, uint64_t bits, int store)
{
	uint64_t labels = 0;

	for (unsigned bit = 0; bit < AM_LABELS_MAX; bit++) {
		int label = bits >> bit & 1 ? am_view_label(view, bit) : -1;

		if (label >= 0 && !(store >= 0 && view->space->stores[0][store]->labels >>
							  view->space->labels[0][label] & 1))
			labels |= 1ULL << label;
	}
	return labels;
}

/* NULL: none, or none that could be named. */
static const char *script_of(const struct am_observed_row *row)
{
	bool cut = row->facts.flags & AM_OBSERVED_SCRIPT_CUT;

	return row->script[0] == '/' && !cut && am_learn_is_plain(row->script) ? row->script : NULL;
}

static size_t gids_of(const struct am_observed_row *row, uint32_t gids[AM_GROUPS_MAX + 1])
{
	const char *text = row->groups;
	struct am_group group;
	size_t n = 0;

	while (n <= AM_GROUPS_MAX && am_groups_next(&text, &group))
		gids[n++] = group.gid;
	return n;
}

static void see_who(const struct learner *l, const struct am_sighting *s, struct sight *ret)
{
	const struct am_observed_facts *f = &s->row->facts;

	ret->seen = (struct am_seen){
		.exe = s->row->exe[0] ? s->row->exe : NULL,
		.user = s->user,
		.login_name = s->login_name,
		.uid = f->uid,
		.login = f->login,
		.cgroup = s->row->unit[0] ? s->row->unit : NULL,
		.script = script_of(s->row),
		.purpose = f->purpose ? am_registry_purpose_name(l->view->registry, f->purpose)
				      : NULL,
		.gids = ret->gids,
		.n_gids = gids_of(s->row, ret->gids),
	};
	am_seen_who(&ret->seen, l->view, &ret->ask.who);
}

/* False when it is about a store that the policy has no more. */
static bool see(const struct learner *l, const struct am_sighting *s, struct sight *ret)
{
	const struct am_observed_facts *f = &s->row->facts;
	int store = am_view_store(l->view, f->store);

	memset(ret, 0, sizeof(*ret));
	ret->s = s;
	am_ask_init(&ret->ask);
	ret->ask.access.op = f->op;
	ret->ask.access.store = store;
	ret->ask.access.labels = see_labels(l->view, f->labels, store);
	if (f->op == AM_OP_SEND) {
		see_place(l->view, f, &ret->ask.place);
		ret->ask.access.place = &ret->ask.place;
	}
	see_who(l, s, ret);
	if (f->store && store < 0)
		return false;
	am_access_decide(l->view->space, 0, &ret->ask.access, &ret->ask.who, &ret->decision);
	return true;
}

static uint64_t labels_of_store(const struct am_view *view, int store)
{
	const struct am_model_store *s = &view->model->stores[store];
	uint64_t labels = 0;

	for (size_t i = 0; i < s->n_labels; i++)
		labels |= 1ULL << s->labels[i];
	return labels;
}

static bool is_wished(const struct learner *l, const struct sight *sight)
{
	int store = l->wish->store;

	if (store < 0 || sight->ask.access.store == store)
		return true;
	return sight->ask.access.store < 0 &&
	       sight->ask.access.labels & labels_of_store(l->view, store);
}

/* ---- what is not proposed ----------------------------------------------------------- */

__attribute__((format(printf, 3, 4)))
static int refuse(struct am_lesson *lesson, const struct sight *sight, const char *format, ...)
{
	struct am_lesson_refusal refusal = { .sighting = sight->s, .place = sight->ask.place };
	va_list args;
	int r;

	if (lesson->n_refusals == AM_LESSON_REFUSALS) {
		lesson->too_many++;
		return 0;
	}
	va_start(args, format);
	r = vasprintf(&refusal.why, format, args);
	va_end(args);
	if (r < 0)
		return -ENOMEM;
	r = AM_APPEND(lesson->refusals, lesson->n_refusals, refusal);
	if (r)
		free(refusal.why);
	return r;
}

const char *am_learn_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_one_of(const char *name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(list[i]);

		/* python3.11 is python */
		if (!strncmp(name, list[i], len) && !name[len + strspn(name + len, "0123456789.")])
			return true;
	}
	return false;
}

static bool is_shell(const char *exe)
{
	static const char *const shells[] = {
		"sh", "bash", "dash", "zsh", "ksh", "fish", "busybox", "tcsh", "csh", "mksh",
	};

	return is_one_of(am_learn_base_name(exe), shells, AM_COUNT(shells));
}

static bool is_interpreter(const char *exe)
{
	static const char *const all[] = {
		"python", "perl", "ruby", "node", "php", "lua", "java", "awk", "mawk", "gawk",
		"tclsh", "expect", "Rscript", "guile", "php-cgi", "luajit",
	};

	return is_one_of(am_learn_base_name(exe), all, AM_COUNT(all));
}

/* What can be written into a policy, and read there by a person as what it is. */
bool am_learn_is_plain(const char *text)
{
	size_t left = strlen(text), n;
	uint32_t c;

	for (; left; text += n, left -= n) {
		n = am_text_char(text, left, &c);
		if (!n || am_text_is_control(c))
			return false;
	}
	return true;
}

static const struct am_model_rule *rule_on(const struct learner *l, const struct sight *sight,
					   int store, uint64_t labels)
{
	struct am_access part = sight->ask.access;

	part.store = store;
	part.labels = labels;
	return am_access_rule(l->view->space, 0, &part, &sight->ask.who, true);
}

/* NULL: none of the policy in force. */
static const struct am_model_rule *deny_rule(const struct learner *l, const struct sight *sight)
{
	const struct am_access *access = &sight->ask.access;
	const struct am_model_rule *rule = NULL;

	if (access->store >= 0)
		rule = rule_on(l, sight, access->store, 0);
	for (size_t i = 0; !rule && i < l->view->model->n_labels; i++)
		if (access->labels >> i & 1)
			rule = rule_on(l, sight, -1, 1ULL << i);
	return rule;
}

static bool is_denied(unsigned reason)
{
	return reason == AM_REASON_RULE_DENIES || reason == AM_REASON_LABEL_DENIES;
}

static int refuse_denied(const struct learner *l, const struct sight *sight)
{
	const struct am_model_rule *rule = deny_rule(l, sight);

	if (rule)
		return refuse(l->lesson, sight, "denied by rule %zu: %s",
			      (size_t)(rule - l->view->model->rules) + 1, rule->text);
	return refuse(l->lesson, sight, "denied by a rule, for a fact that was not written down");
}

/* What no rule for this subject could change, or none should. NULL: there is nothing. */
static const char *objection(const struct sight *sight)
{
	const struct am_observed_row *row = sight->s->row;
	unsigned reason = row->facts.reason, now = sight->decision.reason;

	if (reason == AM_REASON_UNKNOWN_FACT || reason == AM_REASON_NO_POLICY)
		return "who asked could not be established";
	if (now == AM_REASON_PURPOSE || reason == AM_REASON_PURPOSE)
		return "the store is open under its purposes only: have it run under one "
		       "(amanat run --purpose)";
	if (now == AM_REASON_SPILL || reason == AM_REASON_SPILL)
		return "its labels may not be written outside their stores (spill: deny)";
	if (row->exe[0] != '/' || row->facts.flags & AM_OBSERVED_EXE_CUT ||
	    !am_learn_is_plain(row->exe))
		return "its executable has no path that a policy could name";
	if (!row->facts.uid && is_shell(row->exe) && !script_of(row))
		return "a shell of root is everything that root can type";
	if (row->facts.op == AM_OP_READ && sight->ask.access.store < 0)
		return "a copy is as closed as its source: it opens with a rule to read a store "
		       "that has its labels";
	return NULL;
}

static const char *objection_to_place(const struct sight *sight)
{
	const struct am_place *p = &sight->ask.place;

	if (sight->ask.access.op != AM_OP_SEND)
		return NULL;
	if (p->kind == AM_PLACE_TERMINAL)
		return "a terminal is open unless a rule denies it";
	if (p->kind == AM_PLACE_OTHER)
		return "no zone but `anywhere` holds such a destination";
	if (p->kind == AM_PLACE_NETWORK && !am_learn_has_port(p))
		return "its protocol or port cannot be named in a zone";
	return NULL;
}

/* ---- subjects ------------------------------------------------------------------------ */

/* A service, whose name means the same tomorrow: no session's scope, no transient one. */
static const char *lasting_unit(const struct am_observed_row *row)
{
	const char *dot = strrchr(row->unit, '.');

	if (!dot || strcmp(dot, ".service") || !strncmp(row->unit, "user@", 5) ||
	    !strncmp(row->unit, "run-", 4) || strchr(row->unit, '/') ||
	    !am_learn_is_plain(row->unit))
		return NULL;
	return row->unit;
}

bool am_lesson_is_same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* Of the policy, all of whose conditions hold, and no wider than an executable or script and a
 * user or group. */
static int known_subject(const struct learner *l, const struct sight *sight)
{
	struct am_set bits;

	am_space_bits(l->view->space, 0, &sight->ask.who, &bits);
	for (size_t i = 0; i < l->view->model->n_subjects; i++) {
		const struct am_model_subject *s = &l->view->model->subjects[i];

		if (am_set_has(&bits, i) && (s->exe || s->script) && (s->user || s->login || s->group))
			return i;
	}
	return -1;
}

static void read_groups(const struct am_observed_row *row, struct am_lesson_subject *s)
{
	const char *text = row->groups;

	s->n_groups = 0;
	while (s->n_groups <= AM_GROUPS_MAX && am_groups_next(&text, &s->groups[s->n_groups]))
		s->n_groups++;
}

/* Leaves those that this sighting has as well. */
static void keep_groups(const struct sight *sight, struct am_lesson_subject *s)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < s->n_groups; i++)
		for (size_t j = 0; j < sight->seen.n_gids; j++)
			if (sight->gids[j] == s->groups[i].gid) {
				s->groups[kept++] = s->groups[i];
				break;
			}
	s->n_groups = kept;
}

static int new_subject(struct learner *l, const struct sight *sight, size_t *ret)
{
	const struct am_observed_row *row = sight->s->row;
	struct am_lesson_subject s = {
		.known = known_subject(l, sight),
		.exe = row->exe,
		.user = sight->s->user,
		.uid = row->facts.uid,
		.login_name = sight->s->login_name,
		.login = row->facts.login,
		.unit = lasting_unit(row),
		.script = script_of(row),
		.purpose = sight->seen.purpose,
		.is_shell = is_shell(row->exe),
		.is_interpreter = is_interpreter(row->exe),
	};

	read_groups(row, &s);
	if (AM_APPEND(l->lesson->subjects, l->lesson->n_subjects, s))
		return -ENOMEM;
	*ret = l->lesson->n_subjects - 1;
	return 0;
}

/* One for each executable, script, user and lasting unit; login and purpose are asked for if
 * they were always the same. Those that are the same subject of the policy are one. */
static int find_subject(struct learner *l, const struct sight *sight, size_t *ret)
{
	const struct am_observed_row *row = sight->s->row;
	const char *unit = lasting_unit(row);
	int known = known_subject(l, sight);

	for (size_t i = 0; i < l->lesson->n_subjects; i++) {
		struct am_lesson_subject *s = &l->lesson->subjects[i];

		if (s->known != known)
			continue;
		if (known < 0 && (strcmp(s->exe, row->exe) || s->uid != row->facts.uid ||
				  !am_lesson_is_same_text(s->unit, unit) ||
				  !am_lesson_is_same_text(s->script, script_of(row))))
			continue;
		if (s->login != row->facts.login)
			s->login = UINT32_MAX;
		if (!am_lesson_is_same_text(s->purpose, sight->seen.purpose))
			s->purpose = NULL;
		keep_groups(sight, s);
		*ret = i;
		return 0;
	}
	return new_subject(l, sight, ret);
}

/* ---- grants ---------------------------------------------------------------------------- */

void am_lesson_join_evidence(struct am_evidence *e, const struct am_evidence *more)
{
	if (!e->count || more->first_s < e->first_s)
		e->first_s = more->first_s;
	if (!e->count || more->last_s >= e->last_s) {
		e->last_s = more->last_s;
		e->example = more->example;
	}
	e->count += more->count;
}

bool am_lesson_is_same_grant(const struct am_lesson_grant *a, const struct am_lesson_grant *b)
{
	if (a->subject != b->subject || a->op != b->op)
		return false;
	if (a->op != AM_OP_SEND)
		return a->store == b->store;
	return a->place.kind == b->place.kind && a->place.proto == b->place.proto &&
	       a->place.port == b->place.port &&
	       !memcmp(a->place.addr, b->place.addr, sizeof(a->place.addr));
}

static int add_grant(struct am_lesson *lesson, const struct am_lesson_grant *g)
{
	for (size_t i = 0; i < lesson->n_grants; i++) {
		struct am_lesson_grant *have = &lesson->grants[i];

		if (!am_lesson_is_same_grant(have, g))
			continue;
		have->labels |= g->labels;
		am_lesson_join_evidence(&have->evidence, &g->evidence);
		return 0;
	}
	if (lesson->n_grants == AM_LESSON_GRANTS) {
		lesson->too_many++;
		return 0;
	}
	return AM_APPEND(lesson->grants, lesson->n_grants, *g);
}

static uint64_t culprits(const struct am_view *view, const struct sight *sight)
{
	uint64_t labels = 0;

	for (size_t i = 0; i < view->model->n_labels; i++)
		if (sight->decision.culprits >> view->space->labels[0][i] & 1)
			labels |= 1ULL << i;
	return labels & sight->ask.access.labels;
}

static int grant(struct learner *l, const struct sight *sight)
{
	const struct am_observed_row *row = sight->s->row;
	struct am_lesson_grant g = {
		.op = sight->ask.access.op,
		.store = sight->ask.access.store,
		.zone = -1,
		.evidence = { sight->s->count, row->facts.first_s, row->facts.last_s, row->path },
	};
	int r = find_subject(l, sight, &g.subject);

	if (r)
		return r;
	if (g.op == AM_OP_SEND) {
		g.labels = culprits(l->view, sight);
		g.place = sight->ask.place;
		am_place_format(&g.place, g.dest);
	}
	return add_grant(l->lesson, &g);
}

static int take(struct learner *l, const struct am_sighting *s)
{
	const char *why;
	struct sight sight;

	if (!s->count || !see(l, s, &sight) || !is_wished(l, &sight))
		return 0;
	if (sight.decision.verdict == AM_VERDICT_ALLOW) {
		l->lesson->allowed += s->count;
		return 0;
	}
	if (is_denied(s->row->facts.reason) || is_denied(sight.decision.reason))
		return refuse_denied(l, &sight);
	why = objection(&sight);
	if (!why)
		why = objection_to_place(&sight);
	if (why)
		return refuse(l->lesson, &sight, "%s", why);
	return grant(l, &sight);
}

/* ---- in order ------------------------------------------------------------------------------- */

static int by_count(const void *a, const void *b)
{
	const struct am_sighting *x = *(const struct am_sighting *const *)a;
	const struct am_sighting *y = *(const struct am_sighting *const *)b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* The most frequent first: what is beyond the bounds is the rarest. */
static int take_all(struct learner *l, const struct am_sighting *sightings, size_t n)
{
	am_autofree const struct am_sighting **order = calloc(n + 1, sizeof(*order));
	int r = 0;

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		order[i] = &sightings[i];
	qsort(order, n, sizeof(*order), by_count);
	for (size_t i = 0; !r && i < n; i++)
		r = take(l, order[i]);
	return r;
}

static void join_ops(struct am_lesson *l)
{
	for (size_t i = 0; i < l->n_grants; i++) {
		struct am_lesson_grant *g = &l->grants[i];

		for (size_t j = 0; g->op != AM_OP_SEND && j < l->n_grants; j++)
			if (l->grants[j].subject == g->subject && l->grants[j].op != AM_OP_SEND &&
			    l->grants[j].store == g->store)
				g->ops |= 1U << l->grants[j].op;
	}
}

/* ---- a lesson ------------------------------------------------------------------------------- */

int am_learn(const struct am_view *view, const struct am_sighting *sightings, size_t n,
	     const struct am_learn_wish *wish, struct am_lesson **ret)
{
	am_auto(am_lesson) struct am_lesson *lesson = calloc(1, sizeof(*lesson));
	struct learner l = { .view = view, .wish = wish, .lesson = lesson };
	int r;

	if (!lesson)
		return -ENOMEM;
	lesson->view = view;
	r = take_all(&l, sightings, n);
	if (r)
		return r;
	am_lesson_join_users(lesson);
	am_lesson_drop_covered(lesson);
	join_ops(lesson);
	r = am_lesson_name_subjects(lesson);
	if (!r)
		r = am_learn_zones(lesson);
	if (!r)
		*ret = AM_TAKE_PTR(lesson);
	return r;
}

bool am_lesson_proposes(const struct am_lesson *l)
{
	return l->n_grants > 0;
}

void am_lesson_free(struct am_lesson *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n_subjects; i++)
		free(l->subjects[i].name);
	for (size_t i = 0; i < l->n_zones; i++) {
		free(l->zones[i].name);
		free(l->zones[i].places);
		free(l->zones[i].ports);
	}
	for (size_t i = 0; i < l->n_refusals; i++)
		free(l->refusals[i].why);
	free(l->subjects);
	free(l->grants);
	free(l->zones);
	free(l->refusals);
	free(l);
}
