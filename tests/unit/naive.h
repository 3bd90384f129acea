/* SPDX-License-Identifier: GPL-2.0 */
/* Random policies, and what they say, found by reading their rules one by one for every
 * combination of facts there is: slow, and simple enough to be believed. It works on
 * models, with strings and loops, and knows nothing of bits, tries, images or spaces. */
#pragma once

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "policy/image.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define PICK(array) ((array)[below(COUNT(array))])

/* ---- what a random policy is made of ---------------------------------------- */

static const char *const all_paths[] = {
	"/a", "/a/b", "/a/b/c", "/a-b", "/d", "/d/e", "/h",
};
static const char *const all_exes[] = { "/bin/x", "/bin/y" };
static const char *const all_users[] = { "root", "acme", "7" };
static const char *const all_groups[] = { "staff", "9" };
static const char *const all_cgroups[] = {
	"unit: a.slice", "unit: x.service", "unit: y.service", "cgroup: /a.slice",
	"cgroup: /a.slice/b",
};
static const char digest[] = "\"abababababababababababababababababababababababababababababababab\"";
/* Of every cell that networks of these cut out, the list below has an address. */
static const char *const all_cidrs[] = {
	"10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "0.0.0.0/0", "128.0.0.0/1", "127.0.0.1",
	"'::/0'", "'::/8'", "'::1'", "'fd00::/8'",
};
static const char *const all_addrs[] = {
	"10.1.2.3", "10.1.2.4", "10.200.0.1", "192.0.2.1", "127.0.0.1", "127.0.0.2", "9.9.9.9",
	"::1", "::2", "fd00:1::5", "2001:db8::1",
};
static const char *const all_ports[] = { "tcp", "udp", "tcp/80", "tcp/70-90", "udp/53", "icmp" };
static const struct {
	uint8_t proto;
	uint16_t port;
} all_sockets[] = {
	{ IPPROTO_TCP, 80 }, { IPPROTO_TCP, 75 }, { IPPROTO_TCP, 9 }, { IPPROTO_UDP, 53 },
	{ IPPROTO_UDP, 80 }, { IPPROTO_ICMP, 0 }, { IPPROTO_SCTP, 80 },
};
static const char *const builtin[] = { "anywhere", "local", "loopback", "terminal" };

/* How many of each the policy at hand has. */
struct shape {
	unsigned labels, stores, subjects, zones, rules, purposes;
};

static inline struct shape random_shape(void)
{
	return (struct shape){ 1 + below(3), 1 + below(4), 1 + below(6), 1 + below(3),
			       1 + below(9), 1 + below(2) };
}

/* ---- a random policy -------------------------------------------------------- */

static inline void write_stores(FILE *out, const struct shape *size)
{
	bool used[COUNT(all_paths)] = { false };

	fputs("stores:\n", out);
	for (unsigned s = 0; s < size->stores; s++) {
		fprintf(out, "  s%u: {mode: %s, spill: %s, on-error: %s, labels: [l%u]", s,
			one_in(2) ? "observe" : "enforce", one_in(4) ? "deny" : "track",
			one_in(6) ? "allow" : "deny", below(size->labels));
		if (one_in(3))
			fprintf(out, ", purposes: [p%u]", below(size->purposes));
		fprintf(out, ", paths: [/own/%u", s);
		for (unsigned p = 0; p < COUNT(all_paths); p++) {
			if (used[p] || !one_in(4))
				continue;
			used[p] = true;
			fprintf(out, ", %s", all_paths[p]);
		}
		fputs("]}\n", out);
	}
}

static inline void write_subjects(FILE *out, const struct shape *size)
{
	fputs("subjects:\n", out);
	for (unsigned s = 0; s < size->subjects; s++) {
		fprintf(out, "  u%u: {", s);
		if (one_in(3))
			fputs("third-party: X, ", out);
		if (one_in(2)) {
			fprintf(out, "exe: %s, ", PICK(all_exes));
			if (one_in(3))
				fprintf(out, "sha256: %s, ", digest);
		}
		if (one_in(2))
			fprintf(out, "user: %s, ", PICK(all_users));
		if (one_in(3))
			fprintf(out, "group: %s, ", PICK(all_groups));
		if (one_in(4))
			fprintf(out, "%s, ", PICK(all_cgroups));
		if (s % 2 && one_in(3))
			fprintf(out, "purpose: p%u, ", below(size->purposes));
		fputs("}\n", out);
	}
}

static inline void write_some(FILE *out, const char *const *words, unsigned n)
{
	unsigned first = below(n);

	fprintf(out, "[%s", words[first]);
	for (unsigned i = 0; i < n; i++)
		if (i != first && one_in(5))
			fprintf(out, ", %s", words[i]);
	fputs("]", out);
}

static inline void write_zones(FILE *out, const struct shape *size)
{
	fputs("zones:\n", out);
	for (unsigned z = 0; z < size->zones; z++) {
		fprintf(out, "  z%u: {cidr: ", z);
		if (one_in(4))
			fputs("any", out);
		else
			write_some(out, all_cidrs, COUNT(all_cidrs));
		fputs(", ports: ", out);
		if (one_in(2))
			fputs("any", out);
		else
			write_some(out, all_ports, COUNT(all_ports));
		fputs("}\n", out);
	}
}

static inline void write_names(FILE *out, char letter, unsigned n)
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

static inline void write_zone_names(FILE *out, const struct shape *size)
{
	bool used[16] = { false };

	for (unsigned i = 0, n = 1 + below(3); i < n; i++) {
		unsigned zone = below(size->zones + 4);

		if (used[zone])
			continue;
		used[zone] = true;
		if (zone < 4)
			fprintf(out, "%s%s", i ? ", " : "", builtin[zone]);
		else
			fprintf(out, "%sz%u", i ? ", " : "", zone - 4);
	}
}

/* "read s0, s1" and so on: what a rule or an invariant is about. */
static inline void write_access(FILE *out, const struct shape *size, bool may_use)
{
	static const char *const ops[] = { "read", "write", "read, write", "send", "send", "use" };
	const char *op = ops[below(COUNT(ops) - !may_use)];

	fprintf(out, "%s ", op);
	if (op[0] == 'u')
		write_names(out, 'p', size->purposes);
	else
		write_names(out, op[0] == 's' ? 'l' : 's',
			    op[0] == 's' ? size->labels : size->stores);
	if (op[0] != 's')
		return;
	fputs(" to ", out);
	write_zone_names(out, size);
}

/* A subject that mentions a purpose cannot be let use one: only odd ones mention any. */
static inline void write_rules(FILE *out, const struct shape *size)
{
	fputs("rules:\n", out);
	for (unsigned r = 0; r < size->rules; r++) {
		unsigned subject = below(size->subjects);
		bool anyone = one_in(6);

		fprintf(out, "  - %s ", one_in(4) ? "deny" : "allow");
		if (anyone)
			fputs("anyone", out);
		else
			fprintf(out, "u%u", subject);
		fputs(" to ", out);
		write_access(out, size, anyone || subject % 2 == 0);
		fputc('\n', out);
	}
}

static inline void write_policy(FILE *out, const struct shape *size)
{
	fputs("version: 1\nname: random\nmode: enforce\nlabels: [l0", out);
	for (unsigned l = 1; l < size->labels; l++)
		fprintf(out, ", l%u", l);
	fputs("]\npurposes: [p0", out);
	for (unsigned p = 1; p < size->purposes; p++)
		fprintf(out, ", p%u", p);
	fputs("]\n", out);
	write_stores(out, size);
	write_subjects(out, size);
	write_zones(out, size);
	write_rules(out, size);
}

static inline char *random_policy(const struct shape *size)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert(out);
	write_policy(out, size);
	assert(fclose(out) == 0);
	return text;
}

/* ---- every combination of facts --------------------------------------------- */

struct naive_who {
	const char *exe;	/* NULL: another */
	bool genuine;		/* has the digest */
	const char *user;
	unsigned groups;	/* bit per all_groups */
	unsigned cgroups;	/* bit per all_cgroups: those that it is in */
	int purpose;		/* -1: none */
};

/* Where a task can be, as bits of all_cgroups: a slice may be the manager's of a user, and
 * then lies elsewhere; a service may be in any slice. */
enum { A = 1, X = 2, Y = 4, PATH_A = 8, PATH_AB = 16 };
static const unsigned all_positions[] = {
	0, A, PATH_A | A, PATH_A | A | PATH_AB, X, Y, A | X, A | Y, PATH_A | A | X,
	PATH_A | A | Y,
};

static inline bool in_cgroup(const struct am_model_subject *s, const struct naive_who *who)
{
	char text[64];

	if (!s->unit && !s->cgroup)
		return true;
	snprintf(text, sizeof(text), "%s: %s", s->unit ? "unit" : "cgroup",
		 s->unit ? s->unit : s->cgroup);
	for (unsigned i = 0; i < COUNT(all_cgroups); i++)
		if (who->cgroups >> i & 1 && !strcmp(all_cgroups[i], text))
			return true;
	return false;
}

static inline bool naive_is(const struct am_model *m, int subject, const struct naive_who *who)
{
	const struct am_model_subject *s = &m->subjects[subject < 0 ? 0 : subject];
	bool in_group = !s->group;
	char purpose[16];

	if (subject == AM_RULE_ANYBODY)
		return true;
	for (unsigned i = 0; s->group && i < COUNT(all_groups); i++)
		in_group |= who->groups >> i & 1 && !strcmp(all_groups[i], s->group);
	snprintf(purpose, sizeof(purpose), "p%d", who->purpose);
	return (!s->exe || (who->exe && !strcmp(s->exe, who->exe) &&
			    (!s->pinned || who->genuine))) &&
	       (!s->user || (who->user && !strcmp(s->user, who->user))) && in_group &&
	       in_cgroup(s, who) &&
	       (!s->purpose || (who->purpose >= 0 && !strcmp(s->purpose, purpose)));
}

enum { NAIVE_WHOS = 3 * 2 * 4 * 4 * COUNT(all_positions) * 3 };

static inline struct naive_who naive_who(unsigned n)
{
	struct naive_who who = { 0 };
	unsigned i = n % 3;

	who.exe = i < 2 ? all_exes[i] : NULL;
	n /= 3;
	who.genuine = n % 2;
	n /= 2;
	who.user = n % 4 < 3 ? all_users[n % 4] : NULL;
	n /= 4;
	who.groups = n % 4;
	n /= 4;
	who.cgroups = all_positions[n % COUNT(all_positions)];
	n /= COUNT(all_positions);
	who.purpose = (int)n % 3 - 1;
	return who;
}

/* Tasks that are the same subjects under all policies at hand, and have the same purpose,
 * are as one: bit 31 of a mask is anyone. */
struct naive_point {
	uint32_t is[2];
	int purpose;
};

struct naive_world {
	struct naive_point points[NAIVE_WHOS];
	size_t n;
};

static inline uint32_t naive_mask(const struct am_model *m, const struct naive_who *who)
{
	uint32_t mask = 1U << 31;

	for (size_t i = 0; m && i < m->n_subjects; i++)
		mask |= (uint32_t)naive_is(m, i, who) << i;
	return mask;
}

static inline void naive_enumerate(const struct am_model *a, const struct am_model *b,
				   struct naive_world *ret)
{
	ret->n = 0;
	for (unsigned n = 0; n < NAIVE_WHOS; n++) {
		struct naive_who who = naive_who(n);
		struct naive_point p = { { naive_mask(a, &who), naive_mask(b, &who) },
					 who.purpose };
		size_t i = 0;

		while (i < ret->n && memcmp(&ret->points[i], &p, sizeof(p)))
			i++;
		if (i == ret->n)
			ret->points[ret->n++] = p;
	}
}

/* ---- every destination ------------------------------------------------------ */

enum { NAIVE_SPOTS = COUNT(all_addrs) * COUNT(all_sockets) + 3 };

struct naive_spot {
	const char *addr;	/* NULL: local, terminal or a device, by `zone` */
	uint8_t proto;
	uint16_t port;
	int zone;
};

static inline struct naive_spot naive_spot(unsigned n)
{
	static const int zones[] = { AM_ZONE_LOCAL, AM_ZONE_TERMINAL, -1 };

	if (n < 3)
		return (struct naive_spot){ .zone = zones[n] };
	n -= 3;
	return (struct naive_spot){ all_addrs[n / COUNT(all_sockets)],
				    all_sockets[n % COUNT(all_sockets)].proto,
				    all_sockets[n % COUNT(all_sockets)].port, -1 };
}

static inline bool naive_net_holds(const struct am_model_net *net, const char *addr)
{
	bool v4 = !strchr(addr, ':'), net_v4 = net->prefix >= 96 && net->addr[11] == 0xff;
	uint8_t bytes[16] = { [10] = 0xff, [11] = 0xff };

	assert(inet_pton(v4 ? AF_INET : AF_INET6, addr, v4 ? bytes + 12 : bytes) == 1);
	if (v4 != net_v4)
		return false;
	for (unsigned i = 0; i < net->prefix; i++)
		if ((net->addr[i / 8] >> (7 - i % 8) & 1) != (bytes[i / 8] >> (7 - i % 8) & 1))
			return false;
	return true;
}

static inline bool naive_lies_in(const struct am_model *m, const struct naive_spot *spot, int zone)
{
	const struct am_model_zone *z;
	bool net, port;

	if (zone == AM_ZONE_ANYWHERE || !spot->addr)
		return zone == AM_ZONE_ANYWHERE || spot->zone == zone;
	if (zone < AM_ZONE_FIRST_USER)
		return zone == AM_ZONE_LOOPBACK &&
		       (!strncmp(spot->addr, "127.", 4) || !strcmp(spot->addr, "::1"));
	z = &m->zones[zone - AM_ZONE_FIRST_USER];
	net = !z->n_nets;
	port = !z->n_ports;
	for (size_t i = 0; i < z->n_nets; i++)
		net |= naive_net_holds(&z->nets[i], spot->addr);
	for (size_t i = 0; i < z->n_ports; i++)
		port |= z->ports[i].proto == spot->proto &&
			(!z->ports[i].port ||
			 (spot->port >= z->ports[i].port && spot->port <= z->ports[i].last));
	return net && port;
}

/* ---- what the rules say ----------------------------------------------------- */

/* A store, or copies with a label, or a label and a destination, or a purpose. */
struct naive_access {
	unsigned op;
	int store, label, purpose;	/* indices, -1: none */
	struct naive_spot spot;
	int under;			/* copies: the purpose of who asks */
};

static inline bool naive_is_below(const char *path, const char *outer)
{
	size_t len = strlen(outer);

	return !strncmp(path, outer, len) && path[len] == '/';
}

/* Its own labels, and those of the stores around it, around those, and so on. */
static inline unsigned naive_labels(const struct am_model *m, unsigned store)
{
	unsigned reached = 1U << store, before = 0, labels = 0;

	while (before != reached) {
		before = reached;
		for (unsigned i = 0; i < m->n_stores; i++)
			for (unsigned o = 0; reached >> i & 1 && o < m->n_stores; o++)
				for (size_t p = 0; p < m->stores[i].n_paths; p++)
					for (size_t q = 0; q < m->stores[o].n_paths; q++)
						if (naive_is_below(m->stores[i].paths[p].path,
								   m->stores[o].paths[q].path))
							reached |= 1U << o;
	}
	for (unsigned s = 0; s < m->n_stores; s++)
		for (size_t l = 0; reached >> s & 1 && l < m->stores[s].n_labels; l++)
			labels |= 1U << m->stores[s].labels[l];
	return labels;
}

static inline bool naive_names(const int *list, size_t n, int index)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == AM_RULE_EVERYTHING || list[i] == index)
			return true;
	return false;
}

/* Whether the store is open under the purpose. */
static inline bool naive_is_open(const struct am_model *m, unsigned store, int purpose)
{
	for (size_t i = 0; i < m->stores[store].n_purposes; i++)
		if ((int)m->stores[store].purposes[i] == purpose)
			return true;
	return !m->stores[store].n_purposes;
}

static inline bool naive_speaks(const struct am_model *m, const struct am_model_rule *r,
				const struct naive_access *a)
{
	if (!(r->ops & 1U << a->op))
		return false;
	if (a->op == AM_OP_USE)
		return naive_names(r->purposes, r->n_purposes, a->purpose);
	if (a->store >= 0)
		return naive_names(r->stores, r->n_stores, a->store);
	if (a->op == AM_OP_READ) {
		for (size_t s = 0; s < m->n_stores; s++)
			if (naive_labels(m, s) >> a->label & 1 &&
			    naive_names(r->stores, r->n_stores, s) &&
			    (r->deny || naive_is_open(m, s, a->under)))
				return true;
		return false;
	}
	if (!naive_names(r->labels, r->n_labels, a->label))
		return false;
	for (size_t z = 0; z < r->n_zones; z++)
		if (naive_lies_in(m, &a->spot, r->zones[z]))
			return true;
	return false;
}

enum naive_answer { NAIVE_ALLOWED, NAIVE_DENIED, NAIVE_NO_RULE, NAIVE_PURPOSE };

/* `without`: bit per rule that is thought away. `which` of the two policies. */
static inline enum naive_answer naive_ask(const struct am_model *m, unsigned which,
					  const struct naive_point *p,
					  const struct naive_access *a, uint32_t without)
{
	bool allowed = a->op == AM_OP_SEND && a->spot.zone == AM_ZONE_TERMINAL;
	struct naive_access asked = *a;
	bool denied = false;

	if (a->store < 0 && a->label < 0 && a->purpose < 0)
		return NAIVE_ALLOWED;	/* in no store */
	asked.under = p->purpose;
	for (size_t i = 0; i < m->n_rules; i++) {
		const struct am_model_rule *r = &m->rules[i];
		unsigned bit = r->subject == AM_RULE_ANYBODY ? 31 : r->subject;

		if (without >> i & 1 || !(p->is[which] >> bit & 1) || !naive_speaks(m, r, &asked))
			continue;
		if (r->deny)
			denied = true;
		else
			allowed = true;
	}
	if (denied)
		return NAIVE_DENIED;
	if (a->store >= 0 && !naive_is_open(m, a->store, p->purpose))
		return NAIVE_PURPOSE;
	return allowed ? NAIVE_ALLOWED : NAIVE_NO_RULE;
}

/* All accesses of one policy, one after the other. */
static inline bool naive_next(const struct am_model *m, unsigned *n, struct naive_access *ret)
{
	unsigned stores = m->n_stores * 2, copies = stores + m->n_labels;
	unsigned sends = copies + m->n_labels * NAIVE_SPOTS;
	struct naive_access a = { .store = -1, .label = -1, .purpose = -1 };

	if (*n < stores) {
		a.store = *n / 2;
		a.op = AM_OP_READ + *n % 2;
	} else if (*n < copies) {
		a.op = AM_OP_READ;
		a.label = *n - stores;
	} else if (*n < sends) {
		a.op = AM_OP_SEND;
		a.label = (*n - copies) / NAIVE_SPOTS;
		a.spot = naive_spot((*n - copies) % NAIVE_SPOTS);
	} else if (*n < sends + m->n_purposes) {
		a.op = AM_OP_USE;
		a.purpose = *n - sends;
	} else {
		return false;
	}
	++*n;
	*ret = a;
	return true;
}
