// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "policy/inquiry.h"
#include "policy/person.h"
#include "parts.h"
#include "policy_text.h"
#include "record.h"

static const char policy[] =
	"version: 1\n"
	"name: p\n"
	"mode: enforce\n"
	"labels: [cnic, health]\n"
	"stores:\n"
	"  registry: { paths: [/srv/registry], labels: [cnic] }\n"
	"  clinic: { paths: [/srv/clinic], labels: [health] }\n"
	"subjects:\n"
	"  db: { exe: /usr/bin/postgres, user: postgres }\n"
	"  acme-support: { third-party: ACME Ltd, user: acme }\n"
	"  staff: { group: staff }\n"
	"  desk: { unit: desk.service, user: acme }\n"
	"zones:\n"
	"  app-tier: { cidr: [10.20.0.0/16], ports: [tcp/5432] }\n"
	"rules:\n"
	"  - allow db to read registry\n"
	"  - deny acme-support to read clinic\n"
	"  - allow staff to read registry\n"
	"  - allow db to send cnic to app-tier\n";

struct host {
	struct compiled c;
	struct am_space *space;
	struct am_view view;
};

static void make_host(struct host *h, const char *text, uint32_t generation)
{
	*h = (struct host){ 0 };
	assert_int_equal(compile_text(&h->c, text), 0);
	assert_int_equal(am_space_new((const struct am_model *const *)&h->c.model, 1, NULL,
				      &h->c.diags, &h->space), 0);
	h->view = (struct am_view){ .generation = generation, .model = h->c.model,
				    .image = h->c.image, .registry = h->c.registry,
				    .space = h->space };
}

static void drop_host(struct host *h)
{
	am_space_free(h->space);
	drop_compiled(&h->c);
}

static unsigned subject_of(const struct host *h, const char *name)
{
	for (size_t i = 0; i < h->c.model->n_subjects; i++)
		if (!strcmp(h->c.model->subjects[i].name, name))
			return i;
	fail_msg("no subject %s", name);
	return 0;
}

static void is_also(struct record *r, const struct host *h, const char *name)
{
	unsigned bit = subject_of(h, name);

	r->head.bits.w[bit / 64] |= 1ULL << bit % 64;
}

/* Refused to psql of acme in generation 12. */
static struct record refused(const struct host *h, const char *store, enum am_reason reason)
{
	struct record r;

	record_init(&r, AM_EVENT_ACCESS);
	record_path(&r, "0042.csv\0registry\0srv");
	record_exe(&r, "psql\0bin\0usr");
	record_deny(&r, reason, 1);
	r.head.store = store_named(&h->c, store)->id;
	r.head.labels = store_named(&h->c, store)->labels;
	r.head.flags |= AM_EVENT_URGENT;
	is_also(&r, h, "acme-support");
	return r;
}

static char *told(const struct record *r, const struct host *then, const struct host *now,
		  bool json)
{
	struct am_decoded e;
	struct am_recent_item item = { .wall_ns = 1714572127113000000 };
	struct am_inquiry q = { .item = &item, .user = "acme", .unit = "ssh.service",
				.store = r->head.store ? "registry" : NULL,
				.within = r->head.store ? "0042.csv" : NULL,
				.then = then ? &then->view : NULL, .now = now ? &now->view : NULL };
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_int_equal(am_event_decode(r, r->head.size, &e), 0);
	item.raw = e.raw;
	item.path = e.path;
	item.exe = e.exe;
	item.script = e.script;
	item.groups = e.groups;
	item.n_groups = e.n_groups;
	q.purpose = e.raw.purpose ? "kyc" : NULL;
	am_event_id_of(&e.raw, 9, &item.id);
	assert_int_equal(json ? am_inquiry_json(&q, out) : am_inquiry_text(&q, out), 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* ---- events --------------------------------------------------------------------------- */

static void tells_what_no_rule_allows_and_what_would(void **state)
{
	struct host *h = *state;
	am_autofree char *text = NULL;
	struct record r;

	r = refused(h, "registry", AM_REASON_NO_RULE);
	text = told(&r, h, h, false);
	expect_in(text, "9-u0-7, 20");
	expect_in(text, "psql[4711], which is /usr/bin/psql, run by acme (uid 1001) in ssh.service, "
			"child of process 1, tried to read registry/0042.csv (by open); the kernel "
			"refused it.\n");
	expect_in(text, "It was decided by policy p, generation 12, which is in force.\n");
	expect_in(text, "  reason   no-rule: no rule lets user=acme exe=/usr/bin/psql unit=ssh.service "
			"read registry; rule 3 lets staff, which needs group=staff\n");
	expect_in(text, "  nearest  3, p.yaml:18:5: allow staff to read registry\n");
	expect_in(text, "  needs    group=staff\n");
	expect_in(text, "  labels   of registry: cnic\n");
	expect_not_in(text, "note");
	expect_not_in(text, "today");
}

static void tells_the_rule_and_the_fact_that_denied(void **state)
{
	struct host *h = *state;
	am_autofree char *text = NULL, *json = NULL;
	struct record r;

	r = refused(h, "clinic", AM_REASON_RULE_DENIES);
	text = told(&r, h, h, false);
	expect_in(text, "  rule     2, p.yaml:17:5: deny acme-support to read clinic\n");
	expect_in(text, "  fact     user=acme is acme-support\n");
	json = told(&r, h, h, true);
	expect_in(json, "\"id\":\"9-u0-7\"");
	expect_in(json, "\"rule\":{\"number\":2,\"file\":\"p.yaml\",\"line\":17,\"column\":5,");
}

/* The groups of a process are not in its events; what the kernel found says enough. */
static void knows_of_facts_that_only_the_subjects_tell(void **state)
{
	struct host *h = *state;
	am_autofree char *text = NULL;
	struct record r;

	record_init(&r, AM_EVENT_ACCESS);
	record_exe(&r, "psql\0bin\0usr");
	r.head.store = store_named(&h->c, "registry")->id;
	r.head.labels = store_named(&h->c, "registry")->labels;
	is_also(&r, h, "acme-support");
	is_also(&r, h, "staff");
	text = told(&r, h, h, false);
	expect_in(text, "  rule     3, p.yaml:18:5: allow staff to read registry\n");
	expect_in(text, "  fact     group=staff is staff\n");
	expect_not_in(text, "note");
}

static const char with_purposes[] =
	"version: 1\n"
	"name: p\n"
	"mode: enforce\n"
	"labels: [cnic]\n"
	"purposes: [kyc, fraud]\n"
	"stores:\n"
	"  registry: { paths: [/srv/registry], labels: [cnic], purposes: [kyc] }\n"
	"subjects:\n"
	"  acme-support: { user: acme }\n"
	"  job: { script: /opt/job.sh }\n"
	"  staff: { group: staff }\n"
	"  fraud-desk: { user: acme, purpose: fraud }\n"
	"rules:\n"
	"  - allow job to read registry\n"
	"  - allow staff to read registry\n";

static void tells_under_which_purpose_script_and_groups_it_was(void **state)
{
	struct host *h = *state;
	const uint32_t gids[] = { 27, 50 };
	am_autofree char *text = NULL, *json = NULL;
	struct record r;

	r = refused(h, "registry", AM_REASON_PURPOSE);
	record_script(&r, "job.sh\0opt");
	record_groups(&r, gids, 2);
	is_also(&r, h, "job");
	is_also(&r, h, "staff");
	text = told(&r, h, h, false);
	expect_in(text, "psql[4711], which is /usr/bin/psql, running the script /opt/job.sh, run by acme "
			"(uid 1001) in ssh.service under no purpose, child of process 1, tried to read");
	expect_in(text, "  reason   purpose: registry is open for kyc only, and the purpose is none");
	expect_not_in(text, "note");	/* every fact is there */
	json = told(&r, h, h, true);
	expect_in(json, "\"script\":\"/opt/job.sh\"");
	expect_in(json, "\"gids\":[1001,27,50]");
}

static void code_of_others_is_not_taken_for_the_script(void **state)
{
	struct host *h = *state;
	am_autofree char *text = NULL;
	struct record r;

	r = refused(h, "registry", AM_REASON_PURPOSE);
	record_script(&r, "job.sh\0opt");
	record_groups(&r, NULL, 0);
	r.head.flags |= AM_EVENT_FOREIGN_CODE;
	text = told(&r, h, h, false);
	expect_in(text, "running the script /opt/job.sh");
	expect_not_in(text, "note");
}

static void a_forged_executable_is_not_taken_for_the_named_one(void **state)
{
	struct host *h = *state;
	am_autofree char *text = NULL;
	struct record r;

	record_init(&r, AM_EVENT_ACCESS);
	record_exe(&r, "postgres\0bin\0usr");
	record_deny(&r, AM_REASON_NO_RULE, 1);
	r.head.uid = 114;
	r.head.store = store_named(&h->c, "registry")->id;
	r.head.labels = store_named(&h->c, "registry")->labels;
	text = told(&r, h, h, false);	/* the kernel found no subject at all */
	expect_in(text, "no-rule: no rule lets ");
	expect_in(text, "rule 1 lets db, which needs exe=/usr/bin/postgres");
	expect_not_in(text, "note");
}

static void says_so_when_the_facts_do_not_explain_it(void **state)
{
	struct host *h = *state;
	am_autofree char *text = NULL;
	struct record r;

	r = refused(h, "registry", AM_REASON_RULE_DENIES);	/* no such rule */
	text = told(&r, h, h, false);
	expect_in(text, "  reason   rule-denies: ");
	expect_in(text, "  note     ");
}

static void asks_the_policy_in_force_today(void **state)
{
	am_autofree char *same = NULL, *other = NULL, *gone = NULL, *opened_text = NULL;
	struct host then, opened;
	struct record r;

	(void)state;
	assert_true(asprintf(&opened_text, "%s  - allow acme-support to read registry\n", policy) > 0);
	make_host(&then, policy, 12);
	make_host(&opened, opened_text, 13);
	r = refused(&then, "registry", AM_REASON_NO_RULE);
	other = told(&r, &then, &opened, false);
	expect_in(other, "which is not in force any more.\n");
	expect_in(other, "  today    policy p, generation 13, would allow it: rule 5: acme-support is "
			 "allowed\n");
	then.view.generation = 12;
	opened.view = then.view;
	opened.view.generation = 14;
	same = told(&r, &then, &opened, false);
	expect_in(same, "  today    policy p, generation 14, decides the same: no rule lets");
	gone = told(&r, NULL, &then, false);
	expect_in(gone, "It was decided by generation 12, whose text is not kept any more.\n");
	expect_in(gone, "  reason   no-rule: ");
	drop_host(&opened);
	drop_host(&then);
}

static void hostile_names_stay_on_their_line(void **state)
{
	struct host *h = *state;
	am_autofree char *text = NULL;
	struct record r;
	size_t lines = 0;

	record_init(&r, AM_EVENT_ACCESS);
	record_path(&r, "a\n  today    fine\033[2J\0srv");
	record_deny(&r, AM_REASON_LABEL_NO_RULE, 1);
	memcpy(r.head.comm, "x\ny", 4);
	r.head.labels = r.head.culprits = 1;
	text = told(&r, h, h, false);
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	assert_true(lines <= 9);
	expect_not_in(text, "\n  today    fine");
	expect_not_in(text, "\033");
}

/* ---- persons ---------------------------------------------------------------------------- */

static char *person_told(const struct am_person *p, const struct host *h, bool json)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_int_equal(json ? am_person_json(p, &h->view, out) :
				am_person_text(p, &h->view, out), 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void a_person_is_told_with_what_they_may_and_carry(void **state)
{
	struct host *h = *state;
	struct am_label_origin origin = { .id = { 9, false, 1, 33 }, .tgid = 4700, .store = 1,
				    .comm = "bash", .path = "/srv/registry/1.csv" };
	struct am_seen seen = { .exe = "/usr/bin/postgres", .user = "postgres", .uid = 114,
				.login = ~0u, .cgroup = "/system.slice/pg.service" };
	struct am_person p = { .pid = 4711, .ppid = 4700, .comm = "postgres", .seen = &seen,
			       .labels = 3, .n_reasons = 2 };
	am_autofree char *text = NULL;

	p.reasons[0] = (struct am_person_label){ .bit = 0, .origin = &origin, .from = 4700,
						 .store = "registry", .within = "1.csv" };
	p.reasons[1] = (struct am_person_label){ .bit = 1 };
	text = person_told(&p, h, false);
	expect_in(text, "postgres[4711] is /usr/bin/postgres, run by postgres (uid 114), in "
			"/system.slice/pg.service, child of process 4700, since ");
	expect_in(text, "  subjects db\n");
	expect_in(text, "  reads    registry (rule 1)\n");
	expect_in(text, "  writes   no store\n");
	expect_in(text, "  carries  cnic: inherited from process 4700 (bash), which read registry/1.csv "
			"at ");
	expect_in(text, "(9-b1-33)\n           may be sent to terminal, app-tier\n");
	expect_in(text, "  carries  health: how it came by it is not known");
}

static void a_near_miss_is_told_with_the_fact_that_is_missing(void **state)
{
	struct host *h = *state;
	struct am_seen seen = { .exe = "/usr/bin/psql", .user = "acme", .uid = 1001, .login = ~0u,
				.cgroup = "/system.slice/other.service" };
	struct am_person p = { .pid = 4711, .comm = "psql", .seen = &seen };
	am_autofree char *text = NULL, *json = NULL;

	text = person_told(&p, h, false);
	expect_in(text, "  subjects acme-support\n  near     desk, but for unit=desk.service\n");
	expect_not_in(text, "near     db");
	expect_not_in(text, "near     staff");
	expect_in(text, "  carries  no label\n");
	json = person_told(&p, h, true);
	expect_in(json, "\"near\":[{\"subject\":\"desk\",\"fact\":\"unit\",\"value\":\"desk.service\"}]");
}

static void another_file_at_the_path_makes_no_subject(void **state)
{
	struct host *h = *state;
	struct am_seen seen = { .exe = "/usr/bin/postgres", .user = "postgres", .uid = 114,
				.login = ~0u };
	struct am_person p = { .pid = 4711, .comm = "x", .seen = &seen, .exe_is_other = true };
	struct am_set nobody = { .w = { 0 } };
	am_autofree char *moved = NULL, *forged = NULL;

	moved = person_told(&p, h, false);
	expect_in(moved, "(not the file that has this path now)");
	expect_in(moved, "  subjects none\n  near     db, but for exe=/usr/bin/postgres\n");
	p.exe_is_other = false;
	p.bits = &nobody;	/* the kernel knows that its digest is another */
	forged = person_told(&p, h, false);
	expect_in(forged, "  subjects none\n");
	expect_not_in(forged, "note");
}

static struct host the_host;

static int under(void **state, const char *text)
{
	make_host(&the_host, text, 12);
	*state = &the_host;
	return 0;
}

static int under_policy(void **state)
{
	return under(state, policy);
}

static int under_purposes(void **state)
{
	return under(state, with_purposes);
}

static int leave(void **state)
{
	drop_host(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tells_what_no_rule_allows_and_what_would, under_policy, leave),
		cmocka_unit_test_setup_teardown(tells_the_rule_and_the_fact_that_denied, under_policy, leave),
		cmocka_unit_test_setup_teardown(knows_of_facts_that_only_the_subjects_tell, under_policy, leave),
		cmocka_unit_test_setup_teardown(tells_under_which_purpose_script_and_groups_it_was, under_purposes, leave),
		cmocka_unit_test_setup_teardown(code_of_others_is_not_taken_for_the_script, under_purposes, leave),
		cmocka_unit_test_setup_teardown(a_forged_executable_is_not_taken_for_the_named_one, under_policy, leave),
		cmocka_unit_test_setup_teardown(says_so_when_the_facts_do_not_explain_it, under_policy, leave),
		cmocka_unit_test(asks_the_policy_in_force_today),
		cmocka_unit_test_setup_teardown(hostile_names_stay_on_their_line, under_policy, leave),
		cmocka_unit_test_setup_teardown(a_person_is_told_with_what_they_may_and_carry, under_policy, leave),
		cmocka_unit_test_setup_teardown(a_near_miss_is_told_with_the_fact_that_is_missing, under_policy, leave),
		cmocka_unit_test_setup_teardown(another_file_at_the_path_makes_no_subject, under_policy, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
