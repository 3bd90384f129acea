/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/agent.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent/control.h"
#include "agent/door.h"
#include "agent/log.h"
#include "agent/names.h"
#include "agent/notify.h"
#include "agent/pipeline.h"
#include "agent/recorder.h"
#include "agent/state.h"
#include "agent/witness.h"
#include "kernel/engine.h"
#include "kernel/publish.h"
#include "kernel/ring.h"
#include "kernel/sweep.h"

enum { PROBE_MS = 2000 };	/* between two looks at whether the hooks still run */

void am_agent_signals(void *ctx, uint32_t events)
{
	struct am_agent *a = ctx;
	struct signalfd_siginfo info;

	(void)events;
	while (read(a->signals.fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			am_agent_reload(a);
		else
			a->stop = true;
	}
}

/* Everything has been labelled under this policy. If no label was missed meanwhile, there is room
 * for all of them again. */
static void forgive(struct am_agent *a)
{
	if (!am_engine_owes_tags(a->engine) || a->recall.unreachable ||
	    am_agent_missed_tags(a) != a->missed)
		return;
	am_engine_forgive_tags(a->engine);
	am_say("there is room for all labels again");
}

/* Once each file has its tag. Whether there is more to do. */
static bool see_to_sealed(struct am_agent *a)
{
	bool sealed = am_sealer_is_sealed(&a->sealer) && am_recall_is_done(&a->recall) &&
		      am_programs_settled(&a->governor);

	if (!sealed)
		return false;
	if (am_holders_step(&a->holders))
		return true;
	if (a->told_sealed)
		return false;
	am_say("policy %s#%u: all stores are sealed", a->governor.now->model->name,
	       a->governor.now->generation);
	forgive(a);
	a->told_sealed = true;	/* once per policy, not whenever a folder moves in */
	return false;
}

/* What has only been counted so far is told; of what fails there is another try. */
static void sweep(struct am_agent *a, int64_t now_ms)
{
	/* While there is no room for them in the ledger, counts are safest where they are. */
	if (now_ms < a->sweep_ms || !am_recorder_records(a->recorder))
		return;
	(void)am_engine_sweep(a->engine);
	a->sweep_ms = am_now_ms() + AM_REPEAT_S * 1000;
}

void am_agent_tick(void *ctx, uint32_t events)
{
	struct am_agent *a = ctx;
	int64_t now_ms = am_now_ms();
	uint64_t ticks;

	(void)events;
	(void)!read(a->timer.fd, &ticks, sizeof(ticks)); /* how many were missed does not matter */
	a->records_wait = true;
	if (now_ms - a->probe_ms >= PROBE_MS) {
		am_agent_probe(a);
		am_names_refresh(a->names);
		a->probe_ms = now_ms;
	}
	am_pipeline_tick(a->pipeline);
	/* Of what fails here there will be another try at the next tick. */
	(void)am_publisher_refresh(a->governor.publisher, a->governor.now->image);
	am_inbox_tick(&a->inbox);
	am_sealer_tick(&a->sealer, now_ms);
	am_keeper_tick(&a->keeper, now_ms);
	am_witness_tick(a->witness, now_ms);
	sweep(a, now_ms);
	am_control_tick(a->control, now_ms);
	am_door_tick(a->door, now_ms);
	am_recorder_tick(a->recorder, now_ms);
	am_agent_tell_losses(a);
	am_agent_tell_alive(a, now_ms);
}

void am_agent_records(void *ctx, uint32_t events)
{
	struct am_agent *a = ctx;

	(void)events;
	a->records_wait = true;
}

/* While the ledger's disk is behind, records are better off in the ring: they are not lost
 * there, and what is, is counted. That they wait must not wake the loop, then. */
static bool hold_records(struct am_agent *a)
{
	bool busy = a->records_wait && am_recorder_is_busy(a->recorder, AM_RING_ROWS);

	if (busy != a->held && !am_loop_change(&a->loop, &a->records, busy ? 0 : EPOLLIN))
		a->held = busy;
	return busy;
}

static int run_once(struct am_agent *a)
{
	bool walks = am_sealer_step(&a->sealer, am_now_ms()), busy;
	int r;

	walks |= am_recall_step(&a->recall);
	walks |= am_programs_step(&a->programs, am_now_ms());
	walks |= am_inbox_step(&a->inbox);

	walks |= see_to_sealed(a);
	busy = hold_records(a);
	if (a->records_wait && !busy) {
		r = am_ring_consume(a->ring, AM_RING_BUDGET);
		if (r < 0)
			return am_err(r, "cannot read the events of the kernel");
		a->records_wait = r > 0;
		am_control_flush(a->control);
	}
	am_engine_ledger_out(a->engine, !am_recorder_records(a->recorder));
	r = am_loop_wait(&a->loop, walks || (a->records_wait && !busy) ? 0 : busy ? AM_BUSY_MS : -1);
	if (r < 0)
		return am_err(r, "cannot wait for events");
	return 0;
}

static int run(struct am_agent *a)
{
	int r = 0;

	while (!a->stop && !r)
		r = run_once(a);
	return r < 0 ? AM_EXIT_CANNOT : AM_EXIT_OK;
}

int am_agent_run(const struct am_config *config)
{
	struct am_agent a = {
		.config = config,
		.loop = { .epoll_fd = -1 },
		.signals = { .fd = -1 },
		.timer = { .fd = -1 },
		.inbox = { .source = { .fd = -1 }, .dir = -1 },
		.governor.annals.history.fd = -1,
	};
	int code = am_agent_start(&a);

	if (code == AM_EXIT_OK)
		code = run(&a);
	am_notify("STOPPING=1");
	am_agent_finish(&a);
	return code;
}
