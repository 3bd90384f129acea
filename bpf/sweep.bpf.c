// SPDX-License-Identifier: GPL-2.0
/* Repeats of those who go on for days, or sleep: told every AM_REPEAT_S, and once more when the
 * agent ends. The agent reads an iterator over all tasks; no hook looks at a clock for it. */
#include "emit.h"

/* The thread may be counting at this moment, on another CPU: what it adds is told the next time.
 * While it begins with another file it tells its repeats itself. */
AM_NOINLINE int touch_sweep(struct task_struct *task, struct am_touch *t)
{
	if (!t->count || !am_touch_claim(t))
		return 0;
	am_touch_tell(task, t);
	am_touch_release(t);
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
