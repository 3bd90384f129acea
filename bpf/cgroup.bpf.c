// SPDX-License-Identifier: GPL-2.0
/* Cgroups come and go with the services of a host, and whoever is started in one may reach for
 * a store at once. So what a new cgroup makes of those in it is found here, before anybody can
 * be moved into it (the tracepoints are within cgroup_mkdir() and cgroup_rmdir()); the agent
 * finds those that were there before the policy.
 *   cgroup_mkdir   a cgroup that the policy names by its path, or as a unit
 *   cgroup_rmdir   its id is nobody's any more */
#include "label.h"
#include "hook.h"

static const char slice[] = ".slice";

enum { SLICE_LEN = sizeof(slice) - 1 };

/* A cgroup that is being made, for the policy with this generation. */
struct birth {
	__u32 generation;
	__u32 listed;		/* it, or what it is below, is named */
	__u64 cgroup;		/* address; while its parents are looked at, of the last of them */
	__u32 in_slices;	/* all its parents are slices */
	__u32 found;		/* `set` is that of a cgroup around it */
	struct am_set set;
};

/* As an address: from 6.15 on the parent's pointer in kernfs has another name. */
AM_INLINE __u64 parent_of(__u64 cgroup)
{
	struct cgroup_subsys_state *css = BPF_CORE_READ((struct cgroup *)cgroup, self.parent);

	return css ? (__u64)BPF_CORE_READ(css, cgroup) : 0;
}

/* One slot per CPU: both tracepoints hold a spin lock with interrupts off. */
AM_INLINE struct am_unit_key *key_slot(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&am_unit_slots, &zero);
}

/* Puts a name into the slot, with zeros behind it. Its length; 0 if it does not fit. */
AM_INLINE __u32 name_put(struct am_unit_key *key, const char *name)
{
	long n;

	__builtin_memset(key->name, 0, sizeof(key->name));
	n = bpf_probe_read_kernel_str(key->name, sizeof(key->name), name);
	/* A full slot may be a name that was cut. */
	return n > 1 && n < (long)sizeof(key->name) ? (__u32)n - 1 : 0;
}

AM_INLINE bool is_slice(const struct am_unit_key *key, __u32 len)
{
	__u32 i;

	if (len <= SLICE_LEN || len >= AM_UNIT_NAME)
		return false;
	for (i = 0; i < SLICE_LEN; i++)
		if (key->name[(len - SLICE_LEN + i) & (AM_UNIT_NAME - 1)] != slice[i])
			return false;
	return true;
}

/* The nearest listed cgroup around it counts, as its set holds what is around that. */
static long look_up(__u32 level, struct birth *b)
{
	struct am_fact_key fact = { .generation = b->generation, .kind = AM_FACT_CGROUP };
	struct am_unit_key *key = key_slot();
	struct cgroup *parent = (struct cgroup *)parent_of(b->cgroup);

	b->cgroup = (__u64)parent;
	if (!key || !parent)
		return 1;
	fact.value = BPF_CORE_READ(parent, kn, id);
	if (!b->found)
		b->found = AM_COPY(&am_facts, &fact, &b->set);
	if (parent_of(b->cgroup) &&	/* the root has no name */
	    !is_slice(key, name_put(key, BPF_CORE_READ(parent, kn, name))))
		b->in_slices = 0;
	return 0;
}

AM_INLINE void join_named(struct birth *b, struct am_unit_key *key, const char *name, bool path)
{
	struct am_set set;

	key->generation = b->generation;
	key->is_path = path;
	if (!name_put(key, name))
		return;
	if (!AM_COPY(&am_units, key, &set))
		return;
	b->listed = 1;
	am_set_join(&b->set, &set);
}

static __noinline int born(struct cgroup *cgroup, const char *path, __u32 generation)
{
	struct birth b = { .generation = generation, .cgroup = (__u64)cgroup, .in_slices = 1 };
	struct am_fact_key fact = { .generation = generation, .kind = AM_FACT_CGROUP };
	struct am_unit_key *key = key_slot();

	if (!key)
		return 0;
	bpf_loop(AM_CGROUP_DEPTH, look_up, &b, 0);
	join_named(&b, key, path, true);
	if (b.in_slices)
		join_named(&b, key, BPF_CORE_READ(cgroup, kn, name), false);
	fact.value = BPF_CORE_READ(cgroup, kn, id);
	if (b.listed && bpf_map_update_elem(&am_facts, &fact, &b.set, BPF_ANY))
		am_count(AM_COUNT_NO_FACT);	/* the agent finds it in a moment */
	return 0;
}

/* The next policy, too, may be being made: its names are there before the agent looks for
 * cgroups. */
SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(am_cgroup_born, struct cgroup *cgroup, const char *path)
{
	const struct am_policy *policy = am_policy_now();
	__u32 generation = policy ? policy->generation : 0;

	if (BPF_CORE_READ(cgroup, root, hierarchy_id))	/* of cgroup v1 */
		return 0;
	born(cgroup, path, generation);
	born(cgroup, path, generation + 1);
	return 0;
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(am_cgroup_gone, struct cgroup *cgroup)
{
	const struct am_policy *policy = am_policy_now();
	struct am_fact_key fact = { .kind = AM_FACT_CGROUP };

	fact.generation = policy ? policy->generation : 0;
	fact.value = BPF_CORE_READ(cgroup, kn, id);
	bpf_map_delete_elem(&am_facts, &fact);
	fact.generation++;
	bpf_map_delete_elem(&am_facts, &fact);
	return 0;
}
