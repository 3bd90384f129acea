// SPDX-License-Identifier: GPL-2.0
#include "policy/image.h"

#include <string.h>

#include "decide.h"
#include "policy/path.h"

void am_image_free(struct am_image *image)
{
	if (!image)
		return;
	free(image->policy);
	free(image->facts);
	free(image->nets);
	free(image->exes);
	free(image->cgroups);
	free(image->narrows);
	free(image->roots);
	free(image->stores);
	free(image);
}

void am_image_stamp(struct am_image *image, uint32_t generation)
{
	image->policy->generation = generation;
	for (size_t i = 0; i < image->n_facts; i++)
		image->facts[i].key.generation = generation;
	for (size_t i = 0; i < image->n_nets; i++)
		image->nets[i].key.generation = generation;
}

/* ---- cgroups and purposes --------------------------------------------------- */

void am_image_cgroup_join(struct am_image_cgroup_at *at, size_t n)
{
	/* Joining what has been joined already changes nothing. */
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			if (!strcmp(at[i].path, at[j].path) ||
			    am_path_is_below(at[i].path, at[j].path))
				am_set_join(&at[i].set, &at[j].set);
}

unsigned am_image_narrow(const struct am_image *image, const struct am_model *model,
			 unsigned subject, uint64_t purposes)
{
	const char *own = subject < model->n_subjects ? model->subjects[subject].purpose : NULL;

	if (!purposes)
		return subject;
	for (unsigned n = 1; own && n < AM_PURPOSES_MAX; n++)
		if (purposes >> n & 1 && image->purposes[n] && !strcmp(image->purposes[n], own))
			return subject;
	for (size_t i = 0; i < image->n_narrows; i++)
		if (image->narrows[i].subject == subject && image->narrows[i].purposes == purposes)
			return image->narrows[i].bit;
	return AM_SUBJECTS_MAX;
}

bool am_image_may_use(const struct am_image *image, const struct am_set *bits, unsigned purpose)
{
	const struct am_grant *g;

	if (!purpose || purpose >= AM_PURPOSES_MAX || !image->purposes[purpose])
		return false;
	g = &image->use[purpose];
	return am_set_meets(bits, &g->allow) && !am_set_meets(bits, &g->deny);
}

/* ---- destinations: the kernel's look-ups, one by one ------------------------ */

static bool net_holds(const struct am_net_key *key, const uint8_t addr[16])
{
	unsigned prefix = key->prefixlen - 32, bytes = prefix / 8, bits = prefix % 8;

	if (memcmp(key->addr, addr, bytes))
		return false;
	return !bits || !((key->addr[bytes] ^ addr[bytes]) >> (8 - bits));
}

static const struct am_zones *find_net(const struct am_image *image, const uint8_t addr[16])
{
	const struct am_image_net *best = NULL;

	for (size_t i = 0; i < image->n_nets; i++) {
		const struct am_image_net *net = &image->nets[i];

		if ((!best || net->key.prefixlen > best->key.prefixlen) &&
		    net_holds(&net->key, addr))
			best = net;
	}
	return best ? &best->zones : &image->policy->zones_unlisted;
}

static const struct am_set *find_fact(const struct am_image *image, enum am_fact kind,
				      uint64_t value)
{
	for (size_t i = 0; i < image->n_facts; i++)
		if (image->facts[i].key.kind == kind && image->facts[i].key.value == value)
			return &image->facts[i].set;
	return NULL;
}

const struct am_set *am_image_fact_set(const struct am_image *image, enum am_fact kind,
				       uint64_t value)
{
	const struct am_set *set = find_fact(image, kind, value);

	return set ? set : &image->policy->unlisted[kind];
}

void am_image_zones(const struct am_image *image, const uint8_t addr[16], uint8_t proto,
		    uint16_t port, struct am_zones *ret)
{
	const struct am_zones *of_net = find_net(image, addr);
	const struct am_set *of_port = find_fact(image, AM_FACT_PORT, AM_PORT(proto, port));
	struct am_zones zones = { 0 };

	if (!of_port)
		of_port = find_fact(image, AM_FACT_PORT, AM_PORT(proto, 0));
	if (!of_port)
		of_port = &image->policy->unlisted[AM_FACT_PORT];
	zones.count = of_net->count;
	for (unsigned i = 0; i < of_net->count; i++)
		zones.id[i] = am_set_has(of_port, of_net->id[i]) ? of_net->id[i] : AM_ZONE_ANYWHERE;
	*ret = zones;
}
