// SPDX-License-Identifier: GPL-2.0
#include "policy/diff.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "policy/differ.h"
#include "policy/reader.h"
#include "policy/region.h"
#include "policy/sentence.h"

static void done_regions(struct am_regions *r)
{
	free(r->items);
}

/* ---- accesses --------------------------------------------------------------- */

static void done_differents(struct am_differents *list)
{
	free(list->items);
}

/* All who may do the one thing under one policy and not the other under the other. */
static int compare(const struct am_differ *d, const struct am_access *has,
		   const struct am_access *lacks, const char *what)
{
	__attribute__((cleanup(done_differents))) struct am_differents found = { 0 };
	int err = am_differ_find(d, has, lacks, &found);

	for (size_t i = 0; !err && i < found.count; i++)
		err = am_differ_add(d, &found.items[i], has, lacks, what, NULL);
	return err;
}

static int compare_regions(const struct am_differ *d, const struct am_regions *regions)
{
	int err = 0;

	for (size_t i = 0; !err && i < regions->count; i++) {
		const struct am_region *r = &regions->items[i];
		am_autofree char *what = am_region_text(d->space, r);

		if (!what)
			return -ENOMEM;
		for (unsigned op = AM_OP_READ; !err && op <= AM_OP_WRITE; op++) {
			struct am_access has = { .op = op, .store = r->store[d->has] };
			struct am_access lacks = { .op = op, .store = r->store[d->lacks] };

			err = compare(d, &has, &lacks, what);
		}
	}
	return err;
}

/* Names that either policy gives to labels or purposes, and what they are in each. */
struct pair {
	const char *name;
	int index[AM_SPACE_POLICIES];
};

static bool next_pair(const struct am_space *space, enum am_named named, size_t *at,
		      struct pair *ret)
{
	const struct am_model *before = space->models[AM_BEFORE], *after = space->models[AM_AFTER];
	size_t n = am_model_count(before, named);

	for (; *at < n + am_model_count(after, named); ++*at) {
		const char *name = *at < n ? am_model_name(before, named, *at)
					   : am_model_name(after, named, *at - n);
		struct pair pair = { name, { am_model_find(before, named, name),
					     am_model_find(after, named, name) } };

		if (*at >= n && pair.index[AM_BEFORE] >= 0)
			continue;	/* told before */
		++*at;
		*ret = pair;
		return true;
	}
	return false;
}

/* Whether the list "a, b (new, /x), c" tells of the store. */
static bool lists_store(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = strstr(list, name); at; at = strstr(at + 1, name))
		if ((at == list || at[-1] == ' ') && (!at[len] || strchr(", )", at[len])))
			return true;
	return false;
}

/* Told for a store with the label already: of copies it goes without saying. */
static bool is_told(const struct am_differ *d, const struct am_different *who, int label)
{
	const struct am_model *m = d->space->models[d->has];

	for (size_t i = 0; i < m->n_stores; i++) {
		am_autofree char *facts = NULL;
		size_t len;
		FILE *out;

		if (!(d->space->stores[d->has][i]->labels >>
		      d->space->labels[d->has][label] & 1))
			continue;
		out = open_memstream(&facts, &len);
		if (!out)
			return false;
		am_who_print(d->space, &who->who, AM_WHO_SHORT, out);
		if (fclose(out))
			return false;
		for (size_t j = 0; j < d->diff->count; j++) {
			const struct am_change *c = &d->diff->items[j];

			if (c->kind == d->kind && !strcmp(c->op, "read") &&
			    !strcmp(c->facts, facts) && lists_store(c->what, m->stores[i].name))
				return true;
		}
	}
	return false;
}

static int compare_copies(const struct am_differ *d, const struct pair *label)
{
	__attribute__((cleanup(done_differents))) struct am_differents found = { 0 };
	struct am_access has = { .op = AM_OP_READ, .store = -1 }, lacks = has;
	am_autofree char *what = NULL;
	int err;

	if (label->index[d->has] < 0)
		return 0;
	has.labels = 1ULL << label->index[d->has];
	if (label->index[d->lacks] >= 0)
		lacks.labels = 1ULL << label->index[d->lacks];
	err = am_differ_find(d, &has, lacks.labels ? &lacks : NULL, &found);
	if (!err && asprintf(&what, "copies that carry %s", label->name) < 0)
		return -ENOMEM;
	for (size_t i = 0; !err && i < found.count; i++)
		if (!is_told(d, &found.items[i], label->index[d->has]))
			err = am_differ_add(d, &found.items[i], &has,
					    lacks.labels ? &lacks : NULL, what, NULL);
	return err;
}

static int compare_labels(const struct am_differ *d)
{
	struct pair label;
	size_t at = 0;
	int err = 0;

	while (!err && next_pair(d->space, AM_NAMED_LABEL, &at, &label)) {
		err = compare_copies(d, &label);
		if (!err)
			err = am_differ_send(d, label.index);
	}
	return err;
}

static int compare_purposes(const struct am_differ *d)
{
	struct pair purpose;
	size_t at = 0;
	int err = 0;

	while (!err && next_pair(d->space, AM_NAMED_PURPOSE, &at, &purpose)) {
		struct am_access has = { .op = AM_OP_USE, .store = -1,
					 .purpose = purpose.index[d->has] };
		struct am_access lacks = { .op = AM_OP_USE, .store = -1,
					   .purpose = purpose.index[d->lacks] };

		if (has.purpose >= 0)
			err = compare(d, &has, lacks.purpose < 0 ? NULL : &lacks, purpose.name);
	}
	return err;
}

static int compare_ways(const struct am_differ *d, const struct am_regions *regions)
{
	int err = compare_regions(d, regions);

	if (!err)
		err = compare_labels(d);
	return err ? err : compare_purposes(d);
}

/* ---- settings --------------------------------------------------------------- */

static int add_setting(struct am_diff *diff, const char *what, const char *of, const char *before,
		       const char *after)
{
	struct am_change new = { .kind = AM_CHANGE_SETTING };

	if (!strcmp(before, after))
		return 0;
	if (asprintf(&new.what, "%s%s", what, of) < 0)
		return -ENOMEM;
	if (asprintf(&new.to, "%s → %s", before, after) < 0)
		new.to = NULL;	/* its value is undefined on failure */
	if (new.to && !AM_APPEND(diff->items, diff->count, new))
		return 0;
	free(new.what);
	free(new.to);
	return -ENOMEM;
}

/* The labels that the store carries, those of the stores around it included. */
static int print_labels(const struct am_space *space, unsigned p, size_t store, char **ret)
{
	const struct am_model *m = space->models[p];
	const char *comma = "";
	size_t len;
	FILE *out = open_memstream(ret, &len);

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_labels; i++) {
		if (!(space->stores[p][store]->labels >> space->labels[p][i] & 1))
			continue;
		fprintf(out, "%s%s", comma, m->labels[i].name);
		comma = ", ";
	}
	return fclose(out) ? -ENOMEM : 0;
}

static int compare_store_labels(const struct am_space *space, struct am_diff *diff, size_t before,
				size_t after)
{
	am_autofree char *old = NULL, *new = NULL;
	int err = print_labels(space, AM_BEFORE, before, &old);

	if (!err)
		err = print_labels(space, AM_AFTER, after, &new);
	return err ? err : add_setting(diff, "labels of the store ",
				       space->models[AM_AFTER]->stores[after].name, old, new);
}

static const char *mode_word(enum am_mode mode)
{
	return mode == AM_MODE_ENFORCE ? "enforce" : "observe";
}

static int compare_store(const struct am_space *space, struct am_diff *diff, size_t before,
			 size_t after)
{
	const struct am_model_store *a = &space->models[AM_BEFORE]->stores[before];
	const struct am_model_store *b = &space->models[AM_AFTER]->stores[after];
	int err;

	err = add_setting(diff, "mode of the store ", b->name, mode_word(a->mode),
			  mode_word(b->mode));
	if (!err)
		err = add_setting(diff, "on-error of the store ", b->name,
				  a->error_allow ? "allow" : "deny",
				  b->error_allow ? "allow" : "deny");
	if (!err)
		err = add_setting(diff, "spill of the store ", b->name,
				  a->spill_deny ? "deny" : "track",
				  b->spill_deny ? "deny" : "track");
	if (!err)
		err = add_setting(diff, "strict of the store ", b->name,
				  a->strict ? "true" : "false", b->strict ? "true" : "false");
	return err ? err : compare_store_labels(space, diff, before, after);
}

/* 1 if the policy has one that means the same, 0 if not; -ENOMEM. */
static int has_invariant(const struct am_model *m, const char *sentence)
{
	for (size_t i = 0; i < m->n_invariants; i++) {
		am_autofree char *other = NULL;

		if (am_sentence_invariant(m, &m->invariants[i], &other))
			return -ENOMEM;
		if (!strcmp(other, sentence))
			return 1;
	}
	return 0;
}

/* Those of one policy that the other has not. */
static int tell_invariants(const struct am_model *of, const struct am_model *other,
			   struct am_diff *diff, const char *before, const char *after)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < of->n_invariants; i++) {
		am_autofree char *sentence = NULL;

		r = am_sentence_invariant(of, &of->invariants[i], &sentence);
		if (!r)
			r = has_invariant(other, sentence);
		if (!r)
			r = add_setting(diff, "the invariant ", sentence, before, after);
	}
	return r < 0 ? r : 0;
}

static int compare_invariants(const struct am_space *space, struct am_diff *diff)
{
	const struct am_model *a = space->models[AM_BEFORE], *b = space->models[AM_AFTER];
	int err = tell_invariants(a, b, diff, "held", "dropped");

	return err ? err : tell_invariants(b, a, diff, "none", "held");
}

static int compare_settings(const struct am_space *space, struct am_diff *diff)
{
	int err = 0;

	for (size_t i = 0; !err && i < space->models[AM_BEFORE]->n_stores; i++) {
		int after = am_model_find(space->models[AM_AFTER], AM_NAMED_STORE,
					  space->models[AM_BEFORE]->stores[i].name);

		if (after >= 0)
			err = compare_store(space, diff, i, after);
	}
	return err ? err : compare_invariants(space, diff);
}

/* ---- reads and writes that are alike ---------------------------------------- */

static bool is_same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool is_alike(const struct am_change *a, const struct am_change *b)
{
	return a->kind == b->kind && a->kind != AM_CHANGE_SETTING && !strcmp(a->op, "read") &&
	       !strcmp(b->op, "write") && !strcmp(a->who, b->who) &&
	       !strcmp(a->facts, b->facts) && !strcmp(a->what, b->what) && is_same(a->but, b->but);
}

static void join_writes(struct am_diff *diff)
{
	for (size_t i = 0; i < diff->count; i++) {
		for (size_t j = 0; j < diff->count; j++) {
			if (!is_alike(&diff->items[i], &diff->items[j]))
				continue;
			diff->items[i].op = "read, write";
			am_change_done(&diff->items[j]);
			diff->count--;
			memmove(&diff->items[j], &diff->items[j + 1],
				(diff->count - j) * sizeof(*diff->items));
			i -= j < i;
			break;
		}
	}
}

/* ---- the whole -------------------------------------------------------------- */

static int compare_one_way(const struct am_space *space, struct am_diff *diff,
			   enum am_change_kind kind, const struct am_regions *regions)
{
	am_auto(am_differ_memo) struct am_differ_memo *memo = NULL;
	bool gain = kind == AM_CHANGE_GAIN;
	struct am_differ d = { .space = space, .diff = diff, .kind = kind,
			       .has = gain ? AM_AFTER : AM_BEFORE,
			       .lacks = gain ? AM_BEFORE : AM_AFTER };
	int err = am_differ_memo_new(&memo);

	d.memo = memo;
	return err ? err : compare_ways(&d, regions);
}

static int fill(const struct am_space *space, struct am_diff *diff)
{
	__attribute__((cleanup(done_regions))) struct am_regions regions = { 0 };
	int err = am_regions_list(space, &regions);

	if (!err)
		err = compare_one_way(space, diff, AM_CHANGE_GAIN, &regions);
	if (!err)
		err = compare_one_way(space, diff, AM_CHANGE_LOSS, &regions);
	if (err)
		return err;
	join_writes(diff);
	return compare_settings(space, diff);
}

int am_diff_make(const struct am_model *before, const struct am_model *after,
		 struct am_diags *diags, struct am_diff **ret)
{
	const struct am_model *models[] = { [AM_BEFORE] = before, [AM_AFTER] = after };
	am_auto(am_diff) struct am_diff *diff = calloc(1, sizeof(*diff));
	am_auto(am_space) struct am_space *space = NULL;
	int err;

	if (!diff)
		return -ENOMEM;
	err = am_space_new(models, AM_SPACE_POLICIES, NULL, diags, &space);
	if (!err)
		err = fill(space, diff);
	if (!err)
		*ret = AM_TAKE_PTR(diff);
	return err;
}

static void print_change(const struct am_change *c, FILE *out)
{
	bool gain = c->kind == AM_CHANGE_GAIN;

	fprintf(out, "%c ", gain ? '+' : '-');
	am_text_print(out, c->who);
	if (c->facts[0]) {
		fputs(" (", out);
		am_text_print(out, c->facts);
		fputc(')', out);
	}
	fprintf(out, " %s %s ", gain ? "may now" : "no longer may", c->op);
	am_text_print(out, c->what);
	if (c->to) {
		fputs(" to ", out);
		am_text_print(out, c->to);
	}
	if (c->but[0])
		fprintf(out, "; %s %s", gain ? "not so" : "may still:", c->but);
	fputc('\n', out);
}

void am_diff_print(const struct am_diff *diff, FILE *out)
{
	if (!diff->count)
		fputs("no difference in access\n", out);
	for (size_t i = 0; i < diff->count; i++) {
		const struct am_change *c = &diff->items[i];

		if (c->kind == AM_CHANGE_SETTING)
			fprintf(out, "~ %s: %s\n", c->what, c->to);
		else
			print_change(c, out);
	}
}
