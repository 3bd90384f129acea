/* SPDX-License-Identifier: GPL-2.0 */
/* A hook in two flavours from one body. The agent loads one of them:
 *   lsm        on the LSM hook, where `bpf` is among the kernel's active LSMs
 *   fmod_ret   on the function security_*() around it, everywhere else
 *
 * Both kinds sit in the same sort of trampoline: a program that returns an error ends
 * it there, and 0 lets the next program, then the function itself, run. So a
 * body never asks what an earlier program returned. What differs:
 *   - fmod_ret programs run before every LSM, lsm ones after those that are listed
 *     before bpf: what another LSM will refuse has been seen, and told, already.
 *   - some security_*() have other arguments than their hook (mmap_file, rename): such a
 *     pair is written out with AM_LSM and AM_MOD.
 *   - inode storage does not exist in fmod_ret: tags and ids of executables are had through
 *     tag.h only.
 * A name with its suffix fits 15 characters.
 *
 * What is no pair gives what it returns through am_hook_return() itself. */
#pragma once

#include <asm/ptrace.h>

#include "decide.h"
#include "kernel.h"

/* What a hook returns: 0, or -EACCES for anything else. To the verifier a global function returns
 * any number, and from 6.12 on it wants to see an errno. clang must not know which it is, or it
 * would reckon it out of a comparison. */
AM_INLINE int am_hook_return(int r)
{
	int refused = -EACCES;

	__asm__("" : "+r"(refused));
	return r ? refused : 0;
}

/* One flavour. Every section is optional: the agent loads those of its flavour that the
 * kernel has a function for. */
#define AM_LSM(name, hook, args...) SEC("?lsm/" #hook) int BPF_PROG(name, ##args)
#define AM_MOD(name, function, args...) SEC("?fmod_ret/" #function) int BPF_PROG(name, ##args)
/* For functions that return nothing. */
#define AM_ENTRY(name, function, args...) SEC("?fentry/" #function) int BPF_PROG(name, ##args)

#define AM_HOOK_PAIR(name, lsm, mod, args...)						\
static __attribute__((always_inline)) int name##_body(unsigned long long *ctx, ##args);	\
_Pragma("GCC diagnostic push")								\
_Pragma("GCC diagnostic ignored \"-Wint-conversion\"")					\
SEC(lsm) int name(unsigned long long *ctx)						\
{											\
	return am_hook_return(name##_body(___bpf_ctx_cast(args)));					\
}											\
SEC(mod) int name##_m(unsigned long long *ctx)						\
{											\
	return am_hook_return(name##_body(___bpf_ctx_cast(args)));					\
}											\
_Pragma("GCC diagnostic pop")								\
static __attribute__((always_inline)) int name##_body(unsigned long long *ctx, ##args)

/* Both flavours of a hook that may refuse: lsm/HOOK as `name`, fmod_ret/FUNCTION as
 * `name_m`. What follows is the body: `args` as of a function, and `ctx`. */
#define AM_HOOK_AS(name, hook, function, args...)					\
	AM_HOOK_PAIR(name, "?lsm/" #hook, "?fmod_ret/" #function, ##args)
#define AM_HOOK(name, hook, args...) AM_HOOK_AS(name, hook, security_##hook, ##args)

/* The same for hooks that return nothing. The body returns 0. */
#define AM_HOOK_VOID(name, hook, function, args...)					\
	AM_HOOK_PAIR(name, "?lsm/" #hook, "?fentry/" #function, ##args)

/* A function that is no hook, where AM_ENTRY() would be skipped: tracing programs are if another task was
 * preempted within the same one on the CPU, and probes, which run with preemption off, only while one is
 * within a bpf(2) call on a map. Needs Linux 6.14 (return probes without a bound on how many calls are under
 * way); kernel/probes.h attaches them.
 * A body that has nothing to do when the function returns says AM_PROBE_ENDS. */
#define AM_PROBE(name, function) SEC("?kprobe.session/" #function) int name(struct pt_regs *ctx)

enum { AM_PROBE_RETURNS = 0, AM_PROBE_ENDS = 1 };

extern void *bpf_rdonly_cast(const void *address, __u32 type) __ksym __weak;

#define AM_AS(type, address) \
	((type *)bpf_rdonly_cast((const void *)(address), bpf_core_type_id_kernel(type)))

/* Functions of the kernel whose arguments are not the same in every version, which libbpf
 * would refuse to load, even unused. So they go by numbers that kernel/probes.c replaces. */
static bool (*const am_session_is_return)(void *ctx) = (void *)AM_CALL_IS_RETURN;
static __u64 *(*const am_session_cookie)(void *ctx) = (void *)AM_CALL_COOKIE;
