/* SPDX-License-Identifier: GPL-2.0 */
#include "kernel/publish.h"

#include <errno.h>
#include <string.h>

#include "kernel/exes.h"
#include "kernel/grants.h"
#include "kernel/inodes.h"
#include "kernel/object.h"
#include "kernel/subjects.h"
#include "kernel/units.h"

enum { HASH_STEP = 512 * 1024 };	/* bytes of executables between two looks at everything else */

struct am_publisher {
	struct am_engine *engine;	/* borrowed */
	struct am_findings found;		/* of the policy in force */
	struct am_grants *grants;	/* owned */
	struct am_exe_teller teller;
	uint32_t last_id;		/* none is used again: no old fact fits a new file */
};

static void tell_nobody(void *ctx, const struct am_image_exe *named, enum am_exe_news news,
			const char *why)
{
	(void)ctx, (void)named, (void)news, (void)why;
}

int am_publisher_new(struct am_engine *e, struct am_publisher **ret)
{
	am_auto(am_publisher) struct am_publisher *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->engine = e;
	p->teller.tell = tell_nobody;
	r = am_grants_new(e, &p->grants);
	if (r < 0)
		return r;
	*ret = AM_TAKE_PTR(p);
	return 0;
}

void am_publisher_teller(struct am_publisher *p, const struct am_exe_teller *teller)
{
	p->teller = *teller;
}

static int facts_map(const struct am_publisher *p)
{
	return bpf_map__fd(p->engine->object->maps.am_facts);
}

/* If it stays, it is an id without any fact. */
static void drop_id(const struct am_publisher *p, const struct am_exe_file *f)
{
	if (f->id)
		(void)am_inode_exe_delete(p->engine, f->fd);
}

/* Lets go of `found`; files that `kept` does not have lose their id. */
static void drop(struct am_publisher *p, struct am_findings *found, const struct am_findings *kept)
{
	size_t i;

	for (i = 0; found->exes && i < found->exes->n_files; i++) {
		const struct am_exe_file *f = found->exes->files[i];

		if (!kept->exes || !am_exes_find(kept->exes, f->dev, f->ino))
			drop_id(p, f);
	}
	am_exes_free(found->exes);
	free(found->cgroups);
	*found = (struct am_findings){ 0 };
}

void am_publisher_free(struct am_publisher *p)
{
	if (!p)
		return;
	drop(p, &p->found, &(struct am_findings){ 0 });
	am_grants_free(p->grants);
	free(p);
}

/* ---- what the host adds --------------------------------------------------- */

/* The same inode keeps its id from policy to policy: processes that run it stay who they are. */
static int give_ids(struct am_publisher *p, struct am_exes *exes)
{
	size_t i;

	for (i = 0; i < exes->n_files; i++) {
		struct am_exe_file *f = exes->files[i];
		uint32_t id = f->id ? f->id : p->last_id + 1;
		int r;

		if (f->id)
			continue;
		r = am_inode_exe_put(p->engine, f->fd, id);
		if (r < 0)
			return r;
		f->id = p->last_id = id;
	}
	return 0;
}

static int find(struct am_publisher *p, const struct am_image *image, struct am_diags *diags,
		struct am_findings *ret)
{
	int r;

	r = am_units_put(p->engine, image);
	if (!r)
		r = am_exes_new(image, p->found.exes, diags, &ret->exes);
	if (!r)
		r = give_ids(p, ret->exes);
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

static void remove_exe(const struct am_publisher *p, const struct am_image *image,
		       struct am_exe_file *f)
{
	remove_fact(p, image, AM_FACT_EXE, f->id);
	remove_fact(p, image, AM_FACT_SCRIPT, f->id);
	f->put = false;
}

static bool is_put(const struct am_exe_file *f, const struct am_set *set,
		   const struct am_set *script)
{
	return f->put && !memcmp(&f->set, set, sizeof(*set)) &&
	       !memcmp(&f->script, script, sizeof(*script));
}

/* Has the kernel know what the file makes of who runs it, as it is now. 1 when that is
 * something else than before; 0; -errno. */
static int put_exe(const struct am_publisher *p, const struct am_image *image,
		   const struct am_exes *exes, struct am_exe_file *f)
{
	struct am_set set, script;
	bool put = f->put;
	int r;

	if (!am_exes_sets(exes, f, &set, &script)) {
		if (put)
			remove_exe(p, image, f);
		return put;
	}
	if (is_put(f, &set, &script))
		return 0;
	f->put = true;		/* whatever of it fails is to be removed */
	f->set = set;
	f->script = script;
	r = put_fact(p, image, AM_FACT_EXE, f->id, &set);
	if (!r)
		r = put_fact(p, image, AM_FACT_SCRIPT, f->id, &script);
	if (r < 0)
		remove_exe(p, image, f);
	return r < 0 ? r : 1;
}

/* ---- the tables of one generation ----------------------------------------- */

static int add_tables(const struct am_publisher *p, const struct am_image *image,
		      const struct am_findings *found)
{
	int nets = bpf_map__fd(p->engine->object->maps.am_nets), r = 0;
	size_t i;

	for (i = 0; !r && i < image->n_facts; i++)
		r = bpf_map_update_elem(facts_map(p), &image->facts[i].key, &image->facts[i].set,
					BPF_ANY);
	for (i = 0; !r && i < found->exes->n_files; i++)
		r = put_exe(p, image, found->exes, found->exes->files[i]) < 0 ? -ENOSPC : 0;
	for (i = 0; !r && i < found->n_cgroups; i++)
		r = put_fact(p, image, AM_FACT_CGROUP, found->cgroups[i].id,
			     &found->cgroups[i].set);
	for (i = 0; !r && i < image->n_nets; i++)
		r = bpf_map_update_elem(nets, &image->nets[i].key, &image->nets[i].zones, BPF_ANY);
	return r;
}

static void remove_tables(const struct am_publisher *p, const struct am_image *image,
			  const struct am_findings *found)
{
	int nets = bpf_map__fd(p->engine->object->maps.am_nets);
	size_t i;

	for (i = 0; i < image->n_facts; i++)
		/* see remove_fact() */
		(void)bpf_map_delete_elem(facts_map(p), &image->facts[i].key);
	for (i = 0; found->exes && i < found->exes->n_files; i++)
		remove_exe(p, image, found->exes->files[i]);
	am_units_remove(p->engine, image);
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
			const struct am_findings *found)
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

/* ---- purposes ------------------------------------------------------------- */

/* A policy with what this host adds to it, which is asked for a purpose. */
struct judge {
	const struct am_image *image;	/* NULL: no policy, which grants nothing */
	const struct am_findings *found;
};

static bool grants(void *ctx, const struct am_task_facts *facts, uint32_t purpose)
{
	const struct judge *j = ctx;
	struct am_set bits;

	if (!j->image)
		return false;
	am_subjects_find(j->image, j->found, facts, &bits);
	return am_image_may_use(j->image, &bits, purpose);
}

static void raise_epoch(const struct am_publisher *p)
{
	(void)__atomic_fetch_add(&p->engine->object->bss->am_epoch, 1, __ATOMIC_SEQ_CST);
}

int am_publisher_give(struct am_publisher *p, int pidfd, const struct am_task_facts *facts,
		      uint32_t purpose)
{
	int r = am_grants_give(p->grants, pidfd, facts, purpose);
	struct am_task task;

	/* Who it is may be cached already; most who ask have touched nothing yet. */
	if (am_publisher_task(p, pidfd, &task) < 0 || task.generation)
		raise_epoch(p);
	return r;
}

struct am_grants *am_publisher_grants(const struct am_publisher *p)
{
	return p->grants;
}

uint32_t am_publisher_exe_id(const struct am_publisher *p, uint64_t dev, uint64_t ino)
{
	const struct am_exe_file *f = p->found.exes ? am_exes_find(p->found.exes, dev, ino) : NULL;

	return f ? f->id : 0;
}

int am_publisher_task(const struct am_publisher *p, int pidfd, struct am_task *ret)
{
	int r = bpf_map_lookup_elem(bpf_map__fd(p->engine->object->maps.am_tasks), &pidfd, ret);

	if (r != -ENOENT)
		return r;
	*ret = (struct am_task){ 0 };
	return 0;
}

/* ---- publishing ----------------------------------------------------------- */

int am_publish(struct am_publisher *p, const struct am_image *next,
	       const struct am_image *previous, struct am_diags *diags)
{
	struct am_findings found = { 0 }, old = p->found;
	struct judge after = { next, &found }, before = { previous, &old };
	int r;

	r = find(p, next, diags, &found);
	if (!r) {
		am_grants_narrow(p->grants, &(struct am_grants_judge){ grants, &after });
		raise_epoch(p);
		r = put_in_force(p, next, &found);
	}
	if (r < 0) {
		am_grants_settle(p->grants, &(struct am_grants_judge){ grants, &before });
		raise_epoch(p);
		remove_tables(p, next, &found);
		drop(p, &found, &old);
		return r;
	}
	p->found = found;
	am_grants_settle(p->grants, &(struct am_grants_judge){ grants, &after });
	raise_epoch(p);
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

static bool is_found(const struct am_findings *found, uint64_t cgroup)
{
	const struct am_cgroup *end = found->cgroups + found->n_cgroups, *c;

	for (c = found->cgroups; c < end; c++)
		if (c->id == cgroup)
			return true;
	return false;
}

/* Whether the kernel side knows one of the cgroups, which was not there when they were looked
 * for last. */
static bool has_news(const struct am_publisher *p, const struct am_image *image,
		     const struct am_task_facts *facts)
{
	struct am_set set;
	uint32_t i;

	for (i = 0; i < facts->n_cgroups; i++) {
		const struct am_fact_key key = key_of(image, AM_FACT_CGROUP, facts->cgroups[i]);

		if (!is_found(&p->found, facts->cgroups[i]) &&
		    !bpf_map_lookup_elem(facts_map(p), &key, &set))
			return true;
	}
	return false;
}

bool am_publisher_may_use(struct am_publisher *p, const struct am_image *image,
			  const struct am_task_facts *facts, uint32_t purpose,
			  struct am_set *ret_bits)
{
	if (has_news(p, image, facts) && refresh_cgroups(p, image) > 0)
		raise_epoch(p);
	am_subjects_find(image, &p->found, facts, ret_bits);
	return am_image_may_use(image, ret_bits, purpose);
}

/* Files that no name knows any more: nobody is a subject by them again. */
static void forget_files(struct am_publisher *p, const struct am_image *image)
{
	struct am_exes *exes = p->found.exes;
	size_t i;

	for (i = 0; i < exes->n_files;) {
		struct am_exe_file *f = exes->files[i];

		if (!am_exes_forgotten(exes, f)) {
			i++;
			continue;
		}
		if (f->put)
			remove_exe(p, image, f);
		drop_id(p, f);
		am_exes_drop(exes, i);
	}
}

/* Has the kernel know what is known here. */
static int put_exes(struct am_publisher *p, const struct am_image *image)
{
	struct am_exes *exes = p->found.exes;
	int changed = 0, r = give_ids(p, exes);
	size_t i;

	for (i = 0; !r && i < exes->n_files; i++) {
		int one = put_exe(p, image, exes, exes->files[i]);

		changed |= one > 0;
		r = one < 0 ? one : 0;
	}
	return r < 0 ? r : changed;
}

static int refresh_exes(struct am_publisher *p, const struct am_image *image)
{
	int r, changed;

	r = am_exes_look(p->found.exes);
	changed = put_exes(p, image);
	forget_files(p, image);
	return changed < 0 ? changed : r < 0 ? r : changed;
}

int am_publisher_refresh_exes(struct am_publisher *p, const struct am_image *image)
{
	int r = refresh_exes(p, image);

	/* Also after a failure halfway: what is cached may be what was removed. */
	if (r)
		raise_epoch(p);
	am_exes_tell(p->found.exes, &p->teller);
	return r;
}

int am_publisher_refresh(struct am_publisher *p, const struct am_image *image)
{
	int exes = am_publisher_refresh_exes(p, image), cgroups = refresh_cgroups(p, image);

	if (cgroups > 0)
		raise_epoch(p);
	am_grants_tick(p->grants);
	return cgroups < 0 ? cgroups : exes < 0 ? exes : exes | cgroups;
}

bool am_publisher_step(struct am_publisher *p, const struct am_image *image)
{
	if (!am_exes_work(p->found.exes))
		return false;
	if (am_exes_step(p->found.exes, HASH_STEP))
		return true;
	if (put_exes(p, image))
		raise_epoch(p);
	am_exes_tell(p->found.exes, &p->teller);
	return false;
}

const struct am_exes *am_publisher_exes(const struct am_publisher *p)
{
	return p->found.exes;
}
