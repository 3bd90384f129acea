// SPDX-License-Identifier: GPL-2.0
/* Small things that carry bytes from one process to another although they are not made for
 * it: names, attributes, keys, counters. */
#include "technique.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <unistd.h>

static int made;

/* ---- names and attributes ------------------------------------------------------------ */

static int push_name(struct arena *a, const char *data, size_t size)
{
	(void)size;
	TRY(mkdir(outside(a, data), 0777));
	return 0;
}

static int pull_name(struct arena *a)
{
	DIR *d = opendir(a->out);
	struct dirent *e;

	if (!d)
		return -errno;
	while ((e = readdir(d)))
		loot(a, e->d_name, strlen(e->d_name));
	closedir(d);
	return 0;
}

static int push_new_file_name(struct arena *a, const char *data, size_t size)
{
	(void)size;
	TRY(open(outside(a, data), O_RDWR | O_CREAT, 0666));
	return 0;
}

static int push_new_name(struct arena *a, const char *data, size_t size)
{
	(void)size;
	TRY(rename(outside(a, "some"), outside(a, data)));
	return 0;
}

static int make_some(struct arena *a) { return write_path(outside(a, "some"), "", 0); }

static int push_link_name(struct arena *a, const char *data, size_t size)
{
	(void)size;
	TRY(link(outside(a, "some"), outside(a, data)));
	return 0;
}

static int push_target(struct arena *a, const char *data, size_t size)
{
	(void)size;
	TRY(symlink(data, outside(a, "link")));
	return 0;
}

static int pull_target(struct arena *a)
{
	char text[200];
	ssize_t n = TRY(readlink(outside(a, "link"), text, sizeof(text)));

	loot(a, text, n);
	return 0;
}

static int push_attribute(struct arena *a, const char *data, size_t size)
{
	TRY(setxattr(outside(a, "some"), "user.note", data, size, 0));
	return 0;
}

static int pull_attribute(struct arena *a)
{
	char text[200];
	ssize_t n = TRY(getxattr(outside(a, "some"), "user.note", text, sizeof(text)));

	loot(a, text, n);
	return 0;
}

/* Four bytes a file: a year that they are from. */
static int push_times(struct arena *a, const char *data, size_t size)
{
	char name[2] = "0";
	size_t i;

	for (i = 0; i < size; i += 4, name[0]++) {
		struct timespec t[2] = {};
		uint32_t word = 0;

		memcpy(&word, data + i, size - i < 4 ? size - i : 4);
		t[0].tv_sec = t[1].tv_sec = word;
		PASS_ON(write_path(outside(a, name), "", 0));
		TRY(utimensat(AT_FDCWD, outside(a, name), t, 0));
	}
	return 0;
}

static int pull_times(struct arena *a)
{
	char text[SECRET_LEN + 4] = "", name[2] = "0";
	unsigned i;

	for (i = 0; i < SECRET_LEN; i += 4, name[0]++) {
		struct stat s;
		uint32_t word;

		TRY(stat(outside(a, name), &s));
		word = s.st_mtim.tv_sec;
		memcpy(text + i, &word, 4);
	}
	loot(a, text, SECRET_LEN);
	return 0;
}

/* ---- the kernel's small stores --------------------------------------------------------- */

static int make_key(struct arena *a)
{
	(void)a;
	made = TRY(syscall(SYS_add_key, "user", "evasion", "x", 1, KEY_SPEC_SESSION_KEYRING));
	TRY(syscall(SYS_keyctl, KEYCTL_SETPERM, made, 0x3f3f3f3f));
	return 0;
}

static int push_key(struct arena *a, const char *data, size_t size)
{
	(void)a;
	TRY(syscall(SYS_keyctl, KEYCTL_UPDATE, made, data, size));
	return 0;
}

static int pull_key(struct arena *a)
{
	char text[200];
	long n = TRY(syscall(SYS_keyctl, KEYCTL_READ, made, text, sizeof(text)));

	loot(a, text, n);
	return 0;
}

static int push_host_name(struct arena *a, const char *data, size_t size)
{
	(void)a;
	TRY(sethostname(data, size));
	return 0;
}

static int pull_host_name(struct arena *a)
{
	struct utsname name;

	TRY(uname(&name));
	loot(a, name.nodename, strlen(name.nodename));
	sethostname("lab", 3);
	return 0;
}

static int push_message(struct arena *a, const char *data, size_t size)
{
	int fd = TRY(open("/dev/kmsg", O_WRONLY));
	struct iovec iov[] = { { "<4>", 3 }, { (char *)data, size }, { "\n", 1 } };

	(void)a;
	TRY(writev(fd, iov, 3));
	return 0;
}

static int pull_message(struct arena *a)
{
	static char all[1 << 18];
	int n = TRY(klogctl(3 /* read all */, all, sizeof(all)));

	loot(a, all, n);
	note(a, "%d bytes of log", n);
	return 0;
}

/* Before: what others have left in the trace, or go on writing there, would hide it. */
static int push_trace(struct arena *a, const char *data, size_t size)
{
	int fd = TRY(open("/sys/kernel/tracing/trace_marker", O_WRONLY));

	(void)a;
	write_path("/sys/kernel/tracing/events/enable", "0", 1);
	close(TRY(open("/sys/kernel/tracing/trace", O_WRONLY | O_TRUNC)));	/* which empties it */
	TRY(write(fd, data, size));
	return 0;
}

static int pull_trace(struct arena *a)
{
	static char all[1 << 16];
	int fd = TRY(open("/sys/kernel/tracing/trace", O_RDONLY));
	ssize_t n, size = 0;

	while ((n = read(fd, all + size, sizeof(all) - size)) > 0)
		size += n;
	loot(a, all, size);
	return 0;
}

static int map_command(unsigned command, const void *value, void *into)
{
	uint32_t key = 0;
	union bpf_attr attr = { .map_fd = made, .key = (unsigned long)&key,
				.value = (unsigned long)(into ? into : value) };

	TRY(syscall(SYS_bpf, command, &attr, sizeof(attr)));
	return 0;
}

static int make_map(struct arena *a)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 64,
				.max_entries = 1 };

	(void)a;
	made = TRY(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
	return 0;
}

static int push_map(struct arena *a, const char *data, size_t size)
{
	char value[64] = "";

	(void)a;
	memcpy(value, data, size);
	return map_command(BPF_MAP_UPDATE_ELEM, value, NULL);
}

static int pull_map(struct arena *a)
{
	char value[64];

	PASS_ON(map_command(BPF_MAP_LOOKUP_ELEM, NULL, value));
	loot(a, value, sizeof(value));
	return 0;
}

static int make_counters(struct arena *a)
{
	(void)a;
	made = TRY(semget(IPC_PRIVATE, SECRET_LEN, IPC_CREAT | 0666));
	return 0;
}

static int push_counters(struct arena *a, const char *data, size_t size)
{
	size_t i;

	(void)a;
	for (i = 0; i < size; i++)
		TRY(semctl(made, i, SETVAL, data[i]));
	return 0;
}

static int pull_counters(struct arena *a)
{
	char text[SECRET_LEN];
	unsigned i;

	for (i = 0; i < SECRET_LEN; i++)
		text[i] = TRY(semctl(made, i, GETVAL));
	loot(a, text, sizeof(text));
	return semctl(made, 0, IPC_RMID);
}

static int make_events(struct arena *a)
{
	(void)a;
	made = TRY(eventfd(0, EFD_NONBLOCK));
	return 0;
}

/* A word at a time, each when the one before was taken. */
static int push_events(struct arena *a, const char *data, size_t size)
{
	uint64_t word = 0;
	size_t i;

	a->word[1] = 0;
	turn_set(a, 1);
	for (i = 0; i < size; i += 4) {
		word = 0;
		memcpy(&word, data + i, size - i < 4 ? size - i : 4);
		if (write(made, &word, sizeof(word)) < 0) {
			a->word[1] = -1;
			return -errno;
		}
		while (a->word[1] == (int64_t)i)
			usleep(100);
	}
	return 0;
}

static int pull_events(struct arena *a)
{
	struct pollfd p = { .fd = made, .events = POLLIN };
	char text[SECRET_LEN + 8];
	uint64_t word;
	unsigned i;

	for (i = 0; i < SECRET_LEN; i += 4) {
		if (poll(&p, 1, 500) <= 0)
			return -ETIMEDOUT;
		TRY(read(made, &word, sizeof(word)));
		memcpy(text + i, &word, 4);
		a->word[1] = i + 4;
	}
	loot(a, text, SECRET_LEN);
	return 0;
}

/* ---- of a process ------------------------------------------------------------------------ */

static int push_comm(struct arena *a, const char *data, size_t size)
{
	unsigned part;

	(void)size;
	for (part = 0; part < 4; part++) {
		char name[16] = "";

		memcpy(name, data + part * 12, part < 3 ? 12 : SECRET_LEN - 36);
		TRY(prctl(PR_SET_NAME, name));
		a->word[1] = getpid();
		a->word[0] = part + 1;
		turn_set(a, 1);
		for (unsigned i = 0; a->word[2] < part + 1 && i < 5000; i++)
			usleep(100);
	}
	return 0;
}

static int pull_comm(struct arena *a)
{
	char text[SECRET_LEN + 16] = "", path[64];
	unsigned part, at = 0;

	for (part = 0; part < 4; part++) {
		char name[17] = "";
		int fd;

		for (unsigned i = 0; a->word[0] < part + 1 && i < 5000; i++)
			usleep(100);
		snprintf(path, sizeof(path), "/proc/%d/comm", (int)a->word[1]);
		fd = TRY(open(path, O_RDONLY));
		TRY(read(fd, name, 16));
		close(fd);
		name[strcspn(name, "\n")] = 0;
		strcpy(text + at, name);
		at += strlen(name);
		a->word[2] = part + 1;
	}
	loot(a, text, at);
	return 0;
}

static int receive_signals(struct arena *a)
{
	sigset_t set;

	(void)a;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	return sigprocmask(SIG_BLOCK, &set, NULL);
}

static int push_signals(struct arena *a, const char *data, size_t size)
{
	size_t i;

	for (i = 0; i < size; i += 8) {
		union sigval value = {};

		memcpy(&value, data + i, size - i < 8 ? size - i : 8);
		TRY(sigqueue(a->peer, SIGRTMIN, value));
	}
	return 0;
}

static int pull_signals(struct arena *a)
{
	struct timespec wait = { .tv_nsec = 300000000 };
	char text[SECRET_LEN + 8];
	siginfo_t info;
	sigset_t set;
	unsigned i;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	for (i = 0; i < SECRET_LEN; i += 8) {
		TRY(sigtimedwait(&set, &info, &wait));
		memcpy(text + i, &info.si_value, 8);
	}
	loot(a, text, SECRET_LEN);
	return 0;
}

/* Which bytes of a file are locked. */
static int make_lockable(struct arena *a)
{
	made = TRY(open(outside(a, "some"), O_RDWR | O_CREAT, 0666));
	return 0;
}

static int push_locks(struct arena *a, const char *data, size_t size)
{
	size_t i;

	(void)a;
	for (i = 0; i < size * 8; i++) {
		struct flock lock = { .l_type = F_WRLCK, .l_start = i, .l_len = 1 };

		if (data[i / 8] >> (i % 8) & 1)
			TRY(fcntl(made, F_SETLK, &lock));
	}
	return 0;
}

static int pull_locks(struct arena *a)
{
	char text[SECRET_LEN] = "";
	unsigned i;

	for (i = 0; i < SECRET_LEN * 8; i++) {
		struct flock lock = { .l_type = F_WRLCK, .l_start = i, .l_len = 1 };

		TRY(fcntl(made, F_GETLK, &lock));
		if (lock.l_type != F_UNLCK)
			text[i / 8] |= 1 << (i % 8);
	}
	loot(a, text, sizeof(text));
	return 0;
}

static const struct technique list[] = {
	PASS(folder_name, NULL, push_name, pull_name),
	PASS(file_name, NULL, push_new_file_name, pull_name),
	PASS(renamed_name, make_some, push_new_name, pull_name),
	PASS(link_name, make_some, push_link_name, pull_name),
	PASS(link_target, NULL, push_target, pull_target),
	PASS(attribute, make_some, push_attribute, pull_attribute),
	PASS(file_times, NULL, push_times, pull_times), PASS(file_locks, make_lockable, push_locks, pull_locks),
	PASS(key, make_key, push_key, pull_key), ALTERS(host_name, push_host_name, pull_host_name),
	ALTERS(kernel_log, push_message, pull_message),
	ALTERS(trace_marker, push_trace, pull_trace), PASS(bpf_map, make_map, push_map, pull_map),
	PASS(semaphores, make_counters, push_counters, pull_counters),
	PASS(event_counter, make_events, push_events, pull_events),
	PASS(process_name, NULL, push_comm, pull_comm),
	PASS(signals, receive_signals, push_signals, pull_signals),
};

FAMILY(covert, list);
