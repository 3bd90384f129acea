// SPDX-License-Identifier: GPL-2.0
/* Repeats of those who go on for days, or sleep: told every AM_REPEAT_S, and once more when the
 * agent ends. The agent reads an iterator over all tasks; no hook looks at a clock for it. */
#include "emit.h"

/* The thread may be counting at this moment, on another CPU, or begin with another file. What
 * was taken while that happened goes back: it is told by the thread itself, or the next time. */
AM_NOINLINE int touch_sweep(struct task_struct *task, struct am_touch *t)
{
	__u32 seq = t->seq, n;
	struct am_touch copy;

	if (!t->count || (seq & 1))
		return 0;
	copy = *t;
	n = __sync_lock_test_and_set(&t->count, 0);
	if (n && (t->seq != seq || am_touch_record(task, &copy, n)))
		__sync_fetch_and_add(&t->count, n);
	return 0;
}

SEC("iter/task")
int am_sweep(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct am_task *own = task ? bpf_task_storage_get(&am_tasks, task, 0, 0) : NULL;
	__u32 i;

	if (!own)
		return 0;
	for (i = 0; i < AM_TOUCHES; i++)
		touch_sweep(task, &own->touch[i]);
	return 0;
}
