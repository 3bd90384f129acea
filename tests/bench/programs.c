// SPDX-License-Identifier: GPL-2.0
/* What the shipped programs are measured against. Both take the list of programs
 * from the object itself, so neither can lag behind it.
 *
 * FLAVOUR is `lsm` or `fmod_ret`: which of the two programs of each hook.
 *
 *   programs floor FLAVOUR OBJECT COMMAND [ARGUMENT...]
 *       Attaches an empty program wherever OBJECT has one, and runs COMMAND: what
 *       the hooks cost before a single line of ours has run. Exits as it does.
 *   programs cost FLAVOUR OBJECT
 *       Loads each program of OBJECT, and prints lines `name <tab> instructions`:
 *       how many the verifier went through.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"

enum {
	PROGRAMS_MAX = 256,
	LOG_SIZE = 4096,
	STATISTICS = 4,		/* BPF_LOG_STATS: a few lines in the end, not each step */
};

/* In the kernel's own words, as they are not in a header: */
static const char processed[] = "processed ";

__attribute__((format(printf, 2, 0)))
static int warn(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

enum { LSM = 1, MOD = 2 };

/* How the kernel's BTF calls what a section name speaks of. */
static const struct family {
	const char *section;
	const char *prefix;
	__u32 kind;
	int flavours;		/* of hook, see bpf/hook.h */
} families[] = {
	{ "lsm/", "bpf_lsm_", BTF_KIND_FUNC, LSM },
	{ "lsm.s/", "bpf_lsm_", BTF_KIND_FUNC, LSM },
	{ "fmod_ret/", "", BTF_KIND_FUNC, MOD },
	{ "fentry/security_", "security_", BTF_KIND_FUNC, MOD },
	{ "fentry/", "", BTF_KIND_FUNC, LSM | MOD },
	{ "fexit/", "", BTF_KIND_FUNC, LSM | MOD },
	{ "tp_btf/", "btf_trace_", BTF_KIND_TYPEDEF, LSM | MOD },
	{ "kprobe.session/", "", BTF_KIND_FUNC, 0 },	/* instead of fentry, and much the same */
	{ 0 },
};

/* NULL for tests' programs, which hang on nothing. */
static const struct family *family_of(const struct bpf_program *program)
{
	const struct family *f;

	for (f = families; f->section; f++)
		if (!strncmp(bpf_program__section_name(program), f->section, strlen(f->section)))
			return f;
	return NULL;
}

/* BTF id of what the program hangs on; negative if this kernel has no such hook. */
static int target_of(const struct btf *kernel, const struct bpf_program *program, int flavour)
{
	const struct family *f = family_of(program);
	char name[128];

	if (!f || !(f->flavours & flavour))
		return -ENOENT;
	(void)snprintf(name, sizeof(name), "%s%s", f->prefix,
		       bpf_program__section_name(program) + strlen(f->section));
	return btf__find_by_name_kind(kernel, name, f->kind);
}

/* ---- floor ---------------------------------------------------------------- */

/* Returns the descriptor that keeps it attached. */
static int attach_empty(const struct bpf_program *like, int target)
{
	static const struct bpf_insn empty[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .attach_btf_id = (__u32)target,
		    .expected_attach_type = bpf_program__expected_attach_type(like));
	am_autoclose int fd = bpf_prog_load(bpf_program__type(like), "am_floor", "GPL", empty,
					    sizeof(empty) / sizeof(*empty), &opts);

	return fd < 0 ? fd : bpf_raw_tracepoint_open(NULL, fd);
}

/* Links end with this process. Returns how many, or -errno. */
static int attach_floor(struct bpf_object *object, const struct btf *kernel, int flavour)
{
	struct bpf_program *program;
	int attached = 0;

	bpf_object__for_each_program(program, object) {
		int target = target_of(kernel, program, flavour), fd;

		if (target < 0)
			continue;
		fd = attach_empty(program, target);
		if (fd < 0)
			return fd;
		attached++;
	}
	return attached;
}

static int run_command(char *argv[])
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		(void)execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return EXIT_FAILURE;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

static int do_floor(struct bpf_object *object, const struct btf *kernel, int flavour,
		    char *command[])
{
	int n = attach_floor(object, kernel, flavour);

	if (n <= 0) {
		fprintf(stderr, "error: cannot attach empty programs: %s\n", strerror(-n));
		return EXIT_FAILURE;
	}
	fprintf(stderr, "floor: %d empty programs\n", n);
	return run_command(command);
}

/* ---- cost ----------------------------------------------------------------- */

struct log {
	const struct bpf_program *program;
	char text[LOG_SIZE];
};

/* The agent does the same, see choose_maps() in user/kernel/engine.c. */
static int set_flavour(struct bpf_object *object, int flavour)
{
	static const struct {
		const char *name;
		int flavour;
	} maps[] = {
		{ "am_tags", LSM }, { "am_exes", LSM }, { "am_inodes", MOD }, { "am_exe_ids", MOD },
	};
	const __u32 hashed = flavour == MOD;
	int r = bpf_map__set_initial_value(
		bpf_object__find_map_by_name(object, ".rodata.flavour"), &hashed, sizeof(hashed));
	size_t i;

	for (i = 0; !r && i < sizeof(maps) / sizeof(maps[0]); i++)
		r = bpf_map__set_autocreate(bpf_object__find_map_by_name(object, maps[i].name),
					    maps[i].flavour == flavour);
	return r;
}

static int prepare_logs(struct bpf_object *object, const struct btf *kernel, int flavour,
			struct log *logs)
{
	struct bpf_program *program;
	int n = 0, r = 0;

	bpf_object__for_each_program(program, object) {
		if (n == PROGRAMS_MAX)
			return -E2BIG;
		r = bpf_program__set_autoload(program, !family_of(program) ||
						       target_of(kernel, program, flavour) > 0);
		if (r)
			return r;
		logs[n].program = program;
		bpf_program__set_log_level(program, STATISTICS);
		r = bpf_program__set_log_buf(program, logs[n].text, LOG_SIZE);
		if (r)
			return r;
		n++;
	}
	return n;
}

static int print_costs(const struct log *logs, int n)
{
	int i, silent = 0;

	for (i = 0; i < n; i++) {
		const char *at = strstr(logs[i].text, processed);

		if (at)
			printf("%s\t%lu\n", bpf_program__name(logs[i].program),
			       strtoul(at + strlen(processed), NULL, 10));
		else if (bpf_program__autoload(logs[i].program))
			silent++;
	}
	if (!silent)
		return EXIT_SUCCESS;
	fprintf(stderr, "error: the verifier has no figure for %d programs\n", silent);
	return EXIT_FAILURE;
}

static int do_cost(struct bpf_object *object, const struct btf *kernel, int flavour)
{
	am_autofree struct log *logs = calloc(PROGRAMS_MAX, sizeof(*logs));
	int n, r;

	if (!logs)
		return EXIT_FAILURE;
	n = prepare_logs(object, kernel, flavour, logs);
	r = n < 0 ? n : set_flavour(object, flavour);
	if (!r)
		r = bpf_object__load(object);
	if (r < 0)
		fprintf(stderr, "error: cannot load the object: %s\n", strerror(-r));
	/* Also after a failure: the figures are what tells where it was. */
	if (n >= 0 && print_costs(logs, n))
		return EXIT_FAILURE;
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int usage(void)
{
	fprintf(stderr, "usage: programs floor FLAVOUR OBJECT COMMAND [ARGUMENT...]\n"
			"       programs cost FLAVOUR OBJECT\n");
	return 2;
}

int main(int argc, char *argv[])
{
	struct bpf_object *object;
	struct btf *kernel;
	bool floor = argc > 4 && !strcmp(argv[1], "floor");
	int flavour, r;

	if (!floor && (argc != 4 || strcmp(argv[1], "cost")))
		return usage();
	flavour = !strcmp(argv[2], "lsm") ? LSM : !strcmp(argv[2], "fmod_ret") ? MOD : 0;
	if (!flavour)
		return usage();
	(void)libbpf_set_print(warn);
	object = bpf_object__open_file(argv[3], NULL);
	kernel = btf__load_vmlinux_btf();
	if (object && kernel) {
		r = floor ? do_floor(object, kernel, flavour, argv + 4) :
			    do_cost(object, kernel, flavour);
	} else {
		fprintf(stderr, "error: cannot open '%s' or the kernel's BTF\n", argv[3]);
		r = EXIT_FAILURE;
	}
	btf__free(kernel);
	bpf_object__close(object);
	return r;
}
