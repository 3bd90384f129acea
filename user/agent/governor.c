/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/governor.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "agent/log.h"
#include "kernel/engine.h"
#include "kernel/publish.h"
#include "kernel/tags.h"
#include "store/generation.h"

/* Numbers that are not certain are not used: a label would mean another, an event's policy
 * would be another. */
static int refuse_state(int r, const char *file)
{
	if (r != -EBADMSG)
		return am_err(r, "cannot read '%s' in the state directory", file);
	am_error("'%s' in the state directory is damaged; bring back a copy of it, or move all "
		 "files of that directory away to start anew", file);
	return r;
}

int am_governor_init(struct am_governor *g, const char *path, int state_fd)
{
	int r;

	*g = (struct am_governor){ .path = path, .state_fd = state_fd };
	r = am_registry_load(state_fd, &g->stored);
	if (r < 0)
		return refuse_state(r, "registry");
	r = am_generation_load(state_fd, &g->generation);
	if (r < 0)
		return refuse_state(r, "generation");
	return 0;
}

int am_governor_start(struct am_governor *g, struct am_engine *e, struct am_sealer *sealer,
		      struct am_recall *recall)
{
	g->engine = e;
	g->sealer = sealer;
	g->recall = recall;
	return am_publisher_new(e, &g->publisher);
}

int am_governor_read(const struct am_governor *g, struct am_force **ret)
{
	struct am_diags diags;
	int r;

	am_diags_init(&diags);
	r = am_force_load(g->path, g->now ? g->now->registry : g->stored, &diags, ret);
	am_diags_print(&diags, stderr);
	am_diags_done(&diags);
	return r;
}

/* What must be on disk before the numbers in it are given to inodes and events. */
static int save_numbers(const struct am_governor *g, struct am_force *f)
{
	int r = am_registry_save(f->registry, g->state_fd);

	return r ? r : am_generation_save(g->state_fd, f->generation);
}

static void take_over(struct am_governor *g, struct am_force *f)
{
	am_force_free(g->before);
	g->before = g->now;
	g->now = f;
	g->generation = f->generation;
	f->since_s = time(NULL);
}

/* From "sealing" on, a file whose label is of a store that the policy does not have, or that has
 * none, is what the kernel side finds kept for it or above it; so that must be right first. */
static int publish(struct am_governor *g, struct am_force *f, struct am_diags *diags)
{
	const struct am_image *previous = g->now ? g->now->image : NULL;
	int r;

	am_engine_sealing_raise(g->engine);
	r = am_recall_prepare(g->recall, f->image->policy, f->roots);
	if (!r) {
		r = am_publish(g->publisher, f->image, previous, diags);
		if (r < 0)
			am_recall_revert(g->recall);
	}
	if (r < 0)
		am_engine_sealing_lower(g->engine, 1);
	return r;
}

/* There is no way back from what is in force. What fails here is shown by `status` until a
 * walk succeeds. */
static void close_stores(struct am_governor *g, struct am_seal *seal)
{
	int r = am_seal_roots(seal);

	if (r < 0)
		(void)am_err(r, "cannot label the roots of the stores");
	am_sealer_take(g->sealer, seal);
	/* Also strays that could get no tag while there was no room for it. */
	r = am_recall_begin(g->recall, am_engine_owes_tags(g->engine));
	if (r < 0)
		(void)am_err(r, "cannot look for labelled files outside the stores");
}

static int put(struct am_governor *g, struct am_force *f, struct am_diags *diags)
{
	am_auto(am_seal) struct am_seal *seal = NULL;
	struct am_seal_ops ops;
	int r;

	if (g->generation == UINT32_MAX)
		return -EOVERFLOW;
	am_force_stamp(f, g->generation + 1);
	r = save_numbers(g, f);
	if (r < 0)
		return r;
	am_tags_ops(g->engine, &ops);
	r = am_seal_new(f->roots, f->image->policy, &ops, &seal);
	if (!r)
		r = publish(g, f, diags);
	if (r < 0)
		return r;
	close_stores(g, AM_TAKE_PTR(seal));
	take_over(g, f);
	return 0;
}

static const char *reason(int r)
{
	/* The kernel's tables hold two policies while one takes over. */
	if (r == -E2BIG || r == -ENOSPC)
		return "its users, groups, executables or networks are too many for the kernel's tables";
	return strerror(-r);
}

int am_governor_put(struct am_governor *g, struct am_force *f)
{
	struct am_diags diags;
	int r;

	am_diags_init(&diags);
	r = put(g, f, &diags);
	am_diags_print(&diags, stderr);
	am_diags_done(&diags);
	if (r < 0)
		am_error("cannot put the policy '%s' in force: %s", g->path, reason(r));
	return r;
}

void am_governor_done(struct am_governor *g)
{
	am_publisher_free(g->publisher);
	am_force_free(g->now);
	am_force_free(g->before);
	am_registry_free(g->stored);
	*g = (struct am_governor){ 0 };
}
