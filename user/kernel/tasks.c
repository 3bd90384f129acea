/* SPDX-License-Identifier: GPL-2.0 */
#include "kernel/tasks.h"

#include <errno.h>

#include "kernel/object.h"

int am_task_read(struct am_engine *e, int pidfd, struct am_task *ret)
{
	return bpf_map_lookup_elem(bpf_map__fd(e->object->maps.am_tasks), &pidfd, ret);
}

/* A process carries the number of a grant; the purpose is that of the grant, if it holds. */
int am_task_purpose(struct am_engine *e, int pidfd, uint32_t *ret)
{
	uint32_t grant;
	int r = bpf_map_lookup_elem(bpf_map__fd(e->object->maps.am_purposes), &pidfd, &grant);

	if (!r)
		r = bpf_map_lookup_elem(bpf_map__fd(e->object->maps.am_grants), &grant, ret);
	if (r != -ENOENT)
		return r;
	*ret = 0;
	return 0;
}
