/* SPDX-License-Identifier: GPL-2.0 */
/* Facts about a task as this host knows them (numbers, paths), told in the terms of a
 * policy: the point of its space (space.h) that the task is at. */
#pragma once

#include "policy/space.h"

/* A policy of this host, to look at tasks through. All borrowed. */
struct am_view {
	uint32_t generation;
	const struct am_model *model;
	const struct am_image *image;		/* with the numbers of this host */
	const struct am_registry *registry;
	const struct am_space *space;		/* of the model alone */
};

enum { AM_SEEN_ATOMS = 64 };

/* A condition that some subject which the task was has for a fact: so it holds of the task. */
struct am_seen_atom {
	enum am_fact kind;
	const char *text;	/* borrowed from a model */
};

/* All borrowed; NULL where not known. */
struct am_seen {
	const char *exe;
	const char *user;		/* a name, of `uid` */
	const char *login_name;
	uint32_t uid;
	uint32_t login;			/* ~0: none */
	const uint32_t *gids;
	size_t n_gids;
	const char *cgroup;		/* "/system.slice/x.service", or the unit alone */
	const char *purpose;
	const char *script;
	struct am_seen_atom atoms[AM_SEEN_ATOMS];
	size_t n_atoms;
	/* Numbers as text, where there is no name. */
	char uid_text[12], login_text[12];
};

/* Takes over what the subjects in `bits`, found by the kernel under the view's policy, ask
 * for: groups named by nobody here, what is around a unit and the like. */
void am_seen_infer(struct am_seen *seen, const struct am_view *view, const struct am_set *bits);

/* *ret borrows from `seen` and the view. */
void am_seen_who(struct am_seen *seen, const struct am_view *view, struct am_who *ret);

/* Whether the task at this point is, of the model's subjects, exactly those in `bits`. */
bool am_who_is(const struct am_view *view, const struct am_who *who, const struct am_set *bits);
