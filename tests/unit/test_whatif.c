// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "decide.h"
#include "policy/space.h"
#include "query/aswas.h"
#include "query/facts.h"
#include "query/past.h"
#include "query/whatif.h"
#include "whatif_history.h"

static const char before[] =
	"version: 1\n"
	"name: p\n"
	"mode: enforce\n"
	"labels: [cnic, health]\n"
	"purposes: [audit]\n"
	"stores:\n"
	"  registry: { paths: [/srv/registry], labels: [cnic] }\n"
	"  clinic: { paths: [/srv/clinic], labels: [health] }\n"
	"  books: { paths: [/srv/books], labels: [cnic], purposes: [audit] }\n"
	"subjects:\n"
	"  db: { exe: /usr/bin/postgres, user: postgres }\n"
	"  acme: { user: acme }\n"
	"  staff: { group: staff }\n"
	"  desk: { unit: desk.service }\n"
	"  job: { script: /opt/job.sh }\n"
	"zones:\n"
	"  app-tier: { cidr: [10.20.0.0/16], ports: [tcp/5432] }\n"
	"rules:\n"
	"  - allow db to read, write registry\n"
	"  - allow staff to read registry\n"
	"  - allow desk to read clinic\n"
	"  - deny acme to read clinic\n"
	"  - allow db to read books\n"
	"  - allow job to write registry\n"
	"  - allow db to send cnic to app-tier\n";

/* Other numbers for all names, another store, another group, other rules. */
static const char after[] =
	"version: 1\n"
	"name: p\n"
	"mode: enforce\n"
	"labels: [health, cnic]\n"
	"purposes: [care, audit]\n"
	"stores:\n"
	"  clinic: { paths: [/srv/clinic], labels: [health], mode: observe }\n"
	"  books: { paths: [/srv/books], labels: [cnic] }\n"
	"  registry: { paths: [/srv/registry], labels: [cnic] }\n"
	"subjects:\n"
	"  nurses: { group: nurses }\n"
	"  acme: { user: acme }\n"
	"  desk: { unit: desk.service, user: acme }\n"
	"  staff: { group: staff }\n"
	"  job: { script: /opt/job.sh, user: postgres }\n"
	"zones:\n"
	"  near: { cidr: [10.20.0.0/24] }\n"
	"rules:\n"
	"  - allow acme to read registry\n"
	"  - allow nurses to read clinic\n"
	"  - allow desk to read clinic\n"
	"  - allow job to write registry\n"
	"  - allow staff to read books\n"
	"  - allow acme to send cnic to near\n";

enum { GENERATION = 12 };

struct world {
	struct state state;
	struct am_past *past;
	struct am_model *then, *other;
	struct am_space *space;		/* of both: what is really so */
	struct am_registry *registry;	/* of the host, with numbers of its own */
	char path[64], names[64];
};

static struct am_model *parse(const char *text)
{
	struct am_model *m = NULL;
	struct am_diags diags;

	am_diags_init(&diags);
	if (am_model_parse("p.yaml", text, strlen(text), &diags, &m))
		am_diags_print(&diags, stderr);
	am_diags_done(&diags);
	assert_non_null(m);
	return m;
}

static int make_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	const struct am_model *models[2];
	struct am_diags diags;

	state_open(&w->state);
	state_add(&w->state, GENERATION, before);
	assert_int_equal(am_past_open(w->state.fd, &w->past), 0);
	models[0] = w->then = parse(before);
	models[1] = w->other = parse(after);
	am_diags_init(&diags);
	assert_int_equal(am_space_new(models, 2, NULL, &diags, &w->space), 0);
	am_diags_done(&diags);
	*state = w;
	return 0;
}

static int drop_world(void **state)
{
	struct world *w = *state;

	am_space_free(w->space);
	am_model_free(w->then);
	am_model_free(w->other);
	am_past_free(w->past);
	state_close(&w->state);
	free(w);
	return 0;
}

/* ---- accesses as they really were ------------------------------------------------------ */

struct truth {
	struct am_who who;
	struct am_access access;	/* of `then` */
	struct am_place place;
	const char *user, *exe, *unit;
	uint32_t uid;
};

static const char *const users[] = { "acme", "postgres", "nobody" };
static const char *const exes[] = { "/usr/bin/postgres", "/usr/bin/cat" };
static const char *const units[] = { "desk.service", "ssh.service" };

static unsigned pick(unsigned n)
{
	return (unsigned)rand() % n;
}

static void say(const struct world *w, struct truth *t, enum am_fact kind, const char *text)
{
	assert_int_equal(am_who_say(w->space, &t->who, kind, text), 0);
}

static void make_truth(const struct world *w, struct truth *t)
{
	memset(t, 0, sizeof(*t));
	t->uid = 1000 + pick(3);
	t->user = users[t->uid - 1000];
	t->exe = exes[pick(2)];
	t->unit = units[pick(2)];
	say(w, t, AM_FACT_USER, t->user);
	say(w, t, AM_FACT_EXE, t->exe);
	say(w, t, AM_FACT_CGROUP, t->unit);
	if (pick(2))
		say(w, t, AM_FACT_GROUP, "staff");
	if (pick(2))
		say(w, t, AM_FACT_GROUP, "nurses");
	if (pick(2))
		say(w, t, AM_FACT_PURPOSE, "audit");
	if (pick(2))
		say(w, t, AM_FACT_SCRIPT, "/opt/job.sh");
	t->access = (struct am_access){ .op = 1 + pick(3), .store = (int)pick(3), .labels = pick(4) };
	if (t->access.op == AM_OP_SEND) {
		static const uint8_t ends[] = { 1, 7 };

		t->place = (struct am_place){ .kind = AM_PLACE_NETWORK, .proto = IPPROTO_TCP,
					      .port = pick(2) ? 5432 : 443 };
		t->place.addr[10] = t->place.addr[11] = 0xff;
		t->place.addr[12] = 10;
		t->place.addr[13] = 20;
		t->place.addr[14] = ends[pick(2)];
		am_place_zones((const struct am_image *const *)w->space->images, 2, &t->place);
		t->access.place = &t->place;
		t->access.store = -1;
		t->access.labels = 1 + pick(3);
	}
}

/* The event, with the numbers of the host that nobody else may rely on. */
static void record(struct world *w, const struct truth *t, unsigned seq, struct am_row *row)
{
	static const uint64_t bits[] = { 1ULL << 40, 1ULL << 7 };
	const struct am_model *m = w->then;
	uint64_t labels = t->access.labels;
	struct am_decision d;
	struct am_set set;
	size_t i;

	am_access_decide(w->space, 0, &t->access, &t->who, &d);
	am_space_bits(w->space, 0, &t->who, &set);
	for (i = 0; t->access.store >= 0 && i < m->stores[t->access.store].n_labels; i++)
		labels |= 1ULL << m->stores[t->access.store].labels[i];
	*row = (struct am_row){
		.event = 12, .seq = seq, .wall_ns = 1000000000LL * seq, .count = 1,
		.actor = { .pid = seq, .tid = seq, .uid = t->uid, .gid = 100, .login = ~0u,
			   .session = ~0u, .exe = t->exe, .user = t->user, .unit = t->unit },
		.deed = { .kind = t->access.op == AM_OP_SEND ? AM_EVENT_SEND : AM_EVENT_ACCESS,
			  .op = t->access.op, .act = AM_ACT_READ, .verdict = d.verdict,
			  .reason = d.reason, .generation = GENERATION,
			  .flags = d.verdict == AM_VERDICT_DENY && d.enforce ? AM_EVENT_BLOCKED : 0,
			  .label_names = w->names },
	};
	memcpy(row->actor.bits, set.w, sizeof(set.w));
	w->names[0] = '\0';
	/* The host has given health a lower bit than cnic, and names stand in their order. */
	for (i = 2; i-- > 0;) {
		if (!(labels >> i & 1))
			continue;
		row->deed.labels |= bits[i];
		(void)snprintf(w->names + strlen(w->names), sizeof(w->names) - strlen(w->names),
			       "%s%s", w->names[0] ? "," : "", m->labels[i].name);
	}
	if (t->access.store >= 0) {
		row->object.store_id = 4096 + 77;
		row->object.store = m->stores[t->access.store].name;
		(void)snprintf(w->path, sizeof(w->path), "/srv/%s/1.csv", row->object.store);
		row->object.path = w->path;
		return;
	}
	row->dest.family = AF_INET;
	row->dest.port = t->place.port;
	row->dest.proto = t->place.proto;
	for (i = 0; i < 8; i++)
		row->dest.addr_low = row->dest.addr_low << 8 | t->place.addr[8 + i];
	memcpy(&row->dest.zones_low, &t->place.zones[0], 8);
	memcpy(&row->dest.zones_high, (const char *)&t->place.zones[0] + 8, 8);
}

static bool is_said(const struct am_who_fact *facts, unsigned n, const char *text)
{
	for (unsigned i = 0; i < n; i++)
		if (facts[i].said && !strcmp(facts[i].said, text))
			return true;
	return false;
}

/* The same by an agent that records all that subjects ask for. */
static void record_whole(struct world *w, const struct truth *t, unsigned seq, struct am_row *row)
{
	static const char *const groups[] = {
		"100", "100,50:staff", "100,61:nurses", "100,50:staff,61:nurses",
	};
	const struct am_who *who = &t->who;

	record(w, t, seq, row);
	row->deed.flags |= AM_EVENT_FACTS;
	row->actor.groups = groups[is_said(who->groups, who->n_groups, "staff") +
				   2 * is_said(who->groups, who->n_groups, "nurses")];
	row->actor.purpose = is_said(&who->facts[AM_FACT_PURPOSE], 1, "audit") ? "audit" : "";
	row->actor.script = is_said(&who->facts[AM_FACT_SCRIPT], 1, "/opt/job.sh") ?
				    "/opt/job.sh" : "/opt/other.sh";
	row->actor.cgroup_path = !strcmp(t->unit, "desk.service") ?
					 "/system.slice/desk.service" : "/system.slice/ssh.service";
}

/* ---- as it was ---------------------------------------------------------------------------- */

static enum am_aswas again(struct am_again *a, const struct am_row *row)
{
	struct am_decision d;
	enum am_aswas kind;

	assert_int_equal(am_again_decide(a, row, &kind, &d), 0);
	return kind;
}

static void recomputes_what_was_decided_for_whoever_it_was(void **state)
{
	struct world *w = *state;
	am_auto(am_again) struct am_again *a = NULL;
	unsigned n[AM_ASWAS_MAX_] = { 0 }, i;
	struct truth t;
	struct am_row row;

	srand(1);
	assert_int_equal(am_again_new(w->past, &a), 0);
	for (i = 1; i <= 3000; i++) {
		make_truth(w, &t);
		record(w, &t, i, &row);
		n[again(a, &row)]++;
	}
	assert_int_equal(n[AM_ASWAS_DIFFERS], 0);
	/* Of a store that is open for a purpose the record does not tell all. */
	assert_int_equal(n[AM_ASWAS_EQUAL] + n[AM_ASWAS_PURPOSE], 3000);
	assert_true(n[AM_ASWAS_PURPOSE] > 0 && n[AM_ASWAS_PURPOSE] < 1000);
}

static void recomputes_all_of_what_holds_every_fact(void **state)
{
	struct world *w = *state;
	am_auto(am_again) struct am_again *a = NULL;
	struct truth t;
	struct am_row row;
	unsigned i;

	srand(1);
	assert_int_equal(am_again_new(w->past, &a), 0);
	for (i = 1; i <= 3000; i++) {
		make_truth(w, &t);
		t.who.unknown = !pick(8);
		record_whole(w, &t, i, &row);
		if (t.who.unknown)
			row.deed.flags |= AM_EVENT_UNKNOWN;
		assert_int_equal(again(a, &row), AM_ASWAS_EQUAL);
		if (t.who.unknown && row.deed.reason == AM_REASON_UNKNOWN_FACT) {
			row.deed.verdict ^= AM_VERDICT_ALLOW ^ AM_VERDICT_DENY;
			assert_int_equal(again(a, &row), AM_ASWAS_DIFFERS);
		}
	}
}

static void a_purpose_that_was_altered_is_another_decision(void **state)
{
	struct world *w = *state;
	am_auto(am_again) struct am_again *a = NULL;
	struct truth t = { .user = "postgres", .exe = "/usr/bin/postgres", .unit = "ssh.service",
			   .uid = 1001, .access = { .op = AM_OP_READ, .store = 2 } };
	struct am_row row;

	assert_int_equal(am_again_new(w->past, &a), 0);
	say(w, &t, AM_FACT_USER, "postgres");
	say(w, &t, AM_FACT_EXE, "/usr/bin/postgres");
	say(w, &t, AM_FACT_PURPOSE, "audit");
	record_whole(w, &t, 1, &row);
	assert_int_equal(row.deed.verdict, AM_VERDICT_ALLOW);
	assert_int_equal(again(a, &row), AM_ASWAS_EQUAL);
	row.actor.purpose = "";
	assert_int_equal(again(a, &row), AM_ASWAS_DIFFERS);
	row.actor.purpose = "care";	/* which the policy of then did not have */
	assert_int_equal(again(a, &row), AM_ASWAS_DIFFERS);
}

static void finds_every_verdict_reason_and_block_that_was_altered(void **state)
{
	struct world *w = *state;
	am_auto(am_again) struct am_again *a = NULL;
	struct truth t;
	struct am_row row;
	unsigned i;

	srand(2);
	assert_int_equal(am_again_new(w->past, &a), 0);
	for (i = 1; i <= 300; i++) {
		make_truth(w, &t);
		if (t.access.store == 2)
			continue;	/* the one with a purpose */
		record(w, &t, i, &row);
		row.deed.flags ^= AM_EVENT_BLOCKED;
		assert_int_equal(again(a, &row), AM_ASWAS_DIFFERS);
		row.deed.flags ^= AM_EVENT_BLOCKED;
		row.deed.verdict ^= AM_VERDICT_ALLOW ^ AM_VERDICT_DENY;
		assert_int_equal(again(a, &row), AM_ASWAS_DIFFERS);
		row.deed.verdict ^= AM_VERDICT_ALLOW ^ AM_VERDICT_DENY;
		row.deed.reason = AM_REASON_SPILL;
		assert_int_equal(again(a, &row), AM_ASWAS_DIFFERS);
	}
}

static void does_not_guess_at_what_the_record_does_not_hold(void **state)
{
	struct world *w = *state;
	am_auto(am_again) struct am_again *a = NULL;
	struct truth t = { .user = "acme", .exe = "/usr/bin/cat", .unit = "ssh.service", .uid = 1000,
			   .access = { .op = AM_OP_READ } };
	struct am_row row;

	assert_int_equal(am_again_new(w->past, &a), 0);
	say(w, &t, AM_FACT_USER, "acme");
	record(w, &t, 1, &row);
	assert_int_equal(again(a, &row), AM_ASWAS_EQUAL);
	row.deed.generation = GENERATION + 1;
	assert_int_equal(again(a, &row), AM_ASWAS_NOT_KEPT);
	row.deed.generation = GENERATION;
	row.deed.reason = AM_REASON_UNKNOWN_FACT;
	assert_int_equal(again(a, &row), AM_ASWAS_UNKNOWN_FACT);
	row.deed.reason = AM_REASON_NO_RULE;
	row.object.store = "gone";
	assert_int_equal(again(a, &row), AM_ASWAS_NO_NAME);
	row.object.store = "registry";
	row.deed.label_names = "";
	assert_int_equal(again(a, &row), AM_ASWAS_NO_NAME);
	row.deed.kind = AM_EVENT_REPEAT;
	assert_int_equal(again(a, &row), AM_ASWAS_NO_DECISION);
	row.deed.kind = AM_ROW_MARK;
	assert_int_equal(again(a, &row), AM_ASWAS_NO_DECISION);
}

static const char tight[] =
	"version: 1\n"
	"name: p\n"
	"mode: enforce\n"
	"labels: [secret]\n"
	"stores:\n"
	"  vault: { paths: [/srv/vault], labels: [secret], spill: deny }\n"
	"rules:\n"
	"  - allow anyone to read vault\n";

static void knows_what_is_read_into_a_pipe_and_what_comes_too_late(void **state)
{
	struct world *w = *state;
	am_auto(am_past) struct am_past *past = NULL;
	am_auto(am_again) struct am_again *a = NULL;
	struct am_row row = {
		.event = 12, .seq = 1,
		.actor = { .bits = { [3] = 1ULL << 63 } },	/* anyone */
		.object = { .store_id = 4097, .store = "vault", .path = "/srv/vault/1" },
		.deed = { .kind = AM_EVENT_ACCESS, .op = AM_OP_READ, .act = AM_ACT_READ,
			  .verdict = AM_VERDICT_DENY, .reason = AM_REASON_SPILL,
			  .flags = AM_EVENT_BLOCKED, .generation = GENERATION + 1, .labels = 1,
			  .label_names = "secret" },
	};

	state_add(&w->state, GENERATION + 1, tight);
	assert_int_equal(am_past_open(w->state.fd, &past), 0);
	assert_int_equal(am_again_new(past, &a), 0);
	assert_int_equal(again(a, &row), AM_ASWAS_EQUAL);
	row.deed.flags = 0;	/* a store can refuse */
	assert_int_equal(again(a, &row), AM_ASWAS_DIFFERS);
	row.object = (struct am_row_object){ .path = "pipe" };
	row.deed.kind = AM_EVENT_SPILL;
	row.deed.op = AM_OP_WRITE;
	row.deed.act = AM_ACT_TEE;
	assert_int_equal(again(a, &row), AM_ASWAS_EQUAL);
	row.deed.act = AM_ACT_WRITE;
	assert_int_equal(again(a, &row), AM_ASWAS_DIFFERS);
	row.deed.flags = AM_EVENT_BLOCKED;
	assert_int_equal(again(a, &row), AM_ASWAS_EQUAL);
}

/* ---- what if ------------------------------------------------------------------------------- */

/* What the other policy really says, with all facts known. */
static enum am_whatif_kind really(struct world *w, const struct truth *t, const struct am_row *row)
{
	struct am_access access = t->access;
	uint64_t own = access.store < 0 ? 0 : 1ULL << w->then->stores[access.store].labels[0];
	uint64_t carried = access.labels & ~own;
	struct am_decision d;

	/* It has the two labels the other way round. */
	access.labels = (carried & 1) << 1 | (carried >> 1 & 1);
	if (access.store >= 0)
		access.store = am_facts_store(row, w->other);
	am_access_decide(w->space, 1, &access, &t->who, &d);
	if (d.verdict == AM_VERDICT_ALLOW)
		return row->deed.verdict == AM_VERDICT_DENY ? AM_WHATIF_GAIN : AM_WHATIF_SAME;
	if (row->deed.verdict == AM_VERDICT_ALLOW)
		return AM_WHATIF_LOSS;
	if (!!(row->deed.flags & AM_EVENT_BLOCKED) == d.enforce)
		return AM_WHATIF_SAME;
	return d.enforce ? AM_WHATIF_BLOCK : AM_WHATIF_UNBLOCK;
}

static enum am_whatif_kind asked(struct am_whatif *f, const struct am_row *row)
{
	uint64_t n[AM_WHATIF_MAX_];
	int kind;

	for (kind = 0; kind < AM_WHATIF_MAX_; kind++)
		n[kind] = am_whatif_count(f, kind);
	assert_int_equal(am_whatif_add(f, row), 0);
	for (kind = 0; kind < AM_WHATIF_MAX_; kind++)
		if (am_whatif_count(f, kind) != n[kind])
			return kind;
	fail_msg("counted as nothing");
	return 0;
}

static struct am_whatif *make_whatif(struct world *w, struct am_past *past)
{
	struct am_whatif *f = NULL;
	struct am_diags diags;

	am_diags_init(&diags);
	assert_int_equal(am_whatif_new(past, w->other, &diags, &f), 0);
	am_diags_done(&diags);
	return f;
}

static void try_many(struct world *w, struct am_past *past, unsigned told[AM_WHATIF_MAX_])
{
	am_auto(am_whatif) struct am_whatif *f = make_whatif(w, past);
	struct truth t;
	struct am_row row;
	unsigned i;

	srand(3);
	for (i = 1; i <= 4000; i++) {
		enum am_whatif_kind kind;

		make_truth(w, &t);
		record(w, &t, i, &row);
		kind = asked(f, &row);
		told[kind]++;
		if (kind <= AM_WHATIF_SAME)
			assert_int_equal(kind, really(w, &t, &row));
		else
			assert_int_equal(kind, !past && row.object.store_id &&
					 kind == AM_WHATIF_NOT_KEPT ? AM_WHATIF_NOT_KEPT :
								      AM_WHATIF_FACTS);
	}
}

static void tells_what_the_other_policy_says_or_that_it_cannot_be_told(void **state)
{
	unsigned told[AM_WHATIF_MAX_] = { 0 };

	try_many(*state, ((struct world *)*state)->past, told);
	assert_true(told[AM_WHATIF_GAIN] > 100);
	assert_true(told[AM_WHATIF_LOSS] > 100);
	assert_true(told[AM_WHATIF_UNBLOCK] > 10);
	assert_true(told[AM_WHATIF_SAME] > 500);
	assert_true(told[AM_WHATIF_FACTS] > 10);
}

static void tells_all_of_what_holds_every_fact(void **state)
{
	struct world *w = *state;
	am_auto(am_whatif) struct am_whatif *f = make_whatif(w, w->past);
	struct truth t;
	struct am_row row;
	unsigned i;

	srand(3);
	for (i = 1; i <= 4000; i++) {
		make_truth(w, &t);
		record_whole(w, &t, i, &row);
		assert_int_equal(asked(f, &row), really(w, &t, &row));
	}
}

static void code_of_others_makes_it_neither_its_executable_nor_its_script(void **state)
{
	struct world *w = *state;
	am_auto(am_whatif) struct am_whatif *f = make_whatif(w, NULL);
	struct truth t = { .user = "postgres", .exe = "/usr/bin/postgres", .unit = "ssh.service",
			   .uid = 1001, .access = { .op = AM_OP_WRITE } };
	struct am_row row;

	say(w, &t, AM_FACT_USER, "postgres");
	say(w, &t, AM_FACT_SCRIPT, "/opt/job.sh");
	record_whole(w, &t, 1, &row);
	assert_int_equal(row.deed.verdict, AM_VERDICT_ALLOW);
	assert_int_equal(asked(f, &row), AM_WHATIF_SAME);	/* the job may write */
	row.deed.flags |= AM_EVENT_TRACED;
	assert_int_equal(asked(f, &row), AM_WHATIF_LOSS);
}

static void tells_less_but_nothing_wrong_without_the_policies_of_then(void **state)
{
	unsigned with[AM_WHATIF_MAX_] = { 0 }, without[AM_WHATIF_MAX_] = { 0 };

	try_many(*state, ((struct world *)*state)->past, with);
	try_many(*state, NULL, without);
	assert_true(without[AM_WHATIF_FACTS] > with[AM_WHATIF_FACTS]);
	assert_true(without[AM_WHATIF_GAIN] > 50);
}

static void sums_up_who_would_gain_what_with_examples(void **state)
{
	struct world *w = *state;
	am_auto(am_whatif) struct am_whatif *f = make_whatif(w, w->past);
	struct truth t = { .user = "acme", .exe = "/usr/bin/cat", .unit = "ssh.service", .uid = 1000,
			   .access = { .op = AM_OP_READ } };
	const struct am_whatif_group *g;
	struct am_row row;
	size_t n;
	unsigned i;

	say(w, &t, AM_FACT_USER, "acme");
	for (i = 1; i <= 5; i++) {
		record(w, &t, i, &row);
		assert_int_equal(asked(f, &row), AM_WHATIF_GAIN);
	}
	g = am_whatif_groups(f, &n);
	assert_int_equal(n, 1);
	assert_string_equal(g->who, "user=acme exe=/usr/bin/cat unit=ssh.service");
	assert_string_equal(g->what, "registry");
	assert_string_equal(g->why, "rule 1: allow acme to read registry");
	assert_int_equal(g->count, 5);
	assert_int_equal(g->n_examples, AM_WHATIF_EXAMPLES);
	assert_int_equal(g->examples[2].seq, 3);
	assert_int_equal(g->first_ns, 1000000000);
	assert_int_equal(g->last_ns, 5000000000);
}

static void counts_repeats_with_the_access_that_they_repeat(void **state)
{
	struct world *w = *state;
	am_auto(am_whatif) struct am_whatif *f = make_whatif(w, w->past);
	struct truth t = { .user = "postgres", .exe = "/usr/bin/postgres", .unit = "ssh.service",
			   .uid = 1001, .access = { .op = AM_OP_READ } };
	struct am_row row, repeat;

	say(w, &t, AM_FACT_USER, "postgres");
	say(w, &t, AM_FACT_EXE, "/usr/bin/postgres");
	record(w, &t, 1, &row);
	assert_int_equal(row.deed.verdict, AM_VERDICT_ALLOW);
	repeat = row;
	repeat.deed.kind = AM_EVENT_REPEAT;
	memset(repeat.actor.bits, 0, sizeof(repeat.actor.bits));
	repeat.deed.labels = 0;
	repeat.count = 41;
	assert_int_equal(asked(f, &repeat), AM_WHATIF_REPEAT);
	assert_int_equal(asked(f, &row), AM_WHATIF_LOSS);
	assert_int_equal(asked(f, &repeat), AM_WHATIF_LOSS);
	assert_int_equal(am_whatif_count(f, AM_WHATIF_LOSS), 42);
	assert_int_equal(am_whatif_count(f, AM_WHATIF_REPEAT), 41);
}

static void a_store_of_another_name_is_found_by_the_path(void **state)
{
	struct world *w = *state;
	am_auto(am_whatif) struct am_whatif *f = make_whatif(w, w->past);
	struct truth t = { .user = "acme", .exe = "/usr/bin/cat", .unit = "ssh.service", .uid = 1000,
			   .access = { .op = AM_OP_READ } };
	struct am_row row;

	say(w, &t, AM_FACT_USER, "acme");
	record(w, &t, 1, &row);
	row.object.store = "renamed";
	row.object.path = "/srv/registry/1.csv";
	row.deed.generation = 0;	/* so that the policy of then does not know better */
	assert_int_equal(asked(f, &row), AM_WHATIF_GAIN);
	row.object.path = "/srv/elsewhere/1.csv";
	assert_int_equal(asked(f, &row), AM_WHATIF_NOT_KEPT);
	row.deed.flags |= AM_EVENT_PATH_CUT;
	assert_int_equal(asked(f, &row), AM_WHATIF_NO_NAME);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, make_world, drop_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_WORLD(recomputes_what_was_decided_for_whoever_it_was),
		WITH_WORLD(recomputes_all_of_what_holds_every_fact),
		WITH_WORLD(a_purpose_that_was_altered_is_another_decision),
		WITH_WORLD(finds_every_verdict_reason_and_block_that_was_altered),
		WITH_WORLD(knows_what_is_read_into_a_pipe_and_what_comes_too_late),
		WITH_WORLD(does_not_guess_at_what_the_record_does_not_hold),
		WITH_WORLD(tells_what_the_other_policy_says_or_that_it_cannot_be_told),
		WITH_WORLD(tells_all_of_what_holds_every_fact),
		WITH_WORLD(code_of_others_makes_it_neither_its_executable_nor_its_script),
		WITH_WORLD(tells_less_but_nothing_wrong_without_the_policies_of_then),
		WITH_WORLD(sums_up_who_would_gain_what_with_examples),
		WITH_WORLD(counts_repeats_with_the_access_that_they_repeat),
		WITH_WORLD(a_store_of_another_name_is_found_by_the_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
