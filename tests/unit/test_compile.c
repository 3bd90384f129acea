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
		{ { "/bin/cat", 5, { 5 }, 1 }, VENDOR },
		{ { "/bin/psql", 5, { 5 }, 1 }, VENDOR | PSQL },
		{ { "/bin/cat", 1001, { 5 }, 1 }, VENDOR | ACME },
		{ { "/bin/cat", 5, { 50 }, 1 }, VENDOR | STAFF },
		{ { "/bin/cat", 5, { 5, 6, 50 }, 3 }, VENDOR | STAFF },
		{ { "/bin/psql", 114, { 0 }, 1 }, VENDOR | PSQL | BOTH },
		{ { "/bin/psql", 114, { 7, 0, 50 }, 3 }, VENDOR | PSQL | BOTH | STAFF },
		{ { "/bin/psql", 114, { 7 }, 1 }, VENDOR | PSQL },
		{ { "/bin/cat", 114, { 0 }, 1 }, VENDOR },
		{ { "/bin/psql", 0, { 0 }, 1 }, VENDOR | PSQL },
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
	struct asker last = { "/bin/x", 255, { 0 }, 1 }, other = { "/bin/x", 256, { 0 }, 1 };
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
	struct asker nobody = { "/bin/x", 70000, { 0 }, 1 };
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
		cmocka_unit_test(joins_subjects_that_name_one_value_twice),
		cmocka_unit_test(holds_256_subjects),
		cmocka_unit_test(holds_255_subjects_and_anyone),
		cmocka_unit_test(refuses_accounts_that_the_host_does_not_have),
		cmocka_unit_test(refuses_anyone_beside_256_subjects),
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
