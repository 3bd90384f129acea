// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fds.h"
#include "naive.h"
#include "policy/invariant.h"
#include "policy/sentence.h"

/* 23 lines; an invariant stands on the 24th. */
#define BASE                                                                   \
	"version: 1\n"                                                         \
	"name: p\n"                                                            \
	"mode: enforce\n"                                                      \
	"labels: [cnic, health, both]\n"                                       \
	"purposes: [kyc, audit]\n"                                             \
	"stores:\n"                                                            \
	"  reg: {paths: [/srv/reg], labels: [cnic]}\n"                         \
	"  clinic: {paths: [/srv/clinic], labels: [health], on-error: allow}\n" \
	"  vault: {paths: [/srv/vault], labels: [both], purposes: [kyc]}\n"    \
	"  watched: {paths: [/srv/watched], labels: [cnic], mode: observe}\n"  \
	"  both: {paths: [/srv/both], labels: [health]}\n"                     \
	"subjects:\n"                                                          \
	"  db: {exe: /bin/db}\n"                                               \
	"  acme: {third-party: ACME Ltd, user: acme}\n"                        \
	"  desk: {group: desk}\n"                                              \
	"zones: {app: {cidr: [10.0.0.0/8], ports: [tcp/5432]}}\n"              \
	"rules:\n"                                                             \
	"  - allow db to read, write reg\n"                                    \
	"  - allow desk to read, write clinic, both, vault\n"                  \
	"  - allow db to send cnic to app\n"                                   \
	"  - deny acme to read, write clinic\n"                                \
	"  - deny acme to send health to anywhere\n"                           \
	"invariants:\n"                                                        \
	"  - "

static struct am_model *parse(const char *text, struct am_diags *diags)
{
	struct am_model *m = NULL;

	am_diags_init(diags);
	(void)am_model_parse("p.yaml", text, strlen(text), diags, &m);	/* told by m and diags */
	return m;
}

static void print_all(const struct am_diags *diags)
{
	am_diags_print(diags, stderr);
}

/* ---- syntax ----------------------------------------------------------------- */

static const struct {
	const char *text;
	unsigned column;
	const char *fact, *hint;
} refusals[] = {
	{ "''", 5, "expected an invariant, found an empty text", "never acme-support may read" },
	{ "allow db to read reg", 5, "expected 'never', found 'allow'", NULL },
	{ "nevr db may read reg", 5, "found 'nevr'", "Did you mean 'never'?" },
	{ "never", 5, "the invariant ends where the name of a subject is missing", NULL },
	{ "never may read reg", 11, "expected the name of a subject", NULL },
	{ "never dbb may read reg", 11, "there is no subject 'dbb'", "Did you mean 'db'?" },
	{ "never db, desk may read reg", 13, "expected 'may', found ','", NULL },
	{ "never db to read reg", 14, "expected 'may', found 'to'", NULL },
	{ "never anyone but may read reg", 22, "the name of a subject, found 'may'", NULL },
	{ "never anyone but db, may read reg", 26, "the name of a subject", NULL },
	{ "never anyone but db, db may read reg", 26, "named twice in this invariant", NULL },
	{ "never anyone but anyone may read reg", 22, "there is no subject 'anyone'", NULL },
	{ "never db may", 14, "read, write or send is missing", NULL },
	{ "never db may reed reg", 18, "found 'reed'", "Did you mean 'read'?" },
	{ "never db may read, send reg", 24, "without send", "two invariants" },
	{ "never db may read", 18, "the name of a store is missing", NULL },
	{ "never db may read regg", 23, "there is no store 'regg'", "Did you mean 'reg'?" },
	{ "never db may write cnic", 24, "is a label", NULL },
	{ "never db may read reg to app", 27, "expected the end of the invariant", NULL },
	{ "never db may read reg, reg", 28, "named twice", NULL },
	{ "never db may read cnic, cnic", 29, "named twice", NULL },
	{ "never db may read everything, reg", 33, "the end of the list", NULL },
	{ "never db may send reg to app", 23, "is a store", NULL },
	{ "never db may send cnic", 23, "'to' is missing", NULL },
	{ "never db may send all cnic to app", 27, "expected 'labels', found 'cnic'", NULL },
	{ "never db may send cnic to everything", 31, "there is no zone 'everything'", NULL },
	{ "never db may use kic", 22, "there is no purpose 'kic'", "Did you mean 'kyc'?" },
	{ "never db may use", 18, "the name of a purpose is missing", NULL },
	{ "[never]", 5, "expected an invariant, found a list", NULL },
};

static void refuses_at_the_right_place_with_a_hint(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refusals); i++) {
		char text[2048];
		struct am_diags d;
		struct am_model *m;
		bool found = false;

		snprintf(text, sizeof(text), BASE "%s\n", refusals[i].text);
		m = parse(text, &d);
		for (size_t j = 0; j < d.count; j++)
			found |= d.items[j].line == 24 &&
				 d.items[j].column == refusals[i].column &&
				 strstr(d.items[j].fact, refusals[i].fact) && d.items[j].hint &&
				 (!refusals[i].hint || strstr(d.items[j].hint, refusals[i].hint));
		if (m || !found) {
			print_all(&d);
			fail_msg("%s, expected 24:%u %s", refusals[i].text, refusals[i].column,
				 refusals[i].fact);
		}
		am_diags_done(&d);
	}
}

static void bounds_their_number(void **state)
{
	char text[32768] = BASE "never db may read reg\n";
	size_t len = strlen(text);
	struct am_diags d;

	(void)state;
	for (unsigned i = 0; i < AM_INVARIANTS_MAX; i++)
		len += snprintf(text + len, sizeof(text) - len, "  - never db may read reg\n");
	assert_null(parse(text, &d));
	assert_int_equal(d.errors, 1);
	assert_non_null(strstr(d.items[0].fact, "at most 256 invariants"));
	am_diags_done(&d);
}

static void words_of_invariants_name_nothing(void **state)
{
	static const char *const words[] = { "never", "may", "but", "third-party" };

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		char text[256];
		struct am_diags d;

		snprintf(text, sizeof(text),
			 "version: 1\nname: p\nmode: enforce\nsubjects:\n  %s: {user: x}\n",
			 words[i]);
		assert_null(parse(text, &d));
		assert_non_null(strstr(d.items[0].fact, "is a word of the language"));
		am_diags_done(&d);
	}
}

/* ---- verdicts --------------------------------------------------------------- */

static const struct {
	const char *text;
	const char *fact;	/* of the counterexample; NULL: it holds */
	const char *hint;
} verdicts[] = {
	{ "never anyone but db may read, write reg", NULL, NULL },
	{ "never desk may read reg", "user=any other exe=/bin/db group=desk may read reg",
	  "Rule 1 on line 18 lets them: allow db to read, write reg." },
	{ "never acme may write reg", "user=acme exe=/bin/db may write reg", "Rule 1" },
	{ "never third-party may write reg", "user=acme exe=/bin/db may write reg", "Rule 1" },
	{ "never anyone may read reg", "user=any other exe=/bin/db may read reg", "Rule 1" },
	{ "never anyone may read watched", NULL, NULL },
	{ "never anyone but db, desk may read reg", NULL, NULL },
	{ "never anyone but desk may read reg", "exe=/bin/db may read reg", "Rule 1" },
	/* a deny keeps it, for known facts only */
	{ "never acme may read clinic", "user=acme exe=any other with a fact that cannot be "
	  "established may read clinic", "on-error: deny" },
	{ "never acme may read both", "user=acme exe=any other group=desk may read both", "Rule 2" },
	/* labels: stores that have it, and copies */
	{ "never db may read health", "exe=/bin/db group=desk may read clinic", "Rule 2" },
	{ "never anyone but db may read cnic", NULL, NULL },
	{ "never desk may read cnic", "may read reg", "Rule 1" },
	/* a name that is a store and a label is both */
	{ "never anyone but desk may read both", NULL, NULL },
	/* purposes */
	{ "never anyone may read vault", "group=desk purpose=kyc may read vault", "Rule 2" },
	{ "never anyone may use kyc", NULL, NULL },
	{ "never anyone may use everything", NULL, NULL },
	/* sends; a terminal is open unless denied */
	{ "never anyone but db may send cnic to app", NULL, NULL },
	{ "never anyone but db may send cnic to anywhere", "may send cnic to terminal",
	  "A terminal is open unless a rule denies it" },
	{ "never third-party may send cnic to app",
	  "user=acme exe=/bin/db may send cnic to 10.0.0.1:5432/tcp", "Rule 3" },
	{ "never third-party may send health to anywhere", NULL, NULL },
	{ "never third-party may send all labels to app", "may send cnic to", "Rule 3" },
	{ "never third-party may send everything to loopback, local", NULL, NULL },
	{ "never db may send cnic to loopback", NULL, NULL },
};

static bool tells(const struct am_diags *d, size_t i)
{
	for (size_t j = 0; j < d->count; j++)
		if (d->items[j].severity == AM_SEVERITY_ERROR && d->items[j].line == 24 &&
		    d->items[j].column == 5 && strstr(d->items[j].fact, verdicts[i].fact) &&
		    (!verdicts[i].hint || strstr(d->items[j].hint, verdicts[i].hint)))
			return true;
	return false;
}

static void proves_or_shows_who_breaks_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(verdicts); i++) {
		am_auto(am_model) struct am_model *m = NULL;
		char text[2048];
		struct am_diags d;
		int err;

		snprintf(text, sizeof(text), BASE "%s\n", verdicts[i].text);
		m = parse(text, &d);
		assert_non_null(m);
		err = am_invariants_check(m, &d);
		if ((err == 0) != !verdicts[i].fact || (err && err != -EINVAL) ||
		    (err == 0) != (d.errors == 0) || (err && !tells(&d, i))) {
			print_all(&d);
			fail_msg("%s: %d", verdicts[i].text, err);
		}
		am_diags_done(&d);
	}
}

static bool warns(const char *invariant, const char *fact)
{
	am_auto(am_model) struct am_model *m = NULL;
	char text[2048];
	struct am_diags d;
	bool found = false;

	snprintf(text, sizeof(text), "%s", invariant);
	m = parse(text, &d);
	assert_non_null(m);
	(void)am_invariants_check(m, &d);	/* it is the warning that matters */
	for (size_t i = 0; i < d.count; i++)
		found |= d.items[i].severity == AM_SEVERITY_WARNING &&
			 strstr(d.items[i].fact, fact);
	am_diags_done(&d);
	return found;
}

static void warns_of_what_an_invariant_does_not_come_to(void **state)
{
	(void)state;
	assert_true(warns(BASE "never desk may read watched\n", "logged only"));
	assert_false(warns(BASE "never desk may read reg\n", "logged only"));
	assert_true(warns("version: 1\nname: p\nmode: enforce\nlabels: [l]\n"
			  "stores: {s: {paths: [/s], labels: [l]}}\n"
			  "invariants: [never third-party may read s]\n", "about nobody"));
	assert_false(warns(BASE "never third-party may read reg\n", "about nobody"));
}

/* On this host, acme is desk. */
static int everybody(void *ctx, const char *name, uint32_t *ret)
{
	(void)ctx;
	(void)name;
	*ret = 5;
	return 0;
}

static void what_holds_in_general_may_not_hold_on_a_host_with_twins(void **state)
{
	static const char text[] =
		"version: 1\nname: p\nmode: enforce\nlabels: [l]\n"
		"stores: {s: {paths: [/s], labels: [l]}}\n"
		"subjects:\n  desk: {user: desk}\n  acme: {user: acme}\n"
		"rules: [allow desk to read s]\ninvariants: [never acme may read s]\n";
	static const struct am_resolver resolver = { .user = everybody, .group = everybody };
	static const struct am_space_host host = { .resolver = &resolver };
	am_auto(am_model) struct am_model *m = NULL;
	am_auto(am_space) struct am_space *space = NULL;
	struct am_diags d;

	(void)state;
	m = parse(text, &d);
	assert_non_null(m);
	assert_int_equal(am_invariants_check(m, &d), 0);
	assert_int_equal(am_space_new((const struct am_model *const *)&m, 1, &host, &d, &space), 0);
	assert_int_equal(am_invariants_check_in(space, &d), -EINVAL);
	am_diags_done(&d);
}

static void says_so_when_the_policy_does_not_compile(void **state)
{
	am_auto(am_model) struct am_model *m = NULL;
	char text[16384] = "version: 1\nname: p\nmode: enforce\nlabels: [l]\n"
			   "stores: {s: {paths: [/s], labels: [l]}}\n"
			   "rules: [allow anyone to read s]\ninvariants: [never s0 may read s]\n"
			   "subjects:\n";
	size_t len = strlen(text);
	struct am_diags d;

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		len += snprintf(text + len, sizeof(text) - len, "  s%u: {user: %u}\n", i, i + 1);
	m = parse(text, &d);
	assert_non_null(m);
	assert_int_equal(am_invariants_check(m, &d), -EINVAL);
	assert_true(d.errors > 0);
	am_diags_done(&d);
}

/* ---- against all combinations ----------------------------------------------- */

static struct naive_world world;

static void write_invariants(FILE *out, const struct shape *size)
{
	fputs("invariants:\n", out);
	for (unsigned i = 0; i < 6; i++) {
		unsigned who = below(4);

		fputs("  - never ", out);
		if (who == 0)
			fputs("anyone", out);
		else if (who == 1)
			fputs("third-party", out);
		else if (who == 2)
			fprintf(out, "u%u", below(size->subjects));
		else
			fprintf(out, "anyone but u%u", below(size->subjects));
		fputs(" may ", out);
		write_access(out, size, true);
		fputc('\n', out);
	}
}

static bool is_meant(const struct am_model *m, const struct am_model_invariant *inv,
		     const struct naive_point *p)
{
	bool any = false;

	for (size_t i = 0; i < m->n_subjects; i++) {
		bool is = p->is[0] >> i & 1;

		if (inv->who == AM_NEVER_THIRD_PARTY ? m->subjects[i].third_party != NULL
						     : naive_names(inv->subjects, inv->n_subjects, i))
			any |= is;
	}
	return inv->who == AM_NEVER_ANYONE || (inv->who == AM_NEVER_ANYONE_BUT ? !any : any);
}

static bool is_about(const struct am_model *m, const struct am_model_invariant *inv,
		     const struct naive_access *a)
{
	if (!(inv->ops >> a->op & 1))
		return false;
	if (a->op == AM_OP_USE)
		return naive_names(inv->purposes, inv->n_purposes, a->purpose);
	if (a->store >= 0)
		return naive_names(inv->stores, inv->n_stores, a->store);
	if (a->op == AM_OP_READ || !naive_names(inv->labels, inv->n_labels, a->label))
		return false;
	for (size_t z = 0; z < inv->n_zones; z++)
		if (naive_lies_in(m, &a->spot, inv->zones[z]))
			return true;
	return false;
}

/* on-error: allow lets anybody of whom a fact is unknown. */
static bool is_open_on_error(const struct am_model *m, const struct naive_access *a)
{
	bool some = false;

	if (a->op == AM_OP_USE)
		return false;
	if (a->store >= 0)
		return m->stores[a->store].error_allow;
	for (size_t s = 0; s < m->n_stores; s++) {
		if (!(naive_labels(m, s) >> a->label & 1))
			continue;
		some = true;
		if (!m->stores[s].error_allow)
			return false;
	}
	return some;
}

static bool naive_holds(const struct am_model *m, const struct am_model_invariant *inv)
{
	struct naive_access a;
	unsigned n = 0;

	while (naive_next(m, &n, &a)) {
		if (!is_about(m, inv, &a))
			continue;
		for (size_t i = 0; i < world.n; i++)
			if (is_meant(m, inv, &world.points[i]) &&
			    (is_open_on_error(m, &a) ||
			     naive_ask(m, 0, &world.points[i], &a, 0) == NAIVE_ALLOWED))
				return false;
	}
	return true;
}

static bool is_refuted(const struct am_diags *d, unsigned line)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->items[i].line == line && d->items[i].severity == AM_SEVERITY_ERROR)
			return true;
	return false;
}

static char *random_text(const struct shape *size)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	write_policy(out, size);
	write_invariants(out, size);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void proves_what_trying_everything_proves(void **state)
{
	unsigned held = 0, failed = 0;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		struct shape size = random_shape();
		am_autofree char *text = random_text(&size);
		am_auto(am_model) struct am_model *m = NULL;
		struct am_diags d;

		m = parse(text, &d);
		if (!m) {
			print_all(&d);
			fail_msg("%s", text);
		}
		naive_enumerate(m, NULL, &world);
		(void)am_invariants_check(m, &d);	/* told by the diags, one by one */
		for (size_t j = 0; j < m->n_invariants; j++) {
			bool holds = naive_holds(m, &m->invariants[j]);

			*(holds ? &held : &failed) += 1;
			if (holds != !is_refuted(&d, m->invariants[j].pos.line)) {
				print_all(&d);
				fail_msg("%s\n%s: %d", text, m->invariants[j].text, holds);
			}
		}
		am_diags_done(&d);
	}
	assert_true(held > 500 && failed > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_at_the_right_place_with_a_hint),
		cmocka_unit_test(bounds_their_number),
		cmocka_unit_test(words_of_invariants_name_nothing),
		cmocka_unit_test(proves_or_shows_who_breaks_it),
		cmocka_unit_test(warns_of_what_an_invariant_does_not_come_to),
		cmocka_unit_test(what_holds_in_general_may_not_hold_on_a_host_with_twins),
		cmocka_unit_test(says_so_when_the_policy_does_not_compile),
		cmocka_unit_test(proves_what_trying_everything_proves),
	};

	return cmocka_run_group_tests_name("invariant", tests, same_fds,
					   same_fds);
}
