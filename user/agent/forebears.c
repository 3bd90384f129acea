/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/forebears.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/proc.h"

enum {
	PER_ROW = 4,
	ROWS = AM_FOREBEARS_MAX / PER_ROW,
};

struct told {
	uint64_t start_ns;
	uint32_t tgid;		/* 0: nobody */
};

struct row {
	struct told items[PER_ROW];
	unsigned next;		/* the one that was told longest ago */
};

struct am_forebears {
	struct row rows[ROWS];
};

int am_forebears_new(struct am_forebears **ret)
{
	struct am_forebears *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	*ret = f;
	return 0;
}

void am_forebears_free(struct am_forebears *f)
{
	free(f);
}

static struct row *row_of(struct am_forebears *f, const struct am_ancestor *a)
{
	uint64_t mixed = (a->start_ns ^ (uint64_t)a->tgid << 40) * 0x9e3779b97f4a7c15ULL;

	return &f->rows[(mixed >> 32) % ROWS];
}

bool am_forebears_knew(struct am_forebears *f, const struct am_ancestor *a)
{
	struct row *row = row_of(f, a);
	unsigned i;

	for (i = 0; i < PER_ROW; i++)
		if (row->items[i].tgid == a->tgid && row->items[i].start_ns == a->start_ns)
			return true;
	row->items[row->next] = (struct told){ a->start_ns, a->tgid };
	row->next = (row->next + 1) % PER_ROW;
	return false;
}

void am_forebears_event(const struct am_decoded *of, const struct am_ancestor *a,
			struct am_decoded *ret)
{
	const struct am_event *e = &of->raw;

	memset(ret, 0, sizeof(*ret));
	ret->raw = (struct am_event){
		.size = sizeof(ret->raw), .abi = AM_ABI_VERSION, .kind = AM_EVENT_PROCESS,
		.act = AM_ACT_ANCESTOR, .seq = e->seq, .cpu = e->cpu, .boottime_ns = e->boottime_ns,
		.generation = e->generation, .start_ns = a->start_ns, .cgroup = a->cgroup,
		.tgid = a->tgid, .tid = a->tgid, .ppid = a->ppid, .uid = a->uid, .gid = a->gid,
		.login = a->login, .session = a->session,
	};
	memcpy(ret->raw.comm, a->comm, sizeof(ret->raw.comm));
	am_proc_exe(a->tgid, a->start_ns, ret->exe, sizeof(ret->exe));
}
