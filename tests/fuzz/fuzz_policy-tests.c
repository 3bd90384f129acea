// SPDX-License-Identifier: GPL-2.0
/* Any bytes as a file of tests, of the policy beside the seeds: reading must end in tests
 * or in errors that help, and what is read must be decided and explained, and nearest rules
 * must be near. Seeds: tests/data/policy-tests. */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/testfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct am_space *make_space(void)
{
	static struct am_model *model;
	struct am_space *space = NULL;
	struct am_diags d;

	am_diags_init(&d);
	assert(!am_model_load("tests/data/policy-tests/registry.yaml", &d, &model));
	assert(!am_space_new((const struct am_model *const *)&model, 1, NULL, &d, &space));
	am_diags_done(&d);
	return space;
}

static void check_diags(const struct am_diags *d, size_t lines, int err)
{
	assert((err == 0) == (d->errors == 0));
	for (size_t i = 0; i < d->count; i++) {
		const struct am_diag *item = &d->items[i];

		assert(item->fact[0] && item->hint[0]);
		assert(item->hint[strlen(item->hint) - 1] == '.');
		assert(item->line <= lines + 1);
	}
}

static void check_near(const struct am_space *space, const struct am_answer *answer)
{
	struct am_access access = answer->part;
	struct am_decision decision;

	if (!answer->near.rule)
		return;
	if (answer->near.place)
		access.place = answer->near.place;
	am_access_decide(space, 0, &access, &answer->near.who, &decision);
	assert(decision.verdict == AM_VERDICT_ALLOW);
}

static void run(const struct am_space *space, const struct am_test *test)
{
	am_autofree char *text = NULL;
	struct am_answer answer;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert(out);
	(void)am_test_run(test, space, &answer);	/* whatever it expects */
	assert(answer.decision.verdict && answer.decision.reason);
	check_near(space, &answer);
	am_answer_print(space, &test->ask, &answer, out);
	am_answer_print_fact(space, &test->ask, &answer, out);
	if (answer.near.rule)
		am_answer_print_changes(space, &test->ask, &answer.near, out);
	assert(!fclose(out) && len && !strchr(text, '\n'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct am_space *space;
	am_auto(am_tests) struct am_tests *tests = NULL;
	struct am_diags d;
	size_t lines = 1;
	int err;

	if (!space)
		space = make_space();
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n' || data[i] == '\r';
	am_diags_init(&d);
	err = am_tests_parse("fuzz", (const char *)data, size, space, &d, &tests);
	assert(err == 0 || err == -EINVAL);
	assert((err == 0) == (tests != NULL));
	check_diags(&d, lines, err);
	am_diags_done(&d);
	for (size_t i = 0; tests && i < tests->count; i++)
		run(space, &tests->items[i]);
	return 0;
}
