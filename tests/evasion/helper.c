// SPDX-License-Identifier: GPL-2.0
/* Who acts for somebody else: the kernel for a task (swap, accounting, cores, exec), a program
 * that may read for code that is not its own, a process for who traces it. */
#include "technique.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the kernel's own use of a file ---------------------------------------------- */

static int swap_file(struct arena *a)
{
	TRY(swapon(a->file, 0));
	a->changed = true;
	swapoff(a->file);
	return 0;
}

static int accounting_file(struct arena *a)
{
	TRY(acct(a->file));
	if (!fork())
		_exit(0);
	wait(NULL);
	acct(NULL);
	return 0;
}

static int core_pattern(const char *pattern)
{
	return write_path("/proc/sys/kernel/core_pattern", pattern, strlen(pattern));
}

static int die(struct arena *a)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	(void)a;
	setrlimit(RLIMIT_CORE, &all);
	/* Own memory only: the arena has the secret from the beginning. */
	write_path("/proc/self/coredump_filter", "1", 1);
	signal(SIGABRT, SIG_DFL);
	abort();
}

static int core_into_store(struct arena *a)
{
	char pattern[200];

	snprintf(pattern, sizeof(pattern), "%s.core", a->file);
	PASS_ON(core_pattern(pattern));
	ended(spawn(a, die));
	return 0;
}

/* All of a file, however long. */
static int loot_all(struct arena *a, const char *path)
{
	int fd = TRY(open(path, O_RDONLY | O_CLOEXEC));
	size_t size = lseek(fd, 0, SEEK_END);
	char *all = malloc(size + 1);
	ssize_t n;

	if (!all)
		return -ENOMEM;
	n = TRY(pread(fd, all, size, 0));
	loot(a, all, n);
	return 0;
}

static char held[256];

static int push_core(struct arena *a, const char *data, size_t size)
{
	char pattern[200];

	memcpy(held, data, size);
	snprintf(pattern, sizeof(pattern), "%s/core", a->out);
	PASS_ON(core_pattern(pattern));
	ended(spawn(a, die));
	return 0;
}

static int pull_core(struct arena *a) { return loot_all(a, outside(a, "core")); }

static int make_core_file(struct arena *a)
{
	return write_path(outside(a, "core"), "", 0);
}

static const char *piped_core(const struct arena *a)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/core-%s", a->bin, a->secret + sizeof(MARK) + 20);
	return path;
}

static int push_piped_core(struct arena *a, const char *data, size_t size)
{
	char pattern[400];

	memcpy(held, data, size);
	snprintf(pattern, sizeof(pattern), "|%s/evasion as core-sink %s", a->bin, piped_core(a));
	PASS_ON(core_pattern(pattern));
	/* Returns when the pipe has been read to its end. */
	ended(spawn(a, die));
	return 0;
}

static int pull_piped_core(struct arena *a) { return loot_all(a, piped_core(a)); }

/* ---- stored programs ----------------------------------------------------------------- */

static char *number(const struct arena *a)
{
	static char text[16];

	snprintf(text, sizeof(text), "%d", a->memory);
	return text;
}

static int exec_file(struct arena *a)
{
	execl(a->file, "x", "as", "embedded", number(a), NULL);
	return -errno;
}

static int stored_program(struct arena *a) { return ended(spawn(a, exec_file)); }

static int exec_given(struct arena *a)
{
	char *argv[] = { "x", "as", "embedded", number(a), NULL };

	fexecve(a->fd, argv, environ);
	return -errno;
}

static int stored_program_given(struct arena *a) { return ended(spawn(a, exec_given)); }

static int exec_script(struct arena *a)
{
	setenv("ECHO_MEMORY", number(a), 1);
	execl(a->file, "x", NULL);
	return -errno;
}

static int stored_script(struct arena *a) { return ended(spawn(a, exec_script)); }

/* ---- foreign code in a program that may read ------------------------------------------ */

static int exec_trusted(struct arena *a, const char *variable, const char *act, const char *arg)
{
	char exe[200], library[200];

	snprintf(exe, sizeof(exe), "%s/trusted", a->bin);
	snprintf(library, sizeof(library), "%s/foreign.so", a->bin);
	setenv("FOREIGN_MEMORY", number(a), 1);
	setenv("FOREIGN_FILE", a->file, 1);
	if (variable)
		setenv(variable, library, 1);
	execl(exe, exe, "as", act, number(a), arg ? arg : library, NULL);
	return -errno;
}

static int preload(struct arena *a) { return exec_trusted(a, "LD_PRELOAD", "idle", NULL); }
static int audit(struct arena *a) { return exec_trusted(a, "LD_AUDIT", "idle", NULL); }
static int plug_in(struct arena *a) { return exec_trusted(a, NULL, "load", NULL); }
static int preloaded_library(struct arena *a) { return ended(spawn(a, preload)); }
static int auditing_library(struct arena *a) { return ended(spawn(a, audit)); }
static int loaded_plug_in(struct arena *a) { return ended(spawn(a, plug_in)); }

/* The loader itself is executed, with a trusted program as its argument. */
static int exec_loader(struct arena *a)
{
	char exe[200], library[200];

	snprintf(exe, sizeof(exe), "%s/trusted", a->bin);
	snprintf(library, sizeof(library), "%s/foreign.so", a->bin);
	setenv("FOREIGN_MEMORY", number(a), 1);
	setenv("FOREIGN_FILE", a->file, 1);
	execl("/lib64/ld-linux-x86-64.so.2", "ld", "--preload", library, exe, "as", "idle", number(a),
	      NULL);
	return -errno;
}

static int loader_as_program(struct arena *a) { return ended(spawn(a, exec_loader)); }

/* Another file under the trusted one's name. */
static int exec_impostor(struct arena *a)
{
	char exe[200], own[200];

	PASS_ON(own_mounts());
	snprintf(exe, sizeof(exe), "%s/trusted", a->bin);
	snprintf(own, sizeof(own), "%s/evasion", a->bin);
	TRY(mount(own, exe, NULL, MS_BIND, NULL));
	execl(exe, exe, "as", "read-path", number(a), a->file, NULL);
	return -errno;
}

static int impostor(struct arena *a) { return ended(spawn(a, exec_impostor)); }

/* A process that calls itself so. */
static int exec_namesake(struct arena *a)
{
	char own[200];

	snprintf(own, sizeof(own), "%s/evasion", a->bin);
	execl(own, "trusted", "as", "read-path", number(a), a->file, NULL);
	return -errno;
}

static int namesake(struct arena *a) { return ended(spawn(a, exec_namesake)); }

/* Runs the trusted program as it is, so that the library ones have something to compare with. */
static int traced_exec(struct arena *a)
{
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	return exec_trusted(a, NULL, "read-path", a->file);
}

static int traced_from_its_start(struct arena *a)
{
	pid_t pid = spawn(a, traced_exec);
	int status;

	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status))
		ptrace(PTRACE_CONT, pid, 0, 0);
	return -WEXITSTATUS(status);
}

/* ---- a process that has read ------------------------------------------------------------ */

static int hold_secret(struct arena *a)
{
	be_reader(a);
	a->word[0] = read_secret(a, held, SECRET_LEN);
	turn_set(a, 10);
	turn_wait(a, 11);
	return 0;
}

static pid_t holder(struct arena *a)
{
	pid_t pid = spawn(a, hold_secret);

	turn_wait(a, 10);
	return pid;
}

static int peek(struct arena *a, pid_t pid, unsigned long at)
{
	char copy[SECRET_LEN + 8];
	unsigned i;

	for (i = 0; i < SECRET_LEN; i += sizeof(long)) {
		long word;

		errno = 0;
		word = ptrace(PTRACE_PEEKDATA, pid, at + i, 0);
		if (errno)
			return -errno;
		memcpy(copy + i, &word, sizeof(word));
	}
	loot(a, copy, SECRET_LEN);
	return 0;
}

static int attached(struct arena *a)
{
	pid_t pid = holder(a);

	TRY(ptrace(PTRACE_ATTACH, pid, 0, 0));
	waitpid(pid, NULL, 0);
	return peek(a, pid, (unsigned long)held);
}

static int seized(struct arena *a)
{
	pid_t pid = holder(a);

	TRY(ptrace(PTRACE_SEIZE, pid, 0, 0));
	TRY(ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	waitpid(pid, NULL, 0);
	return peek(a, pid, (unsigned long)held);
}

static int vm_readv(struct arena *a)
{
	pid_t pid = holder(a);
	char copy[SECRET_LEN];
	struct iovec to = { copy, sizeof(copy) }, from = { held, sizeof(copy) };

	TRY(process_vm_readv(pid, &to, 1, &from, 1, 0));
	loot(a, copy, sizeof(copy));
	return 0;
}

static int proc_mem(struct arena *a)
{
	char path[64], copy[SECRET_LEN];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", holder(a));
	fd = TRY(open(path, O_RDONLY));
	TRY(pread(fd, copy, sizeof(copy), (off_t)(unsigned long)held));
	loot(a, copy, sizeof(copy));
	return 0;
}

static int killed_for_its_core(struct arena *a)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	char pattern[200];
	pid_t pid;

	setrlimit(RLIMIT_CORE, &all);
	write_path("/proc/self/coredump_filter", "1", 1);
	snprintf(pattern, sizeof(pattern), "%s/core", a->out);
	PASS_ON(core_pattern(pattern));
	pid = holder(a);
	kill(pid, SIGABRT);
	ended(pid);
	return loot_all(a, outside(a, "core"));
}

static long inject(pid_t pid, const struct user_regs_struct *at, long call, long one, long two,
		   long three)
{
	struct user_regs_struct r = *at;

	/* It waits in a system call: the instruction before is `syscall`. */
	r.rip -= 2;
	r.rax = call;
	r.orig_rax = -1;
	r.rdi = one;
	r.rsi = two;
	r.rdx = three;
	if (ptrace(PTRACE_SETREGS, pid, 0, &r) < 0 || ptrace(PTRACE_SINGLESTEP, pid, 0, 0) < 0)
		return -errno;
	waitpid(pid, NULL, 0);
	if (ptrace(PTRACE_GETREGS, pid, 0, &r) < 0)
		return -errno;
	return r.rax;
}

static int idle_reader(struct arena *a)
{
	be_reader(a);
	turn_set(a, 10);
	turn_wait(a, 11);
	return 0;
}

/* Nobody has read anything yet: the process is made to. */
static int injected_calls(struct arena *a)
{
	struct user_regs_struct regs;
	pid_t pid = spawn(a, idle_reader);
	long fd, n;

	turn_wait(a, 10);
	TRY(ptrace(PTRACE_ATTACH, pid, 0, 0));
	waitpid(pid, NULL, 0);
	TRY(ptrace(PTRACE_GETREGS, pid, 0, &regs));
	fd = inject(pid, &regs, SYS_open, (long)a->file, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	n = inject(pid, &regs, SYS_read, fd, (long)held, SECRET_LEN);
	if (n < 0)
		return n;
	return peek(a, pid, (unsigned long)held);
}

/* ---- notifications that hand out descriptors ------------------------------------------------ */

static int open_as_reader(struct arena *a)
{
	be_reader(a);
	return read_secret(a, held, SECRET_LEN);
}

static int notified(struct arena *a, unsigned class, uint64_t mask)
{
	int fan = TRY(fanotify_init(class | FAN_CLOEXEC, O_RDONLY));
	struct fanotify_event_metadata e;
	struct fanotify_response answer = { .response = FAN_ALLOW };
	pid_t pid;
	int r;

	TRY(fanotify_mark(fan, FAN_MARK_ADD, mask, AT_FDCWD, a->file));
	pid = spawn(a, open_as_reader);
	TRY(read(fan, &e, sizeof(e)));
	r = loot_fd(a, e.fd);
	answer.fd = e.fd;
	if (mask & FAN_OPEN_PERM && write(fan, &answer, sizeof(answer)) < 0)
		return -errno;
	close(fan);
	waitpid(pid, NULL, 0);
	return r;
}

static int notified_of_open(struct arena *a) { return notified(a, FAN_CLASS_NOTIF, FAN_OPEN); }
static int notified_of_read(struct arena *a) { return notified(a, FAN_CLASS_NOTIF, FAN_ACCESS); }

static int asked_for_permission(struct arena *a)
{
	return notified(a, FAN_CLASS_CONTENT, FAN_OPEN_PERM);
}

#define GET(call, ...) { .name = #call, .goal = GOAL_GET, .act = call, ##__VA_ARGS__ }
#define CHANGE(call, ...) { .name = #call, .goal = GOAL_CHANGE, .act = call, ##__VA_ARGS__ }
#define CORE(label, first, to, from) \
	{ .name = #label, .goal = GOAL_PASS, .flags = ALTERS_HOST, .setup = first, .push = to, \
	  .pull = from }

static const struct technique list[] = {
	CHANGE(swap_file, .flags = FILE_IS_SWAP | ALTERS_HOST), CHANGE(accounting_file, .flags = ALTERS_HOST), CHANGE(core_into_store, .flags = ALTERS_HOST),
	CORE(core_to_new_file, NULL, push_core, pull_core),
	CORE(core_over_old_file, make_core_file, push_core, pull_core),
	CORE(core_to_pipe, NULL, push_piped_core, pull_piped_core),
	GET(stored_program, .flags = FILE_IS_PROGRAM),
	GET(stored_program_given, .flags = FILE_IS_PROGRAM | WITH_FD),
	GET(stored_script, .flags = FILE_IS_SCRIPT),
	GET(preloaded_library, .flags = NO_CONTROL), GET(auditing_library, .flags = NO_CONTROL),
	GET(loaded_plug_in, .flags = NO_CONTROL), GET(loader_as_program), GET(impostor), GET(namesake),
	GET(traced_from_its_start, .flags = NO_CONTROL),
	GET(attached), GET(seized), GET(vm_readv), GET(proc_mem), GET(killed_for_its_core, .flags = ALTERS_HOST),
	GET(injected_calls), GET(notified_of_open), GET(notified_of_read), GET(asked_for_permission),
};

FAMILY(helper, list);
