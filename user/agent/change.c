/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/state.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "agent/control.h"
#include "agent/log.h"
#include "agent/lookback.h"
#include "agent/notify.h"
#include "agent/pipeline.h"
#include "agent/push.h"
#include "agent/recorder.h"
#include "event/notice.h"
#include "kernel/counters.h"
#include "kernel/ring.h"

static void tell_generation(struct am_agent *a)
{
	const struct am_force *now = a->governor.now;

	am_say("policy %s#%u in force, %zu %s", now->model->name, now->generation,
	       now->model->n_stores, now->model->n_stores == 1 ? "store" : "stores");
	am_notify("READY=1\nSTATUS=policy %s#%u in force", now->model->name, now->generation);
	if (a->pipeline)	/* at the start nobody follows yet */
		am_pipeline_notice(a->pipeline, &(struct am_notice){
			.kind = AM_NOTICE_POLICY_IN_FORCE, .what = now->model->name });
}

/* Once a bundle has been in force, files do not count. */
static void tell_source(const struct am_agent *a)
{
	const struct am_origin *o = &a->governor.now->origin;

	if (o->kind == AM_SOURCE_BUNDLE)
		am_say("a bundle governs: serial %" PRIu64 ", signed with key '%s'; "
		       "'%s' is not used", o->serial, o->signer[0] ? o->signer : o->key_id,
		       a->config->policy);
}

void am_agent_tell_policy(struct am_agent *a)
{
	tell_generation(a);
	tell_source(a);
}

uint64_t am_agent_missed_tags(const struct am_agent *a)
{
	uint64_t count;

	return am_counter_read(a->engine, AM_COUNT_NO_TAG_STORAGE, &count) < 0 ? UINT64_MAX : count;
}

/* An am_intake's put(). What was decided so far is told in the words of the policy that
 * decided it. */
int am_agent_take_over(void *ctx, struct am_force *f, struct am_diags *diags)
{
	struct am_agent *a = ctx;
	int r;

	if (a->ring)
		(void)am_ring_consume(a->ring, AM_RING_BUDGET); /* the loop sees a failure again */
	a->missed = am_agent_missed_tags(a);
	r = am_governor_put(&a->governor, f, diags);
	if (r < 0)
		return r;
	am_pipeline_force(a->pipeline, a->governor.now, a->governor.before);
	am_recorder_policy(a->recorder, a->governor.now);
	am_holders_begin(&a->holders, a->governor.now->image->policy);
	a->told_sealed = false;
	a->refusal = (struct am_refusal){};
	am_agent_tell_policy(a);
	return r;
}

/* Otherwise `why` is the first error, in a sentence. */
static int load_next(struct am_agent *a, char *why, size_t size)
{
	am_auto(am_force) struct am_force *f = NULL;
	struct am_diags diags;
	int r;

	am_diags_init(&diags);
	r = am_governor_read(&a->governor, AM_ROAD_RELOAD, &diags, &f);
	if (!r)
		r = am_agent_take_over(a, f, &diags);
	am_diags_first_error(&diags, why, size);
	am_diags_print(&diags, stderr);
	am_diags_done(&diags);
	if (r >= 0)
		(void)AM_TAKE_PTR(f);	/* taken */
	return r;
}

static const char *source_of(const struct am_agent *a)
{
	return am_annals_has_bundle(&a->governor.annals) ? "bundle in force" : a->config->policy;
}

/* An am_intake's refused(). */
void am_agent_refused(void *ctx, const char *what, const char *why)
{
	struct am_agent *a = ctx;

	a->refusal.at_s = time(NULL);
	(void)snprintf(a->refusal.what, sizeof(a->refusal.what), "%s", what);	/* cut if need be */
	(void)snprintf(a->refusal.why, sizeof(a->refusal.why), "%s", why);
	if (a->governor.now)	/* a name from outside does not belong into this protocol */
		am_notify("STATUS=policy %s#%u in force, and another was refused",
			  a->governor.now->model->name, a->governor.now->generation);
	if (a->pipeline)	/* at the start nobody listens yet */
		am_pipeline_notice(a->pipeline, &(struct am_notice){
			.kind = AM_NOTICE_POLICY_REFUSED, .what = what, .why = why });
}

static void tell_refused(struct am_agent *a, const char *why)
{
	const struct am_force *now = a->governor.now;

	am_error("cannot load the policy '%s', keeping policy %s#%u", source_of(a),
		 now->model->name, now->generation);
	am_agent_refused(a, source_of(a), why);
}

void am_agent_reload(struct am_agent *a)
{
	char why[sizeof(a->refusal.why)];

	am_notify("RELOADING=1\nMONOTONIC_USEC=%" PRId64 "000", am_now_ms());
	if (load_next(a, why, sizeof(why)) < 0) {
		tell_refused(a, why);
		am_notify("READY=1");
	}
	am_inbox_again(&a->inbox);
}

int am_agent_answer_policy(void *ctx, const struct am_control_ask *ask, FILE *out, FILE *err)
{
	struct am_agent *a = ctx;

	if (!strcmp(ask->words[0], "push"))
		return am_push(&a->intake, ask, out, err);
	if (!strcmp(ask->words[0], "history"))
		return am_history_answer(&a->governor.annals, ask, out, err);
	return am_earlier_answer(&a->governor.annals, ask, out, err);
}
