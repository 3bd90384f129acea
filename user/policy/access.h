/* SPDX-License-Identifier: GPL-2.0 */
/* One access as policies see it: what is done to which data, and where to. Together with
 * who asks (am_who) it is all that am_decide() knows. */
#pragma once

#include "decide.h"
#include "policy/space.h"

struct am_access {
	unsigned op;		/* am_op, or AM_OP_USE */
	int store;		/* of the model; -1: the object is in none */
	/* Bit per label of the model. READ: what the object carries beyond its store's.
	 * WRITE: what the task carries. SEND: what the task carries and sends. */
	uint64_t labels;
	const struct am_place *place;	/* SEND; one of the space's or with its zones */
	int purpose;		/* AM_OP_USE: of the model */
};

/* read, write, send, use */
const char *am_access_word(unsigned op);

/* What the kernel would decide under one policy of the space; of AM_OP_USE the agent. */
void am_access_decide(const struct am_space *space, unsigned policy,
		      const struct am_access *access, const struct am_who *who,
		      struct am_decision *ret);

/* All that decides an access: who may, and who may not whatever else. There is one for an
 * access to a store alone, with one label alone, of a purpose, or to nothing protected. */
struct am_lock {
	struct am_grant grant;
	bool open;		/* to everybody whom no rule denies */
	bool error_open;	/* on-error: allow, whatever the rules say */
	uint64_t purposes;	/* bit per number: under one of these only; 0: under any, or none */
};

void am_access_lock(const struct am_space *space, unsigned policy, const struct am_access *access,
		    struct am_lock *ret);

/* Whether some task may, under `policy`, that is also what `also` (NULL: anything) wants.
 * Then *ret is the one with the fewest facts, and am_decide() has confirmed it. */
bool am_access_find(const struct am_space *space, unsigned policy, const struct am_access *access,
		    const struct am_goal *also, struct am_who *ret);

/* The subject that the rule is about, as a bit. */
unsigned am_rule_subject(const struct am_model_rule *rule);

/* Whether rule `rule` of the model speaks of this access, whoever asks: of the operation
 * and the store, or of one of the labels and a zone of the destination. */
bool am_access_concerns(const struct am_space *space, unsigned policy,
			const struct am_access *access, const struct am_model_rule *rule);

/* The first rule that lets the task, or with `deny` forbids it; NULL if there is none. */
const struct am_model_rule *am_access_rule(const struct am_space *space, unsigned policy,
					   const struct am_access *access,
					   const struct am_who *who, bool deny);

/* `citizen-registry`, `copies that carry cnic`, `cnic, health to 10.20.0.1:5432/tcp`: what
 * stands behind the operation in a sentence. */
void am_access_print_object(const struct am_space *space, unsigned policy,
			    const struct am_access *access, FILE *out);
