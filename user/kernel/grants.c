/* SPDX-License-Identifier: GPL-2.0 */
#include "kernel/grants.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "kernel/object.h"
#include "kernel/storage.h"

enum {
	SWEEP_FROM = AM_GRANTS_MAX / 2,
	SWEEP_STEP = 64,	/* processes per tick */
};

struct grant {
	struct am_task_facts facts;
	uint32_t number;
	uint32_t purpose;
	bool holds;
	bool ended_untold;
	bool seen;		/* by the sweep that goes on */
	bool missed;		/* by the sweep before */
};

struct am_grants {
	struct am_engine *engine;	/* borrowed */
	struct grant *items;		/* owned; AM_GRANTS_MAX */
	size_t count;
	uint32_t last;			/* number */
	DIR *sweep;			/* owned; NULL: none goes on */
	uint32_t sweep_last;		/* later ones are too new for it */
};

int am_grants_new(struct am_engine *e, struct am_grants **ret)
{
	struct am_grants *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->items = calloc(AM_GRANTS_MAX, sizeof(*g->items));
	if (!g->items) {
		free(g);
		return -ENOMEM;
	}
	g->engine = e;
	*ret = g;
	return 0;
}

void am_grants_free(struct am_grants *g)
{
	if (!g)
		return;
	if (g->sweep)
		(void)closedir(g->sweep); /* it was only read */
	free(g->items);
	free(g);
}

static int grants_map(const struct am_grants *g)
{
	return bpf_map__fd(g->engine->object->maps.am_grants);
}

static int processes_map(const struct am_grants *g)
{
	return bpf_map__fd(g->engine->object->maps.am_purposes);
}

size_t am_grants_count(const struct am_grants *g)
{
	return g->count;
}

/* ---- one process ---------------------------------------------------------- */

static struct grant *find_number(const struct am_grants *g, uint32_t number)
{
	for (size_t i = 0; i < g->count; i++)
		if (g->items[i].number == number)
			return &g->items[i];
	return NULL;
}

/* 0 and *ret, 0 for none; -errno. */
static int number_of(const struct am_grants *g, int pidfd, uint32_t *ret)
{
	int r = bpf_map_lookup_elem(processes_map(g), &pidfd, ret);

	if (r != -ENOENT)
		return r;
	*ret = 0;
	return 0;
}

int am_grants_of(const struct am_grants *g, int pidfd, struct am_grant_state *ret)
{
	const struct grant *found;
	uint32_t number;
	int r = number_of(g, pidfd, &number);

	if (r < 0)
		return r;
	*ret = (struct am_grant_state){ .number = number };
	found = number ? find_number(g, number) : NULL;
	if (found) {
		ret->purpose = found->purpose;
		ret->holds = found->holds;
	}
	return 0;
}

static struct grant *find_grant(const struct am_grants *g, const struct am_task_facts *facts,
				uint32_t purpose)
{
	for (size_t i = 0; i < g->count; i++)
		if (g->items[i].purpose == purpose &&
		    !memcmp(&g->items[i].facts, facts, sizeof(*facts)))
			return &g->items[i];
	return NULL;
}

static int hold(struct am_grants *g, struct grant *item)
{
	int r = bpf_map_update_elem(grants_map(g), &item->number, &item->purpose, BPF_ANY);

	if (!r)
		item->holds = true;
	return r;
}

static int add_grant(struct am_grants *g, const struct am_task_facts *facts, uint32_t purpose,
		     struct grant **ret)
{
	struct grant *item = &g->items[g->count];
	int r;

	if (g->count == AM_GRANTS_MAX || g->last == UINT32_MAX)
		return -ENOSPC;
	*item = (struct grant){ .facts = *facts, .number = g->last + 1, .purpose = purpose };
	r = hold(g, item);
	if (r < 0)
		return r == -E2BIG ? -ENOSPC : r;
	g->last++;
	g->count++;
	*ret = item;
	return 0;
}

int am_grants_give(struct am_grants *g, int pidfd, const struct am_task_facts *facts,
		   uint32_t purpose)
{
	struct grant *item = find_grant(g, facts, purpose);
	int r = 0;

	if (!item)
		r = add_grant(g, facts, purpose, &item);
	else if (!item->holds)
		r = hold(g, item);
	if (r < 0)
		return r;
	item->missed = false;
	/* Transaction point: from here on the process has the purpose. */
	return am_storage_put(processes_map(g), pidfd, &item->number, BPF_ANY);
}

/* ---- policies ------------------------------------------------------------- */

/* Closing comes before the new policy and opening after it, so that no access is decided by
 * a grant that neither of the two would give. */
void am_grants_narrow(struct am_grants *g, const struct am_grants_judge *next)
{
	for (size_t i = 0; i < g->count; i++) {
		struct grant *item = &g->items[i];

		if (!item->holds || next->grants(next->ctx, &item->facts, item->purpose))
			continue;
		/* What is not there does not hold: also as wanted. */
		(void)bpf_map_delete_elem(grants_map(g), &item->number);
		item->holds = false;
		item->ended_untold = true;
	}
}

void am_grants_settle(struct am_grants *g, const struct am_grants_judge *now)
{
	for (size_t i = 0; i < g->count; i++) {
		struct grant *item = &g->items[i];

		/* What cannot be entered stays closed; the next policy tries it again. */
		if (!item->holds && now->grants(now->ctx, &item->facts, item->purpose) &&
		    !hold(g, item))
			item->ended_untold = false;
	}
}

bool am_grants_next_ended(struct am_grants *g, struct am_task_facts *ret_facts,
			  uint32_t *ret_purpose)
{
	for (size_t i = 0; i < g->count; i++) {
		struct grant *item = &g->items[i];

		if (!item->ended_untold)
			continue;
		item->ended_untold = false;
		*ret_facts = item->facts;
		*ret_purpose = item->purpose;
		return true;
	}
	return false;
}

/* ---- grants that nobody carries ------------------------------------------- */

static void note_process(struct am_grants *g, const char *name)
{
	am_autoclose int pidfd = -1;
	struct grant *item;
	uint32_t number = 0;

	if (!isdigit((unsigned char)name[0]))
		return;
	pidfd = (int)syscall(SYS_pidfd_open, atoi(name), 0);
	if (pidfd < 0 || number_of(g, pidfd, &number) < 0 || !number)
		return;		/* gone, or under no purpose */
	item = find_number(g, number);
	if (item)
		item->seen = true;
}

/* A process that was forked behind the reader's back is missed once; so twice is asked for,
 * and a number that was forgotten too early is a grant that does not hold. */
static void end_sweep(struct am_grants *g)
{
	(void)closedir(g->sweep); /* it was only read */
	g->sweep = NULL;
	for (size_t i = 0; i < g->count;) {
		struct grant *item = &g->items[i];
		bool missed = !item->seen && item->number <= g->sweep_last;

		if (missed && item->missed && !item->ended_untold) {
			(void)bpf_map_delete_elem(grants_map(g), &item->number);
			*item = g->items[--g->count];
			continue;
		}
		item->missed = missed;
		item->seen = false;
		i++;
	}
}

void am_grants_tick(struct am_grants *g)
{
	struct dirent *e = NULL;

	if (!g->sweep && g->count >= SWEEP_FROM) {
		g->sweep = opendir("/proc");
		g->sweep_last = g->last;
	}
	for (unsigned i = 0; g->sweep && i < SWEEP_STEP; i++) {
		e = readdir(g->sweep);
		if (!e) {
			end_sweep(g);
			return;
		}
		note_process(g, e->d_name);
	}
}
