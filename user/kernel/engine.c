/* SPDX-License-Identifier: GPL-2.0 */
#include "kernel/engine.h"

#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/array.h"
#include "kernel/counters.h"
#include "kernel/object.h"
#include "kernel/probes.h"
#include "kernel/storage.h"

/* ---- libbpf's words ------------------------------------------------------- */

enum { SAID_SIZE = 16 * 1024 };

/* libbpf has one printer per process, so its words are kept once per process. The end is
 * kept: the verifier's verdict comes last. */
static char said[SAID_SIZE];
static size_t said_len;

static void keep_end(const char *text, size_t len)
{
	if (len >= sizeof(said)) {
		text += len - sizeof(said) + 1;
		len = sizeof(said) - 1;
	}
	if (said_len + len >= sizeof(said)) {
		size_t drop = said_len + len + 1 - sizeof(said);

		memmove(said, said + drop, said_len - drop);
		said_len -= drop;
	}
	memcpy(said + said_len, text, len);
	said_len += len;
	said[said_len] = '\0';
}

__attribute__((format(printf, 2, 0)))
static int remember(enum libbpf_print_level level, const char *format, va_list args)
{
	am_autofree char *text = NULL;
	int len;

	if (level == LIBBPF_DEBUG)
		return 0;
	len = vasprintf(&text, format, args);
	if (len < 0)
		text = NULL;	/* a diagnosis less */
	else
		keep_end(text, (size_t)len);
	return 0;
}

const char *am_engine_said(void)
{
	return said;
}

/* ---- loading -------------------------------------------------------------- */

static bool kernel_has(const struct btf *kernel, const struct am_target *target)
{
	char function[128];

	(void)snprintf(function, sizeof(function), "%s%s", target->prefix, target->hook);
	return btf__find_by_name_kind(kernel, function, BTF_KIND_FUNC) > 0;
}

/* Whether the program is to be loaded. One that this kernel has no function for is noted. */
static bool is_wanted(struct am_engine *e, const struct btf *kernel, const char *section)
{
	struct am_target target;

	if (!am_target_of(section, &target))
		return strcmp(section, "syscall") != 0;	/* those are tests' */
	if (target.flavour ? target.flavour != e->flavour : target.probe != e->probes)
		return false;
	if (kernel_has(kernel, &target))
		return true;
	if (e->n_missing < AM_ENGINE_MISSING_MAX)
		e->missing[e->n_missing++] = target.hook;
	return false;
}

static bool is_probe(const struct bpf_program *program)
{
	struct am_target target;

	return am_target_of(bpf_program__section_name(program), &target) && target.probe;
}

static int choose_programs(struct am_engine *e, bool preemptible)
{
	struct btf *kernel = btf__load_vmlinux_btf();
	struct bpf_program *program;
	int r = 0;

	if (!kernel)
		return -errno;
	e->probes = preemptible && am_probes_are_there(kernel);
	bpf_object__for_each_program(program, e->object->obj) {
		bool wanted = is_wanted(e, kernel, bpf_program__section_name(program));

		r = bpf_program__set_autoload(program, wanted);
		if (!r && wanted && is_probe(program))
			r = am_probe_prepare(program, kernel);
		if (r)
			break;
		/* Iterators are attached when they are read. */
		if (bpf_program__expected_attach_type(program) == BPF_TRACE_ITER)
			bpf_program__set_autoattach(program, false);
		e->loaded += wanted;
	}
	btf__free(kernel);
	return r;
}

/* Maps of the other flavour are not made. Code that names them is dead, and the verifier knows
 * it by the frozen `am_hashed`. */
static int choose_maps(struct am_engine *e, const struct am_engine_options *options)
{
	bool hashed = e->flavour == AM_FLAVOUR_FMOD_RET;
	int r;

	e->object->rodata_flavour->am_hashed = hashed;
	r = bpf_map__set_autocreate(e->object->maps.am_tags, !hashed);
	if (!r)
		r = bpf_map__set_autocreate(e->object->maps.am_exes, !hashed);
	if (!r)
		r = bpf_map__set_autocreate(e->object->maps.am_inodes, hashed);
	if (!r)
		r = bpf_map__set_autocreate(e->object->maps.am_exe_ids, hashed);
	if (!r && hashed)
		r = bpf_map__set_max_entries(e->object->maps.am_inodes, options->tags);
	if (!r && options->strays)
		r = bpf_map__set_max_entries(e->object->maps.am_strays, options->strays);
	return r;
}

/* libbpf drops its description of the inner map when it loads the outer one. */
static struct am_table_shape shape_of(const struct bpf_map *model)
{
	return (struct am_table_shape){
		.type = bpf_map__type(model),
		.key_size = bpf_map__key_size(model),
		.value_size = bpf_map__value_size(model),
		.max_entries = bpf_map__max_entries(model),
		.flags = bpf_map__map_flags(model),
	};
}

static int open_watcher(struct am_engine *e)
{
	if (e->flavour != AM_FLAVOUR_FMOD_RET)
		return 0;
	e->watcher = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	return e->watcher < 0 ? -errno : 0;
}

int am_engine_open(const struct am_engine_options *options, struct am_engine **ret)
{
	am_auto(am_engine) struct am_engine *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	e->watcher = -1;
	(void)libbpf_set_print(remember);
	e->object = amanat__open();
	if (!e->object)
		return -errno;
	e->table = shape_of(bpf_map__inner_map(e->object->maps.am_policies));
	e->flavour = options->flavour;
	r = open_watcher(e);
	if (!r)
		r = choose_programs(e, options->preemptible);
	if (!r)
		r = choose_maps(e, options);
	if (!r)
		r = amanat__load(e->object);
	if (r)
		return r;
	*ret = AM_TAKE_PTR(e);
	return 0;
}

static int attach_probes(struct am_engine *e)
{
	struct bpf_program *program;
	struct am_target target;
	int r;

	bpf_object__for_each_program(program, e->object->obj) {
		if (!bpf_program__autoload(program) || !is_probe(program))
			continue;
		if (e->n_links == AM_COUNT(e->links))
			return -E2BIG;
		(void)am_target_of(bpf_program__section_name(program), &target); /* a probe's is one */
		r = am_probe_attach(program, target.hook, &e->links[e->n_links]);
		if (r < 0)
			return r;
		e->n_links++;
	}
	return 0;
}

int am_engine_attach(struct am_engine *e)
{
	int r = amanat__attach(e->object);

	return r ? r : attach_probes(e);
}

static void detach_probes(struct am_engine *e)
{
	while (e->n_links)
		(void)close(e->links[--e->n_links]); /* nothing can be lost */
}

void am_engine_detach(struct am_engine *e)
{
	detach_probes(e);
	amanat__detach(e->object);
}

void am_engine_free(struct am_engine *e)
{
	if (!e)
		return;
	detach_probes(e);
	amanat__destroy(e->object);
	if (e->watcher >= 0)
		(void)close(e->watcher); /* nothing can be lost */
	free(e);
}

/* ---- loaded --------------------------------------------------------------- */

static int put_task(struct am_engine *e, int pidfd, const struct am_task *task)
{
	return am_storage_put(bpf_map__fd(e->object->maps.am_tasks), pidfd, task, BPF_ANY);
}

int am_engine_mark_agent(struct am_engine *e)
{
	const struct am_task task = { .flags = AM_TASK_AGENT };
	am_autoclose int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	return pidfd < 0 ? -errno : put_task(e, pidfd, &task);
}

int am_engine_label_task(struct am_engine *e, int pidfd, uint64_t labels)
{
	const struct am_task task = { .labels = labels };

	return put_task(e, pidfd, &task);
}

/* User space cannot add to what the kernel side changes at any moment: see am_ptrace in
 * bpf/debug.bpf.c, which the look at another process's executable is asked about. */
int am_engine_hand_labels(struct am_engine *e, int process, uint64_t labels)
{
	enum { TRIES = 10 };	/* a preemptible kernel may skip the program */
	char any[8];
	int i;

	__atomic_store_n(&e->object->bss->am_handed, labels, __ATOMIC_SEQ_CST);
	for (i = 0; i < TRIES; i++) {
		(void)!readlinkat(process, "exe", any, sizeof(any)); /* what it is called does not matter */
		if (!__atomic_load_n(&e->object->bss->am_handed, __ATOMIC_SEQ_CST))
			return 0;
	}
	__atomic_store_n(&e->object->bss->am_handed, 0, __ATOMIC_SEQ_CST);
	return -ESRCH;
}

enum am_flavour am_engine_flavour(const struct am_engine *e)
{
	return e->flavour;
}

void am_engine_hooks(const struct am_engine *e, size_t *ret_loaded, size_t *ret_missing)
{
	*ret_loaded = e->loaded;
	*ret_missing = e->n_missing;
}

const char *am_engine_missing(const struct am_engine *e, size_t n)
{
	return n < e->n_missing ? e->missing[n] : NULL;
}

bool am_engine_has_hook(const struct am_engine *e, const char *hook)
{
	struct bpf_program *program;
	struct am_target target;
	char name[AM_HOOK_NAME];

	bpf_object__for_each_program(program, e->object->obj) {
		if (!bpf_program__autoload(program) ||
		    !am_target_of(bpf_program__section_name(program), &target))
			continue;
		am_target_name(&target, name, sizeof(name));
		if (!strcmp(name, hook))
			return true;
	}
	return false;
}

bool am_engine_is_skippable(const struct am_engine *e)
{
	struct bpf_program *program;
	struct am_target target;

	bpf_object__for_each_program(program, e->object->obj)
		if (bpf_program__autoload(program) &&
		    bpf_program__type(program) == BPF_PROG_TYPE_TRACING &&
		    am_target_of(bpf_program__section_name(program), &target))
			return true;
	return false;
}

uint64_t am_engine_skips(const struct am_engine *e)
{
	struct bpf_program *program;
	uint64_t skips = 0;

	bpf_object__for_each_program(program, e->object->obj) {
		struct bpf_prog_info info = { 0 };
		__u32 size = sizeof(info);

		if (bpf_program__autoload(program) &&
		    !bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
			skips += info.recursion_misses;
	}
	return skips;
}

static bool answers_once(struct am_engine *e, int fd)
{
	am_autoclose int own = -1;
	uint64_t before, after;
	char link[32];

	if (am_counter_read(e, AM_COUNT_AGENT, &before) < 0)
		return false;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	own = open(link, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return am_counter_read(e, AM_COUNT_AGENT, &after) == 0 && after > before;
}

/* Whoever was preempted within the hook on this CPU, so that it was skipped, gets on meanwhile. */
static void let_others_run(void)
{
	const struct timespec little = { .tv_nsec = 1000000 };

	(void)nanosleep(&little, NULL);	/* less will do */
}

bool am_engine_answers(struct am_engine *e, int fd)
{
	int more = am_engine_is_skippable(e) ? AM_SKIP_TRIES : 0;

	while (!answers_once(e, fd)) {
		if (!more--)
			return false;
		let_others_run();
	}
	return true;
}

uint64_t am_engine_sealing(const struct am_engine *e)
{
	/* The low half: see am_sealing in bpf/maps.h. */
	return (uint32_t)__atomic_load_n(&e->object->bss->am_sealing, __ATOMIC_SEQ_CST);
}

void am_engine_sealing_raise(struct am_engine *e)
{
	(void)__atomic_fetch_add(&e->object->bss->am_sealing, 1, __ATOMIC_SEQ_CST);
}

void am_engine_sealing_lower(struct am_engine *e, uint64_t by)
{
	(void)__atomic_fetch_sub(&e->object->bss->am_sealing, by, __ATOMIC_SEQ_CST);
}

void am_engine_recall(struct am_engine *e, bool begins)
{
	__u64 *word = &e->object->bss->am_sealing;

	if (begins)
		(void)__atomic_fetch_or(word, AM_SEALING_RECALL, __ATOMIC_SEQ_CST);
	else
		(void)__atomic_fetch_and(word, ~AM_SEALING_RECALL, __ATOMIC_SEQ_CST);
}

bool am_engine_owes_tags(const struct am_engine *e)
{
	return __atomic_load_n(&e->object->bss->am_sealing, __ATOMIC_SEQ_CST) & AM_SEALING_OWED;
}

void am_engine_forgive_tags(struct am_engine *e)
{
	(void)__atomic_fetch_and(&e->object->bss->am_sealing, ~AM_SEALING_OWED, __ATOMIC_SEQ_CST);
}

void am_engine_ledger_out(struct am_engine *e, bool out)
{
	__atomic_store_n(&e->object->bss->am_ledger_out, out, __ATOMIC_RELAXED);
}
