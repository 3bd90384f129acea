/* SPDX-License-Identifier: GPL-2.0 */
/* From what was refused, or would have been, to the smallest set of subjects, zones and rules
 * that allows it: to be read by a person, who pastes what is right.
 *
 * Always true of a lesson: its subjects are no wider than what was seen (an executable and a
 * user at least, with the script, and the unit, login or purpose where it was always the same),
 * but that AM_LESSON_GROUP_LEAST users or more who did the same are one subject by a group that
 * all of them have, and the others of that group with them; its zones hold the
 * destinations seen and no other, or are zones that the policy has; it never lets anyone, and
 * never to `anywhere`; what a rule denies by name stays denied. */
#pragma once

#include "event/groups.h"
#include "policy/inquiry.h"
#include "store/observed.h"

/* One row of observations and the names that the host has for its numbers. Borrowed. */
struct am_sighting {
	const struct am_observed_row *row;
	const char *user;	/* NULL: the number */
	const char *login_name;
	uint64_t count;		/* of the time asked for */
};

/* More are counted, the least frequent first, and told. */
enum { AM_LESSON_GRANTS = 2048, AM_LESSON_REFUSALS = 2048 };

enum { AM_LESSON_GROUP_LEAST = 3 };

struct am_evidence {
	uint64_t count;
	int64_t first_s, last_s;
	const char *example;	/* path or destination, borrowed; "" for none */
};

struct am_lesson_subject {
	char *name;
	int known;		/* a subject that the policy has; -1: a new one */
	const char *exe;	/* borrowed from a sighting, like the next ones */
	const char *user;	/* NULL: `uid` */
	uint32_t uid;
	const char *login_name;
	uint32_t login;		/* ~0: is not asked for */
	const char *unit;	/* NULL: is not asked for */
	const char *script;	/* NULL: none, and so for the next */
	const char *purpose;
	struct am_group groups[AM_GROUPS_MAX + 1];	/* that it always had */
	unsigned n_groups;
	unsigned n_users;	/* 0: one; else that the first of `groups` stands for */
	bool is_shell, is_interpreter;
	bool dropped;		/* another one covers it, or it has no grants */
};

/* Something that a subject did. */
struct am_lesson_grant {
	size_t subject;
	unsigned op;		/* am_op */
	int store;		/* of the model; of READ, WRITE */
	unsigned ops;		/* bits of all that the subject does to the store */
	uint64_t labels;	/* of the model; of SEND: those that lack a rule */
	struct am_place place;	/* of SEND */
	int zone;		/* AM_ZONE_*, of the model; -1: of the lesson, the next */
	size_t new_zone;
	struct am_evidence evidence;
	char dest[AM_PLACE_TEXT];
};

struct am_lesson_zone {
	char *name;
	struct am_place *places;	/* one per address; owned */
	size_t n_places;
	struct am_model_port *ports;
	size_t n_ports;
	size_t subject;
	uint64_t labels;
};

struct am_lesson_refusal {
	const struct am_sighting *sighting;
	struct am_place place;
	char *why;
};

struct am_lesson {
	const struct am_view *view;	/* borrowed */
	struct am_lesson_subject *subjects;
	size_t n_subjects;
	struct am_lesson_grant *grants;
	size_t n_grants;
	struct am_lesson_zone *zones;
	size_t n_zones;
	struct am_lesson_refusal *refusals;
	size_t n_refusals;
	uint64_t allowed;	/* accesses that the policy in force allows by now */
	size_t too_many;	/* rows beyond the bounds */
};

/* What to learn, beside the sightings. */
struct am_learn_wish {
	int store;		/* of the model: its accesses, and sends of its labels; -1: all */
};

/* Sightings without a count are left alone. They, and the view, must outlive the lesson. 0 or
 * -ENOMEM; *ret is owned. */
int am_learn(const struct am_view *view, const struct am_sighting *sightings, size_t n,
	     const struct am_learn_wish *wish, struct am_lesson **ret);

/* What goes above it. */
struct am_lesson_head {
	int64_t since_s;	/* 0: all that is known */
	int64_t now_s;
	uint64_t left_out;	/* accesses for which the table had no room */
	uint64_t lost;		/* refusals that the kernel's full ring did not tell, of this run */
};

/* A file for the policy's folder: sections `subjects`, `zones` and `rules`, each line with its
 * evidence, and what is not proposed as comments. 0 or -errno of the stream. */
int am_lesson_yaml(const struct am_lesson *l, const struct am_lesson_head *head, FILE *out);
int am_lesson_json(const struct am_lesson *l, const struct am_lesson_head *head, FILE *out);

/* Whether something is proposed. */
bool am_lesson_proposes(const struct am_lesson *l);

void am_lesson_free(struct am_lesson *l);
AM_DEFINE_AUTO(am_lesson);
