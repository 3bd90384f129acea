/* SPDX-License-Identifier: GPL-2.0 */
/* Whom a process descends from, for its record: the parent that it has now, that one's, and so on up
 * to the children of process 1, of which everybody is a descendant. Who has lost its parent
 * has another one by then: the kernel does not keep what was. */
#pragma once

#include "decide.h"
#include "maps.h"

/* A walk upwards. */
struct am_ascent {
	struct am_scratch *s;
	__u64 task;		/* address of the last one */
};

/* By address: nothing here is a pointer that the verifier would follow. */
static long am_ascent_step(__u32 i, struct am_ascent *a)
{
	struct task_struct *task = (struct task_struct *)a->task;
	struct task_struct *up = BPF_CORE_READ(task, real_parent, group_leader);
	__u32 tgid = BPF_CORE_READ(up, tgid);
	__u64 off = a->s->off;
	struct am_ancestor *to;

	if (tgid <= 1)
		return 1;
	/* The mask changes nothing; it is what the verifier can follow. */
	to = (struct am_ancestor *)&a->s->strings[off & (AM_STRINGS - 1)];
	to->start_ns = BPF_CORE_READ(up, start_boottime);
	to->cgroup = BPF_CORE_READ(up, cgroups, dfl_cgrp, kn, id);
	to->tgid = tgid;
	to->ppid = BPF_CORE_READ(up, real_parent, tgid);
	to->uid = BPF_CORE_READ(up, real_cred, euid.val);
	to->gid = BPF_CORE_READ(up, real_cred, egid.val);
	to->login = BPF_CORE_READ(up, loginuid.val);
	to->session = BPF_CORE_READ(up, sessionid);
	BPF_CORE_READ_INTO(&to->comm, up, comm);
	a->s->off = off + sizeof(*to);
	a->task = (__u64)up;
	return 0;
}

/* Writes them to strings[s->off..], the parent first, advancing s->off. */
AM_INLINE void am_ancestors(struct am_scratch *s, struct task_struct *task)
{
	struct am_ascent a = { .s = s, .task = (__u64)BPF_CORE_READ(task, group_leader) };

	bpf_loop(AM_ANCESTORS, am_ascent_step, &a, 0);
}
