// SPDX-License-Identifier: GPL-2.0
#include "query/aswas.h"

#include <errno.h>
#include <stdlib.h>

#include "query/facts.h"
#include "query/spaces.h"

struct am_again {
	struct am_past *past;	/* borrowed */
	struct am_spaces spaces;
};

int am_again_new(struct am_past *past, struct am_again **ret)
{
	struct am_again *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->past = past;
	*ret = a;
	return 0;
}

void am_again_free(struct am_again *a)
{
	if (!a)
		return;
	am_spaces_done(&a->spaces);
	free(a);
}

const char *am_aswas_words(enum am_aswas kind)
{
	static const char *const words[AM_ASWAS_MAX_] = {
		[AM_ASWAS_NOT_KEPT] = "the policy of their generation is not kept",
		[AM_ASWAS_UNKNOWN_FACT] = "a fact was not known when they were decided",
		[AM_ASWAS_PURPOSE] = "the purpose decided, which the record did not hold then",
		[AM_ASWAS_NO_NAME] = "a label or store has no name in the record or the policy",
	};

	return kind < AM_ASWAS_MAX_ && words[kind] ? words[kind] : "?";
}

/* ---- the facts --------------------------------------------------------------------- */

static uint64_t label_bits(const struct am_space *space, uint64_t labels)
{
	uint64_t bits = 0;
	size_t i;

	for (i = 0; i < space->models[0]->n_labels; i++)
		if (labels >> i & 1)
			bits |= 1ULL << space->labels[0][i];
	return bits;
}

/* Nothing but that there was something to protect: no policy was there to say more. */
static void without_policy(const struct am_row *row, struct am_facts *f)
{
	*f = (struct am_facts){
		.op = (__u16)row->deed.op,
		.tagged = row->deed.op != AM_OP_SEND,
		.labels = row->deed.labels,
		.unknown = (row->deed.flags & AM_EVENT_UNKNOWN) != 0,
	};
}

/* False if the policy does not know what the row is about. */
static bool under_policy(const struct am_row *row, const struct am_space *space,
			 struct am_facts *f)
{
	const struct am_model *m = space->models[0];
	int store = am_facts_store(row, m);
	uint64_t labels;

	if (row->object.store_id && store < 0)
		return false;
	if (!am_facts_labels(row, m, &labels) ||
	    __builtin_popcountll(labels) != __builtin_popcountll(row->deed.labels))
		return false;
	*f = (struct am_facts){
		.policy = space->images[0]->policy,
		.store = row->object.store_id ? space->stores[0][store] : NULL,
		.labels = label_bits(space, labels),
		.op = (__u16)row->deed.op,
		.tagged = row->deed.op != AM_OP_SEND,
		.unknown = (row->deed.flags & AM_EVENT_UNKNOWN) != 0,
	};
	if (f->store)
		f->labels &= ~f->store->labels;
	am_facts_bits(row, &f->bits);
	f->purpose = am_space_purpose(space, 0, am_facts_purpose(row, m));
	if (row->deed.op == AM_OP_SEND)
		am_facts_zones(row, &f->zones);
	return true;
}

/* ---- the decision -------------------------------------------------------------------- */

static bool is_same(const struct am_row *row, const struct am_decision *d)
{
	bool blocked = row->deed.flags & AM_EVENT_BLOCKED;
	bool blocks = d->verdict == AM_VERDICT_DENY && d->enforce;

	return d->verdict == row->deed.verdict && d->reason == row->deed.reason &&
	       (blocked == blocks || am_facts_came_late(row));
}

/* What is read straight into a pipe is a spill as well. */
static void decide_spliced(const struct am_facts *f, struct am_decision *ret)
{
	struct am_facts all = *f;

	if (ret->verdict != AM_VERDICT_ALLOW || !f->policy)
		return;
	all.labels |= f->store ? f->store->labels : 0;
	am_decide_spill(&all, ret);
}

static void decide(const struct am_row *row, const struct am_facts *f, struct am_decision *ret)
{
	struct am_decision first;

	am_decide(f, ret);
	if (row->deed.op == AM_OP_READ && row->deed.reason == AM_REASON_SPILL)
		decide_spliced(f, ret);
	if (row->deed.reason != AM_REASON_UNRECORDED)
		return;
	first = *ret;
	am_decide_unrecorded(f, &first, ret);
}

/* Under which purpose old rows do not tell: only where it makes no difference what it was (one of
 * the store's, or another) is the answer known. */
static enum am_aswas compare(const struct am_row *row, struct am_facts *f, struct am_decision *ret)
{
	uint64_t purposes = f->store ? f->store->purposes : 0;
	struct am_decision under;

	decide(row, f, ret);
	if (!purposes || am_facts_are_whole(row))
		return is_same(row, ret) ? AM_ASWAS_EQUAL : AM_ASWAS_DIFFERS;
	f->purpose = (__u32)__builtin_ctzll(purposes);
	decide(row, f, &under);
	if (is_same(row, ret) != is_same(row, &under))
		return AM_ASWAS_PURPOSE;
	return is_same(row, ret) ? AM_ASWAS_EQUAL : AM_ASWAS_DIFFERS;
}

static int under_past(struct am_again *a, const struct am_row *row, enum am_aswas *ret_kind,
		      struct am_decision *ret)
{
	const struct am_model *model = row->deed.generation <= UINT32_MAX ?
		am_past_model(a->past, (uint32_t)row->deed.generation) : NULL;
	const struct am_space *space = NULL;
	struct am_facts facts;
	int err;

	*ret_kind = AM_ASWAS_NOT_KEPT;
	err = model ? am_spaces_get(&a->spaces, model, &space) : 0;
	if (err || !space)
		return err;
	if (under_policy(row, space, &facts))
		*ret_kind = compare(row, &facts, ret);
	else
		*ret_kind = AM_ASWAS_NO_NAME;
	return 0;
}

int am_again_decide(struct am_again *a, const struct am_row *row, enum am_aswas *ret_kind,
		    struct am_decision *ret)
{
	struct am_facts facts;

	*ret_kind = AM_ASWAS_NO_DECISION;
	if (!am_facts_is_decision(row))
		return 0;
	*ret_kind = AM_ASWAS_UNKNOWN_FACT;
	if (row->deed.reason == AM_REASON_UNKNOWN_FACT && !(row->deed.flags & AM_EVENT_UNKNOWN))
		return 0;
	if (row->deed.generation)
		return under_past(a, row, ret_kind, ret);
	without_policy(row, &facts);
	*ret_kind = compare(row, &facts, ret);
	return 0;
}
