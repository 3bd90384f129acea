// SPDX-License-Identifier: GPL-2.0
/* Runs the decision inside the kernel this is started on and compares: with the
 * table of cases; with the same text compiled for user space, on policies of random
 * bits; and with what the rules say, read one by one, on random policies that were
 * written as text and compiled as they are for a host. What is loaded is the shipped object, of it only the program
 * that decides a made-up case, so a kernel without BPF LSM will do.
 *
 *   decide [SEED]
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "test.h"	/* types that the next one needs */
#include "amanat.skel.h"
#include "base/cleanup.h"
#include "unit/decide_table.h"
#include "unit/random_rules.h"

enum {
	POLICIES = 40,
	CASES_PER_POLICY = 100,
	COMPILED = 500,
	ACCESSES_PER_COMPILED = 20,
	SHOWN_MAX = 10,		/* failures that are printed in full */
};

static const uint64_t default_seed = 20240229;

/* ---- what is counted ------------------------------------------------------ */

static unsigned passed, failed;
static unsigned reached[AM_REASON_MAX_];

static void print_decision(const char *who, const struct am_decision *d)
{
	printf("    %s verdict %u reason %u enforce %u culprits %016" PRIx64 "\n", who, d->verdict,
	       d->reason, d->enforce, (uint64_t)d->culprits);
}

/* `want` is NULL where nothing will do: then it has been said why. */
static void compare(const char *name, unsigned n, const struct am_test *t,
		    const struct am_test *want)
{
	if (want && t->decided && !memcmp(&t->d, &want->d, sizeof(t->d)) &&
	    !memcmp(&t->unrecorded, &want->unrecorded, sizeof(t->unrecorded))) {
		passed++;
		return;
	}
	if (failed++ >= SHOWN_MAX)
		return;
	printf("FAILED %s (%u): op %u store %x tagged %u unknown %u policy %u labels %016" PRIx64
	       "\n", name, n, t->op, t->store, t->tagged, t->unknown, t->have_policy,
	       (uint64_t)t->labels);
	print_decision("kernel", &t->d);
	print_decision("kernel, without a record", &t->unrecorded);
	if (want)
		print_decision("wanted", &want->d);
	if (want)
		print_decision("wanted, without a record", &want->unrecorded);
}

/* ---- the kernel's decision ------------------------------------------------ */

struct kernel {
	struct amanat *object;
	int program;
	int policies;
	uint32_t value_size;
};

__attribute__((format(printf, 2, 0)))
static int warn(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

/* Only the decision and the map that it reads: storage maps want a kernel with BPF LSM. */
static int choose(struct amanat *object)
{
	struct bpf_program *program;
	struct bpf_map *map;
	int r = 0;

	bpf_object__for_each_program(program, object->obj) {
		r = bpf_program__set_autoload(program, program == object->progs.am_test_decide);
		if (r)
			return r;
	}
	bpf_object__for_each_map(map, object->obj) {
		if (map != object->maps.am_policies && !bpf_map__is_internal(map))
			r = bpf_map__set_autocreate(map, false);
		if (r)
			return r;
	}
	return 0;
}

static int open_kernel(struct kernel *ret)
{
	struct kernel k = { 0 };
	int r;

	(void)libbpf_set_print(warn);
	k.object = amanat__open();
	if (!k.object)
		return -errno;
	k.value_size = bpf_map__value_size(bpf_map__inner_map(k.object->maps.am_policies));
	r = choose(k.object);
	if (!r)
		r = amanat__load(k.object);
	if (r) {
		amanat__destroy(k.object);
		return r;
	}
	k.program = bpf_program__fd(k.object->progs.am_test_decide);
	k.policies = bpf_map__fd(k.object->maps.am_policies);
	*ret = k;
	return 0;
}

/* Puts `policy` in force the way the agent does: filled, frozen, published. */
static int publish(const struct kernel *k, const struct am_policy *policy)
{
	const uint32_t slot = 0;
	am_autoclose int fd = -1;
	int r;

	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "am_policy", sizeof(slot), k->value_size, 1, NULL);
	if (fd < 0)
		return fd;
	r = bpf_map_update_elem(fd, &slot, policy, BPF_ANY);
	if (!r)
		r = bpf_map_freeze(fd);
	if (!r)
		r = bpf_map_update_elem(k->policies, &slot, &fd, BPF_ANY);
	return r;
}

/* A run that fails leaves the case undecided, which no expectation matches. */
static void decide_there(const struct kernel *k, struct am_test *t)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = t, .ctx_size_in = sizeof(*t));
	int r = bpf_prog_test_run_opts(k->program, &opts);

	if (r < 0)
		fprintf(stderr, "error: cannot run the program: %s\n", strerror(-r));
}

/* ---- user space's decision ------------------------------------------------ */

static struct am_test decide_here(const struct am_policy *policy, const struct am_test *t)
{
	struct am_test ret = *t;
	struct am_facts f = {
		.policy = t->have_policy ? policy : NULL,
		.bits = t->bits,
		.zones = t->zones,
		.labels = t->labels,
		.op = t->op,
		.tagged = t->tagged,
		.unknown = t->unknown,
		.purpose = t->purpose,
	};

	f.store = am_store_of(f.policy, t->store);
	memset(&ret.d, 0x5a, sizeof(ret.d));
	am_decide(&f, &ret.d);
	memset(&ret.unrecorded, 0x5a, sizeof(ret.unrecorded));
	am_decide_unrecorded(&f, &ret.d, &ret.unrecorded);
	return ret;
}

/* ---- the table ------------------------------------------------------------ */

static struct am_test test_of(const struct decide_case *c)
{
	return (struct am_test){
		.bits = c->bits,
		.zones = c->zones,
		.labels = c->labels,
		.store = c->store,
		.op = c->op,
		.tagged = c->tagged,
		.unknown = c->unknown,
		.purpose = c->purpose,
		.have_policy = !c->no_policy,
	};
}

static void run_table(const struct kernel *k, const struct am_policy *policy)
{
	for (unsigned i = 0; i < DECIDE_CASES; i++) {
		const struct decide_case *c = &decide_table[i];
		struct am_test t = test_of(c), want = decide_here(policy, &t);

		*(c->unrecorded ? &want.unrecorded : &want.d) = (struct am_decision){
			.verdict = c->verdict,
			.reason = c->reason,
			.enforce = c->enforce,
			.culprits = c->culprits,
		};
		decide_there(k, &t);
		compare(c->name, i, &t, &want);
	}
}

/* Nothing was published yet: the slot of the real map is empty. */
static void run_without_policy(const struct kernel *k)
{
	for (unsigned i = 0; i < DECIDE_CASES; i++) {
		struct am_test t = test_of(&decide_table[i]), as_none = t, want;

		as_none.have_policy = 0;
		want = decide_here(NULL, &as_none);
		decide_there(k, &t);
		compare("before the first policy", i, &t, &want);
	}
}

/* ---- random cases --------------------------------------------------------- */

/* splitmix64: the same cases on every machine. */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static uint32_t draw_below(uint64_t *state, uint32_t n)
{
	return (uint32_t)((draw(state) >> 32) * n >> 32);
}

/* Each bit is set with probability 2^-thin; thin < 0: with 1 - 2^thin. */
static uint64_t draw_word(uint64_t *state, int thin)
{
	uint64_t word = draw(state);
	int i;

	for (i = 1; i < (thin < 0 ? -thin : thin); i++)
		word &= draw(state);
	return thin < 0 ? ~word : word;
}

static void draw_words(uint64_t *state, int thin, uint64_t *words, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		words[i] = draw_word(state, thin);
}

/* How full the allows and the denies of a policy are, so that each reason comes up. */
struct density {
	int allow;
	int deny;
};

static void draw_grants(uint64_t *state, struct density density, struct am_grant *grants, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		draw_words(state, density.allow, (uint64_t *)grants[i].allow.w, AM_SET_WORDS);
		draw_words(state, density.deny, (uint64_t *)grants[i].deny.w, AM_SET_WORDS);
	}
}

static uint32_t draw_store_id(uint64_t *state, uint32_t slot)
{
	return draw_below(state, 3) ? (1 + draw_below(state, 2)) << AM_STORE_SLOT_BITS | slot : 0;
}

static void draw_stores(uint64_t *state, struct density density, struct am_store *stores)
{
	uint32_t i;

	for (i = 0; i < AM_STORES_MAX; i++) {
		stores[i].id = draw_store_id(state, i);
		stores[i].flags = draw_below(state, 8);
		stores[i].purposes = draw_below(state, 4) ? 0 : draw_word(state, 2);
		stores[i].labels = draw_word(state, 4);
		draw_grants(state, density, &stores[i].read, 1);
		draw_grants(state, density, &stores[i].write, 1);
	}
}

static void draw_policy(uint64_t *state, unsigned nth, struct am_policy *p)
{
	static const struct density densities[] = { { -3, 9 }, { 2, 5 }, { -6, 20 }, { 4, 3 } };
	struct density density = densities[nth % 4];

	memset(p, 0, sizeof(*p));
	p->abi = AM_ABI_VERSION;
	p->generation = nth + 1;
	p->enforce_labels = draw_word(state, 1);
	p->error_allow_labels = draw_word(state, -1 - (int)(nth % 3));
	p->spill_deny_labels = draw_word(state, 3);
	p->strict_labels = draw_word(state, 2);
	draw_grants(state, density, p->label_read, AM_LABELS_MAX);
	draw_grants(state, density, p->send[0], (size_t)AM_LABELS_MAX * AM_ZONES_MAX);
	draw_stores(state, density, p->stores);
}

/* As the hooks make them: zeros beyond the count, and a 0 for a zone that does not take
 * the port. */
static void draw_zones(uint64_t *state, struct am_zones *zones)
{
	uint32_t i, count = draw_below(state, 3) ? draw_below(state, 4) : draw_below(state, AM_ZONE_HITS + 1);

	zones->count = (uint8_t)count;
	for (i = 0; i < count; i++)
		zones->id[i] = draw_below(state, 4) ? (uint8_t)draw_below(state, AM_ZONES_MAX) :
						 (uint8_t)draw_below(state, AM_ZONE_FIRST_USER);
}

static void draw_case(uint64_t *state, struct am_test *t)
{
	static const int label_thins[] = { 20, 5, 6, 1 };
	uint32_t i, subjects = draw_below(state, 4);

	memset(t, 0, sizeof(*t));
	for (i = 0; i < subjects; i++)
		decide_bit(&t->bits, draw_below(state, AM_SUBJECTS_MAX));
	draw_zones(state, &t->zones);
	t->labels = draw_word(state, label_thins[draw_below(state, 4)]);
	t->op = AM_OP_READ + (uint16_t)draw_below(state, AM_OP_MAX_ - AM_OP_READ);
	if (t->op != AM_OP_SEND)
		t->store = draw_store_id(state, draw_below(state, AM_STORES_MAX));
	t->tagged = t->op != AM_OP_SEND && (t->store || draw_below(state, 2));
	t->unknown = !draw_below(state, 8);
	t->purpose = draw_below(state, AM_PURPOSES_MAX);
	t->have_policy = draw_below(state, 16) != 0;
}

static void run_random_cases(const struct kernel *k, const struct am_policy *policy,
			     unsigned nth, uint64_t *state)
{
	for (unsigned i = 0; i < CASES_PER_POLICY; i++) {
		struct am_test t, want;

		draw_case(state, &t);
		want = decide_here(policy, &t);
		reached[want.d.reason % AM_REASON_MAX_]++;
		reached[want.unrecorded.reason % AM_REASON_MAX_]++;
		decide_there(k, &t);
		compare("random", nth * CASES_PER_POLICY + i, &t, &want);
	}
}

static int run_random(const struct kernel *k, struct am_policy *policy, uint64_t seed)
{
	uint64_t state = seed;

	for (unsigned i = 0; i < POLICIES; i++) {
		int r;

		draw_policy(&state, i, policy);
		r = publish(k, policy);
		if (r < 0)
			return r;
		run_random_cases(k, policy, i, &state);
	}
	return 0;
}

/* Agreement on cases that never get to a reason says nothing about it. */
static void check_reasons(void)
{
	for (unsigned reason = AM_REASON_INVALID + 1; reason < AM_REASON_MAX_; reason++) {
		if (reached[reason]) {
			passed++;
			continue;
		}
		printf("FAILED no random case was decided for reason %u\n", reason);
		failed++;
	}
}

/* ---- compiled policies ------------------------------------------------------ */

static struct am_test test_of_facts(const struct am_facts *f)
{
	return (struct am_test){
		.bits = f->bits,
		.zones = f->zones,
		.labels = f->labels,
		.store = f->store ? f->store->id : 0,
		.op = f->op,
		.tagged = f->tagged,
		.unknown = f->unknown,
		.purpose = f->purpose,
		.have_policy = 1,
	};
}

/* The kernel's decision must be that of the rules, and to the byte that of user space. */
static void run_access(const struct kernel *k, const struct compiled *c, const char *text,
		       unsigned nth)
{
	struct access a = random_access(c->model);
	struct outcome o = judge(c->model, &a);
	struct am_facts f = facts_of(c, &a);
	struct am_test t = test_of_facts(&f), want = decide_here(c->image->policy, &t);

	decide_there(k, &t);
	if (t.decided && !agree(c, &a, &o, &t.d) && failed < SHOWN_MAX)
		print_disagreement(text, &a, &o, &t.d);
	compare("compiled", nth, &t, agree(c, &a, &o, &t.d) ? &want : NULL);
}

static int run_compiled(const struct kernel *k, uint64_t seed)
{
	int r = 0;

	chance = seed | 1;
	for (unsigned i = 0; !r && i < COMPILED; i++) {
		struct compiled c;
		char *text;

		r = random_compiled(&c, &text) ? 0 : -EINVAL;
		if (!r) {
			am_image_stamp(c.image, POLICIES + 2 + i);
			r = publish(k, c.image->policy);
		}
		for (unsigned n = 0; !r && n < ACCESSES_PER_COMPILED; n++)
			run_access(k, &c, text, i * ACCESSES_PER_COMPILED + n);
		drop_compiled(&c);
		free(text);
	}
	printf("%d compiled random policies, %d decisions by each of kernel, user space and rules\n",
	       COMPILED, COMPILED * ACCESSES_PER_COMPILED);
	return r;
}

static int run(const struct kernel *k, struct am_policy *policy, uint64_t seed)
{
	int r;

	run_without_policy(k);
	decide_table_policy(policy);
	r = publish(k, policy);
	if (r < 0)
		return r;
	run_table(k, policy);
	r = run_random(k, policy, seed);
	check_reasons();
	return r ? r : run_compiled(k, seed);
}

int main(int argc, char *argv[])
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : default_seed;
	am_autofree struct am_policy *policy = malloc(sizeof(*policy));
	struct kernel k;
	int r;

	if (!policy)
		return EXIT_FAILURE;
	r = open_kernel(&k);
	if (r < 0) {
		fprintf(stderr, "error: cannot load the program: %s\n", strerror(-r));
		return EXIT_FAILURE;
	}
	r = run(&k, policy, seed);
	amanat__destroy(k.object);
	if (r < 0)
		fprintf(stderr, "error: cannot publish a policy: %s\n", strerror(-r));
	printf("%u passed, %u failed (seed %" PRIu64 ")\n", passed, failed, seed);
	return r < 0 || failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
