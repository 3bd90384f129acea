// SPDX-License-Identifier: GPL-2.0
#include "base/host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/read.h"

/* ---- reading ------------------------------------------------------------------ */

static int open_file(const struct am_host *host, const char *path)
{
	char full[PATH_MAX];
	int fd;

	if ((size_t)snprintf(full, sizeof(full), "%s%s", host->root, path) >= sizeof(full))
		return -ENAMETOOLONG;
	fd = open(full, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The start of a small file, without the white space at its end: 0 or -errno. `text` is
 * terminated also on failure. */
static int read_text(const struct am_host *host, const char *path, char *text, size_t size)
{
	am_autoclose int fd = open_file(host, path);
	ssize_t used;

	text[0] = '\0';
	if (fd < 0)
		return fd;
	used = am_read_all(fd, text, size - 1);
	if (used < 0)
		return (int)used;
	text[used] = '\0';
	while (used && strchr(" \t\r\n", text[used - 1]))
		text[--used] = '\0';
	return 0;
}

/* Whether `word` is in `list`, whose words `separators` part. */
static bool has_word(const char *list, const char *word, const char *separators)
{
	size_t len = strlen(word);

	while (*list) {
		size_t n = strcspn(list, separators);

		if (n == len && strncmp(list, word, len) == 0)
			return true;
		list += n;
		list += strspn(list, separators);
	}
	return false;
}

/* The line of `path` that starts with `key`, from behind it. */
static bool find_line(const struct am_host *host, const char *path, const char *key, char *ret,
		      size_t size)
{
	am_autofclose FILE *file = NULL;
	am_autoclose int fd = open_file(host, path);
	char line[512];

	if (fd < 0)
		return false;
	file = fdopen(fd, "r");
	if (!file)
		return false;
	(void)AM_TAKE_FD(fd);	/* the stream closes it */
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, key, strlen(key)) == 0) {
			snprintf(ret, size, "%s", line + strlen(key));
			return true;
		}
	}
	return false;
}

/* Where distributions leave the kernel's configuration; false if nowhere. */
static bool config_path(const struct am_host *host, char *ret, size_t size)
{
	static const char *const places[] = {
		"/boot/config-%s", "/usr/lib/modules/%s/config", "/lib/modules/%s/config",
		"/lib/modules/%s/build/.config",
	};
	char release[65];
	size_t i;

	if (read_text(host, "/proc/sys/kernel/osrelease", release, sizeof(release)) < 0)
		return false;
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		am_autoclose int fd = -1;
		const char *rest = strstr(places[i], "%s") + 2;

		snprintf(ret, size, "%.*s%s%s", (int)(rest - 2 - places[i]), places[i], release,
			 rest);
		fd = open_file(host, ret);
		if (fd >= 0)
			return true;
	}
	return false;
}

static bool kernel_version(const struct am_host *host, unsigned *major, unsigned *minor)
{
	char release[65];

	return read_text(host, "/proc/sys/kernel/osrelease", release, sizeof(release)) == 0 &&
	       sscanf(release, "%u.%u", major, minor) == 2;
}

/* ---- findings ------------------------------------------------------------------ */

static void found(struct am_host_check *c, enum am_host_level level, const char *fact, ...)
	__attribute__((format(printf, 3, 4)));
static void advise(struct am_host_check *c, const char *todo, ...)
	__attribute__((format(printf, 2, 3)));

static void found(struct am_host_check *c, enum am_host_level level, const char *fact, ...)
{
	va_list args;

	c->level = level;
	va_start(args, fact);
	vsnprintf(c->fact, sizeof(c->fact), fact, args);
	va_end(args);
}

static void advise(struct am_host_check *c, const char *todo, ...)
{
	va_list args;

	va_start(args, todo);
	vsnprintf(c->todo, sizeof(c->todo), todo, args);
	va_end(args);
}

/* ---- the checks: each says false when there is nothing to say -------------------- */

static bool check_root(const struct am_host *host, struct am_host_check *c)
{
	enum { CAP_SYS_ADMIN_BIT = 21 };
	unsigned real = ~0u, effective = ~0u;
	uint64_t caps = 0;
	char line[128];

	if (find_line(host, "/proc/self/status", "Uid:", line, sizeof(line)))
		(void)sscanf(line, "%u %u", &real, &effective);
	if (find_line(host, "/proc/self/status", "CapEff:", line, sizeof(line)))
		caps = strtoull(line, NULL, 16);

	if (effective == 0 && caps >> CAP_SYS_ADMIN_BIT & 1) {
		found(c, AM_HOST_OK, "running as root");
		return true;
	}
	found(c, AM_HOST_FAIL, effective == 0 ? "root here lacks CAP_SYS_ADMIN" :
						"not running as root");
	advise(c, effective == 0 ? "run it outside of the container" : "run it with sudo");
	return true;
}

static bool check_kernel(const struct am_host *host, struct am_host_check *c)
{
	unsigned major, minor;
	char release[65];

	if (!kernel_version(host, &major, &minor)) {
		found(c, AM_HOST_FAIL, "the kernel's release cannot be read");
		advise(c, "mount /proc");
		return true;
	}
	(void)read_text(host, "/proc/sys/kernel/osrelease", release, sizeof(release));
	if (major > 6 || (major == 6 && minor >= 1)) {
		found(c, AM_HOST_OK, "Linux %s", release);
		return true;
	}
	found(c, AM_HOST_FAIL, "Linux %s is refused: before 6.1 labels cannot be kept on processes for "
			       "all hooks, nor can policies be evaluated in loops", release);
	advise(c, "boot Linux 6.1 or later");
	return true;
}

static bool check_btf(const struct am_host *host, struct am_host_check *c)
{
	am_autoclose int fd = open_file(host, "/sys/kernel/btf/vmlinux");

	if (fd >= 0) {
		found(c, AM_HOST_OK, "the kernel describes its types in /sys/kernel/btf/vmlinux");
		return true;
	}
	found(c, AM_HOST_FAIL, "the kernel's types (/sys/kernel/btf/vmlinux) cannot be read: %s",
	      strerror(-fd));
	advise(c, "boot a kernel with CONFIG_DEBUG_INFO_BTF=y, as Debian's are");
	return true;
}

static bool check_config(const struct am_host *host, struct am_host_check *c)
{
	static const char *const needed[] = {
		"CONFIG_BPF_SYSCALL", "CONFIG_BPF_JIT", "CONFIG_DEBUG_INFO_BTF", "CONFIG_SECURITY",
		"CONFIG_SECURITY_NETWORK", "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS",
	};
	char path[256], missing[192] = "", key[64], value[16];
	size_t i, used = 0;

	if (!config_path(host, path, sizeof(path)))
		return false;
	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		snprintf(key, sizeof(key), "%s=", needed[i]);
		if (find_line(host, path, key, value, sizeof(value)) && value[0] == 'y')
			continue;
		used += (size_t)snprintf(missing + used, sizeof(missing) - used, "%s%s=y",
					 used ? ", " : "", needed[i]);
	}
	if (!used) {
		found(c, AM_HOST_OK, "%s has all that is needed", path);
		return true;
	}
	found(c, AM_HOST_FAIL, "%s lacks %s", path, missing);
	advise(c, "boot a kernel that is configured so, as Debian's are");
	return true;
}

static bool check_jit(const struct am_host *host, struct am_host_check *c)
{
	char value[16];
	int r = read_text(host, "/proc/sys/net/core/bpf_jit_enable", value, sizeof(value));

	if (r == -EACCES || r == -EPERM)	/* root reads it; that one is not is said above */
		return false;
	if (r < 0) {
		/* Only the first network namespace has the file, so its absence proves nothing. */
		found(c, AM_HOST_WARN, "whether BPF programs are compiled cannot be seen from here");
		advise(c, "ask in the host's own network namespace, or see to CONFIG_BPF_JIT=y");
	} else if (strcmp(value, "0") == 0) {
		found(c, AM_HOST_WARN, "BPF programs are interpreted, which is slow");
		advise(c, "sysctl net.core.bpf_jit_enable=1");
	} else {
		found(c, AM_HOST_OK, "BPF programs are compiled");
	}
	return true;
}

static bool check_ringbuf(const struct am_host *host, struct am_host_check *c)
{
	int r;

	if (!host->ringbuf)
		return false;
	r = host->ringbuf();
	if (r == 0) {
		found(c, AM_HOST_OK, "the kernel makes ring buffers");
	} else if (r == -EPERM || r == -EACCES) {
		found(c, AM_HOST_FAIL, "bpf(2) is refused here");
		advise(c, "run as root, outside of containers and their seccomp filters");
	} else {
		found(c, AM_HOST_FAIL, "the kernel makes no ring buffer: %s", strerror(-r));
		advise(c, "boot Linux 6.1 or later with CONFIG_BPF_SYSCALL=y");
	}
	return true;
}

static bool check_ftrace(const struct am_host *host, struct am_host_check *c)
{
	char value[16];

	if (read_text(host, "/proc/sys/kernel/ftrace_enabled", value, sizeof(value)) < 0)
		return false;
	if (strcmp(value, "0") != 0) {
		found(c, AM_HOST_OK, "kernel.ftrace_enabled is on");
		return true;
	}
	found(c, AM_HOST_FAIL, "kernel.ftrace_enabled is off, so that no BPF program on a kernel "
			       "function runs");
	advise(c, "sysctl kernel.ftrace_enabled=1");
	return true;
}

static bool check_lockdown(const struct am_host *host, struct am_host_check *c)
{
	char modes[64];

	if (read_text(host, "/sys/kernel/security/lockdown", modes, sizeof(modes)) < 0)
		return false;
	if (!strstr(modes, "[confidentiality]")) {
		found(c, AM_HOST_OK, "lockdown lets BPF read kernel memory");
		return true;
	}
	found(c, AM_HOST_FAIL,
	      "lockdown is at confidentiality, where BPF may not read kernel memory");
	advise(c, "boot with lockdown=integrity");
	return true;
}

enum preemption { PREEMPTION_UNKNOWN, PREEMPTION_PARTIAL, PREEMPTION_LAZY, PREEMPTION_FULL };

static enum preemption preemption_at_boot(const struct am_host *host)
{
	char text[4096], path[256], value[16];

	if (read_text(host, "/proc/cmdline", text, sizeof(text)) == 0) {
		if (has_word(text, "preempt=full", " "))
			return PREEMPTION_FULL;
		if (has_word(text, "preempt=lazy", " "))
			return PREEMPTION_LAZY;
		if (strstr(text, "preempt="))
			return PREEMPTION_PARTIAL;
	}
	if (!config_path(host, path, sizeof(path)))
		return PREEMPTION_UNKNOWN;
	if (find_line(host, path, "CONFIG_PREEMPT_LAZY=", value, sizeof(value)))
		return PREEMPTION_LAZY;
	return find_line(host, path, "CONFIG_PREEMPT=", value, sizeof(value)) ?
		       PREEMPTION_FULL : PREEMPTION_PARTIAL;
}

static enum preemption preemption_of(const struct am_host *host)
{
	char text[4096];

	if (read_text(host, "/sys/kernel/debug/sched/preempt", text, sizeof(text)) == 0)
		return strstr(text, "(full)") ? PREEMPTION_FULL :
		       strstr(text, "(lazy)") ? PREEMPTION_LAZY : PREEMPTION_PARTIAL;
	if (read_text(host, "/proc/version", text, sizeof(text)) < 0)
		return PREEMPTION_UNKNOWN;
	if (has_word(text, "PREEMPT_DYNAMIC", " "))
		return preemption_at_boot(host);
	if (has_word(text, "PREEMPT", " ") || has_word(text, "PREEMPT_RT", " "))
		return PREEMPTION_FULL;
	return PREEMPTION_PARTIAL;
}

/* For the kernel's command line: the modules that are on, and bpf. `capability` is
 * always on and is not named there. */
static void lsm_with_bpf(const char *list, char *ret, size_t size)
{
	size_t used = 0;

	ret[0] = '\0';
	while (*list) {
		size_t n = strcspn(list, ",");

		if (n && !(n == strlen("capability") && !strncmp(list, "capability", n)) &&
		    used + n + 1 < size)
			used += (size_t)snprintf(ret + used, size - used, "%.*s,", (int)n, list);
		list += n + (list[n] == ',');
	}
	snprintf(ret + used, size - used, "bpf");
}

/* __bpf_prog_enter_recur() of the kernel skips a run of a tracing program, which those of the fmod_ret
 * flavour are, if another task was preempted within the same program on the same CPU. LSM programs are
 * not skipped (bpf_prog_check_recur()). */
static bool check_lsm(const struct am_host *host, struct am_host_check *c)
{
	char list[256], with_bpf[256];
	enum preemption p = preemption_of(host);

	if (read_text(host, "/sys/kernel/security/lsm", list, sizeof(list)) < 0) {
		found(c, AM_HOST_FAIL, "the list of security modules (/sys/kernel/security/lsm) "
				       "cannot be read");
		advise(c, "mount -t securityfs securityfs /sys/kernel/security");
		return true;
	}
	if (has_word(list, "bpf", ",")) {
		found(c, AM_HOST_OK, "bpf is among the security modules: %s", list);
		return true;
	}
	/* Programs on LSM hooks would load and attach without an error, and never run. */
	lsm_with_bpf(list, with_bpf, sizeof(with_bpf));
	if (p != PREEMPTION_PARTIAL && !host->accept_skips) {
		found(c, AM_HOST_FAIL, "bpf is not among the security modules (%s), and %s, where the "
				       "kernel may skip hooks of the fmod_ret flavour", list,
		      p == PREEMPTION_UNKNOWN ? "whether the kernel is preemptible cannot be seen" :
						"the kernel is preemptible");
		advise(c, "add lsm=%s to the kernel's command line (GRUB_CMDLINE_LINUX in "
			  "/etc/default/grub, then update-grub) and reboot; or boot with "
			  "preempt=voluntary, if this kernel has that; or accept it with "
			  "'amanatd --hooks fmod_ret'", with_bpf);
		return true;
	}
	found(c, AM_HOST_WARN, "bpf is not among the security modules (%s): hooks are of the "
			       "fmod_ret flavour", list);
	advise(c, "that protects as well and costs more; for LSM hooks add lsm=%s to the kernel's "
		  "command line (GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub) and "
		  "reboot", with_bpf);
	return true;
}

/* Until Linux 6.2 ("bpf: Add new bpf_task_storage_get proto with no deadlock detection")
 * bpf_task_storage_get() gives up in LSM programs too while another task on its CPU was
 * preempted within it; what a process carries is then unknown for that one decision. Until 6.14
 * what is on functions that are no hooks can be skipped, see kernel/probes.c. */
static bool check_preemption(const struct am_host *host, struct am_host_check *c)
{
	enum preemption p = preemption_of(host);
	unsigned major, minor;

	if (p == PREEMPTION_UNKNOWN || !kernel_version(host, &major, &minor))
		return false;
	if (p == PREEMPTION_PARTIAL || major > 6 || (major == 6 && minor >= 14)) {
		found(c, AM_HOST_OK, p == PREEMPTION_PARTIAL ? "preemption is not full" :
				     p == PREEMPTION_LAZY ? "preemption is lazy, which this kernel copes with" :
							    "preemption is full, which this kernel copes with");
		return true;
	}
	found(c, AM_HOST_WARN, "the kernel is %spreemptible, and before Linux %s", p == PREEMPTION_FULL ?
	      "fully " : "", major == 6 && minor < 2 ? "6.2 may then miss what a process carries" :
	      "6.14 may then miss what goes through pipes and POSIX message queues");
	advise(c, "boot with preempt=voluntary, or Linux 6.14 or later");
	return true;
}

static bool check_unprivileged(const struct am_host *host, struct am_host_check *c)
{
	char value[16];

	if (read_text(host, "/proc/sys/kernel/unprivileged_bpf_disabled", value,
		      sizeof(value)) < 0)
		return false;
	if (strcmp(value, "0") != 0) {
		found(c, AM_HOST_OK, "only root may load BPF programs");
		return true;
	}
	found(c, AM_HOST_WARN, "every user may load BPF programs");
	advise(c, "sysctl kernel.unprivileged_bpf_disabled=1");
	return true;
}

/* ---- all of them ----------------------------------------------------------------- */

static int make_ringbuf(void)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_RINGBUF };
	am_autoclose int fd = -1;

	attr.max_entries = (__u32)sysconf(_SC_PAGESIZE);
	fd = (int)syscall(__NR_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
	return fd < 0 ? -errno : 0;
}

const struct am_host am_host_here = { .root = "", .ringbuf = make_ringbuf };

void am_host_check(const struct am_host *host, struct am_host_report *ret)
{
	static const struct {
		const char *name;
		bool (*check)(const struct am_host *host, struct am_host_check *c);
	} checks[] = {
		{ "root", check_root },
		{ "kernel", check_kernel },
		{ "btf", check_btf },
		{ "lsm", check_lsm },
		{ "config", check_config },
		{ "jit", check_jit },
		{ "ringbuf", check_ringbuf },
		{ "ftrace", check_ftrace },
		{ "lockdown", check_lockdown },
		{ "preemption", check_preemption },
		{ "unprivileged", check_unprivileged },
	};
	size_t i;

	_Static_assert(sizeof(checks) / sizeof(checks[0]) <= AM_HOST_CHECKS, "AM_HOST_CHECKS");
	memset(ret, 0, sizeof(*ret));
	for (i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		struct am_host_check *c = &ret->checks[ret->count];

		c->name = checks[i].name;
		if (!checks[i].check(host, c))
			continue;
		ret->fails += c->level == AM_HOST_FAIL;
		ret->count++;
	}
}

int am_host_missing(const struct am_host *host, char *sentence, size_t size)
{
	struct am_host_report report;
	size_t i;

	snprintf(sentence, size, "%s", "");
	am_host_check(host, &report);
	for (i = 0; i < report.count; i++) {
		if (report.checks[i].level != AM_HOST_FAIL)
			continue;
		snprintf(sentence, size, "%s; %s", report.checks[i].fact, report.checks[i].todo);
		break;
	}
	return (int)report.fails;
}

bool am_host_may_skip(const struct am_host *host)
{
	return preemption_of(host) != PREEMPTION_PARTIAL;
}

bool am_host_has_bpf_lsm(const struct am_host *host)
{
	char list[256];

	return read_text(host, "/sys/kernel/security/lsm", list, sizeof(list)) == 0 &&
	       has_word(list, "bpf", ",");
}

void am_host_id_read(const struct am_host *host, struct am_host_id *ret)
{
	(void)read_text(host, "/proc/sys/kernel/hostname", ret->name, sizeof(ret->name));
	(void)read_text(host, "/etc/machine-id", ret->machine, sizeof(ret->machine));
	(void)read_text(host, "/proc/sys/kernel/random/boot_id", ret->boot, sizeof(ret->boot));
	(void)read_text(host, "/proc/sys/kernel/osrelease", ret->kernel, sizeof(ret->kernel));
}
