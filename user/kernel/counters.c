/* SPDX-License-Identifier: GPL-2.0 */
#include "kernel/counters.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/object.h"

static const char *const names[AM_COUNT_MAX_] = {
	[AM_COUNT_URGENT_LOST] = "urgent-lost",
	[AM_COUNT_BULK_LOST] = "bulk-lost",
	[AM_COUNT_URGENT_SENT] = "urgent-sent",
	[AM_COUNT_BULK_SENT] = "bulk-sent",
	[AM_COUNT_ALLOWED] = "allowed",
	[AM_COUNT_DENIED] = "denied",
	[AM_COUNT_BLOCKED] = "blocked",
	[AM_COUNT_AGENT] = "agent",
	[AM_COUNT_NO_POLICY] = "no-policy",
	[AM_COUNT_NO_TASK_STORAGE] = "no-task-storage",
	[AM_COUNT_NO_TAG_STORAGE] = "no-tag-storage",
	[AM_COUNT_NO_STRAY_ROOM] = "no-stray-room",
	[AM_COUNT_CLIMB_TOO_DEEP] = "climb-too-deep",
	[AM_COUNT_CLIMB_TAGGED] = "climb-tagged",
	[AM_COUNT_GROUPS_TOO_MANY] = "groups-too-many",
	[AM_COUNT_STRAY_RESTORED] = "stray-restored",
	[AM_COUNT_UNKNOWN_FACT] = "unknown-fact",
	[AM_COUNT_REPEAT_LOST] = "repeat-lost",
	[AM_COUNT_NO_SCRATCH] = "no-scratch",
	[AM_COUNT_SPILLED] = "spilled",
	[AM_COUNT_DETACHED] = "detached",
	[AM_COUNT_UNPROVEN] = "unproven",
	[AM_COUNT_UNRECORDED] = "unrecorded",
	[AM_COUNT_NO_CHANNEL_ROOM] = "no-channel-room",
	[AM_COUNT_TAKEN] = "taken",
	[AM_COUNT_FOREIGN] = "foreign",
	[AM_COUNT_KERNEL] = "kernel",
	[AM_COUNT_NO_FAMILY_ROOM] = "no-family-room",
	[AM_COUNT_PROBED] = "probed",
	[AM_COUNT_NO_FACT] = "no-fact",
	[AM_COUNT_STALE_TAG] = "stale-tag",
};

const char *am_counter_name(unsigned count)
{
	return count < AM_COUNT_MAX_ && names[count] ? names[count] : "?";
}

/* `values` has room for one of each CPU. */
static int sum(int map, uint32_t which, uint64_t *values, int cpus, uint64_t *ret)
{
	uint64_t total = 0;
	int cpu, r = bpf_map_lookup_elem(map, &which, values);

	if (r < 0)
		return r;
	for (cpu = 0; cpu < cpus; cpu++)
		total += values[cpu];
	*ret = total;
	return 0;
}

static int sum_some(struct am_engine *e, uint32_t first, uint32_t n, uint64_t *ret)
{
	int map = bpf_map__fd(e->object->maps.am_counts), cpus = libbpf_num_possible_cpus(), r = 0;
	am_autofree uint64_t *values = NULL;
	uint32_t i;

	if (cpus < 0)
		return cpus;
	values = calloc((size_t)cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	for (i = 0; !r && i < n; i++)
		r = sum(map, first + i, values, cpus, &ret[i]);
	return r;
}

int am_counters_read(struct am_engine *e, uint64_t ret[AM_COUNT_MAX_])
{
	uint64_t sums[AM_COUNT_MAX_];
	int r = sum_some(e, 0, AM_COUNT_MAX_, sums);

	if (!r)
		memcpy(ret, sums, sizeof(sums));
	return r;
}

int am_counter_read(struct am_engine *e, enum am_count which, uint64_t *ret)
{
	uint64_t total;
	int r = sum_some(e, which, 1, &total);

	if (!r)
		*ret = total;
	return r;
}

static int clear_array(const struct bpf_map *map)
{
	int fd = bpf_map__fd(map), cpus = libbpf_num_possible_cpus(), r = 0;
	am_autofree uint64_t *zeros = NULL;
	uint32_t i;

	if (cpus < 0)
		return cpus;
	zeros = calloc((size_t)cpus, sizeof(*zeros));
	if (!zeros)
		return -ENOMEM;
	for (i = 0; !r && i < bpf_map__max_entries(map); i++)
		r = bpf_map_update_elem(fd, &i, zeros, BPF_ANY);
	return r;
}

int am_counters_clear(struct am_engine *e)
{
	int r = clear_array(e->object->maps.am_counts);

	return r ? r : clear_array(e->object->maps.am_seqs);
}
