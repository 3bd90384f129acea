/* SPDX-License-Identifier: GPL-2.0 */
/* Tasks that one policy lets do what another does not: the question behind every line of a
 * difference. Private to policy/. */
#pragma once

#include "policy/access.h"
#include "policy/diff.h"

/* What has been found before, by all that it depends on: large policies ask the same of
 * thousands of stores and destinations. */
struct am_differ_memo;

int am_differ_memo_new(struct am_differ_memo **ret);
void am_differ_memo_free(struct am_differ_memo *memo);
AM_DEFINE_AUTO(am_differ_memo);

/* One direction of a comparison. */
struct am_differ {
	const struct am_space *space;	/* of two policies */
	struct am_diff *diff;		/* what is found goes here */
	enum am_change_kind kind;
	unsigned has, lacks;		/* the policy that allows, and the one that does not */
	struct am_differ_memo *memo;	/* of this direction */
};

/* A task to which it makes a difference, with no fact that is not needed for it. */
struct am_different {
	struct am_who who;
	unsigned subject;	/* of the policy that allows; AM_SUBJECTS_MAX: no rule is needed */
};

struct am_differents {
	struct am_different *items;	/* owned by the caller */
	size_t count;
};

/* Who may do `has` under the policy that allows and not `lacks` under the other; NULL for
 * what a policy knows nothing of: nobody may. Of tasks one of which has all the facts of
 * another only the other is told. 0 or -ENOMEM; *ret is the caller's either way. */
int am_differ_find(const struct am_differ *d, const struct am_access *has,
		   const struct am_access *lacks, struct am_differents *ret);

/* Adds a change, or `what` to one that is the same but for it. `what` and `to` are copied;
 * `has` and `lacks` are as above, and tell who is excepted. 0 or -ENOMEM. */
int am_differ_add(const struct am_differ *d, const struct am_different *who,
		  const struct am_access *has, const struct am_access *lacks, const char *what,
		  const char *to);

void am_change_done(struct am_change *c);

/* Destinations (diff_send.c): all that there is to say about who may send a label, by its
 * index in each policy, or -1. 0 or -ENOMEM. */
int am_differ_send(const struct am_differ *d, const int labels[AM_SPACE_POLICIES]);
