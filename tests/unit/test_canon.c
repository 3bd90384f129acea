// SPDX-License-Identifier: GPL-2.0
/* The canonical text: the same for all texts of one policy, another for another policy,
 * and read back it is that policy. Random policies are written down twice, each time in
 * another order and another way; models are compared by names, which knows nothing of
 * how the canonical text orders them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "bundle_text.h"
#include "chance.h"
#include "policy/canon.h"

enum { POLICIES = 400 };

static char *canon_of(const struct am_model *m)
{
	struct am_diags d;
	char *text = NULL;
	size_t len;

	am_diags_init(&d);
	assert_int_equal(am_canon_write(m, &d, &text, &len), 0);
	assert_int_equal(d.count, 0);
	assert_int_equal(strlen(text), len);
	am_diags_done(&d);
	return text;
}

static char *canon_of_text(const char *text)
{
	am_auto(am_model) struct am_model *m = model_of(text);

	return canon_of(m);
}

/* ---- are two models the same policy? ---------------------------------------- */

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool has_path(const struct am_model_store *s, const char *path)
{
	for (size_t i = 0; i < s->n_paths; i++)
		if (!strcmp(s->paths[i].path, path))
			return true;
	return false;
}

static bool has_label(const struct am_model *m, const struct am_model_store *s, const char *name)
{
	for (size_t i = 0; i < s->n_labels; i++)
		if (!strcmp(m->labels[s->labels[i]].name, name))
			return true;
	return false;
}

static bool has_purpose(const struct am_model *m, const struct am_model_store *s,
			const char *name)
{
	for (size_t i = 0; i < s->n_purposes; i++)
		if (!strcmp(m->purposes[s->purposes[i]].name, name))
			return true;
	return false;
}

static bool same_store(const struct am_model *m, const struct am_model_store *a,
		       const struct am_model *n, const struct am_model_store *b)
{
	for (size_t i = 0; i < a->n_paths; i++)
		if (!has_path(b, a->paths[i].path))
			return false;
	for (size_t i = 0; i < a->n_labels; i++)
		if (!has_label(n, b, m->labels[a->labels[i]].name))
			return false;
	for (size_t i = 0; i < a->n_purposes; i++)
		if (!has_purpose(n, b, m->purposes[a->purposes[i]].name))
			return false;
	return !strcmp(a->name, b->name) && a->n_paths == b->n_paths &&
	       a->n_labels == b->n_labels && a->n_purposes == b->n_purposes &&
	       a->mode == b->mode &&
	       a->error_allow == b->error_allow && a->spill_deny == b->spill_deny &&
	       a->strict == b->strict && same_text(a->class, b->class);
}

static bool same_subject(const struct am_model_subject *a, const struct am_model_subject *b)
{
	return !strcmp(a->name, b->name) && same_text(a->exe, b->exe) &&
	       same_text(a->user, b->user) && same_text(a->group, b->group) &&
	       same_text(a->login, b->login) && same_text(a->unit, b->unit) &&
	       same_text(a->cgroup, b->cgroup) && same_text(a->script, b->script) &&
	       same_text(a->purpose, b->purpose) && a->pinned == b->pinned &&
	       !memcmp(a->sha256, b->sha256, sizeof(a->sha256)) &&
	       same_text(a->third_party, b->third_party);
}

static bool same_zone(const struct am_model_zone *a, const struct am_model_zone *b)
{
	size_t found = 0;

	for (size_t i = 0; i < a->n_nets; i++)
		for (size_t j = 0; j < b->n_nets; j++)
			found += a->nets[i].prefix == b->nets[j].prefix &&
				 !memcmp(a->nets[i].addr, b->nets[j].addr, 16);
	for (size_t i = 0; i < a->n_ports; i++)
		for (size_t j = 0; j < b->n_ports; j++)
			found += a->ports[i].proto == b->ports[j].proto &&
				 a->ports[i].port == b->ports[j].port &&
				 a->ports[i].last == b->ports[j].last;
	return !strcmp(a->name, b->name) && a->n_nets == b->n_nets && a->n_ports == b->n_ports &&
	       found == a->n_nets + a->n_ports;
}

static const char *store_name(const struct am_model *m, int i)
{
	return i == AM_RULE_EVERYTHING ? "everything" : m->stores[i].name;
}

static const char *label_name(const struct am_model *m, int i)
{
	return i == AM_RULE_EVERYTHING ? "everything" : m->labels[i].name;
}

static const char *purpose_name(const struct am_model *m, int i)
{
	return i == AM_RULE_EVERYTHING ? "everything" : m->purposes[i].name;
}

static const char *subject_name(const struct am_model *m, int i)
{
	return m->subjects[i].name;
}

static bool same_names(const struct am_model *m, const int *a, size_t n_a,
		       const struct am_model *n, const int *b, size_t n_b,
		       const char *(*name)(const struct am_model *m, int i))
{
	size_t found = 0;

	for (size_t i = 0; i < n_a; i++)
		for (size_t j = 0; j < n_b; j++)
			found += !strcmp(name(m, a[i]), name(n, b[j]));
	return n_a == n_b && found == n_a;
}

static bool same_rule(const struct am_model *m, const struct am_model_rule *a,
		      const struct am_model *n, const struct am_model_rule *b)
{
	const char *who_a = a->subject < 0 ? "anyone" : m->subjects[a->subject].name;
	const char *who_b = b->subject < 0 ? "anyone" : n->subjects[b->subject].name;

	return a->deny == b->deny && a->ops == b->ops && !strcmp(who_a, who_b) &&
	       same_names(m, a->stores, a->n_stores, n, b->stores, b->n_stores, store_name) &&
	       same_names(m, a->labels, a->n_labels, n, b->labels, b->n_labels, label_name) &&
	       same_names(m, a->purposes, a->n_purposes, n, b->purposes, b->n_purposes,
			  purpose_name) &&
	       same_names(m, a->zones, a->n_zones, n, b->zones, b->n_zones, am_model_zone_name);
}

static bool same_invariant(const struct am_model *m, const struct am_model_invariant *a,
			   const struct am_model *n, const struct am_model_invariant *b)
{
	return a->who == b->who && a->ops == b->ops &&
	       same_names(m, a->subjects, a->n_subjects, n, b->subjects, b->n_subjects,
			  subject_name) &&
	       same_names(m, a->stores, a->n_stores, n, b->stores, b->n_stores, store_name) &&
	       same_names(m, a->labels, a->n_labels, n, b->labels, b->n_labels, label_name) &&
	       same_names(m, a->purposes, a->n_purposes, n, b->purposes, b->n_purposes,
			  purpose_name) &&
	       same_names(m, a->zones, a->n_zones, n, b->zones, b->n_zones, am_model_zone_name);
}

static bool has_invariant(const struct am_model *m, const struct am_model *n,
			  const struct am_model_invariant *inv)
{
	for (size_t i = 0; i < m->n_invariants; i++)
		if (same_invariant(m, &m->invariants[i], n, inv))
			return true;
	return false;
}

static bool has_rule(const struct am_model *m, const struct am_model *n,
		     const struct am_model_rule *rule)
{
	for (size_t i = 0; i < m->n_rules; i++)
		if (same_rule(m, &m->rules[i], n, rule))
			return true;
	return false;
}

/* Everything of `a` is in `b`; both ways round, they are the same. */
static bool is_in(const struct am_model *a, const struct am_model *b)
{
	size_t found = 0;

	for (size_t i = 0; i < a->n_labels; i++)
		for (size_t j = 0; j < b->n_labels; j++)
			found += !strcmp(a->labels[i].name, b->labels[j].name);
	for (size_t i = 0; i < a->n_stores; i++)
		for (size_t j = 0; j < b->n_stores; j++)
			found += same_store(a, &a->stores[i], b, &b->stores[j]);
	for (size_t i = 0; i < a->n_subjects; i++)
		for (size_t j = 0; j < b->n_subjects; j++)
			found += same_subject(&a->subjects[i], &b->subjects[j]);
	for (size_t i = 0; i < a->n_zones; i++)
		for (size_t j = 0; j < b->n_zones; j++)
			found += same_zone(&a->zones[i], &b->zones[j]);
	for (size_t i = 0; i < a->n_purposes; i++)
		for (size_t j = 0; j < b->n_purposes; j++)
			found += !strcmp(a->purposes[i].name, b->purposes[j].name);
	for (size_t i = 0; i < a->n_rules; i++)
		found += has_rule(b, a, &a->rules[i]);
	for (size_t i = 0; i < a->n_invariants; i++)
		found += has_invariant(b, a, &a->invariants[i]);
	return found == a->n_labels + a->n_purposes + a->n_stores + a->n_subjects + a->n_zones +
			a->n_rules + a->n_invariants;
}

static bool same_policy(const struct am_model *a, const struct am_model *b)
{
	return !strcmp(a->name, b->name) && a->mode == b->mode && is_in(a, b) && is_in(b, a);
}

/* ---- chance ----------------------------------------------------------------- */

static void shuffle(unsigned *order, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		order[i] = i;
	for (unsigned i = n; i > 1; i--) {
		unsigned j = below(i), t = order[i - 1];

		order[i - 1] = order[j];
		order[j] = t;
	}
}

/* ---- a random policy -------------------------------------------------------- */

enum { MANY = 6 };

/* What is meant; how it is written is chance. Sets are bits of the lists below. */
struct meant {
	bool enforce;
	unsigned labels, purposes, stores, subjects, zones, rules, invariants;	/* how many */
	struct {
		unsigned paths, labels, purposes, class;
		bool enforce, spill, error, strict;
	} store[MANY];
	struct {
		unsigned exe, digest, user, group, login, cgroup, script, purpose, party;
	} subject[MANY];
	struct {
		unsigned nets, ports;
	} zone[MANY];
	struct {
		bool deny, all;
		unsigned who, ops, what, zones;
	} rule[2 * MANY];
	struct {
		unsigned who, subjects, ops, stores, labels, purposes, zones;
		bool all;
	} invariant[MANY];
};

/* Values with what is plain, what takes quotes, and what looks like something else. */
static const char *const classes[] = { "restricted", "top secret", "a: b", "#1", "\"q\" \\",
				       " leading", "- x", "\xda\xa9\xd9\x84\xd8\xa7\xd8\xb3" };
static const char *const exes[] = { "/bin/x", "/opt/a b/c", "/opt/it's/\"x\"", "/opt/-/\\n" };
static const char *const users[] = { "root", "1500", "-", "~", "null", "*", "&a", "DOM\\u", "{}" };
static const char *const parties[] = { "ACME", "ACME (Pvt.) Ltd", "x  y", "trailing ", "!tag",
				       "a # b", "\xf0\x9f\x94\x92" };
static const char *const nets[] = { "10.0.0.0/8", "192.0.2.1/32", "0.0.0.0/0", "fd00::/8", "::/0",
				    "::1/128" };
static const char *const ports[] = { "tcp", "udp", "tcp/80", "tcp/443", "udp/53", "udp/65535",
				     "sctp", "icmp", "sctp/1-65535", "tcp/80-90", "tcp/80-443" };
/* Units, and then cgroups. */
static const char *const cgroups[] = { "sim-desk.service", "desk@3.service", "a\\x2db.scope",
				       "/system.slice/x y", "/a/b" };
enum { UNITS = 3 };
static const char *const digests[] = {
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
	"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
};
static const char *const zones[] = { "anywhere", "local", "loopback", "terminal" };

#define COUNT(array) ((unsigned)(sizeof(array) / sizeof(*(array))))

/* At least one of n; of none, none. */
static unsigned some(unsigned n)
{
	return n ? 1 + below((1U << n) - 1) : 0;
}

static void mean(struct meant *p)
{
	*p = (struct meant){ .enforce = one_in(2), .labels = 1 + below(MANY),
			     .purposes = below(4), .invariants = below(MANY + 1),
			     .stores = below(MANY + 1), .subjects = 1 + below(MANY),
			     .zones = below(MANY + 1), .rules = below(2 * MANY + 1) };
	if (!p->stores)
		p->rules = 0;
	for (unsigned i = 0; i < p->stores; i++) {
		p->store[i].paths = some(4);
		p->store[i].labels = some(p->labels);
		p->store[i].purposes = below(1U << p->purposes);
		p->store[i].class = below(COUNT(classes) + 1);
		p->store[i].enforce = one_in(2);
		p->store[i].spill = one_in(3);
		p->store[i].error = one_in(3);
		p->store[i].strict = one_in(3);
	}
	for (unsigned i = 0; i < p->subjects; i++) {
		p->subject[i].exe = below(COUNT(exes) + 1);
		p->subject[i].user = below(COUNT(users) + 1);
		p->subject[i].group = below(COUNT(users) + 1);
		p->subject[i].login = below(COUNT(users) + 1);
		p->subject[i].cgroup = below(COUNT(cgroups) + 1);
		p->subject[i].script = below(COUNT(exes) + 1);
		p->subject[i].purpose = below(p->purposes + 1);
		p->subject[i].digest = p->subject[i].exe ? below(COUNT(digests) + 1) : 0;
		p->subject[i].party = below(COUNT(parties) + 1);
	}
	for (unsigned i = 0; i < p->zones; i++) {
		p->zone[i].nets = below(1U << COUNT(nets));
		p->zone[i].ports = below(1U << COUNT(ports));
	}
	for (unsigned i = 0; i < p->rules; i++) {
		p->rule[i].deny = one_in(3);
		p->rule[i].all = one_in(5);
		p->rule[i].who = below(p->subjects + 1);
		p->rule[i].ops = below(p->purposes ? 5 : 4);	/* read, write, both, send, use */
		/* Who needs a purpose to be it cannot take one on. */
		if (p->rule[i].ops == 4 && p->rule[i].who && p->subject[p->rule[i].who - 1].purpose)
			p->rule[i].who = 0;
		p->rule[i].what = some(p->rule[i].ops == 4 ? p->purposes :
				       p->rule[i].ops == 3 ? p->labels : p->stores);
		p->rule[i].zones = some(COUNT(zones) + p->zones);
	}
	if (!p->stores)
		p->invariants = 0;
	for (unsigned i = 0; i < p->invariants; i++) {
		p->invariant[i].who = below(4);
		p->invariant[i].subjects = some(p->subjects);
		p->invariant[i].ops = below(p->purposes ? 5 : 4);
		p->invariant[i].purposes = some(p->purposes);
		p->invariant[i].all = one_in(5);
		p->invariant[i].stores = some(p->stores);
		p->invariant[i].labels = some(p->labels);
		p->invariant[i].zones = some(COUNT(zones) + p->zones);
	}
}

/* ---- written in one of many ways -------------------------------------------- */

static void put_value(FILE *out, const char *text, bool plain)
{
	if (plain && one_in(2)) {
		fputs(text, out);
	} else if (one_in(2)) {
		fputc('\'', out);
		for (; *text; text++)
			fputs(*text == '\'' ? "''" : (char[]){ *text, 0 }, out);
		fputc('\'', out);
	} else {
		fputc('"', out);
		for (; *text; text++)
			if (*text == '"' || *text == '\\')
				fprintf(out, "\\%c", *text);
			else if ((unsigned char)*text < 0x80 && one_in(5))
				fprintf(out, "\\x%02x", *text);
			else
				fputc(*text, out);
		fputc('"', out);
	}
}

static void put_noise(FILE *out)
{
	if (one_in(6))
		fputs("# serial 7\n", out);
	if (one_in(6))
		fputc('\n', out);
}

/* The chosen ones of n values in any order, as a list of either form. */
static void put_list(FILE *out, const char *key, unsigned set, unsigned n,
		     void (*put)(FILE *out, unsigned i))
{
	unsigned order[32], left = __builtin_popcount(set);
	bool flow = one_in(2);

	shuffle(order, n);
	fprintf(out, "    %s:%s", key, flow ? " [" : "\n");
	for (unsigned i = 0; i < n; i++) {
		if (!(set >> order[i] & 1))
			continue;
		fputs(flow ? "" : "      -   ", out);
		put(out, order[i]);
		fputs(flow ? --left ? ",  " : "" : "\n", out);
	}
	fputs(flow ? "]\n" : "", out);
}

static unsigned store_now;	/* whose paths are put */

static void put_path(FILE *out, unsigned i)
{
	static const char *const slashes[] = { "/", "//", "/./" };
	char path[64];

	snprintf(path, sizeof(path), "%ss/%u%sp%u%s", slashes[below(3)], store_now,
		 slashes[below(3)], i, one_in(2) ? "/" : "");
	put_value(out, path, true);
}

static void put_label(FILE *out, unsigned i)
{
	char name[16];

	snprintf(name, sizeof(name), "l%u", i);
	put_value(out, name, true);
}

static void put_purpose(FILE *out, unsigned i)
{
	char name[16];

	snprintf(name, sizeof(name), "p%u", i);
	put_value(out, name, true);
}

static void put_net(FILE *out, unsigned i)
{
	put_value(out, i == 1 && one_in(2) ? "192.0.2.1" : nets[i], false);
}

static void put_port(FILE *out, unsigned i)
{
	put_value(out, ports[i], true);
}

static void put_chosen(FILE *out, const char *key, const char *const *values, unsigned chosen,
		       bool plain)
{
	if (!chosen)
		return;
	fprintf(out, "    %s:  ", key);
	put_value(out, values[chosen - 1], plain);
	fputc('\n', out);
}

/* A default may be said or not. */
static void put_word(FILE *out, const char *key, bool value, const char *yes, const char *no)
{
	if (value || one_in(2))
		fprintf(out, "    %s: %s\n", key, value ? yes : no);
}

static void put_store(FILE *out, const struct meant *p, unsigned i)
{
	unsigned order[8];

	store_now = i;
	shuffle(order, 8);
	fprintf(out, "  s%u:\n", i);
	for (unsigned k = 0; k < 8; k++) {
		if (order[k] == 0)
			put_list(out, "paths", p->store[i].paths, 4, put_path);
		else if (order[k] == 1)
			put_list(out, "labels", p->store[i].labels, p->labels, put_label);
		else if (order[k] == 2)
			put_chosen(out, "class", classes, p->store[i].class, false);
		else if (order[k] == 3 && (p->store[i].enforce != p->enforce || one_in(2)))
			fprintf(out, "    mode: %s\n", p->store[i].enforce ? "enforce" : "observe");
		else if (order[k] == 4)
			put_word(out, "spill", p->store[i].spill, "deny", "track");
		else if (order[k] == 5)
			put_word(out, "on-error", p->store[i].error, "allow", "deny");
		else if (order[k] == 6)
			put_word(out, "strict", p->store[i].strict, "true", "false");
		else if (order[k] == 7 && p->store[i].purposes)
			put_list(out, "purposes", p->store[i].purposes, p->purposes, put_purpose);
		put_noise(out);
	}
}

static void put_digest(FILE *out, unsigned chosen)
{
	if (!chosen)
		return;
	fputs("    sha256: '", out);
	for (const char *c = digests[chosen - 1]; *c; c++)
		fputc(one_in(2) && *c >= 'a' ? *c - 'a' + 'A' : *c, out);
	fputs("'\n", out);
}

static void put_subject_key(FILE *out, const struct meant *p, unsigned i, unsigned key)
{
	unsigned cgroup = p->subject[i].cgroup;

	if (key == 0)
		put_chosen(out, "exe", exes, p->subject[i].exe, false);
	else if (key == 1)
		put_chosen(out, "user", users, p->subject[i].user, false);
	else if (key == 2)
		put_chosen(out, "group", users, p->subject[i].group, false);
	else if (key == 3)
		put_chosen(out, "third-party", parties, p->subject[i].party, false);
	else if (key == 4)
		put_chosen(out, "login", users, p->subject[i].login, false);
	else if (key == 5)
		put_chosen(out, cgroup > UNITS ? "cgroup" : "unit", cgroups, cgroup, false);
	else if (key == 6)
		put_chosen(out, "script", exes, p->subject[i].script, false);
	else if (key == 7 && p->subject[i].purpose)
		fprintf(out, "    purpose: p%u\n", p->subject[i].purpose - 1);
	else if (key == 8)
		put_digest(out, p->subject[i].digest);
}

static void put_subject(FILE *out, const struct meant *p, unsigned i)
{
	static const struct meant none;
	bool empty = !memcmp(&p->subject[i], &none.subject[0], sizeof(p->subject[i]));
	unsigned order[9];

	shuffle(order, 9);
	fprintf(out, "  u%u:%s\n", i, empty ? " {}" : "");
	for (unsigned k = 0; k < 9; k++)
		put_subject_key(out, p, i, order[k]);
}

static void put_zone(FILE *out, const struct meant *p, unsigned i)
{
	bool neither = !p->zone[i].nets && !p->zone[i].ports;

	fprintf(out, "  z%u:\n", i);
	if (p->zone[i].ports)
		put_list(out, "ports", p->zone[i].ports, COUNT(ports), put_port);
	else if (one_in(2))
		fputs("    ports: any\n", out);
	if (p->zone[i].nets)
		put_list(out, "cidr", p->zone[i].nets, COUNT(nets), put_net);
	else if (neither || one_in(2))
		fputs(one_in(2) ? "    cidr: any\n" : "    cidr: [any]\n", out);
}

static void put_names(FILE *out, char letter, unsigned set, unsigned n)
{
	unsigned order[32];
	const char *comma = "";

	shuffle(order, n);
	for (unsigned i = 0; i < n; i++) {
		if (!(set >> order[i] & 1))
			continue;
		fputs(comma, out);
		if (letter == 'z' && order[i] < COUNT(zones))
			fputs(zones[order[i]], out);
		else
			fprintf(out, "%c%u", letter, order[i] - (letter == 'z' ? COUNT(zones) : 0));
		comma = one_in(2) ? "," : " , ";
	}
}

static const char *const ops[][2] = {
	{ "read", "read" }, { "write", "write" }, { "read, write", "write,read" },
	{ "send", "send" }, { "use", "use" },
};

static void put_rule(FILE *out, const struct meant *p, unsigned i)
{
	unsigned op = p->rule[i].ops;

	fprintf(out, "  - %s%s\n     ", one_in(2) ? "" : ">-\n    ",
		p->rule[i].deny ? "deny" : "allow");
	if (p->rule[i].who)
		fprintf(out, "u%u", p->rule[i].who - 1);
	else
		fputs("anyone", out);
	fprintf(out, " %s %s ", one_in(2) ? "to" : " to\n     ", ops[op][below(2)]);
	if (p->rule[i].all)
		fputs("everything", out);
	else
		put_names(out, op == 4 ? 'p' : op == 3 ? 'l' : 's', p->rule[i].what,
			  op == 4 ? p->purposes : op == 3 ? p->labels : p->stores);
	if (op == 3) {
		fputs(" to ", out);
		put_names(out, 'z', p->rule[i].zones, COUNT(zones) + p->zones);
	}
	fputc('\n', out);
	if (one_in(8))
		put_rule(out, p, i);	/* once more */
}

static void put_never_who(FILE *out, const struct meant *p, unsigned i)
{
	static const char *const who[] = { "", "anyone", "anyone but ", "third-party" };

	fprintf(out, "  - never  %s", who[p->invariant[i].who]);
	if (p->invariant[i].who == 0)
		fprintf(out, "u%u", p->invariant[i].subjects % p->subjects);
	else if (p->invariant[i].who == 2)
		put_names(out, 'u', p->invariant[i].subjects, p->subjects);
}

static void put_invariant(FILE *out, const struct meant *p, unsigned i)
{
	unsigned op = p->invariant[i].ops;
	bool labels_first = one_in(2), both = op == 0 && !p->invariant[i].all;

	put_never_who(out, p, i);
	fprintf(out, " may %s ", ops[op][below(2)]);
	if (p->invariant[i].all && op == 3)
		fputs(one_in(2) ? "everything" : "all labels", out);
	else if (p->invariant[i].all)
		fputs("everything", out);
	if (op == 3 && !p->invariant[i].all)
		put_names(out, 'l', p->invariant[i].labels, p->labels);
	if (op == 4 && !p->invariant[i].all)
		put_names(out, 'p', p->invariant[i].purposes, p->purposes);
	if (both && labels_first)
		put_names(out, 'l', p->invariant[i].labels, p->labels);
	if (op < 3 && !p->invariant[i].all) {
		fputs(both && labels_first ? "," : "", out);
		put_names(out, 's', p->invariant[i].stores, p->stores);
	}
	if (both && !labels_first) {
		fputs(", ", out);
		put_names(out, 'l', p->invariant[i].labels, p->labels);
	}
	if (op == 3) {
		fputs(" to ", out);
		put_names(out, 'z', p->invariant[i].zones, COUNT(zones) + p->zones);
	}
	fputc('\n', out);
	if (one_in(8))
		put_invariant(out, p, i);	/* once more */
}

static void put_labels(FILE *out, const struct meant *p)
{
	unsigned order[MANY];

	shuffle(order, p->labels);
	fputs("labels:\n", out);
	for (unsigned i = 0; i < p->labels; i++)
		fprintf(out, "- l%u  # %u\n", order[i], i);
}

static void put_purposes(FILE *out, const struct meant *p)
{
	unsigned order[MANY];

	shuffle(order, p->purposes);
	fprintf(out, "purposes: [");
	for (unsigned i = 0; i < p->purposes; i++)
		fprintf(out, "p%u,", order[i]);
	fputs("]\n", out);
}

static void put_entries(FILE *out, const char *section, const struct meant *p, unsigned n,
			void (*put)(FILE *out, const struct meant *p, unsigned i))
{
	unsigned order[2 * MANY];

	shuffle(order, n);
	if (n)
		fprintf(out, "%s:\n", section);
	for (unsigned i = 0; i < n; i++)
		put(out, p, order[i]);
}

static char *write_down(const struct meant *p)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	unsigned order[9];

	assert_non_null(out);
	shuffle(order, 9);
	for (unsigned k = 0; k < 9; k++) {
		put_noise(out);
		if (order[k] == 0)
			fputs("version: 1\n", out);
		else if (order[k] == 1)
			fprintf(out, "mode: %s\nname: 'n'\n", p->enforce ? "enforce" : "observe");
		else if (order[k] == 2)
			put_labels(out, p);
		else if (order[k] == 3)
			put_entries(out, "stores", p, p->stores, put_store);
		else if (order[k] == 4)
			put_entries(out, "subjects", p, p->subjects, put_subject);
		else if (order[k] == 5)
			put_entries(out, "zones", p, p->zones, put_zone);
		else if (order[k] == 6)
			put_entries(out, "invariants", p, p->invariants, put_invariant);
		else if (order[k] == 7)
			put_purposes(out, p);
		else
			put_entries(out, "rules", p, p->rules, put_rule);
	}
	assert_int_equal(fclose(out), 0);
	return text;
}

static void texts_that_mean_the_same_give_the_same_bytes(void **state)
{
	(void)state;
	chance = 0x9e3779b97f4a7c15;
	for (unsigned i = 0; i < POLICIES; i++) {
		struct meant p;

		mean(&p);
		{
			am_autofree char *one = write_down(&p), *two = write_down(&p);
			am_autofree char *a = canon_of_text(one), *b = canon_of_text(two);

			if (strcmp(a, b))
				fail_msg("%s\n----\n%s\n----\n%s\n----\n%s", one, two, a, b);
		}
	}
}

static void reads_back_as_the_policy_it_was_written_from(void **state)
{
	unsigned rules = 0;

	(void)state;
	chance = 0x2545f4914f6cdd1d;
	for (unsigned i = 0; i < POLICIES; i++) {
		struct meant p;

		mean(&p);
		{
			am_autofree char *text = write_down(&p);
			am_auto(am_model) struct am_model *m = model_of(text);
			am_autofree char *canon = canon_of(m);
			am_auto(am_model) struct am_model *back = model_of(canon);
			am_autofree char *again = canon_of(back);

			if (!same_policy(m, back))
				fail_msg("%s\n----\n%s", text, canon);
			assert_string_equal(again, canon);
			rules += back->n_rules;
		}
	}
	assert_true(rules > POLICIES);	/* else the generator got nowhere */
}

/* Whatever is changed in what is meant, the bytes change. */
static void policies_that_differ_give_other_bytes(void **state)
{
	unsigned differed = 0;

	(void)state;
	chance = 0xda942042e4dd58b5;
	for (unsigned i = 0; i < POLICIES; i++) {
		struct meant p, q;

		mean(&p);
		q = p;
		q.store[0].class = (p.store[0].class + below(2)) % (COUNT(classes) + 1);
		q.store[0].labels = some(p.labels);
		q.store[0].strict ^= one_in(3);
		q.subject[0].user = below(COUNT(users) + 1);
		q.rule[0].deny ^= one_in(3);
		{
			am_autofree char *one = write_down(&p), *two = write_down(&q);
			am_auto(am_model) struct am_model *m = model_of(one), *n = model_of(two);
			am_autofree char *a = canon_of(m), *b = canon_of(n);
			bool same = same_policy(m, n);

			assert_int_equal(same, strcmp(a, b) == 0);
			differed += !same;
		}
	}
	assert_true(differed > POLICIES / 2 && differed < POLICIES);
}

/* ---- by hand ---------------------------------------------------------------- */

static void writes_what_the_header_of_its_file_says(void **state)
{
	static const char policy[] =
		"rules:\n"
		"  - deny vendor to send everything to anywhere\n"
		"  - allow db to send l2, l1 to office, local\n"
		"  - allow db to write,read b, a\n"
		"  - allow anyone to read a\n"
		"  - allow   db to read,write a,b\n"
		"zones:\n"
		"  web: {ports: [tcp/443, udp, tcp/80]}\n"
		"  office: {cidr: ['fd00:0::/8', 10.0.0.7, 10.0.0.0/8], ports: any}\n"
		"  net: {cidr: any}\n"
		"subjects: {vendor: {user: 1500, third-party: ACME Ltd}, nobody: {}, db: {exe: /b/d}}\n"
		"stores:\n"
		"  b: {paths: [/srv/b], labels: [l2, l1], mode: observe, spill: track}\n"
		"  a: {paths: ['/srv/x y', /srv//a/], labels: [l1], class: 'a \"b\" \\c', strict: true,\n"
		"      spill: deny, on-error: allow, mode: enforce}\n"
		"labels: [l2, l1]\n"
		"mode: enforce\n"
		"name: n.1\n"
		"version: 1\n";
	static const char canon[] =
		"version: 1\n"
		"name: n.1\n"
		"mode: enforce\n"
		"labels:\n"
		"  - l1\n"
		"  - l2\n"
		"stores:\n"
		"  a:\n"
		"    paths:\n"
		"      - /srv/a\n"
		"      - \"/srv/x y\"\n"
		"    labels:\n"
		"      - l1\n"
		"    class: \"a \\\"b\\\" \\\\c\"\n"
		"    spill: deny\n"
		"    on-error: allow\n"
		"    strict: true\n"
		"  b:\n"
		"    paths:\n"
		"      - /srv/b\n"
		"    labels:\n"
		"      - l1\n"
		"      - l2\n"
		"    mode: observe\n"
		"subjects:\n"
		"  db:\n"
		"    exe: /b/d\n"
		"  nobody: {}\n"
		"  vendor:\n"
		"    user: 1500\n"
		"    third-party: \"ACME Ltd\"\n"
		"zones:\n"
		"  net:\n"
		"    cidr: any\n"
		"  office:\n"
		"    cidr:\n"
		"      - 10.0.0.0/8\n"
		"      - 10.0.0.7/32\n"
		"      - \"fd00::/8\"\n"
		"  web:\n"
		"    ports:\n"
		"      - tcp/80\n"
		"      - tcp/443\n"
		"      - udp\n"
		"rules:\n"
		"  - allow anyone to read a\n"
		"  - allow db to read, write a, b\n"
		"  - allow db to send l1, l2 to local, office\n"
		"  - deny vendor to send everything to anywhere\n";
	am_autofree char *text = canon_of_text(policy), *again = canon_of_text(canon);

	(void)state;
	assert_string_equal(text, canon);
	assert_string_equal(again, canon);
}

/* What a name is, the invariant does not say; what it stands for stays the same. */
static void a_name_of_a_store_and_a_label_is_written_once(void **state)
{
	am_auto(am_model) struct am_model *m = model_of(
		"version: 1\nname: p\nmode: observe\nlabels: [a, b]\n"
		"stores: {a: {paths: [/a], labels: [a]}, b: {paths: [/b], labels: [b]}}\n"
		"subjects: {u: {user: root}}\n"
		"invariants:\n  - never anyone may read b, a\n  - never u may read, write b\n");
	am_autofree char *canon = canon_of(m);
	am_auto(am_model) struct am_model *back = model_of(canon);

	(void)state;
	assert_int_equal(m->invariants[0].n_labels, 2);
	assert_non_null(strstr(canon, "invariants:\n  - never anyone may read a, b\n"
				      "  - never u may read, write b\n"));
	assert_true(same_policy(m, back));
}

static void leaves_out_sections_that_are_empty(void **state)
{
	am_autofree char *text = canon_of_text("{version: 1, name: p, mode: observe, labels: [], "
					       "stores: {}, subjects: {}, zones: {}, rules: [], "
					       "purposes: [], invariants: []}");

	(void)state;
	assert_string_equal(text, "version: 1\nname: p\nmode: observe\n");
}

/* Every member in its place: one that is added does not compile here before canon.c has
 * been taught to write it (or need not, as `pos`). It would be signed away in silence. */
static void knows_every_part_of_a_model(void **state)
{
	struct am_pos pos = { "f", 1, 1 };
	struct am_model_label label = { "l", pos };
	struct am_model_path path = { "/s", pos };
	struct am_model_purpose purpose = { "p", pos };
	unsigned labels[] = { 0 };
	struct am_model_store store = { "s", pos, &path, 1, labels, 1, labels, 1, AM_MODE_OBSERVE,
					true, true, true, "c" };
	struct am_model_subject subject = { "u", pos, "/e", "1", "2", "3", "a.service", "/c", "/s",
					    "p", pos, pos, pos, pos, pos, pos, pos, true, { 0xab },
					    pos, "t" };
	struct am_model_net net = { { 0 }, 0, pos };
	struct am_model_port port = { 17, 53, 54 };
	struct am_model_zone zone = { "z", pos, &net, 1, &port, 1 };
	int first[] = { 0 }, where[] = { AM_ZONE_FIRST_USER };
	struct am_model_rule rules[] = {
		{ pos, "", true, 1U << AM_OP_READ, 0, first, 1, NULL, 0, NULL, 0, NULL, 0 },
		{ pos, "", true, 1U << AM_OP_SEND, 0, NULL, 0, first, 1, where, 1, NULL, 0 },
		{ pos, "", true, 1U << AM_OP_USE, 0, NULL, 0, NULL, 0, NULL, 0, first, 1 },
	};
	struct am_model_invariant invariants[] = {
		{ pos, "", AM_NEVER_ANYONE_BUT, first, 1, 1U << AM_OP_READ, first, 1, first, 1,
		  NULL, 0, NULL, 0 },
		{ pos, "", AM_NEVER_THIRD_PARTY, NULL, 0, 1U << AM_OP_SEND, NULL, 0, first, 1,
		  where, 1, NULL, 0 },
		{ pos, "", AM_NEVER_ANYONE, NULL, 0, 1U << AM_OP_USE, NULL, 0, NULL, 0, NULL, 0,
		  first, 1 },
	};
	struct am_model m = { "p", AM_MODE_ENFORCE, &label, 1, &purpose, 1, &store, 1, &subject, 1,
			      &zone, 1, rules, 3, invariants, 3, 1, 1, 1, "f", NULL, 0 };
	am_autofree char *text = canon_of(&m);

	(void)state;
	assert_string_equal(text, "version: 1\nname: p\nmode: enforce\nlabels:\n  - l\n"
			    "purposes:\n  - p\n"
			    "stores:\n  s:\n    paths:\n      - /s\n    labels:\n      - l\n"
			    "    purposes:\n      - p\n"
			    "    class: c\n    mode: observe\n    spill: deny\n    on-error: allow\n"
			    "    strict: true\n"
			    "subjects:\n  u:\n    exe: /e\n    sha256: ab"
			    "00000000000000000000000000000000000000000000000000000000000000\n"
			    "    user: 1\n    group: 2\n    login: 3\n    unit: a.service\n"
			    "    cgroup: /c\n    script: /s\n    purpose: p\n"
			    "    third-party: t\n"
			    "zones:\n  z:\n    cidr:\n      - \"::/0\"\n    ports:\n"
			    "      - udp/53-54\n"
			    "rules:\n  - deny u to read s\n  - deny u to send l to z\n"
			    "  - deny u to use p\n"
			    "invariants:\n  - never anyone but u may read l, s\n"
			    "  - never anyone may use p\n"
			    "  - never third-party may send l to z\n");
}

/* ---- what cannot be written ------------------------------------------------- */

static void refuses_a_rule_that_gets_too_long_with_its_blanks(void **state)
{
	char *text = NULL, *canon = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	am_auto(am_model) struct am_model *m = NULL;
	struct am_diags d;

	(void)state;
	fputs("version: 1\nname: p\nmode: observe\nlabels: [l]\nstores:\n", out);
	for (unsigned i = 0; i < 1000; i++)
		fprintf(out, "  s%u: {paths: [/%u], labels: [l]}\n", i, i);
	fputs("rules:\n  - allow anyone to read s0", out);
	for (unsigned i = 1; i < 800; i++)
		fprintf(out, ",s%u", i);
	fputs("\n", out);
	fclose(out);
	m = model_of(text);
	am_diags_init(&d);
	assert_int_equal(am_canon_write(m, &d, &canon, &len), -EFBIG);
	assert_null(canon);
	assert_int_equal(d.errors, 1);
	assert_non_null(strstr(d.items[0].fact, "the rule is longer than 4096 bytes"));
	assert_int_equal(d.items[0].line, 1007);
	am_diags_done(&d);
	free(text);
}

static void refuses_a_policy_that_gets_too_large(void **state)
{
	char *text = NULL, *canon = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	am_auto(am_model) struct am_model *m = NULL;
	struct am_diags d;

	(void)state;
	fputs("version: 1\nname: p\nmode: observe\nlabels: [l]\nstores:\n  s:\n    labels: [l]\n"
	      "    paths: [", out);
	for (unsigned i = 0; i < 4096; i++)
		fprintf(out, "/%0254u/%0254u/%0254u/%0254u,", i, i, i, i);
	fputs("]\n", out);
	fclose(out);
	assert_true(len < AM_POLICY_BYTES_MAX);
	m = model_of(text);
	am_diags_init(&d);
	assert_int_equal(am_canon_write(m, &d, &canon, &len), -EFBIG);
	assert_null(canon);
	assert_int_equal(d.errors, 1);
	assert_non_null(strstr(d.items[0].fact, "larger than 4 MiB"));
	am_diags_done(&d);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_that_mean_the_same_give_the_same_bytes),
		cmocka_unit_test(reads_back_as_the_policy_it_was_written_from),
		cmocka_unit_test(policies_that_differ_give_other_bytes),
		cmocka_unit_test(writes_what_the_header_of_its_file_says),
		cmocka_unit_test(a_name_of_a_store_and_a_label_is_written_once),
		cmocka_unit_test(leaves_out_sections_that_are_empty),
		cmocka_unit_test(knows_every_part_of_a_model),
		cmocka_unit_test(refuses_a_rule_that_gets_too_long_with_its_blanks),
		cmocka_unit_test(refuses_a_policy_that_gets_too_large),
	};

	return cmocka_run_group_tests_name("canon", tests, NULL, NULL);
}
