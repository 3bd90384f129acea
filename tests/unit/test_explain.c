// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <sys/socket.h>

#include "policy/explain.h"
#include "policy/set.h"
#include "policy_text.h"

#define POLICY                                                                 \
	"version: 1\nname: p\nmode: enforce\n"                                 \
	"labels: [cnic, health, money]\n"                                      \
	"stores:\n"                                                            \
	"  registry: {paths: [/srv/registry], labels: [cnic], spill: deny}\n"  \
	"  clinic: {paths: [/srv/clinic], labels: [health]}\n"                 \
	"  bank: {paths: [/srv/bank], labels: [money], strict: true}\n"         \
	"subjects:\n"                                                          \
	"  db: {exe: /bin/postgres, user: postgres}\n"                         \
	"  vendor: {user: acme}\n"                                             \
	"  doctor: {user: acme, group: staff}\n"                               \
	"zones:\n"                                                             \
	"  app: {cidr: [10.0.0.0/8], ports: [tcp/5432]}\n"                     \
	"  web: {cidr: [10.0.0.0/8, 203.0.113.0/24]}\n"                        \
	"rules:\n"                                                             \
	"  - allow db to read, write registry\n"               /* 1 */         \
	"  - allow doctor to read clinic\n"                    /* 2 */         \
	"  - allow db to send cnic to app, local\n"            /* 3 */         \
	"  - deny vendor to read registry\n"                   /* 4 */         \
	"  - deny anyone to send health to web\n"              /* 5 */         \
	"  - allow db to read clinic\n"                        /* 6 */         \
	"  - allow doctor to send health to local\n"           /* 7 */         \
	"  - deny anyone to write clinic\n"                    /* 8 */

/* With facts that an event does not carry, or not all of it. */
#define POLICY_2                                                               \
	"version: 1\nname: p\nmode: enforce\n"                                 \
	"labels: [cnic]\npurposes: [kyc, sim]\n"                               \
	"stores:\n"                                                            \
	"  open: {paths: [/srv/open], labels: [cnic]}\n"                       \
	"  kept: {paths: [/srv/kept], labels: [cnic], purposes: [kyc, sim]}\n" \
	"  only: {paths: [/srv/only], labels: [cnic], purposes: [sim]}\n"      \
	"subjects:\n"                                                          \
	"  desk: {user: root, login: acme, unit: desk.service}\n"              \
	"  job: {exe: /bin/python, script: /opt/job}\n"                        \
	"  clerk: {cgroup: /clerks, purpose: kyc}\n"                           \
	"  pinned: {user: postgres, exe: /bin/db, sha256: " DIGEST "}\n"       \
	"  slice: {cgroup: /clerks}\n"                                         \
	"rules:\n"                                                             \
	"  - allow desk to read open\n"                       /* 1 */         \
	"  - allow job to read kept\n"                        /* 2 */         \
	"  - allow clerk to read kept\n"                      /* 3 */         \
	"  - allow pinned to write open\n"                    /* 4 */         \
	"  - allow desk to use sim\n"                         /* 5 */         \
	"  - allow slice to use kyc\n"                        /* 6 */         \
	"  - allow job to write only\n"                       /* 7 */         \
	"  - allow clerk to write kept\n"                     /* 8 */

#define DIGEST "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

enum { DESK = 0, JOB, CLERK, PINNED, SLICE };

enum { DB = 0, VENDOR, DOCTOR, APP = AM_ZONE_FIRST_USER, WEB };

static struct compiled policy;

static uint64_t labels(const char *one, const char *two)
{
	return 1ULL << label_bit_of(&policy, one) | (two ? 1ULL << label_bit_of(&policy, two) : 0);
}

static struct am_set subjects(int a, int b)
{
	struct am_set set = { { [3] = 1ULL << 63 } };	/* anyone */

	if (a >= 0)
		set.w[0] |= 1ULL << a;
	if (b >= 0)
		set.w[0] |= 1ULL << b;
	return set;
}

static struct am_event event(unsigned op, unsigned reason, uint32_t uid, struct am_set bits)
{
	return (struct am_event){
		.op = op, .reason = reason, .uid = uid, .gid = 100, .bits = bits, .generation = 12,
		.verdict = reason == AM_REASON_RULE_ALLOWS ? AM_VERDICT_ALLOW : AM_VERDICT_DENY,
	};
}

static void to_store(struct am_event *e, const char *store)
{
	const struct am_store *s = store_named(&policy, store);

	e->store = s->id;
	e->labels = e->culprits = s->labels;
}

static void to_address(struct am_event *e, const char *addr, uint16_t port)
{
	memset(e->addr + 10, 0xff, 2);
	assert_int_equal(inet_pton(AF_INET, addr, e->addr + 12), 1);
	e->family = AF_INET;
	e->proto = IPPROTO_TCP;
	e->port = port;
	am_image_zones(policy.image, e->addr, e->proto, port, &e->zones);
}

static void says(const struct am_event *e, const char *exe, const char *sentence)
{
	char text[512];

	am_explain_event(policy.model, policy.image, policy.registry, e, exe, text, sizeof(text));
	assert_string_equal(text, sentence);
}

static void names_the_rule_that_denies(void **state)
{
	struct am_event e = event(AM_OP_READ, AM_REASON_RULE_DENIES, 1001, subjects(VENDOR, -1));

	(void)state;
	to_store(&e, "registry");
	says(&e, "/bin/cat", "rule 4: vendor is denied");
}

static void names_the_rule_that_denies_anyone(void **state)
{
	struct am_event e = event(AM_OP_WRITE, AM_REASON_RULE_DENIES, 5, subjects(-1, -1));

	(void)state;
	to_store(&e, "clinic");
	says(&e, "/bin/cat", "rule 8: anyone is denied");
}

static void names_the_rule_that_allows(void **state)
{
	struct am_event e = event(AM_OP_WRITE, AM_REASON_RULE_ALLOWS, 114, subjects(DB, -1));

	(void)state;
	to_store(&e, "registry");
	says(&e, "/bin/postgres", "rule 1: db is allowed");
}

static void says_what_would_let_a_reader_in(void **state)
{
	struct am_event e = event(AM_OP_READ, AM_REASON_NO_RULE, 114, subjects(-1, -1));

	(void)state;
	to_store(&e, "registry");
	says(&e, "/bin/cat", "no rule lets user=postgres exe=/bin/cat read registry; "
			     "rule 1 lets db, which needs exe=/bin/postgres");
	e.uid = 5;
	says(&e, "/bin/postgres", "no rule lets uid=5 exe=/bin/postgres read registry; "
				  "rule 1 lets db, which needs user=postgres");
	says(&e, NULL, "no rule lets uid=5 read registry; "
		       "rule 1 lets db, which needs exe=/bin/postgres user=postgres");
}

static void names_the_rule_that_comes_nearest(void **state)
{
	struct am_event e = event(AM_OP_READ, AM_REASON_NO_RULE, 1001, subjects(VENDOR, -1));

	(void)state;
	to_store(&e, "clinic");
	says(&e, "/bin/cat", "no rule lets user=acme exe=/bin/cat read clinic; "
			     "rule 2 lets doctor, which needs group=staff");
	e.uid = 114;
	says(&e, "/bin/postgres2", "no rule lets user=postgres exe=/bin/postgres2 read clinic; "
				   "rule 6 lets db, which needs exe=/bin/postgres");
}

static void suspects_the_file_when_every_condition_seems_to_hold(void **state)
{
	struct am_event e = event(AM_OP_READ, AM_REASON_NO_RULE, 114, subjects(-1, -1));

	(void)state;
	to_store(&e, "registry");
	says(&e, "/bin/postgres",
	     "no rule lets user=postgres exe=/bin/postgres read registry; rule 1 lets db, which "
	     "needs the file that is /bin/postgres now");
}

static void says_so_when_no_rule_comes_near(void **state)
{
	struct am_event e = event(AM_OP_READ, AM_REASON_NO_RULE, 5, subjects(-1, -1));

	(void)state;
	to_store(&e, "bank");
	says(&e, "/bin/cat", "no rule lets uid=5 exe=/bin/cat read bank");
}

static void says_why_data_may_not_be_sent(void **state)
{
	struct am_event e = event(AM_OP_SEND, AM_REASON_LABEL_NO_RULE, 114, subjects(DB, -1));

	(void)state;
	e.labels = e.culprits = labels("cnic", NULL);
	to_address(&e, "198.51.100.9", 443);
	says(&e, "/bin/postgres", "label cnic may not be sent to 198.51.100.9:443/tcp "
				  "(zones: anywhere); rule 3 lets db send to app");
	to_address(&e, "10.1.2.3", 443);
	says(&e, "/bin/postgres", "label cnic may not be sent to 10.1.2.3:443/tcp (zones: web); "
				  "rule 3 lets db send to app");
	e.bits = subjects(-1, -1);
	to_address(&e, "10.1.2.3", 5432);
	says(&e, "/bin/psql", "label cnic may not be sent to 10.1.2.3:5432/tcp (zones: app, web); "
			      "rule 3 lets db, which needs exe=/bin/postgres");
	e.labels = e.culprits = labels("money", NULL);
	says(&e, NULL, "label money may not be sent to 10.1.2.3:5432/tcp (zones: app, web)");
}

static void names_the_rule_that_denies_a_send(void **state)
{
	struct am_event e = event(AM_OP_SEND, AM_REASON_LABEL_DENIES, 1001,
				  subjects(DOCTOR, VENDOR));

	(void)state;
	e.labels = e.culprits = labels("health", NULL);
	to_address(&e, "203.0.113.9", 443);
	says(&e, NULL, "rule 5: anyone may not send health to web");
}

static void names_a_rule_for_each_label_sent(void **state)
{
	struct am_event e = event(AM_OP_SEND, AM_REASON_RULE_ALLOWS, 0, subjects(DB, DOCTOR));

	(void)state;
	e.labels = labels("cnic", "health");
	e.family = AF_UNIX;
	e.zones = (struct am_zones){ 1, { AM_ZONE_LOCAL } };
	says(&e, NULL, "rule 3: db may send cnic to local; "
		       "rule 7: doctor may send health to local");
	e.zones.id[0] = AM_ZONE_TERMINAL;
	says(&e, NULL, "who may read data may see it on a terminal, and no rule denies it");
}

static void explains_copies_by_the_stores_they_came_from(void **state)
{
	struct am_event e = event(AM_OP_READ, AM_REASON_LABEL_NO_RULE, 1001, subjects(VENDOR, -1));

	(void)state;
	e.labels = e.culprits = labels("health", NULL);
	says(&e, "/bin/cat", "no rule lets user=acme exe=/bin/cat read data that carries the label "
			     "health; rule 2 lets doctor, which needs group=staff");
	e.culprits = labels("cnic", "health");
	says(&e, NULL, "no rule lets user=acme read data that carries the labels cnic, health; "
		       "rule 1 lets db, which needs exe=/bin/postgres user=postgres");
	e.reason = AM_REASON_LABEL_DENIES;
	says(&e, NULL, "rule 4: vendor may not read registry, which carries the same labels");
	e = event(AM_OP_READ, AM_REASON_RULE_ALLOWS, 114, subjects(DB, -1));
	e.labels = labels("cnic", NULL);
	says(&e, NULL, "rule 1: db may read registry, which carries the same labels");
}

static void explains_spills(void **state)
{
	struct am_event e = event(AM_OP_WRITE, AM_REASON_SPILL, 114, subjects(DB, -1));

	(void)state;
	e.labels = labels("cnic", "health");
	e.culprits = labels("cnic", NULL);
	says(&e, NULL, "label cnic may not be written outside the stores that have it "
		       "(spill: deny)");
	e.reason = AM_REASON_RULE_ALLOWS;
	says(&e, NULL, "what is written to takes over the labels cnic, health");
}

static void explains_what_could_not_be_established(void **state)
{
	struct am_event e = event(AM_OP_READ, AM_REASON_UNKNOWN_FACT, 114, subjects(-1, -1));

	(void)state;
	to_store(&e, "registry");
	says(&e, NULL, "who asks could not be established, and on-error is deny for registry");
	e.store = 0;
	e.verdict = AM_VERDICT_ALLOW;
	says(&e, NULL, "who asks could not be established, and on-error is allow for the stores "
		       "that share its labels");
}

static void says_that_there_is_no_policy(void **state)
{
	struct am_event e = event(AM_OP_READ, AM_REASON_NO_POLICY, 114, subjects(-1, -1));
	char text[128];

	(void)state;
	says(&e, NULL, "no policy is in force");
	am_explain_event(NULL, NULL, policy.registry, &e, NULL, text, sizeof(text));
	assert_string_equal(text, "no policy is in force");
}

static void admits_that_a_policy_is_forgotten(void **state)
{
	struct am_event e = event(AM_OP_READ, AM_REASON_NO_RULE, 114, subjects(-1, -1));
	char text[128];

	(void)state;
	am_explain_event(NULL, NULL, policy.registry, &e, NULL, text, sizeof(text));
	assert_string_equal(text, "no-rule, under policy generation 12, whose text is not known "
				  "any more");
}

/* ---- facts that came later -------------------------------------------------- */

/* Another policy for the time of a test. */
static struct compiled kept;

static int other_policy(void **state)
{
	(void)state;
	kept = policy;
	policy = (struct compiled){ 0 };
	return compile_text(&policy, POLICY_2);
}

static int same_policy(void **state)
{
	(void)state;
	drop_compiled(&policy);
	policy = kept;
	return 0;
}

static void names_login_and_unit_that_are_missing(void **state)
{
	struct am_event e = event(AM_OP_READ, AM_REASON_NO_RULE, 0, subjects(-1, -1));

	(void)state;
	to_store(&e, "open");
	e.login = 1001;
	says(&e, "/bin/cat", "no rule lets user=root login=acme exe=/bin/cat read open; "
			     "rule 1 lets desk, which needs unit=desk.service");
	e.login = 7;
	says(&e, NULL, "no rule lets user=root login=7 read open; "
		       "rule 1 lets desk, which needs login=acme unit=desk.service");
	e.login = UINT32_MAX;
	says(&e, NULL, "no rule lets user=root read open; "
		       "rule 1 lets desk, which needs login=acme unit=desk.service");
}

static void names_script_cgroup_and_purpose_that_are_missing(void **state)
{
	struct am_event e = event(AM_OP_READ, AM_REASON_NO_RULE, 5, subjects(-1, -1));

	(void)state;
	to_store(&e, "kept");
	e.login = UINT32_MAX;
	says(&e, "/bin/python", "no rule lets uid=5 exe=/bin/python read kept; "
				"rule 2 lets job, which needs script=/opt/job");
	/* One that shares a condition with another that the task is: that much is known. */
	e.bits = subjects(SLICE, -1);
	e.op = AM_OP_WRITE;
	says(&e, NULL, "no rule lets uid=5 write kept; "
		       "rule 8 lets clerk, which needs purpose=kyc");
	e.bits = subjects(-1, -1);
	says(&e, NULL, "no rule lets uid=5 write kept; "
		       "rule 8 lets clerk, which needs cgroup=/clerks purpose=kyc");
}

static void suspects_the_digest_of_a_pinned_executable(void **state)
{
	struct am_event e = event(AM_OP_WRITE, AM_REASON_NO_RULE, 114, subjects(-1, -1));

	(void)state;
	to_store(&e, "open");
	e.login = UINT32_MAX;
	says(&e, "/bin/db", "no rule lets user=postgres exe=/bin/db write open; rule 4 lets "
			    "pinned, which needs the file /bin/db with the sha256 of the policy");
}

/* A copy asks for the purposes that its source asks for. */
static void names_the_purpose_that_a_copy_needs(void **state)
{
	struct am_event e = event(AM_OP_READ, AM_REASON_LABEL_NO_RULE, 5, subjects(JOB, -1));
	unsigned kyc = am_registry_purpose(policy.registry, "kyc");
	unsigned sim = am_registry_purpose(policy.registry, "sim");

	(void)state;
	e.labels = e.culprits = labels("cnic", NULL);
	e.login = UINT32_MAX;
	says(&e, NULL, "no rule lets uid=5 read data that carries the label cnic; rule 2 lets "
		       "job under the purposes kyc, sim");
	e.reason = AM_REASON_RULE_ALLOWS;
	e.verdict = AM_VERDICT_ALLOW;
	am_set_add(&e.bits, am_image_narrow(policy.image, policy.model, JOB,
					    1ULL << kyc | 1ULL << sim));
	says(&e, NULL, "rule 2: job may read kept, which carries the same labels");
	/* Who is the subject under a purpose only needs no second one. */
	e.bits = subjects(CLERK, -1);
	says(&e, NULL, "rule 3: clerk may read kept, which carries the same labels");
}

static void explains_purposes_and_who_may_take_them_on(void **state)
{
	struct am_event e = event(AM_OP_READ, AM_REASON_PURPOSE, 5, subjects(SLICE, -1));

	(void)state;
	to_store(&e, "kept");
	e.login = UINT32_MAX;
	says(&e, NULL, "kept is open for the purposes kyc, sim only; uid=5 runs under another or "
		       "none; rule 6 lets slice use kyc");
	e.bits = subjects(DESK, -1);
	says(&e, NULL, "kept is open for the purposes kyc, sim only; uid=5 runs under another or "
		       "none; rule 5 lets desk use sim");
	to_store(&e, "only");
	e.bits = subjects(-1, -1);
	e.uid = 0;
	e.login = 1001;
	says(&e, "/bin/cat", "only is open for the purpose sim only; user=root login=acme "
			     "exe=/bin/cat runs under another or none; rule 5 lets desk use sim, "
			     "which needs unit=desk.service");
}

static void says_use(const struct am_event *who, const char *exe, const char *name, bool allowed,
		     const char *sentence)
{
	char why[512];

	am_explain_use(policy.model, policy.image, policy.registry, who, exe, name, allowed, why,
		       sizeof(why));
	assert_string_equal(why, sentence);
}

static void explains_the_answer_to_who_asks_for_a_purpose(void **state)
{
	struct am_event who = event(0, 0, 5, subjects(SLICE, -1));
	char one[1];

	(void)state;
	who.login = UINT32_MAX;
	says_use(&who, "/usr/bin/amanat", "kyc", true, "rule 6: slice may use kyc");
	says_use(&who, "/usr/bin/amanat", "sim", false,
		 "no rule lets uid=5 exe=/usr/bin/amanat use sim; rule 5 lets desk use sim, which "
		 "needs user=root login=acme unit=desk.service");
	says_use(&who, NULL, "none", false, "the policy has no purpose 'none'");
	am_explain_use(policy.model, policy.image, policy.registry, &who, NULL, "kyc", true, one, 1);
	assert_string_equal(one, "");
}

static void explains_what_could_not_be_recorded(void **state)
{
	struct am_event e = event(AM_OP_READ, AM_REASON_UNRECORDED, 114, subjects(-1, -1));

	(void)state;
	to_store(&e, "bank");
	says(&e, NULL, "it could not be recorded, and without that nothing is done with bank "
		       "(strict)");
	/* A store that is not, written to by who carries a label that is. */
	to_store(&e, "registry");
	e.op = AM_OP_WRITE;
	e.culprits = labels("cnic", NULL);
	says(&e, NULL, "it could not be recorded, and without that nothing is done with label "
		       "cnic (strict)");
}

static void lets_no_name_speak_to_the_terminal(void **state)
{
	struct am_event e = event(AM_OP_READ, AM_REASON_NO_RULE, 5, subjects(-1, -1));

	(void)state;
	to_store(&e, "bank");
	says(&e, "/tmp/a b\n\x1b[2J", "no rule lets uid=5 exe=/tmp/a\\x20b\\x0a\\x1b[2J read bank");
}

static void fits_any_buffer(void **state)
{
	struct am_event e = event(AM_OP_READ, AM_REASON_NO_RULE, 114, subjects(-1, -1));
	static const char whole[] = "no rule lets user=postgres exe=/bin/cat read registry; "
				    "rule 1 lets db, which needs exe=/bin/postgres";

	(void)state;
	to_store(&e, "registry");
	for (size_t size = 0; size < sizeof(whole) + 3; size++) {
		char *text = malloc(size ? size : 1);

		am_explain_event(policy.model, policy.image, policy.registry, &e, "/bin/cat", text,
				 size);
		if (size > 1) {
			assert_true(strlen(text) < size);
			assert_memory_equal(text, whole, strlen(text));
		}
		free(text);
	}
}

/* The facts of an event are bytes from a ring: no value of them may do harm. */
static void survives_events_that_make_no_sense(void **state)
{
	struct am_event e;
	unsigned char *bytes = (unsigned char *)&e;
	uint32_t chance = 12345;
	char text[256];

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		for (size_t b = 0; b < sizeof(e); b++)
			bytes[b] = (chance = chance * 1664525 + 1013904223) >> 24;
		e.reason = i % (AM_REASON_MAX_ + 1);
		e.op = i % 5 ? i / 16 % AM_OP_MAX_ : e.op;
		if (i % 3)
			e.store = store_named(&policy, policy.model->stores[1].name)->id;
		am_explain_event(policy.model, policy.image, policy.registry, &e, NULL, text,
				 sizeof(text));
		assert_non_null(memchr(text, '\0', sizeof(text)));
		assert_null(strchr(text, '\n'));
	}
}

static int make_policy(void **state)
{
	(void)state;
	assert_int_equal(am_registry_new(&policy.registry), 0);
	/* So that bits are not the labels' places in the policy. */
	assert_int_equal(am_registry_label(policy.registry, "older"), 0);
	return compile_text(&policy, POLICY);
}

static int drop_policy(void **state)
{
	(void)state;
	drop_compiled(&policy);
	return 0;
}

#define other_test(f) cmocka_unit_test_setup_teardown(f, other_policy, same_policy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_the_rule_that_denies),
		cmocka_unit_test(names_the_rule_that_denies_anyone),
		cmocka_unit_test(names_the_rule_that_allows),
		cmocka_unit_test(says_what_would_let_a_reader_in),
		cmocka_unit_test(names_the_rule_that_comes_nearest),
		cmocka_unit_test(suspects_the_file_when_every_condition_seems_to_hold),
		cmocka_unit_test(says_so_when_no_rule_comes_near),
		cmocka_unit_test(says_why_data_may_not_be_sent),
		cmocka_unit_test(names_the_rule_that_denies_a_send),
		cmocka_unit_test(names_a_rule_for_each_label_sent),
		cmocka_unit_test(explains_copies_by_the_stores_they_came_from),
		cmocka_unit_test(explains_spills),
		cmocka_unit_test(explains_what_could_not_be_established),
		cmocka_unit_test(says_that_there_is_no_policy),
		cmocka_unit_test(admits_that_a_policy_is_forgotten),
		other_test(names_login_and_unit_that_are_missing),
		other_test(names_script_cgroup_and_purpose_that_are_missing),
		other_test(suspects_the_digest_of_a_pinned_executable),
		other_test(names_the_purpose_that_a_copy_needs),
		other_test(explains_purposes_and_who_may_take_them_on),
		other_test(explains_the_answer_to_who_asks_for_a_purpose),
		other_test(survives_events_that_make_no_sense),
		cmocka_unit_test(explains_what_could_not_be_recorded),
		cmocka_unit_test(lets_no_name_speak_to_the_terminal),
		cmocka_unit_test(fits_any_buffer),
		cmocka_unit_test(survives_events_that_make_no_sense),
	};

	return cmocka_run_group_tests_name("explain", tests, make_policy, drop_policy);
}
