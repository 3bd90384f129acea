// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>

#include "fds.h"
#include "policy_text.h"

#define HEAD "version: 1\nname: p\nmode: enforce\nlabels: [l, m, n]\n"

#define WHO(exe_, uid_, n, ...) \
	{ .exe = (exe_), .uid = (uid_), .gids = { __VA_ARGS__ }, .n_gids = (n) }

static struct compiled compiled(const char *text)
{
	struct compiled c = { 0 };

	assert_int_equal(compile_text(&c, text), 0);
	return c;
}

/* ---- subjects --------------------------------------------------------------- */

#define SUBJECTS                                                               \
	HEAD "stores: {s: {paths: [/s], labels: [l]}}\n"                       \
	"subjects:\n"                                                          \
	"  psql: {exe: /bin/psql}\n"                                           \
	"  acme: {user: acme}\n"                                               \
	"  staff: {group: staff}\n"                                            \
	"  both: {exe: /bin/psql, user: '114', group: root}\n"                 \
	"  vendor: {third-party: ACME}\n"                                      \
	"rules: [allow psql to read s]\n"

enum { PSQL = 1, ACME = 2, STAFF = 4, BOTH = 8, VENDOR = 16 };

static void finds_out_who_asks(void **state)
{
	static const struct {
		struct asker who;
		uint64_t subjects;
	} cases[] = {
		{ WHO("/bin/cat", 5, 1, 5), VENDOR },
		{ WHO("/bin/psql", 5, 1, 5), VENDOR | PSQL },
		{ WHO("/bin/cat", 1001, 1, 5), VENDOR | ACME },
		{ WHO("/bin/cat", 5, 1, 50), VENDOR | STAFF },
		{ WHO("/bin/cat", 5, 3, 5, 6, 50), VENDOR | STAFF },
		{ WHO("/bin/psql", 114, 1, 0), VENDOR | PSQL | BOTH },
		{ WHO("/bin/psql", 114, 3, 7, 0, 50), VENDOR | PSQL | BOTH | STAFF },
		{ WHO("/bin/psql", 114, 1, 7), VENDOR | PSQL },
		{ WHO("/bin/cat", 114, 1, 0), VENDOR },
		{ WHO("/bin/psql", 0, 1, 0), VENDOR | PSQL },
	};
	struct compiled c = compiled(SUBJECTS);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct am_set bits = bits_of(c.image, &cases[i].who);

		if (bits.w[0] != cases[i].subjects || bits.w[1] || bits.w[2])
			fail_msg("case %zu: %llx", i, (unsigned long long)bits.w[0]);
		/* Everybody is anyone. */
		assert_int_equal(bits.w[3], 1ULL << 63);
	}
	drop_compiled(&c);
}

#define MORE_SUBJECTS                                                          \
	HEAD "purposes: [kyc, sim]\n"                                          \
	"stores: {s: {paths: [/s], labels: [l]}}\n"                            \
	"subjects:\n"                                                          \
	"  acme: {login: acme}\n"                                              \
	"  desk: {unit: desk.service}\n"                                       \
	"  slice: {cgroup: /system.slice}\n"                                   \
	"  inner: {cgroup: /system.slice/db, user: '7'}\n"                     \
	"  script: {script: /opt/report, exe: /usr/bin/python3}\n"             \
	"  kyc: {purpose: kyc}\n"                                              \
	"rules: [allow desk to read s]\n"

enum { BY_LOGIN = 1, DESK = 2, SLICE = 4, INNER = 8, SCRIPT = 16, KYC = 32 };

static void knows_login_cgroup_script_and_purpose(void **state)
{
	static const struct {
		struct asker who;
		uint64_t subjects;
	} cases[] = {
		{ { .exe = "/bin/x", .uid = 5, .login = 1001 }, BY_LOGIN },
		{ { .exe = "/bin/x", .uid = 1001, .login = 5 }, 0 },
		/* No login: a daemon is nobody's. */
		{ { .exe = "/bin/x", .login = UINT32_MAX }, 0 },
		{ { .exe = "/bin/x", .cgroup = "/desk.service" }, DESK },
		{ { .exe = "/bin/x", .cgroup = "/desk.service/worker/1" }, DESK },
		{ { .exe = "/bin/x", .cgroup = "/desk.service2" }, 0 },
		{ { .exe = "/bin/x", .cgroup = "/user.slice" }, 0 },
		{ { .exe = "/bin/x", .cgroup = "/system.slice" }, SLICE },
		{ { .exe = "/bin/x", .cgroup = "/system.slice/db", .uid = 7 }, SLICE | INNER },
		{ { .exe = "/bin/x", .cgroup = "/system.slice/db/a", .uid = 7 }, SLICE | INNER },
		{ { .exe = "/bin/x", .cgroup = "/system.slice/db", .uid = 8 }, SLICE },
		{ { .exe = "/usr/bin/python3", .script = "/opt/report" }, SCRIPT },
		{ { .exe = "/usr/bin/python3" }, 0 },
		{ { .exe = "/usr/bin/perl", .script = "/opt/report" }, 0 },
		{ { .exe = "/opt/report" }, 0 },
		{ { .exe = "/bin/x", .purpose = 1 }, KYC },
		{ { .exe = "/bin/x", .purpose = 2 }, 0 },
		{ { .exe = "/bin/x", .purpose = 1, .login = 1001, .cgroup = "/system.slice/x" },
		  KYC | BY_LOGIN | SLICE },
	};
	struct compiled c = compiled(MORE_SUBJECTS);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct asker who = cases[i].who;
		struct am_set bits;

		who.n_gids = 1;
		bits = bits_of(c.image, &who);
		if (bits.w[0] != cases[i].subjects)
			fail_msg("case %zu: %llx", i, (unsigned long long)bits.w[0]);
	}
	drop_compiled(&c);
}

static uint64_t bit(enum am_fact kind)
{
	return 1ULL << kind;
}

static void knows_which_facts_are_mentioned(void **state)
{
	struct compiled c = compiled(MORE_SUBJECTS);

	(void)state;
	assert_int_equal(c.image->policy->mentioned,
			 bit(AM_FACT_EXE) | bit(AM_FACT_USER) | bit(AM_FACT_LOGIN) |
			 bit(AM_FACT_CGROUP) | bit(AM_FACT_PURPOSE) | bit(AM_FACT_SCRIPT));
	drop_compiled(&c);
	c = compiled(HEAD "subjects: {a: {group: root}}\n");
	assert_int_equal(c.image->policy->mentioned, bit(AM_FACT_GROUP));
	drop_compiled(&c);
	c = compiled(HEAD "subjects: {a: {third-party: X}}\n");
	assert_int_equal(c.image->policy->mentioned, 0);
	drop_compiled(&c);
}

static void lists_cgroups_as_they_were_named(void **state)
{
	struct compiled c = compiled(HEAD "subjects:\n  a: {unit: x.service}\n"
				     "  b: {cgroup: //x.service/}\n  c: {unit: x.service}\n");

	(void)state;
	assert_int_equal(c.image->n_cgroups, 2);
	assert_string_equal(c.image->cgroups[0].unit, "x.service");
	assert_null(c.image->cgroups[0].path);
	assert_int_equal(c.image->cgroups[0].set.w[0], 5);
	assert_int_equal(c.image->cgroups[0].pos.line, 6);
	assert_string_equal(c.image->cgroups[1].path, "/x.service");
	assert_null(c.image->cgroups[1].unit);
	assert_int_equal(c.image->cgroups[1].set.w[0], 2);
	drop_compiled(&c);
}

/* What the agent finds may be in any order, and two names may be one cgroup. */
static void hands_sets_down_to_the_cgroups_within(void **state)
{
	struct am_image_cgroup_at at[] = {
		{ "/a/b/c", { { 1 } } }, { "/a", { { 2 } } }, { "/a-b", { { 4 } } },
		{ "/a/b", { { 8 } } }, { "/a", { { 16 } } }, { "", { { 32 } } },
	};
	static const uint64_t expected[] = { 1 | 2 | 8 | 16 | 32, 2 | 16 | 32, 4 | 32,
					     8 | 2 | 16 | 32, 2 | 16 | 32, 32 };

	(void)state;
	am_image_cgroup_join(at, sizeof(at) / sizeof(*at));
	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++)
		assert_int_equal(at[i].set.w[0], expected[i]);
}

#define DIGEST_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"

static void counts_a_pinned_executable_only_with_its_digest(void **state)
{
	struct compiled c = compiled(HEAD "subjects:\n"
				     "  a: {exe: /x, sha256: " DIGEST_A "}\n"
				     "  b: {exe: /x, sha256: " DIGEST_B "}\n"
				     "  every: {exe: /x}\n"
				     "  too: {exe: /x, sha256: " DIGEST_A ", user: root}\n");
	uint8_t digest[AM_SHA256_BYTES];

	(void)state;
	assert_int_equal(c.image->n_exes, 3);
	memset(digest, 0xaa, sizeof(digest));
	assert_int_equal(file_set(c.image, AM_FACT_EXE, "/x", digest).w[0], 1 | 4 | 8);
	memset(digest, 0xbb, sizeof(digest));
	assert_int_equal(file_set(c.image, AM_FACT_EXE, "/x", digest).w[0], 2 | 4);
	memset(digest, 0xcc, sizeof(digest));
	assert_int_equal(file_set(c.image, AM_FACT_EXE, "/x", digest).w[0], 4);
	assert_int_equal(file_set(c.image, AM_FACT_EXE, "/y", digest).w[0], 0);
	drop_compiled(&c);
}

static void gives_one_entry_to_a_file_that_is_exe_and_script(void **state)
{
	struct compiled c = compiled(HEAD "subjects:\n  a: {exe: /x}\n  b: {script: /x}\n"
				     "  c: {script: /y}\n  d: {user: root}\n");

	(void)state;
	assert_int_equal(c.image->n_exes, 2);
	assert_true(c.image->exes[0].is_exe && c.image->exes[0].is_script);
	assert_true(!c.image->exes[1].is_exe && c.image->exes[1].is_script);
	/* In the set of a fact is who mentions this value of it, and who mentions none. */
	assert_int_equal(c.image->exes[0].set.w[0], 1 | 2 | 4 | 8);
	assert_int_equal(c.image->exes[0].script.w[0], 1 | 2 | 8);
	assert_int_equal(c.image->exes[1].set.w[0], 2 | 4 | 8);
	assert_int_equal(c.image->exes[1].script.w[0], 1 | 4 | 8);
	drop_compiled(&c);
}

/* ---- purposes --------------------------------------------------------------- */

#define PURPOSES                                                               \
	HEAD "purposes: [kyc, sim, audit]\n"                                   \
	"stores:\n"                                                            \
	"  s: {paths: [/s], labels: [l], purposes: [sim, kyc]}\n"              \
	"  t: {paths: [/t], labels: [l]}\n"                                    \
	"subjects: {a: {user: root}, b: {user: acme}, c: {purpose: sim}}\n"    \
	"rules:\n"                                                             \
	"  - allow a to use kyc, sim\n"                                        \
	"  - allow anyone to use audit\n"                                      \
	"  - deny b to use everything\n"

static void numbers_purposes_and_says_who_may_use_them(void **state)
{
	struct am_set a = { { 1, [3] = 1ULL << 63 } }, b = { { 2, [3] = 1ULL << 63 } };
	struct am_set both = { { 3, [3] = 1ULL << 63 } }, none = { { [3] = 1ULL << 63 } };
	struct compiled c = { 0 };
	int kyc, sim, audit;

	(void)state;
	assert_int_equal(am_registry_new(&c.registry), 0);
	assert_int_equal(am_registry_purpose(c.registry, "older"), 1);
	assert_int_equal(compile_text(&c, PURPOSES), 0);
	kyc = am_registry_purpose(c.registry, "kyc");
	sim = am_registry_purpose(c.registry, "sim");
	audit = am_registry_purpose(c.registry, "audit");
	assert_int_equal(kyc, 2);
	assert_string_equal(c.image->purposes[kyc], "kyc");
	assert_string_equal(c.image->purposes[audit], "audit");
	assert_null(c.image->purposes[0]);
	assert_null(c.image->purposes[1]);
	assert_int_equal(store_named(&c, "s")->purposes, 1ULL << kyc | 1ULL << sim);
	assert_int_equal(store_named(&c, "t")->purposes, 0);
	assert_true(am_image_may_use(c.image, &a, kyc));
	assert_true(am_image_may_use(c.image, &a, sim));
	assert_true(am_image_may_use(c.image, &a, audit));
	assert_true(am_image_may_use(c.image, &none, audit));
	assert_false(am_image_may_use(c.image, &none, kyc));
	assert_false(am_image_may_use(c.image, &b, audit));
	assert_false(am_image_may_use(c.image, &both, kyc));
	assert_false(am_image_may_use(c.image, &a, 0));
	assert_false(am_image_may_use(c.image, &a, 1));
	assert_false(am_image_may_use(c.image, &a, AM_PURPOSES_MAX));
	assert_int_equal(am_image_fact_set(c.image, AM_FACT_PURPOSE, sim)->w[0], 7);
	assert_int_equal(am_image_fact_set(c.image, AM_FACT_PURPOSE, kyc)->w[0], 3);
	drop_compiled(&c);
}

#define COPIES                                                                 \
	HEAD "purposes: [kyc, sim, audit]\n"                                   \
	"stores:\n"                                                            \
	"  s: {paths: [/s], labels: [l], purposes: [sim, kyc]}\n"              \
	"  t: {paths: [/t], labels: [m]}\n"                                    \
	"subjects:\n"                                                          \
	"  a: {exe: /bin/a, unit: x.service}\n"                                \
	"  b: {purpose: sim}\n"                                                \
	"  c: {purpose: audit}\n"                                              \
	"rules:\n"                                                             \
	"  - allow a to read everything\n"                                     \
	"  - allow b to read s\n"                                              \
	"  - allow c to read s\n"

static bool reads(const struct compiled *c, const struct asker *who, const char *label)
{
	const struct am_grant *g = &c->image->policy->label_read[label_bit_of(c, label)];
	struct am_set bits = bits_of(c->image, who);

	return am_set_meets(&bits, &g->allow) && !am_set_meets(&bits, &g->deny);
}

static void closes_copies_to_other_purposes(void **state)
{
	struct asker a = { .exe = "/bin/a", .cgroup = "/x.service/y", .n_gids = 1 };
	struct asker other = { .exe = "/bin/b", .cgroup = "/x.service/y", .n_gids = 1 };
	struct compiled c = compiled(COPIES);
	unsigned kyc = am_registry_purpose(c.registry, "kyc");
	unsigned sim = am_registry_purpose(c.registry, "sim");
	unsigned audit = am_registry_purpose(c.registry, "audit");

	(void)state;
	assert_false(reads(&c, &a, "l"));
	assert_true(reads(&c, &a, "m"));
	a.purpose = kyc;
	assert_true(reads(&c, &a, "l"));
	assert_true(reads(&c, &a, "m"));
	a.purpose = audit;
	assert_false(reads(&c, &a, "l"));
	other.purpose = kyc;
	assert_false(reads(&c, &other, "l"));
	other.purpose = sim;
	assert_true(reads(&c, &other, "l"));
	other.purpose = audit;
	assert_false(reads(&c, &other, "l"));
	/* Only who mentions no purpose is narrowed. */
	assert_int_equal(c.image->n_narrows, 1);
	assert_int_equal(c.image->narrows[0].bit, 3);
	drop_compiled(&c);
}

static void joins_subjects_that_name_one_value_twice(void **state)
{
	struct compiled c = compiled(HEAD "subjects:\n  a: {user: root}\n  b: {user: 0}\n"
				     "  c: {exe: /bin/x}\n  d: {exe: /bin//x}\n");

	(void)state;
	assert_int_equal(c.image->n_facts, 1);
	assert_int_equal(c.image->facts[0].set.w[0], 15);
	assert_int_equal(c.image->n_exes, 1);
	assert_int_equal(c.image->exes[0].set.w[0], 15);
	assert_int_equal(c.image->exes[0].pos.line, 8);
	drop_compiled(&c);
}

static char *many_subjects(unsigned n, const char *rules)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	fprintf(out, HEAD "stores: {s: {paths: [/s], labels: [l]}}\nsubjects:\n");
	for (unsigned i = 0; i < n; i++)
		fprintf(out, "  s%u: {user: %u}\n", i, i);
	fputs(rules, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void holds_256_subjects(void **state)
{
	am_autofree char *text = many_subjects(256, "rules: [allow s255 to read s]\n");
	struct asker last = WHO("/bin/x", 255, 1, 0), other = WHO("/bin/x", 256, 1, 0);
	struct compiled c = compiled(text);
	const struct am_store *s = store_named(&c, "s");
	struct am_set bits;

	(void)state;
	bits = bits_of(c.image, &last);
	assert_true(am_set_meets(&bits, &s->read.allow));
	bits = bits_of(c.image, &other);
	assert_false(am_set_meets(&bits, &s->read.allow));
	drop_compiled(&c);
}

static void holds_255_subjects_and_anyone(void **state)
{
	am_autofree char *text = many_subjects(255, "rules: [allow anyone to read s]\n");
	struct asker nobody = WHO("/bin/x", 70000, 1, 0);
	struct compiled c = compiled(text);
	struct am_set bits = bits_of(c.image, &nobody);

	(void)state;
	assert_true(am_set_meets(&bits, &store_named(&c, "s")->read.allow));
	drop_compiled(&c);
}

/* ---- refusals --------------------------------------------------------------- */

static void refused(const char *text, unsigned line, unsigned column, const char *fact)
{
	struct compiled c = { .image = NULL };
	const struct am_diag *d = NULL;

	assert_int_equal(compile_text(&c, text), -EINVAL);
	assert_null(c.image);
	for (size_t i = 0; i < c.diags.count; i++) {
		if (c.diags.items[i].severity != AM_SEVERITY_ERROR)
			continue;
		d = d ? d : &c.diags.items[i];
		assert_true(is_well_said(&c.diags.items[i]));
	}
	assert_non_null(d);
	if (d->line != line || d->column != column || !strstr(d->fact, fact))
		fail_msg("%u:%u: %s, expected %u:%u: %s", d->line, d->column, d->fact, line, column,
			 fact);
	drop_compiled(&c);
}

static void refuses_accounts_that_the_host_does_not_have(void **state)
{
	(void)state;
	refused(HEAD "subjects:\n  a: {user: nobody-here}\n", 6, 13, "no user 'nobody-here'");
	refused(HEAD "subjects:\n  a: {group: postgres}\n", 6, 14, "no group 'postgres'");
	refused(HEAD "subjects:\n  a: {login: nobody-here}\n", 6, 14, "no user 'nobody-here'");
	refused(HEAD "subjects:\n  a: {login: 4294967295}\n", 6, 14, "number 4294967295");
	refused(HEAD "subjects:\n  a: {user: broken}\n", 6, 13, "cannot be looked up: Input");
	refused(HEAD "subjects:\n  a: {user: 4294967295}\n", 6, 13, "number 4294967295");
	refused(HEAD "subjects:\n  a: {user: 99999999999999999999}\n", 6, 13, "no user can have");
}

static void refuses_anyone_beside_256_subjects(void **state)
{
	am_autofree char *text = many_subjects(256, "rules: [deny anyone to read s]\n");

	(void)state;
	refused(text, 263, 9, "no room for rules about anyone");
}

static void refuses_purposes_of_copies_beside_255_subjects(void **state)
{
	static const char rules[] = "rules: [allow s0 to read s]\n";
	am_autofree char *text = many_subjects(255, rules);
	char *labels = strstr(text, "labels: [l]}}");
	am_autofree char *with = NULL;

	(void)state;
	assert_true(asprintf(&with, "%.*slabels: [l], purposes: [p]}}%s\npurposes: [p]\n",
			     (int)(labels - text), text, labels + strlen("labels: [l]}}")) > 0);
	refused(with, 5, 10, "no room for who may read copies of 's' under its purposes");
}

static void refuses_a_network_in_too_many_zones(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	fputs(HEAD "zones:\n", out);
	for (unsigned i = 0; i < 8; i++)
		fprintf(out, "  n%u: {cidr: [10.0.0.0/%u]}\n  p%u: {ports: [tcp/%u]}\n", i,
			8 + i, i, i + 1);
	assert_int_equal(fclose(out), 0);
	refused(text, 20, 15, "10.0.0.0/15 lies in 16 zones");
	free(text);
}

static void refuses_too_many_zones_without_network(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	fputs(HEAD "zones:\n", out);
	for (unsigned i = 0; i < 16; i++)
		fprintf(out, "  p%u: {ports: [tcp/%u]}\n", i, i + 1);
	assert_int_equal(fclose(out), 0);
	refused(text, 0, 0, "16 zones name no network");
	free(text);
}

static void refuses_a_purpose_for_which_no_number_is_left(void **state)
{
	struct compiled c = { 0 };
	bool found = false;
	char name[16];

	(void)state;
	assert_int_equal(am_registry_new(&c.registry), 0);
	for (unsigned i = 1; i < AM_PURPOSES_MAX - 1; i++) {
		snprintf(name, sizeof(name), "old%u", i);
		assert_int_equal(am_registry_purpose(c.registry, name), i);
	}
	assert_int_equal(compile_text(&c, HEAD "purposes: [kyc, sim]\n"), -EINVAL);
	assert_int_equal(c.diags.errors, 1);
	for (size_t i = 0; i < c.diags.count; i++)
		found |= c.diags.items[i].line == 5 && c.diags.items[i].column == 17 &&
			 strstr(c.diags.items[i].fact,
				"no number is left for the purpose 'sim'");
	assert_true(found);
	drop_compiled(&c);
}

static void refuses_ranges_that_take_too_much_room(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	/* Of each protocol a third of the ports, in the one zone or in the other. */
	fputs(HEAD "zones:\n", out);
	fputs("  a: {ports: [tcp/1-20000, udp/1-20000]}\n", out);
	fputs("  b: {ports: [tcp/20001-40000, udp/20001-40000]}\n", out);
	assert_int_equal(fclose(out), 0);
	refused(text, 0, 0, "the ranges of ports take more than 32768 entries");
	free(text);
}

static void refuses_a_label_for_which_no_number_is_left(void **state)
{
	struct compiled c = { 0 };
	unsigned found = 0;
	char name[16];

	(void)state;
	assert_int_equal(am_registry_new(&c.registry), 0);
	for (unsigned i = 0; i < AM_LABELS_MAX - 1; i++) {
		snprintf(name, sizeof(name), "old%u", i);
		assert_int_equal(am_registry_label(c.registry, name), i);
	}
	assert_int_equal(compile_text(&c, HEAD), -EINVAL);
	assert_int_equal(c.diags.errors, 2);
	for (size_t i = 0; i < c.diags.count; i++)
		found += c.diags.items[i].line == 4 && c.diags.items[i].column == 13 &&
			 strstr(c.diags.items[i].fact, "no number is left for the label 'm'");
	assert_int_equal(found, 1);
	drop_compiled(&c);
}

/* ---- stores and labels ------------------------------------------------------ */

#define NESTED                                                                 \
	HEAD "stores:\n"                                                       \
	"  inner: {paths: [/srv/a/in], labels: [m], mode: observe}\n"          \
	"  outer: {paths: [/srv/a], labels: [l], on-error: allow}\n"           \
	"  beside: {paths: [/srv/a-b], labels: [n], spill: deny, strict: true}\n"  \
	"subjects: {x: {user: root}, y: {user: acme}}\n"                       \
	"rules:\n"                                                             \
	"  - allow x to read, write inner\n"                                   \
	"  - allow y to read outer\n"                                          \
	"  - deny y to write everything\n"                                     \
	"  - deny x to read beside\n"

static void gives_an_inner_store_the_labels_of_the_outer_one(void **state)
{
	struct compiled c = compiled(NESTED);
	uint64_t l = 1ULL << label_bit_of(&c, "l"), m = 1ULL << label_bit_of(&c, "m");
	uint64_t n = 1ULL << label_bit_of(&c, "n");

	(void)state;
	assert_int_equal(store_named(&c, "outer")->labels, l);
	assert_int_equal(store_named(&c, "inner")->labels, l | m);
	assert_int_equal(store_named(&c, "beside")->labels, n);
	assert_int_equal(c.image->n_roots, 3);
	assert_string_equal(c.image->roots[0].path, "/srv/a");
	assert_string_equal(c.image->roots[1].path, "/srv/a/in");
	assert_string_equal(c.image->roots[2].path, "/srv/a-b");
	assert_int_equal(c.image->roots[1].store, store_named(&c, "inner")->id);
	drop_compiled(&c);
}

static void hands_labels_on_through_stores_with_several_paths(void **state)
{
	struct compiled c = compiled(HEAD "stores:\n"
				     "  a: {paths: [/a, /c/deep/x], labels: [l]}\n"
				     "  b: {paths: [/a/b], labels: [m]}\n"
				     "  c: {paths: [/c], labels: [n]}\n");

	(void)state;
	/* b lies in a, of which a part lies in c. */
	assert_int_equal(store_named(&c, "b")->labels, 7);
	assert_int_equal(store_named(&c, "a")->labels,
			 1ULL << label_bit_of(&c, "l") | 1ULL << label_bit_of(&c, "n"));
	assert_int_equal(store_named(&c, "c")->labels, 1ULL << label_bit_of(&c, "n"));
	drop_compiled(&c);
}

static void turns_keys_of_stores_into_flags_and_words(void **state)
{
	struct compiled c = compiled(NESTED);
	uint64_t l = 1ULL << label_bit_of(&c, "l"), m = 1ULL << label_bit_of(&c, "m");
	uint64_t n = 1ULL << label_bit_of(&c, "n");
	const struct am_policy *policy = c.image->policy;

	(void)state;
	assert_int_equal(store_named(&c, "inner")->flags, 0);
	assert_int_equal(store_named(&c, "outer")->flags, AM_STORE_ENFORCE | AM_STORE_ERROR_ALLOW);
	assert_int_equal(store_named(&c, "beside")->flags, AM_STORE_ENFORCE | AM_STORE_STRICT);
	assert_int_equal(policy->enforce_labels, l | n);
	/* inner carries l and m and says deny. */
	assert_int_equal(policy->error_allow_labels, 0);
	assert_int_equal(policy->spill_deny_labels, n);
	assert_int_equal(policy->strict_labels, n);
	assert_int_equal(policy->enforce_labels & m, 0);
	assert_int_equal(policy->abi, AM_ABI_VERSION);
	drop_compiled(&c);
}

static void allows_on_error_only_where_all_stores_of_the_label_do(void **state)
{
	struct compiled c = compiled(HEAD "stores:\n"
				     "  a: {paths: [/a], labels: [l, m], on-error: allow}\n"
				     "  b: {paths: [/b], labels: [m]}\n");

	(void)state;
	assert_int_equal(c.image->policy->error_allow_labels, 1ULL << label_bit_of(&c, "l"));
	drop_compiled(&c);
}

enum { X = 1, Y = 2 };

static void unites_who_may_read_a_label(void **state)
{
	struct compiled c = compiled(NESTED);
	const struct am_policy *policy = c.image->policy;
	unsigned l = label_bit_of(&c, "l"), m = label_bit_of(&c, "m"), n = label_bit_of(&c, "n");

	(void)state;
	assert_int_equal(policy->label_read[l].allow.w[0], X | Y);
	assert_int_equal(policy->label_read[l].deny.w[0], 0);
	assert_int_equal(policy->label_read[m].allow.w[0], X);
	assert_int_equal(policy->label_read[n].allow.w[0], 0);
	assert_int_equal(policy->label_read[n].deny.w[0], X);
	assert_int_equal(store_named(&c, "inner")->write.allow.w[0], X);
	assert_int_equal(store_named(&c, "inner")->write.deny.w[0], Y);
	assert_int_equal(store_named(&c, "outer")->write.deny.w[0], Y);
	assert_int_equal(store_named(&c, "outer")->write.allow.w[0], 0);
	drop_compiled(&c);
}

static void keeps_numbers_from_policy_to_policy(void **state)
{
	struct compiled c = compiled(NESTED);
	uint32_t inner = store_named(&c, "inner")->id, outer = store_named(&c, "outer")->id;
	unsigned n = label_bit_of(&c, "n");
	struct am_registry *kept = AM_TAKE_PTR(c.registry);

	(void)state;
	drop_compiled(&c);
	c.registry = kept;
	assert_int_equal(compile_text(&c, "version: 1\nname: q\nmode: observe\nlabels: [n, z]\n"
				      "stores:\n"
				      "  outer: {paths: [/srv/a, /srv/more], labels: [n]}\n"
				      "  inner: {paths: [/srv/b], labels: [z]}\n"), 0);
	assert_int_equal(label_bit_of(&c, "n"), n);
	assert_int_equal(label_bit_of(&c, "z"), 3);
	assert_int_equal(store_named(&c, "outer")->id, outer);
	/* It lost a path, so tags handed out before must not name it any more. */
	assert_int_equal(store_named(&c, "inner")->id, inner + (1 << AM_STORE_SLOT_BITS));
	drop_compiled(&c);
}

/* ---- zones ------------------------------------------------------------------ */

#define ZONES                                                                  \
	HEAD "zones:\n"                                                        \
	"  wide: {cidr: [10.0.0.0/8]}\n"                                       \
	"  narrow: {cidr: [10.20.0.0/16, 10.20.0.5/32, 'fd00:20::/64']}\n"     \
	"  db: {cidr: [10.20.0.0/16], ports: [tcp/5432, udp]}\n"               \
	"  web: {ports: [tcp/443]}\n"                                          \
	"  v6: {cidr: ['::/0']}\n"                                             \
	"  here: {cidr: [127.0.0.0/8]}\n"                                      \
	"  low: {cidr: [0.0.0.0/1]}\n"                                         \
	"  net: {cidr: any}\n"

static const char *const zone_names[] = {
	"wide", "narrow", "db", "web", "v6", "here", "low", "net",
};

/* The zones of a destination as a text: "loopback here". */
static char *zones_of(const struct compiled *c, const char *addr, uint8_t proto, uint16_t port)
{
	static char text[512];
	uint8_t bytes[16] = { [10] = 0xff, [11] = 0xff };
	struct am_zones zones;

	if (strchr(addr, ':'))
		assert_int_equal(inet_pton(AF_INET6, addr, bytes), 1);
	else
		assert_int_equal(inet_pton(AF_INET, addr, bytes + 12), 1);
	am_image_zones(c->image, bytes, proto, port, &zones);
	text[0] = '\0';
	for (unsigned i = 0; i < zones.count; i++) {
		size_t len = strlen(text);

		if (zones.id[i] == AM_ZONE_ANYWHERE)	/* does not take the port */
			continue;
		snprintf(text + len, sizeof(text) - len, "%s%s", len ? " " : "",
			 zones.id[i] == AM_ZONE_LOOPBACK ? "loopback" :
			 zone_names[zones.id[i] - AM_ZONE_FIRST_USER]);
	}
	for (unsigned i = zones.count; i < AM_ZONE_HITS; i++)
		assert_int_equal(zones.id[i], 0);
	return text;
}

static void finds_the_zones_of_a_destination(void **state)
{
	static const struct {
		const char *addr;
		uint8_t proto;
		uint16_t port;
		const char *zones;
	} cases[] = {
		{ "10.1.1.1", IPPROTO_TCP, 80, "wide low net" },
		{ "10.20.1.1", IPPROTO_TCP, 80, "wide narrow low net" },
		{ "10.20.1.1", IPPROTO_TCP, 5432, "wide narrow db low net" },
		{ "10.20.1.1", IPPROTO_UDP, 5432, "wide narrow db low net" },
		{ "10.20.1.1", IPPROTO_UDP, 9, "wide narrow db low net" },
		{ "10.20.0.5", IPPROTO_TCP, 5432, "wide narrow db low net" },
		{ "10.20.0.5", IPPROTO_TCP, 443, "wide narrow web low net" },
		{ "10.20.0.5", IPPROTO_ICMP, 0, "wide narrow low net" },
		{ "10.20.0.5", IPPROTO_UDP, 0, "wide narrow db low net" },
		{ "127.0.0.1", IPPROTO_TCP, 443, "loopback web here low net" },
		{ "127.255.0.1", IPPROTO_TCP, 1, "loopback here low net" },
		{ "126.0.0.1", IPPROTO_TCP, 1, "low net" },
		{ "128.0.0.1", IPPROTO_TCP, 1, "net" },
		{ "203.0.113.9", IPPROTO_TCP, 443, "web net" },
		{ "::1", IPPROTO_TCP, 1, "loopback v6 net" },
		{ "::2", IPPROTO_TCP, 1, "v6 net" },
		{ "fd00:20::9", IPPROTO_TCP, 443, "narrow web v6 net" },
		{ "fd00:21::9", IPPROTO_TCP, 443, "web v6 net" },
		/* IPv4 in IPv6 clothes is IPv4, not a part of ::/0. */
		{ "::ffff:10.1.1.1", IPPROTO_TCP, 80, "wide low net" },
		{ "::ffff:203.0.113.9", IPPROTO_TCP, 80, "net" },
	};
	struct compiled c = compiled(ZONES);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *zones = zones_of(&c, cases[i].addr, cases[i].proto, cases[i].port);

		if (strcmp(zones, cases[i].zones))
			fail_msg("%s %u/%u: '%s', expected '%s'", cases[i].addr, cases[i].proto,
				 cases[i].port, zones, cases[i].zones);
	}
	drop_compiled(&c);
}

#define RANGES                                                                 \
	HEAD "zones:\n"                                                        \
	"  wide: {ports: [tcp/1024-65535]}\n"                                  \
	"  narrow: {ports: [tcp/8000-8099, udp/53-55, sctp]}\n"                \
	"  db: {ports: [tcp/1-1023, tcp/8099-8100]}\n"                         \
	"  web: {ports: [icmp]}\n"                                             \
	"  v6: {ports: [sctp/1-65535]}\n"                                      \
	"  here: {ports: [tcp/65535]}\n"

static void finds_the_zones_of_ports_in_ranges(void **state)
{
	static const struct {
		uint8_t proto;
		uint16_t port;
		const char *zones;
	} cases[] = {
		{ IPPROTO_TCP, 1, "db" }, { IPPROTO_TCP, 1023, "db" },
		{ IPPROTO_TCP, 1024, "wide" }, { IPPROTO_TCP, 7999, "wide" },
		{ IPPROTO_TCP, 8000, "wide narrow" }, { IPPROTO_TCP, 8098, "wide narrow" },
		{ IPPROTO_TCP, 8099, "wide narrow db" }, { IPPROTO_TCP, 8100, "wide db" },
		{ IPPROTO_TCP, 8101, "wide" }, { IPPROTO_TCP, 65534, "wide" },
		{ IPPROTO_TCP, 65535, "wide here" },
		{ IPPROTO_UDP, 52, "" }, { IPPROTO_UDP, 53, "narrow" },
		{ IPPROTO_UDP, 55, "narrow" }, { IPPROTO_UDP, 56, "" }, { IPPROTO_UDP, 8000, "" },
		{ IPPROTO_SCTP, 1, "narrow v6" }, { IPPROTO_SCTP, 65535, "narrow v6" },
		{ IPPROTO_ICMP, 0, "web" }, { IPPROTO_ICMPV6, 0, "web" },
		{ IPPROTO_IGMP, 0, "" }, { IPPROTO_UDPLITE, 53, "" },
	};
	struct compiled c = compiled(RANGES);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *zones = zones_of(&c, "203.0.113.9", cases[i].proto, cases[i].port);

		if (strcmp(zones, cases[i].zones))
			fail_msg("%u/%u: '%s', expected '%s'", cases[i].proto, cases[i].port,
				 zones, cases[i].zones);
	}
	/* A wide range takes as many entries as there are ports outside it. */
	assert_true(c.image->n_facts < 2000);
	drop_compiled(&c);
}

static void knows_loopback_in_a_policy_without_zones(void **state)
{
	struct compiled c = compiled(HEAD);

	(void)state;
	assert_int_equal(c.image->n_nets, 2);
	assert_string_equal(zones_of(&c, "127.0.0.53", IPPROTO_UDP, 53), "loopback");
	assert_string_equal(zones_of(&c, "::1", IPPROTO_UDP, 53), "loopback");
	assert_string_equal(zones_of(&c, "10.0.0.1", IPPROTO_UDP, 53), "");
	drop_compiled(&c);
}

static void sends_labels_only_where_rules_say(void **state)
{
	struct compiled c = compiled(HEAD "subjects: {x: {user: root}}\n"
				     "zones: {office: {cidr: [10.0.0.0/8]}}\n"
				     "rules:\n"
				     "  - allow x to send l to office, local\n"
				     "  - deny anyone to send everything to terminal\n"
				     "  - allow x to send everything to loopback\n");
	const struct am_policy *policy = c.image->policy;
	unsigned l = label_bit_of(&c, "l"), m = label_bit_of(&c, "m");

	(void)state;
	assert_int_equal(policy->send[l][AM_ZONE_FIRST_USER].allow.w[0], 1);
	assert_int_equal(policy->send[l][AM_ZONE_LOCAL].allow.w[0], 1);
	assert_int_equal(policy->send[m][AM_ZONE_FIRST_USER].allow.w[0], 0);
	assert_int_equal(policy->send[m][AM_ZONE_LOOPBACK].allow.w[0], 1);
	assert_int_equal(policy->send[m][AM_ZONE_TERMINAL].deny.w[3], 1ULL << 63);
	assert_int_equal(policy->send[l][AM_ZONE_ANYWHERE].allow.w[0], 0);
	/* everything is every label of the policy, not every bit there is */
	assert_int_equal(policy->send[3][AM_ZONE_LOOPBACK].allow.w[0], 0);
	drop_compiled(&c);
}

/* ---- generation ------------------------------------------------------------- */

static void stamps_the_generation_on_everything(void **state)
{
	struct compiled c = compiled(ZONES "subjects: {x: {user: root}}\n");

	(void)state;
	assert_int_equal(c.image->policy->generation, 0);
	am_image_stamp(c.image, 41);
	am_image_stamp(c.image, 42);
	assert_int_equal(c.image->policy->generation, 42);
	assert_true(c.image->n_facts > 0);
	for (size_t i = 0; i < c.image->n_facts; i++)
		assert_int_equal(c.image->facts[i].key.generation, 42);
	for (size_t i = 0; i < c.image->n_nets; i++)
		assert_int_equal(c.image->nets[i].key.generation, 42);
	assert_string_equal(zones_of(&c, "10.1.1.1", IPPROTO_TCP, 80), "wide low net");
	drop_compiled(&c);
}

static void asks_this_host_for_its_accounts(void **state)
{
	uint32_t id = 5;

	(void)state;
	assert_int_equal(am_resolver_host.user(NULL, "root", &id), 0);
	assert_int_equal(id, 0);
	id = 5;
	assert_int_equal(am_resolver_host.group(NULL, "root", &id), 0);
	assert_int_equal(id, 0);
	id = 5;
	assert_int_equal(am_resolver_host.user(NULL, "no-such-user-here", &id), -ENOENT);
	assert_int_equal(am_resolver_host.group(NULL, "no-such-group-here", &id), -ENOENT);
	assert_int_equal(id, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_out_who_asks),
		cmocka_unit_test(knows_login_cgroup_script_and_purpose),
		cmocka_unit_test(knows_which_facts_are_mentioned),
		cmocka_unit_test(lists_cgroups_as_they_were_named),
		cmocka_unit_test(hands_sets_down_to_the_cgroups_within),
		cmocka_unit_test(counts_a_pinned_executable_only_with_its_digest),
		cmocka_unit_test(gives_one_entry_to_a_file_that_is_exe_and_script),
		cmocka_unit_test(numbers_purposes_and_says_who_may_use_them),
		cmocka_unit_test(refuses_a_purpose_for_which_no_number_is_left),
		cmocka_unit_test(refuses_ranges_that_take_too_much_room),
		cmocka_unit_test(finds_the_zones_of_ports_in_ranges),
		cmocka_unit_test(joins_subjects_that_name_one_value_twice),
		cmocka_unit_test(holds_256_subjects),
		cmocka_unit_test(holds_255_subjects_and_anyone),
		cmocka_unit_test(refuses_accounts_that_the_host_does_not_have),
		cmocka_unit_test(refuses_anyone_beside_256_subjects),
		cmocka_unit_test(closes_copies_to_other_purposes),
		cmocka_unit_test(refuses_purposes_of_copies_beside_255_subjects),
		cmocka_unit_test(refuses_a_network_in_too_many_zones),
		cmocka_unit_test(refuses_too_many_zones_without_network),
		cmocka_unit_test(refuses_a_label_for_which_no_number_is_left),
		cmocka_unit_test(gives_an_inner_store_the_labels_of_the_outer_one),
		cmocka_unit_test(hands_labels_on_through_stores_with_several_paths),
		cmocka_unit_test(turns_keys_of_stores_into_flags_and_words),
		cmocka_unit_test(allows_on_error_only_where_all_stores_of_the_label_do),
		cmocka_unit_test(unites_who_may_read_a_label),
		cmocka_unit_test(keeps_numbers_from_policy_to_policy),
		cmocka_unit_test(finds_the_zones_of_a_destination),
		cmocka_unit_test(knows_loopback_in_a_policy_without_zones),
		cmocka_unit_test(sends_labels_only_where_rules_say),
		cmocka_unit_test(stamps_the_generation_on_everything),
		cmocka_unit_test(asks_this_host_for_its_accounts),
	};

	return cmocka_run_group_tests_name("compile", tests, NULL, NULL);
}
