/* SPDX-License-Identifier: GPL-2.0 */
/* What the rules of a random policy say of an access, twice. The naive side knows nothing
 * of bits, tries or images: it works on the model, with strings and loops. The compiled
 * side makes of the access the facts that the kernel would have. */
#pragma once

#include <arpa/inet.h>

#include "random_policy.h"

/* ---- the naive side --------------------------------------------------------- */

struct outcome {
	unsigned verdict, reason, enforce, culprits;	/* culprits: bit per label of the model */
};

static bool lies_below(const char *path, const char *outer)
{
	char prefix[80];

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

	if (inet_pton(v4 ? AF_INET : AF_INET6, addr, v4 ? bytes + 12 : bytes) != 1)
		abort();
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
	if (inet_pton(v4 ? AF_INET : AF_INET6, a->addr, v4 ? bytes + 12 : bytes) != 1)
		abort();
	am_image_zones(c->image, bytes, a->proto, a->port, &zones);
	return zones;
}

/* On the host: what the registry gave the purpose. */
static unsigned purpose_number(const struct compiled *c, unsigned purpose)
{
	return purpose ? am_registry_purpose(c->registry, c->model->purposes[purpose - 1].name) : 0;
}

/* What the kernel would know of the access. */
static struct am_facts facts_of(const struct compiled *c, const struct access *a)
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

	who.purpose = purpose;
	f.bits = bits_of(c->image, &who);
	if (a->store >= 0)
		f.store = store_named(c, c->model->stores[a->store].name);
	if (a->op == AM_OP_SEND)
		f.zones = zones_of(c, a);
	return f;
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

/* A random policy as this host would have it: its numbers of labels, purposes and stores
 * are moved by earlier policies. Whether it compiles; the text is the caller's. */
static bool random_compiled(struct compiled *c, char **ret_text)
{
	char name[16];

	*c = (struct compiled){ 0 };
	*ret_text = random_policy();
	if (am_registry_new(&c->registry))
		abort();
	for (unsigned i = below(50); i > 0; i--) {
		uint32_t id;

		snprintf(name, sizeof(name), "old%u", i);
		if (am_registry_label(c->registry, name) < 0 ||
		    am_registry_store(c->registry, name, NULL, 0, &id) ||
		    am_registry_purpose(c->registry, name) <= 0)
			abort();
	}
	if (compile_text(c, *ret_text))
		return false;
	for (size_t i = 0; i < c->model->n_stores; i++)
		carried[i] = labels_of(c->model, i);
	return true;
}

static void print_disagreement(const char *text, const struct access *a, const struct outcome *o,
			       const struct am_decision *d)
{
	fprintf(stderr, "%s\nop %u store %d labels %x exe %s uid %u gid %u where %u %s %u/%u\n",
		text, a->op, a->store, a->labels, a->who.exe, a->who.uid, a->who.gids[0],
		a->where, a->addr, a->proto, a->port);
	fprintf(stderr, "rules: %u %u %u %x, image: %u %u %u %llx\n", o->verdict, o->reason,
		o->enforce, o->culprits, d->verdict, d->reason, d->enforce,
		(unsigned long long)d->culprits);
}

/* Reasons that these accesses can have: every fact is known, and there is a policy. */
static inline bool can_come_up(unsigned reason)
{
	return reason != AM_REASON_UNKNOWN_FACT && reason != AM_REASON_NO_POLICY &&
	       reason != AM_REASON_UNRECORDED;
}
