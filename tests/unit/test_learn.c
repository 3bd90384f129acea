// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>

#include "policy/ask.h"
#include "policy/learn.h"
#include "parts.h"
#include "policy_text.h"

enum { ROUNDS = 400, SIGHTINGS = 14, STRANGERS = 60 };

/* ---- a policy of this host ------------------------------------------------------- */

static const char head[] =
	"version: 1\nname: p\nmode: observe\nlabels: [cnic, health]\npurposes: [kyc]\n"
	"stores:\n"
	"  registry: { paths: [/srv/registry], labels: [cnic] }\n"
	"  clinic: { paths: [/srv/clinic], labels: [health] }\n"
	"  closed: { paths: [/srv/closed], labels: [cnic], purposes: [kyc] }\n";
static const char subjects[] =
	"  db: { exe: /usr/bin/postgres, user: postgres }\n"
	"  acme-support: { third-party: ACME Ltd, user: acme }\n"
	"  desk: { unit: desk.service }\n";
static const char zones[] =
	"  app-tier: { cidr: [10.20.0.0/16], ports: [tcp/5432] }\n"
	"  internet: { cidr: any, ports: [tcp/443] }\n";
static const char *const rules[] = {
	"  - allow db to read registry\n",
	"  - allow desk to read registry, clinic\n",
	"  - deny acme-support to read clinic\n",
	"  - allow db to send cnic to app-tier\n",
	"  - deny acme-support to send health to anywhere\n",
};

struct host {
	struct compiled c;
	struct am_space *space;
	struct am_view view;
};

static void make_host(struct host *h, const char *text)
{
	*h = (struct host){ 0 };
	if (compile_text(&h->c, text)) {
		am_diags_print(&h->c.diags, stderr);
		fail_msg("the policy is refused:\n%s", text);
	}
	assert_int_equal(am_space_new((const struct am_model *const *)&h->c.model, 1, NULL,
				      &h->c.diags, &h->space), 0);
	h->view = (struct am_view){ .generation = 1, .model = h->c.model, .image = h->c.image,
				    .registry = h->c.registry, .space = h->space };
}

static void drop_host(struct host *h)
{
	am_space_free(h->space);
	drop_compiled(&h->c);
}

/* `taken`: bits of the rules that stand in it; the learned sections are put in. */
static char *policy_text(unsigned taken, const char *more_subjects, const char *more_zones,
			 const char *more_rules)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	fprintf(out, "%ssubjects:\n%s%szones:\n%s%srules:\n%s", head, subjects, more_subjects,
		zones, more_zones, more_rules);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (taken >> i & 1)
			fputs(rules[i], out);
	fputs("  - allow desk to read registry\n", out);	/* so that there is one */
	assert_int_equal(fclose(out), 0);
	return text;
}

/* A section of a proposal, without its head. */
static char *section(const char *yaml, const char *name)
{
	char title[32];
	const char *at, *end;

	snprintf(title, sizeof(title), "\n%s:\n", name);
	at = strstr(yaml, title);
	if (!at)
		return strdup("");
	at += strlen(title);
	end = strstr(at, "\n\n");
	return strndup(at, end ? (size_t)(end + 1 - at) : strlen(at));
}

/* ---- sightings -------------------------------------------------------------------- */

/* Acts are told as far as they matter. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

struct act {
	const char *exe, *user, *unit;
	uint32_t uid, login;
	unsigned op;
	const char *store;	/* READ, WRITE */
	uint64_t labels;	/* bits of the registry, of SEND */
	const char *dest;	/* SEND */
	const char *script, *groups;
	unsigned purpose;	/* 1: kyc */
};

static uint32_t id_of(const struct host *h, const char *store)
{
	const struct am_store *s = store_named(&h->c, store);

	assert_non_null(s);
	return s->id;
}

static struct am_observed_facts facts_of(const struct host *h, const struct act *a)
{
	struct am_observed_facts f = { .uid = a->uid, .login = a->login, .op = a->op,
				       .labels = a->labels, .count = 3, .first_s = 1000000,
				       .last_s = 1003600 };
	struct am_place place;

	if (a->op != AM_OP_SEND) {
		f.store = id_of(h, a->store);
		f.labels = store_named(&h->c, a->store)->labels;
		return f;
	}
	assert_int_equal(am_place_parse(a->dest, &place), 0);
	f.place = place.kind == AM_PLACE_NETWORK ? AM_OBSERVED_NETWORK :
		  place.kind == AM_PLACE_LOCAL ? AM_OBSERVED_LOCAL : AM_OBSERVED_OTHER;
	f.proto = place.proto;
	f.port = place.port;
	memcpy(f.addr, place.addr, sizeof(f.addr));
	return f;
}

/* What the kernel would have decided. */
static struct am_decision decide(const struct host *h, const struct act *a)
{
	struct am_seen seen = { .exe = a->exe, .user = a->user, .uid = a->uid, .login = a->login,
				.cgroup = a->unit, .script = a->script,
				.purpose = a->purpose ? "kyc" : NULL };
	struct am_decision d;
	struct am_ask ask;

	am_ask_init(&ask);
	am_seen_who(&seen, &h->view, &ask.who);
	ask.access.op = a->op;
	if (a->op == AM_OP_SEND) {
		for (unsigned bit = 0; bit < AM_LABELS_MAX; bit++) {
			int label = a->labels >> bit & 1 ? am_view_label(&h->view, bit) : -1;

			if (label >= 0)
				ask.access.labels |= 1ULL << label;
		}
		assert_int_equal(am_ask_place(&ask, h->space, a->dest), 0);
	} else {
		assert_int_equal(am_ask_object(&ask, h->space, a->store), 0);
	}
	am_access_decide(h->space, 0, &ask.access, &ask.who, &d);
	return d;
}

struct seen_rows {
	struct act acts[SIGHTINGS];
	struct am_observed_row rows[SIGHTINGS];
	struct am_sighting sightings[SIGHTINGS];
	size_t n;
};

static void see(struct host *h, struct seen_rows *s, const struct act *a)
{
	struct am_decision d = decide(h, a);
	size_t i = s->n;

	if (d.verdict == AM_VERDICT_ALLOW)
		return;
	s->n++;
	s->acts[i] = *a;
	s->rows[i] = (struct am_observed_row){ .facts = facts_of(h, a), .exe = (char *)a->exe,
					       .unit = (char *)(a->unit ? a->unit : ""),
					       .path = (char *)"/srv/example",
					       .script = (char *)(a->script ? a->script : ""),
					       .groups = (char *)(a->groups ? a->groups : "") };
	if (a->purpose)
		s->rows[i].facts.purpose = am_registry_purpose(h->c.registry, "kyc");
	s->rows[i].facts.reason = d.reason;
	s->sightings[i] = (struct am_sighting){ .row = &s->rows[i], .user = a->user,
						.login_name = NULL, .count = 3 };
}

static struct am_lesson *learn(struct host *h, const struct seen_rows *s)
{
	const struct am_learn_wish wish = { .store = -1 };
	struct am_lesson *l = NULL;

	assert_int_equal(am_learn(&h->view, s->sightings, s->n, &wish, &l), 0);
	return l;
}

static char *yaml_of(const struct am_lesson *l)
{
	const struct am_lesson_head h = { .now_s = 1010000 };
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(am_lesson_yaml(l, &h, out), 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

static char *merged_with(unsigned taken, const char *yaml)
{
	am_autofree char *s = section(yaml, "subjects"), *z = section(yaml, "zones");
	am_autofree char *r = section(yaml, "rules");

	return policy_text(taken, s, z, r);
}

/* Of one act under the whole base policy: the YAML. */
static char *proposal_of(const struct act *acts, size_t n)
{
	am_autofree char *text = policy_text(~0u, "", "", "");
	struct seen_rows s = { .n = 0 };
	struct am_lesson *l;
	struct host h;
	char *yaml;

	make_host(&h, text);
	for (size_t i = 0; i < n; i++)
		see(&h, &s, &acts[i]);
	l = learn(&h, &s);
	yaml = yaml_of(l);
	am_lesson_free(l);
	drop_host(&h);
	return yaml;
}

/* ---- what is proposed --------------------------------------------------------------- */

static void proposes_the_executable_and_the_user(void **state)
{
	const struct act a = { "/usr/bin/psql", "acme", NULL, 1001, ~0u, AM_OP_READ, "registry",
			       0, NULL };
	am_autofree char *yaml = proposal_of(&a, 1);

	(void)state;
	expect_in(yaml, "  psql-acme:  # 3 times");
	expect_in(yaml, "    exe: \"/usr/bin/psql\"\n    user: \"acme\"\n");
	expect_in(yaml, "  # read registry: 3 times, first ");
	expect_in(yaml, ", such as /srv/example\n");
	expect_in(yaml, "  - allow psql-acme to read registry\n");
	expect_not_in(yaml, "login:");
}

static void asks_for_a_login_and_a_unit_that_were_always_the_same(void **state)
{
	const struct act acts[] = {
		{ "/usr/bin/a", "acme", "a.service", 1001, ~0u, AM_OP_READ, "registry", 0, NULL },
		{ "/usr/bin/b", "acme", "session-4.scope", 1001, 1001, AM_OP_READ, "registry", 0,
		  NULL },
		{ "/usr/bin/c", "acme", NULL, 1001, 1001, AM_OP_READ, "registry", 0, NULL },
		{ "/usr/bin/c", "acme", NULL, 1001, 114, AM_OP_READ, "registry", 0, NULL },
	};
	am_autofree char *yaml = proposal_of(acts, 4);

	(void)state;
	expect_in(yaml, "    exe: \"/usr/bin/a\"\n    user: \"acme\"\n    unit: \"a.service\"\n");
	expect_in(yaml, "    exe: \"/usr/bin/b\"\n    user: \"acme\"\n    login: 1001\n");
	expect_in(yaml, "    exe: \"/usr/bin/c\"\n    user: \"acme\"\n\n");
	expect_not_in(yaml, "session-4");
}

static void asks_for_the_script_and_not_for_all_that_its_interpreter_runs(void **state)
{
	const struct act acts[] = {
		{ .exe = "/usr/bin/python3.11", .user = "acme", .uid = 1001, .login = ~0u,
		  .op = AM_OP_READ, .store = "registry", .script = "/opt/sync.py" },
		{ .exe = "/usr/bin/python3.11", .user = "acme", .uid = 1001, .login = ~0u,
		  .op = AM_OP_WRITE, .store = "registry" },
		/* Not a shell of root, but one thing that it does. */
		{ .exe = "/usr/bin/dash", .user = "root", .uid = 0, .login = ~0u,
		  .op = AM_OP_READ, .store = "registry", .script = "/opt/nightly.sh" },
	};
	am_autofree char *yaml = proposal_of(acts, 3);

	(void)state;
	expect_in(yaml, "  sync.py-acme:  # 3 times");
	expect_in(yaml, "    exe: \"/usr/bin/python3.11\"\n    script: \"/opt/sync.py\"\n"
			"    user: \"acme\"\n");
	expect_in(yaml, "  - allow sync.py-acme to read registry\n");
	expect_in(yaml, "  - allow python3.11-acme to write registry\n");
	expect_in(yaml, "# WARNING: an interpreter");
	expect_in(yaml, "  - allow nightly.sh-root to read registry\n");
	expect_not_in(yaml, "a shell");
}

static void asks_for_a_purpose_that_was_always_the_same(void **state)
{
	const struct act acts[] = {
		{ .exe = "/usr/bin/a", .user = "acme", .uid = 1001, .login = ~0u, .op = AM_OP_READ,
		  .store = "registry", .purpose = 1 },
		{ .exe = "/usr/bin/b", .user = "acme", .uid = 1001, .login = ~0u, .op = AM_OP_READ,
		  .store = "registry", .purpose = 1 },
		{ .exe = "/usr/bin/b", .user = "acme", .uid = 1001, .login = ~0u, .op = AM_OP_READ,
		  .store = "registry" },
		/* Under the purpose that the store is open for: what is missing is a rule. */
		{ .exe = "/usr/bin/c", .user = "acme", .uid = 1001, .login = ~0u, .op = AM_OP_READ,
		  .store = "closed", .purpose = 1 },
	};
	am_autofree char *yaml = proposal_of(acts, 4);

	(void)state;
	expect_in(yaml, "    exe: \"/usr/bin/a\"\n    user: \"acme\"\n    purpose: \"kyc\"\n");
	expect_in(yaml, "    exe: \"/usr/bin/b\"\n    user: \"acme\"\n  c-acme:");
	expect_in(yaml, "  - allow c-acme to read closed\n");
}

static void many_users_who_did_the_same_are_their_smallest_common_group(void **state)
{
	const struct act like = { .exe = "/usr/bin/psql", .login = ~0u, .op = AM_OP_READ,
				  .store = "registry" };
	struct act acts[6];
	am_autofree char *yaml = NULL;

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		acts[i] = like;
		acts[i].uid = 2000 + i;
		acts[i].groups = "100:users,50:staff";
	}
	acts[3].groups = "100:users";	/* alone with what all have */
	acts[4].exe = "/usr/bin/cat";	/* somebody else's program */
	acts[4].groups = "100:users";
	acts[5].op = AM_OP_WRITE;	/* who did something else */
	yaml = proposal_of(acts, 6);
	expect_in(yaml, "    # 4 users of this group were seen; the others of it may the same.\n"
			"    exe: \"/usr/bin/psql\"\n    group: \"users\"\n");
	expect_not_in(yaml, "user: 2000");
	expect_in(yaml, "user: 2004");
	expect_in(yaml, "user: 2005");
	free(yaml);
	/* Of two groups that all of them have it is the one that fewer others have. */
	acts[3].groups = acts[0].groups;
	yaml = proposal_of(acts, 5);
	expect_in(yaml, "    exe: \"/usr/bin/psql\"\n    group: \"staff\"\n");
	free(yaml);
	/* Two are no group. */
	yaml = proposal_of(acts, 2);
	expect_in(yaml, "user: 2000");
	expect_not_in(yaml, "group:");
}

static void prefers_a_subject_and_a_zone_that_the_policy_has(void **state)
{
	const struct act acts[] = {
		{ "/usr/bin/postgres", "postgres", NULL, 114, ~0u, AM_OP_WRITE, "registry", 0, NULL },
		{ "/usr/bin/postgres", "postgres", NULL, 114, ~0u, AM_OP_SEND, NULL, 2,
		  "10.20.1.2:5432/tcp" },
	};
	am_autofree char *yaml = proposal_of(acts, 2);

	(void)state;
	expect_in(yaml, "  - allow db to write registry\n");
	expect_in(yaml, "  - allow db to send health to app-tier\n");
	expect_not_in(yaml, "\nsubjects:");
	expect_not_in(yaml, "\nzones:");
}

static void a_wide_zone_is_no_answer(void **state)
{
	const struct act a = { "/usr/bin/curl", "acme", NULL, 1001, ~0u, AM_OP_SEND, NULL, 1,
			       "203.0.113.9:443/tcp" };
	am_autofree char *yaml = proposal_of(&a, 1);

	(void)state;
	expect_in(yaml, "  curl-acme-tcp-443:  # 3 times");
	expect_in(yaml, "\n    cidr: [\"203.0.113.9/32\"]\n    ports: [tcp/443]\n");
	expect_in(yaml, "  - allow curl-acme to send cnic to curl-acme-tcp-443\n");
	expect_not_in(yaml, "internet");
}

static void destinations_are_grouped_without_getting_wider(void **state)
{
	const struct act acts[] = {
		{ "/usr/bin/app", "acme", NULL, 1001, ~0u, AM_OP_SEND, NULL, 1, "192.0.2.1:80/tcp" },
		{ "/usr/bin/app", "acme", NULL, 1001, ~0u, AM_OP_SEND, NULL, 1, "192.0.2.2:80/tcp" },
		{ "/usr/bin/app", "acme", NULL, 1001, ~0u, AM_OP_SEND, NULL, 1, "192.0.2.1:81/tcp" },
		{ "/usr/bin/app", "acme", NULL, 1001, ~0u, AM_OP_SEND, NULL, 1, "192.0.2.2:81/tcp" },
		{ "/usr/bin/app", "acme", NULL, 1001, ~0u, AM_OP_SEND, NULL, 1, "192.0.2.2:53/udp" },
	};
	am_autofree char *yaml = proposal_of(acts, 5);

	(void)state;
	expect_in(yaml, "cidr: [\"192.0.2.1/32\", \"192.0.2.2/32\"]\n    ports: [tcp/80, tcp/81]\n");
	expect_in(yaml, "cidr: [\"192.0.2.2/32\"]\n    ports: [udp/53]\n");
	expect_in(yaml, "to send cnic to app-acme-tcp-80, app-acme-udp-53\n");
}

static void warns_of_shells_and_interpreters(void **state)
{
	const struct act acts[] = {
		{ "/usr/bin/python3.11", "acme", NULL, 1001, ~0u, AM_OP_READ, "registry", 0, NULL },
		{ "/bin/bash", "acme", NULL, 1001, ~0u, AM_OP_READ, "registry", 0, NULL },
	};
	am_autofree char *yaml = proposal_of(acts, 2);

	(void)state;
	expect_in(yaml, "    # WARNING: an interpreter: ");
	expect_in(yaml, "    # WARNING: a shell: ");
}

/* ---- what is not -------------------------------------------------------------------- */

static void does_not_propose(const struct act *a, const char *why)
{
	am_autofree char *yaml = proposal_of(a, 1);

	expect_in(yaml, "# There is nothing to propose.\n");
	expect_not_in(yaml, "allow ");
	expect_in(yaml, why);
}

static void what_a_rule_denies_is_told_with_the_rule(void **state)
{
	const struct act a = { "/usr/bin/psql", "acme", NULL, 1001, ~0u, AM_OP_READ, "clinic", 0,
			       NULL };
	am_autofree char *yaml = proposal_of(&a, 1);

	(void)state;
	expect_in(yaml, "# Not proposed:\n#   user=acme exe=/usr/bin/psql read clinic\n"
			"#     denied by rule 3: deny acme-support to read clinic\n");
	expect_not_in(yaml, "\nrules:");
}

static void what_no_rule_should_open_is_not_proposed(void **state)
{
	static const struct {
		struct act act;
		const char *why;
	} cases[] = {
		{ { "/bin/sh", "root", NULL, 0, ~0u, AM_OP_READ, "registry", 0, NULL },
		  "a shell of root" },
		{ { "bin/cat", "acme", NULL, 1001, ~0u, AM_OP_READ, "registry", 0, NULL },
		  "has no path" },
		{ { "", "acme", NULL, 1001, ~0u, AM_OP_READ, "registry", 0, NULL }, "has no path" },
		{ { "/usr/bin/a\nb", "acme", NULL, 1001, ~0u, AM_OP_READ, "registry", 0, NULL },
		  "has no path" },
		{ { "/usr/bin/a\xff", "acme", NULL, 1001, ~0u, AM_OP_READ, "registry", 0, NULL },
		  "has no path" },
		{ { "/usr/bin/psql", "acme", NULL, 1001, ~0u, AM_OP_READ, "closed", 0, NULL },
		  "under its purposes only" },
		{ { "/usr/bin/psql", "acme", NULL, 1001, ~0u, AM_OP_SEND, NULL, 1, "device" },
		  "no zone but `anywhere`" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		does_not_propose(&cases[i].act, cases[i].why);
}

static void hostile_names_do_not_leave_their_line(void **state)
{
	const struct act a = { "/tmp/x\", user: root}  # ", "acme", "x\n  - allow anyone.service",
			       1001, ~0u, AM_OP_READ, "registry", 0, NULL };
	am_autofree char *yaml = proposal_of(&a, 1), *merged = merged_with(~0u, yaml);
	struct host h;

	(void)state;
	expect_in(yaml, "    exe: \"/tmp/x\\\", user: root}  # \"\n");
	expect_not_in(yaml, "allow anyone");
	make_host(&h, merged);	/* it is still one policy */
	drop_host(&h);
}

/* A scan of ports by somebody who carries labels is thousands of rows. */
static void a_flood_of_rows_is_cut_at_the_rarest_and_told(void **state)
{
	static struct am_observed_row rows[3000];
	static struct am_sighting sightings[3000];
	const struct act a = { "/usr/bin/scan", "acme", NULL, 1001, ~0u, AM_OP_SEND, NULL, 1,
			       "192.0.2.1:1/tcp" };
	am_autofree char *text = policy_text(~0u, "", "", ""), *yaml = NULL;
	const struct am_learn_wish wish = { .store = -1 };
	struct am_lesson *l = NULL;
	struct host h;

	(void)state;
	make_host(&h, text);
	for (size_t i = 0; i < 3000; i++) {
		rows[i] = (struct am_observed_row){ .facts = facts_of(&h, &a),
						    .exe = (char *)a.exe, .unit = (char *)"",
						    .path = (char *)"", .script = (char *)"",
						    .groups = (char *)"" };
		rows[i].facts.port = 1 + i;
		rows[i].facts.reason = AM_REASON_LABEL_NO_RULE;
		sightings[i] = (struct am_sighting){ .row = &rows[i], .user = "acme",
						     .count = 1 + i };
	}
	assert_int_equal(am_learn(&h.view, sightings, 3000, &wish, &l), 0);
	assert_int_equal(l->n_grants, AM_LESSON_GRANTS);
	assert_int_equal(l->too_many, 3000 - AM_LESSON_GRANTS);
	assert_int_equal(l->n_zones, 1);
	yaml = yaml_of(l);
	expect_in(yaml, "# 952 lines more would be too many");
	expect_in(yaml, "192.0.2.1:3000/tcp: 3000 times");
	expect_not_in(yaml, "192.0.2.1:1/tcp:");
	am_lesson_free(l);
	drop_host(&h);
}

/* ---- for all ------------------------------------------------------------------------- */

static uint64_t random_state = 88172645463325252ULL;

static unsigned below(unsigned n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % n;
}

static struct act random_act(void)
{
	static const char *const exes[] = { "/usr/bin/psql", "/usr/bin/postgres", "/usr/bin/cat",
					    "/usr/bin/python3", "/bin/bash" };
	static const char *const units[] = { NULL, "a.service", "desk.service", "session-1.scope" };
	static const struct {
		const char *name;
		uint32_t uid;
	} users[] = { { "root", 0 }, { "postgres", 114 }, { "acme", 1001 }, { NULL, 77 } };
	static const char *const stores[] = { "registry", "clinic", "closed" };
	static const char *const dests[] = { "10.20.1.2:5432/tcp", "10.20.1.3:5432/tcp",
					     "203.0.113.9:443/tcp", "203.0.113.9:53/udp",
					     "203.0.113.10:443/tcp", "[2001:db8::1]:443/tcp",
					     "local", "device" };
	static const uint32_t logins[] = { ~0u, 0, 1001 };
	unsigned user = below(4);
	struct act a = {
		.exe = exes[below(5)], .user = users[user].name, .uid = users[user].uid,
		.unit = units[below(4)], .login = logins[below(3)],
		.op = AM_OP_READ + below(3),
	};

	if (a.op == AM_OP_SEND) {
		a.labels = 1 + below(3);
		a.dest = dests[below(8)];
	} else {
		a.store = stores[below(3)];
	}
	return a;
}

static bool is_refused(const struct am_lesson *l, const struct am_sighting *s)
{
	for (size_t i = 0; i < l->n_refusals; i++)
		if (l->refusals[i].sighting == s)
			return true;
	return false;
}

static bool has_lasting_unit(const struct act *a)
{
	return a->unit && strstr(a->unit, ".service");
}

static bool is_db(const struct act *a)
{
	return !strcmp(a->exe, "/usr/bin/postgres") && a->uid == 114;
}

static bool same_person(const struct seen_rows *s, size_t i, const struct act *who)
{
	const struct act *a = &s->acts[i];
	bool several_logins = false;

	if (is_db(a) && is_db(who))
		return true;	/* a subject that the policy has, whatever else was seen of it */
	if (strcmp(a->exe, who->exe) || a->uid != who->uid)
		return false;
	if (has_lasting_unit(a) && (!who->unit || strcmp(a->unit, who->unit)))
		return false;
	for (size_t j = 0; j < s->n; j++)
		several_logins |= !strcmp(s->acts[j].exe, a->exe) && s->acts[j].uid == a->uid &&
				  s->acts[j].login != a->login;
	return several_logins || a->login == who->login || a->login == ~0u;
}

static bool both_in_app_tier(const char *a, const char *b)
{
	return !strncmp(a, "10.20.", 6) && !strncmp(b, "10.20.", 6);
}

/* Whether what is allowed now was seen: for a send, each label of it. */
static bool was_seen(const struct am_lesson *l, const struct seen_rows *s, const struct act *a,
		     uint64_t culprits)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct act *b = &s->acts[i];

		if (is_refused(l, &s->sightings[i]) || !same_person(s, i, a) || b->op != a->op)
			continue;
		if (a->op != AM_OP_SEND) {
			if (!strcmp(a->store, b->store))
				return true;
		} else if (!strcmp(a->dest, b->dest) || both_in_app_tier(a->dest, b->dest)) {
			seen |= b->labels;
		}
	}
	return a->op == AM_OP_SEND && !(culprits & ~seen);
}

static void check_round(void)
{
	unsigned taken = below(32);
	am_autofree char *text = policy_text(taken, "", "", ""), *yaml = NULL, *merged = NULL;
	struct seen_rows s = { .n = 0 };
	struct am_lesson *l;
	struct host before, after;

	make_host(&before, text);
	for (unsigned i = 0, n = 1 + below(SIGHTINGS); i < n; i++) {
		struct act a = random_act();

		see(&before, &s, &a);
	}
	l = learn(&before, &s);
	yaml = yaml_of(l);
	merged = merged_with(taken, yaml);
	make_host(&after, merged);
	for (size_t i = 0; i < s.n; i++)
		if (!is_refused(l, &s.sightings[i]) &&
		    decide(&after, &s.acts[i]).verdict != AM_VERDICT_ALLOW)
			fail_msg("what was seen is still denied: exe=%s uid=%u op=%u %s%s\n%s",
				 s.acts[i].exe, s.acts[i].uid, s.acts[i].op,
				 s.acts[i].store ? s.acts[i].store : "",
				 s.acts[i].dest ? s.acts[i].dest : "", merged);
	for (unsigned i = 0; i < STRANGERS; i++) {
		struct act a = random_act();
		struct am_decision d = decide(&before, &a);

		if (d.verdict == AM_VERDICT_DENY &&
		    decide(&after, &a).verdict == AM_VERDICT_ALLOW &&
		    !was_seen(l, &s, &a, d.culprits))
			fail_msg("a gain that nobody saw: exe=%s uid=%u unit=%s login=%u op=%u %s%s "
				 "labels=%u\n%s", a.exe, a.uid, a.unit ? a.unit : "-", a.login, a.op,
				 a.store ? a.store : "", a.dest ? a.dest : "", (unsigned)a.labels,
				 merged);
	}
	am_lesson_free(l);
	drop_host(&after);
	drop_host(&before);
}

static void allows_all_that_was_seen_and_nothing_else(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++)
		check_round();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proposes_the_executable_and_the_user),
		cmocka_unit_test(asks_for_a_login_and_a_unit_that_were_always_the_same),
		cmocka_unit_test(asks_for_the_script_and_not_for_all_that_its_interpreter_runs),
		cmocka_unit_test(asks_for_a_purpose_that_was_always_the_same),
		cmocka_unit_test(many_users_who_did_the_same_are_their_smallest_common_group),
		cmocka_unit_test(prefers_a_subject_and_a_zone_that_the_policy_has),
		cmocka_unit_test(a_wide_zone_is_no_answer),
		cmocka_unit_test(destinations_are_grouped_without_getting_wider),
		cmocka_unit_test(warns_of_shells_and_interpreters),
		cmocka_unit_test(what_a_rule_denies_is_told_with_the_rule),
		cmocka_unit_test(what_no_rule_should_open_is_not_proposed),
		cmocka_unit_test(hostile_names_do_not_leave_their_line),
		cmocka_unit_test(a_flood_of_rows_is_cut_at_the_rarest_and_told),
		cmocka_unit_test(allows_all_that_was_seen_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
