// SPDX-License-Identifier: GPL-2.0
/* The life of a process, as far as labels and the cached subjects go:
 *   task_alloc           a child carries what its parent carries
 *   bprm_check_security  which script it is; exec by a thread that is not the
 *                        leader takes the leader's place: the labels move along
 *   bprm_creds_from_file a listed executable starts without what its caller would preload
 *   bprm_committed_creds the exec has happened: it is itself again; told, where somebody will ask
 *   cred_prepare         new credentials: who the task is must be found anew
 *   sched_process_fork   a child has its number: told, likewise
 *   sched_process_exit   repeats that were only counted so far are told */
#include "code.h"
#include "hook.h"
#include "script.h"

/* A purpose that cannot be passed on is lost: the child may do less, not more. */
AM_INLINE void purpose_inherit(struct task_struct *task, struct task_struct *child)
{
	__u32 grant = am_grant_of(task);

	if (grant)
		bpf_task_storage_get(&am_purposes, child, &grant, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

/* A process of its own with the memory of another. */
AM_INLINE bool shares_memory(unsigned long flags)
{
	return (flags & CLONE_VM) && !(flags & CLONE_THREAD);
}

AM_HOOK(am_task_alloc, task_alloc, struct task_struct *child, unsigned long flags)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct am_task *leader, *own, *t;
	__u64 labels;

	purpose_inherit(task, child);
	leader = am_leader_of(task);
	own = am_task_of(task);
	if (shares_memory(flags)) {
		leader = am_leader_create(task);
		t = am_task_create(child);
		/* Without a family what one of them reads the other would have, unlabelled: what they
		 * and their children read is an unknown fact from now on. */
		if (leader && t && am_family_join(leader, t))
			__sync_fetch_and_or(&leader->flags, AM_TASK_OUTLET);
	}
	labels = am_labels_of(leader);
	if (!labels && !(own && own->script_file.ino) &&
	    !(leader && leader->flags & ~(AM_TASK_AGENT | AM_TASK_TOLD)))
		return 0;
	t = am_task_create(child);
	if (!t)
		return labels ? -EACCES : 0;	/* closed: a child without labels could send */
	t->labels = labels;
	if (own) {
		t->script = own->script;
		t->script_file = own->script_file;
	}
	if (leader)
		t->flags |= leader->flags & (AM_TASK_NOT_ITSELF | AM_TASK_OUTLET);
	return 0;
}

/* The first round of an exec sees the file that was named, later ones the
 * interpreters that its first line and theirs name. An ELF image is no script, and
 * its process gets no storage here: without any, every later look-up is cheaper. */
AM_INLINE struct am_task *script_note(struct linux_binprm *bprm, struct task_struct *task)
{
	struct am_executed file = {};
	struct am_task *own;
	__u32 id = 0, magic = 0;

	bpf_probe_read_kernel(&magic, sizeof(magic), bprm->buf);
	if (magic != ELF_MAGIC) {
		id = am_exe_id_of(bprm->file->f_inode);
		am_executed_of(bprm->file, &file);
		am_script_keep(&file);
	}
	own = file.key.ino ? am_task_create(task) : am_task_of(task);
	if (!own)
		return NULL;
	own->exec_script = id;
	own->exec_file = file.key;
	return own;
}

/* What cannot be told stays for the next time; if this is the last, it is lost. */
AM_INLINE void touches_flush(struct am_task *own, bool last)
{
	__u32 i;

	for (i = 0; i < AM_TOUCHES; i++)
		if (am_touch_flush(&own->touch[i]) && last)
			am_count_more(AM_COUNT_REPEAT_LOST, own->touch[i].count);
}

AM_HOOK_AS(am_exec, bprm_check_security, security_bprm_check, struct linux_binprm *bprm)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct am_task *leader, *own;
	__u64 labels;

	if (bprm->interp == bprm->filename) {	/* not yet an interpreter's round */
		own = script_note(bprm, task);
		if (own)	/* repeats are of the program that counted them */
			touches_flush(own, false);
	}
	if (task->pid == task->tgid)
		return 0;
	leader = am_leader_of(task);
	labels = am_labels_of(leader);
	if (!labels)
		return 0;
	own = am_task_create(task);
	if (!own)
		return -EACCES;
	__sync_fetch_and_or(&own->labels, labels);
	return 0;
}

/* The strings of a new program, argument by argument, then variable by variable, in pieces. */
struct am_strings {
	__u64 at;
	__u64 left;		/* strings */
	__u64 arguments;	/* of those */
	__u64 within;		/* one that has begun in a piece before */
	__u64 loads;		/* found: the loader is asked for something */
};

/* LD_PRELOAD=, LD_AUDIT=, LD_LIBRARY_PATH= */
AM_INLINE bool is_for_loader(const char *s)
{
	if (s[0] != 'L' || s[1] != 'D' || s[2] != '_')
		return false;
	return (s[3] == 'P' && s[4] == 'R') || (s[3] == 'A' && s[4] == 'U') ||
	       (s[3] == 'L' && s[4] == 'I');
}

static long string_step(__u32 i, struct am_strings *s)
{
	char piece[64] = {};
	long n = bpf_probe_read_user_str(piece, sizeof(piece), (void *)s->at);

	if (n <= 0 || !s->left)
		return 1;
	if (!s->within && !s->arguments && is_for_loader(piece))
		s->loads = 1;
	s->within = n == sizeof(piece) && piece[sizeof(piece) - 2];
	s->at += s->within ? n - 1 : n;
	if (s->within)
		return 0;
	s->left--;
	s->arguments -= s->arguments > 0;
	if (s->loads)	/* not its value: the kernel wants 0 or 1 */
		return 1;
	return 0;
}

enum { AM_STRING_PIECES = 8192 };

/* What the loader was asked for by the caller of a listed program, and does not do: see
 * am_exec_clean(). Its memory is the new program's already. */
AM_NOINLINE int loader_asked(struct linux_binprm *bprm)
{
	struct am_strings s = { .at = bprm->p, .left = (__u32)(bprm->argc + bprm->envc),
				.arguments = (__u32)bprm->argc };

	bpf_loop(AM_STRING_PIECES, string_step, &s, 0);
	return s.loads ? am_foreign_tell(bprm->file, AM_ACT_EXEC) : 0;
}

/* Whether it is told whom a process begins, and what it comes to run: it carries labels, or an event
 * has told of it. */
AM_INLINE bool is_known(const struct am_task *leader)
{
	return leader && !(leader->flags & AM_TASK_AGENT) &&
	       (leader->flags & AM_TASK_TOLD || am_labels_of(leader));
}

AM_INLINE __u32 generation_now(void)
{
	const struct am_policy *policy = am_policy_now();

	return policy ? policy->generation : 0;
}

/* It is the leader by now. */
AM_NOINLINE int exec_told(const struct am_task *own)
{
	struct am_case c = { .kind = AM_EVENT_PROCESS, .act = AM_ACT_EXEC };

	c.generation = generation_now();
	c.labels = am_labels_of(own);
	return am_tell(&c);
}

AM_HOOK_VOID(am_exec_done, bprm_committed_creds, security_bprm_committed_creds,
	     struct linux_binprm *bprm)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct am_task *own = am_task_of(task);

	if (!am_hashed && am_exe_number())
		loader_asked(bprm);
	if (!own)
		return 0;
	own->script = own->exec_script;
	own->script_file = own->exec_file;
	own->generation = 0;
	own->flags &= ~(AM_TASK_FOREIGN | AM_TASK_SQPOLL);
	if (!task->ptrace) {
		own->flags &= ~AM_TASK_TRACED;
		am_family_leave(own);
	}
	if (is_known(own))
		exec_told(own);
	return 0;
}

/* With AT_SECURE set the loader ignores LD_PRELOAD, LD_LIBRARY_PATH, LD_AUDIT and the like.
 * There is no such call in a fmod_ret program: there foreign code is noticed as it is mapped. */
SEC("?lsm/bprm_creds_from_file")
int BPF_PROG(am_exec_clean, struct linux_binprm *bprm, struct file *file)
{
	struct inode *inode = file->f_inode;
	struct am_task *own = am_task_of(bpf_get_current_task_btf());
	struct am_tag *tag = am_tag_of(inode);

	if (am_exe_id_of(inode) || (own && own->exec_script) ||
	    (tag && (tag->flags & AM_TAG_PROBER)))
		bpf_bprm_opts_set(bprm, BPF_F_BPRM_SECUREEXEC);
	return 0;
}

AM_HOOK_AS(am_cred, cred_prepare, security_prepare_creds, struct cred *new, const struct cred *old,
	   unsigned int gfp)
{
	struct am_task *own;

	own = am_task_of(bpf_get_current_task_btf());
	if (own)
		own->generation = 0;
	return 0;
}

/* That a child has begun. */
AM_NOINLINE int fork_told(struct task_struct *child, const struct am_task *leader)
{
	struct am_task *own = am_task_of(child);
	struct am_scratch *s = am_event_begin(child, AM_EVENT_PROCESS);
	long r;

	if (!s)
		return 0;
	s->event.act = AM_ACT_FORK;
	s->event.generation = generation_now();
	s->event.labels = am_labels_of(leader);
	s->off = 0;
	if (own)
		am_fill_script(s, own);
	am_fill_exe(s, child);
	r = am_ring(s, false);
	am_scratch_release(s);
	/* Whom the parent descends from is known, and so it is of the child. */
	if (!r && own && own->labels && leader->flags & AM_TASK_TOLD)
		__sync_fetch_and_or(&own->flags, AM_TASK_TOLD);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(am_fork, struct task_struct *parent, struct task_struct *child)
{
	struct am_task *leader;

	if (child->pid != child->tgid)
		return 0;
	leader = am_leader_of(bpf_get_current_task_btf());
	if (is_known(leader))
		fork_told(child, leader);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(am_exit, struct task_struct *task)
{
	struct am_task *own = am_task_of(task);

	/* Makes clang describe struct am_policy in full: global functions take one. */
	if (!own || bpf_core_type_exists(struct am_policy))
		return 0;
	touches_flush(own, true);
	return 0;
}
