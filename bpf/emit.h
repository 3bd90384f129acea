/* SPDX-License-Identifier: GPL-2.0 */
/* Records: put together in a scratch slot, every byte determinate, and handed to
 * the ring that they belong to. Loss is counted, never silent.
 *
 * The functions that make a record are global, so that the verifier looks at
 * them once and not anew on each path that leads to one. Such a function cannot
 * be given a kernel pointer: an object comes as plain addresses, which are read
 * with bpf_probe_read_kernel(). */
#pragma once

#include "ancestor.h"
#include "copy.h"
#include "count.h"

#define AM_GLOBAL __attribute__((noinline, weak))

enum {
	/* A wake-up costs more than a record: the bulk ring's reader is woken when
	 * this much waits, and otherwise looks by itself. */
	AM_BULK_WAKE_BYTES = AM_BULK_BYTES / 8,
};

/* The verifier forbids to reckon with a pointer, but lets root copy its lower half. */
AM_INLINE __u32 am_lower_half(const void *pointer)
{
	__u32 half;

	__asm__ volatile("%0 = %1" : "=w"(half) : "w"((__u32)(__u64)pointer));
	return half;
}

/* An address as a number, as a global function takes it: what an atomic operation has stored is no
 * pointer to the verifier. */
AM_INLINE __u64 am_address(const void *pointer)
{
	__u64 address = 0;

	(void)__sync_lock_test_and_set(&address, (__u64)pointer);
	return address;
}

/* Whether a pointer that the hook was given, or found in what it was given, is NULL. From 6.12 on the
 * verifier takes some for never NULL that are, mmap_file's file and dentry->d_inode among
 * them, and may take the test for them out of the program: so the number is tested. The pointer too,
 * for of others it wants to see that. */
AM_INLINE bool am_is_null(const void *pointer)
{
	return !am_address(pointer) || !pointer;
}

/* A function, so that its key is on no caller's stack. */
AM_GLOBAL int am_count(__u32 what)
{
	__u64 *n = bpf_map_lookup_elem(&am_counts, &what);

	if (n)
		__sync_fetch_and_add(n, 1);
	return 0;
}

AM_NOINLINE void am_count_more(__u32 what, __u64 more)
{
	__u64 *n = bpf_map_lookup_elem(&am_counts, &what);

	if (n)
		__sync_fetch_and_add(n, more);
}

/* A destination as it is written into events. */
struct am_dest {
	__u8 addr[16];
	__u16 family;
	__u16 port;
	__u32 proto;
};

/* One access by the current task: the facts, the decision, and what else a
 * record tells. One object, for there are 512 bytes of stack in all. Once it has
 * been given to am_tell() the pointers in `f` are lost to the verifier. */
struct am_case {
	struct am_facts f;
	struct am_decision d;
	struct am_decision unrecorded;	/* what comes of it if there can be no record */
	__u64 inode;		/* addresses; 0 = none */
	__u64 dentry;
	__u64 mnt;
	struct am_dest dest;
	__u64 labels;		/* the store's included; before the decision: what the task carries */
	__u32 store;
	__u32 generation;
	__u8 kind;		/* am_event_kind */
	__u8 act;
	__u8 urgent;
	__u8 splices;		/* what the task reads goes into a pipe at once */
	__u32 bytes;		/* AM_OP_SEND: handed to the call, AM_CALL_UNSIZED */
};

/* Makes the verifier forget the outcome of a decision. Else it would follow each through all that
 * comes after. */
AM_GLOBAL int am_decided(__attribute__((unused)) struct am_decision *d)
{
	return 0;
}

/* The grant that the process has taken on or inherited; number 0 is none. */
AM_INLINE __u32 am_grant_of(struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;
	__u32 *grant = leader ? bpf_task_storage_get(&am_purposes, leader, 0, 0) : NULL;

	return grant ? *grant : 0;
}

/* The purpose of the process; number 0 is none, also where the grant does not hold now. Not
 * inline, nor is am_fill_script(): am_tell() has no stack left for them. */
AM_NOINLINE __u32 am_purpose_of(struct task_struct *task)
{
	__u32 grant = am_grant_of(task), purpose;

	return grant && AM_COPY(&am_grants, &grant, &purpose) ? purpose : 0;
}

AM_INLINE struct am_scratch *am_scratch_claim(void)
{
	__u32 i;

	for (i = 0; i < AM_SCRATCH_SLOTS; i++) {
		__u32 slot = i;
		struct am_scratch *s = bpf_map_lookup_elem(&am_scratches, &slot);

		if (s && !__sync_lock_test_and_set(&s->busy, 1))
			return s;
	}
	am_count(AM_COUNT_NO_SCRATCH);
	return NULL;
}

AM_INLINE void am_scratch_release(struct am_scratch *s)
{
	__sync_lock_test_and_set(&s->busy, 0);
}

/* A walk from a name up to the root. */
struct am_climber {
	struct am_scratch *s;
	__u64 dentry;
	__u64 mnt;		/* 0: up to the root of the file system */
	__u64 end;		/* of the room for this path */
	__u64 whole;		/* arrived */
};

/* From the root of a mount to the place where it is mounted. */
AM_INLINE long am_mount_cross(struct am_climber *c)
{
	struct mount *m = (struct mount *)(c->mnt - bpf_core_field_offset(struct mount, mnt));
	__u64 up = (__u64)BPF_CORE_READ(m, mnt_parent);

	if (!up || up == (__u64)m) {
		c->whole = 1;
		return 1;
	}
	c->dentry = (__u64)BPF_CORE_READ(m, mnt_mountpoint);
	c->mnt = up + bpf_core_field_offset(struct mount, mnt);
	return 0;
}

static long am_name_step(__u32 i, struct am_climber *c)
{
	struct dentry *d = (struct dentry *)c->dentry;
	struct vfsmount *mnt = (struct vfsmount *)c->mnt;
	struct am_scratch *s = c->s;
	__u64 parent, off = s->off;
	long n;

	if (mnt && d == BPF_CORE_READ(mnt, mnt_root))
		return am_mount_cross(c);
	parent = (__u64)BPF_CORE_READ(d, d_parent);
	if (!d || parent == (__u64)d) {
		c->whole = 1;
		return 1;
	}
	if (off > c->end)
		return 1;
	/* The mask changes nothing; it is what the verifier can follow. */
	n = bpf_probe_read_kernel_str(&s->strings[off & (AM_STRINGS - 1)], AM_NAME_MAX,
				      BPF_CORE_READ(d, d_name.name));
	if (n <= 0)
		return 1;
	s->off = off + n;
	c->dentry = parent;
	return 0;
}

/* Writes the names from `dentry` up to the root of the host (of the file system
 * when `mnt` is 0), of at most `room` bytes, to strings[s->off..], advancing s->off. Returns
 * whether the upper end is missing. */
AM_INLINE bool am_names(struct am_scratch *s, __u64 dentry, __u64 mnt, __u32 room)
{
	struct am_climber c = {
		.s = s,
		.dentry = dentry,
		.mnt = mnt,
		.end = s->off + room - AM_NAME_MAX,
	};

	bpf_loop(AM_PATH_DEPTH, am_name_step, &c, 0);
	return !c.whole;
}

AM_INLINE void am_fill_task(struct am_event *e, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;
	struct mm_struct *mm = task->mm;
	struct file *exe;

	e->start_ns = leader->start_boottime;
	e->tgid = task->tgid;
	e->tid = task->pid;
	e->ppid = leader->real_parent->tgid;
	e->uid = task->real_cred->euid.val;
	e->gid = task->real_cred->egid.val;
	e->login = task->loginuid.val;
	e->session = task->sessionid;
	e->cgroup = task->cgroups->dfl_cgrp->kn->id;
	bpf_probe_read_kernel(e->comm, sizeof(e->comm), leader->comm);
	exe = mm ? mm->exe_file : NULL;
	if (!exe)
		return;
	e->exe_ino = exe->f_inode->i_ino;
	e->exe_dev = exe->f_inode->i_sb->s_dev;
}

AM_INLINE void am_fill_object(struct am_event *e, __u64 address)
{
	struct inode *inode = (struct inode *)address;

	if (!inode)
		return;
	e->ino = BPF_CORE_READ(inode, i_ino);
	e->igen = BPF_CORE_READ(inode, i_generation);
	e->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	e->bytes = BPF_CORE_READ(inode, i_size);
	if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) == S_IFDIR)
		e->flags |= AM_EVENT_DIR;
}

AM_INLINE void am_fill_exe(struct am_scratch *s, struct task_struct *task)
{
	struct am_event *e = &s->event;
	struct mm_struct *mm = task->mm;
	struct file *exe = mm ? mm->exe_file : NULL;

	if (exe) {
		e->exe.off = sizeof(*e) + s->off;
		if (am_names(s, (__u64)BPF_CORE_READ(exe, f_path.dentry),
			     (__u64)BPF_CORE_READ(exe, f_path.mnt), AM_PATH_LEN))
			e->flags |= AM_EVENT_EXE_CUT;
		e->exe.len = sizeof(*e) + s->off - e->exe.off;
	}
	e->size = sizeof(*e) + s->off;
}

/* Path of the object, then of the executable. */
AM_INLINE void am_fill_strings(struct am_scratch *s, const struct am_case *c,
			       struct task_struct *task)
{
	struct am_event *e = &s->event;

	if (c->dentry) {
		e->path.off = sizeof(*e) + s->off;
		if (am_names(s, c->dentry, c->mnt, AM_PATH_LEN))
			e->flags |= AM_EVENT_PATH_CUT;
		if (!c->mnt)
			e->flags |= AM_EVENT_FS_PATH;
		e->path.len = sizeof(*e) + s->off - e->path.off;
	}
	am_fill_exe(s, task);
}

AM_INLINE __u64 am_seq_next(__u32 ring)
{
	__u64 *seq = bpf_map_lookup_elem(&am_seqs, &ring);

	return seq ? __sync_fetch_and_add(seq, 1) + 1 : 0;
}

AM_INLINE long am_ring_urgent(struct am_scratch *s, __u32 size)
{
	long r;

	s->event.seq = am_seq_next(0);
	s->event.flags |= AM_EVENT_URGENT;
	r = bpf_ringbuf_output(&am_urgent, &s->event, size, BPF_RB_FORCE_WAKEUP);
	am_count(r ? AM_COUNT_URGENT_LOST : AM_COUNT_URGENT_SENT);
	return r;
}

AM_INLINE long am_ring_bulk(struct am_scratch *s, __u32 size)
{
	__u64 waits = bpf_ringbuf_query(&am_bulk, BPF_RB_AVAIL_DATA);
	__u64 wake = waits > AM_BULK_WAKE_BYTES ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
	long r;

	s->event.seq = am_seq_next(1);
	r = bpf_ringbuf_output(&am_bulk, &s->event, size, wake);
	if (!r)
		am_count(AM_COUNT_BULK_SENT);
	else if (s->event.kind != AM_EVENT_REPEAT)	/* not lost yet */
		am_count(AM_COUNT_BULK_LOST);
	return r;
}

AM_INLINE long am_ring(struct am_scratch *s, bool urgent)
{
	__u32 size = s->event.size;

	if (size > AM_EVENT_SIZE_MAX)
		size = AM_EVENT_SIZE_MAX;
	return urgent ? am_ring_urgent(s, size) : am_ring_bulk(s, size);
}

/* A claimed scratch whose head knows `task`; NULL when there is none. */
AM_INLINE struct am_scratch *am_event_begin(struct task_struct *task, __u32 kind)
{
	struct am_scratch *s = am_scratch_claim();

	if (!s)
		return NULL;
	__builtin_memset(&s->event, 0, sizeof(s->event));
	s->event.abi = AM_ABI_VERSION;
	s->event.kind = kind;
	s->event.cpu = bpf_get_smp_processor_id();
	s->event.boottime_ns = bpf_ktime_get_boot_ns();
	am_fill_task(&s->event, task);
	return s;
}

AM_INLINE void am_fill_case(struct am_event *e, const struct am_case *c)
{
	e->verdict = c->d.verdict;
	e->reason = c->d.reason;
	e->op = c->f.op;
	e->act = c->act;
	e->generation = c->generation;
	e->culprits = c->d.culprits;
	e->labels = c->labels;
	e->store = c->store;
	e->bits = c->f.bits;
	e->zones = c->f.zones;
	__builtin_memcpy(e->addr, c->dest.addr, sizeof(e->addr));
	e->family = c->dest.family;
	e->port = c->dest.port;
	e->proto = c->dest.proto;
	if (c->f.unknown)
		e->flags |= AM_EVENT_UNKNOWN;
	if (c->d.verdict == AM_VERDICT_DENY && c->d.enforce)
		e->flags |= AM_EVENT_BLOCKED;
}

/* How much was handed to a send, or to several. Without a branch, as in the two below: the
 * verifier would follow both ways through all that comes after. */
AM_INLINE void am_fill_bytes(struct am_event *e, __u64 bytes)
{
	e->bytes = bytes & ~AM_BYTES_UNKNOWN;
	e->flags |= AM_EVENT_SIZED & ((__u32)(bytes >> 63) - 1);
}

/* Groups beyond the effective one, as many as are looked at. */
AM_INLINE void am_fill_groups(struct am_scratch *s, struct task_struct *task)
{
	struct group_info *groups = task->real_cred->group_info;
	__u32 n = groups ? groups->ngroups : 0, len;
	__u64 off = s->off & (AM_STRINGS - 1);

	if (n > AM_GROUPS_MAX) {
		n = AM_GROUPS_MAX;
		s->event.flags |= AM_EVENT_GROUPS_CUT;
	}
	len = n * sizeof(__u32);
	bpf_probe_read_kernel(&s->strings[off], len,
			      (void *)((__u64)groups +
				       bpf_core_field_offset(struct group_info, gid)));
	s->event.groups.off = sizeof(s->event) + off;
	s->event.groups.len = len;
	s->off = off + len;
}

AM_NOINLINE void am_fill_script(struct am_scratch *s, const struct am_task *own)
{
	struct am_script_key key = own->script_file;
	const struct am_script *script;
	__u64 off = s->off & (AM_STRINGS - 1);
	__u32 len;

	if (!key.ino)
		return;
	script = bpf_map_lookup_elem(&am_scripts, &key);
	if (!script) {
		s->event.flags |= AM_EVENT_SCRIPT_LOST;
		return;
	}
	len = script->len;
	if (len > AM_SCRIPT_LEN)
		len = AM_SCRIPT_LEN;
	bpf_probe_read_kernel(&s->strings[off], len, script->names);
	if (script->cut)
		s->event.flags |= AM_EVENT_SCRIPT_CUT;
	if (bpf_map_lookup_elem(&am_scripts, &key) != script) {	/* see copy.h */
		s->event.flags |= AM_EVENT_SCRIPT_LOST;
		return;
	}
	s->event.script.off = sizeof(s->event) + off;
	s->event.script.len = len;
	s->off = off + len;
}

/* What else was known of who acted: what subjects can ask for. As it was when `bits` were made,
 * where they hold. */
AM_INLINE void am_fill_facts(struct am_scratch *s, struct task_struct *task)
{
	struct am_task *own = bpf_task_storage_get(&am_tasks, task, 0, 0);

	s->event.flags |= AM_EVENT_FACTS;
	am_fill_groups(s, task);
	s->event.purpose = own && own->generation ? own->purpose : am_purpose_of(task);
	if (!own)
		return;
	if (own->not_itself & AM_TASK_FOREIGN)
		s->event.flags |= AM_EVENT_FOREIGN_CODE;
	if (own->not_itself & AM_TASK_TRACED)
		s->event.flags |= AM_EVENT_TRACED;
	am_fill_script(s, own);
}

/* The process's storage, if it has any. */
AM_INLINE struct am_task *am_first_of(struct task_struct *task)
{
	struct task_struct *first = task->group_leader;

	return first ? bpf_task_storage_get(&am_tasks, first, 0, 0) : NULL;
}

/* Whom the process descends from, once: of a process without storage with each event. */
AM_INLINE void am_fill_ancestors(struct am_scratch *s, struct task_struct *task)
{
	struct am_task *first = am_first_of(task);
	__u64 off = s->off;

	if (first && (first->flags & AM_TASK_TOLD))
		return;
	am_ancestors(s, task);
	s->event.ancestors.off = sizeof(s->event) + off;
	s->event.ancestors.len = s->off - off;
	s->event.size = sizeof(s->event) + s->off;
}

/* The ring has the record: it has not to be said again. */
AM_INLINE void am_ancestors_told(struct task_struct *task)
{
	struct am_task *first = am_first_of(task);

	if (first && !(first->flags & AM_TASK_TOLD))
		__sync_fetch_and_or(&first->flags, AM_TASK_TOLD);
}

/* Tells of one decision about the current task. Not 0 if it cannot be recorded. */
AM_GLOBAL int am_tell(const struct am_case *c)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct am_scratch *s;
	long r;

	if (!c)
		return 0;
	s = am_event_begin(task, c->kind);
	if (!s)
		return -ENOSPC;
	am_fill_case(&s->event, c);
	am_fill_object(&s->event, c->inode);
	if (c->f.op == AM_OP_SEND)
		am_fill_bytes(&s->event, am_bytes_of_call(c->bytes));
	s->off = 0;
	am_fill_facts(s, task);
	am_fill_strings(s, c, task);
	am_fill_ancestors(s, task);
	r = am_ring(s, c->urgent);
	am_scratch_release(s);
	if (!r)
		am_ancestors_told(task);
	return r ? -ENOSPC : 0;
}

/* The size of a touched file now. Nothing keeps the inode: another one may be at its address. So
 * its identity is looked at, and after the size: whoever comes to be there starts with 0. */
AM_INLINE __u64 am_touch_size(const struct am_touch *t)
{
	struct inode *inode = (struct inode *)t->inode;
	__u64 size = BPF_CORE_READ(inode, i_size), other;

	other = BPF_CORE_READ(inode, i_ino) ^ t->ino;
	other |= BPF_CORE_READ(inode, i_generation) ^ t->igen;
	other |= (BPF_CORE_READ(inode, i_mode) & S_IFMT) ^ S_IFREG;
	return size & (((other | (0 - other)) >> 63) - 1);
}

/* What was touched, a destination or a file, and by whom. */
AM_INLINE void am_fill_touched(struct am_event *e, const struct am_touch *t)
{
	e->uid = t->uid;
	e->gid = t->gid;
	e->purpose = t->purpose;
	if (!t->inode) {
		__builtin_memcpy(e->addr, t->addr, sizeof(e->addr));
		e->family = t->family;
		e->port = t->port;
		e->proto = t->proto;
		return;
	}
	e->store = t->store;
	e->ino = t->ino;
	e->dev = t->dev;
	e->igen = t->igen;
	if (t->op != AM_OP_SEND)	/* to a device: nobody says how much */
		e->bytes = am_touch_size(t);
}

/* Tells of `n` repeats that an entry of the task has counted. Not 0 if there is no room. */
AM_INLINE long am_touch_record(struct task_struct *task, const struct am_touch *t, __u32 n,
			       __u64 bytes)
{
	struct am_scratch *s = am_event_begin(task, AM_EVENT_REPEAT);
	long r;

	if (!s)
		return -ENOSPC;
	s->event.verdict = AM_VERDICT_ALLOW;
	s->event.reason = AM_REASON_RULE_ALLOWS;
	s->event.op = t->op;
	s->event.act = t->act;
	s->event.generation = t->generation;
	s->event.count = n;
	am_fill_touched(&s->event, t);
	if (!t->inode)
		am_fill_bytes(&s->event, bytes);
	s->event.size = sizeof(s->event);
	r = am_ring(s, false);
	am_scratch_release(s);
	return r;
}

/* Takes away what an entry of the task has counted, and tells it. Not 0 if there is no room for
 * the record: then it is in the entry again. The task may go on counting meanwhile. */
AM_INLINE int am_touch_tell(struct task_struct *task, struct am_touch *t)
{
	__u64 bytes = 0;
	__u32 n = am_touch_empty(t, &bytes);

	if (!n || !am_touch_record(task, t, n, bytes))
		return 0;
	am_touch_count(t, n, bytes);
	return -ENOSPC;
}

/* The same of an entry of the current task. */
AM_GLOBAL int am_touch_flush(struct am_touch *t)
{
	if (!t || !t->count)
		return 0;
	return am_touch_tell(bpf_get_current_task_btf(), t);
}
