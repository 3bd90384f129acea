/* SPDX-License-Identifier: GPL-2.0 */
/* An answer (ask.h) as people and programs get it: the rows below a verdict, and the members
 * of a JSON object. The same from a policy file and from a running agent. In a space of one
 * policy. */
#pragma once

#include "event/json.h"
#include "policy/ask.h"

/* `reason`, and where there are any `mode`, `rule`, `fact`, `nearest`, `needs`: one line
 * each, indented. */
void am_answer_rows(const struct am_space *space, const struct am_ask *ask,
		    const struct am_answer *answer, FILE *out);

/* `verdict`, `reason`, `enforced`, `why`, `rule`, `fact`, `nearest`, `needs`. 0 or -ENOMEM. */
int am_answer_members(struct am_json *j, const struct am_space *space, const struct am_ask *ask,
		      const struct am_answer *answer);

/* `user=acme exe=/usr/bin/psql read citizen-registry`; and that as a member. */
void am_ask_print(const struct am_space *space, const struct am_ask *ask, FILE *out);
int am_ask_member(struct am_json *j, const char *key, const struct am_space *space,
		  const struct am_ask *ask);

/* `TITLE 3, policy.yaml:21:5: allow registry-db to read citizen-registry` */
void am_rule_print(const struct am_space *space, const char *title,
		   const struct am_model_rule *rule, FILE *out);
