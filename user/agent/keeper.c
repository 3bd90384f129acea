/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/keeper.h"

#include <errno.h>

#include "agent/log.h"
#include "agent/loop.h"
#include "kernel/tags.h"

enum {
	INTERVAL_MS = 5 * 1000,
	SHARE = 50,	/* at most one part in so many of the time goes into looking */
};

void am_keeper_init(struct am_keeper *k, struct am_engine *e, int state_fd)
{
	*k = (struct am_keeper){
		.engine = e,
		.state_fd = state_fd,
		.sum = am_strays_sum(NULL, 0),
	};
}

int am_keeper_load(struct am_keeper *k)
{
	am_autofree struct am_stray *strays = NULL;
	size_t n, i;
	int r;

	r = am_strays_load(k->state_fd, &strays, &n);
	for (i = 0; !r && i < n; i++) {
		r = am_tags_stray_add(k->engine, &strays[i]);
		if (r == -EEXIST)
			r = 0;
	}
	return r;
}

static size_t leave_out_roots(struct am_stray *strays, size_t n)
{
	size_t i, kept = 0;

	for (i = 0; i < n; i++)
		if (!(strays[i].tag.flags & AM_TAG_ROOT))
			strays[kept++] = strays[i];
	return kept;
}

int am_keeper_save(struct am_keeper *k)
{
	am_autofree struct am_stray *strays = NULL;
	uint64_t sum;
	size_t n;
	int r;

	r = am_tags_strays(k->engine, &strays, &n);
	if (r < 0)
		return r;
	n = leave_out_roots(strays, n);
	k->count = n;
	sum = am_strays_sum(strays, n);
	if (sum == k->sum)
		return 0;
	r = am_strays_save(k->state_fd, strays, n);
	if (!r)
		k->sum = sum;
	return r;
}

void am_keeper_tick(struct am_keeper *k, int64_t now_ms)
{
	int64_t took_ms;
	int r;

	if (now_ms < k->next_ms)
		return;
	r = am_keeper_save(k);
	if (r < 0 && r != k->error)
		am_err(r, "cannot save the labels of files outside the stores");
	k->error = r;
	took_ms = am_now_ms() - now_ms;
	k->next_ms = now_ms + (took_ms * SHARE > INTERVAL_MS ? took_ms * SHARE : INTERVAL_MS);
}
