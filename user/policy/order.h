/* SPDX-License-Identifier: GPL-2.0 */
/* A model in the order of its canonical text (canon.h): subjects, zones and stores by the
 * bytes of their names. By their places subjects and zones get the numbers that records
 * carry, and what is kept of a policy is the canonical text: so a policy of this host's own
 * files is put in this order before it is compiled, and what it has decided can be decided
 * again from the text that is kept. Rules keep their order and so their numbers, which
 * people know them by and which no record carries. */
#pragma once

#include "policy/model.h"

/* 0 or -ENOMEM, and the model is as it was. */
int am_model_order(struct am_model *m);
