/* SPDX-License-Identifier: GPL-2.0 */
#include "kernel/publish.h"

#include <errno.h>
#include <string.h>

#include "kernel/cgroups.h"
#include "kernel/exes.h"
#include "kernel/inodes.h"
#include "kernel/object.h"

/* What this host adds to the facts of an image. */
struct findings {
	struct am_exes exes;
	struct am_cgroup *cgroups;	/* owned; in the order of their ids */
	size_t n_cgroups;
};

struct am_publisher {
	struct am_engine *engine;	/* borrowed */
	struct findings found;		/* of the policy in force */
	uint32_t last_id;		/* none is used again: no old fact fits a new file */
};

int am_publisher_new(struct am_engine *e, struct am_publisher **ret)
{
	struct am_publisher *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->engine = e;
	*ret = p;
	return 0;
}

static int facts_map(const struct am_publisher *p)
{
	return bpf_map__fd(p->engine->object->maps.am_facts);
}

/* Lets go of `found`; files that `kept` does not have lose their id. */
static void drop(struct am_publisher *p, struct findings *found, const struct findings *kept)
{
	size_t i;

	for (i = 0; i < found->exes.count; i++) {
		const struct am_exe *exe = &found->exes.items[i];

		if (!am_exes_find(&kept->exes, exe->dev, exe->ino))
			/* If it stays, it is an id without any fact. */
			(void)am_inode_exe_delete(p->engine, exe->fd);
	}
	am_exes_close(&found->exes);
	free(found->cgroups);
	*found = (struct findings){ 0 };
}

void am_publisher_free(struct am_publisher *p)
{
	if (!p)
		return;
	drop(p, &p->found, &(struct findings){ 0 });
	free(p);
}

/* ---- what the host adds --------------------------------------------------- */

/* The same inode keeps its id from policy to policy: processes that run it stay who they are. */
static int give_ids(struct am_publisher *p, struct am_exes *exes)
{
	size_t i;

	for (i = 0; i < exes->count; i++) {
		struct am_exe *exe = &exes->items[i];
		const struct am_exe *known = am_exes_find(&p->found.exes, exe->dev, exe->ino);
		int r;

		exe->id = known ? known->id : ++p->last_id;
		r = am_inode_exe_put(p->engine, exe->fd, exe->id);
		if (r < 0)
			return r;
	}
	return 0;
}

static int find(struct am_publisher *p, const struct am_image *image, struct am_diags *diags,
		struct findings *ret)
{
	int r;

	r = am_exes_open(image, diags, &ret->exes);
	if (!r)
		r = give_ids(p, &ret->exes);
	if (!r)
		r = am_cgroups_find(image, &ret->cgroups, &ret->n_cgroups);
	return r;
}

static struct am_fact_key key_of(const struct am_image *image, enum am_fact kind, uint64_t value)
{
	return (struct am_fact_key){
		.generation = image->policy->generation,
		.kind = kind,
		.value = value,
	};
}

static int put_fact(const struct am_publisher *p, const struct am_image *image, enum am_fact kind,
		    uint64_t value, const struct am_set *set)
{
	const struct am_fact_key key = key_of(image, kind, value);

	return bpf_map_update_elem(facts_map(p), &key, set, BPF_ANY);
}

/* What cannot be removed takes room; it is of a generation, or an id, that nothing has. */
static void remove_fact(const struct am_publisher *p, const struct am_image *image,
			enum am_fact kind, uint64_t value)
{
	const struct am_fact_key key = key_of(image, kind, value);

	(void)bpf_map_delete_elem(facts_map(p), &key);
}

static int put_exe(const struct am_publisher *p, const struct am_image *image,
		   const struct am_exe *exe)
{
	int r = put_fact(p, image, AM_FACT_EXE, exe->id, &exe->set);

	return r ? r : put_fact(p, image, AM_FACT_SCRIPT, exe->id, &exe->script);
}

static void remove_exe(const struct am_publisher *p, const struct am_image *image,
		       const struct am_exe *exe)
{
	remove_fact(p, image, AM_FACT_EXE, exe->id);
	remove_fact(p, image, AM_FACT_SCRIPT, exe->id);
}

/* ---- the tables of one generation ----------------------------------------- */

static int add_tables(const struct am_publisher *p, const struct am_image *image,
		      const struct findings *found)
{
	int nets = bpf_map__fd(p->engine->object->maps.am_nets), r = 0;
	size_t i;

	for (i = 0; !r && i < image->n_facts; i++)
		r = bpf_map_update_elem(facts_map(p), &image->facts[i].key, &image->facts[i].set,
					BPF_ANY);
	for (i = 0; !r && i < found->exes.count; i++)
		r = put_exe(p, image, &found->exes.items[i]);
	for (i = 0; !r && i < found->n_cgroups; i++)
		r = put_fact(p, image, AM_FACT_CGROUP, found->cgroups[i].id,
			     &found->cgroups[i].set);
	for (i = 0; !r && i < image->n_nets; i++)
		r = bpf_map_update_elem(nets, &image->nets[i].key, &image->nets[i].zones, BPF_ANY);
	return r;
}

static void remove_tables(const struct am_publisher *p, const struct am_image *image,
			  const struct findings *found)
{
	int nets = bpf_map__fd(p->engine->object->maps.am_nets);
	size_t i;

	for (i = 0; i < image->n_facts; i++)
		/* see remove_fact() */
		(void)bpf_map_delete_elem(facts_map(p), &image->facts[i].key);
	for (i = 0; i < found->exes.count; i++)
		remove_exe(p, image, &found->exes.items[i]);
	for (i = 0; i < found->n_cgroups; i++)
		remove_fact(p, image, AM_FACT_CGROUP, found->cgroups[i].id);
	for (i = 0; i < image->n_nets; i++)
		(void)bpf_map_delete_elem(nets, &image->nets[i].key);
}

/* ---- the policy itself ---------------------------------------------------- */

/* A frozen map that holds the policy. */
static int make_table(const struct am_publisher *p, const struct am_policy *policy, int *ret)
{
	const struct am_table_shape *shape = &p->engine->table;
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = shape->flags);
	am_autoclose int fd = -1;
	const uint32_t slot = 0;
	int r;

	fd = bpf_map_create(shape->type, "am_policy", shape->key_size, shape->value_size,
			    shape->max_entries, &opts);
	if (fd < 0)
		return fd;
	r = bpf_map_update_elem(fd, &slot, policy, BPF_ANY);
	if (!r)
		r = bpf_map_freeze(fd);
	if (r < 0)
		return r;
	*ret = AM_TAKE_FD(fd);
	return 0;
}

static int put_in_force(struct am_publisher *p, const struct am_image *next,
			const struct findings *found)
{
	am_autoclose int table = -1;
	const uint32_t slot = 0;
	int r;

	r = add_tables(p, next, found);
	if (r < 0)
		return r;
	r = make_table(p, next->policy, &table);
	if (r < 0)
		return r;
	/* Transaction point: the next decision is made by `next`. The kernel returns once no
	 * program can be at work with the policy before (maybe_wait_bpf_programs() of
	 * kernel commit 1ae80cf31938). */
	return bpf_map_update_elem(bpf_map__fd(p->engine->object->maps.am_policies), &slot, &table,
				   BPF_ANY);
}

int am_publish(struct am_publisher *p, const struct am_image *next,
	       const struct am_image *previous, struct am_diags *diags)
{
	struct findings found = { 0 }, old = p->found;
	int r;

	r = find(p, next, diags, &found);
	if (!r)
		r = put_in_force(p, next, &found);
	if (r < 0) {
		remove_tables(p, next, &found);
		drop(p, &found, &old);
		return r;
	}
	p->found = found;
	if (previous)
		remove_tables(p, previous, &old);
	drop(p, &old, &found);
	return 0;
}

/* ---- facts that change under a policy ------------------------------------- */

/* Both lists are in the order of ids. 1 when something changed. */
static int change_cgroups(const struct am_publisher *p, const struct am_image *image,
			  const struct am_cgroup *now, size_t n_now)
{
	const struct am_cgroup *before = p->found.cgroups, *end = before + p->found.n_cgroups;
	const struct am_cgroup *now_end = now + n_now;
	int r, changed = 0;

	while (before < end || now < now_end) {
		if (now == now_end || (before < end && before->id < now->id)) {
			remove_fact(p, image, AM_FACT_CGROUP, before++->id);
			changed = 1;
		} else if (before < end && before->id == now->id &&
			   !memcmp(&before->set, &now->set, sizeof(now->set))) {
			before++;
			now++;
		} else {
			r = put_fact(p, image, AM_FACT_CGROUP, now->id, &now->set);
			if (r < 0)
				return r;
			before += before < end && before->id == now->id;
			now++;
			changed = 1;
		}
	}
	return changed;
}

static int refresh_cgroups(struct am_publisher *p, const struct am_image *image)
{
	struct am_cgroup *now;
	size_t n;
	int r;

	if (!image->n_cgroups)
		return 0;
	r = am_cgroups_find(image, &now, &n);
	if (r < 0)
		return r;
	r = change_cgroups(p, image, now, n);
	if (r < 0) {
		free(now);
		return r;
	}
	free(p->found.cgroups);
	p->found.cgroups = now;
	p->found.n_cgroups = n;
	return r;
}

/* A forged file keeps its id, which then means nothing, until the policy is loaded again. */
static int refresh_exes(struct am_publisher *p, const struct am_image *image)
{
	int changed = 0;
	size_t i;

	for (i = 0; i < p->found.exes.count; i++) {
		struct am_exe *exe = &p->found.exes.items[i];

		if (!am_exe_is_forged(exe))
			continue;
		remove_exe(p, image, exe);
		exe->pinned = false;	/* nothing is left to be looked after */
		changed = 1;
	}
	return changed;
}

int am_publisher_refresh(struct am_publisher *p, const struct am_image *image)
{
	int exes = refresh_exes(p, image), cgroups = refresh_cgroups(p, image);

	if (exes || cgroups > 0)
		(void)__atomic_fetch_add(&p->engine->object->bss->am_epoch, 1, __ATOMIC_SEQ_CST);
	return cgroups < 0 ? cgroups : exes | cgroups;
}

bool am_publisher_is_current(const struct am_publisher *p)
{
	size_t i;

	for (i = 0; i < p->found.exes.count; i++)
		if (!am_exe_is_current(&p->found.exes.items[i]))
			return false;
	return true;
}
