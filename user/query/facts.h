/* SPDX-License-Identifier: GPL-2.0 */
/* What a row tells about an access, in the terms of a policy that need not be the one that
 * decided it, and maybe of another host: labels and stores are found by their names, never
 * by their numbers. */
#pragma once

#include <stdbool.h>

#include "ledger/row.h"
#include "policy/access.h"

/* Whether the row is a decision: not a repeat of one, not what followed from one. */
bool am_facts_is_decision(const struct am_row *row);

/* At pipes and queues, and for a core dump, the kernel asks when nothing can be refused any
 * more. Whether the row may be such a decision, that was told only. */
bool am_facts_came_late(const struct am_row *row);

/* The index of the row's store in the model; -1: the model has none of this name. */
int am_facts_store(const struct am_row *row, const struct am_model *model);

/* Bit per label of the model: those of the row that it has. False if a label of the row has
 * no name there, so that which it was cannot be told; labels that only the model lacks are
 * no error. */
bool am_facts_labels(const struct am_row *row, const struct am_model *model, uint64_t *ret);

/* Whether the row holds all that subjects can ask for; older rows lack groups, purpose and
 * script. What it says of them counts only then. */
bool am_facts_are_whole(const struct am_row *row);

/* Whether the process counted as its executable and its script; else it was neither. */
bool am_facts_is_itself(const struct am_row *row);

/* The index of the row's purpose in the model; -1: it had none, or none of the model's. */
int am_facts_purpose(const struct am_row *row, const struct am_model *model);

/* The zones that the kernel found, in the numbers of the policy that decided. */
void am_facts_zones(const struct am_row *row, struct am_zones *ret);

/* Where data went, in the terms of every policy of the space. */
void am_facts_place(const struct am_row *row, const struct am_space *space, struct am_place *ret);

void am_facts_bits(const struct am_row *row, struct am_set *ret);
