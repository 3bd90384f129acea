/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/sealer.h"

#include "kernel/engine.h"

enum {
	BUDGET = 512,		/* files per step: a few milliseconds */
	RETRY_MS = 30 * 1000,
};

void am_sealer_init(struct am_sealer *s, struct am_engine *e)
{
	*s = (struct am_sealer){ .engine = e };
}

void am_sealer_done(struct am_sealer *s)
{
	am_seal_free(s->seal);
	s->seal = NULL;
	s->walking = false;
}

/* The count is read before anything is walked: what raises it later may have happened
 * behind the walk. */
static void begin(struct am_sealer *s, uint32_t store)
{
	s->paying = am_engine_sealing(s->engine);
	am_seal_begin(s->seal, store);
	s->walking = true;
}

void am_sealer_take(struct am_sealer *s, struct am_seal *seal)
{
	am_seal_free(s->seal);
	s->seal = seal;
	begin(s, 0);
}

void am_sealer_ask(struct am_sealer *s, uint32_t store)
{
	s->asked++;
	if (s->asked == 1)
		s->store = store;
	else if (s->store != store)
		s->store = 0;
}

/* One store is enough if every due walk is known by its event to be for that store. */
static uint32_t which(const struct am_sealer *s, uint64_t due)
{
	return s->asked > 0 && (uint64_t)s->asked == due ? s->store : 0;
}

static bool has_failures(const struct am_sealer *s)
{
	return !s->walking && !am_seal_is_sealed(s->seal);
}

void am_sealer_tick(struct am_sealer *s, int64_t now_ms)
{
	uint64_t due = s->seal ? am_engine_sealing(s->engine) : 0;

	if (s->walking)
		return;
	if (!due) {
		/* Events may be lost, or come after the walk that paid for them. */
		s->asked = 0;
		return;
	}
	if (!has_failures(s))
		begin(s, which(s, due));
	else if (now_ms >= s->retry_ms)
		begin(s, 0);
}

static void pay(struct am_sealer *s)
{
	am_engine_sealing_lower(s->engine, s->paying);
	s->asked -= (int64_t)s->paying;
	s->store = 0;
}

bool am_sealer_step(struct am_sealer *s, int64_t now_ms)
{
	if (!s->walking)
		return false;
	if (am_seal_step(s->seal, BUDGET))
		return true;
	s->walking = false;
	if (am_seal_is_sealed(s->seal))
		pay(s);
	else
		s->retry_ms = now_ms + RETRY_MS;
	am_sealer_tick(s, now_ms);
	return s->walking;
}

bool am_sealer_is_sealed(const struct am_sealer *s)
{
	return s->seal && !s->walking && am_seal_is_sealed(s->seal);
}
