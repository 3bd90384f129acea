// SPDX-License-Identifier: GPL-2.0
#include "query/family.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "base/cleanup.h"
#include "query/birth.h"

#define PROCESS(f, i) AM_FAMILY_PROCESS(f, i)
#define SELF(f, i) AM_FAMILY_SELF(f, i)

void am_family_init(struct am_family *f)
{
	*f = (struct am_family){
		.processes = AM_TALLY(struct am_family_process,
				      offsetof(struct am_family_process, ppid),
				      AM_FAMILY_PROCESSES_MAX),
		.selves = AM_TALLY(struct am_family_self, offsetof(struct am_family_self, next),
				   AM_FAMILY_SELVES_MAX),
		.first = AM_FAMILY_NONE,
	};
}

void am_family_done(struct am_family *f)
{
	am_tally_done(&f->processes);
	am_tally_done(&f->selves);
	am_pool_done(&f->pool);
}

/* ---- adding ---------------------------------------------------------------------------- */

static int or_none(int r, uint32_t *ret)
{
	*ret = AM_FAMILY_NONE;
	return r == -ENOSPC ? 0 : r;	/* the tally has counted it */
}

static int name_self(struct am_family *f, const struct am_row_actor *a, struct am_family_self *s)
{
	int r = am_pool_add(&f->pool, a->exe, &s->exe);

	if (!r)
		r = am_pool_add(&f->pool, a->comm, &s->comm);
	if (!r)
		r = am_pool_add(&f->pool, a->user, &s->user);
	if (!r)
		r = am_pool_add(&f->pool, a->login_user, &s->login_user);
	return r ? r : am_pool_add(&f->pool, a->unit, &s->unit);
}

static bool is_ancestor(const struct am_row *row)
{
	return row->deed.kind == AM_EVENT_PROCESS && row->deed.act == AM_ACT_ANCESTOR;
}

/* Numbers tell who it is, so that most rows cost no look at a text. */
static int add_self(struct am_family *f, const struct am_row *row, uint32_t process)
{
	const struct am_row_actor *a = &row->actor;
	bool passing = row->deed.kind == AM_EVENT_PROCESS && row->deed.act != AM_ACT_EXEC;
	struct am_family_self s = {
		.exe_ino = a->exe_ino, .cgroup = a->cgroup, .process = process, .exe_dev = a->exe_dev,
		.uid = a->uid, .login = a->login, .session = a->session,
		.next = AM_FAMILY_NONE, .first_ns = row->wall_ns, .passing = passing,
	};
	struct am_family_process *p = PROCESS(f, process);
	size_t before = f->selves.n;
	uint32_t i;
	int r;

	/* From below less is seen of it. */
	if (is_ancestor(row) && p->self != AM_FAMILY_NONE)
		return 0;
	r = am_tally_add(&f->selves, &s, &i);
	if (r < 0)
		return r == -ENOSPC ? 0 : r;
	if (f->selves.n == before) {
		SELF(f, i)->passing &= passing;
		if (row->wall_ns < SELF(f, i)->first_ns)
			SELF(f, i)->first_ns = row->wall_ns;
		return 0;
	}
	if (p->self == AM_FAMILY_NONE)
		p->self = i;
	else
		SELF(f, p->last_self)->next = i;
	p->last_self = i;
	return name_self(f, a, SELF(f, i));
}

static int note_boot(struct am_family *f, const char *boot)
{
	if (f->boot_text && !strcmp(f->boot, boot))
		return 0;
	(void)snprintf(f->boot, sizeof(f->boot), "%s", boot);
	return am_pool_add(&f->pool, f->boot, &f->boot_text);
}

int am_family_add(struct am_family *f, const struct am_row *row, const char *boot, uint32_t *ret)
{
	struct am_family_process key = {
		.start_ns = row->actor.start_ns, .pid = row->actor.pid, .ppid = row->actor.ppid,
		.parent = AM_FAMILY_NONE, .child = AM_FAMILY_NONE, .sibling = AM_FAMILY_NONE,
		.self = AM_FAMILY_NONE, .last_self = AM_FAMILY_NONE,
		.start_wall_ns = row->wall_ns - row->boot_ns + (int64_t)row->actor.start_ns,
		.first_ns = row->wall_ns, .last_ns = row->wall_ns,
	}, *p;
	uint32_t i;
	int r = note_boot(f, boot);

	if (!r && row->deed.kind >= AM_EVENT_MAX_)
		return or_none(0, ret);
	key.boot = f->boot_text;
	if (!r)
		r = am_tally_add(&f->processes, &key, &i);
	if (r < 0)
		return or_none(r, ret);
	p = PROCESS(f, i);
	if (row->wall_ns < p->first_ns) {	/* the kernel's two rings are not one */
		p->first_ns = row->wall_ns;
		p->ppid = row->actor.ppid;
	}
	if (row->wall_ns > p->last_ns)
		p->last_ns = row->wall_ns;
	*ret = i;
	return add_self(f, row, i);
}

bool am_family_find(struct am_family *f, const struct am_row *row, const char *boot, uint32_t *ret)
{
	struct am_family_process key = { .start_ns = row->actor.start_ns, .pid = row->actor.pid };

	if (row->deed.kind >= AM_EVENT_MAX_ || note_boot(f, boot) < 0)
		return false;
	key.boot = f->boot_text;
	return !am_tally_find(&f->processes, &key, ret);
}

/* ---- whose child -------------------------------------------------------------------------- */

/* Of process 1 everybody is a descendant, which tells nothing. */
static int add_nameless(struct am_family *f, const struct am_family_process *child, uint32_t *ret)
{
	const struct am_family_process p = {
		.pid = child->ppid, .boot = child->boot, .parent = AM_FAMILY_NONE,
		.child = AM_FAMILY_NONE, .sibling = AM_FAMILY_NONE, .self = AM_FAMILY_NONE,
		.last_self = AM_FAMILY_NONE, .start_wall_ns = child->start_wall_ns,
	};
	int r = child->ppid > 1 && child->start_ns ? am_tally_add(&f->processes, &p, ret) : -ENOSPC;

	return r < 0 ? or_none(r, ret) : 0;
}

static int find_parents(struct am_family *f)
{
	size_t n = f->processes.n, i;
	am_autofree struct am_birth *all = calloc(n + 1, sizeof(*all));
	int r = all ? 0 : -ENOMEM;

	for (i = 0; !r && i < n; i++) {
		const struct am_family_process *p = PROCESS(f, i);

		all[i] = (struct am_birth){ p->start_ns, p->boot, p->pid, (uint32_t)i };
	}
	if (!r)
		am_births_sort(all, n);
	for (i = 0; !r && i < n; i++) {
		const struct am_family_process child = *PROCESS(f, i);	/* items move */
		const struct am_birth *birth = am_births_parent(all, n, child.boot, child.ppid,
								child.start_ns);
		uint32_t parent = birth ? birth->process : AM_FAMILY_NONE;

		if (!birth)
			r = add_nameless(f, &child, &parent);
		PROCESS(f, i)->parent = parent;
	}
	return r;
}

/* Between fork and exec a child is its parent still; and who was seen from below has told more of
 * itself since. */
static void pass_over(struct am_family *f, struct am_family_process *p)
{
	const struct am_family_self *first, *next;

	if (p->self == AM_FAMILY_NONE || SELF(f, p->self)->next == AM_FAMILY_NONE)
		return;
	first = SELF(f, p->self);
	next = SELF(f, first->next);
	if (first->passing && first->uid == next->uid && first->login == next->login)
		p->self = first->next;
}

struct by_start {
	int64_t start_wall_ns;
	uint32_t process;
};

static int compare_starts(const void *a, const void *b)
{
	const struct by_start *x = a, *y = b;

	if (x->start_wall_ns != y->start_wall_ns)
		return x->start_wall_ns < y->start_wall_ns ? -1 : 1;
	return x->process < y->process ? -1 : 1;
}

int am_family_solve(struct am_family *f)
{
	am_autofree struct by_start *all = NULL;
	int r = find_parents(f);
	size_t n = f->processes.n, i;

	if (r < 0)
		return r;
	all = calloc(n + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		pass_over(f, PROCESS(f, i));
	for (i = 0; i < n; i++)
		all[i] = (struct by_start){ PROCESS(f, i)->start_wall_ns, (uint32_t)i };
	qsort(all, n, sizeof(*all), compare_starts);
	while (n--) {	/* from the last on, each is put before the others */
		struct am_family_process *p = PROCESS(f, all[n].process);
		uint32_t *first = p->parent == AM_FAMILY_NONE ? &f->first :
								&PROCESS(f, p->parent)->child;

		p->sibling = *first;
		*first = all[n].process;
	}
	return 0;
}

/* ---- going through ------------------------------------------------------------------------ */

/* The next in the order of parents before children; without those below `process` if not `down`. */
static uint32_t step(const struct am_family *f, uint32_t process, bool down, unsigned *depth)
{
	const struct am_family_process *p;

	if (process == AM_FAMILY_NONE) {
		*depth = 0;
		return f->first;
	}
	p = PROCESS(f, process);
	if (down && p->child != AM_FAMILY_NONE) {
		++*depth;
		return p->child;
	}
	while (p->sibling == AM_FAMILY_NONE && p->parent != AM_FAMILY_NONE) {
		--*depth;
		p = PROCESS(f, p->parent);
	}
	return p->sibling;
}

void am_family_choose_children(struct am_family *f)
{
	unsigned depth = 0;
	uint32_t i = AM_FAMILY_NONE;

	while ((i = step(f, i, true, &depth)) != AM_FAMILY_NONE) {
		struct am_family_process *p = PROCESS(f, i);

		if (p->parent != AM_FAMILY_NONE)
			p->chosen |= PROCESS(f, p->parent)->chosen;
	}
}

void am_family_show(struct am_family *f)
{
	size_t i;

	for (i = 0; i < f->processes.n; i++) {
		struct am_family_process *p = PROCESS(f, i);

		if (!p->chosen)
			continue;
		for (; !p->shown; p = PROCESS(f, p->parent)) {
			p->shown = true;
			if (p->parent == AM_FAMILY_NONE)
				break;
		}
	}
}

uint32_t am_family_next(const struct am_family *f, uint32_t process, unsigned *depth)
{
	do
		process = step(f, process, process != AM_FAMILY_NONE && PROCESS(f, process)->shown,
			       depth);
	while (process != AM_FAMILY_NONE && !PROCESS(f, process)->shown);
	return process;
}
