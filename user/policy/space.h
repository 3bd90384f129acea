/* SPDX-License-Identifier: GPL-2.0 */
/* Every combination of facts about a task that a policy can tell apart, and the exact
 * answer to: is there one that is all of these subjects and none of those?
 *
 * The space is finite. Of each kind of fact (executable, user ...) there is a class for
 * every value that some subject mentions and one for any other value; of groups and
 * cgroups, of which a task has several, every set of mentioned ones that can be together.
 * Tasks whose facts fall into the same classes are the same subjects, so nothing finer can
 * matter. It is not walked through, though, since the following saves that:
 *
 *   A subject is a conjunction of conditions that something *is* the case; there is no
 *   condition that something is not. So the class "any other" of a kind is in the set of
 *   exactly the subjects that do not mention the kind, and these are in the set of every
 *   other class too; with each further group or cgroup a task is the same subjects or
 *   more. Hence of all tasks that are certain subjects, the one with "any other" wherever
 *   these subjects mention nothing, and with no group that they do not need, is the fewest
 *   other subjects. If that one is a forbidden subject, then so is every task that is the
 *   wanted ones. Where the wanted subjects can be met by several values, each is tried.
 *
 * That the sets hold what the argument needs is asserted when a space is made.
 *
 * What the answer is about: without a host, names that differ stand for things that
 * differ (and `root` is number 0). On a host two names may be one account, and two paths
 * one executable, as hard links and symbolic links are: a task is then the subjects of
 * both at once, which no combination of facts here is. A space of that host, made with
 * its resolver and its file identities, counts such twins as the one thing that they
 * are, and its answers hold there. Cgroups lie in one another as their paths say; a unit
 * may lie in any slice, and in no other unit but a user's manager. */
#pragma once

#include "policy/image.h"
#include "policy/place.h"

enum { AM_SPACE_POLICIES = AM_PLACE_IMAGES };

/* A value that some subject mentions, or some purpose of a policy. */
struct am_space_value {
	enum am_fact kind;
	uint64_t number;		/* AM_FACT_USER, _GROUP, _LOGIN */
	unsigned purpose[AM_SPACE_POLICIES];	/* AM_FACT_PURPOSE; 0: a policy has it not */
	uint64_t file[2];		/* AM_FACT_EXE, _SCRIPT: its identity on the host, or 0 */
	const uint8_t *sha256;		/* AM_FACT_EXE: with this content; NULL: with any other */
	const char *text;		/* as a policy writes it, borrowed */
	bool is_unit;			/* AM_FACT_CGROUP: not a path */
	struct am_set set[AM_SPACE_POLICIES];
};

/* One fact about a task. */
struct am_who_fact {
	const struct am_space_value *value;	/* NULL: any that no subject mentions */
	const char *said;			/* how it was put, borrowed; or NULL */
};

/* Facts about a task: one point of the space. All zero: nobody in particular. */
struct am_who {
	struct am_who_fact facts[AM_FACT_MAX_];	/* of the kinds of which there is one */
	struct am_who_fact groups[AM_GROUPS_MAX];
	struct am_who_fact cgroups[AM_CGROUP_DEPTH];	/* mentioned ones that hold the task */
	unsigned n_groups, n_cgroups;
	bool unknown;		/* some fact cannot be established: on-error decides */
};

/* What tells the twins of a host. */
struct am_space_host {
	const struct am_resolver *resolver;
	/* The file that the path names, followed; a negative errno if there is none. */
	int (*file)(void *ctx, const char *path, uint64_t ret[2]);
	void *ctx;
};

struct am_space_name;

/* One policy, or two that are to be compared. Read-only to others. */
struct am_space {
	size_t n_policies;
	const struct am_model *models[AM_SPACE_POLICIES];	/* borrowed */
	struct am_registry *registries[AM_SPACE_POLICIES];
	struct am_image *images[AM_SPACE_POLICIES];
	const struct am_store **stores[AM_SPACE_POLICIES];	/* by store of the model */
	unsigned labels[AM_SPACE_POLICIES][AM_LABELS_MAX];	/* bit, by label of the model */
	struct am_space_name *names;	/* the numbers given to names, without a host */
	size_t n_names;
	struct am_space_value *values;
	size_t n_values;
	struct am_place *places;	/* the destinations that the policies tell apart */
	size_t n_places;
};

/* Compiles the models, without a host if that is NULL. 0; -EINVAL with errors in `diags`
 * if one does not compile; -ENOMEM. The space borrows the models. */
int am_space_new(const struct am_model *const *models, size_t n, const struct am_space_host *host,
		 struct am_diags *diags, struct am_space **ret);

void am_space_free(struct am_space *space);
AM_DEFINE_AUTO(am_space);

/* The value that a person names so, and for an executable its content: the digest in
 * hexadecimal, or a word that is none for any other; NULL: the one that a subject asks
 * for, if one does. NULL if no subject mentions it. */
const struct am_space_value *am_space_value(const struct am_space *space, enum am_fact kind,
					    const char *text, const char *sha256);

/* The number of the purpose of the model; 0 for -1. */
unsigned am_space_purpose(const struct am_space *space, unsigned policy, int purpose);

/* ---- searching (search.c) --------------------------------------------------- */

/* The subjects that a task with "any other" of the kind can still be. */
static inline const struct am_set *am_space_unlisted(const struct am_space *space, unsigned policy,
						     enum am_fact kind)
{
	return &space->images[policy]->policy->unlisted[kind];
}

/* The subjects that a task with these facts is under a policy, as the kernel computes them. */
void am_space_bits(const struct am_space *space, unsigned policy, const struct am_who *who,
		   struct am_set *ret);

/* A task that is wanted, of each policy: all of these subjects, none of those, under one of
 * these purposes. */
struct am_goal {
	struct am_set is[AM_SPACE_POLICIES];
	struct am_set is_not[AM_SPACE_POLICIES];
	uint64_t purposes[AM_SPACE_POLICIES];	/* bit per number, bit 0 is none; 0: any */
};

/* Whether there is such a task; then *ret is the one with the fewest facts. */
bool am_space_find(const struct am_space *space, const struct am_goal *goal, struct am_who *ret);

/* The subjects that tasks are which are a certain one and else as little as can be: every
 * task that is it is all of one of these sets, or more. */
struct am_points {
	struct am_set *bits;
	size_t count;
	bool lost;
};

/* In a space of one policy. 0 or -ENOMEM; the caller frees ret->bits either way. */
int am_space_points(const struct am_space *space, unsigned subject, struct am_points *ret);

/* ---- facts in words (who.c) ------------------------------------------------- */

/* Sets, or for groups and cgroups adds, a fact as a person names it. -ERANGE for too many.
 * `text` is borrowed as long as `who` lives. */
int am_who_say(const struct am_space *space, struct am_who *who, enum am_fact kind,
	       const char *text);

/* Facts that some subject mentions: what makes the task somebody in particular. */
unsigned am_who_count(const struct am_who *who);

/* Whether every fact of `part` that some subject mentions is one of `who`. */
bool am_who_contains(const struct am_who *who, const struct am_who *part);

enum am_who_style {
	AM_WHO_INVALID = 0,
	AM_WHO_SHORT,		/* user=acme; nothing for nobody in particular */
	AM_WHO_FULL,		/* user=acme exe=any other; anyone where no subject mentions any */
	AM_WHO_MAX_,
};

void am_who_print(const struct am_space *space, const struct am_who *who, enum am_who_style style,
		  FILE *out);

/* exe, user, group ... */
const char *am_fact_word(enum am_fact kind);
