/* SPDX-License-Identifier: GPL-2.0 */
/* An event that is being explained. Private to explain.c and question.c. */
#pragma once

#include <stdio.h>

#include "policy/image.h"

/* What is asked about, and where the answer goes. */
struct am_question {
	const struct am_model *model;
	const struct am_image *image;
	const struct am_registry *registry;
	const struct am_event *event;
	const char *exe;
	int store;	/* of the model; -1: none, or none of this model's */
	FILE *out;
};

/* What the event shows of the task: user=acme exe=/usr/bin/cat. */
void am_question_say_who(const struct am_question *q);

/* The conditions of a subject of the model that it does not show to hold: a bit per am_fact. */
unsigned am_question_unmet(const struct am_question *q, unsigned subject);

/* Those, each with a blank before it; or else what must have been otherwise. */
void am_question_say_needs(const struct am_question *q, unsigned subject);
