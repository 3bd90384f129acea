// SPDX-License-Identifier: GPL-2.0
/* Who may send a label where under one policy only. The space has a destination for every
 * combination of zones; they are told as the zones that they make up, and where a zone is
 * touched in part, by an example. */
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "policy/differ.h"
#include "policy/reader.h"
#include "policy/set.h"

/* The destinations that one kind of task gains or loses. */
struct group {
	struct am_different who;
	bool *hit;	/* owned: per place of the space */
};

struct groups {
	struct group *items;	/* owned */
	size_t count;
};

static void done_groups(struct groups *g)
{
	for (size_t i = 0; i < g->count; i++)
		free(g->items[i].hit);
	free(g->items);
}

static void done_differents(struct am_differents *list)
{
	free(list->items);
}

/* ---- collecting ------------------------------------------------------------- */

static bool is_same_who(const struct am_who *a, const struct am_who *b)
{
	return am_who_contains(a, b) && am_who_contains(b, a);
}

static struct group *group_of(const struct am_space *space, struct groups *groups,
			      const struct am_different *who)
{
	struct group new = { .who = *who };

	for (size_t i = 0; i < groups->count; i++)
		if (is_same_who(&groups->items[i].who.who, &who->who))
			return &groups->items[i];
	new.hit = calloc(space->n_places, sizeof(*new.hit));
	if (!new.hit || AM_APPEND(groups->items, groups->count, new)) {
		free(new.hit);
		return NULL;
	}
	return &groups->items[groups->count - 1];
}

/* Terminals are open without a rule, also for a label that a policy does not have. */
static bool is_known(int label, const struct am_place *place)
{
	return label >= 0 || place->kind == AM_PLACE_TERMINAL;
}

static struct am_access send_of(int label, const struct am_place *place)
{
	return (struct am_access){ .op = AM_OP_SEND, .store = -1, .place = place,
				   .labels = label < 0 ? 0 : 1ULL << label };
}

static int collect_place(const struct am_differ *d, const int labels[AM_SPACE_POLICIES],
			 size_t place, struct groups *groups)
{
	__attribute__((cleanup(done_differents))) struct am_differents found = { 0 };
	const struct am_place *where = &d->space->places[place];
	struct am_access has = send_of(labels[d->has], where);
	struct am_access lacks = send_of(labels[d->lacks], where);
	int err;

	if (labels[d->has] < 0)
		return 0;
	err = am_differ_find(d, &has, is_known(labels[d->lacks], where) ? &lacks : NULL, &found);
	for (size_t i = 0; !err && i < found.count; i++) {
		struct group *g = group_of(d->space, groups, &found.items[i]);

		if (!g)
			return -ENOMEM;
		g->hit[place] = true;
	}
	return err;
}

/* ---- zones ------------------------------------------------------------------ */

struct zone {
	unsigned policy;
	unsigned id;
};

static void print_ports(const struct am_model_zone *z, FILE *out)
{
	for (size_t i = 0; i < z->n_ports; i++) {
		const struct am_model_port *p = &z->ports[i];
		const char *proto = am_proto_name(p->proto);

		fprintf(out, " %s", proto ? proto : "?");
		if (p->port)
			fprintf(out, "/%u", p->port);
		if (p->port && p->last != p->port)
			fprintf(out, "-%u", p->last);
	}
}

/* The name, and for a zone of the policy what it is: that may be what has changed. */
static void print_zone(const struct am_space *space, struct zone zone, FILE *out)
{
	const struct am_model *m = space->models[zone.policy];
	const struct am_model_zone *z;
	char net[64];

	fputs(am_model_zone_name(m, zone.id), out);
	if (zone.id < AM_ZONE_FIRST_USER)
		return;
	z = &m->zones[zone.id - AM_ZONE_FIRST_USER];
	fputs(z->n_nets ? " (" : " (any address", out);
	for (size_t i = 0; i < z->n_nets; i++) {
		am_net_format(z->nets[i].addr, z->nets[i].prefix, net, sizeof(net));
		fprintf(out, "%s%s", i ? " " : "", net);
	}
	print_ports(z, out);
	fputc(')', out);
}

static bool holds(const struct am_space *space, struct zone zone, size_t place)
{
	return am_set_has(&space->places[place].in[zone.policy], zone.id);
}

/* The places of each zone, so that none need be asked of which it is: places are many, and
 * most lie in few zones. */
struct zone_places {
	size_t *items;		/* owned, by the first zone */
	size_t count;
};

struct atlas {
	struct zone_places zones[AM_SPACE_POLICIES][AM_ZONES_MAX];
};

static void done_atlas(struct atlas *a)
{
	free(a->zones[0][0].items);
}

static const struct zone_places *places_of(const struct atlas *atlas, struct zone zone)
{
	return &atlas->zones[zone.policy][zone.id];
}

static int make_atlas(const struct am_space *space, struct atlas *atlas)
{
	size_t total = 0, *room;

	for (size_t i = 0; i < space->n_places; i++)
		for (unsigned p = 0; p < AM_SPACE_POLICIES; p++)
			total += am_set_count(&space->places[i].in[p]);
	room = calloc(total + 1, sizeof(*room));
	if (!room)
		return -ENOMEM;
	for (unsigned p = 0; p < AM_SPACE_POLICIES; p++)
		for (unsigned id = 0; id < AM_ZONES_MAX; id++) {
			struct zone_places *zone = &atlas->zones[p][id];

			zone->items = room;
			for (size_t i = 0; i < space->n_places; i++)
				if (holds(space, (struct zone){ p, id }, i))
					zone->items[zone->count++] = i;
			room += zone->count;
		}
	return 0;
}

/* Whether all of the zone is hit; then how much of it is still to be told. */
static bool covers(const struct zone_places *places, const bool *hit, const bool *left, size_t *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < places->count; i++) {
		if (!hit[places->items[i]])
			return false;
		n += left[places->items[i]];
	}
	*ret = n;
	return true;
}

/* Of the zones that are hit as a whole the one that says most. */
static bool find_whole(const struct am_differ *d, const struct atlas *atlas, const bool *hit,
		       const bool *left, struct zone *ret)
{
	const unsigned policies[] = { d->has, d->lacks };
	size_t best = 0;

	for (size_t k = 0; k < AM_COUNT(policies); k++) {
		size_t n_zones = AM_ZONE_FIRST_USER + d->space->models[policies[k]]->n_zones;

		for (unsigned id = 0; id < n_zones; id++) {
			struct zone zone = { policies[k], id };
			size_t n;

			if (!covers(places_of(atlas, zone), hit, left, &n) || n <= best)
				continue;
			best = n;
			*ret = zone;
		}
	}
	return best;
}

static void print_part(const struct am_differ *d, struct zone zone, size_t place, FILE *out)
{
	char text[AM_PLACE_TEXT];

	am_place_format(&d->space->places[place], text);
	fputs("part of ", out);
	print_zone(d->space, zone, out);
	fprintf(out, ", such as %s", text);
}

/* ---- telling ---------------------------------------------------------------- */

struct telling {
	const struct am_differ *d;
	const struct atlas *atlas;
	const struct group *group;
	const int *labels;
};

static int tell(const struct telling *t, struct zone zone, bool whole, size_t place)
{
	const struct am_differ *d = t->d;
	const struct am_place *where = &d->space->places[place];
	const char *label = d->space->models[d->has]->labels[t->labels[d->has]].name;
	struct am_access has = send_of(t->labels[d->has], where);
	struct am_access lacks = send_of(t->labels[d->lacks], where);
	am_autofree char *to = NULL;
	size_t len;
	FILE *out = open_memstream(&to, &len);

	if (!out)
		return -ENOMEM;
	if (whole)
		print_zone(d->space, zone, out);
	else
		print_part(d, zone, place, out);
	if (fclose(out))
		return -ENOMEM;
	return am_differ_add(d, &t->group->who, &has,
			     is_known(t->labels[d->lacks], where) ? &lacks : NULL, label, to);
}

/* The zone of the place to which a rule lets send; the last, since `anywhere` is first. */
static struct zone zone_of(const struct telling *t, size_t place)
{
	const struct am_differ *d = t->d;
	unsigned label = d->space->labels[d->has][t->labels[d->has]];
	const struct am_grant *send = d->space->images[d->has]->policy->send[label];
	struct zone zone = { d->has, AM_ZONE_ANYWHERE };

	AM_SET_EACH(id, &d->space->places[place].in[d->has])
		if (t->group->who.subject == AM_SUBJECTS_MAX ||
		    am_set_has(&send[id].allow, t->group->who.subject))
			zone.id = id;
	return zone;
}

static size_t first_of(const bool *left, size_t n)
{
	size_t i = 0;

	while (i < n && !left[i])
		i++;
	return i;
}

static int tell_group(const struct telling *t)
{
	const struct am_space *space = t->d->space;
	am_autofree bool *left = malloc(space->n_places * sizeof(*left));
	size_t place;

	if (!left)
		return -ENOMEM;
	memcpy(left, t->group->hit, space->n_places * sizeof(*left));
	while ((place = first_of(left, space->n_places)) < space->n_places) {
		struct zone zone = { 0 };
		bool whole = find_whole(t->d, t->atlas, t->group->hit, left, &zone);
		const struct zone_places *told;
		int err;

		if (!whole)
			zone = zone_of(t, place);
		while (!holds(space, zone, place) || !left[place])
			place++;
		err = tell(t, zone, whole, place);
		if (err)
			return err;
		told = places_of(t->atlas, zone);
		for (size_t i = 0; i < told->count; i++)
			left[told->items[i]] = false;
	}
	return 0;
}

int am_differ_send(const struct am_differ *d, const int labels[AM_SPACE_POLICIES])
{
	__attribute__((cleanup(done_groups))) struct groups groups = { 0 };
	__attribute__((cleanup(done_atlas))) struct atlas atlas = { 0 };
	int err = make_atlas(d->space, &atlas);

	for (size_t i = 0; !err && i < d->space->n_places; i++)
		err = collect_place(d, labels, i, &groups);
	for (size_t i = 0; !err && i < groups.count; i++)
		err = tell_group(&(struct telling){ d, &atlas, &groups.items[i], labels });
	return err;
}
