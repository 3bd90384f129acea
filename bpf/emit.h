/* SPDX-License-Identifier: GPL-2.0 */
/* Records: put together in a scratch slot, every byte determinate, and handed to
 * the ring that they belong to. Loss is counted, never silent. */
#pragma once

#include "decide.h"
#include "maps.h"

#define AM_NOINLINE static __attribute__((noinline, unused))

enum {
	AM_NAME_MAX = 256,	/* one name with its NUL */
	/* A wake-up costs more than a record: the bulk ring's reader is woken when
	 * this much waits, and otherwise looks by itself. */
	AM_BULK_WAKE_BYTES = AM_BULK_BYTES / 8,
};

AM_INLINE void am_count(__u32 what)
{
	__u64 *n = bpf_map_lookup_elem(&am_counts, &what);

	if (n)
		__sync_fetch_and_add(n, 1);
}

/* Where a record's object is: a file, a name in a folder, or nothing. */
struct am_object {
	struct inode *inode;
	struct dentry *dentry;
	struct vfsmount *mnt;	/* NULL where the hook does not know it */
	struct am_tag *tag;
};

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

/* Writes the names from `dentry` up to the root of the host (of the file system
 * when `vfsmnt` is 0) to strings[off..]. Returns the offset behind them; *cut
 * tells whether the upper end is missing. */
AM_NOINLINE __u32 am_names(struct am_scratch *s, __u32 off, __u64 dentry, __u64 vfsmnt, bool *cut)
{
	__u32 end = off + AM_PATH_LEN - AM_NAME_MAX;
	__u32 i;

	*cut = true;
	for (i = 0; i < AM_PATH_DEPTH; i++) {
		struct dentry *d = (struct dentry *)dentry;
		__u64 parent = (__u64)BPF_CORE_READ(d, d_parent);
		__u64 root = 0;
		long n;

		if (vfsmnt)
			root = (__u64)BPF_CORE_READ((struct vfsmount *)vfsmnt, mnt_root);
		if (vfsmnt && dentry == root) {
			struct mount *m = (struct mount *)(vfsmnt -
					bpf_core_field_offset(struct mount, mnt));
			__u64 up = (__u64)BPF_CORE_READ(m, mnt_parent);

			if (!up || up == (__u64)m) {
				*cut = false;
				break;
			}
			dentry = (__u64)BPF_CORE_READ(m, mnt_mountpoint);
			vfsmnt = up + bpf_core_field_offset(struct mount, mnt);
			continue;
		}
		if (!dentry || dentry == parent) {
			*cut = false;
			break;
		}
		if (off > end || off > sizeof(s->strings) - AM_NAME_MAX)
			break;
		n = bpf_probe_read_kernel_str(&s->strings[off], AM_NAME_MAX,
					      BPF_CORE_READ(d, d_name.name));
		if (n <= 0 || n > AM_NAME_MAX)
			break;
		off += n;
		dentry = parent;
	}
	return off;
}

AM_INLINE void am_fill_task(struct am_event *e, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;
	struct mm_struct *mm = task->mm;
	struct inode *exe;

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
	if (!mm)
		return;
	exe = mm->exe_file->f_inode;
	e->exe_ino = exe->i_ino;
	e->exe_dev = exe->i_sb->s_dev;
}

AM_INLINE void am_fill_object(struct am_event *e, const struct am_object *o)
{
	struct inode *inode = o->inode;

	if (!inode)
		return;
	e->ino = inode->i_ino;
	e->igen = inode->i_generation;
	e->dev = inode->i_sb->s_dev;
	if ((inode->i_mode & S_IFMT) == S_IFDIR)
		e->flags |= AM_EVENT_DIR;
}

/* Path of the object, then of the executable, behind the head. */
AM_INLINE void am_fill_strings(struct am_scratch *s, const struct am_object *o,
			       struct task_struct *task)
{
	struct am_event *e = &s->event;
	struct mm_struct *mm = task->mm;
	__u32 off = 0, end;
	bool cut = false;

	if (o->dentry) {
		off = am_names(s, 0, (__u64)o->dentry, (__u64)o->mnt, &cut);
		e->path.off = sizeof(*e);
		e->path.len = off;
		if (cut)
			e->flags |= AM_EVENT_PATH_CUT;
		if (!o->mnt)
			e->flags |= AM_EVENT_FS_PATH;
	}
	end = off;
	if (mm) {
		struct file *exe = mm->exe_file;

		end = am_names(s, off, (__u64)BPF_CORE_READ(exe, f_path.dentry),
			       (__u64)BPF_CORE_READ(exe, f_path.mnt), &cut);
		e->exe.off = sizeof(*e) + off;
		e->exe.len = end - off;
		if (cut)
			e->flags |= AM_EVENT_EXE_CUT;
	}
	e->size = sizeof(*e) + end;
}

AM_INLINE __u64 am_seq_next(__u32 ring)
{
	__u64 *seq = bpf_map_lookup_elem(&am_seqs, &ring);

	return seq ? __sync_fetch_and_add(seq, 1) + 1 : 0;
}

AM_INLINE void am_ring(struct am_scratch *s, bool urgent)
{
	__u32 size = s->event.size;
	long r;

	if (size > sizeof(s->event) + sizeof(s->strings))
		size = sizeof(s->event) + sizeof(s->strings);
	s->event.seq = am_seq_next(!urgent);
	if (urgent) {
		r = bpf_ringbuf_output(&am_urgent, &s->event, size, BPF_RB_FORCE_WAKEUP);
		am_count(r ? AM_COUNT_URGENT_LOST : AM_COUNT_URGENT_SENT);
		return;
	}
	r = bpf_ringbuf_output(&am_bulk, &s->event, size,
			       bpf_ringbuf_query(&am_bulk, BPF_RB_AVAIL_DATA) > AM_BULK_WAKE_BYTES ?
			       BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
	if (r)
		am_count(s->event.kind == AM_EVENT_REPEAT ? AM_COUNT_REPEAT_LOST :
			 AM_COUNT_BULK_LOST);
	else
		am_count(AM_COUNT_BULK_SENT);
}

/* A claimed scratch whose event has its head filled in for `task`; NULL when
 * there is none. To be given back by am_event_emit(). */
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

AM_INLINE void am_event_emit(struct am_scratch *s, const struct am_object *o,
			     struct task_struct *task, bool urgent)
{
	am_fill_object(&s->event, o);
	am_fill_strings(s, o, task);
	am_ring(s, urgent);
	am_scratch_release(s);
}
