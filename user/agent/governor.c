/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/governor.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "agent/log.h"
#include "kernel/engine.h"
#include "kernel/publish.h"
#include "kernel/raws.h"
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

static void tell_history(int r)
{
	if (r == -EBADMSG)
		am_error("'history' in the state directory is damaged; it is kept as "
			 "'history.damaged', and a new one is begun");
	else if (r < 0)
		(void)am_err(r, "cannot use 'history' in the state directory, continuing without it");
}

int am_governor_init(struct am_governor *g, const char *path, const char *keys, int state_fd)
{
	int r, history;

	*g = (struct am_governor){ .path = path, .keys = keys, .state_fd = state_fd };
	r = am_annals_open(&g->annals, state_fd, &history);
	tell_history(history);
	if (r < 0)
		return refuse_state(r, "serial");
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

/* ---- reading ---------------------------------------------------------------- */

const struct am_registry *am_governor_registry(const struct am_governor *g)
{
	return g->now ? g->now->registry : g->stored;
}

static int read_file(const struct am_governor *g, struct am_diags *diags, struct am_force **ret)
{
	return am_force_load(g->path, am_governor_registry(g), diags, ret);
}

static int no_bundle(struct am_diags *diags, int r)
{
	am_diags_add(diags, AM_SEVERITY_ERROR, (struct am_pos){ .file = "bundle in force" },
		     "Bring back a copy of the state directory, or remove 'serial' from it to begin "
		     "with the policy file.",
		     r == -EBADMSG || r == -ENOENT ?
		     "the bundle that governs this host is damaged or missing in the state directory" :
		     "the bundle that governs this host cannot be read: %s", strerror(-r));
	return r;
}

/* It was believed when it came. A key that is gone since does not open the stores. */
static void find_signer(const struct am_governor *g, const struct am_blob *blob,
			struct am_diags *diags, struct am_origin *o)
{
	am_auto(am_keyring) struct am_keyring *ring = NULL;
	const struct am_trusted_key *key = NULL;
	struct am_signature s;
	struct am_diags quiet;

	am_diags_init(&quiet);
	if (!am_signature_parse(blob->bytes, blob->len, &s)) {
		am_key_id_format(s.id, o->key_id);
		if (!am_keyring_load(g->keys, 0, &quiet, &ring))
			key = am_keyring_find(ring, s.id);
	}
	am_diags_done(&quiet);
	if (key && am_signature_holds(&s, &key->key, blob->bytes + s.size, blob->len - s.size))
		(void)snprintf(o->signer, sizeof(o->signer), "%s", key->name);
	else
		am_diags_add(diags, AM_SEVERITY_WARNING, (struct am_pos){ .file = "bundle in force" },
			     "Push one that is signed with a trusted key.",
			     "it is signed with key %s, which is not trusted here any more; it "
			     "stays in force", o->key_id);
}

/* Its bytes are those that were taken: the digest in `serial` says so. */
static int read_bundle(const struct am_governor *g, struct am_diags *diags, struct am_force **ret)
{
	am_auto(am_draft) struct am_draft *draft = NULL;
	am_autoblob struct am_blob blob = { 0 };
	struct am_origin o = { .kind = AM_SOURCE_BUNDLE };
	size_t skip;
	int r;

	r = am_annals_bundle(&g->annals, &blob);
	if (r < 0)
		return no_bundle(diags, r);
	skip = am_archive_text(&blob);
	r = am_draft_parse("bundle in force", blob.bytes + skip, blob.len - skip, diags, &draft);
	if (r < 0)
		return r;
	o.serial = draft->serial;
	o.takes_back = draft->takes_back;
	memcpy(o.digest, draft->digest, sizeof(o.digest));
	find_signer(g, &blob, diags, &o);
	r = am_force_of(draft, &blob, am_governor_registry(g), diags, ret);
	if (!r)
		(*ret)->origin = o;
	return r;
}

int am_governor_read(const struct am_governor *g, enum am_road road, struct am_diags *diags,
		     struct am_force **ret)
{
	int r = am_annals_has_bundle(&g->annals) ? read_bundle(g, diags, ret) :
						   read_file(g, diags, ret);

	if (!r)
		(*ret)->origin.road = road;
	return r;
}

/* ---- putting in force ------------------------------------------------------- */

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
}

/* Of a file it is only remembered what can be: a full disk must not keep the stores open. */
static int prepare(struct am_governor *g, struct am_force *f)
{
	struct am_reign reign = {
		.generation = f->generation, .since_s = f->since_s, .origin = f->origin,
	};
	int r;

	(void)snprintf(reign.policy, sizeof(reign.policy), "%s", f->model->name);
	r = am_annals_prepare(&g->annals, &reign, f->text.bytes, f->text.len);
	if (r < 0 && f->origin.kind == AM_SOURCE_FILE) {
		(void)am_err(r, "cannot keep policy %s#%u in the history", f->model->name,
			     f->generation);
		return 0;
	}
	return r;
}

/* From "sealing" on, a file whose label is of a store that the policy does not have, or that has
 * none, is what the kernel side finds kept for it or above it; so that must be right first. */
static int publish(struct am_governor *g, struct am_force *f, struct am_seal *seal,
		   struct am_diags *diags)
{
	const struct am_image *previous = g->now ? g->now->image : NULL;
	int r;

	am_engine_sealing_raise(g->engine);
	r = am_recall_prepare(g->recall, f->image->policy);
	/* Before the first policy what is tagged would be refused to everybody. */
	if (!r && previous)
		r = am_seal_announce(seal);
	if (!r) {
		r = am_publish(g->publisher, f->image, previous, diags);
		if (r < 0)
			am_seal_revoke(seal);
	}
	if (r < 0)
		am_engine_sealing_lower(g->engine, 1);
	return r;
}

/* There is no way back from what is in force. What fails here is shown by `status` until a
 * walk succeeds. */
static void close_stores(struct am_governor *g, struct am_seal *seal,
			 const struct am_roots *roots)
{
	int r = am_seal_roots(seal);

	if (r < 0)
		(void)am_err(r, "cannot label the roots of the stores");
	r = am_raws_enter(g->engine, roots);
	if (r < 0)
		(void)am_err(r, "cannot close the disks below the stores");
	am_sealer_take(g->sealer, seal);
	/* Also strays that could get no tag while there was no room for it. */
	r = am_recall_begin(g->recall, am_engine_owes_tags(g->engine));
	if (r < 0) {
		(void)am_err(r, "cannot look for labelled files outside the stores");
		am_engine_recall(g->engine, true);	/* they are found by climbing, for good */
	}
}

static int stamp(struct am_governor *g, struct am_force *f)
{
	int r;

	if (g->generation == UINT32_MAX)
		return -EOVERFLOW;
	am_force_stamp(f, g->generation + 1);
	f->since_s = time(NULL);
	r = save_numbers(g, f);
	return r ? r : prepare(g, f);
}

static int refuse(struct am_diags *diags, const struct am_force *f, int r, const char *what,
		  const char *hint)
{
	/* The kernel's tables hold two policies while one takes over. */
	const char *why = hint || (r != -E2BIG && r != -ENOSPC) ? strerror(-r) :
		"its users, groups, executables or networks are too many for the kernel's tables";

	am_diags_add(diags, AM_SEVERITY_ERROR, (struct am_pos){ .file = f->model->file }, hint,
		     "%s: %s", what, why);
	return r;
}

static int put(struct am_governor *g, struct am_force *f, struct am_diags *diags)
{
	am_auto(am_seal) struct am_seal *seal = NULL;
	struct am_seal_ops ops;
	int r;

	r = stamp(g, f);
	if (r == -EOVERFLOW)
		return refuse(diags, f, r, "there is no number left for another policy",
			      "End the agent and remove 'generation' from its state directory: numbers "
			      "begin anew.");
	if (r < 0)
		return refuse(diags, f, r, "the state directory cannot keep it",
			      "Look after its disk; without it a restart would not find the policy.");
	am_tags_ops(g->engine, &ops);
	r = am_seal_new(f->roots, f->image->policy, &ops, &seal);
	if (!r)
		r = publish(g, f, seal, diags);
	if (r < 0) {
		am_annals_revert(&g->annals);
		return refuse(diags, f, r, "cannot put it in force", NULL);
	}
	close_stores(g, AM_TAKE_PTR(seal), f->roots);
	take_over(g, f);
	return 0;
}

int am_governor_put(struct am_governor *g, struct am_force *f, struct am_diags *diags)
{
	int r = put(g, f, diags);

	if (r < 0)
		return r;
	r = am_annals_commit(&g->annals);
	if (r < 0)
		am_diags_add(diags, AM_SEVERITY_WARNING, (struct am_pos){ .file = f->model->file },
			     "Look after the disk of the state directory, then push it again.",
			     "it is in force, but the next start of the agent will be with the "
			     "bundle before: %s", strerror(-r));
	return r < 0;
}

void am_governor_end(struct am_governor *g)
{
	int r = am_history_end(&g->annals.history, time(NULL));

	if (r < 0)
		(void)am_err(r, "cannot write the end of policy %s#%u into the history",
			     g->now ? g->now->model->name : "", g->generation);
}

void am_governor_done(struct am_governor *g)
{
	am_publisher_free(g->publisher);
	am_force_free(g->now);
	am_force_free(g->before);
	am_registry_free(g->stored);
	am_annals_close(&g->annals);
	*g = (struct am_governor){ 0 };
}
