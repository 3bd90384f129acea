// SPDX-License-Identifier: GPL-2.0
#include "policy/person.h"

#include <errno.h>
#include <string.h>

#include "event/escape.h"
#include "policy/answer_form.h"
#include "policy/reader.h"
#include "policy/set.h"

enum { GROUPS_TOLD = 16 };

struct person {
	const struct am_person *p;
	const struct am_view *view;
	struct am_who who;
	struct am_set bits;
	bool exact;	/* as the kernel has it, where it has looked */
};

/* A path that leads to another file than the one that runs says nothing; a file that has not
 * the digest asked for only the kernel side knows. */
static void meet(const struct am_person *p, const struct am_view *view, struct person *ret)
{
	*ret = (struct person){ .p = p, .view = view };
	am_seen_who(p->seen, view, &ret->who);
	if (p->exe_is_other)
		ret->who.facts[AM_FACT_EXE].value = NULL;
	ret->exact = !p->bits || am_who_is(view, &ret->who, p->bits);
	if (!ret->exact) {
		struct am_who other = ret->who;

		other.facts[AM_FACT_EXE].value = NULL;
		ret->exact = am_who_is(view, &other, p->bits);
		if (ret->exact)
			ret->who = other;
	}
	am_space_bits(view->space, 0, &ret->who, &ret->bits);
}

/* ---- which subjects ------------------------------------------------------------------ */

static bool several_hold(const struct person *x, enum am_fact kind, const struct am_who_fact *facts,
			 unsigned n, unsigned subject)
{
	if (am_set_has(am_space_unlisted(x->view->space, 0, kind), subject))
		return true;
	for (unsigned i = 0; i < n; i++)
		if (facts[i].value && am_set_has(&facts[i].value->set[0], subject))
			return true;
	return false;
}

static bool fact_holds(const struct person *x, enum am_fact kind, unsigned subject)
{
	if (kind == AM_FACT_GROUP)
		return several_hold(x, kind, x->who.groups, x->who.n_groups, subject);
	if (kind == AM_FACT_CGROUP)
		return several_hold(x, kind, x->who.cgroups, x->who.n_cgroups, subject);
	return several_hold(x, kind, &x->who.facts[kind], 1, subject);
}

/* The one condition of the subject that does not hold; AM_FACT_INVALID if there are more, or
 * none. A subject of one condition is nobody's near miss. */
static enum am_fact missing_fact(const struct person *x, unsigned subject)
{
	const struct am_model_subject *s = &x->view->model->subjects[subject];
	enum am_fact missing = AM_FACT_INVALID;
	unsigned asked = 0;

	for (enum am_fact kind = AM_FACT_EXE; kind < AM_FACT_PORT; kind++) {
		if (!am_subject_atom(s, kind))
			continue;
		asked++;
		if (fact_holds(x, kind, subject))
			continue;
		if (missing)
			return AM_FACT_INVALID;
		missing = kind;
	}
	return asked > 1 ? missing : AM_FACT_INVALID;
}

static const char *fact_key(const struct am_model_subject *s, enum am_fact kind)
{
	return kind == AM_FACT_CGROUP && s->unit ? "unit" : am_fact_word(kind);
}

/* ---- what it may do -------------------------------------------------------------------- */

static bool may(const struct person *x, unsigned op, int store, struct am_ask *ask,
		struct am_answer *answer)
{
	am_ask_init(ask);
	ask->who = x->who;
	ask->access.op = op;
	ask->access.store = store;
	if (op == AM_OP_USE) {
		ask->access.store = -1;
		ask->access.purpose = store;
	}
	am_answer_find(x->view->space, ask, answer);
	return answer->decision.verdict == AM_VERDICT_ALLOW;
}

/* Whether it may send the label to the zone, whichever other zones a destination lies in. */
static bool may_send(const struct person *x, unsigned label, unsigned zone)
{
	struct am_place place = { .kind = AM_PLACE_OTHER };
	struct am_access access = { .op = AM_OP_SEND, .store = -1, .labels = 1ULL << label,
				    .place = &place };
	struct am_decision d;

	if (zone != AM_ZONE_ANYWHERE)
		place.zones[0] = (struct am_zones){ .count = 1, .id = { zone } };
	am_set_add(&place.in[0], AM_ZONE_ANYWHERE);
	am_set_add(&place.in[0], zone);
	am_access_decide(x->view->space, 0, &access, &x->who, &d);
	return d.verdict == AM_VERDICT_ALLOW;
}

static size_t n_zones(const struct person *x)
{
	return AM_ZONE_FIRST_USER + x->view->model->n_zones;
}

/* ---- sentences ----------------------------------------------------------------------------- */

static void say_account(FILE *out, const char *name, uint32_t number)
{
	if (name)
		am_escape_write(out, name, AM_ESCAPE_WORD);
	fprintf(out, name ? " (uid %u)" : "uid %u", number);
}

/* The first one is the effective group; most have many more than anybody wants to read. */
static void say_groups(const struct am_seen *seen, FILE *out)
{
	if (!seen->n_gids)
		return;
	fprintf(out, ", gid %u", seen->gids[0]);
	for (size_t i = 1; i < seen->n_gids && i <= GROUPS_TOLD; i++)
		fprintf(out, "%s%u", i == 1 ? ", groups " : " ", seen->gids[i]);
	if (seen->n_gids > GROUPS_TOLD + 1)
		fprintf(out, " and %zu more", seen->n_gids - GROUPS_TOLD - 1);
}

static void say_script(const struct am_seen *seen, FILE *out)
{
	for (size_t i = 0; i < seen->n_atoms; i++) {
		if (seen->atoms[i].kind != AM_FACT_SCRIPT)
			continue;
		fputs(", running the script ", out);
		am_escape_write(out, seen->atoms[i].text, AM_ESCAPE_PHRASE);
		return;
	}
}

static void say_who(const struct person *x, FILE *out)
{
	const struct am_seen *seen = x->p->seen;
	char start[AM_INSTANT_TEXT];

	am_instant_format(x->p->start_wall_ns, start);
	am_escape_write(out, x->p->comm, AM_ESCAPE_WORD);
	fprintf(out, "[%u] is ", x->p->pid);
	am_escape_write(out, seen->exe ? seen->exe : "an executable without a path",
			AM_ESCAPE_PHRASE);
	if (x->p->exe_is_other)
		fputs(" (not the file that has this path now)", out);
	say_script(seen, out);
	fputs(", run by ", out);
	say_account(out, seen->user, seen->uid);
	if (seen->login != UINT32_MAX) {
		fputs(", logged in as ", out);
		say_account(out, seen->login_name, seen->login);
	}
	say_groups(seen, out);
	if (seen->cgroup) {
		fputs(", in ", out);
		am_escape_write(out, seen->cgroup, AM_ESCAPE_PHRASE);
	}
	fprintf(out, ", child of process %u, since %s, ", x->p->ppid, start);
	if (seen->purpose)
		fprintf(out, "under the purpose %s.\n", seen->purpose);
	else
		fputs("under no purpose.\n", out);
	if (x->p->in_container)
		fputs("It is in a container, where it has another number.\n", out);
	fprintf(out, "Policy %s, generation %u, says:\n", x->view->model->name,
		x->view->generation);
}

static void row_subjects(const struct person *x, FILE *out)
{
	const struct am_model *m = x->view->model;
	const char *comma = "";

	fputs("  subjects ", out);
	for (size_t i = 0; i < m->n_subjects; i++) {
		if (!am_set_has(&x->bits, i))
			continue;
		fprintf(out, "%s%s", comma, m->subjects[i].name);
		comma = ", ";
	}
	fputs(*comma ? "\n" : "none\n", out);
	for (size_t i = 0; i < m->n_subjects; i++) {
		enum am_fact kind = missing_fact(x, i);

		if (!kind)
			continue;
		fprintf(out, "  near     %s, but for %s=", m->subjects[i].name,
			fact_key(&m->subjects[i], kind));
		am_escape_write(out, am_subject_atom(&m->subjects[i], kind), AM_ESCAPE_PHRASE);
		fputc('\n', out);
	}
}

static void row_stores(const struct person *x, unsigned op, const char *title, FILE *out)
{
	const struct am_model *m = x->view->model;
	const char *comma = "";

	fprintf(out, "  %-8s ", title);
	for (size_t i = 0; i < m->n_stores; i++) {
		struct am_answer answer;
		struct am_ask ask;

		if (!may(x, op, i, &ask, &answer))
			continue;
		fprintf(out, "%s%s", comma, m->stores[i].name);
		if (answer.rule)
			fprintf(out, " (rule %zu)", (size_t)(answer.rule - m->rules) + 1);
		comma = ", ";
	}
	fputs(*comma ? "\n" : "no store\n", out);
}

static void row_purposes(const struct person *x, FILE *out)
{
	const struct am_model *m = x->view->model;
	const char *comma = "";

	if (!m->n_purposes)
		return;
	fputs("  uses     ", out);
	for (size_t i = 0; i < m->n_purposes; i++) {
		struct am_answer answer;
		struct am_ask ask;

		if (!may(x, AM_OP_USE, i, &ask, &answer))
			continue;
		fprintf(out, "%s%s", comma, m->purposes[i].name);
		comma = ", ";
	}
	fputs(*comma ? "\n" : "no purpose\n", out);
}

static void say_origin(const struct am_person_label *why, FILE *out)
{
	const struct am_label_origin *o = why->origin;
	char id[AM_EVENT_ID_TEXT], time[AM_INSTANT_TEXT];

	if (!o) {
		fputs("how it came by it is not known: before the agent ran, from a process that "
		      "is gone, or too long ago", out);
		return;
	}
	if (why->from) {
		fprintf(out, "inherited from process %u (", why->from);
		am_escape_write(out, o->comm, AM_ESCAPE_WORD);
		fputs("), which ", out);
	}
	fputs("read ", out);
	if (why->store && why->within) {
		fprintf(out, "%s/", why->store);
		am_escape_write(out, why->within, AM_ESCAPE_PHRASE);
	} else if (o->path[0]) {
		fputs(o->cut ? "\xe2\x80\xa6" : "", out);
		am_escape_write(out, o->path, AM_ESCAPE_PHRASE);
	} else {
		fputs("an object without a name, such as a pipe", out);
	}
	am_instant_format(o->wall_ns, time);
	am_event_id_format(&o->id, id);
	fprintf(out, " at %s (%s)", time, id);
}

static void rows_of_labels(const struct person *x, FILE *out)
{
	if (!x->p->labels)
		fputs("  carries  no label\n", out);
	for (size_t i = 0; i < x->p->n_reasons; i++) {
		const struct am_person_label *why = &x->p->reasons[i];
		const char *name = am_registry_label_name(x->view->registry, why->bit);
		int label = am_view_label(x->view, why->bit);
		const char *comma = "";

		fprintf(out, "  carries  %s: ", name ? name : "?");
		say_origin(why, out);
		fputs("\n           may be sent to ", out);
		for (size_t z = 0; label >= 0 && z < n_zones(x); z++) {
			if (!may_send(x, label, z))
				continue;
			fprintf(out, "%s%s", comma, am_model_zone_name(x->view->model, z));
			comma = ", ";
		}
		fputs(*comma ? "\n" : "nowhere\n", out);
	}
}

int am_person_text(const struct am_person *p, const struct am_view *view, FILE *out)
{
	struct person x;

	meet(p, view, &x);
	say_who(&x, out);
	row_subjects(&x, out);
	row_stores(&x, AM_OP_READ, "reads", out);
	row_stores(&x, AM_OP_WRITE, "writes", out);
	row_purposes(&x, out);
	rows_of_labels(&x, out);
	if (!x.exact)
		fputs("  note     at its last access the kernel found other facts about it than /proc "
		      "tells now\n", out);
	return ferror(out) ? -EIO : 0;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void json_subjects(struct am_json *j, const struct person *x)
{
	const struct am_model *m = x->view->model;

	am_json_list(j, "subjects");
	for (size_t i = 0; i < m->n_subjects; i++)
		if (am_set_has(&x->bits, i))
			am_json_text(j, NULL, m->subjects[i].name);
	am_json_end(j);
	am_json_list(j, "near");
	for (size_t i = 0; i < m->n_subjects; i++) {
		enum am_fact kind = missing_fact(x, i);

		if (!kind)
			continue;
		am_json_object(j, NULL);
		am_json_text(j, "subject", m->subjects[i].name);
		am_json_text(j, "fact", fact_key(&m->subjects[i], kind));
		am_json_text(j, "value", am_subject_atom(&m->subjects[i], kind));
		am_json_end(j);
	}
	am_json_end(j);
}

static int json_stores(struct am_json *j, const struct person *x)
{
	const struct am_model *m = x->view->model;
	int err = 0;

	am_json_list(j, "stores");
	for (size_t i = 0; !err && i < m->n_stores; i++) {
		static const unsigned ops[] = { AM_OP_READ, AM_OP_WRITE };

		am_json_object(j, NULL);
		am_json_text(j, "store", m->stores[i].name);
		for (unsigned k = 0; !err && k < 2; k++) {
			struct am_answer answer;
			struct am_ask ask;

			(void)may(x, ops[k], i, &ask, &answer);
			am_json_object(j, am_op_name(ops[k]));
			err = am_answer_members(j, x->view->space, &ask, &answer);
			am_json_end(j);
		}
		am_json_end(j);
	}
	am_json_end(j);
	return err;
}

static void json_origin(struct am_json *j, const struct am_person_label *why)
{
	const struct am_label_origin *o = why->origin;
	char id[AM_EVENT_ID_TEXT], time[AM_INSTANT_TEXT];

	if (!o)
		return;
	am_instant_format(o->wall_ns, time);
	am_event_id_format(&o->id, id);
	am_json_object(j, "origin");
	am_json_text(j, "event", id);
	am_json_text(j, "time", time);
	am_json_int(j, "pid", o->tgid);
	am_json_text(j, "comm", o->comm);
	am_json_bool(j, "inherited", why->from);
	am_json_text(j, "store", why->store);
	am_json_text(j, "within", why->within);
	am_json_text(j, "path", o->path[0] ? o->path : NULL);
	am_json_end(j);
}

static void json_labels(struct am_json *j, const struct person *x)
{
	am_json_list(j, "carries");
	for (size_t i = 0; i < x->p->n_reasons; i++) {
		const struct am_person_label *why = &x->p->reasons[i];
		int label = am_view_label(x->view, why->bit);

		am_json_object(j, NULL);
		am_json_text(j, "label", am_registry_label_name(x->view->registry, why->bit));
		json_origin(j, why);
		am_json_list(j, "may_send_to");
		for (size_t z = 0; label >= 0 && z < n_zones(x); z++)
			if (may_send(x, label, z))
				am_json_text(j, NULL, am_model_zone_name(x->view->model, z));
		am_json_end(j);
		am_json_end(j);
	}
	am_json_end(j);
}

static void json_facts(struct am_json *j, const struct person *x)
{
	const struct am_seen *seen = x->p->seen;

	am_json_text(j, "comm", x->p->comm);
	am_json_text(j, "exe", seen->exe);
	am_json_bool(j, "exe_replaced", x->p->exe_is_other);
	am_json_int(j, "uid", seen->uid);
	am_json_text(j, "user", seen->user);
	am_json_list(j, "gids");
	for (size_t i = 0; i < seen->n_gids; i++)
		am_json_int(j, NULL, seen->gids[i]);
	am_json_end(j);
	if (seen->login != UINT32_MAX)
		am_json_int(j, "login_uid", seen->login);
	am_json_text(j, "cgroup", seen->cgroup);
	am_json_text(j, "purpose", seen->purpose);
}

int am_person_json(const struct am_person *p, const struct am_view *view, FILE *out)
{
	struct am_json j;
	struct person x;
	int err;

	meet(p, view, &x);
	am_json_init(&j, out);
	am_json_object(&j, NULL);
	am_json_int(&j, "pid", p->pid);
	am_json_int(&j, "parent", p->ppid);
	json_facts(&j, &x);
	am_json_bool(&j, "in_container", p->in_container);
	am_json_text(&j, "policy", view->model->name);
	am_json_int(&j, "generation", view->generation);
	json_subjects(&j, &x);
	err = json_stores(&j, &x);
	json_labels(&j, &x);
	am_json_bool(&j, "as_the_kernel_found", x.exact);
	am_json_u64(&j, "origins_forgotten", p->forgotten);
	return err ? err : am_json_done(&j);
}
