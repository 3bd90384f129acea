/* SPDX-License-Identifier: GPL-2.0 */
/* Random policies, as texts, and random accesses to what they protect. The same on every
 * machine: `chance` is set by whoever begins. */
#pragma once

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "chance.h"
#include "policy_text.h"

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

	if (!out)
		abort();
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
	if (fclose(out))
		abort();
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
