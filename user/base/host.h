/* SPDX-License-Identifier: GPL-2.0 */
/* The host as its files describe it: its name, and whether its kernel can carry
 * Amanat. Everything is found by reading, so nothing here needs the agent, and a
 * folder with the same files stands for a host in tests. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Where to look. `root` is put before every path: "" is this host. */
struct am_host {
	const char *root;
	/* Makes and drops a BPF ring buffer: 0 or -errno. NULL: not tried. */
	int (*ringbuf)(void);
	/* A person wants fmod_ret hooks although a preemptible kernel may skip them. */
	bool accept_skips;
};

extern const struct am_host am_host_here;

enum am_host_level {
	AM_HOST_INVALID = 0,
	AM_HOST_OK,
	AM_HOST_WARN,	/* works, and a person should know */
	AM_HOST_FAIL,	/* the agent cannot run, or would not see everything */
	AM_HOST_MAX_,
};

struct am_host_check {
	const char *name;	/* static */
	enum am_host_level level;
	char fact[256];		/* what was found: a clause without a full stop */
	char todo[640];		/* what to do, a clause too; empty when all is well */
};

enum { AM_HOST_CHECKS = 16 };

struct am_host_report {
	struct am_host_check checks[AM_HOST_CHECKS];
	size_t count;
	size_t fails;
};

void am_host_check(const struct am_host *host, struct am_host_report *ret);

/* 0 when the agent can run here. Otherwise the number of failed checks, and
 * `sentence` (always terminated) says what the first of them misses and what to do. */
int am_host_missing(const struct am_host *host, char *sentence, size_t size);

/* Whether programs on LSM hooks run. Without it they load, attach, and never do. */
bool am_host_has_bpf_lsm(const struct am_host *host);

/* Whether the kernel is preemptible, or may be: it may then skip hooks that are no LSM's. */
bool am_host_may_skip(const struct am_host *host);

/* Who the host is; a string is empty when the host does not tell. */
struct am_host_id {
	char name[65];		/* hostname */
	char machine[40];	/* /etc/machine-id */
	char boot[40];		/* of this boot */
	char kernel[65];	/* release */
};

void am_host_id_read(const struct am_host *host, struct am_host_id *ret);
