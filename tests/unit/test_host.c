// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/host.h"
#include "cli/doctor.h"

/* A folder that stands for a host: one on which all is well, until a test spoils it. */
struct tree {
	char root[32];
};

static int ringbuf_result;

static int fake_ringbuf(void)
{
	return ringbuf_result;
}

static void put(const char *root, const char *path, const char *text)
{
	am_autofree char *full = NULL;
	FILE *file;
	char *slash;

	assert_true(asprintf(&full, "%s%s", root, path) >= 0);
	for (slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		assert_true(mkdir(full, 0700) == 0 || errno == EEXIST);
	}
	file = fopen(full, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void drop(const char *root, const char *path)
{
	am_autofree char *full = NULL;

	assert_true(asprintf(&full, "%s%s", root, path) >= 0);
	assert_int_equal(unlink(full), 0);
}

static const char config[] = "CONFIG_BPF=y\nCONFIG_BPF_SYSCALL=y\nCONFIG_BPF_JIT=y\n"
			     "CONFIG_BPF_LSM=y\nCONFIG_SECURITY=y\nCONFIG_SECURITY_NETWORK=y\n"
			     "# CONFIG_PREEMPT is not set\nCONFIG_DEBUG_INFO_BTF=y\n"
			     "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS=y\n";

static const struct {
	const char *path, *text;
} well[] = {
	{ "/proc/self/status", "Name:\tamanat\nUid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\n" },
	{ "/proc/sys/kernel/osrelease", "6.1.0-25-amd64\n" },
	{ "/proc/sys/kernel/hostname", "registry-host\n" },
	{ "/proc/sys/kernel/random/boot_id", "5c3a5b0e-2f43-4dfc-a4b0-2ef6a9a80e11\n" },
	{ "/etc/machine-id", "0123456789abcdef0123456789abcdef\n" },
	{ "/sys/kernel/btf/vmlinux", "types" },
	{ "/sys/kernel/security/lsm", "lockdown,capability,landlock,yama,apparmor,tomoyo,bpf" },
	{ "/sys/kernel/security/lockdown", "[none] integrity confidentiality\n" },
	{ "/boot/config-6.1.0-25-amd64", config },
	{ "/proc/sys/net/core/bpf_jit_enable", "1\n" },
	{ "/proc/sys/kernel/ftrace_enabled", "1\n" },
	{ "/proc/sys/kernel/unprivileged_bpf_disabled", "2\n" },
	{ "/proc/version", "Linux version 6.1.0-25-amd64 (gcc-12) #1 SMP PREEMPT_DYNAMIC Debian\n" },
	{ "/proc/cmdline", "BOOT_IMAGE=/vmlinuz root=/dev/sda1 quiet\n" },
};

static int make_tree(void **state)
{
	static struct tree tree;
	size_t i;

	memcpy(tree.root, "/tmp/am-host-XXXXXX", sizeof("/tmp/am-host-XXXXXX"));
	if (!mkdtemp(tree.root))
		return -1;
	for (i = 0; i < sizeof(well) / sizeof(well[0]); i++)
		put(tree.root, well[i].path, well[i].text);
	ringbuf_result = 0;
	*state = &tree;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

static int remove_tree(void **state)
{
	return nftw(((struct tree *)*state)->root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct am_host_report examine(const struct tree *t)
{
	struct am_host host = { .root = t->root, .ringbuf = fake_ringbuf };
	struct am_host_report report;

	am_host_check(&host, &report);
	return report;
}

static const struct am_host_check *find(const struct am_host_report *report, const char *name)
{
	for (size_t i = 0; i < report->count; i++)
		if (strcmp(report->checks[i].name, name) == 0)
			return &report->checks[i];
	return NULL;
}

static void expect(const struct tree *t, const char *name, enum am_host_level level,
		   const char *fact, const char *todo)
{
	struct am_host_report report = examine(t);
	const struct am_host_check *c = find(&report, name);

	if (!c)
		fail_msg("there is no check '%s'", name);
	assert_int_equal(c->level, level);
	if (!strstr(c->fact, fact) || !strstr(c->todo, todo))
		fail_msg("%s: '%s' lacks '%s', or '%s' lacks '%s'", name, c->fact, fact, c->todo, todo);
	assert_int_equal(report.fails, level == AM_HOST_FAIL);
}

static void finds_nothing_amiss_where_all_is_well(void **state)
{
	struct am_host_report report = examine(*state);

	assert_int_equal(report.fails, 0);
	assert_int_equal(report.count, 11);
	for (size_t i = 0; i < report.count; i++) {
		if (report.checks[i].level != AM_HOST_OK)
			fail_msg("%s: %s", report.checks[i].name, report.checks[i].fact);
		assert_string_equal(report.checks[i].todo, "");
		assert_string_not_equal(report.checks[i].fact, "");
	}
}

struct fault {
	const char *path, *text;	/* text NULL: the file is gone */
	const char *check;
	enum am_host_level level;
	const char *fact, *todo;
};

static void tells_each_fault_and_what_to_do(void **state)
{
	static const struct fault faults[] = {
		{ "/proc/self/status", "Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0\n", "root",
		  AM_HOST_FAIL, "not running as root", "sudo" },
		{ "/proc/self/status", "Uid:\t0\t0\t0\t0\nCapEff:\t00000000a80425fb\n", "root",
		  AM_HOST_FAIL, "lacks CAP_SYS_ADMIN", "container" },
		{ "/proc/self/status", NULL, "root", AM_HOST_FAIL, "not running as root", "sudo" },
		{ "/sys/kernel/btf/vmlinux", NULL, "btf", AM_HOST_FAIL, "No such file",
		  "CONFIG_DEBUG_INFO_BTF=y" },
		{ "/sys/kernel/security/lsm", NULL, "lsm", AM_HOST_FAIL, "cannot be read",
		  "mount -t securityfs" },
		{ "/sys/kernel/security/lsm", "lockdown,capability,yama,apparmor\n", "lsm",
		  AM_HOST_WARN,
		  "not among the security modules (lockdown,capability,yama,apparmor): hooks are of "
		  "the fmod_ret flavour",
		  "lsm=lockdown,yama,apparmor,bpf " },
		{ "/sys/kernel/security/lsm", "bpfilter,notbpf", "lsm", AM_HOST_WARN,
		  "not among", "lsm=bpfilter,notbpf,bpf " },
		{ "/sys/kernel/security/lsm", "", "lsm", AM_HOST_WARN, "not among", "lsm=bpf " },
		{ "/sys/kernel/security/lockdown", "none integrity [confidentiality]", "lockdown",
		  AM_HOST_FAIL, "confidentiality", "lockdown=integrity" },
		{ "/boot/config-6.1.0-25-amd64", "CONFIG_BPF_SYSCALL=y\nCONFIG_BPF_JIT=y\n"
		  "CONFIG_BPF_LSM=n\nCONFIG_SECURITY=y\nCONFIG_SECURITY_NETWORK=n\n"
		  "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS=y\n# CONFIG_DEBUG_INFO_BTF=y\n", "config",
		  AM_HOST_FAIL, "lacks CONFIG_DEBUG_INFO_BTF=y, CONFIG_SECURITY_NETWORK=y", "Debian" },
		{ "/proc/sys/net/core/bpf_jit_enable", "0\n", "jit", AM_HOST_WARN, "interpreted",
		  "sysctl" },
		{ "/proc/sys/net/core/bpf_jit_enable", NULL, "jit", AM_HOST_WARN, "cannot be seen",
		  "CONFIG_BPF_JIT=y" },
		{ "/proc/sys/kernel/ftrace_enabled", "0\n", "ftrace", AM_HOST_FAIL, "off", "sysctl" },
		{ "/proc/sys/kernel/unprivileged_bpf_disabled", "0\n", "unprivileged", AM_HOST_WARN,
		  "every user", "sysctl" },
		{ "/proc/cmdline", "quiet preempt=full\n", "preemption", AM_HOST_WARN,
		  "fully preemptible", "preempt=voluntary" },
		{ "/proc/version", "Linux version 6.1.0 #1 SMP PREEMPT_RT Debian\n", "preemption",
		  AM_HOST_WARN, "fully preemptible", "6.14" },
		{ "/sys/kernel/debug/sched/preempt", "none voluntary (full)\n", "preemption",
		  AM_HOST_WARN, "fully preemptible", "6.14" },
		{ "/sys/kernel/debug/sched/preempt", "none (voluntary) full\n", "preemption",
		  AM_HOST_OK, "not full", "" },
		{ "/proc/cmdline", "preempt=none\n", "preemption", AM_HOST_OK, "not full", "" },
		{ "/proc/version", "Linux version 6.1.0 #1 SMP\n", "preemption", AM_HOST_OK,
		  "not full", "" },
	};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		const struct fault *f = &faults[i];
		struct tree *t;

		print_message("%s: %s\n", f->check, f->fact);
		assert_int_equal(remove_tree(state), 0);
		assert_int_equal(make_tree(state), 0);
		t = *state;
		if (f->text)
			put(t->root, f->path, f->text);
		else
			drop(t->root, f->path);
		expect(t, f->check, f->level, f->fact, f->todo);
	}
}

static void wants_linux_6_1(void **state)
{
	static const struct {
		const char *release;
		enum am_host_level level;
	} cases[] = {
		{ "5.10.0-33-amd64\n", AM_HOST_FAIL }, { "6.0.99\n", AM_HOST_FAIL },
		{ "6.1\n", AM_HOST_OK },	       { "6.12.1+deb13\n", AM_HOST_OK },
		{ "7.3.0-rc1\n", AM_HOST_OK },	       { "six\n", AM_HOST_FAIL },
	};
	struct tree *t = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put(t->root, "/proc/sys/kernel/osrelease", cases[i].release);
		expect(t, "kernel", cases[i].level, "", "");
	}
}

static void takes_preemption_from_6_14_on(void **state)
{
	struct tree *t = *state;

	put(t->root, "/proc/sys/kernel/osrelease", "6.12.0\n");
	put(t->root, "/proc/cmdline", "preempt=full\n");
	expect(t, "preemption", AM_HOST_WARN, "pipes and POSIX message queues", "6.14");
	put(t->root, "/proc/sys/kernel/osrelease", "6.14.0\n");
	expect(t, "preemption", AM_HOST_OK, "full, which this kernel copes with", "");
	put(t->root, "/proc/sys/kernel/osrelease", "7.3.0\n");
	put(t->root, "/proc/cmdline", "preempt=lazy\n");
	expect(t, "preemption", AM_HOST_OK, "lazy, which this kernel copes with", "");
}

static void finds_the_default_of_dynamic_preemption_in_the_configuration(void **state)
{
	struct tree *t = *state;
	char text[512];

	snprintf(text, sizeof(text), "%sCONFIG_PREEMPT=y\n", config);
	put(t->root, "/boot/config-6.1.0-25-amd64", text);
	expect(t, "preemption", AM_HOST_WARN, "fully preemptible", "");
}

static void refuses_hooks_that_a_preemptible_kernel_may_skip(void **state)
{
	struct tree *t = *state;
	struct am_host host = { .root = t->root, .ringbuf = fake_ringbuf };
	struct am_host_report report;

	put(t->root, "/sys/kernel/security/lsm", "yama");
	for (int i = 0; i < 3; i++) {
		static const char *const lines[] = { "preempt=full", "preempt=lazy", "preempt=none" };

		put(t->root, "/proc/cmdline", lines[i]);
		expect(t, "lsm", i < 2 ? AM_HOST_FAIL : AM_HOST_WARN,
		       i < 2 ? "may skip hooks" : "fmod_ret flavour", "lsm=yama,bpf ");
		assert_int_equal(am_host_may_skip(&host), i < 2);
		host.accept_skips = true;
		am_host_check(&host, &report);
		assert_int_equal(report.fails, 0);
		host.accept_skips = false;
	}
	drop(t->root, "/proc/version");
	expect(t, "lsm", AM_HOST_FAIL, "cannot be seen", "--hooks fmod_ret");
	put(t->root, "/sys/kernel/security/lsm", "yama,bpf");
	expect(t, "lsm", AM_HOST_OK, "bpf is among", "");
}

static void says_nothing_of_what_it_cannot_see(void **state)
{
	static const char *const paths[] = {
		"/boot/config-6.1.0-25-amd64", "/sys/kernel/security/lockdown", "/proc/version",
		"/proc/sys/kernel/ftrace_enabled", "/proc/sys/kernel/unprivileged_bpf_disabled",
	};
	static const char *const names[] = {
		"config", "lockdown", "preemption", "ftrace", "unprivileged",
	};
	struct tree *t = *state;
	struct am_host_report report;

	for (size_t i = 0; i < 5; i++)
		drop(t->root, paths[i]);
	report = examine(t);
	assert_int_equal(report.fails, 0);
	assert_int_equal(report.count, 6);
	for (size_t i = 0; i < 5; i++)
		assert_null(find(&report, names[i]));
}

static void finds_the_configuration_beside_the_modules(void **state)
{
	struct tree *t = *state;

	drop(t->root, "/boot/config-6.1.0-25-amd64");
	put(t->root, "/usr/lib/modules/6.1.0-25-amd64/config", config);
	expect(t, "config", AM_HOST_OK, "/usr/lib/modules/6.1.0-25-amd64/config", "");
}

static void tells_why_no_ring_buffer_can_be_made(void **state)
{
	ringbuf_result = -EPERM;
	expect(*state, "ringbuf", AM_HOST_FAIL, "bpf(2) is refused", "root");
	ringbuf_result = -EINVAL;
	expect(*state, "ringbuf", AM_HOST_FAIL, "no ring buffer: Invalid argument", "6.1");
}

static void says_what_is_missing_in_one_sentence(void **state)
{
	struct tree *t = *state;
	struct am_host host = { .root = t->root };
	char sentence[512];

	memset(sentence, 'x', sizeof(sentence));
	assert_int_equal(am_host_missing(&host, sentence, sizeof(sentence)), 0);
	assert_string_equal(sentence, "");

	put(t->root, "/sys/kernel/security/lsm", "yama");
	put(t->root, "/proc/sys/kernel/ftrace_enabled", "0");
	put(t->root, "/sys/kernel/security/lockdown", "[confidentiality]");
	assert_int_equal(am_host_missing(&host, sentence, sizeof(sentence)), 2);
	assert_string_equal(sentence, "kernel.ftrace_enabled is off, so that no BPF program on a kernel "
				      "function runs; sysctl kernel.ftrace_enabled=1");
	assert_int_equal(am_host_missing(&host, sentence, 4), 2);
	assert_string_equal(sentence, "ker");
}

static void survives_files_without_sense(void **state)
{
	struct tree *t = *state;
	char noise[8192];

	memset(noise, ',', sizeof(noise) - 1);
	noise[sizeof(noise) - 1] = '\0';
	for (size_t i = 0; i < sizeof(well) / sizeof(well[0]); i++)
		if (strcmp(well[i].path, "/boot/config-6.1.0-25-amd64") != 0)
			put(t->root, well[i].path, noise);
	assert_true(examine(t).fails > 0);
	for (size_t i = 0; i < sizeof(well) / sizeof(well[0]); i++)
		put(t->root, well[i].path, "");
	assert_true(examine(t).fails > 0);
}

static void tells_who_the_host_is(void **state)
{
	struct tree *t = *state;
	struct am_host host = { .root = t->root };
	struct am_host_id id;

	am_host_id_read(&host, &id);
	assert_string_equal(id.name, "registry-host");
	assert_string_equal(id.machine, "0123456789abcdef0123456789abcdef");
	assert_string_equal(id.boot, "5c3a5b0e-2f43-4dfc-a4b0-2ef6a9a80e11");
	assert_string_equal(id.kernel, "6.1.0-25-amd64");
	drop(t->root, "/etc/machine-id");
	am_host_id_read(&host, &id);
	assert_string_equal(id.machine, "");
}

/* ---- as the doctor shows it ---------------------------------------------------- */

static char *shown(const struct tree *t, bool json, int code)
{
	struct am_host host = { .root = t->root, .ringbuf = fake_ringbuf };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(am_doctor_show(&host, json, out), code);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void shows_one_line_for_each_check(void **state)
{
	struct tree *t = *state;
	am_autofree char *text = NULL;

	put(t->root, "/proc/sys/net/core/bpf_jit_enable", "0");
	text = shown(t, false, AM_EXIT_YES);
	assert_non_null(strstr(text, "ok    root          running as root\n"));
	assert_non_null(strstr(text, "\nwarn  jit           BPF programs are interpreted, which is slow"
				     "  — sysctl net.core.bpf_jit_enable=1\n"));
}

static void shows_what_fails_and_returns_so(void **state)
{
	struct tree *t = *state;
	am_autofree char *text = NULL, *json = NULL;

	put(t->root, "/proc/cmdline", "preempt=voluntary");
	put(t->root, "/sys/kernel/security/lsm", "a\x1b[2Jb\"\n");
	put(t->root, "/proc/sys/kernel/ftrace_enabled", "0");
	text = shown(t, false, AM_EXIT_MISSING);
	assert_non_null(strstr(text, "FAIL  ftrace        kernel.ftrace_enabled is off"));
	assert_non_null(strstr(text, "warn  lsm           bpf is not among the security modules "
				     "(a\\x1b[2Jb\"): hooks"));
	assert_non_null(strstr(text, "for LSM hooks add lsm=a\\x1b[2Jb\",bpf to"));
	json = shown(t, true, AM_EXIT_MISSING);
	assert_ptr_equal(strstr(json, "{\"ready\":false,\"checks\":[{\"check\":\"root\","), json);
	assert_non_null(strstr(json, "{\"check\":\"lsm\",\"level\":\"warn\",\"found\":\"bpf is not among the "
				     "security modules (a\\u001b[2Jb\\\"): "));
	assert_string_equal(strchr(json, '\n'), "\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_tree, remove_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(finds_nothing_amiss_where_all_is_well),
		TEST(tells_each_fault_and_what_to_do),
		TEST(wants_linux_6_1),
		TEST(refuses_hooks_that_a_preemptible_kernel_may_skip),
		TEST(takes_preemption_from_6_14_on),
		TEST(finds_the_default_of_dynamic_preemption_in_the_configuration),
		TEST(says_nothing_of_what_it_cannot_see),
		TEST(finds_the_configuration_beside_the_modules),
		TEST(tells_why_no_ring_buffer_can_be_made),
		TEST(says_what_is_missing_in_one_sentence),
		TEST(survives_files_without_sense),
		TEST(tells_who_the_host_is),
		TEST(shows_one_line_for_each_check),
		TEST(shows_what_fails_and_returns_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
