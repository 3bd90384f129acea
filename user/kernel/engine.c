/* SPDX-License-Identifier: GPL-2.0 */
#include "kernel/engine.h"

#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>

#include "kernel/counters.h"
#include "kernel/object.h"

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

/* The hook that a program is for, out of "lsm/file_open"; NULL if it is of another kind. */
static const char *hook_of(const struct bpf_program *program, const char *prefix)
{
	const char *section = bpf_program__section_name(program);
	size_t len = strlen(prefix);

	return strncmp(section, prefix, len) ? NULL : section + len;
}

static bool kernel_has(const struct btf *kernel, const char *prefix, const char *name)
{
	char function[128];

	(void)snprintf(function, sizeof(function), "%s%s", prefix, name);
	return btf__find_by_name_kind(kernel, function, BTF_KIND_FUNC) > 0;
}

static bool is_available(const struct btf *kernel, const struct bpf_program *program)
{
	const char *hook = hook_of(program, "lsm/");

	if (!hook)
		hook = hook_of(program, "lsm.s/");
	if (hook)
		return kernel_has(kernel, "bpf_lsm_", hook);
	hook = hook_of(program, "fentry/");
	if (!hook)
		hook = hook_of(program, "fexit/");
	return !hook || kernel_has(kernel, "", hook);
}

static int choose_programs(struct am_engine *e)
{
	struct btf *kernel = btf__load_vmlinux_btf();
	struct bpf_program *program;
	int r = 0;

	if (!kernel)
		return -errno;
	bpf_object__for_each_program(program, e->object->obj) {
		/* Those are for tests, which load them by themselves. */
		if (!strcmp(bpf_program__section_name(program), "syscall") ||
		    strstr(bpf_program__section_name(program), "fmod_ret/")) {
			r = bpf_program__set_autoload(program, false);
		} else if (is_available(kernel, program)) {
			e->loaded++;
			r = bpf_program__set_autoload(program, true);	/* "?" in its section */
		} else {
			r = bpf_program__set_autoload(program, false);
			if (e->n_missing < AM_ENGINE_MISSING_MAX)
				e->missing[e->n_missing++] =
					strchr(bpf_program__section_name(program), '/') + 1;
		}
		if (r)
			break;
	}
	btf__free(kernel);
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

int am_engine_open(struct am_engine **ret)
{
	am_auto(am_engine) struct am_engine *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	(void)libbpf_set_print(remember);
	e->object = amanat__open();
	if (!e->object)
		return -errno;
	e->table = shape_of(bpf_map__inner_map(e->object->maps.am_policies));
	r = choose_programs(e);
	if (!r)
		r = amanat__load(e->object);
	if (r)
		return r;
	*ret = AM_TAKE_PTR(e);
	return 0;
}

int am_engine_attach(struct am_engine *e)
{
	return amanat__attach(e->object);
}

void am_engine_detach(struct am_engine *e)
{
	amanat__detach(e->object);
}

void am_engine_free(struct am_engine *e)
{
	if (!e)
		return;
	amanat__destroy(e->object);
	free(e);
}

/* ---- loaded --------------------------------------------------------------- */

int am_engine_mark_agent(struct am_engine *e)
{
	const struct am_task task = { .flags = AM_TASK_AGENT };
	am_autoclose int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (pidfd < 0)
		return -errno;
	return bpf_map_update_elem(bpf_map__fd(e->object->maps.am_tasks), &pidfd, &task, BPF_ANY);
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

bool am_engine_answers(struct am_engine *e, int fd)
{
	uint64_t before[AM_COUNT_MAX_], after[AM_COUNT_MAX_];
	am_autoclose int own = -1;
	char link[32];

	if (am_counters_read(e, before) < 0)
		return false;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	own = open(link, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (am_counters_read(e, after) < 0)
		return false;
	return after[AM_COUNT_AGENT] > before[AM_COUNT_AGENT];
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
