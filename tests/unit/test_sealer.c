// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The agent is not part of what tests link: this one brings its piece along, with a kernel
 * side made of one number. */
#include "agent/sealer.c"

enum { ONE = 1, TWO = 2 };	/* stores */

static uint64_t sealing;

uint64_t am_engine_sealing(const struct am_engine *e)
{
	(void)e;
	return sealing;
}

void am_engine_sealing_lower(struct am_engine *e, uint64_t by)
{
	(void)e;
	assert_true(by <= sealing);
	sealing -= by;
}

struct world {
	char dir[64];
	struct am_policy *policy;
	struct am_diags diags;
	struct am_roots *roots;
	struct am_sealer sealer;
	unsigned labelled[3];	/* per store, files that were looked at */
	bool broken;		/* nothing can be labelled */
};

/* ---- a kernel side that has no labels ------------------------------------- */

static int read_tag(void *ctx, int fd, struct am_tag *ret)
{
	(void)ctx;
	(void)fd;
	(void)ret;
	return -ENOENT;
}

static int add_tag(void *ctx, int fd, const struct am_tag *tag)
{
	struct world *w = ctx;

	(void)fd;
	if (w->broken)
		return -ENOMEM;
	w->labelled[tag->store]++;
	return 0;
}

static int make_stray(void *ctx, int fd)
{
	(void)ctx;
	(void)fd;
	return 0;
}

static int set_up(void **state)
{
	static const char *const names[] = { "one", "two" };
	struct world *w = calloc(1, sizeof(*w));
	const struct am_seal_ops ops = { read_tag, add_tag, add_tag, make_stray, w };
	char paths[2][PATH_MAX];
	struct am_root_spec specs[2];
	struct am_seal *seal;

	*state = w;
	sealing = 0;
	(void)snprintf(w->dir, sizeof(w->dir), "%s/amanat-sealer-XXXXXX", P_tmpdir);
	if (!mkdtemp(w->dir))
		return -1;
	w->policy = calloc(1, sizeof(*w->policy));
	am_diags_init(&w->diags);
	for (uint32_t i = 0; i < 2; i++) {
		(void)snprintf(paths[i], PATH_MAX, "%s/%s", w->dir, names[i]);
		if (mkdir(paths[i], 0700) < 0)
			return -1;
		specs[i] = (struct am_root_spec){ .path = paths[i], .store = i + 1 };
		w->policy->stores[i + 1].id = i + 1;
	}
	if (am_roots_open(specs, 2, &w->diags, &w->roots) < 0 ||
	    am_seal_new(w->roots, w->policy, &ops, &seal) < 0)
		return -1;
	am_sealer_init(&w->sealer, NULL);
	/* A policy comes into force. */
	sealing = 1;
	am_sealer_take(&w->sealer, seal);
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	char path[PATH_MAX];

	am_sealer_done(&w->sealer);
	am_roots_free(w->roots);
	am_diags_done(&w->diags);
	(void)snprintf(path, sizeof(path), "%s/one", w->dir);
	(void)rmdir(path);
	(void)snprintf(path, sizeof(path), "%s/two", w->dir);
	(void)rmdir(path);
	(void)rmdir(w->dir);
	free(w->policy);
	free(w);
	return 0;
}

/* Goes on until there is nothing to do at this time. */
static void go_on(struct world *w, int64_t now_ms)
{
	am_sealer_tick(&w->sealer, now_ms);
	while (am_sealer_step(&w->sealer, now_ms))
		;
}

/* A folder comes into a store; its event may have to be read yet. */
static void move_in(void)
{
	sealing++;
}

/* All is sealed, and then two folders come. */
static void sealed_until_two_move_in(struct world *w)
{
	go_on(w, 0);
	go_on(w, 0);
	move_in();
	move_in();
}

static void walks_all_stores_after_a_policy_and_pays(void **state)
{
	struct world *w = *state;

	assert_false(am_sealer_is_sealed(&w->sealer));
	go_on(w, 0);
	assert_int_equal(w->labelled[ONE], 1);
	assert_int_equal(w->labelled[TWO], 1);
	assert_int_equal(sealing, 0);
	assert_true(am_sealer_is_sealed(&w->sealer));
}

static void walks_one_store_when_every_walk_that_is_due_is_for_it(void **state)
{
	struct world *w = *state;

	sealed_until_two_move_in(w);
	am_sealer_ask(&w->sealer, TWO);
	am_sealer_ask(&w->sealer, TWO);
	go_on(w, 0);
	assert_int_equal(w->labelled[ONE], 1);
	assert_int_equal(w->labelled[TWO], 2);
	assert_int_equal(sealing, 0);
}

static void walks_all_stores_when_they_ask_for_different_ones(void **state)
{
	struct world *w = *state;

	sealed_until_two_move_in(w);
	am_sealer_ask(&w->sealer, ONE);
	am_sealer_ask(&w->sealer, TWO);
	go_on(w, 0);
	assert_int_equal(w->labelled[ONE], 2);
	assert_int_equal(w->labelled[TWO], 2);
	assert_int_equal(sealing, 0);
}

static void walks_all_stores_when_an_event_was_lost(void **state)
{
	struct world *w = *state;

	sealed_until_two_move_in(w);
	am_sealer_ask(&w->sealer, TWO);
	go_on(w, 0);
	assert_int_equal(w->labelled[ONE], 2);
	assert_int_equal(w->labelled[TWO], 2);
	assert_int_equal(sealing, 0);
	/* The lost one is forgotten. */
	go_on(w, 0);
	move_in();
	am_sealer_ask(&w->sealer, ONE);
	go_on(w, 0);
	assert_int_equal(w->labelled[ONE], 3);
	assert_int_equal(w->labelled[TWO], 2);
}

static void walks_again_for_what_came_in_during_the_walk(void **state)
{
	struct world *w = *state;

	/* Its event comes too late to say which store. */
	move_in();
	assert_true(am_sealer_step(&w->sealer, 0) || sealing == 1);
	go_on(w, 0);
	assert_int_equal(w->labelled[ONE], 2);
	assert_int_equal(sealing, 0);
	assert_true(am_sealer_is_sealed(&w->sealer));
}

static void does_not_pay_while_files_cannot_be_labelled_and_tries_again_later(void **state)
{
	struct world *w = *state;

	w->broken = true;
	go_on(w, 1000);
	assert_int_equal(sealing, 1);
	assert_false(am_sealer_is_sealed(&w->sealer));
	w->broken = false;
	go_on(w, 1000 + RETRY_MS - 1);
	assert_int_equal(sealing, 1);
	go_on(w, 1000 + RETRY_MS);
	assert_int_equal(sealing, 0);
	assert_true(am_sealer_is_sealed(&w->sealer));
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_WORLD(walks_all_stores_after_a_policy_and_pays),
		WITH_WORLD(walks_one_store_when_every_walk_that_is_due_is_for_it),
		WITH_WORLD(walks_all_stores_when_they_ask_for_different_ones),
		WITH_WORLD(walks_all_stores_when_an_event_was_lost),
		WITH_WORLD(walks_again_for_what_came_in_during_the_walk),
		WITH_WORLD(does_not_pay_while_files_cannot_be_labelled_and_tries_again_later),
	};

	return cmocka_run_group_tests_name("sealer", tests, NULL, NULL);
}
