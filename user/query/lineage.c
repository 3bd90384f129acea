// SPDX-License-Identifier: GPL-2.0
#include "query/lineage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "base/cleanup.h"
#include "query/birth.h"
#include "query/word.h"

/* Where a process has sent to: which of its sends the repeats belong to. */
struct dest_seen {
	uint64_t addr_high, addr_low;
	uint32_t family, port, proto, process;
	uint32_t send;
};

/* A socket that it has sent through: in old records repeats have no destination. */
struct socket_seen {
	uint64_t ino;
	uint32_t dev, process;
	uint32_t send;
};

#define SUBJECT(l, i) AM_TALLY_AT(&(l)->subjects, struct am_lineage_subject, i)
#define PROCESS(l, i) AM_TALLY_AT(&(l)->processes, struct am_lineage_process, i)
#define FILE_OF(l, i) AM_TALLY_AT(&(l)->files, struct am_lineage_file, i)
#define LINK(l, i) AM_TALLY_AT(&(l)->links, struct am_lineage_link, i)
#define PLACE(l, i) AM_TALLY_AT(&(l)->places, struct am_lineage_place, i)
#define SEND(l, i) AM_TALLY_AT(&(l)->sends, struct am_lineage_send, i)

void am_lineage_init(struct am_lineage *l)
{
	*l = (struct am_lineage){
		.subjects = AM_TALLY(struct am_lineage_subject, 24, AM_LINEAGE_SUBJECTS_MAX),
		.processes = AM_TALLY(struct am_lineage_process, 16, AM_LINEAGE_PROCESSES_MAX),
		.files = AM_TALLY(struct am_lineage_file, 24, AM_LINEAGE_FILES_MAX),
		.links = AM_TALLY(struct am_lineage_link, 24, AM_LINEAGE_LINKS_MAX),
		.places = AM_TALLY(struct am_lineage_place, 16, AM_LINEAGE_PLACES_MAX),
		.sends = AM_TALLY(struct am_lineage_send, 16, AM_LINEAGE_SENDS_MAX),
		.sockets = AM_TALLY(struct socket_seen, 16, AM_LINEAGE_SENDS_MAX),
		.dests = AM_TALLY(struct dest_seen, 32, AM_LINEAGE_SENDS_MAX),
		.begun = AM_TALLY(struct am_lineage_begun, 16, AM_LINEAGE_BEGUN_MAX),
	};
}

void am_lineage_done(struct am_lineage *l)
{
	am_tally_done(&l->subjects);
	am_tally_done(&l->processes);
	am_tally_done(&l->files);
	am_tally_done(&l->links);
	am_tally_done(&l->places);
	am_tally_done(&l->sends);
	am_tally_done(&l->sockets);
	am_tally_done(&l->dests);
	am_tally_done(&l->begun);
	am_pool_done(&l->pool);
}

const char *am_held_name(enum am_held held)
{
	static const char *const names[AM_HELD_MAX_] = {
		[AM_HELD_NOT] = "unknown",
		[AM_HELD_READ] = "read",
		[AM_HELD_COPY] = "copy",
		[AM_HELD_PARENT] = "parent",
	};

	return held < AM_HELD_MAX_ ? names[held] : "unknown";
}

static void stretch(int64_t *first_ns, int64_t *last_ns, int64_t ns)
{
	if (!*first_ns || ns < *first_ns)
		*first_ns = ns;
	if (ns > *last_ns)
		*last_ns = ns;
}

static bool did_not_happen(const struct am_row *row)
{
	return row->deed.flags & AM_EVENT_BLOCKED;
}

static bool is_breach(const struct am_row *row)
{
	return row->deed.verdict == AM_VERDICT_DENY && !did_not_happen(row);
}

static uint64_t times(const struct am_row *row)
{
	return row->deed.kind == AM_EVENT_REPEAT ? row->count : 1;
}

/* No room is no failure: the tally has counted it. */
static int or_left_out(int r)
{
	return r == -ENOSPC ? 0 : r;
}

/* ---- who and what -------------------------------------------------------------------- */

int am_lineage_subject(struct am_lineage *l, const struct am_row *row, uint32_t *ret)
{
	const struct am_row_actor *a = &row->actor;
	struct am_lineage_subject s = { .uid = a->uid, .login = a->login };
	int r;

	if (row->number && row->number == l->last_row) {	/* asked for several times a row */
		*ret = l->last_subject;
		return 0;
	}
	r = am_pool_add(&l->pool, a->user, &s.user);
	if (!r)
		r = am_pool_add(&l->pool, a->login_user, &s.login_user);
	if (!r)
		r = am_pool_add(&l->pool, a->unit, &s.unit);
	if (!r)
		r = am_pool_add(&l->pool, a->exe && *a->exe ? a->exe : a->comm, &s.exe);
	if (!r)
		r = am_tally_add(&l->subjects, &s, ret);
	if (!r) {
		l->last_row = row->number;
		l->last_subject = *ret;
	}
	return r;
}

static struct am_lineage_process process_key(const struct am_lineage *l, const struct am_row *row)
{
	return (struct am_lineage_process){ .start_ns = row->actor.start_ns, .pid = row->actor.pid,
					    .boot = l->boot };
}

static int find_process(const struct am_lineage *l, const struct am_row *row, uint32_t *ret)
{
	const struct am_lineage_process key = process_key(l, row);

	return am_tally_find(&l->processes, &key, ret);
}

/* A process may come to run something else: `subject` is what it was first. */
static int add_process(struct am_lineage *l, const struct am_row *row, uint32_t *ret)
{
	struct am_lineage_process p = process_key(l, row);
	size_t before = l->processes.n;
	int r = am_lineage_subject(l, row, &p.subject);

	if (!r)
		r = am_pool_add(&l->pool, row->actor.comm, &p.comm);
	if (r < 0)
		return r;
	p.ppid = row->actor.ppid;
	p.start_wall_ns = row->wall_ns - row->boot_ns + (int64_t)p.start_ns;
	p.held_ns = INT64_MAX;
	r = am_tally_add(&l->processes, &p, ret);
	if (r < 0)
		return r;
	if (l->processes.n != before)
		SUBJECT(l, p.subject)->processes++;
	stretch(&PROCESS(l, *ret)->first_ns, &PROCESS(l, *ret)->last_ns, row->wall_ns);
	stretch(&SUBJECT(l, p.subject)->first_ns, &SUBJECT(l, p.subject)->last_ns, row->wall_ns);
	return 0;
}

static int file_key(struct am_lineage *l, const struct am_row *row, struct am_lineage_file *ret)
{
	const struct am_row_object *o = &row->object;

	*ret = (struct am_lineage_file){ .ino = o->ino, .dev = o->dev, .igen = o->igen };
	return o->ino ? 0 : am_pool_add(&l->pool, o->path, &ret->path_if_no_ino);
}

static int add_file(struct am_lineage *l, const struct am_row *row, uint32_t *ret)
{
	struct am_lineage_file key, *f;
	int r = file_key(l, row, &key);

	key.held_ns = INT64_MAX;
	if (!r)
		r = am_tally_add(&l->files, &key, ret);
	if (r < 0)
		return r;
	f = FILE_OF(l, *ret);
	if (row->object.bytes > f->bytes && !(row->deed.flags & AM_EVENT_DIR))
		f->bytes = row->object.bytes;
	return f->path ? 0 : am_pool_add(&l->pool, row->object.path, &f->path);
}

static int add_link(struct am_lineage *l, const struct am_row *row, uint32_t process, uint32_t file,
		    uint32_t op)
{
	struct am_lineage_link key = { .process = process, .file = file, .op = op,
				       .refused = did_not_happen(row) }, *link;
	uint32_t i;
	int r = am_lineage_subject(l, row, &key.subject);

	if (!r)
		r = am_tally_add(&l->links, &key, &i);
	if (r < 0)
		return or_left_out(r);
	link = LINK(l, i);
	link->count += times(row);
	stretch(&link->first_ns, &link->last_ns, row->wall_ns);
	return 0;
}

int am_lineage_boot(struct am_lineage *l, const char *boot)
{
	if (l->boot && !strcmp(am_pool_text(&l->pool, l->boot), boot))
		return 0;
	return am_pool_add(&l->pool, boot, &l->boot);
}

/* ---- first pass ------------------------------------------------------------------------- */

static void count_subject(struct am_lineage_subject *s, const struct am_row *row)
{
	if (did_not_happen(row))
		s->refused += times(row);
	else if (row->deed.op == AM_OP_READ)
		s->reads += times(row);
	else
		s->writes += times(row);
	if (is_breach(row))
		s->breaches += times(row);
}

static void count_file(struct am_lineage_file *f, const struct am_row *row)
{
	if (did_not_happen(row))
		f->refused += times(row);
	else if (row->deed.op == AM_OP_READ)
		f->reads += times(row);
	else
		f->writes += times(row);
}

int am_lineage_store(struct am_lineage *l, const struct am_row *row)
{
	uint32_t subject, process, file;
	int r;

	if (row->deed.labels & ~l->labels) {
		r = am_pool_add(&l->pool, row->deed.label_names, &l->label_names);
		if (r < 0)
			return r;
	}
	l->labels |= row->deed.labels;
	r = am_lineage_subject(l, row, &subject);
	if (r < 0)
		return or_left_out(r);
	count_subject(SUBJECT(l, subject), row);
	r = add_process(l, row, &process);
	if (!r)
		r = add_file(l, row, &file);
	if (r < 0)
		return or_left_out(r);
	FILE_OF(l, file)->inside = true;
	count_file(FILE_OF(l, file), row);
	return add_link(l, row, process, file, row->deed.op == AM_OP_READ ? AM_OP_READ : AM_OP_WRITE);
}

/* ---- second pass ------------------------------------------------------------------------ */

bool am_lineage_concerns(const struct am_lineage *l, const struct am_row *row)
{
	bool outside = !row->object.store || !*row->object.store;

	return outside && row->deed.labels & l->labels;
}

static int add_place(struct am_lineage *l, const struct am_row *row, uint32_t *ret)
{
	struct am_lineage_place place = { .local = am_word_dest_is_local(row) };
	char text[AM_WORD_TEXT_MAX];
	int r = am_pool_add(&l->pool, am_word_dest(row, text), &place.text);

	if (!r)
		r = am_pool_add(&l->pool, row->dest.zones, &place.zones);
	if (!r)
		r = am_tally_add(&l->places, &place, ret);
	return r;
}

static struct dest_seen dest_key(const struct am_row *row, uint32_t process, uint32_t send)
{
	const struct am_row_dest *d = &row->dest;

	return (struct dest_seen){ d->addr_high, d->addr_low, (uint32_t)d->family, d->port,
				   d->proto, process, send };
}

static int remember_send(struct am_lineage *l, const struct am_row *row, uint32_t process,
			 uint32_t send)
{
	const struct socket_seen socket = { row->object.ino, row->object.dev, process, send };
	const struct dest_seen dest = dest_key(row, process, send);
	uint32_t i;
	int r = or_left_out(am_tally_add(&l->dests, &dest, &i));

	return r || !socket.ino ? r : or_left_out(am_tally_add(&l->sockets, &socket, &i));
}

static int take_send(struct am_lineage *l, const struct am_row *row)
{
	struct am_lineage_send key = { .refused = did_not_happen(row) }, *send;
	uint32_t i;
	int r = add_process(l, row, &key.process);

	if (!r)
		r = add_place(l, row, &key.place);
	if (!r)
		r = am_tally_add(&l->sends, &key, &i);
	if (r < 0)
		return or_left_out(r);
	send = SEND(l, i);
	send->count++;
	send->breaches += is_breach(row);
	am_handed_add(&send->handed, row);
	stretch(&send->first_ns, &send->last_ns, row->wall_ns);
	return key.refused ? 0 : remember_send(l, row, key.process, i);
}

static int take_file(struct am_lineage *l, const struct am_row *row)
{
	bool copy = row->deed.kind == AM_EVENT_SPILL;
	uint32_t process, file;
	int r = add_process(l, row, &process);

	if (!r)
		r = add_file(l, row, &file);
	if (r < 0)
		return or_left_out(r);
	count_file(FILE_OF(l, file), row);
	return add_link(l, row, process, file,
			copy ? AM_LINK_COPY : row->deed.op == AM_OP_READ ? AM_OP_READ : AM_OP_WRITE);
}

/* NULL: it repeats no send that is known. */
static struct am_lineage_send *repeated(struct am_lineage *l, const struct am_row *row,
					uint32_t process)
{
	const struct socket_seen socket = { row->object.ino, row->object.dev, process, 0 };
	const struct dest_seen dest = dest_key(row, process, 0);
	uint32_t i;

	if (socket.ino)
		return am_tally_find(&l->sockets, &socket, &i) < 0 ? NULL :
			SEND(l, AM_TALLY_AT(&l->sockets, struct socket_seen, i)->send);
	return am_tally_find(&l->dests, &dest, &i) < 0 ? NULL :
		SEND(l, AM_TALLY_AT(&l->dests, struct dest_seen, i)->send);
}

/* Returns whether it was counted. */
static int repeat_send(struct am_lineage *l, const struct am_row *row, uint32_t process)
{
	struct am_lineage_send *send = repeated(l, row, process);

	if (!send)
		return 0;
	send->count += row->count;
	send->further += row->object.ino ? row->count : 0;
	am_handed_add(&send->handed, row);
	stretch(&send->first_ns, &send->last_ns, row->wall_ns);
	return 1;
}

/* A repeat does not say its labels: it is of what is known already, or of no matter. */
static int take_repeat(struct am_lineage *l, const struct am_row *row)
{
	struct am_lineage_file key;
	uint32_t process, file;
	int r;

	if (find_process(l, row, &process) < 0)
		return 0;
	if (row->deed.op == AM_OP_SEND)
		return repeat_send(l, row, process);
	r = file_key(l, row, &key);
	if (r < 0)
		return r;
	if (am_tally_find(&l->files, &key, &file) < 0)
		return 0;
	count_file(FILE_OF(l, file), row);
	return add_link(l, row, process, file, row->deed.op == AM_OP_READ ? AM_OP_READ : AM_OP_WRITE);
}

static int take_begun(struct am_lineage *l, const struct am_row *row)
{
	const struct am_lineage_begun begun = {
		.start_ns = row->actor.start_ns, .pid = row->actor.pid, .boot = l->boot,
		.ppid = row->actor.ppid,
		.start_wall_ns = row->wall_ns - row->boot_ns + (int64_t)row->actor.start_ns,
	};
	uint32_t i;

	return row->deed.act == AM_ACT_FORK ? or_left_out(am_tally_add(&l->begun, &begun, &i)) : 0;
}

int am_lineage_other(struct am_lineage *l, const struct am_row *row)
{
	bool outside = !row->object.store || !*row->object.store;

	if (row->deed.kind == AM_EVENT_REPEAT)
		return outside ? take_repeat(l, row) : 0;
	if (!am_lineage_concerns(l, row))
		return 0;
	if (row->deed.kind == AM_EVENT_PROCESS)
		return take_begun(l, row);
	if (row->deed.kind == AM_EVENT_SEND)
		return take_send(l, row);
	return row->deed.kind == AM_EVENT_ACCESS || row->deed.kind == AM_EVENT_SPILL ?
		       take_file(l, row) : 0;
}

/* ---- who held what ------------------------------------------------------------------------ */

enum { ROUNDS_MAX = 256 };	/* hops from copy to copy, or from parent to child */

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static bool hold(struct am_lineage_process *p, enum am_held how, uint32_t source, int64_t ns)
{
	if (ns >= p->held_ns)
		return false;
	p->held_ns = ns;
	p->held = how;
	p->source = source;
	return true;
}

static bool follow_read(struct am_lineage *l, const struct am_lineage_link *link)
{
	const struct am_lineage_file *f = FILE_OF(l, link->file);
	struct am_lineage_process *p = PROCESS(l, link->process);

	if (f->inside)
		return hold(p, AM_HELD_READ, link->file, link->first_ns);
	if (!f->held || f->held_ns > link->last_ns)
		return false;
	return hold(p, AM_HELD_COPY, link->file, later(link->first_ns, f->held_ns));
}

static bool follow_copy(struct am_lineage *l, const struct am_lineage_link *link)
{
	const struct am_lineage_process *p = PROCESS(l, link->process);
	struct am_lineage_file *f = FILE_OF(l, link->file);
	int64_t ns = later(link->first_ns, p->held_ns);

	if (f->inside || !p->held || p->held_ns > link->last_ns || ns >= f->held_ns)
		return false;
	f->held = true;
	f->held_ns = ns;
	f->maker = link->process;
	return true;
}

static bool follow_links(struct am_lineage *l)
{
	bool any = false;
	size_t i;

	for (i = 0; i < l->links.n; i++) {
		const struct am_lineage_link *link = LINK(l, i);

		if (link->refused)
			continue;
		if (link->op == AM_OP_READ)
			any |= follow_read(l, link);
		else	/* what is written to a file that carries labels already is a copy as well */
			any |= follow_copy(l, link);
	}
	return any;
}

/* All births in order: of processes, then of those that did nothing, by numbers behind these. */
struct births {
	struct am_birth *all;
	size_t n;
};

static const struct am_lineage_begun *begun_at(const struct am_lineage *l, uint32_t process)
{
	return AM_TALLY_AT(&l->begun, struct am_lineage_begun, process - l->processes.n);
}

/* The nearest forebear that did something; *began_ns is when the child, or who is between them,
 * left it. NULL: nobody is known. */
static struct am_lineage_process *forebear(const struct am_lineage *l, const struct births *b,
					   const struct am_lineage_process *child, uint32_t *ret,
					   int64_t *began_ns)
{
	const struct am_birth *up = am_births_parent(b->all, b->n, child->boot, child->ppid,
						     child->start_ns);

	*began_ns = child->start_wall_ns;
	while (up && up->process >= l->processes.n) {
		const struct am_lineage_begun *between = begun_at(l, up->process);

		*began_ns = between->start_wall_ns;
		up = am_births_parent(b->all, b->n, between->boot, between->ppid, between->start_ns);
	}
	if (!up)
		return NULL;
	*ret = up->process;
	return PROCESS(l, up->process);
}

static bool follow_children(struct am_lineage *l, const struct births *b)
{
	bool any = false;
	size_t i;

	for (i = 0; i < l->processes.n; i++) {
		struct am_lineage_process *child = PROCESS(l, i);
		uint32_t number;
		int64_t began_ns;
		const struct am_lineage_process *parent = forebear(l, b, child, &number, &began_ns);

		if (parent && parent->held_ns <= began_ns)
			any |= hold(child, AM_HELD_PARENT, number, child->start_wall_ns);
	}
	return any;
}

static size_t list_births(const struct am_lineage *l, struct am_birth *all)
{
	size_t i, n = 0;

	for (i = 0; i < l->processes.n; i++) {
		const struct am_lineage_process *p = PROCESS(l, i);

		all[n++] = (struct am_birth){ p->start_ns, p->boot, p->pid, (uint32_t)i };
	}
	for (i = 0; i < l->begun.n; i++) {
		const struct am_lineage_begun *p = AM_TALLY_AT(&l->begun, struct am_lineage_begun, i);
		uint32_t same;

		if (am_tally_find(&l->processes, p, &same) < 0)	/* the keys are alike */
			all[n++] = (struct am_birth){ p->start_ns, p->boot, p->pid,
						      (uint32_t)(l->processes.n + i) };
	}
	am_births_sort(all, n);
	return n;
}

static int solve_holders(struct am_lineage *l)
{
	am_autofree struct am_birth *all = calloc(l->processes.n + l->begun.n + 1, sizeof(*all));
	struct births births = { .all = all };
	unsigned round;
	bool any;

	if (!all)
		return -ENOMEM;
	births.n = list_births(l, all);
	for (round = 0, any = true; any && round < ROUNDS_MAX; round++) {
		any = follow_links(l);
		any |= follow_children(l, &births);
	}
	l->unsolved = any;
	return 0;
}

/* ---- sums --------------------------------------------------------------------------------- */

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void sum_files(struct am_lineage *l)
{
	size_t i;

	for (i = 0; i < l->files.n; i++) {
		const struct am_lineage_file *f = FILE_OF(l, i);

		if (!f->inside || !f->reads)
			continue;
		l->files_read++;
		l->bytes += f->bytes;
		l->unsized += !f->bytes;
	}
}

static bool is_taken(const struct am_lineage *l, const struct am_lineage_link *link)
{
	const struct am_lineage_file *f = FILE_OF(l, link->file);

	return link->op == AM_OP_READ && !link->refused && (f->inside || f->held);
}

/* Own reads; then what came from a parent, or from a copy of unknown size. Sources held it
 * before, so in the order of that time theirs is known when it is needed. */
static int compare_held(const void *a, const void *b)
{
	const struct am_lineage_process *x = *(struct am_lineage_process *const *)a;
	const struct am_lineage_process *y = *(struct am_lineage_process *const *)b;

	return x->held_ns < y->held_ns ? -1 : x->held_ns > y->held_ns;
}

static void take_from_source(struct am_lineage *l, struct am_lineage_process *p)
{
	const struct am_lineage_process *from = NULL;
	const struct am_lineage_file *f;

	if (p->held == AM_HELD_PARENT)
		from = PROCESS(l, p->source);
	if (p->held == AM_HELD_COPY) {
		f = FILE_OF(l, p->source);
		from = f->bytes ? NULL : PROCESS(l, f->maker);
		p->unsized -= from && from->bytes && p->unsized;
	}
	if (!from || from == p)
		return;
	p->bytes += from->bytes;
	p->unsized += from->unsized;
}

static int sum_processes(struct am_lineage *l)
{
	am_autofree struct am_lineage_process **order = calloc(l->processes.n + 1, sizeof(*order));
	size_t i;

	if (!order)
		return -ENOMEM;
	for (i = 0; i < l->links.n; i++) {
		const struct am_lineage_link *link = LINK(l, i);

		if (!is_taken(l, link))
			continue;
		PROCESS(l, link->process)->bytes += FILE_OF(l, link->file)->bytes;
		PROCESS(l, link->process)->unsized += !FILE_OF(l, link->file)->bytes;
	}
	for (i = 0; i < l->processes.n; i++)
		order[i] = PROCESS(l, i);
	qsort(order, l->processes.n, sizeof(*order), compare_held);
	for (i = 0; i < l->processes.n; i++)
		take_from_source(l, order[i]);
	return 0;
}

struct pair {
	uint32_t subject, file;
};

static int compare_pairs(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->subject != y->subject)
		return x->subject < y->subject ? -1 : 1;
	return x->file < y->file ? -1 : x->file > y->file;
}

static void sum_pair(struct am_lineage *l, const struct pair *p)
{
	struct am_lineage_subject *s = SUBJECT(l, p->subject);
	struct am_lineage_file *f = FILE_OF(l, p->file);

	const struct am_lineage_process *maker = f->held ? PROCESS(l, f->maker) : NULL;

	f->readers++;
	if (maker && !f->bytes) {	/* a copy holds no more than its maker did */
		s->bytes += maker->bytes;
		s->unsized += maker->unsized;
	} else {
		s->bytes += f->bytes;
		s->unsized += !f->bytes;
	}
	if (f->inside)
		s->files++;
	else
		s->copies_read++;
}

/* A file that several processes of a subject read counts once. */
static int sum_subjects(struct am_lineage *l)
{
	am_autofree struct pair *pairs = calloc(l->links.n + 1, sizeof(*pairs));
	size_t n = 0, i;

	if (!pairs)
		return -ENOMEM;
	for (i = 0; i < l->links.n; i++) {
		const struct am_lineage_link *link = LINK(l, i);

		if (is_taken(l, link))
			pairs[n++] = (struct pair){ link->subject, link->file };
	}
	qsort(pairs, n, sizeof(*pairs), compare_pairs);
	for (i = 0; i < n; i++)
		if (!i || compare_pairs(&pairs[i - 1], &pairs[i]))
			sum_pair(l, &pairs[i]);
	/* Who read a file and its copy has it once. */
	for (i = 0; !l->unsized && i < l->subjects.n; i++)
		SUBJECT(l, i)->bytes = least(SUBJECT(l, i)->bytes, l->bytes);
	return 0;
}

static void sum_send(struct am_lineage *l, struct am_lineage_send *s)
{
	const struct am_lineage_process *p = PROCESS(l, s->process);
	struct am_lineage_subject *who = SUBJECT(l, p->subject);
	struct am_lineage_place *place = PLACE(l, s->place);

	s->known = p->held && p->held_ns <= s->last_ns;
	stretch(&place->first_ns, &place->last_ns, s->first_ns);
	stretch(&place->first_ns, &place->last_ns, s->last_ns);
	place->breaches += s->breaches;
	who->breached_sends += s->breaches;
	if (s->refused) {
		place->refused += s->count;
		who->refused_sends += s->count;
	} else if (s->known) {
		place->sends += s->count;
		who->sends += s->count;
		place->senders++;
		am_handed_join(&place->handed, &s->handed);
		place->bytes += p->bytes;
		place->unsized += p->unsized;
	} else {
		place->likely += s->count;
		am_handed_join(&place->likely_handed, &s->handed);
		who->likely += s->count;
		place->likely_senders++;
	}
}

int am_lineage_solve(struct am_lineage *l)
{
	size_t i;
	int r = solve_holders(l);

	if (!r) {
		sum_files(l);
		r = sum_processes(l);
	}
	if (!r)
		r = sum_subjects(l);
	for (i = 0; !r && i < l->sends.n; i++)
		sum_send(l, SEND(l, i));
	for (i = 0; i < l->places.n; i++) {	/* nobody can have sent more than was read */
		PLACE(l, i)->bytes = least(PLACE(l, i)->bytes, l->bytes);
		PLACE(l, i)->unsized = least(PLACE(l, i)->unsized, l->unsized);
	}
	return r;
}
