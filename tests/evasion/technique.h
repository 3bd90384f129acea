/* SPDX-License-Identifier: GPL-2.0 */
/* A technique: one way to get at a store, or to take what was read from it elsewhere, as a
 * small real program. It is run by root with every capability, who is nevertheless a stranger
 * to the store: what opens a store is a group, so the very same code run with the group is the
 * control, and whatever else stops it is not the monitor.
 *
 * All of it shares one `struct arena`, memory that is mapped before anybody reads anything:
 * what a process has got is told there, and nowhere else. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Every secret begins with it, so that an attacker knows what to look for. */
#define MARK "amanat-evasion:"

enum {
	SECRET_LEN = sizeof(MARK) - 1 + 32,
	FILE_SIZE = 8192,	/* of the file to get at: whole blocks and pages */
	LOOT_SIZE = 8192,

	/* Groups that open something; no account has them. */
	GID_READER = 61021,
	GID_WRITER = 61022,
	GID_COURIER = 61023,	/* may send anywhere */

	PORT = 6161,
};

/* Nobody's address; all packets to it end at the loopback device, where they are heard. */
#define FOREIGN4 "203.0.113.9"
#define FOREIGN6 "2001:db8::9"

enum goal {
	GOAL_GET = 1,	/* a stranger gets what is in the file */
	GOAL_CHANGE,	/* a stranger changes the store */
	GOAL_PASS,	/* who may read hands it to a stranger of this host */
	GOAL_SEND,	/* who may read sends it off the host */
};

struct arena {
	/* Given. */
	char store[128];	/* the folder that is protected, on ext4 */
	char file[160];		/* the file in it */
	char out[160];		/* a folder of the same file system that nobody protects */
	char disk[128];		/* where that file system is mounted */
	char device[64];	/* what it is on */
	char btrfs[128];	/* a btrfs with a store in it, or "" */
	char bfile[160];	/* the file in that one */
	char bin[128];		/* programs: `trusted` may read by being itself; `foreign.so` */
	char secret[64];
	uint64_t physical;	/* where the file begins on the device; 0 unknown */
	bool control;
	int fd;			/* the file, opened by who may read and write it; else -1 */
	int memory;		/* this, for a program that is executed */

	/* Between the parties. */
	_Atomic uint32_t turn;
	_Atomic int32_t peer;
	_Atomic int64_t word[8];

	/* Told. */
	int32_t code;		/* of who attacks: 0 or -errno */
	int32_t other;		/* of the other party */
	int32_t sent;		/* of sending on what was got; 1 not tried */
	_Atomic uint32_t loot_size;
	char loot[LOOT_SIZE];
	bool changed;		/* the effect was seen by who attacks */
	char note[160];
};

enum {
	/* Starts with the descriptor in arena.fd, opened by a process that then became a stranger. */
	WITH_FD = 1 << 0,
	/* No control: what is refused is refused to all, or there is nobody to allow it to. */
	NO_CONTROL = 1 << 1,
	/* The file is a name to find: a folder, and the secret is the name of what is in it. */
	FILE_IS_FOLDER = 1 << 2,
	/* The file holds a program whose embedded text is the secret. */
	FILE_IS_PROGRAM = 1 << 3,
	/* Needs the file's place on the device. */
	NEEDS_PLACE = 1 << 4,
	/* Its file is on btrfs. */
	ON_BTRFS = 1 << 5,
	FILE_IS_SWAP = 1 << 6,
	/* The file holds `#!PROGRAM SECRET`. */
	FILE_IS_SCRIPT = 1 << 7,
	/* A stranger holds something of the file before there is an agent. */
	EARLY = 1 << 8,
	/* Something of the host is not what it was for a while: caches, modules, settings. Not run
	 * by `amanat doctor --selftest`. */
	ALTERS_HOST = 1 << 9,
};

struct technique {
	const char *name;
	enum goal goal;
	unsigned flags;
	/* GET, CHANGE: by the stranger, before the agent is there (EARLY), and then. */
	int (*before)(struct arena *a);
	int (*act)(struct arena *a);
	/* PASS, SEND: in what both come from; by who has read `data`; by the stranger. */
	int (*setup)(struct arena *a);
	int (*push)(struct arena *a, const char *data, size_t size);
	int (*pull)(struct arena *a);
};

struct family {
	const char *name;
	const struct technique *list;
	size_t count;
};

/* What goes from one process to another: prepared by `first`, given by `to`, got by `from`. */
#define PASS(label, first, to, from) \
	{ .name = #label, .goal = GOAL_PASS, .setup = first, .push = to, .pull = from }
#define ALTERS(label, to, from) \
	{ .name = #label, .goal = GOAL_PASS, .flags = ALTERS_HOST, .push = to, .pull = from }

#define FAMILY(label, table) \
	const struct family family_##label = { #label, table, sizeof(table) / sizeof((table)[0]) }

extern const struct family family_read, family_uring, family_map, family_descriptor, family_name,
	family_device, family_helper, family_write, family_copy, family_covert, family_egress,
	family_race, family_handed, family_served;

/* ---- arena.c ---- */

/* Something was got: all that looks like a secret is kept, or else how it begins. */
void loot(struct arena *a, const void *data, size_t size);
void note(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Who the process is to the policy; all of it stays root. */
void be_stranger(const struct arena *a);	/* the control's: reader, writer, courier */
void be_reader(const struct arena *a);
void be_keeper(void);				/* reader and writer, for preparations */

/* Another process of the technique, ended with it. The child runs `run` and exits. */
pid_t spawn(struct arena *a, int (*run)(struct arena *a));
/* Its exit status as 0 or -errno. */
int ended(pid_t pid);

void turn_set(struct arena *a, uint32_t turn);
/* False if it does not come in time. */
bool turn_wait(struct arena *a, uint32_t turn);

/* Of a file into the loot, from its start. 0 or -errno. */
int loot_fd(struct arena *a, int fd);
int loot_path(struct arena *a, const char *path);
/* As read(), but waits a bounded time. */
int loot_wait(struct arena *a, int fd);
/* What the store's file holds, for who may read it. 0 or -errno. */
int read_secret(const struct arena *a, char *buffer, size_t size);

/* A name in the folder outside; the buffer is one of a few that take turns. */
const char *outside(const struct arena *a, const char *name);
int write_path(const char *path, const void *data, size_t size);
/* Mounts made from here on are the process's own. */
int own_mounts(void);
/* Seconds to milliseconds that a receiver waits. */
int patience(const struct arena *a);

/* A call that fails ends the caller, with its errno. Each name is used once: they nest. */
#define TRY(call) TRY_AS(call, __COUNTER__)
#define TRY_AS(call, n) TRY_NAMED(call, n)
#define TRY_NAMED(call, n) \
	({ \
		__typeof__(call) try_##n = (call); \
		if (try_##n < 0) \
			return -errno; \
		try_##n; \
	})
/* The same of what returns 0 or -errno. */
#define PASS_ON(call) PASS_AS(call, __COUNTER__)
#define PASS_AS(call, n) PASS_NAMED(call, n)
#define PASS_NAMED(call, n) \
	({ \
		int pass_##n = (call); \
		if (pass_##n < 0) \
			return pass_##n; \
		pass_##n; \
	})
