// SPDX-License-Identifier: GPL-2.0
/* `explain ID|last [--pid N] [--uid N] [--json]` and `explain --pid N [--json]`. */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "agent/memory.h"
#include "agent/names.h"
#include "agent/proc.h"
#include "kernel/tasks.h"

enum {
	NAME_SIZE = 256,
	CGROUP_SIZE = 384,
	ANCESTORS_MAX = 64,
	NS_PER_TICK = 10000000,
	NS_PER_S = 1000000000,
};

struct request {
	const char *event;	/* NULL: about a process */
	struct am_recent_wish wish;
	bool json;
};

static int refuse(FILE *err, const char *text)
{
	fputs(text, err);
	return AM_ANSWER_USAGE;
}

static bool parse_number(const char *word, uint32_t *ret)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(word, &end, 10);
	if (errno || *word < '0' || *word > '9' || *end || n > UINT32_MAX)
		return false;
	*ret = n;
	return true;
}

static bool parse_option(struct request *q, const char *const *words, int n, int *at)
{
	const char *word = words[*at];

	if (!strcmp(word, "--json")) {
		q->json = true;
		return true;
	}
	if (*at + 1 == n)
		return false;
	(*at)++;
	if (!strcmp(word, "--pid"))
		return q->wish.has_pid = parse_number(words[*at], &q->wish.pid);
	if (!strcmp(word, "--uid"))
		return q->wish.has_uid = parse_number(words[*at], &q->wish.uid);
	return false;
}

static bool parse(struct request *q, const char *const *words, int n)
{
	for (int i = 1; i < n; i++) {
		if (words[i][0] != '-' && !q->event)
			q->event = words[i];
		else if (!parse_option(q, words, n, &i))
			return false;
	}
	return q->event || q->wish.has_pid;
}

/* ---- an event -------------------------------------------------------------------------- */

/* Names for the numbers of an event, in buffers of their own. */
struct names {
	char user[NAME_SIZE], login[NAME_SIZE], unit[NAME_SIZE];
	char cgroup[CGROUP_SIZE];
};

static const char *copy(char *to, const char *name)
{
	if (!name)
		return NULL;
	snprintf(to, NAME_SIZE, "%s", name);
	return to;
}

static void find_names(struct am_witness *w, const struct am_recent_item *item,
		       struct names *names, struct am_inquiry *q)
{
	const struct am_force *force = am_witness_policy(w, item->raw.generation);
	const char *cgroup;

	q->user = copy(names->user, am_names_user(w->names, item->raw.uid));
	if (item->raw.login != UINT32_MAX)
		q->login_name = copy(names->login, am_names_user(w->names, item->raw.login));
	q->unit = copy(names->unit, am_names_unit(w->names, item->raw.cgroup));
	cgroup = am_names_cgroup(w->names, item->raw.cgroup);
	if (cgroup && (size_t)snprintf(names->cgroup, CGROUP_SIZE, "%s", cgroup) < CGROUP_SIZE)
		q->cgroup = names->cgroup;
	if (!force && w->n_policies)
		force = w->policies[w->n_policies - 1].force;
	if (force && item->raw.purpose)
		q->purpose = am_registry_purpose_name(force->registry, item->raw.purpose);
	if (!force || !item->raw.store)
		return;
	q->store = am_registry_store_name(force->registry, item->raw.store);
	q->within = am_roots_within(force->roots, item->raw.store, item->path,
				    item->raw.flags & AM_EVENT_FS_PATH);
}

/* Why there is nothing to tell. */
static int not_known(const struct am_witness *w, const struct am_event_id *id, FILE *err)
{
	const struct am_recent_item *oldest = am_recent_oldest(w->recent, id->urgent);
	char text[AM_INSTANT_TEXT] = "its start";

	if (oldest)
		am_instant_format(oldest->wall_ns, text);
	if (id->run != w->run)
		fprintf(err, "the event is of another run of the agent (%u; this is run %u), and the "
			"agent remembers its own", id->run, w->run);
	else
		fprintf(err, "the event is not known: the agent remembers %s since %s",
			id->urgent ? "refusals" : "allowed accesses", text);
	return AM_ANSWER_NO;
}

static int find_event(struct am_witness *w, const struct request *q, FILE *err,
		      const struct am_recent_item **ret)
{
	struct am_event_id id;

	if (!strcmp(q->event, "last")) {
		*ret = am_recent_last(w->recent, &q->wish);
		if (*ret)
			return 0;
		fputs("nothing that fits was refused, as far back as the agent remembers", err);
		return AM_ANSWER_NO;
	}
	if (am_event_id_parse(q->event, &id))
		return refuse(err, "that is no event: write its id as `amanat tail` shows it in "
				   "brackets, such as 12-u0-4711, or `last`");
	*ret = am_recent_find(w->recent, &id);
	return *ret ? 0 : not_known(w, &id, err);
}

static int explain_event(struct am_witness *w, const struct request *req, FILE *out, FILE *err)
{
	const struct am_recent_item *item = NULL;
	struct am_inquiry q = { 0 };
	struct names names;
	int r = find_event(w, req, err, &item);

	if (r)
		return r;
	q.item = item;
	find_names(w, item, &names, &q);
	q.then = am_witness_view(w, item->raw.generation);
	q.now = am_witness_now(w);
	if ((req->json ? am_inquiry_json(&q, out) : am_inquiry_text(&q, out)) < 0) {
		fputs("the agent is out of memory", err);
		return AM_ANSWER_NO;
	}
	return AM_ANSWER_YES;
}

/* ---- a process --------------------------------------------------------------------------- */

/* What is gathered about it. */
struct gathered {
	struct am_proc proc;
	struct am_task task;
	struct am_seen seen;
	struct am_person person;
	char user[NAME_SIZE], login[NAME_SIZE];
};

/* An ancestor's label is inherited only if it had it before the child was made. */
static const struct am_label_origin *before(const struct am_label_origin *o, uint64_t child_ticks)
{
	return o && o->boottime_ns / NS_PER_TICK <= child_ticks ? o : NULL;
}

/* Up the line of parents, as long as they are there. */
static void find_origin(struct am_witness *w, const struct am_proc *p,
			struct am_person_label *label)
{
	uint32_t pid = p->ppid, next, known = am_recent_parent(w->recent, p->pid, p->start_ticks);
	uint64_t child = p->start_ticks, start;

	label->origin = am_origins_find(w->origins, p->pid, p->start_ticks, label->bit);
	/* Whose parent has ended has another one now. */
	if (known)
		pid = known;
	for (unsigned i = 0; !label->origin && pid > 1 && i < ANCESTORS_MAX; i++) {
		if (am_proc_parent(pid, &next, &start) < 0)
			return;
		label->origin = before(am_origins_find(w->origins, pid, start, label->bit), child);
		label->from = label->origin ? pid : 0;
		known = am_recent_parent(w->recent, pid, start);
		pid = known ? known : next;
		child = start;
	}
}

static void explain_labels(struct am_witness *w, struct gathered *g)
{
	const struct am_force *force = w->policies[w->n_policies - 1].force;

	for (unsigned bit = 0; bit < AM_LABELS_MAX; bit++) {
		struct am_person_label *label = &g->person.reasons[g->person.n_reasons];

		if (!(g->person.labels >> bit & 1))
			continue;
		g->person.n_reasons++;
		label->bit = bit;
		find_origin(w, &g->proc, label);
		if (!label->origin || !label->origin->store)
			continue;
		label->store = am_registry_store_name(force->registry, label->origin->store);
		label->within = am_roots_within(force->roots, label->origin->store,
						label->origin->path, false);
	}
}

/* Scripts only the kernel side knows; what it found holds while the policy is the same. */
static void infer_script(struct am_seen *seen, const struct am_view *view,
			 const struct am_task *task)
{
	struct am_seen all = { 0 };

	if (task->generation != view->generation)
		return;
	am_seen_infer(&all, view, &task->bits);
	for (size_t i = 0; i < all.n_atoms; i++)
		if (all.atoms[i].kind == AM_FACT_SCRIPT)
			seen->atoms[seen->n_atoms++] = all.atoms[i];
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t); /* cannot fail with these clocks */
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void fill(struct am_witness *w, const struct am_view *view, uint32_t purpose,
		 struct gathered *g)
{
	const struct am_proc *p = &g->proc;

	g->seen = (struct am_seen){
		.exe = p->exe[0] ? p->exe : NULL,
		.user = copy(g->user, am_names_user(w->names, p->uid)),
		.uid = p->uid,
		.login = p->login,
		.gids = p->gids,
		.n_gids = p->n_gids,
		.cgroup = p->cgroup[0] ? p->cgroup : NULL,
		.purpose = purpose ? am_registry_purpose_name(view->registry, purpose) : NULL,
	};
	if (p->login != UINT32_MAX)
		g->seen.login_name = copy(g->login, am_names_user(w->names, p->login));
	infer_script(&g->seen, view, &g->task);
	g->person = (struct am_person){
		.pid = p->pid,
		.ppid = p->ppid,
		.comm = p->comm,
		.start_wall_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME) +
				 (int64_t)p->start_ticks * NS_PER_TICK,
		.seen = &g->seen,
		.exe_is_other = p->exe[0] && am_proc_runs_other(p),
		.in_container = p->in_container,
		.bits = g->task.generation == view->generation ? &g->task.bits : NULL,
		.labels = g->task.labels,
		.forgotten = am_origins_forgotten(w->origins),
	};
}

static int no_such(FILE *err, uint32_t pid)
{
	fprintf(err, "there is no process %u on this host (any more); inside of a container it has "
		"another number than outside", pid);
	return AM_ANSWER_NO;
}

/* The pidfd is held first: what is read afterwards is of the same process. */
static int gather(struct am_witness *w, const struct am_view *view, uint32_t pid,
		  struct gathered *g, FILE *err)
{
	am_autoclose int pidfd = -1;
	uint32_t purpose = 0;
	int r = am_proc_read(pid, &g->proc);

	if (r < 0)
		return no_such(err, pid);
	if (g->proc.is_kernel) {
		fprintf(err, "%u is a thread of the kernel (%s): it is no subject of a policy and "
			"carries no labels", pid, g->proc.comm);
		return AM_ANSWER_NO;
	}
	pidfd = syscall(SYS_pidfd_open, g->proc.pid, 0);
	if (pidfd < 0)
		return no_such(err, pid);
	r = am_task_read(w->engine, pidfd, &g->task);
	if (!r || r == -ENOENT)
		r = am_task_purpose(w->engine, pidfd, &purpose);
	if (r < 0) {
		fprintf(err, "what the kernel knows of process %u cannot be read: %s", pid,
			strerror(-r));
		return AM_ANSWER_NO;
	}
	if (am_proc_read(g->proc.pid, &g->proc) < 0 ||
	    syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) < 0)
		return no_such(err, pid);
	fill(w, view, purpose, g);
	return 0;
}

static int explain_process(struct am_witness *w, const struct request *req, FILE *out, FILE *err)
{
	am_autofree struct gathered *g = calloc(1, sizeof(*g));
	const struct am_view *view = am_witness_now(w);
	int r;

	if (!g || !view) {
		fputs("the agent is out of memory", err);
		return AM_ANSWER_NO;
	}
	r = gather(w, view, req->wish.pid, g, err);
	if (r)
		return r;
	explain_labels(w, g);
	r = req->json ? am_person_json(&g->person, view, out) :
			am_person_text(&g->person, view, out);
	return r < 0 ? AM_ANSWER_NO : AM_ANSWER_YES;
}

int am_explainer_answer(struct am_witness *w, const char *const *words, int n, FILE *out, FILE *err)
{
	struct request q = { 0 };

	if (!parse(&q, words, n))
		return refuse(err, "'explain' takes the id of an event, 'last', or --pid N");
	return q.event ? explain_event(w, &q, out, err) : explain_process(w, &q, out, err);
}
