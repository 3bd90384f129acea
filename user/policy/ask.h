/* SPDX-License-Identifier: GPL-2.0 */
/* "Might this task do this?" in the words of a person: facts as a policy writes them, a
 * store or a path, labels, a destination. What `policy test` and `policy explain` ask. */
#pragma once

#include "policy/access.h"

/* All zero but for `access.store`: -1. Texts that were given are borrowed. */
struct am_ask {
	struct am_who who;
	struct am_access access;	/* its place is the one below */
	struct am_place place;
};

void am_ask_init(struct am_ask *ask);

/* `path` is the name of a store, or a path: of the store that it lies in, without looking
 * at this host (a link leads where its name says). 0; -ENOENT if there is no such store;
 * -EINVAL if it is a path that is not well-formed. */
int am_ask_object(struct am_ask *ask, const struct am_space *space, const char *path);

/* 0; -ENOENT if the policy has no such label, or purpose. */
int am_ask_label(struct am_ask *ask, const struct am_space *space, const char *name);
int am_ask_use(struct am_ask *ask, const struct am_space *space, const char *name);

/* As am_place_parse(). */
int am_ask_place(struct am_ask *ask, const struct am_space *space, const char *text);

/* ---- the answer (answer.c) -------------------------------------------------- */

/* A rule that would have allowed it, had the facts been these. */
struct am_near {
	const struct am_model_rule *rule;	/* NULL: there is none, whatever the facts */
	struct am_who who;
	const struct am_place *place;		/* SEND: NULL if it is the one asked about */
	unsigned changes;
};

struct am_answer {
	struct am_decision decision;
	const struct am_model_rule *rule;	/* that decided; NULL: the absence of one */
	int label;				/* that it was about, of the model; -1: none */
	struct am_access part;			/* of the access, that it was about */
	struct am_near near;			/* when it is denied */
};

/* Decides as the kernel does, and finds out why. */
void am_answer_find(const struct am_space *space, const struct am_ask *ask,
		    struct am_answer *ret);

/* In one line: `rule 6: acme-support is denied`. */
void am_answer_print(const struct am_space *space, const struct am_ask *ask,
		     const struct am_answer *answer, FILE *out);

/* What decided: `user=acme is acme-support`. */
void am_answer_print_fact(const struct am_space *space, const struct am_ask *ask,
			  const struct am_answer *answer, FILE *out);

/* What would have to be otherwise: `exe=/usr/bin/psql instead of any other`. Only with a
 * rule that is near. */
void am_answer_print_changes(const struct am_space *space, const struct am_ask *ask,
			     const struct am_near *near, FILE *out);
