/* SPDX-License-Identifier: GPL-2.0 */
/* A policy made ready for the kernel of this host: names resolved, rules turned
 * into bit sets, in exactly the form in which it is published (abi.h). Pure
 * data; making one changes nothing outside it but the registry it interns in. */
#pragma once

#include "policy/model.h"
#include "store/registry.h"

/* The subject that rules about anyone speak of. It mentions no fact, so every task is
 * it, also one that is no other subject. Bit n of the sets is subject n of the model;
 * with all AM_SUBJECTS_MAX of them this one is the model's last, and there is no anyone.
 * Behind the model's subjects there may be narrow ones (am_image_narrow). */
enum { AM_SUBJECT_ANYONE = AM_SUBJECTS_MAX - 1 };

/* Where names of this host come from: nsswitch in the agent, a table in tests.
 * 0; -ENOENT when there is no such name; another negative errno. */
struct am_resolver {
	int (*user)(void *ctx, const char *name, uint32_t *ret);
	int (*group)(void *ctx, const char *name, uint32_t *ret);
	void *ctx;
};

struct am_image_fact {
	struct am_fact_key key;
	struct am_set set;
};

struct am_image_net {
	struct am_net_key key;
	struct am_zones zones;
};

/* A file that some subject names as executable or script: whoever publishes the image
 * gives its inode an id and adds the facts {AM_FACT_EXE, id} with `set` and
 * {AM_FACT_SCRIPT, id} with `script`; two entries that turn out to be one inode get the
 * unions of their sets. A pinned one counts only if the file has the digest: else it is
 * as if it were not there. */
struct am_image_exe {
	const char *path;	/* borrowed from the model */
	struct am_pos pos;
	struct am_set set;
	struct am_set script;
	bool is_exe, is_script;	/* what subjects name it as */
	bool pinned;
	uint8_t sha256[AM_SHA256_BYTES];
};

/* A cgroup that some subject names, by path or as a unit's: whoever publishes the image
 * finds its id and adds the fact {AM_FACT_CGROUP, id} with the set of am_image_cgroup_join().
 * One that does not exist has no fact; it may come up later. */
struct am_image_cgroup {
	const char *path;	/* borrowed from the model; NULL if `unit` names it */
	const char *unit;
	struct am_pos pos;
	struct am_set set;
};

/* A subject that no policy names: who is `subject` and runs under one of `purposes` (bit
 * per number). It stands for `subject` where copies of a store with these are read. */
struct am_image_narrow {
	unsigned subject;	/* of the model, or AM_SUBJECT_ANYONE */
	unsigned bit;		/* of the sets; behind the subjects of the model */
	uint64_t purposes;
};

struct am_image_root {
	const char *path;	/* borrowed from the model */
	struct am_pos pos;
	uint32_t store;		/* id; of nested roots each file belongs to the deepest */
};

struct am_image {
	struct am_policy *policy;	/* generation 0 until am_image_stamp() */
	struct am_image_fact *facts;
	size_t n_facts;
	struct am_image_net *nets;
	size_t n_nets;
	struct am_image_exe *exes;
	size_t n_exes;
	struct am_image_cgroup *cgroups;
	size_t n_cgroups;
	struct am_image_narrow *narrows;
	size_t n_narrows;
	/* By the number of the purpose: who may take it on, unless denied (for the agent; the
	 * kernel does not ask), and its name in this policy, borrowed; NULL: not of it. */
	struct am_grant use[AM_PURPOSES_MAX];
	const char *purposes[AM_PURPOSES_MAX];
	struct am_image_root *roots;	/* outer before inner */
	size_t n_roots;
	uint32_t *stores;		/* ids, by store of the model */
};

/* The resolver of this host: getpwnam_r and getgrnam_r. Numbers reach no resolver. */
extern const struct am_resolver am_resolver_host;

/* 0; -EINVAL with errors in `diags` (unknown user, one path in two stores, too many
 * labels ...); -ENOMEM. `registry` is changed also on failure: pass a copy. The
 * image borrows from `model`. */
int am_image_compile(const struct am_model *model, struct am_registry *registry,
		     const struct am_resolver *resolver, struct am_diags *diags,
		     struct am_image **ret);

/* Writes the generation into everything that carries it. */
void am_image_stamp(struct am_image *image, uint32_t generation);

/* A cgroup where it was found, below the cgroup2 mount: "/system.slice/x.service", the root
 * "". */
struct am_image_cgroup_at {
	const char *path;
	struct am_set set;
};

/* The kernel takes the set of the nearest listed cgroup alone, so that of each must hold
 * who the cgroups around it make of a task: joins them in. In any order; equal paths are
 * one cgroup and come to have the same set. */
void am_image_cgroup_join(struct am_image_cgroup_at *at, size_t n);

/* The set of a fact as the kernel finds it; without the facts that are added when the
 * image is published. Borrowed. */
const struct am_set *am_image_fact_set(const struct am_image *image, enum am_fact kind,
				       uint64_t value);

/* The bit of a task that is the subject and runs under one of the purposes: the subject's
 * own if they are none, or its own purpose is among them; AM_SUBJECTS_MAX if no copy is
 * open to it or no task can be that. */
unsigned am_image_narrow(const struct am_image *image, const struct am_model *model,
			 unsigned subject, uint64_t purposes);

/* Whether a task that is these subjects may take on the purpose with this number. */
bool am_image_may_use(const struct am_image *image, const struct am_set *bits, unsigned purpose);

/* The destination's zones as the kernel computes them, from the image: those of its
 * address, with AM_ZONE_ANYWHERE in the place of each that does not take the port. */
void am_image_zones(const struct am_image *image, const uint8_t addr[16], uint8_t proto,
		    uint16_t port, struct am_zones *ret);

void am_image_free(struct am_image *image);
AM_DEFINE_AUTO(am_image);
