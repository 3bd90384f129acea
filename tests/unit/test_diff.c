// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fds.h"
#include "naive.h"
#include "policy/diff.h"

static struct am_model *parse(const char *text, struct am_diags *diags)
{
	struct am_model *m = NULL;

	am_diags_init(diags);
	if (am_model_parse("p.yaml", text, strlen(text), diags, &m)) {
		am_diags_print(diags, stderr);
		fail_msg("%s", text);
	}
	return m;
}

static struct am_diff *compare(const struct am_model *a, const struct am_model *b)
{
	struct am_diff *diff = NULL;
	struct am_diags diags;

	am_diags_init(&diags);
	if (am_diff_make(a, b, &diags, &diff)) {
		am_diags_print(&diags, stderr);
		fail_msg("no difference could be made");
	}
	am_diags_done(&diags);
	return diff;
}

static char *printed(const struct am_diff *diff)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	am_diff_print(diff, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* ---- in words --------------------------------------------------------------- */

#define BEFORE                                                                 \
	"version: 1\nname: p\nmode: enforce\n"                                 \
	"labels: [cnic, health]\n"                                             \
	"purposes: [kyc]\n"                                                    \
	"stores:\n"                                                            \
	"  reg: {paths: [/srv/reg], labels: [cnic]}\n"                         \
	"  clinic: {paths: [/srv/clinic], labels: [health]}\n"                 \
	"subjects:\n"                                                          \
	"  db: {exe: /bin/db, user: postgres}\n"                               \
	"  acme: {third-party: ACME, user: acme}\n"                            \
	"  desk: {user: desk}\n"                                               \
	"  staff: {group: staff}\n"                                            \
	"zones:\n"                                                             \
	"  app: {cidr: [10.20.0.0/16], ports: [tcp/5432]}\n"                   \
	"  lan: {cidr: [10.0.0.0/8]}\n"                                        \
	"rules:\n"                                                             \
	"  - allow db to read, write reg\n"                                    \
	"  - allow anyone to write clinic\n"                                   \
	"  - allow acme to send cnic to app\n"                                 \
	"  - allow db to send health to lan\n"

/* One part of BEFORE becomes another; what is printed then. */
static const struct {
	const char *name, *from, *to, *printed;
} cases[] = {
	{ "the same text", "name: p", "name: p", "no difference in access\n" },
	{ "another name, another order, and a comment", "name: p", "name: q # why",
	  "no difference in access\n" },
	{ "a rule in two", "  - allow db to read, write reg\n",
	  "  - allow db to read reg\n  - allow db to write reg\n", "no difference in access\n" },
	{ "a subject by another name", "desk: {user: desk}", "counter: {user: desk}",
	  "no difference in access\n" },
	{ "a network in two halves", "[10.0.0.0/8]", "[10.0.0.0/9, 10.128.0.0/9]",
	  "no difference in access\n" },
	{ "a rule that allows nothing new", "rules:\n",
	  "rules:\n  - allow acme to write clinic\n", "no difference in access\n" },
	{ "a deny of what nobody may", "rules:\n", "rules:\n  - deny desk to read clinic\n",
	  "no difference in access\n" },
	{ "a reader more", "rules:\n", "rules:\n  - allow desk to read reg\n",
	  "+ desk (user=desk) may now read reg\n" },
	{ "everybody", "rules:\n", "rules:\n  - allow anyone to read reg\n  - deny acme to read "
	  "reg\n",
	  "+ anyone may now read reg; not so acme\n" },
	{ "a writer less", "rules:\n", "rules:\n  - deny acme to write clinic\n",
	  "- acme (user=acme) no longer may write clinic\n" },
	{ "a deny in a corner", "rules:\n", "rules:\n  - deny staff to read reg\n",
	  "- db (user=postgres exe=/bin/db group=staff) no longer may read reg\n" },
	{ "all writers but one", "allow anyone to write clinic", "allow desk to write clinic",
	  "- anyone no longer may write clinic; may still: desk\n" },
	{ "a subject that is wider", "db: {exe: /bin/db, user: postgres}", "db: {exe: /bin/db}",
	  "+ db (exe=/bin/db) may now read, write reg\n"
	  "+ db (exe=/bin/db) may now send health to lan (10.0.0.0/8)\n" },
	{ "a destination less", "  - allow acme to send cnic to app\n", "",
	  "- acme (user=acme) no longer may send cnic to app (10.20.0.0/16 tcp/5432)\n" },
	{ "a zone that is wider", "10.20.0.0/16", "10.20.0.0/15",
	  "+ acme (user=acme) may now send cnic to part of app (10.20.0.0/15 tcp/5432), such as "
	  "10.21.0.1:5432/tcp\n" },
	{ "a part of a zone", "rules:\n", "rules:\n  - deny anyone to send health to app\n",
	  "- db (user=postgres exe=/bin/db) no longer may send health to app (10.20.0.0/16 "
	  "tcp/5432)\n" },
	{ "a mode", "reg: {paths: [/srv/reg], labels: [cnic]}",
	  "reg: {paths: [/srv/reg], labels: [cnic], mode: observe}",
	  "~ mode of the store reg: enforce → observe\n" },
	{ "what happens on errors", "labels: [health]}", "labels: [health], on-error: allow, spill: "
	  "deny}",
	  "~ on-error of the store clinic: deny → allow\n"
	  "~ spill of the store clinic: track → deny\n" },
	{ "a label of a store", "labels: [health]}", "labels: [health, cnic]}",
	  "~ labels of the store clinic: health → cnic, health\n" },
	{ "a new store", "stores:\n", "stores:\n  new: {paths: [/srv/new], labels: [cnic]}\n",
	  "- anyone no longer may read, write new (new, /srv/new)\n" },
	{ "a store inside a store", "stores:\n",
	  "stores:\n  in: {paths: [/srv/reg/in], labels: [cnic]}\n",
	  "- db (user=postgres exe=/bin/db) no longer may read, write /srv/reg/in (of reg, now in "
	  "in)\n" },
	{ "a store less", "  clinic: {paths: [/srv/clinic], labels: [health]}\n",
	  "  clinic: {paths: [/srv/clinic2], labels: [health]}\n",
	  "+ anyone may now read /srv/clinic (of clinic, now in no store)\n"
	  "- anyone no longer may read clinic (new, /srv/clinic2)\n" },
	{ "a purpose to take on", "rules:\n", "rules:\n  - allow desk to use kyc\n",
	  "+ desk (user=desk) may now use kyc\n" },
	{ "a purpose to have", "reg: {paths: [/srv/reg], labels: [cnic]}",
	  "reg: {paths: [/srv/reg], labels: [cnic], purposes: [kyc]}",
	  "- db (user=postgres exe=/bin/db) no longer may read, write reg\n" },
	{ "an invariant", "rules:\n", "invariants:\n  - never   acme may read reg\nrules:\n",
	  "~ the invariant never acme may read reg: none → held\n" },
	{ "a label more", "labels: [cnic, health]\n", "labels: [cnic, health, money]\n",
	  "no difference in access\n" },
};

static char *replaced(const char *from, const char *to)
{
	const char *at = strstr(BEFORE, from);
	char *text = NULL;

	assert_non_null(at);
	assert_true(asprintf(&text, "%.*s%s%s", (int)(at - BEFORE), BEFORE, to,
			     at + strlen(from)) > 0);
	return text;
}

static void tells_who_gains_and_who_loses_what(void **state)
{
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		am_autofree char *text = replaced(cases[i].from, cases[i].to);
		am_auto(am_model) struct am_model *a = NULL;
		am_auto(am_model) struct am_model *b = NULL;
		am_auto(am_diff) struct am_diff *diff = NULL;
		am_autofree char *said = NULL;
		struct am_diags da, db;

		a = parse(BEFORE, &da);
		b = parse(text, &db);
		diff = compare(a, b);
		said = printed(diff);
		if (strcmp(said, cases[i].printed)) {
			print_error("%s:\n%sinstead of\n%s", cases[i].name, said, cases[i].printed);
			failed++;
		}
		am_diags_done(&da);
		am_diags_done(&db);
	}
	assert_int_equal(failed, 0);
}

static void tells_an_access_to_copies_only_if_no_store_tells_it(void **state)
{
	static const char before[] =
		"version: 1\nname: p\nmode: enforce\nlabels: [a, b]\n"
		"stores:\n  s: {paths: [/s], labels: [a]}\n  t: {paths: [/t], labels: [b]}\n"
		"subjects: {x: {user: x}}\nrules: [allow x to read s]\n";
	static const char after[] =
		"version: 1\nname: p\nmode: enforce\nlabels: [a, b]\n"
		"stores:\n  s: {paths: [/s], labels: [a, b]}\n  t: {paths: [/t], labels: [b]}\n"
		"subjects: {x: {user: x}}\nrules: [allow x to read s]\n";
	am_auto(am_model) struct am_model *a = NULL;
	am_auto(am_model) struct am_model *b = NULL;
	am_auto(am_diff) struct am_diff *diff = NULL;
	am_autofree char *said = NULL;
	struct am_diags da, db;

	(void)state;
	a = parse(before, &da);
	b = parse(after, &db);
	diff = compare(a, b);
	said = printed(diff);
	assert_string_equal(said, "+ x (user=x) may now read copies that carry b\n"
				  "~ labels of the store s: a → a, b\n");
	am_diags_done(&da);
	am_diags_done(&db);
}

/* ---- against all combinations ----------------------------------------------- */

static struct naive_world world;

static int naive_store(const struct am_model *m, const char *path)
{
	size_t best = 0;
	int found = -1;

	for (size_t i = 0; i < m->n_stores; i++)
		for (size_t j = 0; j < m->stores[i].n_paths; j++) {
			const char *root = m->stores[i].paths[j].path;

			if ((!strcmp(root, path) || naive_is_below(path, root)) &&
			    strlen(root) > best) {
				best = strlen(root);
				found = i;
			}
		}
	return found;
}

static int naive_label(const struct am_model *m, unsigned number)
{
	return number < m->n_labels ? (int)number : -1;	/* they are l0, l1 ... */
}

static int naive_purpose(const struct am_model *m, unsigned number)
{
	return number < m->n_purposes ? (int)number : -1;
}

/* What a policy does not know nobody may; but terminals are open. */
static bool may(const struct am_model *m, unsigned which, const struct naive_point *p,
		const struct naive_access *a, bool known)
{
	if (!known)
		return a->op == AM_OP_SEND && a->spot.zone == AM_ZONE_TERMINAL;
	return naive_ask(m, which, p, a, 0) == NAIVE_ALLOWED;
}

/* Each access as both policies see it; false at the end. */
static bool next_pair(const struct am_model *const m[2], unsigned *n, struct naive_access ret[2],
		      bool known[2])
{
	static const unsigned n_paths = COUNT(all_paths) + 4, n_labels = 3, n_purposes = 2;
	unsigned stores = n_paths * 2, copies = stores + n_labels;
	unsigned sends = copies + n_labels * NAIVE_SPOTS, i = (*n)++;
	char own[16];

	if (i >= sends + n_purposes)
		return false;
	for (unsigned k = 0; k < 2; k++) {
		struct naive_access a = { .store = -1, .label = -1, .purpose = -1 };

		known[k] = true;
		if (i < stores) {
			snprintf(own, sizeof(own), "/own/%u", i / 2 % 4);
			a.op = AM_OP_READ + i % 2;
			a.store = naive_store(m[k], i / 2 < COUNT(all_paths) ? all_paths[i / 2]
									     : own);
		} else if (i < copies) {
			a.op = AM_OP_READ;
			a.label = naive_label(m[k], i - stores);
			known[k] = a.label >= 0;
		} else if (i < sends) {
			a.op = AM_OP_SEND;
			a.label = naive_label(m[k], (i - copies) / NAIVE_SPOTS);
			a.spot = naive_spot((i - copies) % NAIVE_SPOTS);
			known[k] = a.label >= 0;
		} else {
			a.op = AM_OP_USE;
			a.purpose = naive_purpose(m[k], i - sends);
			known[k] = a.purpose >= 0;
		}
		ret[k] = a;
	}
	return true;
}

/* Which operations somebody gains: bit per operation; what `from` does not know nobody has. */
static unsigned naive_gains(const struct am_model *const m[2], unsigned from, unsigned to)
{
	struct naive_access a[2];
	unsigned n = 0, ops = 0;
	bool known[2];

	while (next_pair(m, &n, a, known)) {
		for (size_t i = 0; known[to] && i < world.n; i++)
			if (may(m[to], to, &world.points[i], &a[to], known[to]) &&
			    !may(m[from], from, &world.points[i], &a[from], known[from]))
				ops |= 1U << a[to].op;
	}
	return ops;
}

static unsigned told_ops(const struct am_diff *diff, enum am_change_kind kind)
{
	static const char *const words[] = { NULL, "read", "write", "send", "use" };
	unsigned ops = 0;

	for (size_t i = 0; i < diff->count; i++)
		for (unsigned op = 1; op < COUNT(words); op++)
			if (diff->items[i].kind == kind && strstr(diff->items[i].op, words[op]))
				ops |= 1U << op;
	return ops;
}

/* Some of the rules of another in place of its own, or besides. */
static char *random_mixture(const char *text, const struct shape *size)
{
	am_autofree char *other = random_policy(size);
	char *rules = strstr(text, "rules:\n"), *others = strstr(other, "rules:\n");
	char *mixed = NULL;

	if (one_in(3))
		return strdup(other);
	if (one_in(2))
		assert_true(asprintf(&mixed, "%.*s%s", (int)(rules - text), text, others) > 0);
	else
		assert_true(asprintf(&mixed, "%s%s", text, strchr(others, '\n') + 1) > 0);
	return mixed;
}

/* Policies that differ a little, or only in what they look like. */
static char *random_neighbour(const char *text, const struct shape *size)
{
	if (one_in(5)) {
		char *same = NULL, *last = strrchr(text, '-');

		/* The last rule once more. */
		assert_true(asprintf(&same, "%s  %s", text, last) > 0);
		return same;
	}
	return random_mixture(text, size);
}

static void finds_every_kind_of_difference_and_no_other(void **state)
{
	unsigned same = 0, different = 0;

	(void)state;
	for (unsigned i = 0; i < 700; i++) {
		struct shape size = random_shape();
		am_autofree char *before = random_policy(&size);
		am_autofree char *after = random_neighbour(before, &size);
		am_auto(am_model) struct am_model *a = NULL;
		am_auto(am_model) struct am_model *b = NULL;
		am_auto(am_diff) struct am_diff *diff = NULL;
		const struct am_model *both[2];
		struct am_diags da, db;
		unsigned gains, losses;

		a = parse(before, &da);
		b = parse(after, &db);
		both[0] = a;
		both[1] = b;
		naive_enumerate(a, b, &world);
		diff = compare(a, b);
		gains = naive_gains(both, 0, 1);
		losses = naive_gains(both, 1, 0);
		*(gains | losses ? &different : &same) += 1;
		if (told_ops(diff, AM_CHANGE_GAIN) != gains ||
		    told_ops(diff, AM_CHANGE_LOSS) != losses) {
			am_diff_print(diff, stderr);
			fail_msg("%s\n----\n%s\ngains %x losses %x", before, after, gains, losses);
		}
		am_diags_done(&da);
		am_diags_done(&db);
	}
	assert_true(same > 20 && different > 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_who_gains_and_who_loses_what),
		cmocka_unit_test(tells_an_access_to_copies_only_if_no_store_tells_it),
		cmocka_unit_test(finds_every_kind_of_difference_and_no_other),
	};

	return cmocka_run_group_tests_name("diff", tests, same_fds, same_fds);
}
