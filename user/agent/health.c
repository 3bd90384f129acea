/* SPDX-License-Identifier: GPL-2.0 */
#include "agent/health.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "agent/lookback.h"
#include "agent/programs.h"
#include "base/host.h"
#include "base/text.h"
#include "base/when.h"
#include "event/json.h"
#include "event/roads.h"
#include "kernel/counters.h"
#include "kernel/engine.h"
#include "kernel/grants.h"
#include "kernel/publish.h"
#include "policy/trust.h"

/* Counters that are events which nobody will see. */
static const unsigned losses[] = {
	AM_COUNT_URGENT_LOST,
	AM_COUNT_BULK_LOST,
	AM_COUNT_REPEAT_LOST,
	AM_COUNT_NO_SCRATCH,
};

enum { N_LOSSES = sizeof(losses) / sizeof(losses[0]) };

/* One store as it is shown. */
struct store_line {
	const struct am_model_store *model;
	struct am_seal_state seal;
	bool enforce;
	const char *word;
};

static struct store_line look_at(const struct am_health *h, size_t index)
{
	uint32_t id = am_force_store(h->force, index);
	const struct am_store *store = &h->force->image->policy->stores[id & AM_STORE_SLOT_MASK];
	struct store_line line = {
		.model = &h->force->model->stores[index],
		.enforce = store->flags & AM_STORE_ENFORCE,
	};

	am_seal_state(h->sealer->seal, id, &line.seal);
	if (!h->answers)
		line.word = "open";
	else if (!line.seal.walked)
		line.word = "sealing";
	else if (!line.seal.sealed)
		line.word = "incomplete";
	else
		line.word = line.enforce ? "enforced" : "observed";
	return line;
}

bool am_health_ready(const struct am_health *h)
{
	return h->force && h->answers && am_sealer_is_sealed(h->sealer) &&
	       am_recall_is_done(h->recall) && am_programs_settled(h->governor) &&
	       am_holders_are_known(h->holders);
}

/* ---- text ----------------------------------------------------------------- */

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void text_policy(const struct am_health *h, FILE *out)
{
	const struct am_force *f = h->force;
	char since[AM_WHEN_TEXT];

	(void)am_when_local(f->since_s, since); /* zeros will do */
	(void)fprintf(out, "policy     %s#%u, mode %s, in force since %s\n", f->model->name,
		      f->generation, f->model->mode == AM_MODE_ENFORCE ? "enforce" : "observe", since);
}

static void text_source(const struct am_origin *o, FILE *out)
{
	(void)fputs("source     ", out);
	if (o->kind == AM_SOURCE_FILE) {
		(void)fputs("the policy file\n", out);
		return;
	}
	(void)fprintf(out, "bundle, serial %" PRIu64, o->serial);
	if (o->takes_back)
		(void)fprintf(out, " (takes back %" PRIu64 ")", o->takes_back);
	(void)fputs(", signed with key ", out);
	if (o->signer[0]) {
		(void)fputc('\'', out);
		am_text_print(out, o->signer);
		(void)fputs("'", out);
	} else {
		(void)fprintf(out, "%s, which is not trusted here any more", o->key_id);
	}
	(void)fputs("; the policy file is not used\n", out);
}

static void text_refusal(const struct am_refusal *refusal, FILE *out)
{
	char at[AM_WHEN_TEXT];

	if (!refusal->at_s)
		return;
	(void)am_when_local(refusal->at_s, at); /* zeros will do */
	(void)fputs("refused    ", out);
	am_text_print(out, refusal->what);
	(void)fprintf(out, " at %s: ", at);
	am_text_print(out, refusal->why);
	(void)fputc('\n', out);
}

static void text_store(const struct store_line *line, FILE *out)
{
	const struct am_seal_state *seal = &line->seal;
	size_t i;

	(void)fprintf(out, "store      %s: %s", line->model->name, line->word);
	if (!line->enforce)
		(void)fputs(" (observe: nothing is blocked)", out);
	(void)fprintf(out, ", %" PRIu64 " file%s%s:", seal->files, plural(seal->files),
		      seal->walked ? "" : " so far");
	for (i = 0; i < line->model->n_paths; i++) {
		(void)fputc(' ', out);
		am_text_print(out, line->model->paths[i].path);
	}
	(void)fputc('\n', out);
	if (seal->failures) {
		(void)fprintf(out, "           %" PRIu64 " file%s could not be labelled, the first: '",
			      seal->failures, plural(seal->failures));
		am_text_print(out, seal->where);
		(void)fprintf(out, "': %s\n", strerror(-seal->error));
	}
	if (seal->mounts)
		(void)fprintf(out, "           not part of it: what is mounted at %" PRIu64 " place%s in it\n",
			      seal->mounts, plural(seal->mounts));
}

static void text_exe(const struct am_health *h, const struct am_exe_name *n, FILE *out)
{
	const char *fault = am_exe_name_fault(n);
	char where[PATH_MAX], who[64], subjects[1024];
	bool weak = am_trust_weak(n->named->path, who, sizeof(who), where, sizeof(where));

	if (!fault && !weak && !n->n_old)
		return;
	am_programs_subjects(h->governor, n->named, subjects, sizeof(subjects));
	(void)fprintf(out, "%-10s ", n->named->is_exe ? "executable" : "script");
	am_text_print(out, n->named->path);
	(void)fprintf(out, " (%s)%s%s", subjects, fault ? ": nobody by it: " : "", fault ? fault : "");
	if (n->n_old)
		(void)fprintf(out, "; %zu replaced file%s may still run", n->n_old, plural(n->n_old));
	if (weak) {
		(void)fprintf(out, "; %s can change it, by writing '", who);
		am_text_print(out, where);
		(void)fputc('\'', out);
	}
	(void)fputc('\n', out);
}

static void text_exes(const struct am_health *h, FILE *out)
{
	const struct am_exes *exes = am_publisher_exes(h->governor->publisher);
	size_t i;

	for (i = 0; i < exes->n_names; i++)
		text_exe(h, &exes->names[i], out);
}

static void text_purposes(const struct am_health *h, FILE *out)
{
	size_t n = am_grants_count(am_publisher_grants(h->governor->publisher));
	struct am_door_counts counts;

	am_door_counts(h->door, &counts);
	if (!n && !counts.refused && !counts.turned_away && !counts.cut_off)
		return;
	(void)fprintf(out, "purposes   %zu of %d grants kept, %" PRIu64 " requests granted, %" PRIu64
		      " refused", n, AM_GRANTS_MAX, counts.granted, counts.refused);
	if (counts.turned_away + counts.cut_off)
		(void)fprintf(out, ", %" PRIu64 " not heard", counts.turned_away + counts.cut_off);
	(void)fputc('\n', out);
}

static void text_strays(const struct am_health *h, FILE *out)
{
	if (!h->keeper->count)
		return;
	(void)fprintf(out, "strays     %zu kept (files labelled for themselves, not by their folder)",
		      h->keeper->count);
	if (!am_recall_is_done(h->recall))
		(void)fprintf(out, ", %zu still to be found", h->recall->count - h->recall->next);
	if (h->recall->unreachable)
		(void)fprintf(out, ", %" PRIu64 " on file systems that are not here",
			      h->recall->unreachable);
	(void)fputc('\n', out);
}

static const char *flavour_of(const struct am_health *h)
{
	return am_flavour_name(am_engine_flavour(h->engine));
}

static bool has_hook(void *ctx, const char *hook)
{
	const struct am_health *h = ctx;

	return h->answers && am_engine_has_hook(h->engine, hook);
}

/* A run that is skipped is an access that nobody checked, or with LSM hooks a pipe or a queue
 * whose labels nobody looked after. */
static bool may_skip(const struct am_health *h)
{
	return am_engine_is_skippable(h->engine) && am_host_may_skip(&am_host_here);
}

static void text_skips(const struct am_health *h, FILE *out)
{
	uint64_t skips = am_engine_skips(h->engine);

	if (!skips && !may_skip(h))
		return;
	if (am_engine_flavour(h->engine) == AM_FLAVOUR_FMOD_RET)
		(void)fprintf(out, "warning    this kernel is preemptible and may skip fmod_ret hooks, so that "
			      "an access is not checked: %" PRIu64 " skipped so far; have bpf in its lsm= "
			      "list\n", skips);
	else
		(void)fprintf(out, "warning    this kernel is preemptible and may skip what looks after pipes "
			      "and POSIX queues, so that labels do not follow: %" PRIu64 " runs skipped so "
			      "far\n", skips);
}

/* Labels for which a table had no room. Whoever needed it was refused, or ended. */
static void text_full(const uint64_t counts[AM_COUNT_MAX_], FILE *out)
{
	static const unsigned full[] = { AM_COUNT_NO_STRAY_ROOM, AM_COUNT_NO_CHANNEL_ROOM,
					 AM_COUNT_NO_FAMILY_ROOM };
	const char *before = "warning    a table of labels was full, and what needed it was refused: ";
	size_t i;

	for (i = 0; i < sizeof(full) / sizeof(full[0]); i++) {
		if (!counts[full[i]])
			continue;
		(void)fprintf(out, "%s%" PRIu64 " times %s", before, counts[full[i]],
			      am_counter_name(full[i]));
		before = ", ";
	}
	if (*before == ',')
		(void)fputs(counts[AM_COUNT_NO_STRAY_ROOM] ? " (see '--strays' of amanatd)\n" : "\n", out);
}

/* Tags that could not be had close what they should have, at a price. */
static void text_owed(const struct am_health *h, FILE *out)
{
	if (am_engine_owes_tags(h->engine))
		(void)fputs("warning    labels could not be kept on some files (counter no-tag-storage): "
			    "until a policy is loaded with room for all, every file is looked up by its "
			    "folders, which is slow\n", out);
}

static void text_hooks(const struct am_health *h, FILE *out)
{
	size_t loaded, missing, i;

	am_engine_hooks(h->engine, &loaded, &missing);
	if (h->answers)
		(void)fprintf(out, "hooks      %zu run, %s", loaded, flavour_of(h));
	else
		(void)fprintf(out, "hooks      %zu attached, %s, but the kernel does not run them",
			      loaded, flavour_of(h));
	for (i = 0; i < missing; i++)
		(void)fprintf(out, "%s%s", i ? ", " : "; this kernel has no ",
			      am_engine_missing(h->engine, i));
	(void)fputc('\n', out);
}

static void text_counters(const struct am_health *h, FILE *out)
{
	uint64_t counts[AM_COUNT_MAX_];
	struct am_pipeline_counts events;
	uint64_t lost = 0;
	size_t i;

	if (am_counters_read(h->engine, counts) < 0) {
		(void)fputs("counters   cannot be read\n", out);
		return;
	}
	text_full(counts, out);
	am_pipeline_counts(h->pipeline, &events);
	(void)fprintf(out, "decisions  %" PRIu64 " allowed, %" PRIu64 " denied, %" PRIu64
		      " of these blocked\n", counts[AM_COUNT_ALLOWED], counts[AM_COUNT_DENIED],
		      counts[AM_COUNT_BLOCKED]);
	if (counts[AM_COUNT_UNRECORDED])
		(void)fprintf(out, "           %" PRIu64 " denied by strict stores, as no record "
			      "could be made\n", counts[AM_COUNT_UNRECORDED]);
	for (i = 0; i < N_LOSSES; i++)
		lost += counts[losses[i]];
	(void)fprintf(out, "events     %" PRIu64 " taken, %" PRIu64 " lost", events.taken, lost);
	for (i = 0; i < N_LOSSES; i++)
		if (counts[losses[i]])
			(void)fprintf(out, ", %" PRIu64 " %s", counts[losses[i]],
				      am_counter_name(losses[i]));
	if (events.malformed)
		(void)fprintf(out, ", %" PRIu64 " malformed", events.malformed);
	(void)fputc('\n', out);
}

static void text_ledger(const struct am_health *h, FILE *out)
{
	struct am_recorder_state s;

	am_recorder_state(h->recorder, &s);
	if (s.error)
		(void)fprintf(out, "warning    events are not recorded: %s\n", strerror(-s.error));
	else if (!s.records)
		(void)fputs("warning    the ledger has hardly any room left\n", out);
	if (!s.records)
		(void)fputs("           strict stores deny meanwhile\n", out);
	(void)fputs("ledger     ", out);
	am_text_print(out, s.path);
	if (s.open)
		(void)fprintf(out, ": segment %" PRIu64 ", %" PRIu64 " row%s sealed, %" PRIu64
			      " waiting, %" PRIu64 " KiB in all", s.ledger.segment, s.ledger.rows,
			      plural(s.ledger.rows), s.ledger.waiting, s.ledger.bytes >> 10);
	if (s.lost)
		(void)fprintf(out, ", %" PRIu64 " event%s not recorded", s.lost, plural(s.lost));
	(void)fputc('\n', out);
}

static void text_clients(const struct am_health *h, FILE *out)
{
	struct am_control_counts counts;

	am_control_counts(h->control, &counts);
	(void)fprintf(out, "clients    %u of %u", counts.clients, AM_CONTROL_CLIENTS);
	if (counts.not_shown)
		(void)fprintf(out, ", %" PRIu64 " events not shown to slow ones", counts.not_shown);
	if (counts.cut_off)
		(void)fprintf(out, ", %" PRIu64 " cut off", counts.cut_off);
	(void)fputc('\n', out);
}

int am_health_text(const struct am_health *h, FILE *out)
{
	size_t i;

	text_policy(h, out);
	text_source(&h->force->origin, out);
	text_refusal(h->refusal, out);
	for (i = 0; i < h->force->model->n_stores; i++) {
		const struct store_line line = look_at(h, i);

		text_store(&line, out);
	}
	text_exes(h, out);
	text_purposes(h, out);
	text_strays(h, out);
	text_hooks(h, out);
	text_skips(h, out);
	text_owed(h, out);
	am_roads_text(out, "rules      ", has_hook, (void *)h);
	text_counters(h, out);
	text_ledger(h, out);
	text_clients(h, out);
	return ferror(out) ? -EIO : 0;
}

/* ---- JSON ----------------------------------------------------------------- */

static void json_refusal(const struct am_refusal *refusal, struct am_json *j)
{
	if (!refusal->at_s)
		return;
	am_json_object(j, "refused");
	am_json_text(j, "what", refusal->what);
	am_json_text(j, "why", refusal->why);
	am_json_int(j, "at", refusal->at_s);
	am_json_end(j);
}

static void json_policy(const struct am_health *h, struct am_json *j)
{
	const struct am_force *f = h->force;

	am_json_object(j, "policy");
	am_json_text(j, "name", f->model->name);
	am_json_int(j, "generation", f->generation);
	am_json_text(j, "mode", f->model->mode == AM_MODE_ENFORCE ? "enforce" : "observe");
	am_json_int(j, "since", f->since_s);
	am_origin_json(j, &f->origin);
	am_json_end(j);
}

static void json_store(const struct store_line *line, struct am_json *j)
{
	size_t i;

	am_json_object(j, NULL);
	am_json_text(j, "name", line->model->name);
	am_json_text(j, "state", line->word);
	am_json_text(j, "mode", line->enforce ? "enforce" : "observe");
	am_json_list(j, "roots");
	for (i = 0; i < line->model->n_paths; i++)
		am_json_text(j, NULL, line->model->paths[i].path);
	am_json_end(j);
	am_json_int(j, "files", (int64_t)line->seal.files);
	am_json_int(j, "failures", (int64_t)line->seal.failures);
	am_json_text(j, "first_failure", line->seal.failures ? line->seal.where : NULL);
	am_json_int(j, "mounts_inside", (int64_t)line->seal.mounts);
	am_json_end(j);
}

static const char *exe_word(enum am_exe_state state)
{
	static const char *const words[AM_EXE_STATE_MAX_] = {
		[AM_EXE_RIGHT] = "right",     [AM_EXE_CHECKING] = "checking",
		[AM_EXE_MISSING] = "missing", [AM_EXE_ODD] = "odd",
		[AM_EXE_WRONG] = "wrong",
	};

	return state < AM_EXE_STATE_MAX_ && words[state] ? words[state] : "?";
}

static void json_exe(const struct am_health *h, const struct am_exe_name *n, struct am_json *j)
{
	char where[PATH_MAX], who[64], subjects[1024];
	bool weak = am_trust_weak(n->named->path, who, sizeof(who), where, sizeof(where));

	am_programs_subjects(h->governor, n->named, subjects, sizeof(subjects));
	am_json_object(j, NULL);
	am_json_text(j, "path", n->named->path);
	am_json_text(j, "subjects", subjects);
	am_json_text(j, "state", exe_word(n->state));
	am_json_text(j, "fault", am_exe_name_fault(n));
	am_json_bool(j, "pinned", n->named->pinned);
	am_json_int(j, "replaced_kept", (int64_t)n->n_old);
	am_json_text(j, "changeable_by", weak ? who : NULL);
	am_json_text(j, "changeable_at", weak ? where : NULL);
	am_json_end(j);
}

static void json_exes(const struct am_health *h, struct am_json *j)
{
	const struct am_exes *exes = am_publisher_exes(h->governor->publisher);
	bool right = true;
	size_t i;

	for (i = 0; i < exes->n_names; i++)
		right &= exes->names[i].state == AM_EXE_RIGHT;
	am_json_bool(j, "executables_right", right);
	am_json_list(j, "executables");
	for (i = 0; i < exes->n_names; i++)
		json_exe(h, &exes->names[i], j);
	am_json_end(j);
}

static void json_purposes(const struct am_health *h, struct am_json *j)
{
	struct am_door_counts counts;

	am_door_counts(h->door, &counts);
	am_json_object(j, "purposes");
	am_json_int(j, "grants", (int64_t)am_grants_count(
			am_publisher_grants(h->governor->publisher)));
	am_json_int(j, "grants_max", AM_GRANTS_MAX);
	am_json_int(j, "asking", counts.guests);
	am_json_int(j, "granted", (int64_t)counts.granted);
	am_json_int(j, "refused", (int64_t)counts.refused);
	am_json_int(j, "turned_away", (int64_t)counts.turned_away);
	am_json_int(j, "cut_off", (int64_t)counts.cut_off);
	am_json_end(j);
}

static void json_hooks(const struct am_health *h, struct am_json *j)
{
	size_t loaded, missing, i;

	am_engine_hooks(h->engine, &loaded, &missing);
	am_json_object(j, "hooks");
	am_json_bool(j, "run", h->answers);
	am_json_text(j, "flavour", flavour_of(h));
	am_json_int(j, "skipped", (int64_t)am_engine_skips(h->engine));
	am_json_bool(j, "may_be_skipped", may_skip(h));
	am_json_bool(j, "tags_owed", am_engine_owes_tags(h->engine));
	am_json_int(j, "loaded", (int64_t)loaded);
	am_json_list(j, "missing");
	for (i = 0; i < missing; i++)
		am_json_text(j, NULL, am_engine_missing(h->engine, i));
	am_json_end(j);
	am_json_end(j);
}

static void json_strays(const struct am_health *h, struct am_json *j)
{
	am_json_object(j, "strays");
	am_json_int(j, "kept", (int64_t)h->keeper->count);
	am_json_int(j, "recalling", (int64_t)(h->recall->count - h->recall->next));
	am_json_int(j, "unreachable", (int64_t)h->recall->unreachable);
	am_json_end(j);
}

static void json_counters(const struct am_health *h, struct am_json *j)
{
	uint64_t counts[AM_COUNT_MAX_];
	unsigned i;

	if (am_counters_read(h->engine, counts) < 0)
		return;
	am_json_object(j, "counters");
	for (i = 0; i < AM_COUNT_MAX_; i++)
		am_json_int(j, am_counter_name(i), (int64_t)counts[i]);
	am_json_end(j);
}

static void json_events(const struct am_health *h, struct am_json *j)
{
	struct am_pipeline_counts events;

	am_pipeline_counts(h->pipeline, &events);
	am_json_object(j, "events");
	am_json_int(j, "taken", (int64_t)events.taken);
	am_json_int(j, "malformed", (int64_t)events.malformed);
	am_json_int(j, "unwritten", (int64_t)events.unwritten);
	am_json_end(j);
}

static void json_ledger(const struct am_health *h, struct am_json *j)
{
	struct am_recorder_state s;

	am_recorder_state(h->recorder, &s);
	am_json_object(j, "ledger");
	am_json_text(j, "path", s.path);
	am_json_bool(j, "records", s.open && !s.error);
	am_json_bool(j, "strict_stores_deny", !s.records);
	am_json_text(j, "error", s.error ? strerror(-s.error) : NULL);
	am_json_int(j, "not_recorded", (int64_t)s.lost);
	am_json_int(j, "segment", (int64_t)s.ledger.segment);
	am_json_int(j, "oldest_segment", (int64_t)s.ledger.oldest);
	am_json_int(j, "rows_sealed", (int64_t)s.ledger.rows);
	am_json_int(j, "rows_waiting", (int64_t)s.ledger.waiting);
	am_json_int(j, "seals", (int64_t)s.ledger.seals);
	am_json_int(j, "bytes", (int64_t)s.ledger.bytes);
	am_json_int(j, "key_errors", (int64_t)s.ledger.key_errors);
	am_json_end(j);
}

static void json_clients(const struct am_health *h, struct am_json *j)
{
	struct am_control_counts counts;

	am_control_counts(h->control, &counts);
	am_json_object(j, "clients");
	am_json_int(j, "now", counts.clients);
	am_json_int(j, "max", AM_CONTROL_CLIENTS);
	am_json_int(j, "not_shown", (int64_t)counts.not_shown);
	am_json_int(j, "cut_off", (int64_t)counts.cut_off);
	am_json_int(j, "turned_away", (int64_t)counts.turned_away);
	am_json_end(j);
}

int am_health_json(const struct am_health *h, FILE *out)
{
	struct am_json j;
	size_t i;

	am_json_init(&j, out);
	am_json_object(&j, NULL);
	json_policy(h, &j);
	json_refusal(h->refusal, &j);
	am_json_bool(&j, "ready", am_health_ready(h));
	json_exes(h, &j);
	json_purposes(h, &j);
	am_json_list(&j, "stores");
	for (i = 0; i < h->force->model->n_stores; i++) {
		const struct store_line line = look_at(h, i);

		json_store(&line, &j);
	}
	am_json_end(&j);
	json_strays(h, &j);
	json_hooks(h, &j);
	am_roads_json(&j, has_hook, (void *)h);
	json_counters(h, &j);
	json_events(h, &j);
	json_ledger(h, &j);
	json_clients(h, &j);
	return am_json_done(&j);
}
