/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel side, loaded: programs, maps and shared globals. This folder is the
 * only one that knows libbpf.
 *
 * Always true of it: nothing is pinned, so what is loaded goes with the process;
 * a hook that this kernel lacks is left out and remembered, never fatal. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/flavour.h"

struct am_engine;

struct am_engine_options {
	enum am_flavour flavour;	/* not AM_FLAVOUR_AUTO */
	uint32_t tags;			/* room in the table of tags of AM_FLAVOUR_FMOD_RET */
	bool preemptible;		/* the kernel may skip what is neither LSM hook nor probe */
	uint32_t strays;		/* room in the table of strays; 0: as it is made */
};

/* Loads the programs and maps of one flavour; nothing runs yet. 0 or -errno; then
 * am_engine_said() tells more. *ret is owned. */
int am_engine_open(const struct am_engine_options *options, struct am_engine **ret);

enum am_flavour am_engine_flavour(const struct am_engine *e);

/* Attaches every program that was loaded: from its return on, all hooks run. May take
 * seconds. 0 or -errno, with am_engine_said() as well. */
int am_engine_attach(struct am_engine *e);

/* From its return on no hook runs any more; the maps can still be read. */
void am_engine_detach(struct am_engine *e);

/* Detaches and unloads. */
void am_engine_free(struct am_engine *e);
AM_DEFINE_AUTO(am_engine);

/* What libbpf and the verifier said last, for a diagnosis: lines, maybe none. Borrowed. */
const char *am_engine_said(void);

/* Tells the kernel side that this process is the agent, whose accesses are let through. */
int am_engine_mark_agent(struct am_engine *e);

/* Lets another process carry labels, for a test of the hooks. `pidfd` is of a thread group leader. */
int am_engine_label_task(struct am_engine *e, int pidfd, uint64_t labels);

/* The same for any process, beside what it carries: `process` is its folder in /proc. 0; -ESRCH: it is
 * gone, or cannot carry any. */
int am_engine_hand_labels(struct am_engine *e, int process, uint64_t labels);

/* The number of hooks that are loaded, and how many this kernel does not have. */
void am_engine_hooks(const struct am_engine *e, size_t *ret_loaded, size_t *ret_missing);

/* The name of the n-th missing hook. Borrowed. */
const char *am_engine_missing(const struct am_engine *e, size_t n);

/* Whether a program is on the hook, by its name of am_target_name(). */
bool am_engine_has_hook(const struct am_engine *e, const char *hook);

/* Whether some program on a function is no LSM's: a preemptible kernel may skip it. */
bool am_engine_is_skippable(const struct am_engine *e);

/* So often what such a kernel did not run is tried again, before it counts as never run. */
enum { AM_SKIP_TRIES = 8 };

/* How many runs of hooks the kernel has skipped (recursion_misses in bpf_prog_info): of those that
 * are no LSM's, where a task is preempted in one and another comes by on the same CPU. */
uint64_t am_engine_skips(const struct am_engine *e);

/* Whether the hooks run: opens `fd` (of a labelled file or folder) anew and looks whether
 * they noticed. A kernel without `bpf` among its LSMs, or with ftrace switched off,
 * attaches programs and never runs them. */
bool am_engine_answers(struct am_engine *e, int fd);

/* Walks that are due, see am_sealing in bpf/maps.h. The kernel side raises the number too. */
uint64_t am_engine_sealing(const struct am_engine *e);
void am_engine_sealing_raise(struct am_engine *e);
void am_engine_sealing_lower(struct am_engine *e, uint64_t by);

/* Files outside the stores are being looked for: until that is over, untagged files climb. */
void am_engine_recall(struct am_engine *e, bool begins);

/* Whether some inode could not be given its tag since that was last forgiven, see AM_SEALING_OWED. */
bool am_engine_owes_tags(const struct am_engine *e);
void am_engine_forgive_tags(struct am_engine *e);

/* Whether nothing can be recorded at the moment: strict stores deny while that is so. */
void am_engine_ledger_out(struct am_engine *e, bool out);
