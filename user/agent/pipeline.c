/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/pipeline.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "agent/control.h"
#include "agent/forebears.h"
#include "agent/force.h"
#include "agent/names.h"
#include "agent/recorder.h"
#include "agent/sealer.h"
#include "agent/witness.h"
#include "event/format.h"
#include "event/notice.h"
#include "policy/explain.h"

enum {
	LABELS_SIZE = 4352,	/* 64 names of 63 bytes and their commas */
	WHY_SIZE = 512,
};

struct am_pipeline {
	struct am_control *control;	/* borrowed, like the next six */
	struct am_names *names;
	struct am_sealer *sealer;
	struct am_recorder *recorder;
	struct am_witness *witness;
	const struct am_force *now;
	const struct am_force *before;
	int64_t wall_ns;		/* CLOCK_REALTIME - CLOCK_BOOTTIME */
	uint64_t notices;
	struct am_pipeline_counts counts;
	struct am_forebears *forebears;	/* owned */
	struct am_decoded event;
	struct am_decoded ancestor;	/* of it, the last one */
	char labels[LABELS_SIZE];
	char why[WHY_SIZE];
};

int am_pipeline_new(struct am_control *control, struct am_names *names, struct am_sealer *sealer,
		    struct am_recorder *recorder, struct am_witness *witness,
		    struct am_pipeline **ret)
{
	am_auto(am_pipeline) struct am_pipeline *p = calloc(1, sizeof(*p));
	int r = p ? am_forebears_new(&p->forebears) : -ENOMEM;

	if (r < 0)
		return r;
	p->control = control;
	p->names = names;
	p->sealer = sealer;
	p->recorder = recorder;
	p->witness = witness;
	am_pipeline_tick(p);
	*ret = AM_TAKE_PTR(p);
	return 0;
}

void am_pipeline_free(struct am_pipeline *p)
{
	if (!p)
		return;
	am_forebears_free(p->forebears);
	free(p);
}

void am_pipeline_force(struct am_pipeline *p, struct am_force *now, const struct am_force *before)
{
	am_witness_force(p->witness, now);
	p->now = now;
	p->before = before;
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t); /* cannot fail with these clocks */
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void am_pipeline_tick(struct am_pipeline *p)
{
	p->wall_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
}

void am_pipeline_counts(const struct am_pipeline *p, struct am_pipeline_counts *ret)
{
	*ret = p->counts;
}

/* ---- names ---------------------------------------------------------------- */

static const struct am_force *force_of(const struct am_pipeline *p, uint32_t generation)
{
	if (p->now && p->now->generation == generation)
		return p->now;
	if (p->before && p->before->generation == generation)
		return p->before;
	return NULL;
}

static const char *label_names(struct am_pipeline *p, const struct am_registry *registry,
			       uint64_t labels)
{
	size_t len = 0;
	unsigned bit;

	p->labels[0] = '\0';
	for (bit = 0; bit < AM_LABELS_MAX; bit++) {
		const char *name = labels >> bit & 1 ? am_registry_label_name(registry, bit) : NULL;

		if (!name || len + strlen(name) + 2 > sizeof(p->labels))
			continue;
		len += (size_t)snprintf(p->labels + len, sizeof(p->labels) - len, "%s%s",
					len ? "," : "", name);
	}
	return len ? p->labels : NULL;
}

static bool is_told(const struct am_pipeline *p)
{
	int form;

	for (form = 0; form < AM_FORM_MAX_; form++)
		if (am_control_wants(p->control, form))
			return true;
	return p->event.raw.verdict == AM_VERDICT_DENY || p->event.raw.flags & AM_EVENT_BLOCKED;
}

/* Labels and stores keep their numbers, so the latest registry names those of an
 * event whose policy is not known any more. */
static void find_names(struct am_pipeline *p, struct am_event_names *ret)
{
	const struct am_event *e = &p->event.raw;
	const struct am_force *force = force_of(p, e->generation);
	const struct am_force *any = force ? force : p->now;

	*ret = (struct am_event_names){
		.user = am_names_user(p->names, e->uid),
		.login = e->login == UINT32_MAX ? NULL : am_names_user(p->names, e->login),
		.unit = am_names_unit(p->names, e->cgroup),
		.cgroup = am_names_cgroup(p->names, e->cgroup),
		.groups = e->flags & AM_EVENT_FACTS ? am_names_groups(p->names, &p->event) : NULL,
		.policy = force ? force->model->name : NULL,
		.wall_ns = (int64_t)e->boottime_ns + p->wall_ns,
		.run = am_witness_run(p->witness),
	};
	if (!any)
		return;
	ret->labels = label_names(p, any->registry, e->labels);
	ret->purpose = e->purpose ? am_registry_purpose_name(any->registry, e->purpose) : NULL;
	if (e->store) {
		ret->store = am_registry_store_name(any->registry, e->store);
		ret->within = am_roots_within(any->roots, e->store, p->event.path,
					      e->flags & AM_EVENT_FS_PATH);
	}
	if (!is_told(p))
		return;		/* nobody would read the sentence */
	am_explain_event(force ? force->model : NULL, force ? force->image : NULL, any->registry, e,
			 p->event.exe[0] ? p->event.exe : NULL, p->why, sizeof(p->why));
	ret->why = p->why[0] ? p->why : NULL;
}

/* ---- lines ---------------------------------------------------------------- */

/* Has `write` make a line in the form, and gives it to those who want it: 0 or -errno. */
static int write_line(struct am_pipeline *p, enum am_control_form form,
		      int (*write)(FILE *out, const void *what, enum am_control_form form),
		      const void *what)
{
	am_autofree char *line = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&line, &len);
	int r;

	if (!out)
		return -errno;
	r = write(out, what, form);
	if (fclose(out) && !r)
		r = -errno;
	if (!r)
		am_control_line(p->control, form, line, len);
	return r;
}

/* A line for each form that somebody wants `row` in. */
static void write_lines(struct am_pipeline *p, const struct am_row *row,
			int (*write)(FILE *out, const void *what, enum am_control_form form),
			const void *what)
{
	int form;

	for (form = 0; form < AM_FORM_MAX_; form++) {
		if (!am_control_choose(p->control, form, row) ||
		    !write_line(p, form, write, what))
			continue;
		p->counts.unwritten++;
		am_control_lost(p->control, 1);
	}
}

/* An event with its names, as write_event() takes it. */
struct named {
	const struct am_decoded *event;
	const struct am_event_names *names;
};

static int write_event(FILE *out, const void *what, enum am_control_form form)
{
	const struct named *n = what;

	if (form == AM_FORM_JSON)
		return am_event_json(out, n->event, n->names);
	return am_event_text(out, n->event, n->names, form == AM_FORM_COLOR);
}

static void find_ancestor_names(struct am_pipeline *p, struct am_event_names *ret)
{
	const struct am_event *e = &p->ancestor.raw;
	const struct am_force *force = force_of(p, e->generation);

	*ret = (struct am_event_names){
		.user = am_names_user(p->names, e->uid),
		.login = e->login == UINT32_MAX ? NULL : am_names_user(p->names, e->login),
		.unit = am_names_unit(p->names, e->cgroup),
		.cgroup = am_names_cgroup(p->names, e->cgroup),
		.policy = force ? force->model->name : NULL,
		.wall_ns = (int64_t)e->boottime_ns + p->wall_ns,
	};
}

/* Whom the event's process descends from, before the event itself. */
static void take_ancestors(struct am_pipeline *p)
{
	struct am_event_names names;
	const struct am_row *row;
	unsigned i;

	for (i = 0; i < p->event.n_ancestors; i++) {
		const struct am_ancestor *a = &p->event.ancestors[i];

		if (am_forebears_knew(p->forebears, a))
			continue;
		am_forebears_event(&p->event, a, &p->ancestor);
		find_ancestor_names(p, &names);
		row = am_recorder_take(p->recorder, &p->ancestor, &names, NULL);
		write_lines(p, row, write_event, &(struct named){ &p->ancestor, &names });
	}
}

void am_pipeline_take(void *ctx, const void *bytes, size_t len)
{
	struct am_pipeline *p = ctx;
	struct am_event_names names;
	const struct am_row *row;

	p->counts.taken++;
	if (am_event_decode(bytes, len, &p->event) < 0) {
		p->counts.malformed++;
		am_recorder_lost(p->recorder, AM_GAP_MALFORMED, 1);
		return;
	}
	take_ancestors(p);
	find_names(p, &names);
	row = am_recorder_take(p->recorder, &p->event, &names,
			       force_of(p, p->event.raw.generation));
	if (p->event.raw.kind == AM_EVENT_RESEAL)
		am_sealer_ask(p->sealer, p->event.raw.store);
	else
		write_lines(p, row, write_event, &(struct named){ &p->event, &names });
	if (p->event.raw.kind == AM_EVENT_PROCESS)
		return;		/* no access: nobody will ask why it was decided so */
	am_witness_take(p->witness, &p->event, (int64_t)p->event.raw.boottime_ns + p->wall_ns);
}

/* ---- notices -------------------------------------------------------------- */

static int write_notice(FILE *out, const void *what, enum am_control_form form)
{
	if (form == AM_FORM_JSON)
		return am_notice_json(out, what);
	return am_notice_text(out, what, form == AM_FORM_COLOR);
}

void am_pipeline_notice(struct am_pipeline *p, const struct am_notice *notice)
{
	struct am_notice n = *notice;
	/* As which a filter sees it: kind=mark. */
	struct am_row row = {
		.deed = { .kind = AM_ROW_MARK, .reason = AM_MARK_NOTICE, .why = n.why },
		.actor = AM_ROW_NOBODY,
	};

	n.seq = ++p->notices;
	n.wall_ns = row.wall_ns = clock_ns(CLOCK_REALTIME);
	if (!n.generation && p->now) {
		n.policy = p->now->model->name;
		n.generation = p->now->generation;
	}
	am_recorder_notice(p->recorder, &n);
	write_lines(p, &row, write_notice, &n);
	am_control_flush(p->control);
}
