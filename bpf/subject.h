/* SPDX-License-Identifier: GPL-2.0 */
/* Who is asking, at this moment: the facts of a task turned into the set of
 * subjects that it is. Cached with the facts it was made of, and made anew as
 * soon as one of them differs.
 *
 * The task's own credentials (real_cred) count, not those it may have taken on
 * for a moment on somebody's behalf, as overlayfs does with its mounter's. */
#pragma once

#include "family.h"
#include "label.h"

AM_INLINE struct am_task *am_task_of(struct task_struct *task)
{
	return bpf_task_storage_get(&am_tasks, task, 0, 0);
}

/* NULL if it cannot be had, which the verifier does not see a test for: it would be two cases. */
AM_INLINE struct am_task *am_task_make(struct task_struct *task)
{
	struct am_task *t;

	t = bpf_task_storage_get(&am_tasks, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	/* Of two that make the same storage at once, one is told that it cannot be had. */
	if (!am_lower_half(t))
		t = bpf_task_storage_get(&am_tasks, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	return t;
}

AM_INLINE struct am_task *am_task_create(struct task_struct *task)
{
	struct am_task *t = am_task_make(task);

	if (!t)
		am_count(AM_COUNT_NO_TASK_STORAGE);
	return t;
}

AM_INLINE bool am_is_mentioned(const struct am_policy *policy, __u32 kind)
{
	return (policy->mentioned >> kind) & 1;
}

/* Narrows own->bits to the subjects that are compatible with one fact. Those of executables and
 * cgroups change under a policy, hence the copy; in own->fact, for there is no stack left. */
AM_GLOBAL int am_fact_apply(const struct am_policy *policy, __u32 kind, __u64 value,
			    struct am_task *own)
{
	struct am_fact_key key = { .kind = kind, .value = value };

	if (!policy || !own || !am_is_mentioned(policy, kind))
		return 0;
	key.generation = policy->generation;
	if (AM_COPY(&am_facts, &key, &own->fact))
		am_set_keep(&own->bits, &own->fact);
	else
		am_set_keep(&own->bits, &policy->unlisted[kind & (AM_FACT_SLOTS - 1)]);
	return 0;
}

/* A walk over the groups of a task. What they say stays while somebody decides by their policy. */
struct am_groups {
	__u64 gids;		/* address of the first supplementary one */
	__u32 n;
	__u32 generation;
	struct am_set any;	/* one of the groups is enough */
};

AM_INLINE void am_group_join(struct am_groups *g, __u32 gid)
{
	struct am_fact_key key = {
		.generation = g->generation,
		.kind = AM_FACT_GROUP,
		.value = gid,
	};
	const struct am_set *set = bpf_map_lookup_elem(&am_facts, &key);

	if (set)
		am_set_join(&g->any, set);
}

static long am_group_step(__u32 i, struct am_groups *g)
{
	__u32 gid = 0;

	if (i >= g->n)
		return 1;
	bpf_probe_read_kernel(&gid, sizeof(gid), (void *)(g->gids + i * sizeof(gid)));
	am_group_join(g, gid);
	return 0;
}

/* Returns whether there were more groups than are looked at, so that one could
 * have been missed. */
AM_INLINE bool am_groups_apply(const struct am_policy *policy, struct am_set *bits)
{
	const struct cred *cred = bpf_get_current_task_btf()->real_cred;
	struct group_info *groups = cred->group_info;
	struct am_groups g = {
		.generation = policy->generation,
		.gids = (__u64)groups + bpf_core_field_offset(struct group_info, gid),
		.n = groups ? groups->ngroups : 0,
		.any = policy->unlisted[AM_FACT_GROUP],
	};

	am_group_join(&g, cred->egid.val);
	bpf_loop(AM_GROUPS_MAX, am_group_step, &g, 0);
	am_set_keep(bits, &g.any);
	return g.n > AM_GROUPS_MAX;
}

/* A walk down the cgroups of the current task: the lowest listed one counts. */
struct am_cgroups {
	__u32 generation;
	__u32 listed;
	struct am_set set;	/* valid once `listed` */
};

static long am_cgroup_step(__u32 level, struct am_cgroups *c)
{
	struct am_fact_key key = { .generation = c->generation, .kind = AM_FACT_CGROUP };

	key.value = bpf_get_current_ancestor_cgroup_id(level);
	if (!key.value)
		return 1;
	if (AM_COPY(&am_facts, &key, &c->set))
		c->listed = 1;
	return 0;
}

/* Returns whether there were more levels than are looked at. */
AM_INLINE bool am_cgroups_apply(const struct am_policy *policy, struct am_set *bits)
{
	struct am_cgroups c = { .generation = policy->generation };

	bpf_loop(AM_CGROUP_DEPTH, am_cgroup_step, &c, 0);
	if (c.listed)
		am_set_keep(bits, &c.set);
	else
		am_set_keep(bits, &policy->unlisted[AM_FACT_CGROUP]);
	return bpf_get_current_ancestor_cgroup_id(AM_CGROUP_DEPTH) != 0;
}

AM_INLINE struct inode *am_exe_of(struct task_struct *task)
{
	struct mm_struct *mm = task->mm;
	struct file *exe = mm ? mm->exe_file : NULL;

	return exe ? exe->f_inode : NULL;
}

/* What an access is told anew for, although it is to the same file. */
AM_INLINE __u64 am_who_mix(const struct am_task *own)
{
	__u32 uid = bpf_get_current_task_btf()->real_cred->euid.val;
	__u64 h = ((__u64)own->purpose << 32 | uid) * AM_MIX;

	h = (h ^ own->bits.w[0]) * AM_MIX;
	h = (h ^ own->bits.w[1]) * AM_MIX;
	h = (h ^ own->bits.w[2]) * AM_MIX;
	return (h ^ own->bits.w[3]) * AM_MIX;
}

/* Makes own->bits of the current task from the facts as they are; `exe` is its executable's
 * id, 0 for one that is not listed. Returns whether a fact is unknown. */
AM_GLOBAL int am_bits_make(const struct am_policy *policy, struct am_task *own, __u32 exe)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct cred *cred = task->real_cred;
	__u32 epoch = am_epoch;	/* before any fact is looked up */
	__u32 script;
	int unknown;

	if (!policy || !own)
		return 1;
	/* Whose code it runs is not known: it is not the executable that it looks like. */
	if (own->not_itself)
		exe = 0;
	script = own->not_itself ? 0 : own->script;
	own->generation = 0;
	own->bits = policy->live;
	am_fact_apply(policy, AM_FACT_EXE, exe, own);
	am_fact_apply(policy, AM_FACT_USER, cred->euid.val, own);
	am_fact_apply(policy, AM_FACT_LOGIN, own->login, own);
	own->purpose = am_purpose_of(task);
	am_fact_apply(policy, AM_FACT_PURPOSE, own->purpose, own);
	am_fact_apply(policy, AM_FACT_SCRIPT, script, own);
	unknown = 0;
	if (am_is_mentioned(policy, AM_FACT_CGROUP))
		unknown |= am_cgroups_apply(policy, &own->bits);
	if (am_is_mentioned(policy, AM_FACT_GROUP) && am_groups_apply(policy, &own->bits)) {
		am_count(AM_COUNT_GROUPS_TOO_MANY);
		unknown |= 1;
	}
	own->who = am_who_mix(own);
	own->epoch = epoch;
	own->generation = unknown ? 0 : policy->generation;
	return unknown;
}

/* Whether own->bits holds, for the facts as they are. If not, it is made ready to be made.
 *
 * Addresses stand for what they point to: a credential object begins its life in
 * cred_prepare, which drops the cache of the task that it is made for, so an
 * address that is used again is never taken for the one before. */
AM_GLOBAL int am_bits_hold(const struct am_policy *policy, struct am_task *own, __u32 not_itself)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 cred = (__u64)task->real_cred, cgroup = task->cgroups->dfl_cgrp->kn->id;
	struct inode *exe = am_exe_of(task);
	__u64 exe_ino = exe ? exe->i_ino : 0;
	__u32 login = task->loginuid.val;

	if (!policy || !own)
		return 0;
	if (own->generation == policy->generation && own->epoch == am_epoch && own->cred == cred &&
	    own->exe == (__u64)exe && own->exe_ino == exe_ino && own->cgroup == cgroup &&
	    own->login == login && own->not_itself == not_itself)
		return 1;
	own->cred = cred;
	own->exe = (__u64)exe;
	own->exe_ino = exe_ino;
	own->cgroup = cgroup;
	own->login = login;
	own->not_itself = not_itself;
	return 0;
}

/* The id of the current task's executable, 0 if the policy does not name it. */
AM_GLOBAL __u32 am_exe_number(void)
{
	struct inode *exe = am_exe_of(bpf_get_current_task_btf());

	return exe ? am_exe_id_of(exe) : 0;
}

/* Sees to it that own->bits holds now; `not_itself` are flags of the leader. Returns whether
 * a fact is unknown. */
AM_INLINE __u32 am_bits_now(const struct am_policy *policy, struct am_task *own, __u32 not_itself)
{
	if (am_bits_hold(policy, own, not_itself))
		return 0;
	return am_bits_make(policy, own, am_exe_number());
}

/* The same where executables cannot be looked up, in fentry programs. Unless own->bits holds,
 * those that depend on the executable are missing, and that is returned. */
AM_INLINE bool am_bits_blind(const struct am_policy *policy, struct am_task *own, __u32 not_itself)
{
	if (am_bits_hold(policy, own, not_itself))
		return false;
	am_bits_make(policy, own, 0);
	own->generation = 0;
	return am_is_mentioned(policy, AM_FACT_EXE);
}
