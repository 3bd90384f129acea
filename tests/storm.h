/* SPDX-License-Identifier: GPL-2.0 */
/* Invented events of a busy host, the same for the same seed: some hundred processes of
 * some dozen programs and users, which work through the files of three stores in runs,
 * come back to some files often, send now and then, and are refused now and then. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "abi.h"
#include "ledger/row.h"

enum {
	STORM_PROCESSES = 400,
	STORM_USERS = 40,
	STORM_PROGRAMS = 24,
	STORM_UNITS = 16,
	STORM_STORES = 3,
	STORM_FILES = 60000,
	STORM_CPUS = 4,
};

struct storm_process {
	uint32_t pid, ppid, user, program, unit, file, left;
	uint64_t start_ns;
	uint32_t session;
};

struct storm {
	uint64_t random;
	uint64_t n;
	int64_t boot_ns;
	int64_t offset_ns;
	uint64_t seq[STORM_CPUS];
	struct storm_process processes[STORM_PROCESSES];
	uint32_t running[STORM_CPUS];
	uint32_t next_pid;
	bool calm;		/* nobody is refused */
	bool whole;		/* with groups, scripts, purposes and cgroups */
	char path[128], exe[64], user[32], unit[64], comm[16], why[192];
	char groups[96], script[64], cgroup[96];
};

static inline uint32_t storm_random(struct storm *s, uint32_t below)
{
	s->random = s->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)((s->random >> 33) % below);
}

static inline void storm_spawn(struct storm *s, struct storm_process *p)
{
	*p = (struct storm_process){
		.pid = s->next_pid,
		.ppid = 900 + storm_random(s, 50),
		.user = storm_random(s, STORM_USERS),
		.program = storm_random(s, STORM_PROGRAMS),
		.unit = storm_random(s, STORM_UNITS),
		.file = storm_random(s, STORM_FILES),
		.left = 200 + storm_random(s, 20000),
		.start_ns = (uint64_t)s->boot_ns,
		.session = 10 + storm_random(s, 300),
	};
	s->next_pid += 1 + storm_random(s, 4);
}

static inline void storm_init(struct storm *s, uint64_t seed)
{
	unsigned i;

	memset(s, 0, sizeof(*s));
	s->random = seed * 0x9e3779b97f4a7c15ULL + 1;
	s->boot_ns = 86400LL * 1000000000;
	s->offset_ns = 1750000000LL * 1000000000;
	s->next_pid = 4000;
	for (i = 0; i < STORM_PROCESSES; i++)
		storm_spawn(s, &s->processes[i]);
}

static inline const char *storm_store(uint32_t file)
{
	static const char *const names[STORM_STORES] = { "citizen-registry", "claims", "lab-results" };

	return names[file % STORM_STORES];
}

static inline void storm_actor(struct storm *s, const struct storm_process *p, struct am_row *row)
{
	static const char *const programs[] = { "postgres", "python3.11", "psql", "rsync", "java", "grep" };

	(void)snprintf(s->comm, sizeof(s->comm), "%s", programs[p->program % 6]);
	(void)snprintf(s->exe, sizeof(s->exe), "/usr/lib/suite-%u/bin/%s", p->program, s->comm);
	(void)snprintf(s->user, sizeof(s->user), "clerk%02u", p->user);
	(void)snprintf(s->unit, sizeof(s->unit), "desk-%02u.service", p->unit);
	row->actor = (struct am_row_actor){
		.pid = p->pid, .tid = p->pid, .ppid = p->ppid, .uid = 1000 + p->user,
		.gid = 100, .login = 1000 + p->user, .session = p->session, .exe_dev = 0x800001,
		.start_ns = p->start_ns, .cgroup = 5000 + p->unit, .exe_ino = 131072 + p->program,
		.bits = { 1ULL << p->program, 1ULL << p->user, 0, 0 },
		.comm = s->comm, .exe = s->exe, .user = s->user, .login_user = s->user, .unit = s->unit,
	};
}

static inline void storm_facts(struct storm *s, const struct storm_process *p, struct am_row *row)
{
	static const char *const purposes[] = { "", "", "kyc", "audit", "research" };

	(void)snprintf(s->groups, sizeof(s->groups), "100:users,%u:desk-%02u,%u", 2000 + p->unit,
		       p->unit, 3000 + p->user % 7);
	(void)snprintf(s->script, sizeof(s->script), "/opt/jobs/nightly-%u.py", p->program);
	(void)snprintf(s->cgroup, sizeof(s->cgroup), "/system.slice/%s", s->unit);
	row->actor.groups = s->groups;
	row->actor.purpose = purposes[p->user % 5];
	row->actor.script = p->program % 6 == 1 ? s->script : "";
	row->actor.cgroup_path = s->cgroup;
	row->deed.flags |= AM_EVENT_FACTS;
}

static inline void storm_object(struct storm *s, uint32_t file, struct am_row *row)
{
	(void)snprintf(s->path, sizeof(s->path), "/srv/%s/district-%02u/office-%02u/%06u.csv",
		       storm_store(file), file / 3 % 40, file / 120 % 25, file);
	row->object = (struct am_row_object){
		.ino = 262144 + file * 2654435761U % 4194304, .dev = 0x800002, .igen = file * 40503U,
		.store_id = 1 + file % STORM_STORES, .path = s->path, .store = storm_store(file),
	};
}

static inline void storm_send(struct storm *s, struct am_row *row)
{
	row->dest = (struct am_row_dest){
		.addr_low = 0xffff00000000ULL | 10 << 24 | 20 << 16 | storm_random(s, 200),
		.zones_low = 0x0401, .family = AF_INET, .port = storm_random(s, 4) ? 5432 : 443,
		.proto = IPPROTO_TCP, .zones = "app-tier",
	};
	row->deed.kind = AM_EVENT_SEND;
	row->deed.op = AM_OP_SEND;
	row->deed.act = AM_ACT_SEND;
}

/* Texts are good until the next call. */
static inline void storm_next(struct storm *s, struct am_row *row)
{
	uint32_t cpu = storm_random(s, STORM_CPUS), dice = storm_random(s, 1000);
	struct storm_process *p;

	if (!storm_random(s, 24))
		s->running[cpu] = storm_random(s, STORM_PROCESSES);
	p = &s->processes[s->running[cpu]];
	if (!p->left--)
		storm_spawn(s, p);
	s->boot_ns += 1500 + storm_random(s, 20000);
	*row = (struct am_row){
		.event = ++s->n, .boot_ns = s->boot_ns, .wall_ns = s->boot_ns + s->offset_ns,
		.cpu = cpu, .seq = ++s->seq[cpu],
		.deed = {
			.kind = AM_EVENT_ACCESS, .verdict = AM_VERDICT_ALLOW,
			.reason = AM_REASON_RULE_ALLOWS, .op = AM_OP_READ, .act = AM_ACT_OPEN,
			.generation = 12, .labels = 3, .label_names = "cnic,biometric",
			.policy = "registry-host", .why = "",
		},
	};
	storm_actor(s, p, row);
	if (dice < 30) {
		storm_send(s, row);
		return;
	}
	if (dice < 600)
		p->file = dice < 80 ? storm_random(s, STORM_FILES) : (p->file + 1) % STORM_FILES;
	storm_object(s, p->file, row);
	if (dice >= 600) {
		row->deed.kind = AM_EVENT_REPEAT;
		row->deed.reason = 0;
		row->count = 1 + storm_random(s, 40);
	}
	if (dice >= 995 && !s->calm) {
		row->deed.kind = AM_EVENT_ACCESS;
		row->deed.verdict = AM_VERDICT_DENY;
		row->deed.reason = AM_REASON_NO_RULE;
		row->deed.flags = AM_EVENT_BLOCKED;
		(void)snprintf(s->why, sizeof(s->why), "no rule lets uid=%u exe=%s read %s",
			       row->actor.uid, s->exe, row->object.store);
		row->deed.why = s->why;
	}
	if (s->whole && row->deed.kind != AM_EVENT_REPEAT)
		storm_facts(s, p, row);
}
