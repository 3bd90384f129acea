// SPDX-License-Identifier: GPL-2.0
#include "policy/canon.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "policy/sentence.h"
#include "policy/sorted.h"

struct canon {
	const struct am_model *m;
	struct am_diags *diags;
	FILE *out;		/* keeps its error until it is closed */
};

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

static void write_item(const struct canon *c, const char *text)
{
	fputs("      - ", c->out);
	write_text(c, text);
	fputc('\n', c->out);
}

static void write_list(const struct canon *c, const char *key, struct am_sorted *items)
{
	am_sorted_sort(items);
	if (items->count)
		fprintf(c->out, "    %s:\n", key);
	for (size_t i = 0; i < items->count; i++)
		write_item(c, items->items[i].name);
}

static const char *mode_name(enum am_mode mode)
{
	return mode == AM_MODE_ENFORCE ? "enforce" : "observe";
}

/* ---- sections of names ------------------------------------------------------ */

/* A section that is a list of names. */
static int write_plain_names(const struct canon *c, const char *section, enum am_named named)
{
	am_autosorted struct am_sorted names = { 0 };

	if (am_sorted_named(&names, c->m, named))
		return -ENOMEM;
	if (names.count)
		fprintf(c->out, "%s:\n", section);
	for (size_t i = 0; i < names.count; i++)
		fprintf(c->out, "  - %s\n", names.items[i].name);
	return 0;
}

/* A section of names with keys below them. */
static int write_entries(const struct canon *c, const char *section, enum am_named named,
			 int (*write)(const struct canon *c, size_t index))
{
	am_autosorted struct am_sorted names = { 0 };

	if (am_sorted_named(&names, c->m, named))
		return -ENOMEM;
	if (names.count)
		fprintf(c->out, "%s:\n", section);
	for (size_t i = 0; i < names.count; i++)
		if (write(c, names.items[i].index))
			return -ENOMEM;
	return 0;
}

/* ---- stores ----------------------------------------------------------------- */

static int write_paths(const struct canon *c, const struct am_model_store *s)
{
	am_autosorted struct am_sorted paths = { 0 };

	for (size_t i = 0; i < s->n_paths; i++)
		if (am_sorted_add(&paths, s->paths[i].path, i))
			return -ENOMEM;
	write_list(c, "paths", &paths);
	return 0;
}

static int write_indices(const struct canon *c, const char *key, enum am_named named,
			 const unsigned *list, size_t n)
{
	am_autosorted struct am_sorted names = { 0 };

	for (size_t i = 0; i < n; i++)
		if (am_sorted_add(&names, am_model_name(c->m, named, list[i]), i))
			return -ENOMEM;
	write_list(c, key, &names);
	return 0;
}

static int write_store(const struct canon *c, size_t index)
{
	const struct am_model_store *s = &c->m->stores[index];

	fprintf(c->out, "  %s:\n", s->name);
	if (write_paths(c, s) ||
	    write_indices(c, "labels", AM_NAMED_LABEL, s->labels, s->n_labels) ||
	    write_indices(c, "purposes", AM_NAMED_PURPOSE, s->purposes, s->n_purposes))
		return -ENOMEM;
	write_key(c, "class", s->class);
	write_key(c, "mode", s->mode != c->m->mode ? mode_name(s->mode) : NULL);
	write_key(c, "spill", s->spill_deny ? "deny" : NULL);
	write_key(c, "on-error", s->error_allow ? "allow" : NULL);
	write_key(c, "strict", s->strict ? "true" : NULL);
	return 0;
}

/* ---- subjects --------------------------------------------------------------- */

static void write_digest(const struct canon *c, const struct am_model_subject *s)
{
	if (!s->pinned)
		return;
	fputs("    sha256: ", c->out);
	for (size_t i = 0; i < AM_SHA256_BYTES; i++)
		fprintf(c->out, "%02x", s->sha256[i]);
	fputc('\n', c->out);
}

static bool is_empty(const struct am_model_subject *s)
{
	return !s->exe && !s->pinned && !s->user && !s->group && !s->login && !s->unit &&
	       !s->cgroup && !s->script && !s->purpose && !s->third_party;
}

static int write_subject(const struct canon *c, size_t index)
{
	const struct am_model_subject *s = &c->m->subjects[index];

	fprintf(c->out, "  %s:%s\n", s->name, is_empty(s) ? " {}" : "");
	write_key(c, "exe", s->exe);
	write_digest(c, s);
	write_key(c, "user", s->user);
	write_key(c, "group", s->group);
	write_key(c, "login", s->login);
	write_key(c, "unit", s->unit);
	write_key(c, "cgroup", s->cgroup);
	write_key(c, "script", s->script);
	write_key(c, "purpose", s->purpose);
	write_key(c, "third-party", s->third_party);
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

	if (x->proto != y->proto)
		return (int)x->proto - (int)y->proto;
	return x->port != y->port ? (int)x->port - (int)y->port : (int)x->last - (int)y->last;
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
	write_item(c, text);
}

static void write_port(const struct canon *c, const struct am_model_port *port)
{
	fprintf(c->out, "      - %s", am_proto_name(port->proto));
	if (port->port)
		fprintf(c->out, "/%u", port->port);
	if (port->last != port->port)
		fprintf(c->out, "-%u", port->last);
	fputc('\n', c->out);
}

static int write_zone(const struct canon *c, size_t index)
{
	const struct am_model_zone *z = &c->m->zones[index];
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

/* ---- sentences -------------------------------------------------------------- */

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

#define autotexts __attribute__((cleanup(done_texts)))

/* Takes the text. */
static int add_text(const struct canon *c, struct texts *texts, char *text, struct am_pos pos,
		    const char *what)
{
	size_t len = strlen(text);

	if (AM_APPEND(texts->list, texts->count, text)) {
		free(text);
		return -ENOMEM;
	}
	if (len <= AM_RULE_LEN_MAX)
		return 0;
	am_diags_add(c->diags, AM_SEVERITY_ERROR, pos, "Write several of them.",
		     "with a blank after each ',' the %s is longer than %d bytes", what,
		     AM_RULE_LEN_MAX);
	return -EFBIG;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void write_texts(const struct canon *c, const char *section, struct texts *texts)
{
	if (!texts->count)
		return;
	qsort(texts->list, texts->count, sizeof(*texts->list), by_text);
	fprintf(c->out, "%s:\n", section);
	for (size_t i = 0; i < texts->count; i++)
		if (!i || strcmp(texts->list[i - 1], texts->list[i]))
			fprintf(c->out, "  - %s\n", texts->list[i]);
}

static int write_rules(const struct canon *c)
{
	autotexts struct texts texts = { 0 };

	for (size_t i = 0; i < c->m->n_rules; i++) {
		char *text;
		int err = am_sentence_rule(c->m, &c->m->rules[i], &text);

		if (!err)
			err = add_text(c, &texts, text, c->m->rules[i].pos, "rule");
		if (err)
			return err;
	}
	write_texts(c, "rules", &texts);
	return 0;
}

static int write_invariants(const struct canon *c)
{
	autotexts struct texts texts = { 0 };

	for (size_t i = 0; i < c->m->n_invariants; i++) {
		char *text;
		int err = am_sentence_invariant(c->m, &c->m->invariants[i], &text);

		if (!err)
			err = add_text(c, &texts, text, c->m->invariants[i].pos, "invariant");
		if (err)
			return err;
	}
	write_texts(c, "invariants", &texts);
	return 0;
}

/* ---- the whole -------------------------------------------------------------- */

static int write_policy(const struct canon *c)
{
	int err;

	fprintf(c->out, "version: 1\nname: %s\nmode: %s\n", c->m->name, mode_name(c->m->mode));
	if (write_plain_names(c, "labels", AM_NAMED_LABEL) ||
	    write_plain_names(c, "purposes", AM_NAMED_PURPOSE) ||
	    write_entries(c, "stores", AM_NAMED_STORE, write_store) ||
	    write_entries(c, "subjects", AM_NAMED_SUBJECT, write_subject) ||
	    write_entries(c, "zones", AM_NAMED_ZONE, write_zone))
		return -ENOMEM;
	err = write_rules(c);
	return err ? err : write_invariants(c);
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
			     "the canonical text of the policy is larger than 4 MiB");
		return -EFBIG;
	}
	*ret = AM_TAKE_PTR(text);
	*ret_len = len;
	return 0;
}
