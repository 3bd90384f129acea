/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/state.h"

#include "agent/control.h"
#include "agent/log.h"
#include "agent/notify.h"
#include "agent/recorder.h"
#include "base/array.h"
#include "kernel/counters.h"
#include "kernel/engine.h"

static struct am_health health_of(const struct am_agent *a)
{
	return (struct am_health){
		.force = a->governor.now,
		.refusal = &a->refusal,
		.sealer = &a->sealer,
		.recall = &a->recall,
		.holders = &a->holders,
		.keeper = &a->keeper,
		.engine = a->engine,
		.control = a->control,
		.door = a->door,
		.pipeline = a->pipeline,
		.recorder = a->recorder,
		.answers = a->answers,
		.governor = &a->governor,
	};
}

bool am_agent_is_ready(void *ctx)
{
	const struct am_health h = health_of(ctx);

	return am_health_ready(&h);
}

static void tell_skips(struct am_agent *a)
{
	uint64_t skips = am_engine_skips(a->engine);

	if (skips <= a->skips || !a->recorder)	/* at the start: they are told once they can be recorded */
		return;
	if (!a->skips)
		am_error("the kernel has skipped hooks, as it is preemptible and they are no LSM's: %s "
			 "('amanat status' counts them)",
			 am_engine_flavour(a->engine) == AM_FLAVOUR_LSM ?
				 "labels may have been lost in pipes and POSIX message queues" :
				 "accesses were not checked");
	am_recorder_skipped(a->recorder, skips - a->skips);
	a->skips = skips;
}

/* A policy without stores has no labelled file to try it on, and nothing to lose. */
void am_agent_probe(struct am_agent *a)
{
	bool answers = !a->governor.now->roots->count ||
		       am_engine_answers(a->engine, a->governor.now->roots->items[0].fd);

	if (a->answers && !answers)
		am_error("the kernel has stopped running the hooks: the stores are open "
			 "(is kernel.ftrace_enabled 0?)");
	if (!a->answers && answers && a->probe_ms)
		am_say("the kernel runs the hooks again");
	a->answers = answers;
	tell_skips(a);
}

bool am_agent_status(void *ctx, bool json, FILE *out)
{
	struct am_agent *a = ctx;
	struct am_health h;

	am_agent_probe(a);
	h = health_of(a);
	if ((json ? am_health_json(&h, out) : am_health_text(&h, out)) < 0)
		return false;
	return am_health_ready(&h);
}

/* Of the events that nobody will see; UINT64_MAX: not known. */
static uint64_t count_losses(struct am_engine *e)
{
	static const enum am_count losses[] = { AM_COUNT_URGENT_LOST, AM_COUNT_BULK_LOST,
						AM_COUNT_REPEAT_LOST, AM_COUNT_NO_SCRATCH };
	uint64_t count, lost = 0;
	size_t i;

	for (i = 0; i < AM_COUNT(losses); i++) {
		if (am_counter_read(e, losses[i], &count) < 0)
			return UINT64_MAX;
		lost += count;
	}
	return lost;
}

void am_agent_tell_losses(struct am_agent *a)
{
	uint64_t lost = count_losses(a->engine);

	if (lost == UINT64_MAX)
		return;
	if (lost > a->lost) {
		am_control_lost(a->control, lost - a->lost);
		am_recorder_lost(a->recorder, AM_GAP_RING, lost - a->lost);
	}
	a->lost = lost;
}

void am_agent_tell_alive(struct am_agent *a, int64_t now_ms)
{
	if (!a->watchdog_ms || now_ms - a->alive_ms < a->watchdog_ms / 3)
		return;
	am_notify("WATCHDOG=1");
	a->alive_ms = now_ms;
}
