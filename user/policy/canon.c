// SPDX-License-Identifier: GPL-2.0
#include "policy/canon.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "policy/reader.h"

struct canon {
	const struct am_model *m;
	struct am_diags *diags;
	FILE *out;		/* keeps its error until it is closed */
};

/* ---- order ------------------------------------------------------------------ */

/* A name and the index that it has in the model. */
struct item {
	const char *name;
	size_t index;
};

struct items {
	struct item *list;	/* owned */
	size_t count;
};

static void done_items(struct items *items)
{
	free(items->list);
}

#define autoitems __attribute__((cleanup(done_items)))

static int by_name(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int make_room(struct items *items, size_t count)
{
	items->list = calloc(count + 1, sizeof(*items->list));
	return items->list ? 0 : -ENOMEM;
}

static void add_item(struct items *items, const char *name, size_t index)
{
	items->list[items->count++] = (struct item){ name, index };
}

static void sort_items(struct items *items)
{
	qsort(items->list, items->count, sizeof(*items->list), by_name);
}

/* All that the policy has of a kind. */
static int list_named(const struct am_model *m, enum am_named named, struct items *ret)
{
	size_t count = am_model_count(m, named);

	if (make_room(ret, count))
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		add_item(ret, am_model_name(m, named, i), i);
	sort_items(ret);
	return 0;
}

/* ---- values ----------------------------------------------------------------- */

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_plain(const char *text)
{
	if (!is_letter_or_digit(text[0]) && text[0] != '/')
		return false;
	for (const char *c = text; *c; c++)
		if (!is_letter_or_digit(*c) && !strchr("/._-", *c))
			return false;
	return true;
}

static void write_text(const struct canon *c, const char *text)
{
	if (is_plain(text)) {
		fputs(text, c->out);
		return;
	}
	fputc('"', c->out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', c->out);
		fputc(*text, c->out);
	}
	fputc('"', c->out);
}

static void write_key(const struct canon *c, const char *key, const char *text)
{
	if (!text)
		return;
	fprintf(c->out, "    %s: ", key);
	write_text(c, text);
	fputc('\n', c->out);
}

static void write_items(const struct canon *c, const struct items *items)
{
	for (size_t i = 0; i < items->count; i++) {
		fputs("      - ", c->out);
		write_text(c, items->list[i].name);
		fputc('\n', c->out);
	}
}

static const char *mode_name(enum am_mode mode)
{
	return mode == AM_MODE_ENFORCE ? "enforce" : "observe";
}

/* ---- sections --------------------------------------------------------------- */

static int write_labels(const struct canon *c)
{
	autoitems struct items labels = { 0 };

	if (list_named(c->m, AM_NAMED_LABEL, &labels))
		return -ENOMEM;
	if (labels.count)
		fputs("labels:\n", c->out);
	for (size_t i = 0; i < labels.count; i++)
		fprintf(c->out, "  - %s\n", labels.list[i].name);
	return 0;
}

static int write_store_lists(const struct canon *c, const struct am_model_store *s)
{
	autoitems struct items paths = { 0 }, labels = { 0 };

	if (make_room(&paths, s->n_paths) || make_room(&labels, s->n_labels))
		return -ENOMEM;
	for (size_t i = 0; i < s->n_paths; i++)
		add_item(&paths, s->paths[i].path, i);
	for (size_t i = 0; i < s->n_labels; i++)
		add_item(&labels, c->m->labels[s->labels[i]].name, i);
	sort_items(&paths);
	sort_items(&labels);
	fputs("    paths:\n", c->out);
	write_items(c, &paths);
	fputs("    labels:\n", c->out);
	write_items(c, &labels);
	return 0;
}

static int write_store(const struct canon *c, const struct am_model_store *s)
{
	fprintf(c->out, "  %s:\n", s->name);
	if (write_store_lists(c, s))
		return -ENOMEM;
	write_key(c, "class", s->class);
	write_key(c, "mode", s->mode != c->m->mode ? mode_name(s->mode) : NULL);
	write_key(c, "spill", s->spill_deny ? "deny" : NULL);
	write_key(c, "on-error", s->error_allow ? "allow" : NULL);
	write_key(c, "strict", s->strict ? "true" : NULL);
	return 0;
}

static int write_stores(const struct canon *c)
{
	autoitems struct items stores = { 0 };

	if (list_named(c->m, AM_NAMED_STORE, &stores))
		return -ENOMEM;
	if (stores.count)
		fputs("stores:\n", c->out);
	for (size_t i = 0; i < stores.count; i++)
		if (write_store(c, &c->m->stores[stores.list[i].index]))
			return -ENOMEM;
	return 0;
}

static void write_subject(const struct canon *c, const struct am_model_subject *s)
{
	bool empty = !s->exe && !s->user && !s->group && !s->third_party;

	fprintf(c->out, "  %s:%s\n", s->name, empty ? " {}" : "");
	write_key(c, "exe", s->exe);
	write_key(c, "user", s->user);
	write_key(c, "group", s->group);
	write_key(c, "third-party", s->third_party);
}

static int write_subjects(const struct canon *c)
{
	autoitems struct items subjects = { 0 };

	if (list_named(c->m, AM_NAMED_SUBJECT, &subjects))
		return -ENOMEM;
	if (subjects.count)
		fputs("subjects:\n", c->out);
	for (size_t i = 0; i < subjects.count; i++)
		write_subject(c, &c->m->subjects[subjects.list[i].index]);
	return 0;
}

/* ---- zones ------------------------------------------------------------------ */

static int by_net(const void *a, const void *b)
{
	const struct am_model_net *x = a, *y = b;
	int order = memcmp(x->addr, y->addr, sizeof(x->addr));

	return order ? order : (int)x->prefix - (int)y->prefix;
}

static int by_port(const void *a, const void *b)
{
	const struct am_model_port *x = a, *y = b;

	return x->proto != y->proto ? (int)x->proto - (int)y->proto : (int)x->port - (int)y->port;
}

static void *sorted_copy(const void *items, size_t count, size_t size,
			 int (*order)(const void *a, const void *b))
{
	void *copy = calloc(count + 1, size);

	if (!copy || !count)
		return copy;
	memcpy(copy, items, count * size);
	qsort(copy, count, size, order);
	return copy;
}

static void write_net(const struct canon *c, const struct am_model_net *net)
{
	char text[INET6_ADDRSTRLEN + 8];

	am_net_format(net->addr, net->prefix, text, sizeof(text));
	fputs("      - ", c->out);
	write_text(c, text);
	fputc('\n', c->out);
}

static void write_port(const struct canon *c, const struct am_model_port *port)
{
	fprintf(c->out, "      - %s", port->proto == IPPROTO_TCP ? "tcp" : "udp");
	if (port->port)
		fprintf(c->out, "/%u", port->port);
	fputc('\n', c->out);
}

static int write_zone(const struct canon *c, const struct am_model_zone *z)
{
	am_autofree struct am_model_net *nets =
		sorted_copy(z->nets, z->n_nets, sizeof(*nets), by_net);
	am_autofree struct am_model_port *ports =
		sorted_copy(z->ports, z->n_ports, sizeof(*ports), by_port);

	if (!nets || !ports)
		return -ENOMEM;
	fprintf(c->out, "  %s:\n", z->name);
	if (z->n_nets)
		fputs("    cidr:\n", c->out);
	else if (!z->n_ports)	/* a zone names something */
		fputs("    cidr: any\n", c->out);
	for (size_t i = 0; i < z->n_nets; i++)
		write_net(c, &nets[i]);
	if (z->n_ports)
		fputs("    ports:\n", c->out);
	for (size_t i = 0; i < z->n_ports; i++)
		write_port(c, &ports[i]);
	return 0;
}

static int write_zones(const struct canon *c)
{
	autoitems struct items zones = { 0 };

	if (list_named(c->m, AM_NAMED_ZONE, &zones))
		return -ENOMEM;
	if (zones.count)
		fputs("zones:\n", c->out);
	for (size_t i = 0; i < zones.count; i++)
		if (write_zone(c, &c->m->zones[zones.list[i].index]))
			return -ENOMEM;
	return 0;
}

/* ---- rules ------------------------------------------------------------------ */

static const char *name_in_rule(const struct am_model *m, enum am_named named, int index)
{
	if (index == AM_RULE_EVERYTHING)
		return "everything";
	return named == AM_NAMED_ZONE ? am_model_zone_name(m, index)
				      : am_model_name(m, named, index);
}

static int write_names(const struct am_model *m, enum am_named named, const int *list, size_t n,
		       FILE *out)
{
	autoitems struct items names = { 0 };

	if (make_room(&names, n))
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		add_item(&names, name_in_rule(m, named, list[i]), i);
	sort_items(&names);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%s", i ? ", " : " ", names.list[i].name);
	return 0;
}

static int write_rule(const struct am_model *m, const struct am_model_rule *rule, FILE *out)
{
	bool read = rule->ops >> AM_OP_READ & 1, write = rule->ops >> AM_OP_WRITE & 1;

	fprintf(out, "%s %s to", rule->deny ? "deny" : "allow",
		rule->subject == AM_RULE_ANYBODY ? "anyone" : m->subjects[rule->subject].name);
	if (rule->ops >> AM_OP_SEND & 1) {
		fputs(" send", out);
		if (write_names(m, AM_NAMED_LABEL, rule->labels, rule->n_labels, out))
			return -ENOMEM;
		fputs(" to", out);
		return write_names(m, AM_NAMED_ZONE, rule->zones, rule->n_zones, out);
	}
	fputs(read && write ? " read, write" : read ? " read" : " write", out);
	return write_names(m, AM_NAMED_STORE, rule->stores, rule->n_stores, out);
}

static int rule_text(const struct am_model *m, const struct am_model_rule *rule, char **ret)
{
	am_autofree char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int err;

	if (!out)
		return -ENOMEM;
	err = write_rule(m, rule, out);
	if (fclose(out) != 0 || err)	/* the only error of a stream in memory */
		return -ENOMEM;
	*ret = AM_TAKE_PTR(text);
	return 0;
}

struct texts {
	char **list;		/* owned, and so is each */
	size_t count;
};

static void done_texts(struct texts *texts)
{
	for (size_t i = 0; i < texts->count; i++)
		free(texts->list[i]);
	free(texts->list);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_rules(const struct canon *c, struct texts *ret)
{
	const struct am_model *m = c->m;

	ret->list = calloc(m->n_rules + 1, sizeof(*ret->list));
	if (!ret->list)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_rules; i++) {
		if (rule_text(m, &m->rules[i], &ret->list[i]))
			return -ENOMEM;
		ret->count++;
		if (strlen(ret->list[i]) <= AM_RULE_LEN_MAX)
			continue;
		am_diags_add(c->diags, AM_SEVERITY_ERROR, m->rules[i].pos, "Write several rules.",
			     "with a blank after each ',' the rule is longer than %d bytes",
			     AM_RULE_LEN_MAX);
		return -EFBIG;
	}
	qsort(ret->list, ret->count, sizeof(*ret->list), by_text);
	return 0;
}

static int write_rules(const struct canon *c)
{
	__attribute__((cleanup(done_texts))) struct texts texts = { 0 };
	int err;

	err = list_rules(c, &texts);
	if (err)
		return err;
	if (texts.count)
		fputs("rules:\n", c->out);
	for (size_t i = 0; i < texts.count; i++)
		if (!i || strcmp(texts.list[i - 1], texts.list[i]))
			fprintf(c->out, "  - %s\n", texts.list[i]);
	return 0;
}

/* ---- the whole -------------------------------------------------------------- */

static int write_policy(const struct canon *c)
{
	int err;

	fprintf(c->out, "version: 1\nname: %s\nmode: %s\n", c->m->name, mode_name(c->m->mode));
	err = write_labels(c);
	if (!err)
		err = write_stores(c);
	if (!err)
		err = write_subjects(c);
	if (!err)
		err = write_zones(c);
	return err ? err : write_rules(c);
}

int am_canon_write(const struct am_model *m, struct am_diags *diags, char **ret, size_t *ret_len)
{
	am_autofree char *text = NULL;
	size_t len;
	struct canon c = { .m = m, .diags = diags, .out = open_memstream(&text, &len) };
	int err;

	if (!c.out)
		return -ENOMEM;
	err = write_policy(&c);
	if (fclose(c.out) != 0)
		return -ENOMEM;
	if (err)
		return err;
	if (len > AM_POLICY_BYTES_MAX) {
		am_diags_add(diags, AM_SEVERITY_ERROR, (struct am_pos){ .file = m->file },
			     "Name folders and networks that hold several others.",
			     "the canonical text of the policy is larger than 1 MiB");
		return -EFBIG;
	}
	*ret = AM_TAKE_PTR(text);
	*ret_len = len;
	return 0;
}
