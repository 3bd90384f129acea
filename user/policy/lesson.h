/* SPDX-License-Identifier: GPL-2.0 */
/* The insides of a lesson. Private to policy/learn*.c and policy/lesson_*.c. */
#pragma once

#include "policy/learn.h"

/* ---- making it (learn.c) ---------------------------------------------------------- */

/* What can be written into a policy, and read there by a person as what it is. */
bool am_learn_is_plain(const char *text);
const char *am_learn_base_name(const char *path);

/* Both NULL, or the same. */
bool am_lesson_is_same_text(const char *a, const char *b);

void am_lesson_join_evidence(struct am_evidence *e, const struct am_evidence *more);

/* Of the same subject, to the same store or destination, whatever the labels. */
bool am_lesson_is_same_grant(const struct am_lesson_grant *a, const struct am_lesson_grant *b);

/* (learn_cover.c) Leaves out subjects that others cover, and those without grants. */
void am_lesson_drop_covered(struct am_lesson *l);

/* Whether `b` may all that `a` may. */
bool am_lesson_needs_no_more(const struct am_lesson *l, size_t a, size_t b);

/* Leaves out `a`, whose grants `b` has too. */
void am_lesson_cover(struct am_lesson *l, size_t a, size_t b);

/* (learn_groups.c) Makes one subject of many users who have a group in common. */
void am_lesson_join_users(struct am_lesson *l);

/* (learn_names.c) A name like `wish` that nothing of the policy or the lesson has; names for
 * all subjects. 0 or -ENOMEM. */
int am_lesson_name(const struct am_lesson *l, const char *wish, char **ret);
int am_lesson_name_subjects(struct am_lesson *l);

/* (learn_zones.c) Whether a zone can ask for the protocol and port of the place. */
bool am_learn_has_port(const struct am_place *place);

/* Gives each SEND of the lesson a zone: one of the policy's that is not much wider, a
 * built-in one for other processes of the host, or a new one. 0 or -ENOMEM. */
int am_learn_zones(struct am_lesson *l);

/* ---- telling it (lesson_rules.c) ---------------------------------------------------- */

/* What one rule is made of: grants of one subject that can be said in one sentence. */
struct am_lesson_rule {
	const struct am_lesson *l;
	size_t subject;
	unsigned ops;		/* bits of READ, WRITE; 0: SEND */
	uint64_t labels;	/* SEND */
};

typedef void (*am_lesson_rule_fn)(const struct am_lesson_rule *r, void *ctx);

void am_lesson_each_rule(const struct am_lesson *l, am_lesson_rule_fn call, void *ctx);

/* Whether the grant is part of the rule. */
bool am_lesson_rule_has(const struct am_lesson_rule *r, const struct am_lesson_grant *g);

/* `allow psql-acme to read, write citizen-registry` */
void am_lesson_rule_print(const struct am_lesson_rule *r, FILE *out);
void am_lesson_labels_print(const struct am_lesson *l, uint64_t labels, FILE *out);

/* Of a SEND. */
const char *am_lesson_zone_name(const struct am_lesson *l, const struct am_lesson_grant *g);

/* All that a subject did; all that went to a new zone, with a count of 0 if it is not used. */
struct am_evidence am_lesson_evidence(const struct am_lesson *l, size_t subject);
struct am_evidence am_lesson_zone_evidence(const struct am_lesson *l, size_t zone);
struct am_evidence am_sighting_evidence(const struct am_sighting *s);

/* What to be careful about; NULL: nothing. */
const char *am_lesson_warning(const struct am_lesson_subject *s);
