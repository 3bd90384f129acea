// SPDX-License-Identifier: GPL-2.0
#include "agent/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "event/origins.h"

enum {
	FILE_BYTES = 64 * 1024,		/* of status: of very many groups the last are cut */
	PF_KTHREAD = 0x00200000,
	FIELD_PPID = 4, FIELD_FLAGS = 9, FIELD_START = 22,
};

/* The whole of a small file of /proc, ended by a NUL; -errno. */
static int read_file(uint32_t pid, const char *name, char *buf, size_t size)
{
	am_autoclose int fd = -1;
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = read(fd, buf, size - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return 0;
}

/* Field `n` of stat, from 4 on. The second one is a name in which anything may stand, so it
 * is counted from behind the last parenthesis. */
static uint64_t field(const char *stat, unsigned n)
{
	const char *at = strrchr(stat, ')');
	unsigned i;

	for (i = 2; at && i < n; i++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at + 1, NULL, 10) : 0;
}

int am_proc_parent(uint32_t pid, uint32_t *ret_ppid, uint64_t *ret_start_ticks)
{
	char stat[1024];
	int r = read_file(pid, "stat", stat, sizeof(stat));

	if (r < 0)
		return r;
	*ret_ppid = field(stat, FIELD_PPID);
	*ret_start_ticks = field(stat, FIELD_START);
	return 0;
}

static int read_stat(struct am_proc *p)
{
	char stat[1024];
	int r = read_file(p->pid, "stat", stat, sizeof(stat));

	if (r < 0)
		return r;
	p->ppid = field(stat, FIELD_PPID);
	p->start_ticks = field(stat, FIELD_START);
	p->is_kernel = field(stat, FIELD_FLAGS) & PF_KTHREAD;
	return 0;
}

/* The text behind "\nNAME:\t"; names of processes have their line feeds escaped here. */
static const char *line_of(const char *status, const char *name)
{
	char wanted[32];
	const char *at;

	snprintf(wanted, sizeof(wanted), "\n%s:", name);
	at = strstr(status, wanted);
	return at ? at + strlen(wanted) : "";
}

static unsigned words_of(const char *line)
{
	unsigned n = 0;

	while (*line && *line != '\n') {
		line += strspn(line, "\t ");
		n += *line && *line != '\n';
		line += strcspn(line, "\t \n");
	}
	return n;
}

/* The n-th number of a line, from 0 on. */
static uint32_t number_of(const char *line, unsigned n)
{
	char *end = (char *)line;
	unsigned long value = 0;

	for (unsigned i = 0; i <= n; i++)
		value = strtoul(end, &end, 10);
	return value;
}

static void add_group(struct am_proc *p, uint32_t gid)
{
	if (p->n_gids < AM_PROC_GROUPS)
		p->gids[p->n_gids++] = gid;
}

static int read_status(struct am_proc *p)
{
	am_autofree char *status = malloc(FILE_BYTES);
	const char *groups;
	int r = status ? read_file(p->pid, "status", status, FILE_BYTES) : -ENOMEM;

	if (r < 0)
		return r;
	p->uid = number_of(line_of(status, "Uid"), 1);
	p->pid = number_of(line_of(status, "Tgid"), 0);
	p->in_container = words_of(line_of(status, "NSpid")) > 1;
	add_group(p, number_of(line_of(status, "Gid"), 1));
	groups = line_of(status, "Groups");
	for (unsigned i = 0, n = words_of(groups); i < n && i < AM_PROC_GROUPS; i++)
		add_group(p, number_of(groups, i));
	return 0;
}

static void read_comm(struct am_proc *p)
{
	if (read_file(p->pid, "comm", p->comm, sizeof(p->comm)) < 0)
		p->comm[0] = '\0';
	p->comm[strcspn(p->comm, "\n")] = '\0';
}

static void read_exe(struct am_proc *p)
{
	static const char gone[] = " (deleted)";
	char link[64];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/%u/exe", p->pid);
	len = readlink(link, p->exe, sizeof(p->exe) - 1);
	p->exe[len < 0 ? 0 : len] = '\0';
	len -= sizeof(gone) - 1;
	p->exe_is_gone = len > 0 && !strcmp(p->exe + len, gone);
	if (p->exe_is_gone)
		p->exe[len] = '\0';
}

void am_proc_exe(uint32_t pid, uint64_t start_ns, char *ret, size_t size)
{
	struct am_proc p = { .pid = pid };
	uint64_t ticks;
	uint32_t ppid;

	ret[0] = '\0';
	read_exe(&p);
	/* After the look at it: a number that was taken again meanwhile is noticed. */
	if (am_proc_parent(pid, &ppid, &ticks) < 0 || ticks != am_start_ticks(start_ns))
		return;
	if (!p.exe_is_gone && strlen(p.exe) < size)
		strcpy(ret, p.exe);
}

bool am_proc_runs_other(const struct am_proc *p)
{
	struct stat runs, named;
	char link[64];

	snprintf(link, sizeof(link), "/proc/%u/exe", p->pid);
	return p->exe_is_gone || stat(link, &runs) < 0 || stat(p->exe, &named) < 0 ||
	       runs.st_dev != named.st_dev || runs.st_ino != named.st_ino;
}

/* Of cgroup v2: the line "0::/system.slice/x.service". */
static void read_cgroup(struct am_proc *p)
{
	char buf[PATH_MAX + 64];
	const char *at;

	if (read_file(p->pid, "cgroup", buf, sizeof(buf)) < 0)
		return;
	at = !strncmp(buf, "0::", 3) ? buf : strstr(buf, "\n0::");
	if (!at)
		return;
	at = strchr(at, '/');
	if (at)
		snprintf(p->cgroup, sizeof(p->cgroup), "%.*s", (int)strcspn(at, "\n"), at);
}

int am_proc_read(uint32_t pid, struct am_proc *ret)
{
	char login[32];
	int r;

	memset(ret, 0, sizeof(*ret));
	ret->pid = pid;
	ret->login = UINT32_MAX;
	r = read_status(ret);
	if (!r)
		r = read_stat(ret);
	if (r < 0)
		return r;
	read_comm(ret);
	read_exe(ret);
	read_cgroup(ret);
	if (!read_file(ret->pid, "loginuid", login, sizeof(login)))
		ret->login = strtoul(login, NULL, 10);
	return 0;
}
