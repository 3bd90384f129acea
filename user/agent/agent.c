/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/agent.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>

#include "agent/control.h"
#include "agent/deputy.h"
#include "agent/door.h"
#include "agent/governor.h"
#include "agent/health.h"
#include "agent/inbox.h"
#include "agent/holders.h"
#include "agent/hooks.h"
#include "agent/instance.h"
#include "agent/keeper.h"
#include "agent/log.h"
#include "agent/lookback.h"
#include "agent/loop.h"
#include "agent/names.h"
#include "agent/notify.h"
#include "agent/programs.h"
#include "agent/push.h"
#include "agent/recall.h"
#include "agent/lender.h"
#include "agent/recorder.h"
#include "agent/witness.h"
#include "agent/selftest.h"
#include "base/array.h"
#include "base/host.h"
#include "event/notice.h"
#include "kernel/counters.h"
#include "kernel/engine.h"
#include "kernel/publish.h"
#include "kernel/ring.h"
#include "kernel/sweep.h"

enum {
	TICK_MS = 250,		/* how long a record that wakes nobody may lie in the ring */
	PROBE_MS = 2000,
	RING_BUDGET = 512,	/* records between two looks at everything else */
	RING_ROWS = RING_BUDGET * (1 + AM_ANCESTORS),	/* that may come of them */
	DRAIN_MS = 2000,	/* at the end */
	BUSY_MS = 2,		/* how long records wait in the ring for the ledger's disk */
	FILES_MAX = 65536,	/* descriptors: roots, executables, one per folder being walked */
};

struct am_agent {
	const struct am_config *config;
	struct am_instance *instance;
	struct am_engine *engine;
	struct am_governor governor;
	struct am_intake intake;
	struct am_inbox inbox;
	struct am_sealer sealer;
	struct am_recall recall;
	struct am_holders holders;
	struct am_keeper keeper;
	int64_t sweep_ms;		/* when repeats are to be told next */
	struct am_ring *ring;
	struct am_names *names;
	struct am_control *control;
	struct am_door *door;
	struct am_pipeline *pipeline;
	struct am_programs programs;
	struct am_recorder *recorder;
	struct am_witness *witness;
	struct am_deputies deputies;
	struct am_loop loop;
	struct am_source signals;	/* fd is owned, as the next one's */
	struct am_source timer;
	struct am_source records;	/* fd is the ring's */
	bool records_wait;
	uint64_t skips;			/* runs of hooks that there should have been */
	bool held;			/* they do not wake the loop now */
	bool told_sealed;
	uint64_t missed;		/* tags, when this policy came */
	struct am_refusal refusal;
	bool answers;
	uint64_t lost;			/* events, already told */
	int64_t probe_ms;
	int64_t watchdog_ms;		/* interval; 0: none */
	int64_t alive_ms;		/* when the service manager was last told */
	bool stop;
};

/* ---- health --------------------------------------------------------------- */

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

static bool is_ready(void *ctx)
{
	const struct am_health h = health_of(ctx);

	return am_health_ready(&h);
}

static void tell_skips(struct am_agent *a)
{
	uint64_t skips = am_engine_skips(a->engine);

	if (skips <= a->skips)
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
static void probe(struct am_agent *a)
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

static bool write_status(void *ctx, bool json, FILE *out)
{
	struct am_agent *a = ctx;
	struct am_health h;

	probe(a);
	h = health_of(a);
	if ((json ? am_health_json(&h, out) : am_health_text(&h, out)) < 0)
		return false;
	return am_health_ready(&h);
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

/* ---- policies ------------------------------------------------------------- */

static void tell_policy(struct am_agent *a)
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

static uint64_t missed_tags(const struct am_agent *a)
{
	uint64_t count;

	return am_counter_read(a->engine, AM_COUNT_NO_TAG_STORAGE, &count) < 0 ? UINT64_MAX : count;
}

/* An am_intake's put(). What was decided so far is told in the words of the policy that
 * decided it. */
static int take_over(void *ctx, struct am_force *f, struct am_diags *diags)
{
	struct am_agent *a = ctx;
	int r;

	if (a->ring)
		(void)am_ring_consume(a->ring, RING_BUDGET); /* the loop sees a failure again */
	a->missed = missed_tags(a);
	r = am_governor_put(&a->governor, f, diags);
	if (r < 0)
		return r;
	am_pipeline_force(a->pipeline, a->governor.now, a->governor.before);
	am_recorder_policy(a->recorder, a->governor.now);
	am_holders_begin(&a->holders, a->governor.now->image->policy);
	a->told_sealed = false;
	a->refusal = (struct am_refusal){};
	tell_policy(a);
	tell_source(a);
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
		r = take_over(a, f, &diags);
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
static void notice_refused(void *ctx, const char *what, const char *why)
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
	notice_refused(a, source_of(a), why);
}

static void reload(struct am_agent *a)
{
	char why[sizeof(a->refusal.why)];

	am_notify("RELOADING=1\nMONOTONIC_USEC=%" PRId64 "000", am_now_ms());
	if (load_next(a, why, sizeof(why)) < 0) {
		tell_refused(a, why);
		am_notify("READY=1");
	}
	am_inbox_again(&a->inbox);
}

static int answer_policy(void *ctx, const struct am_control_ask *ask, FILE *out, FILE *err)
{
	struct am_agent *a = ctx;

	if (!strcmp(ask->words[0], "push"))
		return am_push(&a->intake, ask, out, err);
	if (!strcmp(ask->words[0], "history"))
		return am_history_answer(&a->governor.annals, ask, out, err);
	return am_earlier_answer(&a->governor.annals, ask, out, err);
}

/* ---- the loop ------------------------------------------------------------- */

static void signals_ready(void *ctx, uint32_t events)
{
	struct am_agent *a = ctx;
	struct signalfd_siginfo info;

	(void)events;
	while (read(a->signals.fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload(a);
		else
			a->stop = true;
	}
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

static void tell_losses(struct am_agent *a)
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

/* Everything has been labelled under this policy. If no label was missed meanwhile, there is room
 * for all of them again. */
static void forgive(struct am_agent *a)
{
	if (!am_engine_owes_tags(a->engine) || a->recall.unreachable ||
	    missed_tags(a) != a->missed)
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

static void tell_alive(struct am_agent *a, int64_t now_ms)
{
	if (!a->watchdog_ms || now_ms - a->alive_ms < a->watchdog_ms / 3)
		return;
	am_notify("WATCHDOG=1");
	a->alive_ms = now_ms;
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

static void timer_ready(void *ctx, uint32_t events)
{
	struct am_agent *a = ctx;
	int64_t now_ms = am_now_ms();
	uint64_t ticks;

	(void)events;
	(void)!read(a->timer.fd, &ticks, sizeof(ticks)); /* how many were missed does not matter */
	a->records_wait = true;
	if (now_ms - a->probe_ms >= PROBE_MS) {
		probe(a);
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
	tell_losses(a);
	tell_alive(a, now_ms);
}

static void records_ready(void *ctx, uint32_t events)
{
	struct am_agent *a = ctx;

	(void)events;
	a->records_wait = true;
}

/* While the ledger's disk is behind, records are better off in the ring: they are not lost
 * there, and what is, is counted. That they wait must not wake the loop, then. */
static bool hold_records(struct am_agent *a)
{
	bool busy = a->records_wait && am_recorder_is_busy(a->recorder, RING_ROWS);

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
		r = am_ring_consume(a->ring, RING_BUDGET);
		if (r < 0)
			return am_err(r, "cannot read the events of the kernel");
		a->records_wait = r > 0;
		am_control_flush(a->control);
	}
	am_engine_ledger_out(a->engine, !am_recorder_records(a->recorder));
	r = am_loop_wait(&a->loop, walks || (a->records_wait && !busy) ? 0 : busy ? BUSY_MS : -1);
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

/* ---- start and end -------------------------------------------------------- */

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
			  signals_ready);
	if (!r)
		r = watch(a, &a->timer, timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC),
			  timer_ready);
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

static int start_serving(struct am_agent *a)
{
	const struct am_control_calls calls = {
		.status = write_status,
		.ready = is_ready,
		.answer = answer,
		.policy = answer_policy,
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
		r = watch(a, &a->records, am_ring_fd(a->ring), records_ready);
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
	probe(a);
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
		.put = take_over,
		.refused = notice_refused,
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

static int start(struct am_agent *a)
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
	tell_policy(a);
	tell_source(a);
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
	const struct timespec little = { .tv_nsec = BUSY_MS * 1000000L };
	int64_t until_ms = am_now_ms() + DRAIN_MS;

	while (a->pipeline && a->ring && am_now_ms() < until_ms) {
		if (am_recorder_is_busy(a->recorder, RING_ROWS))
			(void)nanosleep(&little, NULL);
		else if (am_ring_consume(a->ring, RING_BUDGET) <= 0)
			break;
	}
}

static void finish(struct am_agent *a)
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
	int code = start(&a);

	if (code == AM_EXIT_OK)
		code = run(&a);
	am_notify("STOPPING=1");
	finish(&a);
	return code;
}
