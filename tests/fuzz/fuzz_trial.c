// SPDX-License-Identifier: GPL-2.0
/* Lines of the self-test's runner, events and lists, in any order and of any kind. The first
 * byte of a line says what it is taken for. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/trial.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(struct am_trials *t, const char *line)
{
	switch (*line) {
	case 'e':
		am_trials_event(t, line + 1);
		break;
	case 'k':
		(void)am_trials_known(t, line + 1, "6.1/lsm");
		break;
	default:
		(void)am_trials_run(t, line);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	am_auto(am_trials) struct am_trials *t = am_trials_new();
	am_autofree char *text = malloc(size + 1);
	char *rest = NULL, *line;
	size_t i;

	if (!t || !text)
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		take(t, line);
	(void)am_trials_complete(t);
	for (i = 0; i < am_trials_count(t); i++) {
		struct am_trial trial = am_trials_at(t, i);

		assert(strcmp(am_outcome_name(trial.outcome), "?"));
		assert(strlen(trial.family) < 48 && strlen(trial.name) < 48);
	}
	return 0;
}
