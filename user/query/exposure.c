// SPDX-License-Identifier: GPL-2.0
#include "query/exposure.h"

#include <errno.h>
#include <string.h>

#include "abi.h"
#include "base/array.h"
#include "base/host.h"
#include "base/text.h"
#include "query/field.h"

#define KIND(kind) (1ULL << (kind))

void am_exposure_free(struct am_exposure *x)
{
	if (!x)
		return;
	am_lineage_done(&x->lineage);
	am_tally_done(&x->findings);
	am_tally_done(&x->policies);
	free(x->gaps);
	free(x->notes);
	free(x);
}

static bool is_denied(const struct am_row *row)
{
	return row->deed.verdict == AM_VERDICT_DENY;
}

static bool is_breach(const struct am_row *row)
{
	return is_denied(row) && !(row->deed.flags & AM_EVENT_BLOCKED);
}

static void stretch(int64_t *first_ns, int64_t *last_ns, int64_t ns)
{
	if (!*first_ns || ns < *first_ns)
		*first_ns = ns;
	if (ns > *last_ns)
		*last_ns = ns;
}

/* ---- timeline ------------------------------------------------------------------------- */

static void count_time(struct am_exposure *x, const struct am_row *row, uint64_t times)
{
	const struct am_exposure_question *q = &x->question;
	uint64_t span = (uint64_t)(q->to_ns - q->from_ns), at;
	struct am_exposure_bucket *b;

	if (row->wall_ns < q->from_ns || row->wall_ns >= q->to_ns)
		return;
	at = (uint64_t)(row->wall_ns - q->from_ns);
	b = &x->timeline[(size_t)((unsigned __int128)at * AM_EXPOSURE_BUCKETS / span)];
	if (row->deed.flags & AM_EVENT_BLOCKED)
		b->refused += times;
	else
		b->allowed += times;
	if (is_breach(row))
		b->breaches += times;
}

/* ---- findings ------------------------------------------------------------------------- */

static int name_finding(struct am_exposure *x, const struct am_row *row, uint32_t i)
{
	struct am_exposure_finding *f = AM_TALLY_AT(&x->findings, struct am_exposure_finding, i);
	int r = am_pool_add(&x->lineage.pool, row->deed.why, &f->why);

	if (!r)
		r = am_pool_add(&x->lineage.pool, row->object.path, &f->path);
	(void)snprintf(f->id, sizeof(f->id), "%s",
		       am_field_text(am_field_find("id", 2), row, (char[AM_FIELD_TEXT_MAX]){ 0 }));
	return r;
}

static int take_finding(struct am_exposure *x, const struct am_row *row)
{
	struct am_exposure_finding key = {
		.reason = row->deed.reason, .op = row->deed.op, .act = row->deed.act,
		.blocked = (row->deed.flags & AM_EVENT_BLOCKED) != 0,
	}, *f;
	char text[AM_FIELD_TEXT_MAX];
	uint32_t i;
	int r;

	if (!is_denied(row))
		return 0;
	r = am_pool_add(&x->lineage.pool, am_field_text(am_field_find("dest", 4), row, text), &key.dest);
	if (!r)
		r = am_lineage_subject(&x->lineage, row, &key.subject);
	if (!r)
		r = am_tally_add(&x->findings, &key, &i);
	if (r < 0)
		return r == -ENOSPC ? 0 : r;
	f = AM_TALLY_AT(&x->findings, struct am_exposure_finding, i);
	stretch(&f->first_ns, &f->last_ns, row->wall_ns);
	return f->count++ ? 0 : name_finding(x, row, i);
}

/* ---- policies --------------------------------------------------------------------------- */

static struct am_exposure_policy *policy_of(struct am_exposure *x, uint64_t generation)
{
	const struct am_exposure_policy key = { .generation = generation };
	uint32_t i;

	if (am_tally_add(&x->policies, &key, &i) < 0)
		return NULL;	/* counted there, or a report that is short of a line */
	return AM_TALLY_AT(&x->policies, struct am_exposure_policy, i);
}

static int take_generation(struct am_exposure *x, const struct am_row *row)
{
	struct am_exposure_policy *p = policy_of(x, row->deed.generation);

	if (!p)
		return 0;
	p->events++;
	stretch(&p->first_ns, &p->last_ns, row->wall_ns);
	return p->name ? 0 : am_pool_add(&x->lineage.pool, row->deed.policy, &p->name);
}

static int take_policy_mark(struct am_exposure *x, const struct am_row *row)
{
	struct am_exposure_policy *p = policy_of(x, row->count);

	if (!p || p->mark)	/* a start says again what was in force */
		return 0;
	p->in_force_ns = row->wall_ns;
	return am_pool_add(&x->lineage.pool, row->deed.why, &p->mark);
}

/* ---- gaps, marks ------------------------------------------------------------------------ */

static int take_gap(struct am_exposure *x, const struct am_row *row)
{
	const struct am_exposure_gap g = { row->deed.reason, row->count, row->since_ns, row->wall_ns };
	const struct am_exposure_question *q = &x->question;

	/* One that is written after the period may have begun in it. */
	if (q->until_ns && (g.since_ns ? g.since_ns : g.until_ns) >= q->until_ns)
		return 0;
	if (x->n_gaps == AM_EXPOSURE_GAPS_MAX) {
		x->gaps_left_out++;
		return 0;
	}
	return AM_APPEND(x->gaps, x->n_gaps, g);
}

static int take_note(struct am_exposure *x, const struct am_row *row)
{
	struct am_exposure_note n = { .mark = row->deed.reason, .count = row->count,
				      .wall_ns = row->wall_ns };
	int r;

	if (row->wall_ns < x->question.since_ns)
		return 0;
	if (x->n_notes == AM_EXPOSURE_NOTES_MAX) {
		x->notes_left_out++;
		return 0;
	}
	r = am_pool_add(&x->lineage.pool, row->deed.why, &n.why);
	return r ? r : AM_APPEND(x->notes, x->n_notes, n);
}

/* What was in force when the period began is the last that came before. */
struct before {
	struct am_row row;
	char why[256];
};

static int take_mark(struct am_exposure *x, const struct am_row *row, struct before *before)
{
	if (row->deed.reason != AM_MARK_POLICY)
		return take_note(x, row);
	if (row->wall_ns >= x->question.since_ns)
		return take_policy_mark(x, row);
	before->row = *row;
	(void)snprintf(before->why, sizeof(before->why), "%s", row->deed.why);
	before->row.deed.why = before->why;
	return 0;
}

/* ---- the passes -------------------------------------------------------------------------- */

typedef int take_row(struct am_exposure *x, const struct am_row *row, struct before *before);

static int pass(struct am_exposure *x, int dirfd, const struct am_query *query, take_row *take,
		struct before *before)
{
	am_auto(am_scan) struct am_scan *scan = NULL;
	struct am_scan_counts counts;
	struct am_row row;
	int r = am_scan_open(dirfd, query, AM_COLUMNS_ALL, &scan), err = 0;

	if (r < 0)
		return r;
	while (!err && (r = am_scan_next(scan, &row)) > 0) {
		err = am_lineage_boot(&x->lineage, am_scan_host(scan)->boot);
		if (!err)
			err = take(x, &row, before);
	}
	am_scan_counts(scan, &counts);
	if (counts.bad_segments > x->bad_segments)
		x->bad_segments = counts.bad_segments;
	return err < 0 ? err : r < 0 ? r : 0;
}

static int take_store(struct am_exposure *x, const struct am_row *row, struct before *before)
{
	uint64_t times = row->deed.kind == AM_EVENT_REPEAT ? row->count : 1;
	int r = am_lineage_store(&x->lineage, row);

	(void)before;
	x->accesses += times;
	if (row->deed.flags & AM_EVENT_BLOCKED)
		x->refused += times;
	if (is_breach(row))
		x->breaches += times;
	count_time(x, row, times);
	if (!r)
		r = take_generation(x, row);
	return r ? r : take_finding(x, row);
}

static int take_other(struct am_exposure *x, const struct am_row *row, struct before *before)
{
	int r = am_lineage_other(&x->lineage, row);

	(void)before;
	if (r > 0)
		count_time(x, row, row->count);
	if (r || !am_lineage_concerns(&x->lineage, row))
		return r < 0 ? r : 0;
	if (row->deed.kind == AM_EVENT_SEND)
		count_time(x, row, 1);
	return take_finding(x, row);
}

static int take_own(struct am_exposure *x, const struct am_row *row, struct before *before)
{
	return row->deed.kind == AM_ROW_GAP ? take_gap(x, row) : take_mark(x, row, before);
}

static int read_events(struct am_exposure *x, int dirfd)
{
	struct am_query query = {
		.since_ns = x->question.since_ns, .until_ns = x->question.until_ns,
		.store = x->question.store,
		.kinds = KIND(AM_EVENT_ACCESS) | KIND(AM_EVENT_REPEAT),
	};
	int r = pass(x, dirfd, &query, take_store, NULL);

	query.store = NULL;
	query.kinds |= KIND(AM_EVENT_SEND) | KIND(AM_EVENT_SPILL) | KIND(AM_EVENT_PROCESS);
	return r ? r : pass(x, dirfd, &query, take_other, NULL);
}

static int read_own(struct am_exposure *x, int dirfd)
{
	const struct am_query gaps = { .since_ns = x->question.since_ns, .kinds = KIND(AM_ROW_GAP) };
	const struct am_query marks = { .until_ns = x->question.until_ns,
					.kinds = KIND(AM_ROW_MARK) };
	struct before before = { 0 };
	int r = pass(x, dirfd, &gaps, take_own, &before);

	if (!r)
		r = pass(x, dirfd, &marks, take_own, &before);
	return r || !before.row.wall_ns ? r : take_policy_mark(x, &before.row);
}

/* ---- sums -------------------------------------------------------------------------------- */

static void sum_places(struct am_exposure *x)
{
	size_t i;

	for (i = 0; i < x->lineage.places.n; i++) {
		const struct am_lineage_place *p =
			AM_TALLY_AT(&x->lineage.places, struct am_lineage_place, i);

		if (p->local) {
			x->local_sends += p->sends;
			continue;
		}
		x->sends += p->sends;
		x->likely_sends += p->likely;
		x->refused_sends += p->refused;
		x->breached_sends += p->breaches;
		am_handed_join(&x->handed, &p->handed);
		am_handed_join(&x->likely_handed, &p->likely_handed);
	}
}

static void sum(struct am_exposure *x)
{
	const struct am_lineage *l = &x->lineage;
	size_t i;

	sum_places(x);
	for (i = 0; i < l->files.n; i++)
		x->copies += AM_TALLY_AT(&l->files, struct am_lineage_file, i)->held;
	for (i = 0; i < l->subjects.n; i++) {
		const struct am_lineage_subject *s =
			AM_TALLY_AT(&l->subjects, struct am_lineage_subject, i);

		x->subjects += s->files || s->copies_read;
	}
	x->left_out = l->pool.left_out + l->subjects.left_out + l->processes.left_out +
		      l->files.left_out + l->links.left_out + l->places.left_out + l->sends.left_out +
		      l->sockets.left_out + l->begun.left_out + x->findings.left_out + x->policies.left_out +
		      x->gaps_left_out + x->notes_left_out;
}

int am_exposure_make(int dirfd, const struct am_exposure_question *question,
		     struct am_exposure **ret)
{
	am_auto(am_exposure) struct am_exposure *x = calloc(1, sizeof(*x));
	int r;

	if (!x)
		return -ENOMEM;
	x->question = *question;
	am_lineage_init(&x->lineage);
	x->findings = AM_TALLY(struct am_exposure_finding, 24, AM_EXPOSURE_FINDINGS_MAX);
	x->policies = AM_TALLY(struct am_exposure_policy, 8, AM_EXPOSURE_POLICIES_MAX);
	r = read_events(x, dirfd);
	if (!r)
		r = read_own(x, dirfd);
	if (!r)
		r = am_lineage_solve(&x->lineage);
	if (r < 0)
		return r;
	sum(x);
	*ret = AM_TAKE_PTR(x);
	return 0;
}

bool am_exposure_is_empty(const struct am_exposure *x)
{
	return !x->accesses;
}

/* ---- names ------------------------------------------------------------------------------- */

static int find_near(int dirfd, const char *store, char **ret_near)
{
	const struct am_query query = { .kinds = KIND(AM_EVENT_ACCESS) };
	am_auto(am_scan) struct am_scan *scan = NULL;
	am_autofree char *best = NULL;
	struct am_nearest nearest;
	struct am_row row;
	int r = am_scan_open(dirfd, &query, AM_COLUMN_BIT(AM_COL_STORE), &scan);

	am_nearest_init(&nearest, store);
	while (r >= 0 && (r = am_scan_next(scan, &row)) > 0) {
		unsigned before = nearest.distance;

		if (!row.object.store || !*row.object.store)
			continue;
		am_nearest_offer(&nearest, row.object.store);
		if (nearest.distance == before)
			continue;
		free(best);	/* the row's is gone with the next one */
		best = strdup(row.object.store);
		if (!best)
			return -ENOMEM;
		nearest.best = best;
	}
	if (!r)
		*ret_near = AM_TAKE_PTR(best);
	return r;
}

int am_exposure_knows(int dirfd, const char *store, char **ret_near)
{
	const struct am_query query = { .store = store };
	am_auto(am_scan) struct am_scan *scan = NULL;
	struct am_row row;
	int r = am_scan_open(dirfd, &query, AM_COLUMN_BIT(AM_COL_STORE), &scan);

	*ret_near = NULL;
	if (!r)
		r = am_scan_next(scan, &row);
	return r ? (r > 0 ? 1 : r) : find_near(dirfd, store, ret_near);
}
