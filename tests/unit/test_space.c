// SPDX-License-Identifier: GPL-2.0
/* The engine behind proofs: what it finds in the space of facts must be what one finds by
 * trying every combination of them (naive.h). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "naive.h"
#include "policy/access.h"
#include "policy/set.h"

enum { POLICIES = 1500 };

static struct naive_world world;

static void parse(const char *text, struct am_diags *diags, struct am_model **ret)
{
	am_diags_init(diags);
	if (!am_model_parse("p.yaml", text, strlen(text), diags, ret))
		return;
	am_diags_print(diags, stderr);
	fail_msg("%s", text);
}

static struct am_space *make_space(const struct am_model *m)
{
	struct am_space *space = NULL;
	struct am_diags diags;

	am_diags_init(&diags);
	if (am_space_new(&m, 1, NULL, &diags, &space)) {
		am_diags_print(&diags, stderr);
		fail_msg("no space");
	}
	am_diags_done(&diags);
	return space;
}

/* ---- against all combinations ----------------------------------------------- */

/* The destinations of the space that are the naive one: the zones must be the same. */
static const struct am_place *place_of(const struct am_space *space, const struct am_model *m,
				       const struct naive_spot *spot)
{
	for (size_t i = 0; i < space->n_places; i++) {
		bool same = true;

		for (unsigned z = 0; same && z < AM_ZONE_FIRST_USER + m->n_zones; z++)
			same = am_set_has(&space->places[i].in[0], z) == naive_lies_in(m, spot, z);
		if (same)
			return &space->places[i];
	}
	return NULL;
}

static bool naive_exists(const struct am_model *m, const struct naive_access *a, int is,
			 int is_not)
{
	for (size_t i = 0; i < world.n; i++) {
		const struct naive_point *p = &world.points[i];

		if ((is < 0 || p->is[0] >> is & 1) && (is_not < 0 || !(p->is[0] >> is_not & 1)) &&
		    naive_ask(m, 0, p, a, 0) == NAIVE_ALLOWED)
			return true;
	}
	return false;
}

static unsigned found, missed;

static void compare(const char *text, const struct am_space *space, const struct am_model *m,
		    const struct naive_access *a, int is, int is_not)
{
	struct am_access access = {
		.op = a->op, .store = a->store, .purpose = a->purpose,
		.labels = a->label < 0 ? 0 : 1ULL << a->label,
	};
	struct am_goal goal = { 0 };
	struct am_who who;
	bool engine, naive = naive_exists(m, a, is, is_not);

	if (a->op == AM_OP_SEND)
		access.place = place_of(space, m, &a->spot);
	if (a->op == AM_OP_SEND && !access.place)
		fail_msg("%s\nno place is %s/%u/%u", text, a->spot.addr, a->spot.proto,
			 a->spot.port);
	if (is >= 0)
		am_set_add(&goal.is[0], is);
	if (is_not >= 0)
		am_set_add(&goal.is_not[0], is_not);
	engine = am_access_find(space, 0, &access, &goal, &who);
	*(engine ? &found : &missed) += 1;
	if (engine != naive)
		fail_msg("%s\nop %u store %d label %d purpose %d %s, is u%d, not u%d: %d, all: %d",
			 text, a->op, a->store, a->label, a->purpose,
			 a->spot.addr ? a->spot.addr : "-", is, is_not, engine, naive);
}

static void finds_what_trying_everything_finds(void **state)
{
	(void)state;
	for (unsigned i = 0; i < POLICIES; i++) {
		struct shape size = random_shape();
		char *text = random_policy(&size);
		struct am_model *m = NULL;
		struct am_space *space;
		struct am_diags diags;
		struct naive_access a;
		unsigned n = 0;

		parse(text, &diags, &m);
		space = make_space(m);
		naive_enumerate(m, NULL, &world);
		while (naive_next(m, &n, &a)) {
			/* Of the many destinations some are enough each time. */
			if (a.op == AM_OP_SEND && !one_in(8))
				continue;
			compare(text, space, m, &a, -1, -1);
			compare(text, space, m, &a, below(m->n_subjects), -1);
			compare(text, space, m, &a, -1, below(m->n_subjects));
			compare(text, space, m, &a, below(m->n_subjects), below(m->n_subjects));
		}
		am_space_free(space);
		am_model_free(m);
		am_diags_done(&diags);
		free(text);
	}
	/* A generator that never got anywhere would agree with everything. */
	assert_true(found > 10000 && missed > 10000);
}

/* ---- rules without effect --------------------------------------------------- */

/* Whether some task and access is treated otherwise without rule `rule`. */
static bool naive_matters(const struct am_model *m, unsigned rule, uint32_t without)
{
	enum naive_answer told = m->rules[rule].deny ? NAIVE_DENIED : NAIVE_ALLOWED;
	struct naive_access a;
	unsigned n = 0;

	while (naive_next(m, &n, &a)) {
		for (size_t i = 0; i < world.n; i++)
			if ((naive_ask(m, 0, &world.points[i], &a, without) == told) !=
			    (naive_ask(m, 0, &world.points[i], &a, without | 1U << rule) == told))
				return true;
	}
	return false;
}

static bool is_warned_of(const struct am_diags *diags, unsigned line, const char *begin)
{
	for (size_t i = 0; i < diags->count; i++)
		if (diags->items[i].line == line &&
		    !strncmp(diags->items[i].fact, begin, strlen(begin)))
			return true;
	return false;
}

static void warns_of_every_rule_that_changes_nothing_and_of_no_other(void **state)
{
	unsigned idle = 0, active = 0;

	(void)state;
	for (unsigned i = 0; i < POLICIES / 3; i++) {
		struct shape size = random_shape();
		char *text = random_policy(&size);
		struct am_model *m = NULL;
		struct am_diags diags;
		uint32_t without = 0;

		parse(text, &diags, &m);
		naive_enumerate(m, NULL, &world);
		for (unsigned r = m->n_rules; r-- > 0;) {
			bool matters = naive_matters(m, r, without);

			*(matters ? &active : &idle) += 1;
			if (matters == is_warned_of(&diags, m->rules[r].pos.line, "rule ")) {
				am_diags_print(&diags, stderr);
				fail_msg("%s\nrule %u matters: %d", text, r + 1, matters);
			}
			if (!matters)
				without |= 1U << r;
		}
		am_model_free(m);
		am_diags_done(&diags);
		free(text);
	}
	assert_true(idle > 200 && active > 200);
}

static void warns_of_every_store_that_nobody_can_read_and_of_no_other(void **state)
{
	unsigned closed = 0, open = 0;

	(void)state;
	for (unsigned i = 0; i < POLICIES / 3; i++) {
		struct shape size = random_shape();
		char *text = random_policy(&size);
		struct am_model *m = NULL;
		struct am_diags diags;

		parse(text, &diags, &m);
		naive_enumerate(m, NULL, &world);
		for (unsigned s = 0; s < m->n_stores; s++) {
			struct naive_access a = { .op = AM_OP_READ, .store = s, .label = -1,
						  .purpose = -1 };
			bool readable = naive_exists(m, &a, -1, -1);

			*(readable ? &open : &closed) += 1;
			if (readable == is_warned_of(&diags, m->stores[s].pos.line, "nobody may"))
				fail_msg("%s\ns%u can be read: %d", text, s, readable);
		}
		am_model_free(m);
		am_diags_done(&diags);
		free(text);
	}
	assert_true(closed > 200 && open > 200);
}

/* ---- classes ---------------------------------------------------------------- */

#define HEAD "version: 1\nname: p\nmode: enforce\nlabels: [l]\n"                            \
	     "stores:\n  s: {paths: [/s], labels: [l]}\n"

/* Whether one task can be both subjects. */
static bool can_be_both(const char *subjects)
{
	struct am_model *m = NULL;
	struct am_space *space;
	struct am_goal goal = { .is = { { { 3 } } } };
	struct am_diags diags;
	struct am_who who;
	char text[1024];
	bool both;

	snprintf(text, sizeof(text), HEAD "subjects:\n%s", subjects);
	parse(text, &diags, &m);
	space = make_space(m);
	both = am_space_find(space, &goal, &who);
	am_space_free(space);
	am_model_free(m);
	am_diags_done(&diags);
	return both;
}

static void knows_which_facts_go_together(void **state)
{
	static const struct {
		const char *subjects;
		bool both;
	} cases[] = {
		{ "  a: {user: x}\n  b: {user: y}\n", false },
		{ "  a: {user: x}\n  b: {user: x}\n", true },
		{ "  a: {user: root}\n  b: {user: 0}\n", true },
		{ "  a: {user: x}\n  b: {login: y}\n", true },
		{ "  a: {user: x}\n  b: {login: x}\n", true },
		{ "  a: {group: x}\n  b: {group: y}\n", true },
		{ "  a: {exe: /a}\n  b: {exe: /b}\n", false },
		{ "  a: {exe: /a}\n  b: {script: /b}\n", true },
		{ "  a: {exe: /a}\n  b: {exe: //a/}\n", true },
		{ "  a: {exe: /a, user: x}\n  b: {exe: /a, user: y}\n", false },
		{ "  a: {cgroup: /a}\n  b: {cgroup: /a/b}\n", true },
		{ "  a: {cgroup: /a}\n  b: {cgroup: /b}\n", false },
		{ "  a: {cgroup: /a}\n  b: {cgroup: /ab}\n", false },
		{ "  a: {unit: a.service}\n  b: {unit: b.service}\n", false },
		{ "  a: {unit: a.slice}\n  b: {unit: b.service}\n", true },
		{ "  a: {unit: a.slice}\n  b: {unit: a-b.slice}\n", true },
		{ "  a: {unit: a.slice}\n  b: {unit: b.slice}\n", false },
		{ "  a: {unit: user@1000.service}\n  b: {unit: b.service}\n", false },
		{ "  a: {cgroup: /user.slice/user@5.service}\n  b: {unit: b.service}\n", false },
		{ "  a: {cgroup: /user.slice/user@5.service/b.service}\n  b: {unit: b.service}\n",
		  false },
		{ "  a: {cgroup: /system.slice}\n  b: {unit: b.service}\n", true },
		{ "  a: {cgroup: /system.slice/a.service}\n  b: {unit: b.service}\n", false },
		{ "  a: {cgroup: /system.slice/b.service/x}\n  b: {unit: b.service}\n", true },
		{ "  a: {exe: /a, sha256: '0000000000000000000000000000000000000000000000000000000000"
		  "000000'}\n  b: {exe: /a}\n", true },
		{ "  a: {exe: /a, sha256: '0000000000000000000000000000000000000000000000000000000000"
		  "000000'}\n  b: {exe: /a, sha256: '0000000000000000000000000000000000000000000000000"
		  "000000000000001'}\n", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (can_be_both(cases[i].subjects) != cases[i].both)
			fail_msg("%s", cases[i].subjects);
}

/* A host on which /a and /b are one file, and everybody has the number 5. */
static int everybody(void *ctx, const char *name, uint32_t *ret)
{
	(void)ctx;
	(void)name;
	*ret = 5;
	return 0;
}

static int one_file(void *ctx, const char *path, uint64_t ret[2])
{
	(void)ctx;
	if (strcmp(path, "/a") && strcmp(path, "/b"))
		return -ENOENT;
	ret[0] = 1;
	ret[1] = 2;
	return 0;
}

static void counts_twins_of_a_host_as_one(void **state)
{
	static const struct am_resolver resolver = { .user = everybody, .group = everybody };
	static const struct am_space_host host = { .resolver = &resolver, .file = one_file };
	static const char text[] = HEAD
		"subjects:\n  a: {exe: /a, user: x}\n  b: {exe: /b, user: y}\n"
		"  c: {exe: /c}\n  d: {exe: /d}\n";
	struct am_goal both = { .is = { { { 3 } } } }, others = { .is = { { { 12 } } } };
	const struct am_model *models[1];
	struct am_space *space = NULL;
	struct am_model *m = NULL;
	struct am_diags diags;
	struct am_who who;

	(void)state;
	parse(text, &diags, &m);
	models[0] = m;
	assert_int_equal(am_space_new(models, 1, &host, &diags, &space), 0);
	assert_true(am_space_find(space, &both, &who));
	assert_int_equal(am_who_count(&who), 2);
	/* What does not exist is nobody's twin. */
	assert_false(am_space_find(space, &others, &who));
	am_space_free(space);
	am_model_free(m);
	am_diags_done(&diags);
}

static void leaves_the_result_alone_if_the_policy_does_not_compile(void **state)
{
	struct am_space *space = (void *)0x5a;
	struct am_model *m = NULL;
	struct am_diags diags;
	char text[16384] = HEAD "rules: [allow anyone to read s]\nsubjects:\n";
	size_t len = strlen(text);

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		len += snprintf(text + len, sizeof(text) - len, "  s%u: {user: %u}\n", i, i + 1);
	parse(text, &diags, &m);
	assert_int_equal(am_space_new((const struct am_model *const *)&m, 1, NULL, &diags, &space),
			 -EINVAL);
	assert_ptr_equal(space, (void *)0x5a);
	assert_true(diags.errors > 0);
	am_model_free(m);
	am_diags_done(&diags);
}

/* ---- destinations ----------------------------------------------------------- */

static void reads_destinations(void **state)
{
	static const struct {
		const char *text;
		const char *same;	/* as it is written out; NULL: refused */
	} cases[] = {
		{ "10.20.1.2:5432/tcp", "10.20.1.2:5432/tcp" },
		{ "[fd00::1]:443/udp", "[fd00::1]:443/udp" },
		{ "[::ffff:1.2.3.4]:443/tcp", "1.2.3.4:443/tcp" },
		{ "10.20.1.2/icmp", "10.20.1.2/icmp" },
		{ "[fd00::1]/ipv6-icmp", "[fd00::1]/ipv6-icmp" },
		{ "local", "local" }, { "terminal", "terminal" }, { "device", "device" },
		{ "", NULL }, { "10.20.1.2", NULL }, { "10.20.1.2:5432", NULL },
		{ "10.20.1.2/tcp", NULL }, { "10.20.1.2:0/tcp", NULL },
		{ "10.20.1.2:65536/tcp", NULL }, { "10.20.1.2:080/tcp", NULL },
		{ "10.20.1:80/tcp", NULL }, { "fd00::1:80/tcp", NULL }, { "[fd00::1:80/tcp", NULL },
		{ "[fd00::1]80/tcp", NULL }, { "10.20.1.2:80/foo", NULL }, { "locale", NULL },
		{ "db.example:80/tcp", NULL }, { "10.20.1.2:80/tcp/", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct am_place place = { .kind = AM_PLACE_INVALID };
		char text[AM_PLACE_TEXT];
		int err = am_place_parse(cases[i].text, &place);

		if ((err == 0) != (cases[i].same != NULL))
			fail_msg("%s: %d", cases[i].text, err);
		if (err)
			continue;
		am_place_format(&place, text);
		assert_string_equal(text, cases[i].same);
	}
}

/* A zone of which nothing is left to itself, and one range that makes many entries. */
static void tells_apart_what_zones_tell_apart_and_no_more(void **state)
{
	static const char text[] = HEAD
		"zones:\n"
		"  whole: {cidr: [10.0.0.0/8]}\n"
		"  low: {cidr: [10.0.0.0/9]}\n"
		"  high: {cidr: [10.128.0.0/9]}\n"
		"  ports: {cidr: any, ports: [tcp/1024-9999]}\n";
	struct am_model *m = NULL;
	struct am_space *space;
	struct am_diags diags;
	unsigned only_all = 0;

	(void)state;
	parse(text, &diags, &m);
	space = make_space(m);
	/* low, high, loopback, none of them; each within the ports or not; three others */
	assert_int_equal(space->n_places, 4 * 2 + 3);
	for (size_t i = 0; i < space->n_places; i++) {
		const struct am_set *in = &space->places[i].in[0];

		only_all += am_set_has(in, AM_ZONE_FIRST_USER) &&
			    !am_set_has(in, AM_ZONE_FIRST_USER + 1) &&
			    !am_set_has(in, AM_ZONE_FIRST_USER + 2);
	}
	assert_int_equal(only_all, 0);
	am_space_free(space);
	am_model_free(m);
	am_diags_done(&diags);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_trying_everything_finds),
		cmocka_unit_test(warns_of_every_rule_that_changes_nothing_and_of_no_other),
		cmocka_unit_test(warns_of_every_store_that_nobody_can_read_and_of_no_other),
		cmocka_unit_test(knows_which_facts_go_together),
		cmocka_unit_test(counts_twins_of_a_host_as_one),
		cmocka_unit_test(leaves_the_result_alone_if_the_policy_does_not_compile),
		cmocka_unit_test(reads_destinations),
		cmocka_unit_test(tells_apart_what_zones_tell_apart_and_no_more),
	};

	return cmocka_run_group_tests_name("space", tests, NULL, NULL);
}
