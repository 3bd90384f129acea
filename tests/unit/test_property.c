// SPDX-License-Identifier: GPL-2.0
/* Random policies and random accesses: what am_decide() says under the compiled image
 * must be what one gets by reading the rules one by one. The naive side knows nothing
 * of bits, tries or images: it works on the model, with strings and loops. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>

#include "policy_text.h"

enum {
	POLICIES = 2000,
	ACCESSES = 60,		/* per policy */
};

/* ---- chance ----------------------------------------------------------------- */

static uint64_t chance;

static unsigned below(unsigned n)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return chance % n;
}

static bool one_in(unsigned n)
{
	return below(n) == 0;
}

#define PICK(array) ((array)[below(sizeof(array) / sizeof(*(array)))])

/* ---- a random policy -------------------------------------------------------- */

static const char *const paths[] = {
	"/a", "/a/b", "/a/b/c", "/a-b", "/a/bb", "/d", "/d/e", "/d/e/f/g", "/h", "/h/i",
};
static const char *const exes[] = { "/bin/x", "/bin/y", "/bin/z" };
static const char *const users[] = { "root", "acme", "7" };
static const uint32_t user_ids[] = { 0, 1001, 7 };
static const char *const groups[] = { "root", "staff", "9" };
static const uint32_t group_ids[] = { 0, 50, 9 };
static const char *const cidrs[] = {
	"10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3", "0.0.0.0/0", "128.0.0.0/1",
	"127.0.0.0/8", "127.0.0.1", "'::/0'", "'::/8'", "'::/64'", "'::1'", "'fd00::/8'",
	"'fd00:1::/32'",
};
static const char *const ports[] = { "tcp", "udp", "tcp/80", "tcp/443", "udp/53", "udp/80",
				     "tcp/80-443", "tcp/2-65000", "tcp/100-64900", "sctp",
				     "sctp/80-81", "icmp" };
static const char *const cgroups[] = {
	"unit: x.service", "cgroup: /x.service", "cgroup: /x.service/in", "cgroup: /s",
	"cgroup: /s/a", "cgroup: /s/a/b/c", "cgroup: /s/ab",
};
static const char *const cgroup_paths[] = {
	"", "/x.service", "/x.service/in", "/x.service/in/deep", "/x.service2", "/s", "/s/a",
	"/s/a/b", "/s/a/b/c", "/s/a/b/c/d", "/s/ab", "/s/abc", "/t",
};
static const char *const scripts[] = { "/opt/r", "/opt/s", "/bin/x" };
static const char *const addrs[] = {
	"10.1.2.3", "10.1.2.4", "10.1.9.9", "10.200.0.1", "192.0.2.1", "127.0.0.1", "127.0.0.2",
	"9.9.9.9", "::1", "::2", "0:0:0:1::1", "fd00:1::5", "fd00:2::5", "2001:db8::1",
};
static const char *const builtin[] = { "anywhere", "local", "loopback", "terminal" };

/* How many of each the policy at hand has. */
static struct {
	unsigned labels, stores, subjects, zones, rules, purposes;
} size;

static void write_stores(FILE *out)
{
	static const char *const modes[] = { "observe", "enforce" };
	bool used[sizeof(paths) / sizeof(*paths)] = { false };

	fputs("stores:\n", out);
	for (unsigned s = 0; s < size.stores; s++) {
		unsigned n = 0, first = below(size.labels);

		fprintf(out, "  s%u: {mode: %s, spill: %s, labels: [l%u", s, PICK(modes),
			one_in(4) ? "deny" : "track", first);
		for (unsigned l = 0; l < size.labels; l++)
			if (l != first && one_in(4))
				fprintf(out, ", l%u", l);
		fputs("], paths: [", out);
		for (unsigned p = 0; p < sizeof(paths) / sizeof(*paths); p++) {
			if (used[p] || !one_in(4))
				continue;
			used[p] = true;
			fprintf(out, "%s%s", n++ ? ", " : "", paths[p]);
		}
		fprintf(out, "%s/own/%u]", n ? ", " : "", s);
		if (one_in(3)) {
			first = below(size.purposes);
			fprintf(out, ", purposes: [p%u", first);
			for (unsigned i = 0; i < size.purposes; i++)
				if (i != first && one_in(2))
					fprintf(out, ", p%u", i);
			fputs("]", out);
		}
		fputs("}\n", out);
	}
}

static void write_subjects(FILE *out)
{
	fputs("subjects:\n", out);
	for (unsigned s = 0; s < size.subjects; s++) {
		fprintf(out, "  u%u: {third-party: X", s);
		if (one_in(2))
			fprintf(out, ", exe: %s", PICK(exes));
		if (one_in(2))
			fprintf(out, ", user: %s", PICK(users));
		if (one_in(3))
			fprintf(out, ", group: %s", PICK(groups));
		if (one_in(5))
			fprintf(out, ", login: %s", PICK(users));
		if (one_in(4))
			fprintf(out, ", %s", PICK(cgroups));
		if (one_in(5))
			fprintf(out, ", script: %s", PICK(scripts));
		if (one_in(4))
			fprintf(out, ", purpose: p%u", below(size.purposes));
		fputs("}\n", out);
	}
}

/* Some of `words`, as [a, b]; at least one. */
static void write_some(FILE *out, const char *const *words, unsigned n)
{
	unsigned first = below(n);

	fprintf(out, "[%s", words[first]);
	for (unsigned i = 0; i < n; i++)
		if (i != first && one_in(5))
			fprintf(out, ", %s", words[i]);
	fputs("]", out);
}

static void write_zones(FILE *out)
{
	fputs("zones:\n", out);
	for (unsigned z = 0; z < size.zones; z++) {
		fprintf(out, "  z%u: {cidr: ", z);
		if (one_in(5))
			fputs("any", out);
		else
			write_some(out, cidrs, sizeof(cidrs) / sizeof(*cidrs));
		fputs(", ports: ", out);
		if (one_in(2))
			fputs("any", out);
		else
			write_some(out, ports, sizeof(ports) / sizeof(*ports));
		fputs("}\n", out);
	}
}

static void write_names(FILE *out, char letter, unsigned n)
{
	unsigned first = below(n);

	if (one_in(6)) {
		fputs("everything", out);
		return;
	}
	fprintf(out, "%c%u", letter, first);
	for (unsigned i = 0; i < n; i++)
		if (i != first && one_in(4))
			fprintf(out, ", %c%u", letter, i);
}

static void write_zone_names(FILE *out)
{
	unsigned n = 1 + below(3);
	bool used[16] = { false };

	for (unsigned i = 0; i < n; i++) {
		unsigned zone = below(size.zones + 4);

		if (used[zone])
			continue;
		used[zone] = true;
		if (zone < 4)
			fprintf(out, "%s%s", i ? ", " : "", builtin[zone]);
		else
			fprintf(out, "%sz%u", i ? ", " : "", zone - 4);
	}
}

static void write_rule(FILE *out)
{
	static const char *const ops[] = { "read", "write", "read, write", "send", "send" };
	const char *op = PICK(ops);

	fprintf(out, "  - %s ", one_in(4) ? "deny" : "allow");
	if (one_in(8))
		fputs("anyone", out);
	else
		fprintf(out, "u%u", below(size.subjects));
	fprintf(out, " to %s ", op);
	write_names(out, op[0] == 's' ? 'l' : 's', op[0] == 's' ? size.labels : size.stores);
	if (op[0] == 's') {
		fputs(" to ", out);
		write_zone_names(out);
	}
	fputc('\n', out);
}

static char *random_policy(void)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	size.labels = 1 + below(5);
	size.stores = 1 + below(5);
	size.subjects = 1 + below(7);
	size.zones = 1 + below(7);
	size.rules = 1 + below(14);
	size.purposes = 1 + below(3);
	fputs("version: 1\nname: random\nmode: enforce\nlabels: [l0", out);
	for (unsigned l = 1; l < size.labels; l++)
		fprintf(out, ", l%u", l);
	fputs("]\npurposes: [p0", out);
	for (unsigned i = 1; i < size.purposes; i++)
		fprintf(out, ", p%u", i);
	fputs("]\n", out);
	write_stores(out);
	write_subjects(out);
	write_zones(out);
	fputs("rules:\n", out);
	for (unsigned r = 0; r < size.rules; r++)
		write_rule(out);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* ---- a random access -------------------------------------------------------- */

enum where { NETWORK, LOCAL, TERMINAL };

struct access {
	struct asker who;
	unsigned op;
	int store;		/* of the model, -1: none */
	unsigned labels;	/* bit per label of the model, beyond the store's */
	enum where where;
	const char *addr;
	uint8_t proto;
	uint16_t port;
};

static unsigned carried[8];	/* per store of the policy at hand, bit per label of the model */

static struct access random_access(const struct am_model *m)
{
	static const uint16_t numbers[] = { 80, 81, 443, 444, 53, 1, 9, 2, 99, 100, 64900, 64901,
					    65000, 65001, 65535 };
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP,
					  IPPROTO_ICMPV6, IPPROTO_SCTP, IPPROTO_IGMP };
	struct access a = {
		.who = { .exe = one_in(4) ? "/bin/other" : PICK(exes),
			 .uid = one_in(4) ? 55 : PICK(user_ids), .n_gids = 1 + below(3),
			 .login = one_in(3) ? UINT32_MAX : PICK(user_ids),
			 .cgroup = PICK(cgroup_paths), .purpose = below(m->n_purposes + 1),
			 .script = one_in(2) ? NULL : PICK(scripts) },
		.op = AM_OP_READ + below(3),
		.store = one_in(3) ? -1 : (int)below(m->n_stores),
		.labels = below(1U << m->n_labels),
		.where = one_in(4) ? LOCAL : one_in(5) ? TERMINAL : NETWORK,
		.addr = PICK(addrs), .proto = PICK(protos), .port = PICK(numbers),
	};

	for (unsigned i = 0; i < a.who.n_gids; i++)
		a.who.gids[i] = one_in(3) ? 77 : PICK(group_ids);
	if (a.proto == IPPROTO_ICMP || a.proto == IPPROTO_ICMPV6 || a.proto == IPPROTO_IGMP)
		a.port = 0;
	if (a.op == AM_OP_SEND)
		a.store = -1;
	if (one_in(2) && a.store >= 0)
		a.labels = 0;
	if (a.store >= 0)
		a.labels &= ~carried[a.store];
	return a;
}

/* ---- the naive side --------------------------------------------------------- */

struct outcome {
	unsigned verdict, reason, enforce, culprits;	/* culprits: bit per label of the model */
};

static bool lies_below(const char *path, const char *outer)
{
	char prefix[64];

	snprintf(prefix, sizeof(prefix), "%s/", outer);
	return strncmp(path, prefix, strlen(prefix)) == 0;
}

static bool store_lies_in(const struct am_model *m, unsigned inner, unsigned outer)
{
	for (size_t i = 0; i < m->stores[inner].n_paths; i++)
		for (size_t j = 0; j < m->stores[outer].n_paths; j++)
			if (lies_below(m->stores[inner].paths[i].path,
				       m->stores[outer].paths[j].path))
				return true;
	return false;
}

/* Its own labels, and those of the stores around it, around those, and so on. */
static unsigned labels_of(const struct am_model *m, unsigned store)
{
	unsigned reached = 1U << store, before = 0, labels = 0;

	while (before != reached) {
		before = reached;
		for (unsigned i = 0; i < m->n_stores; i++)
			for (unsigned o = 0; o < m->n_stores; o++)
				if (reached >> i & 1 && store_lies_in(m, i, o))
					reached |= 1U << o;
	}
	for (unsigned s = 0; s < m->n_stores; s++)
		for (size_t l = 0; reached >> s & 1 && l < m->stores[s].n_labels; l++)
			labels |= 1U << m->stores[s].labels[l];
	return labels;
}

static uint32_t number_of(const char *const *names, const uint32_t *ids, const char *name)
{
	for (unsigned i = 0; i < 3; i++)
		if (!strcmp(names[i], name))
			return ids[i];
	return 424242;
}

static bool is_in_cgroup(const struct am_model_subject *s, const char *path)
{
	char asked[64];

	snprintf(asked, sizeof(asked), "%s%s", s->unit ? "/" : "", s->unit ? s->unit : s->cgroup);
	return !strcmp(path, asked) || lies_below(path, asked);
}

static bool has_purpose(const struct am_model *m, const char *name, unsigned purpose)
{
	return purpose && !strcmp(m->purposes[purpose - 1].name, name);
}

/* Purposes of the one who asks are counted from 1 in the order of the policy. */
static bool is_subject(const struct am_model *m, int subject, const struct asker *who)
{
	const struct am_model_subject *s = &m->subjects[subject < 0 ? 0 : subject];
	bool in_group = false;

	if (subject == AM_RULE_ANYBODY)
		return true;
	for (unsigned i = 0; s->group && i < who->n_gids; i++)
		in_group |= who->gids[i] == number_of(groups, group_ids, s->group);
	return (!s->exe || !strcmp(s->exe, who->exe)) &&
	       (!s->user || number_of(users, user_ids, s->user) == who->uid) &&
	       (!s->group || in_group) &&
	       (!s->login || number_of(users, user_ids, s->login) == who->login) &&
	       ((!s->unit && !s->cgroup) || is_in_cgroup(s, who->cgroup)) &&
	       (!s->script || (who->script && !strcmp(s->script, who->script))) &&
	       (!s->purpose || has_purpose(m, s->purpose, who->purpose));
}

static bool names(const int *list, size_t n, int index)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == AM_RULE_EVERYTHING || list[i] == index)
			return true;
	return false;
}

/* Some rule of this kind lets or forbids the one who asks to do it to the store. */
static bool store_rule(const struct am_model *m, const struct access *a, bool deny, int store)
{
	for (size_t i = 0; i < m->n_rules; i++) {
		const struct am_model_rule *r = &m->rules[i];

		if (r->deny == deny && r->ops & 1U << a->op &&
		    names(r->stores, r->n_stores, store) && is_subject(m, r->subject, &a->who))
			return true;
	}
	return false;
}

static bool bit_at(const uint8_t *bytes, unsigned i)
{
	return bytes[i / 8] >> (7 - i % 8) & 1;
}

static bool net_holds(const struct am_model_net *net, const char *addr)
{
	bool v4 = !strchr(addr, ':'), net_v4 = net->prefix >= 96 && net->addr[11] == 0xff;
	uint8_t bytes[16] = { [10] = 0xff, [11] = 0xff };

	assert_int_equal(inet_pton(v4 ? AF_INET : AF_INET6, addr, v4 ? bytes + 12 : bytes), 1);
	if (v4 != net_v4)
		return false;
	for (unsigned i = 0; i < net->prefix; i++)
		if (bit_at(net->addr, i) != bit_at(bytes, i))
			return false;
	return true;
}

static bool zone_holds(const struct am_model *m, int zone, const struct access *a)
{
	const struct am_model_zone *z;
	bool net, port;

	if (zone == AM_ZONE_ANYWHERE)
		return true;
	if (zone == AM_ZONE_LOCAL || zone == AM_ZONE_TERMINAL)
		return a->where == (zone == AM_ZONE_LOCAL ? LOCAL : TERMINAL);
	if (a->where != NETWORK)
		return false;
	if (zone == AM_ZONE_LOOPBACK)
		return !strncmp(a->addr, "127.", 4) || !strcmp(a->addr, "::1");

	z = &m->zones[zone - AM_ZONE_FIRST_USER];
	net = !z->n_nets;
	port = !z->n_ports;
	for (size_t i = 0; i < z->n_nets; i++)
		net |= net_holds(&z->nets[i], a->addr);
	for (size_t i = 0; i < z->n_ports; i++)
		port |= (z->ports[i].proto == a->proto ||
			 (z->ports[i].proto == IPPROTO_ICMP && a->proto == IPPROTO_ICMPV6)) &&
			(!z->ports[i].port ||
			 (z->ports[i].port <= a->port && a->port <= z->ports[i].last));
	return net && port;
}

static bool send_rule(const struct am_model *m, const struct access *a, bool deny, int label)
{
	for (size_t i = 0; i < m->n_rules; i++) {
		const struct am_model_rule *r = &m->rules[i];

		if (r->deny != deny || !(r->ops & 1U << AM_OP_SEND) ||
		    !names(r->labels, r->n_labels, label) || !is_subject(m, r->subject, &a->who))
			continue;
		for (size_t z = 0; z < r->n_zones; z++)
			if (zone_holds(m, r->zones[z], a))
				return true;
	}
	return false;
}

static bool is_open(const struct am_model *m, unsigned store, unsigned purpose)
{
	const struct am_model_store *s = &m->stores[store];

	for (size_t i = 0; i < s->n_purposes; i++)
		if (purpose && s->purposes[i] == purpose - 1)
			return true;
	return !s->n_purposes;
}

static bool label_rule(const struct am_model *m, const struct access *a, bool deny, int label)
{
	if (a->op == AM_OP_SEND)
		return send_rule(m, a, deny, label) || (!deny && a->where == TERMINAL);
	for (size_t s = 0; s < m->n_stores; s++)
		if (carried[s] >> label & 1 && store_rule(m, a, deny, s) &&
		    (deny || is_open(m, s, a->who.purpose)))
			return true;
	return false;
}

static unsigned enforced(const struct am_model *m, unsigned labels)
{
	for (size_t s = 0; s < m->n_stores; s++)
		if (m->stores[s].mode == AM_MODE_ENFORCE && carried[s] & labels)
			return 1;
	return 0;
}

static void judge_labels(const struct am_model *m, const struct access *a, struct outcome *o)
{
	unsigned denied = 0, no_rule = 0;

	for (unsigned l = 0; l < m->n_labels; l++) {
		if (!(a->labels >> l & 1))
			continue;
		if (label_rule(m, a, true, l))
			denied |= 1U << l;
		else if (!label_rule(m, a, false, l))
			no_rule |= 1U << l;
	}
	/* What blocks is named before what is only observed. */
	if (denied && (enforced(m, denied) || !enforced(m, no_rule)))
		*o = (struct outcome){ AM_VERDICT_DENY, AM_REASON_LABEL_DENIES,
				       enforced(m, denied), denied };
	else if (no_rule)
		*o = (struct outcome){ AM_VERDICT_DENY, AM_REASON_LABEL_NO_RULE,
				       enforced(m, no_rule), no_rule };
}

static void judge_spill(const struct am_model *m, const struct access *a, struct outcome *o)
{
	unsigned refused = 0;

	for (size_t s = 0; s < m->n_stores; s++)
		if (m->stores[s].spill_deny)
			refused |= carried[s] & a->labels;
	if (refused)
		*o = (struct outcome){ AM_VERDICT_DENY, AM_REASON_SPILL, enforced(m, refused),
				       refused };
}

static struct outcome judge_store(const struct am_model *m, const struct access *a)
{
	unsigned on = m->stores[a->store].mode == AM_MODE_ENFORCE;

	if (store_rule(m, a, true, a->store))
		return (struct outcome){ AM_VERDICT_DENY, AM_REASON_RULE_DENIES, on,
					 carried[a->store] };
	if (!is_open(m, a->store, a->who.purpose))
		return (struct outcome){ AM_VERDICT_DENY, AM_REASON_PURPOSE, on,
					 carried[a->store] };
	if (!store_rule(m, a, false, a->store))
		return (struct outcome){ AM_VERDICT_DENY, AM_REASON_NO_RULE, on,
					 carried[a->store] };
	return (struct outcome){ AM_VERDICT_ALLOW, AM_REASON_RULE_ALLOWS, 0, 0 };
}

static struct outcome judge(const struct am_model *m, const struct access *a)
{
	struct outcome o = { AM_VERDICT_ALLOW, AM_REASON_RULE_ALLOWS, 0, 0 }, of_labels = o;

	if (a->store < 0 && !a->labels)
		return (struct outcome){ AM_VERDICT_ALLOW, AM_REASON_UNPROTECTED, 0, 0 };
	if (a->store >= 0)
		o = judge_store(m, a);
	if (a->op == AM_OP_WRITE)
		judge_spill(m, a, &of_labels);
	else
		judge_labels(m, a, &of_labels);
	if (of_labels.verdict == AM_VERDICT_DENY &&
	    (o.verdict == AM_VERDICT_ALLOW || (!o.enforce && of_labels.enforce)))
		return of_labels;
	return o;
}

/* ---- the compiled side ------------------------------------------------------ */

static uint64_t to_bits(const struct compiled *c, unsigned labels)
{
	uint64_t bits = 0;

	for (size_t l = 0; l < c->model->n_labels; l++)
		if (labels >> l & 1)
			bits |= 1ULL << label_bit_of(c, c->model->labels[l].name);
	return bits;
}

static struct am_zones zones_of(const struct compiled *c, const struct access *a)
{
	uint8_t bytes[16] = { [10] = 0xff, [11] = 0xff };
	bool v4 = !strchr(a->addr, ':');
	struct am_zones zones = { .count = 1, .id = { AM_ZONE_LOCAL } };

	if (a->where == TERMINAL)
		zones.id[0] = AM_ZONE_TERMINAL;
	if (a->where != NETWORK)
		return zones;
	assert_int_equal(inet_pton(v4 ? AF_INET : AF_INET6, a->addr, v4 ? bytes + 12 : bytes), 1);
	am_image_zones(c->image, bytes, a->proto, a->port, &zones);
	return zones;
}

/* On the host: what the registry gave the purpose. */
static unsigned purpose_number(const struct compiled *c, unsigned purpose)
{
	return purpose ? am_registry_purpose(c->registry, c->model->purposes[purpose - 1].name) : 0;
}

static struct am_decision decide(const struct compiled *c, const struct access *a)
{
	unsigned purpose = purpose_number(c, a->who.purpose);
	struct asker who = a->who;
	struct am_facts f = {
		.policy = c->image->policy,
		.purpose = purpose,
		.labels = to_bits(c, a->labels),
		.op = a->op,
		.tagged = a->op != AM_OP_SEND,
	};
	struct am_decision d;

	who.purpose = purpose;
	f.bits = bits_of(c->image, &who);
	if (a->store >= 0)
		f.store = store_named(c, c->model->stores[a->store].name);
	if (a->op == AM_OP_SEND)
		f.zones = zones_of(c, a);
	am_decide(&f, &d);
	return d;
}

static bool agree(const struct compiled *c, const struct access *a, const struct outcome *o,
		  const struct am_decision *d)
{
	/* Of what is allowed, whether a refusal would have blocked says nothing. */
	return o->verdict == d->verdict && o->reason == d->reason &&
	       to_bits(c, o->culprits) == d->culprits &&
	       (o->verdict == AM_VERDICT_ALLOW || o->enforce == d->enforce) &&
	       (a->store < 0 || store_named(c, c->model->stores[a->store].name)->labels ==
					to_bits(c, carried[a->store]));
}

static void try_policy(const char *text, unsigned reasons[AM_REASON_MAX_])
{
	struct compiled c = { 0 };
	char name[16];

	/* Numbers of labels and stores that earlier policies have moved. */
	assert_int_equal(am_registry_new(&c.registry), 0);
	for (unsigned i = below(50); i > 0; i--) {
		uint32_t id;

		snprintf(name, sizeof(name), "old%u", i);
		assert_true(am_registry_label(c.registry, name) >= 0);
		assert_int_equal(am_registry_store(c.registry, name, NULL, 0, &id), 0);
		assert_true(am_registry_purpose(c.registry, name) > 0);
	}
	assert_int_equal(compile_text(&c, text), 0);
	for (size_t i = 0; i < c.model->n_stores; i++)
		carried[i] = labels_of(c.model, i);
	for (unsigned i = 0; i < ACCESSES; i++) {
		struct access a = random_access(c.model);
		struct outcome o = judge(c.model, &a);
		struct am_decision d = decide(&c, &a);

		reasons[o.reason]++;
		if (agree(&c, &a, &o, &d))
			continue;
		print_error("%s\nop %u store %d labels %x exe %s uid %u gid %u where %u %s %u/%u\n",
			    text, a.op, a.store, a.labels, a.who.exe, a.who.uid, a.who.gids[0],
			    a.where, a.addr, a.proto, a.port);
		fail_msg("rules: %u %u %u %x, image: %u %u %u %llx", o.verdict, o.reason,
			 o.enforce, o.culprits, d.verdict, d.reason, d.enforce,
			 (unsigned long long)d.culprits);
	}
	drop_compiled(&c);
}

static void images_decide_what_the_rules_say(void **state)
{
	unsigned reasons[AM_REASON_MAX_] = { 0 };

	(void)state;
	chance = 0x9e3779b97f4a7c15;
	for (unsigned i = 0; i < POLICIES; i++) {
		char *text = random_policy();

		try_policy(text, reasons);
		free(text);
	}
	/* A generator that never got anywhere would agree with everything. */
	for (unsigned r = AM_REASON_RULE_ALLOWS; r < AM_REASON_MAX_; r++)
		if (reasons[r] < 100 && r != AM_REASON_UNKNOWN_FACT && r != AM_REASON_NO_POLICY)
			fail_msg("reason %u came up %u times only", r, reasons[r]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(images_decide_what_the_rules_say),
	};

	return cmocka_run_group_tests_name("property", tests, NULL, NULL);
}
