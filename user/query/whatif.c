// SPDX-License-Identifier: GPL-2.0
#include "query/whatif.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "event/event.h"
#include "query/facts.h"
#include "query/field.h"
#include "query/past.h"
#include "query/point.h"
#include "query/spaces.h"

enum {
	REPEATS = 8192,		/* accesses whose repeats may follow; a power of two */
	ANSWERS = 4096,		/* rows that are alike are asked once; a power of two */
};

/* What a repeat has of the access that it repeats. */
struct touch {
	uint64_t ino, start_ns, generation;
	uint64_t addr_high, addr_low;
	uint32_t pid, tid, dev, op, act, port, proto, pad;
};

struct remembered {
	struct touch touch;
	enum am_whatif_kind kind;	/* 0: free */
	size_t group;			/* SIZE_MAX: of none */
};

/* What came of a question. */
struct verdict {
	enum am_whatif_kind kind;
	bool blocks;
	char why[160];
};

struct answer {
	char *key;		/* owned; NULL: free */
	struct verdict verdict;
};

struct am_whatif {
	struct am_past *past;		/* borrowed, may be NULL */
	const struct am_model *model;	/* borrowed */
	struct am_spaces beside;	/* behind a policy of the past */
	struct am_spaces alone;
	struct am_whatif_group *groups;	/* owned */
	size_t n_groups;
	uint32_t *slots;		/* owned: hash table of index + 1 */
	struct remembered *repeats;	/* owned */
	struct answer *answers;		/* owned */
	uint64_t counts[AM_WHATIF_MAX_];
	uint64_t left_out;
};

enum { SLOTS = 2 * AM_WHATIF_GROUPS_MAX };

int am_whatif_new(struct am_past *past, const struct am_model *model, struct am_diags *diags,
		  struct am_whatif **ret)
{
	am_auto(am_whatif) struct am_whatif *w = calloc(1, sizeof(*w));
	am_auto(am_space) struct am_space *space = NULL;
	int err;

	if (!w)
		return -ENOMEM;
	w->past = past;
	w->model = model;
	w->beside.second = model;
	w->slots = calloc(SLOTS, sizeof(*w->slots));
	w->repeats = calloc(REPEATS, sizeof(*w->repeats));
	w->answers = calloc(ANSWERS, sizeof(*w->answers));
	if (!w->slots || !w->repeats || !w->answers)
		return -ENOMEM;
	err = am_space_new(&model, 1, NULL, diags, &space);	/* its errors are the caller's */
	if (err)
		return err;
	*ret = AM_TAKE_PTR(w);
	return 0;
}

static void drop_group(struct am_whatif_group *g)
{
	free(g->who);
	free(g->what);
	free(g->to);
	free(g->why);
}

void am_whatif_free(struct am_whatif *w)
{
	size_t i;

	if (!w)
		return;
	am_spaces_done(&w->beside);
	am_spaces_done(&w->alone);
	for (i = 0; i < w->n_groups; i++)
		drop_group(&w->groups[i]);
	for (i = 0; w->answers && i < ANSWERS; i++)
		free(w->answers[i].key);
	free(w->answers);
	free(w->groups);
	free(w->slots);
	free(w->repeats);
	free(w);
}

const char *am_whatif_words(enum am_whatif_kind kind)
{
	static const char *const words[AM_WHATIF_MAX_] = {
		[AM_WHATIF_FACTS] = "a fact decides that is not recorded: the content of an executable, or in "
				    "old rows group, purpose, script or slice",
		[AM_WHATIF_NOBODY] = "the recorded facts do not lead to what the kernel found",
		[AM_WHATIF_UNKNOWN_FACT] = "a fact was not known when they were decided",
		[AM_WHATIF_UNRECORDED] = "they were refused since they could not be recorded",
		[AM_WHATIF_NO_NAME] = "a label, store or file has no whole name in the record",
		[AM_WHATIF_NOT_KEPT] = "what they carried only the policy of then tells, which is not kept",
		[AM_WHATIF_REPEAT] = "they repeat accesses that were not looked at",
	};

	return kind < AM_WHATIF_MAX_ && words[kind] ? words[kind] : "?";
}

/* ---- the question -------------------------------------------------------------------- */

static bool is_below(const char *path, const char *root)
{
	size_t len = strlen(root);

	return !strncmp(path, root, len) && (!path[len] || path[len] == '/' || !strcmp(root, "/"));
}

/* Of nested stores a file belongs to the deepest. -1: it lies in none. */
static int store_by_path(const struct am_model *m, const char *path)
{
	size_t best = 0, i, k;
	int found = -1;

	for (i = 0; i < m->n_stores; i++) {
		for (k = 0; k < m->stores[i].n_paths; k++) {
			const char *root = m->stores[i].paths[k].path;

			if (!is_below(path, root) || strlen(root) < best)
				continue;
			best = strlen(root);
			found = (int)i;
		}
	}
	return found;
}

/* By name, as files keep their store; where the policy has none of that name, by the path. */
static bool find_store(const struct am_row *row, const struct am_model *m, int *ret)
{
	const char *path = row->object.path;

	*ret = am_facts_store(row, m);
	if (*ret >= 0 || !row->object.store_id)
		return true;
	if (row->deed.flags & (AM_EVENT_PATH_CUT | AM_EVENT_FS_PATH) || !path || *path != '/')
		return false;
	*ret = store_by_path(m, path);
	return true;
}

/* The labels beyond those of the store that it was in then, as the model names them. */
static uint64_t carried(const struct am_row *row, const struct am_space *space, unsigned p)
{
	const struct am_model *m = space->models[p], *then = space->models[0];
	uint64_t labels = 0, own = 0;
	int store;
	size_t i, k;

	(void)am_facts_labels(row, m, &labels); /* that all have names was seen before */
	if (space->n_policies == 1)
		return labels;
	store = am_facts_store(row, then);
	for (i = 0; store >= 0 && i < then->stores[store].n_labels; i++)
		for (k = 0; k < m->n_labels; k++)
			if (!strcmp(m->labels[k].name,
				    then->labels[then->stores[store].labels[i]].name))
				own |= 1ULL << k;
	return labels & ~own;
}

/* Without the policy of then nobody knows which labels were the store's, and which the
 * file's or the process's own: no matter where the new store has them all. */
static bool is_settled(const struct am_space *space, const struct am_access *a)
{
	const struct am_model *m = space->models[0];
	uint64_t own = 0;
	size_t i;

	if (space->n_policies > 1 || a->op == AM_OP_SEND || !a->labels)
		return true;
	for (i = 0; a->store >= 0 && i < m->stores[a->store].n_labels; i++)
		own |= 1ULL << m->stores[a->store].labels[i];
	return a->store >= 0 && !(a->labels & ~own);
}

struct question {
	const struct am_space *space;
	struct am_access accesses[AM_SPACE_POLICIES];
	struct am_place place;
};

/* SAME if it can be asked; else why not. */
static enum am_whatif_kind put_question(const struct am_row *row, struct question *q)
{
	unsigned last = q->space->n_policies - 1, p;
	uint64_t labels;

	if (row->deed.op == AM_OP_SEND)
		am_facts_place(row, q->space, &q->place);
	for (p = 0; p <= last; p++) {
		struct am_access *a = &q->accesses[p];

		*a = (struct am_access){ .op = row->deed.op };
		if (!am_facts_labels(row, q->space->models[p], &labels) ||
		    !find_store(row, q->space->models[p], &a->store))
			return AM_WHATIF_NO_NAME;
		a->labels = carried(row, q->space, p);
		if (row->deed.op == AM_OP_SEND)
			a->place = &q->place;
	}
	if (row->object.store_id && !is_settled(q->space, &q->accesses[0]))
		return AM_WHATIF_NOT_KEPT;
	return AM_WHATIF_SAME;
}

/* ---- the answer -------------------------------------------------------------------------- */

static enum am_whatif_kind compare(const struct am_row *row, const struct am_decision *d)
{
	bool denied = row->deed.verdict == AM_VERDICT_DENY;
	bool blocked = row->deed.flags & AM_EVENT_BLOCKED;

	if (d->verdict == AM_VERDICT_ALLOW)
		return denied ? AM_WHATIF_GAIN : AM_WHATIF_SAME;
	if (!denied)
		return AM_WHATIF_LOSS;
	if (blocked == (bool)d->enforce || am_facts_came_late(row))
		return AM_WHATIF_SAME;
	return blocked ? AM_WHATIF_UNBLOCK : AM_WHATIF_BLOCK;
}

static void say_why(const struct question *q, const struct am_point *point, struct verdict *v)
{
	unsigned last = q->space->n_policies - 1;
	const struct am_model *m = q->space->models[last];
	const struct am_model_rule *rule = NULL;
	unsigned reason = point->decision.reason;

	if (reason != AM_REASON_NO_RULE && reason != AM_REASON_LABEL_NO_RULE)
		rule = am_access_rule(q->space, last, &q->accesses[last], &point->who,
				      point->decision.verdict == AM_VERDICT_DENY);
	if (rule)
		(void)snprintf(v->why, sizeof(v->why), "rule %zu: %s", (size_t)(rule - m->rules) + 1,
			       rule->text);
	else
		(void)snprintf(v->why, sizeof(v->why), "%s", am_reason_name(reason));
}

static void settle(const struct am_row *row, struct question *q, struct verdict *ret)
{
	struct am_point point;

	ret->kind = put_question(row, q);
	if (ret->kind != AM_WHATIF_SAME)
		return;
	switch (am_point_find(q->space, row, q->accesses, &point)) {
	case AM_POINTED_TOLD:
		ret->kind = compare(row, &point.decision);
		ret->blocks = point.decision.enforce;
		say_why(q, &point, ret);
		break;
	case AM_POINTED_NOBODY:
		ret->kind = AM_WHATIF_NOBODY;
		break;
	default:
		ret->kind = AM_WHATIF_FACTS;
	}
}

static int find_space(struct am_whatif *w, const struct am_row *row, const struct am_space **ret)
{
	const struct am_model *then = NULL;
	int err = 0;

	*ret = NULL;
	if (w->past && row->deed.generation && row->deed.generation <= UINT32_MAX)
		then = am_past_model(w->past, (uint32_t)row->deed.generation);
	if (then)
		err = am_spaces_get(&w->beside, then, ret);
	if (!err && !*ret)
		err = am_spaces_get(&w->alone, w->model, ret);
	return !err && !*ret ? -ENOMEM : err;
}

/* All that the answer is made of. */
static char *key_of(const struct am_row *row)
{
	const struct am_row_actor *a = &row->actor;
	char *key = NULL;

	if (asprintf(&key, "%s|%s|%s|%s|%s|%s|%s|%s|%u|%u|%u|%" PRIx64 ".%" PRIx64 ".%" PRIx64
		     ".%" PRIx64
		     "|%s|%s|%" PRIx64 "|%s|%u|%u|%u|%x|%" PRIu64 "|%" PRIx64 ".%" PRIx64 "|%" PRIu64
		     ".%u.%u|%" PRIx64 ".%" PRIx64, a->exe ? a->exe : "", a->user ? a->user : "",
		     a->login_user ? a->login_user : "", a->unit ? a->unit : "",
		     a->script ? a->script : "", a->purpose ? a->purpose : "",
		     a->groups ? a->groups : "", a->cgroup_path ? a->cgroup_path : "", a->uid, a->gid,
		     a->login, a->bits[0], a->bits[1], a->bits[2], a->bits[3],
		     row->object.store ? row->object.store : "",
		     row->object.path ? row->object.path : "", row->deed.labels,
		     row->deed.label_names ? row->deed.label_names : "", row->deed.op,
		     row->deed.verdict, row->deed.reason, row->deed.flags, row->deed.generation,
		     row->dest.addr_high, row->dest.addr_low, row->dest.family, row->dest.port,
		     row->dest.proto, row->dest.zones_low, row->dest.zones_high) < 0)
		return NULL;
	return key;
}

static uint64_t hash(const void *bytes, size_t len, uint64_t h)
{
	const unsigned char *p = bytes;

	while (len--)
		h = (h ^ *p++) * 1099511628211ULL;
	return h ^ h >> 29;
}

static int decide(struct am_whatif *w, const struct am_row *row, struct verdict *ret)
{
	am_autofree char *key = key_of(row);
	struct question q = { .space = NULL };
	struct answer *known;
	int err;

	if (!key)
		return -ENOMEM;
	known = &w->answers[hash(key, strlen(key), 14695981039346656037ULL) & (ANSWERS - 1)];
	if (known->key && !strcmp(known->key, key)) {
		*ret = known->verdict;
		return 0;
	}
	err = find_space(w, row, &q.space);
	if (err)
		return err;
	settle(row, &q, ret);
	free(known->key);
	known->key = AM_TAKE_PTR(key);
	known->verdict = *ret;
	return 0;
}

static int judge(struct am_whatif *w, const struct am_row *row, struct verdict *ret)
{
	*ret = (struct verdict){ .kind = AM_WHATIF_NO_DECISION };
	if (!am_facts_is_decision(row))
		return 0;
	if (row->deed.reason == AM_REASON_UNKNOWN_FACT)
		ret->kind = AM_WHATIF_UNKNOWN_FACT;
	else if (row->deed.reason == AM_REASON_UNRECORDED)
		ret->kind = AM_WHATIF_UNRECORDED;
	else
		return decide(w, row, ret);
	return 0;
}

/* ---- groups ----------------------------------------------------------------------------------- */

static void say_who(const struct am_row_actor *a, char *to, size_t size)
{
	int n = a->user && *a->user ? snprintf(to, size, "user=%s", a->user)
				    : snprintf(to, size, "user=%u", a->uid);

	if (a->exe && *a->exe && (size_t)n < size)
		n += snprintf(to + n, size - (size_t)n, " exe=%s", a->exe);
	if (a->unit && *a->unit && (size_t)n < size)
		n += snprintf(to + n, size - (size_t)n, " unit=%s", a->unit);
	if (a->script && *a->script && (size_t)n < size)
		n += snprintf(to + n, size - (size_t)n, " script=%s", a->script);
	if (a->purpose && *a->purpose && (size_t)n < size)
		(void)snprintf(to + n, size - (size_t)n, " purpose=%s", a->purpose);
}

static bool is_like(const struct am_whatif_group *g, const struct am_whatif_group *h)
{
	return g->kind == h->kind && g->op == h->op && g->blocks == h->blocks &&
	       !strcmp(g->who, h->who) && !strcmp(g->what, h->what) && !strcmp(g->to, h->to) &&
	       !strcmp(g->why, h->why);
}

static uint64_t hash_group(const struct am_whatif_group *g)
{
	uint64_t h = hash(g->who, strlen(g->who) + 1, 14695981039346656037ULL + g->kind);

	h = hash(g->what, strlen(g->what) + 1, h + g->op);
	return hash(g->why, strlen(g->why), hash(g->to, strlen(g->to) + 1, h));
}

static int copy_group(struct am_whatif *w, const struct am_whatif_group *like)
{
	struct am_whatif_group g = *like;

	g.who = strdup(like->who);
	g.what = strdup(like->what);
	g.to = strdup(like->to);
	g.why = strdup(like->why);
	if (g.who && g.what && g.to && g.why && !AM_APPEND(w->groups, w->n_groups, g))
		return 0;
	drop_group(&g);
	return -ENOMEM;
}

/* 0, and *ret is SIZE_MAX if there is no room for another. */
static int find_group(struct am_whatif *w, const struct am_whatif_group *like, size_t *ret)
{
	size_t at = hash_group(like) % SLOTS;
	int err;

	for (; w->slots[at]; at = (at + 1) % SLOTS) {
		*ret = w->slots[at] - 1;
		if (is_like(&w->groups[*ret], like))
			return 0;
	}
	*ret = SIZE_MAX;
	if (w->n_groups == AM_WHATIF_GROUPS_MAX)
		return 0;
	err = copy_group(w, like);
	if (err)
		return err;
	*ret = w->n_groups - 1;
	w->slots[at] = (uint32_t)w->n_groups;
	return 0;
}

static void count_in(struct am_whatif_group *g, const struct am_row *row, uint64_t n)
{
	if (!g->count || row->wall_ns < g->first_ns)
		g->first_ns = row->wall_ns;
	if (!g->count || row->wall_ns > g->last_ns)
		g->last_ns = row->wall_ns;
	g->count += n;
	if (g->n_examples == AM_WHATIF_EXAMPLES || !row->event || row->deed.kind == AM_EVENT_REPEAT)
		return;
	g->examples[g->n_examples++] = (struct am_event_id){
		.run = (uint32_t)row->event, .cpu = (uint32_t)row->cpu, .seq = row->seq,
		.urgent = row->deed.flags & AM_EVENT_URGENT,
	};
}

static int add_to_group(struct am_whatif *w, const struct am_row *row, struct verdict *v,
			size_t *ret)
{
	char who[512], to[AM_FIELD_TEXT_MAX] = "";
	const struct am_field *dest = am_field_find("dest", 4);
	const char *store = row->object.store, *labels = row->deed.label_names;
	struct am_whatif_group like = { .kind = v->kind, .who = who, .op = row->deed.op,
					.to = to, .why = v->why, .blocks = v->blocks };
	int err;

	say_who(&row->actor, who, sizeof(who));
	like.what = (char *)(store && *store && row->deed.op != AM_OP_SEND ? store :
			     labels && *labels ? labels : "?");
	if (row->deed.op == AM_OP_SEND)
		(void)am_field_text(dest, row, to);
	err = find_group(w, &like, ret);
	if (!err && *ret != SIZE_MAX)
		count_in(&w->groups[*ret], row, 1);
	return err;
}

/* ---- repeats -------------------------------------------------------------------------------------- */

static struct remembered *place_of(struct am_whatif *w, const struct am_row *row,
				   struct touch *ret)
{
	*ret = (struct touch){
		.ino = row->object.ino, .start_ns = row->actor.start_ns,
		.generation = row->deed.generation, .pid = row->actor.pid, .tid = row->actor.tid,
		.dev = row->object.dev, .op = row->deed.op, .act = row->deed.act,
		.addr_high = row->dest.addr_high, .addr_low = row->dest.addr_low,
		.port = row->dest.port, .proto = row->dest.proto,
	};
	return &w->repeats[hash(ret, sizeof(*ret), 14695981039346656037ULL) & (REPEATS - 1)];
}

_Static_assert(sizeof(struct touch) == 72, "compared and hashed by its bytes");

static void remember(struct am_whatif *w, const struct am_row *row, enum am_whatif_kind kind,
		     size_t group)
{
	struct touch touch;
	struct remembered *r = place_of(w, row, &touch);

	*r = (struct remembered){ touch, kind, group };
}

/* What a repeat says of itself is not enough to decide it, but it is known what it repeats. */
static void add_repeat(struct am_whatif *w, const struct am_row *row)
{
	struct touch touch;
	const struct remembered *r = place_of(w, row, &touch);
	bool known = r->kind && !memcmp(&r->touch, &touch, sizeof(touch));

	w->counts[known ? r->kind : AM_WHATIF_REPEAT] += row->count;
	if (!known || r->kind > AM_WHATIF_UNBLOCK)
		return;
	if (r->group == SIZE_MAX)
		w->left_out += row->count;
	else
		count_in(&w->groups[r->group], row, row->count);
}

int am_whatif_add(struct am_whatif *w, const struct am_row *row)
{
	size_t group = SIZE_MAX;
	struct verdict v;
	int err;

	if (row->deed.kind == AM_EVENT_REPEAT) {
		add_repeat(w, row);
		return 0;
	}
	err = judge(w, row, &v);
	if (err)
		return err;
	w->counts[v.kind]++;
	if (v.kind <= AM_WHATIF_UNBLOCK)
		err = add_to_group(w, row, &v, &group);
	if (err)
		return err;
	w->left_out += v.kind <= AM_WHATIF_UNBLOCK && group == SIZE_MAX;
	if (v.kind != AM_WHATIF_NO_DECISION)
		remember(w, row, v.kind, group);
	return 0;
}

/* ---- the result --------------------------------------------------------------------------------------- */

static int by_weight(const void *a, const void *b)
{
	const struct am_whatif_group *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return strcmp(x->who, y->who);
}

const struct am_whatif_group *am_whatif_groups(struct am_whatif *w, size_t *ret_n)
{
	if (w->n_groups)
		qsort(w->groups, w->n_groups, sizeof(*w->groups), by_weight);
	*ret_n = w->n_groups;
	return w->groups;
}

uint64_t am_whatif_count(const struct am_whatif *w, enum am_whatif_kind kind)
{
	return kind < AM_WHATIF_MAX_ ? w->counts[kind] : 0;
}

uint64_t am_whatif_left_out(const struct am_whatif *w)
{
	return w->left_out;
}
