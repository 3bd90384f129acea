/* SPDX-License-Identifier: GPL-2.0 */
#include "kernel/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "decide.h"
#include "kernel/object.h"

/* An executable that subjects name. Its inode carries `id` and is held open, or the kernel
 * would forget the id with the inode. */
struct exe {
	const char *path;	/* borrowed from the image */
	uint64_t dev;
	uint64_t ino;
	struct timespec changed;	/* st_mtim */
	uint32_t id;
	int fd;
	struct am_set set;
};

struct exes {
	struct exe *items;	/* owned */
	size_t count;
};

struct am_publisher {
	struct am_engine *engine;	/* borrowed */
	struct exes exes;		/* of the policy in force */
	uint32_t last_id;		/* ids are not used again: an old fact must not fit a new file */
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

static int exes_fd(const struct am_publisher *p)
{
	return bpf_map__fd(p->engine->object->maps.am_exes);
}

static struct exe *find_exe(const struct exes *exes, uint64_t dev, uint64_t ino)
{
	size_t i;

	for (i = 0; i < exes->count; i++)
		if (exes->items[i].dev == dev && exes->items[i].ino == ino)
			return &exes->items[i];
	return NULL;
}

/* Lets go of those of `exes` that `kept` does not have. */
static void drop_exes(struct am_publisher *p, struct exes *exes, const struct exes *kept)
{
	size_t i;

	for (i = 0; i < exes->count; i++) {
		struct exe *exe = &exes->items[i];

		if (!find_exe(kept, exe->dev, exe->ino))
			/* If it stays, it is an id without any fact. */
			(void)bpf_map_delete_elem(exes_fd(p), &exe->fd);
		(void)close(exe->fd); /* read only: nothing can be lost */
	}
	free(exes->items);
	*exes = (struct exes){ 0 };
}

void am_publisher_free(struct am_publisher *p)
{
	if (!p)
		return;
	drop_exes(p, &p->exes, &(struct exes){ 0 });
	free(p);
}

/* ---- executables ---------------------------------------------------------- */

static void warn_about(const struct am_image_exe *exe, struct am_diags *diags, const char *what)
{
	am_diags_add(diags, AM_SEVERITY_WARNING, exe->pos,
		     "No process is this subject until the file is there and the policy is loaded again.",
		     "executable '%s': %s", exe->path, what);
}

/* The descriptor; -1 after a warning: the file cannot be anybody's executable. */
static int open_exe(const struct am_image_exe *exe, struct am_diags *diags, struct stat *ret_st)
{
	am_autoclose int fd = open(exe->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char start[2];

	if (fd < 0 || fstat(fd, ret_st) < 0) {
		warn_about(exe, diags, strerror(errno));
		return -1;
	}
	if (!S_ISREG(ret_st->st_mode)) {
		warn_about(exe, diags, "not a regular file");
		return -1;
	}
	if (pread(fd, start, sizeof(start), 0) == sizeof(start) && !memcmp(start, "#!", 2))
		am_diags_add(diags, AM_SEVERITY_WARNING, exe->pos,
			     "Who runs is the interpreter in its first line; describe the subject by user or unit.",
			     "executable '%s' is a script and never a process's executable", exe->path);
	return AM_TAKE_FD(fd);
}

/* The same inode keeps its id from policy to policy: processes that run it stay who they are. */
static int give_id(struct am_publisher *p, const struct stat *st, int fd, uint32_t *ret)
{
	const struct exe *known = find_exe(&p->exes, st->st_dev, st->st_ino);
	uint32_t id = known ? known->id : p->last_id + 1;
	int r;

	r = bpf_map_update_elem(exes_fd(p), &fd, &id, BPF_ANY);
	if (r < 0)
		return r;
	if (!known)
		p->last_id = id;
	*ret = id;
	return 0;
}

static int intern_exe(struct am_publisher *p, const struct am_image_exe *exe,
		      struct am_diags *diags, struct exes *exes)
{
	am_autoclose int fd = -1;
	struct exe *same;
	struct stat st;
	uint32_t id;
	int r;

	fd = open_exe(exe, diags, &st);
	if (fd < 0)
		return 0;
	same = find_exe(exes, st.st_dev, st.st_ino);
	if (same) {
		am_set_join(&same->set, &exe->set);
		return 0;
	}
	r = give_id(p, &st, fd, &id);
	if (r < 0)
		return r;
	exes->items[exes->count++] = (struct exe){
		.path = exe->path,
		.changed = st.st_mtim,
		.dev = st.st_dev,
		.ino = st.st_ino,
		.id = id,
		.fd = AM_TAKE_FD(fd),
		.set = exe->set,
	};
	return 0;
}

bool am_publisher_is_current(const struct am_publisher *p)
{
	size_t i;

	for (i = 0; i < p->exes.count; i++) {
		const struct exe *exe = &p->exes.items[i];
		struct stat st;

		if (stat(exe->path, &st) < 0 || st.st_dev != exe->dev || st.st_ino != exe->ino ||
		    st.st_mtim.tv_sec != exe->changed.tv_sec ||
		    st.st_mtim.tv_nsec != exe->changed.tv_nsec)
			return false;
	}
	return true;
}

static int intern_exes(struct am_publisher *p, const struct am_image *image,
		       struct am_diags *diags, struct exes *exes)
{
	size_t i;
	int r;

	exes->items = calloc(image->n_exes + 1, sizeof(*exes->items));
	if (!exes->items)
		return -ENOMEM;
	for (i = 0; i < image->n_exes; i++) {
		r = intern_exe(p, &image->exes[i], diags, exes);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- the tables of one generation ----------------------------------------- */

static struct am_fact_key exe_key(const struct am_image *image, const struct exe *exe)
{
	return (struct am_fact_key){
		.generation = image->policy->generation,
		.kind = AM_FACT_EXE,
		.value = exe->id,
	};
}

static int add_tables(struct am_publisher *p, const struct am_image *image, const struct exes *exes)
{
	int facts = bpf_map__fd(p->engine->object->maps.am_facts);
	int nets = bpf_map__fd(p->engine->object->maps.am_nets);
	size_t i;
	int r = 0;

	for (i = 0; !r && i < image->n_facts; i++)
		r = bpf_map_update_elem(facts, &image->facts[i].key, &image->facts[i].set, BPF_ANY);
	for (i = 0; !r && i < exes->count; i++) {
		const struct am_fact_key key = exe_key(image, &exes->items[i]);

		r = bpf_map_update_elem(facts, &key, &exes->items[i].set, BPF_ANY);
	}
	for (i = 0; !r && i < image->n_nets; i++)
		r = bpf_map_update_elem(nets, &image->nets[i].key, &image->nets[i].zones, BPF_ANY);
	return r;
}

/* What cannot be removed takes room and is never looked up: its generation is no policy's. */
static void remove_tables(struct am_publisher *p, const struct am_image *image,
			  const struct exes *exes)
{
	int facts = bpf_map__fd(p->engine->object->maps.am_facts);
	int nets = bpf_map__fd(p->engine->object->maps.am_nets);
	size_t i;

	for (i = 0; i < image->n_facts; i++)
		(void)bpf_map_delete_elem(facts, &image->facts[i].key);
	for (i = 0; i < exes->count; i++) {
		const struct am_fact_key key = exe_key(image, &exes->items[i]);

		(void)bpf_map_delete_elem(facts, &key);
	}
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

static int put_in_force(struct am_publisher *p, const struct am_image *next, const struct exes *exes)
{
	am_autoclose int table = -1;
	const uint32_t slot = 0;
	int r;

	r = add_tables(p, next, exes);
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
	struct exes exes = { 0 }, old = p->exes;
	int r;

	r = intern_exes(p, next, diags, &exes);
	if (!r)
		r = put_in_force(p, next, &exes);
	if (r < 0) {
		remove_tables(p, next, &exes);
		drop_exes(p, &exes, &old);
		return r;
	}
	p->exes = exes;
	if (previous)
		remove_tables(p, previous, &old);
	drop_exes(p, &old, &exes);
	return 0;
}
