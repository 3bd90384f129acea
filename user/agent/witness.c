// SPDX-License-Identifier: GPL-2.0
#include "agent/witness.h"

#include <errno.h>
#include <string.h>

#include "agent/log.h"
#include "agent/loop.h"
#include "agent/memory.h"
#include "agent/names.h"

enum {
	SAVE_MS = 30 * 1000,
	SHARE = 50,	/* at most one part in so many of the time goes into saving */
};

static int load_observed(struct am_witness *w)
{
	int r = am_observed_load(w->state_fd, &w->observed);

	if (!r)
		return 0;
	if (r == -EBADMSG)
		am_error("'observed' in the state directory is damaged, 'policy learn' begins anew");
	else
		(void)am_err(r, "cannot read 'observed' in the state directory, "
				"'policy learn' begins anew");
	w->save_now = true;	/* the damage is told once */
	return am_observed_new(&w->observed);
}

int am_witness_new(int state_fd, struct am_names *names, struct am_engine *engine,
		   struct am_witness **ret)
{
	am_auto(am_witness) struct am_witness *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->state_fd = state_fd;
	w->names = names;
	w->engine = engine;
	r = am_recent_new(AM_WITNESS_FINDINGS, AM_WITNESS_OTHERS, &w->recent);
	if (!r)
		r = am_origins_new(&w->origins);
	if (!r)
		r = load_observed(w);
	if (!r)
		*ret = AM_TAKE_PTR(w);
	return r;
}

static void done_policy(struct am_witness_policy *p)
{
	am_space_free(p->space);
	am_force_free(p->force);
	*p = (struct am_witness_policy){ 0 };
}

static void save(struct am_witness *w)
{
	bool due = w->save_now || am_observed_is_dirty(w->observed);
	int r = due ? am_observed_save(w->observed, w->state_fd) : 0;

	w->save_now &= r < 0;
	if (r < 0 && r != w->save_error)
		(void)am_err(r, "cannot save what 'policy learn' is made of");
	w->save_error = r;
}

void am_witness_tick(struct am_witness *w, int64_t now_ms)
{
	int64_t took_ms;

	if (now_ms < w->save_ms)
		return;
	save(w);
	took_ms = am_now_ms() - now_ms;
	w->save_ms = now_ms + (took_ms * SHARE > SAVE_MS ? took_ms * SHARE : SAVE_MS);
}

void am_witness_free(struct am_witness *w)
{
	if (!w)
		return;
	if (w->observed)
		save(w);
	for (size_t i = 0; i < w->n_policies; i++)
		done_policy(&w->policies[i]);
	am_observed_free(w->observed);
	am_origins_free(w->origins);
	am_recent_free(w->recent);
	free(w);
}

uint32_t am_witness_run(const struct am_witness *w)
{
	return w->run;
}

/* ---- policies ---------------------------------------------------------------------- */

static void forget_policy(struct am_witness *w, size_t i)
{
	done_policy(&w->policies[i]);
	w->n_policies--;
	memmove(&w->policies[i], &w->policies[i + 1],
		(w->n_policies - i) * sizeof(w->policies[0]));
}

/* The oldest that no event needs; if all are needed, the oldest. */
static void make_room(struct am_witness *w)
{
	for (size_t i = 0; i < w->n_policies; i++) {
		if (am_recent_uses(w->recent, w->policies[i].force->generation))
			continue;
		forget_policy(w, i);
		return;
	}
	forget_policy(w, 0);
}

void am_witness_force(struct am_witness *w, struct am_force *now)
{
	if (!w->run)
		w->run = now->generation;
	if (am_witness_policy(w, now->generation))
		return;
	if (w->n_policies == AM_WITNESS_POLICIES)
		make_room(w);
	am_force_keep(now);
	w->policies[w->n_policies++] = (struct am_witness_policy){ .force = now };
}

static struct am_witness_policy *find_policy(const struct am_witness *w, uint32_t generation)
{
	for (size_t i = 0; i < w->n_policies; i++)
		if (w->policies[i].force->generation == generation)
			return (struct am_witness_policy *)&w->policies[i];
	return NULL;
}

const struct am_force *am_witness_policy(const struct am_witness *w, uint32_t generation)
{
	const struct am_witness_policy *p = find_policy(w, generation);

	return p ? p->force : NULL;
}

static int make_space(struct am_witness_policy *p)
{
	const struct am_model *const models[] = { p->force->model };
	struct am_diags diags;
	int r;

	am_diags_init(&diags);
	r = am_space_new(models, 1, NULL, &diags, &p->space);
	am_diags_done(&diags);	/* what is in force has been found good */
	return r;
}

const struct am_view *am_witness_view(struct am_witness *w, uint32_t generation)
{
	struct am_witness_policy *p = find_policy(w, generation);

	if (!p || (!p->space && make_space(p) < 0))
		return NULL;
	p->view = (struct am_view){
		.generation = generation,
		.model = p->force->model,
		.image = p->force->image,
		.registry = p->force->registry,
		.space = p->space,
	};
	return &p->view;
}

const struct am_view *am_witness_now(struct am_witness *w)
{
	return w->n_policies ? am_witness_view(w, w->policies[w->n_policies - 1].force->generation)
			     : NULL;
}

/* ---- events -------------------------------------------------------------------------- */

void am_witness_take(struct am_witness *w, const struct am_decoded *e, int64_t wall_ns)
{
	struct am_event_id id;

	am_event_id_of(&e->raw, w->run, &id);
	/* One that there is no memory for is told as too old. */
	(void)am_recent_add(w->recent, e, &id, wall_ns);
	am_origins_take(w->origins, e, &id, wall_ns);
	am_learner_take(w, e, wall_ns);
}

int am_witness_answer(struct am_witness *w, const char *const *words, int n, FILE *out, FILE *err)
{
	if (!strcmp(words[0], "explain"))
		return am_explainer_answer(w, words, n, out, err);
	return am_learner_answer(w, words, n, out, err);
}
