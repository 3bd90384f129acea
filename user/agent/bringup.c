/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/state.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/control.h"
#include "agent/door.h"
#include "agent/hooks.h"
#include "agent/instance.h"
#include "agent/lender.h"
#include "agent/log.h"
#include "agent/names.h"
#include "agent/notify.h"
#include "agent/pipeline.h"
#include "agent/recorder.h"
#include "agent/selftest.h"
#include "agent/witness.h"
#include "base/host.h"
#include "kernel/engine.h"
#include "kernel/ring.h"
#include "kernel/sweep.h"

enum {
	TICK_MS = 250,		/* how long a record that wakes nobody may lie in the ring */
	DRAIN_MS = 2000,	/* at the end */
	FILES_MAX = 65536,	/* descriptors: roots, executables, one per folder being walked */
};

static void raise_limit(int resource, rlim_t limit)
{
	struct rlimit now, want = { limit, limit };

	if (!getrlimit(resource, &now) && now.rlim_cur != RLIM_INFINITY && now.rlim_cur < limit)
		(void)setrlimit(resource, &want); /* what is missing fails where it is used */
}

static int watch(struct am_agent *a, struct am_source *source, int fd,
		 void (*ready)(void *ctx, uint32_t events))
{
	if (fd < 0)
		return -errno;
	*source = (struct am_source){ .fd = fd, .ready = ready, .ctx = a };
	return am_loop_add(&a->loop, source, EPOLLIN);
}

/* Signals first: from here on none of them ends the agent halfway. */
static int start_loop(struct am_agent *a)
{
	const struct itimerspec tick = {
		.it_value = { .tv_nsec = TICK_MS * 1000000L },
		.it_interval = { .tv_nsec = TICK_MS * 1000000L },
	};
	sigset_t signals;
	int r;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGHUP);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return -errno;
	r = am_loop_init(&a->loop);
	if (!r)
		r = watch(a, &a->signals, signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC),
			  am_agent_signals);
	if (!r)
		r = watch(a, &a->timer, timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC),
			  am_agent_tick);
	if (!r && timerfd_settime(a->timer.fd, 0, &tick, NULL) < 0)
		r = -errno;
	return r;
}

static int kernel_failed(int r, const char *what)
{
	(void)fputs(am_engine_said(), stderr); /* lines of its own; the next sums them up */
	return am_err(r, "%s", what);
}

static int load_kernel(struct am_agent *a)
{
	struct am_engine_options hooks;
	int r;

	if (am_hooks_choose(a->config, &hooks) < 0)
		return -EOPNOTSUPP;
	r = am_engine_open(&hooks, &a->engine);
	if (r < 0)
		return kernel_failed(r, "cannot load the programs into the kernel");
	am_sealer_init(&a->sealer, a->engine);
	am_recall_init(&a->recall, a->engine);
	am_holders_init(&a->holders, a->engine);
	am_keeper_init(&a->keeper, a->engine, am_instance_state(a->instance));
	r = am_engine_mark_agent(a->engine);
	if (!r)
		r = am_governor_start(&a->governor, a->engine, &a->sealer, &a->recall);
	if (r < 0)
		return am_err(r, "cannot prepare the programs");
	return 0;
}

/* Files that were outside the stores when an agent ran last. A damaged list must not keep the
 * stores open; it is put right by the next save. */
static void load_strays(struct am_agent *a)
{
	const struct am_force *now = a->governor.now;
	int r = am_keeper_load(&a->keeper);

	if (r == -EBADMSG)
		am_error("'strays' in the state directory is damaged, continuing without the labels "
			 "of files outside the stores that it held");
	else if (r < 0)
		(void)am_err(r, "cannot read 'strays' in the state directory, continuing without it");
	r = am_recall_prepare(&a->recall, now->image->policy);
	if (!r)
		r = am_recall_begin(&a->recall, true);
	if (r < 0)
		(void)am_err(r, "cannot look for labelled files outside the stores");
}

static int read_ledger(void *ctx, const struct am_control_ask *ask, int fd, FILE *err)
{
	const struct am_agent *a = ctx;

	return am_lender_lend(a->recorder, a->names, ask, fd, err);
}

static int explain_or_learn(void *ctx, const char *const *words, int n, FILE *out, FILE *err)
{
	const struct am_agent *a = ctx;

	return am_witness_answer(a->witness, words, n, out, err);
}

static int answer(void *ctx, int fd, const char *const *words, int n)
{
	struct am_agent *a = ctx;

	return am_deputy_send(&a->deputies, fd, explain_or_learn, a, words, n);
}

static int start_serving(struct am_agent *a)
{
	const struct am_control_calls calls = {
		.status = am_agent_status,
		.ready = am_agent_is_ready,
		.answer = answer,
		.policy = am_agent_answer_policy,
		.read = read_ledger,
		.ctx = a,
	};
	int r;

	r = am_control_open(&a->loop, am_instance_run(a->instance), a->config->group, &calls,
			    &a->control);
	if (r < 0)
		return r;
	r = am_names_new(&a->names);
	if (!r)
		r = am_witness_new(am_instance_state(a->instance), a->names, a->engine, &a->witness);
	if (!r)
		r = am_recorder_new(a->config->ledger, a->config->state, &a->config->keeping,
				    &a->recorder);
	if (!r)
		r = am_pipeline_new(a->control, a->names, &a->sealer, a->recorder, a->witness,
				    &a->pipeline);
	if (!r)
		r = am_ring_open(a->engine, am_pipeline_take, a->pipeline, &a->ring);
	if (!r)
		r = watch(a, &a->records, am_ring_fd(a->ring), am_agent_records);
	if (r < 0)
		return am_err(r, "cannot read the events of the kernel");
	am_pipeline_force(a->pipeline, a->governor.now, NULL);
	am_recorder_policy(a->recorder, a->governor.now);
	am_programs_init(&a->programs, &a->loop, &a->governor, a->pipeline);
	return am_door_open(&a->loop, am_instance_run(a->instance), &a->governor, a->names,
			    a->pipeline, &a->door);
}

/* A kernel may attach hooks and never run them. */
static int check_hooks(struct am_agent *a)
{
	am_agent_probe(a);
	if (a->answers)
		return 0;
	am_error("the kernel has attached the hooks and does not run them; "
		 "set kernel.ftrace_enabled to 1");
	return -EOPNOTSUPP;
}

/* The hooks run before there is a policy or a label: to the kernel side all files are
 * nobody's, that of the self-test aside. The policy then closes the stores from its first instant, as their roots are
 * labelled with it; the walk only makes it cheaper. */
static int put_first(struct am_agent *a, struct am_force *f)
{
	struct am_diags diags;
	int r;

	am_diags_init(&diags);
	r = am_governor_put(&a->governor, f, &diags);
	am_diags_print(&diags, stderr);
	am_diags_done(&diags);
	return r;
}

static int go_into_force(struct am_agent *a, struct am_force *f)
{
	int r = am_engine_attach(a->engine);

	if (r < 0) {
		(void)kernel_failed(r, "cannot attach the programs");
		return AM_EXIT_KERNEL;
	}
	if (am_selftest_run(a->engine) < 0)
		return AM_EXIT_KERNEL;
	if (put_first(a, f) < 0)
		return AM_EXIT_CANNOT;
	load_strays(a);
	am_holders_begin(&a->holders, a->governor.now->image->policy);
	return check_hooks(a) < 0 ? AM_EXIT_KERNEL : AM_EXIT_OK;
}

/* The last bundle that was in force; on a host that never had one, what lies in the folder
 * of bundles, and else the policy file. */
static int read_first(struct am_agent *a, struct am_force **ret)
{
	struct am_diags diags;
	int r = -ENOENT;

	if (!am_annals_has_bundle(&a->governor.annals))
		r = am_inbox_first(&a->inbox, ret);
	if (!r)
		return 0;
	am_diags_init(&diags);
	r = am_governor_read(&a->governor, AM_ROAD_START, &diags, ret);
	am_diags_print(&diags, stderr);
	am_diags_done(&diags);
	return r;
}

static int prepare(struct am_agent *a)
{
	const struct am_config *c = a->config;

	a->intake = (struct am_intake){
		.governor = &a->governor,
		.put = am_agent_take_over,
		.refused = am_agent_refused,
		.ctx = a,
	};
	am_inbox_init(&a->inbox, c->bundles, &a->loop, &a->intake);
	if (am_instance_open(c->state, c->run, &a->instance) < 0)
		return -1;
	return am_governor_init(&a->governor, c->policy, c->keys, am_instance_state(a->instance));
}

/* The policy is refused before anything is loaded. */
static int bring_up(struct am_agent *a)
{
	am_auto(am_force) struct am_force *f = NULL;
	int code;

	if (prepare(a) < 0 || read_first(a, &f) < 0)
		return AM_EXIT_CANNOT;
	if (load_kernel(a) < 0)
		return AM_EXIT_KERNEL;
	code = go_into_force(a, f);
	if (a->governor.now)
		(void)AM_TAKE_PTR(f);	/* taken */
	if (code != AM_EXIT_OK)
		return code;
	return start_serving(a) < 0 ? AM_EXIT_CANNOT : AM_EXIT_OK;
}

int am_agent_start(struct am_agent *a)
{
	struct am_host host = am_host_here;
	char missing[1024];
	int code;

	host.accept_skips = a->config->flavour == AM_FLAVOUR_FMOD_RET;
	if (am_host_missing(&host, missing, sizeof(missing))) {
		am_error("%s", missing);
		return AM_EXIT_KERNEL;
	}
	raise_limit(RLIMIT_NOFILE, FILES_MAX);
	raise_limit(RLIMIT_MEMLOCK, RLIM_INFINITY);
	(void)umask(0077);
	a->watchdog_ms = am_notify_watchdog_ms();
	if (start_loop(a) < 0)
		return AM_EXIT_CANNOT;
	code = bring_up(a);
	if (code != AM_EXIT_OK)
		return code;
	am_agent_tell_policy(a);
	am_inbox_tick(&a->inbox);
	return AM_EXIT_OK;
}

/* The hooks end first, so that the strays on disk are all there ever were. */
static void save_strays(struct am_agent *a)
{
	int r;

	if (!a->engine)
		return;
	am_engine_detach(a->engine);
	r = am_keeper_save(&a->keeper);
	if (r < 0)
		(void)am_err(r, "cannot save the labels of files outside the stores");
}

/* What the hooks told before they ended is still to be recorded. */
static void drain(struct am_agent *a)
{
	const struct timespec little = { .tv_nsec = AM_BUSY_MS * 1000000L };
	int64_t until_ms = am_now_ms() + DRAIN_MS;

	while (a->pipeline && a->ring && am_now_ms() < until_ms) {
		if (am_recorder_is_busy(a->recorder, AM_RING_ROWS))
			(void)nanosleep(&little, NULL);
		else if (am_ring_consume(a->ring, AM_RING_BUDGET) <= 0)
			break;
	}
}

void am_agent_finish(struct am_agent *a)
{
	am_door_free(a->door);
	if (a->engine) {
		am_engine_detach(a->engine);
		(void)am_engine_sweep(a->engine);	/* the last counts; there is no other way */
	}
	drain(a);
	am_control_free(a->control);
	am_programs_done(&a->programs);
	am_deputies_end(&a->deputies);
	am_inbox_done(&a->inbox);
	save_strays(a);
	am_governor_end(&a->governor);
	am_ring_free(a->ring);
	am_pipeline_free(a->pipeline);
	am_recorder_free(a->recorder);
	am_witness_free(a->witness);
	am_names_free(a->names);
	am_holders_done(&a->holders);
	am_recall_done(&a->recall);
	am_sealer_done(&a->sealer);
	am_governor_done(&a->governor);
	am_engine_free(a->engine);
	if (a->signals.fd >= 0)
		(void)close(a->signals.fd); /* holds no data, nor does the next */
	if (a->timer.fd >= 0)
		(void)close(a->timer.fd);
	am_loop_done(&a->loop);
	am_instance_free(a->instance);
}
