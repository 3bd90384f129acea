// SPDX-License-Identifier: GPL-2.0
#include "query/birth.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	const struct am_birth *x = a, *y = b;

	if (x->boot != y->boot)
		return x->boot < y->boot ? -1 : 1;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->start_ns < y->start_ns ? -1 : x->start_ns > y->start_ns;
}

void am_births_sort(struct am_birth *all, size_t n)
{
	if (n)
		qsort(all, n, sizeof(*all), compare);
}

const struct am_birth *am_births_parent(const struct am_birth *all, size_t n, uint32_t boot,
					uint32_t ppid, uint64_t start_ns)
{
	const struct am_birth key = { start_ns, boot, ppid, 0 };
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare(&all[mid], &key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low && all[low - 1].boot == boot && all[low - 1].pid == ppid ? &all[low - 1] : NULL;
}
