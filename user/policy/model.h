/* SPDX-License-Identifier: GPL-2.0 */
/* A policy as a person wrote it: names, positions, rules in their order. It
 * knows nothing of this host: no uid, no inode, no number of a label.
 *
 * A model exists only if its text is well-formed and its names resolve within
 * it; whether the host has the users, groups and files is for the image. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "base/diag.h"

/* What one policy may hold; more is refused. Bounded by abi.h, or by what a host
 * can use: one descriptor per path, two generations of networks in one trie. */
enum {
	AM_POLICY_BYTES_MAX = 4 << 20,
	AM_NAME_LEN_MAX = 63,
	AM_RULE_LEN_MAX = 4096,
	AM_RULES_MAX = 10000,
	AM_INVARIANTS_MAX = 256,
	AM_PATHS_MAX = 4096,
	AM_NETS_MAX = 4096,
	AM_PORTS_MAX = 4096,	/* as written; a range is one */
	AM_PURPOSES_LIMIT = AM_PURPOSES_MAX - 1,	/* number 0 is no purpose */
	AM_FILES_MAX = 256,	/* of a policy that is a folder */
	AM_SHA256_BYTES = 32,
};

/* Taking on a purpose: the fourth thing that rules speak of. The kernel knows nothing of
 * it, so it is no am_op: the agent decides it (am_image.use). */
enum { AM_OP_USE = AM_OP_MAX_ };

struct am_model_label {
	char *name;
	struct am_pos pos;
};

struct am_model_purpose {
	char *name;
	struct am_pos pos;
};

struct am_model_path {
	char *path;		/* absolute, normalised */
	struct am_pos pos;
};

enum am_mode {
	AM_MODE_INVALID = 0,
	AM_MODE_OBSERVE,
	AM_MODE_ENFORCE,
	AM_MODE_MAX_,
};

struct am_model_store {
	char *name;
	struct am_pos pos;
	struct am_model_path *paths;
	size_t n_paths;
	unsigned *labels;	/* indices into am_model.labels */
	size_t n_labels;
	unsigned *purposes;	/* indices; none: open whatever the purpose, and without one */
	size_t n_purposes;
	enum am_mode mode;	/* its own, or the policy's */
	bool error_allow;	/* on-error: allow */
	bool spill_deny;	/* spill: deny */
	bool strict;
	char *class;		/* NULL if not given */
};

/* What a subject mentions; what is NULL it does not mention. All must hold. */
struct am_model_subject {
	char *name;
	struct am_pos pos;
	char *exe;
	char *user;
	char *group;
	char *login;		/* user name or number: who logged in, whatever he became */
	char *unit;		/* of systemd; not beside `cgroup`, which is the same fact */
	char *cgroup;		/* absolute, normalised, below the cgroup2 mount; with all below */
	char *script;		/* absolute, normalised */
	char *purpose;		/* one of am_model.purposes, by name */
	struct am_pos exe_pos, user_pos, group_pos, login_pos, cgroup_pos, script_pos, purpose_pos;
	bool pinned;		/* with `exe`: only while the file has this digest */
	uint8_t sha256[AM_SHA256_BYTES];
	struct am_pos sha256_pos;
	char *third_party;	/* the vendor's name: says who, restricts nothing */
};

/* What the subject asks of facts of the kind, as it is written; NULL: nothing. */
const char *am_subject_atom(const struct am_model_subject *subject, enum am_fact kind);

struct am_model_net {
	uint8_t addr[16];	/* IPv4 as ::ffff:a.b.c.d, host bits zero */
	unsigned prefix;	/* 0..128 */
	struct am_pos pos;
};

struct am_model_port {
	uint8_t proto;		/* IPPROTO_TCP, _UDP, _SCTP; _ICMP stands for _ICMPV6 too */
	uint16_t port;		/* 0: every port of the protocol, or it has none */
	uint16_t last;		/* of a range; else `port` */
};

struct am_model_zone {
	char *name;
	struct am_pos pos;
	struct am_model_net *nets;	/* none: every address */
	size_t n_nets;
	struct am_model_port *ports;	/* none: every port and protocol */
	size_t n_ports;
};

enum { AM_RULE_ANYBODY = -1, AM_RULE_EVERYTHING = -1 };

struct am_model_rule {
	struct am_pos pos;
	char *text;		/* as written */
	bool deny;
	unsigned ops;		/* bit per am_op, and AM_OP_USE */
	int subject;		/* index, or AM_RULE_ANYBODY */
	int *stores;		/* read, write: indices, or one AM_RULE_EVERYTHING */
	size_t n_stores;
	int *labels;		/* send: indices, or one AM_RULE_EVERYTHING */
	size_t n_labels;
	int *zones;		/* send: AM_ZONE_* or AM_ZONE_FIRST_USER + index into zones */
	size_t n_zones;
	int *purposes;		/* use: indices, or one AM_RULE_EVERYTHING */
	size_t n_purposes;
};

enum am_never {
	AM_NEVER_INVALID = 0,
	AM_NEVER_SUBJECT,	/* who is the one subject */
	AM_NEVER_ANYONE,
	AM_NEVER_ANYONE_BUT,	/* who is none of the subjects */
	AM_NEVER_THIRD_PARTY,	/* who is a subject with third-party */
	AM_NEVER_MAX_,
};

/* What must never be, whatever the rules become. Lists as in rules. */
struct am_model_invariant {
	struct am_pos pos;
	char *text;		/* as written */
	enum am_never who;
	int *subjects;
	size_t n_subjects;
	unsigned ops;		/* bit per am_op, and AM_OP_USE */
	int *stores;		/* read, write */
	size_t n_stores;
	int *labels;		/* send; read: data that carries them, wherever it is */
	size_t n_labels;
	int *zones;		/* send */
	size_t n_zones;
	int *purposes;		/* use */
	size_t n_purposes;
};

struct am_model {
	char *name;
	enum am_mode mode;
	struct am_model_label *labels;
	size_t n_labels;
	struct am_model_purpose *purposes;
	size_t n_purposes;
	struct am_model_store *stores;
	size_t n_stores;
	struct am_model_subject *subjects;
	size_t n_subjects;
	struct am_model_zone *zones;
	size_t n_zones;
	struct am_model_rule *rules;	/* rule n of messages is rules[n - 1] */
	size_t n_rules;
	struct am_model_invariant *invariants;
	size_t n_invariants;
	size_t n_paths;		/* of all stores */
	size_t n_nets;		/* of all zones */
	size_t n_ports;		/* of all zones */
	char *file;		/* as named by the caller; positions borrow it */
	char **files;		/* of a folder: the files in it, which positions borrow */
	size_t n_files;
};

/* Reads and checks the policy `path`: a file, or a folder, whose files NAME.yaml make one
 * policy, in the order of their names. Of the others hidden ones and those of another
 * suffix are left alone; links are followed, and one that leads nowhere is an error: a
 * policy of which a part is missing is another policy.
 *
 * 0; -EINVAL with errors in `diags` when the text is not a policy; another negative errno,
 * with an error in `diags` too, when it cannot be read. Warnings are added on success as
 * well. */
int am_model_load(const char *path, struct am_diags *diags, struct am_model **ret);

/* The same from memory; `name` stands for the file in positions. */
int am_model_parse(const char *name, const char *text, size_t len, struct am_diags *diags,
		   struct am_model **ret);

void am_model_free(struct am_model *m);
AM_DEFINE_AUTO(am_model);

/* Borrowed; `zone` as in am_model_rule.zones. */
const char *am_model_zone_name(const struct am_model *m, int zone);
