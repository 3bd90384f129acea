// SPDX-License-Identifier: GPL-2.0
/* A policy as large as the language lets it be: 64 labels, 4096 stores, 256 subjects, 256
 * zones and 10,000 rules. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "policy/canon.h"
#include "policy_text.h"

enum { ZONES = AM_ZONES_MAX - AM_ZONE_FIRST_USER };

static struct compiled large;

/* Store n is for subject n % 256, or who comes 8 later where another rule says so. */
static void write_rules(FILE *out)
{
	fputs("rules:\n", out);
	for (unsigned n = 0; n < AM_STORES_MAX; n++)
		fprintf(out, "  - allow u%u to read s%u\n", n % AM_SUBJECTS_MAX, n);
	for (unsigned n = 0; n < AM_STORES_MAX; n++)
		fprintf(out, "  - allow u%u to write s%u\n", (n + 8) % AM_SUBJECTS_MAX, n);
	for (unsigned n = 0; n < AM_RULES_MAX - 2 * AM_STORES_MAX; n++)
		fprintf(out, "  - %s u%u to send l%u to z%u\n", n % 7 ? "allow" : "deny",
			n % AM_SUBJECTS_MAX, n % AM_LABELS_MAX, n % ZONES);
}

static char *write_policy(void)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	fputs("version: 1\nname: large\nmode: enforce\nlabels:\n", out);
	for (unsigned n = 0; n < AM_LABELS_MAX; n++)
		fprintf(out, "  - l%u\n", n);
	fputs("stores:\n", out);
	for (unsigned n = 0; n < AM_STORES_MAX; n++)
		fprintf(out, "  s%u: { paths: [/srv/%u], labels: [l%u] }\n", n, n,
			n % AM_LABELS_MAX);
	fputs("subjects:\n", out);
	for (unsigned n = 0; n < AM_SUBJECTS_MAX; n++)
		fprintf(out, "  u%u: { user: %u }\n", n, n);
	fputs("zones:\n", out);
	for (unsigned n = 0; n < ZONES; n++)
		fprintf(out, "  z%u: { cidr: [10.%u.0.0/16], ports: [tcp/%u] }\n", n, n, n + 1);
	write_rules(out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static struct am_decision decide(const struct am_facts *f)
{
	struct am_decision d;

	am_decide(f, &d);
	return d;
}

static struct am_set only(unsigned subject)
{
	struct am_set bits = { { 0 } };

	bits.w[subject / 64] = 1ULL << subject % 64;
	return bits;
}

static void every_store_has_its_rules(void **state)
{
	(void)state;
	for (unsigned n = 0; n < AM_STORES_MAX; n++) {
		const uint32_t id = large.image->stores[n];
		struct am_facts f = {
			.policy = large.image->policy,
			.store = am_store_of(large.image->policy, id),
			.bits = only(n % AM_SUBJECTS_MAX),
			.op = AM_OP_READ,
			.tagged = 1,
		};

		assert_non_null(f.store);
		assert_int_equal(decide(&f).verdict, AM_VERDICT_ALLOW);
		f.op = AM_OP_WRITE;
		assert_int_equal(decide(&f).reason, AM_REASON_NO_RULE);
		f.bits = only((n + 8) % AM_SUBJECTS_MAX);
		assert_int_equal(decide(&f).verdict, AM_VERDICT_ALLOW);
		f.op = AM_OP_READ;
		assert_int_equal(decide(&f).reason, AM_REASON_NO_RULE);
	}
}

static void every_zone_has_its_rules(void **state)
{
	(void)state;
	for (unsigned n = 0; n < ZONES; n++) {
		const uint8_t addr[16] = { [10] = 0xff, [11] = 0xff, [12] = 10, n };
		struct am_facts f = {
			.policy = large.image->policy,
			.bits = only(n % AM_SUBJECTS_MAX),
			.labels = 1ULL << n % AM_LABELS_MAX,
			.op = AM_OP_SEND,
		};

		am_image_zones(large.image, addr, 6 /* TCP */, n + 1, &f.zones);
		assert_int_equal(decide(&f).reason, n % 7 ? AM_REASON_RULE_ALLOWS :
							    AM_REASON_LABEL_DENIES);
		am_image_zones(large.image, addr, 6, n + 2, &f.zones);
		assert_int_equal(decide(&f).reason, AM_REASON_LABEL_NO_RULE);
	}
}

static void it_fits_a_bundle(void **state)
{
	am_autofree char *canon = NULL;
	struct am_diags d;
	size_t len = 0;

	(void)state;
	am_diags_init(&d);
	assert_int_equal(am_canon_write(large.model, &d, &canon, &len), 0);
	assert_true(len && len < AM_POLICY_BYTES_MAX);
	am_diags_done(&d);
}

/* Half of the room in am_facts and am_nets is for the policy that follows. */
static void it_fits_the_kernel_twice(void **state)
{
	(void)state;
	assert_true(large.image->n_facts * 2 <= 131072);
	assert_true(large.image->n_nets * 2 <= 16384);
	assert_int_equal(large.image->n_roots, AM_STORES_MAX);
}

static int compile_it(void **state)
{
	am_autofree char *text = write_policy();

	(void)state;
	if (!compile_text(&large, text))
		return 0;
	am_diags_print(&large.diags, stderr);
	return -1;
}

static int drop_it(void **state)
{
	(void)state;
	drop_compiled(&large);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_store_has_its_rules),
		cmocka_unit_test(every_zone_has_its_rules),
		cmocka_unit_test(it_fits_a_bundle),
		cmocka_unit_test(it_fits_the_kernel_twice),
	};

	return cmocka_run_group_tests_name("scale", tests, compile_it, drop_it);
}
